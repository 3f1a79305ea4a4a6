"""What a host exports of each of its runners: the same looks as status, stop-check and preflight take, once each.

The abort conditions are those that hold since an operator last resumed the phase, as ``--enforce`` takes them: one
that is known must not hide the next.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from genesis_ops.checks.model import Report
from genesis_ops.checks.preflight import preflight
from genesis_ops.clients.clock import Clock
from genesis_ops.collect import host, status
from genesis_ops.collect.judgement import (
    Asked,
    day_zero_ms,
    has_begun,
    judge_stop,
    last_resume_ms,
    newest_line_ms,
    phase_end_ms,
)
from genesis_ops.collect.where import source
from genesis_ops.errors import GenesisError
from genesis_ops.report.metrics import SOURCES, Counted, Export
from genesis_ops.runlog.events import Evaluation
from genesis_ops.settings import Settings, load

T = TypeVar("T")
Told = Callable[[str], None]
"""Tells a person what could not be looked at."""

RUNNERS = Path("config", "runners")
"""Where a root has the settings of further runners, a file each."""


def exports(own: Settings, environ: Mapping[str, str], clock: Clock, told: Told) -> tuple[Export, ...]:
    """Look at every runner of a root: each that has settings of its own, and the root's own if nothing else speaks."""
    found: dict[str, Export] = {}
    for path in further(own.root):
        made = _filed(own.root, path, environ, clock, told)
        name = path.stem if made.market in found else made.market  # a series that came twice would spoil the file
        found[name] = made._replace(market=name)
    market = f"{own.symbol} {own.timeframe}"
    if not found or (market not in found and newest_line_ms(own.log_dir) is not None):
        found[market] = export(own, clock, told)
    return tuple(found.values())


def further(root: Path) -> tuple[Path, ...]:
    """Name the settings files of the runners that have one of their own."""
    return tuple(sorted((root / RUNNERS).glob("*.toml")))


def _filed(root: Path, path: Path, environ: Mapping[str, str], clock: Clock, told: Told) -> Export:
    name = path.stem.replace("-", " ")
    settings = _tried(f"{name}: settings", lambda: load({"root": root}, environ, path).settings, told)
    return Export(name, clock.now_ms(), frozenset(SOURCES)) if settings is None else export(settings, clock, told)


def export(settings: Settings, clock: Clock, told: Told) -> Export:
    """Look at one runner; what cannot be looked at is named, and hides nothing else."""
    market, now_ms = f"{settings.symbol} {settings.timeframe}", clock.now_ms()
    seen = _tried(f"{market}: status", lambda: status.look(settings, clock), told)
    stop = _tried(f"{market}: stop-check", lambda: _standing(settings, now_ms), told)
    ready = _tried(f"{market}: preflight", lambda: preflight(host.look(settings, clock)), told)
    found = {"status": seen, "stop-check": stop, "preflight": ready}
    return Export(
        market,
        now_ms,
        frozenset(name for name, made in found.items() if made is None),
        has_begun(settings, now_ms) and now_ms < phase_end_ms(settings),
        seen,
        tuple(filter(None, (None if stop is None else stop[0], ready))),
        None if stop is None else stop[1],
    )


def _standing(settings: Settings, now_ms: int) -> tuple[Report, Counted]:
    """Judge by the abort conditions, and count, from the last resume on."""
    with source(settings, None) as where:
        start_ms = max(day_zero_ms(settings), last_resume_ms(where.log_dir, now_ms) or 0)
        end_ms = min(now_ms, max(start_ms, phase_end_ms(settings)))
        report, evidence = judge_stop(settings, where, Asked(start_ms, end_ms, now_ms))
    closes = evidence.log.closes
    asked = sum(isinstance(line.event, Evaluation) for close in closes for line in close.evaluations)
    return report, Counted(len({close.ts for close in closes}), asked)


def _tried(what: str, look: Callable[[], T], told: Told) -> T | None:
    try:
        return look()
    except GenesisError as error:
        told(f"{what}: {error.message}")
    except Exception as error:  # noqa: BLE001 - a defect in one look must not hide what the others see
        told(f"{what}: {type(error).__name__}: {error}")
    return None
