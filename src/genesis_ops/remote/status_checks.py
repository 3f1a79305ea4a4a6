"""Whether a host's services are as the runbook wants them (Remote hosting): a pure function a check."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import datetime
from ipaddress import ip_address
from typing import NamedTuple

from genesis_ops import __version__
from genesis_ops.checks.model import Check, Judged, Outcome, Report, Result, judge
from genesis_ops.host.look import Look, ServerLook
from genesis_ops.remote.again import again
from genesis_ops.remote.status import Seen
from genesis_ops.words import Exit, duration

_NOT_SEEN = Result(Outcome.SKIP, "the host was not seen")
_ENDED_BADLY = {"stuck", "died"}


class Evidence(NamedTuple):
    """A host as it was seen; a restart younger than ``stable_ms`` counts as one that may come again."""

    seen: Seen
    stable_ms: int


def reports(hosts: Sequence[Seen], now_ms: int, stable_ms: int, market: str) -> Report:
    """Judge every host; with several each check's id begins with the host's name."""
    found = [(seen, each) for seen in hosts for each in judge(CHECKS, Evidence(seen, stable_ms), str)]
    several = len(hosts) > 1
    checks = tuple(
        each._replace(number=number, id=f"{seen.target}/{each.id}" if several else each.id)
        for number, (seen, each) in enumerate(found, 1)
    )
    subject = f"{len(hosts)} hosts" if several else hosts[0].target
    report = Report("remote status", subject, market, now_ms, checks)
    absent = any(seen.is_unreachable for seen in hosts) and report.verdict is Outcome.UNKNOWN
    return report._replace(overruled=Exit.REMOTE_UNAVAILABLE if absent else None)


def of_host(report: Report, place: int) -> tuple[Judged, ...]:
    """Give the checks of one host out of a report of several."""
    return report.checks[place * len(CHECKS) : (place + 1) * len(CHECKS)]


def moment_ms(text: str) -> int | None:
    """Read a time that a host told (ms, UTC); None where it told none."""
    with suppress(ValueError, OverflowError):
        return int(datetime.fromisoformat(text).timestamp() * 1000)
    return None


def up_seconds(look: Look, since: str) -> float | None:
    """Tell how long something has lasted by the host's own clock; None where it was not told."""
    began, now = moment_ms(since), moment_ms(look.at)
    return None if began is None or now is None else (now - began) / 1000


def _reached(evidence: Evidence) -> Result:
    look, error = evidence.seen.look, evidence.seen.error
    if look is None:
        remedy = error.next_command if error is not None else ""
        return Result(Outcome.UNKNOWN, "; ".join(_told(error)), remedy=remedy)
    if look.troubles:
        return Result(Outcome.UNKNOWN, "; ".join(look.troubles))
    return Result(Outcome.PASS, f"{look.host} answers")


def _told(error: Exception | None) -> Iterable[str]:
    yield str(error)
    yield from getattr(error, "notes", ())


def _version(evidence: Evidence) -> Result:
    look = evidence.seen.look
    if look is None:
        return _NOT_SEEN
    if look.version == __version__:
        return Result(Outcome.PASS, look.version, look.version, __version__)
    why = f"{look.version} there, {__version__} here"
    return Result(Outcome.WARN, why, look.version, __version__, remedy=again(evidence.seen.target, "install"))


def _units(evidence: Evidence) -> Result:
    look = evidence.seen.look
    if look is None:
        return _NOT_SEEN
    if not look.units:
        return Result(Outcome.UNKNOWN, "nothing is known of the units")
    bad = [unit for unit in look.units if unit.load != "loaded" or unit.active != "active"]
    if not bad:
        return Result(Outcome.PASS, "active", len(look.units), len(look.units))
    why = "; ".join(f"{unit.name} is {unit.active if unit.load == 'loaded' else unit.load}" for unit in bad)
    missing = any(unit.load != "loaded" for unit in bad)
    remedy = "genesis-ops units install (there)" if missing else _logs(evidence, _short(bad[0].name))
    return Result(Outcome.FAIL, why, len(look.units) - len(bad), len(look.units), remedy=remedy)


def _restarts(evidence: Evidence) -> Result:
    look = evidence.seen.look
    if look is None:
        return _NOT_SEEN
    total = sum(unit.restarts for unit in look.units)
    rising = [
        (unit, up)
        for unit in look.units
        if unit.restarts and (up := up_seconds(look, unit.since)) is not None and up * 1000 < evidence.stable_ms
    ]
    if not rising:
        return Result(Outcome.PASS, f"{total}, none within {duration(evidence.stable_ms / 1000)}", total)
    why = "; ".join(f"{unit.name} was started again {duration(up)} ago ({unit.restarts} times)" for unit, up in rising)
    return Result(Outcome.WARN, why, total, remedy=_logs(evidence, _short(rising[0][0].name)))


def _uvicorn(evidence: Evidence) -> Result:
    look = evidence.seen.look
    if look is None:
        return _NOT_SEEN
    count = len(look.uvicorns)
    if count == 1:
        return Result(Outcome.PASS, "one", 1, 1)
    if look.port is None and not count:
        return Result(Outcome.SKIP, "the API is on another host")
    pids = ", ".join(f"pid {each.pid} ({each.user})" for each in look.uvicorns)
    return Result(
        Outcome.FAIL, f"{count}: {pids}" if count else "none runs", count, 1, remedy="pgrep -af uvicorn (there)"
    )


def _port(evidence: Evidence) -> Result:
    look = evidence.seen.look
    if look is None:
        return _NOT_SEEN
    if look.port is None:
        return Result(Outcome.SKIP, "the API is on another host")
    if not look.listeners:
        return Result(Outcome.FAIL, f"nothing listens on port {look.port}", remedy=_logs(evidence, "api"))
    open_ones = [each for each in look.listeners if not _is_loopback(each)]
    if not open_ones:
        return Result(Outcome.PASS, f"{look.port} on {', '.join(sorted({each.address for each in look.listeners}))}")
    why = f"{look.port} is open on {', '.join(each.address or '?' for each in open_ones)}"
    return Result(Outcome.FAIL, why, remedy="let genesis-paper listen on 127.0.0.1 alone")


def _operation(evidence: Evidence) -> Result:
    look = evidence.seen.look
    if look is None:
        return _NOT_SEEN
    last = look.operation
    if last is None:
        return Result(Outcome.PASS, "none yet")
    told = f"{last.id} by {last.owner}: {last.state}{f' at {last.step}' if last.step else ''}"
    if last.state in _ENDED_BADLY:
        return Result(Outcome.FAIL, told, remedy="; ".join(last.next) or again(evidence.seen.target, "attach"))
    return Result(Outcome.PASS, told)


def _is_loopback(listener: ServerLook) -> bool:
    try:
        return ip_address(listener.address.partition("%")[0].strip("[]")).is_loopback
    except ValueError:
        return listener.address == "localhost"


def _logs(evidence: Evidence, service: str) -> str:
    return again(evidence.seen.target, "logs", service)


def _short(unit: str) -> str:
    return "api" if "paper" in unit else "runner"


CHECKS = (
    Check("reached", "the host answers", _reached),
    Check("version", "same genesis-ops", _version),
    Check("units", "services active", _units),
    Check("restarts", "restarts not rising", _restarts),
    Check("uvicorn", "one API server", _uvicorn),
    Check("port", "API on loopback alone", _port),
    Check("operation", "last operation in order", _operation),
)
"""Every check of a host, in the order in which they are shown."""
