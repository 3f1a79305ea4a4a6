"""A verification as it goes on and what it shows beside its report: steps, wallets, an order before it is sent."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from genesis_ops import __version__
from genesis_ops.checks.model import Judged, Outcome, verdict
from genesis_ops.journal.wallet import currencies
from genesis_ops.report.cells import cells
from genesis_ops.report.text import Line, Page, Span, amount, mark
from genesis_ops.state.baseline import Baseline
from genesis_ops.words import iso, stamp

SCHEMA = "genesis-ops.baseline/1"

_STEP = 9


class Step(NamedTuple):
    """One of the six: its name, what its checks came to, and how long it took (seconds)."""

    name: str
    checks: Sequence[Judged]
    seconds: float

    @property
    def outcome(self) -> Outcome:
        """The worst of its checks; SKIP where none was done."""
        outcomes = {judged.outcome for judged in self.checks}
        return Outcome.SKIP if outcomes <= {Outcome.SKIP} else verdict(outcomes)


def step_line(step: Step, page: Page) -> Line:
    """Draw a step that is done in one line: its mark, its name, how long it took, and what was found."""
    told = next((judged.detail for judged in step.checks if judged.outcome is step.outcome), "")
    lead = f" {step.name:<{_STEP}}{step.seconds:>6.1f}s  "
    return (Span("  "), mark(step.outcome, page), Span(lead), Span(page.cut(told, max(10, page.width - 3 - len(lead)))))


def question(symbol: str, side: str, size: float, wallets: Mapping[str, float], page: Page) -> Iterator[Line]:
    """Draw an order that was not sent yet, and what the wallets hold."""
    base, quote = currencies(symbol)
    yield (Span("Manual order  ", "bold"), Span(page.cut(f"{side} {size:.8g} {base} on {symbol}", page.width - 14)))
    for name in (base, quote):
        yield from page.under("  ", f"the wallet holds {amount(wallets.get(name))} {name}")


def baseline(found: Baseline, symbol: str, place: str, page: Page) -> Iterator[Line]:
    """Draw a baseline: the pair's currencies first, then every other one."""
    yield from page.under("Baseline  ", f"{stamp(found.at_ms)} UTC by {found.by}", "bold")
    pair = currencies(symbol)
    names = dict.fromkeys((*pair, *sorted(found.balances)))
    width = min(max(cells(page.shown(name)) for name in names), page.width // 2)
    for name in names:
        shown = page.cut(name, width)
        told = amount(found.balances.get(name)) if name in found.balances else "not named: nothing was ever in it"
        yield (
            Span(f"  {shown}{' ' * (width - cells(shown))}  "),
            Span(page.cut(told, page.width - width - 4), "bold" if name in pair else ""),
        )
    yield from page.under("  ", f"in {place}", "dim")


def baseline_as_json(found: Baseline | None, place: str) -> str:
    """Write a baseline as one object in ASCII; its time and balances are null where there is none."""
    document: dict[str, Any] = {
        "schema": SCHEMA,
        "version": __version__,
        "file": place,
        "at": None if found is None else iso(found.at_ms),
        "by": None if found is None else found.by,
        "balances": None if found is None else dict(sorted(found.balances.items())),
    }
    return json.dumps(document, indent=2, allow_nan=False) + "\n"
