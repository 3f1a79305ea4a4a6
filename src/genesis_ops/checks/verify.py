"""Is the system working end to end after a change: six steps' checks (runbook, Execution Verification Checklist)."""

import json
from typing import NamedTuple

from genesis_ops.checks.api_health import api_health
from genesis_ops.checks.host import BindError
from genesis_ops.checks.model import Check, E, Judged, Movement, Outcome, Report, Result, judge
from genesis_ops.checks.verify_delta import DELTA
from genesis_ops.checks.verify_logs import LOGS
from genesis_ops.checks.verify_order import ORDER
from genesis_ops.checks.verify_services import SERVICES
from genesis_ops.clients.health import Answer, Health
from genesis_ops.clients.process import Listeners
from genesis_ops.journal.wallet import currencies
from genesis_ops.settings import Settings
from genesis_ops.state.baseline import Baseline
from genesis_ops.words import stamp, visible

COMMAND = "verify"
_SHOWN = 12


class HealthSeen(NamedTuple):
    """The API's answer, and who holds its port where it is not well."""

    settings: Settings
    health: Health
    listeners: Listeners | None = None
    bind_error: BindError | None = None


class WalletsSeen(NamedTuple):
    """The wallets as two readings agreed, and where they are written down; or why they could not be read."""

    symbol: str
    file: str
    baseline: Baseline | None = None
    trouble: str = ""
    remedy: str = ""


def verify_config(seen: HealthSeen) -> Result:
    """Ask whether the API names the configuration that it runs with."""
    if seen.health.answer is not Answer.OK:
        return Result(Outcome.SKIP, "the API is not well, so what it says of itself is nobody's configuration")
    version, mark = configuration(seen.health.reply)
    if version and mark:
        return Result(Outcome.PASS, f"version {version}, hash {mark[:_SHOWN]}", mark)
    missing = "hash" if version else "version" if mark else "version and no hash"
    detail = f"the API names no {missing} of its configuration"
    return Result(Outcome.WARN, detail, mark or None, remedy=f"curl -fsS {seen.settings.api_url}/config/runtime")


def configuration(reply: str) -> tuple[str, str]:
    """Take version and hash of the configuration out of a health reply; empty where it does not name them."""
    try:
        document = json.loads(reply.partition("{")[1] + reply.partition("{")[2])
    except (ValueError, RecursionError):
        return "", ""
    names = ("config_version", "config_hash")
    found = [document.get(name) if isinstance(document, dict) else None for name in names]
    version, mark = ("" if each is None else visible(str(each)) for each in found)
    return version, mark


def verify_wallets(seen: WalletsSeen) -> Result:
    """Ask whether the wallets could be read and the baseline is written down."""
    if seen.baseline is None:
        return Result(Outcome.UNKNOWN, seen.trouble, remedy=seen.remedy)
    named = [f"{name} {_amount(seen.baseline, name)}" for name in currencies(seen.symbol)]
    detail = f"baseline of {stamp(seen.baseline.at_ms)[11:]}: {', '.join(named)}"
    return Result(Outcome.PASS, visible(detail), seen.file)


def _amount(baseline: Baseline, name: str) -> str:
    found = baseline.balances.get(name)
    return "not named" if found is None else f"{found:,.8f}".rstrip("0").rstrip(".")


HEALTH: tuple[Check[HealthSeen], ...] = (
    Check("verify-health", "The API answers that it is well", api_health),
    Check("verify-config", "The API names its configuration", verify_config),
)
WALLETS: tuple[Check[WalletsSeen], ...] = (
    Check("verify-wallets", "The wallets are read and their baseline is kept", verify_wallets),
)
STEPS = ("health", "wallets", "order", "delta", "services", "logs")
"""The runbook's six, in order."""


def judged_health(seen: HealthSeen) -> tuple[Judged, ...]:
    """Judge the API's answer."""
    return judge(HEALTH, seen, str)


def skipped(step: str, why: str) -> tuple[Judged, ...]:
    """Give a step's checks as not done, with the reason."""
    done: dict[str, tuple[tuple[str, str], ...]] = {
        "health": _named(HEALTH),
        "wallets": _named(WALLETS),
        "order": _named(ORDER),
        "delta": _named(DELTA),
        "services": _named(SERVICES),
        "logs": _named(LOGS),
    }
    return tuple(
        Judged(number, name, title, Outcome.SKIP, None, None, why, (), "")
        for number, (name, title) in enumerate(done[step], 1)
    )


def _named(checks: tuple[Check[E], ...]) -> tuple[tuple[str, str], ...]:
    return tuple((check.id, check.title) for check in checks)


def report(  # noqa: PLR0913 - everything that a report of a verification has
    settings: Settings,
    now_ms: int,
    checks: tuple[Judged, ...],
    *,
    step: str = "",
    strict: bool = False,
    wallets: tuple[Movement, ...] = (),
) -> Report:
    """Make the report of a step, or of all of them, its checks numbered in a row."""
    return Report(
        command=f"{COMMAND} {step}".rstrip(),
        subject=f"{visible(settings.api_url)} at {stamp(now_ms)} UTC",
        market=f"{settings.symbol} {settings.timeframe}",
        generated_ms=now_ms,
        checks=tuple(judged._replace(number=number) for number, judged in enumerate(checks, 1)),
        strict=strict,
        wallets=wallets,
    )
