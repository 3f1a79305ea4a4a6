"""Do the services stay up: two looks, a while apart (runbook, Execution Verification, step 5)."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from genesis_ops.checks.doctor_server import is_loopback
from genesis_ops.checks.model import Check, Outcome, Place, Result
from genesis_ops.checks.wording import count
from genesis_ops.clients.process import Listeners, Process
from genesis_ops.clients.units import UNITS, Unit, UnitsFound
from genesis_ops.words import duration, visible

_START = "sudo systemctl start genesis-paper genesis-runner"
_ELSEWHERE = "the API is on another host, whose processes nobody here can see"


class Running(NamedTuple):
    """Who listens on the API's port (None: it is on another host), and who runs a runner here."""

    api: Listeners | None
    runners: tuple[Process, ...]
    hidden: bool = False
    """Whether there is a runner of which this user cannot see whether it is this root's."""


class ServicesSeen(NamedTuple):
    """The units and the processes before and after so many seconds, and every uvicorn."""

    seconds: float
    units: tuple[UnitsFound, UnitsFound]
    running: tuple[Running, Running]
    uvicorns: tuple[Process, ...]
    port: int | None
    """The API's; None where it is on another host."""


# --- by systemd


def verify_units(seen: ServicesSeen) -> Result:
    """Ask systemd whether both units are active and were not restarted in between."""
    before, after = seen.units
    if after.trouble:
        outcome = Outcome.SKIP if after.absent else Outcome.UNKNOWN
        return Result(outcome, visible(after.trouble), remedy="" if after.absent else "systemctl status genesis-paper")
    found = {unit.name: unit for unit in after.units}
    if not any(_loaded(found.get(name)) for name in UNITS):
        return Result(Outcome.SKIP, "systemd knows neither unit: the services are not run by it here")
    former = {unit.name: unit for unit in before.units}
    faults = [fault for name in UNITS for fault in _faults(name, former.get(name), found.get(name))]
    if faults:
        evidence = tuple(Place(unit.name, 0, _told(unit)) for unit in (*before.units, *after.units))
        remedy = "journalctl -u genesis-paper -u genesis-runner -n 200 --no-pager"
        return Result(Outcome.FAIL, visible("; ".join(faults)), len(faults), 0, evidence, remedy)
    named = [f"{_short(name)} pid {found[name].properties.get('MainPID', '?')}{_often(found[name])}" for name in UNITS]
    return Result(Outcome.PASS, visible(f"{', '.join(named)}, no restart in {duration(seen.seconds)}"), 0, 0)


def _loaded(unit: Unit | None) -> bool:
    return unit is not None and unit.properties.get("LoadState") == "loaded"


def _faults(name: str, before: Unit | None, after: Unit | None) -> Iterator[str]:
    if after is None or not _loaded(after):
        yield f"{_short(name)} is not installed"
        return
    about = after.properties
    state = f"{about.get('ActiveState', '?')} ({about.get('SubState', '?')})"
    if state != "active (running)":
        yield f"{_short(name)} is {state}"
    if before is None:
        return
    pids = before.properties.get("MainPID"), about.get("MainPID")
    times = _restarts(before), _restarts(after)
    if times[1] > times[0]:
        yield f"{_short(name)} was restarted meanwhile (NRestarts {times[0]} to {times[1]})"
    elif pids[0] != pids[1]:
        yield f"{_short(name)} is another process than before (MainPID {pids[0]} to {pids[1]})"


def _restarts(unit: Unit) -> int:
    text = unit.properties.get("NRestarts", "")
    return int(text) if text.isascii() and text.isdecimal() else 0


def _often(unit: Unit) -> str:
    times = _restarts(unit)
    return f" ({count(times, 'restart')} before)" if times else ""


def _short(name: str) -> str:
    return name.removesuffix(".service")


def _told(unit: Unit) -> str:
    names = ("LoadState", "ActiveState", "SubState", "MainPID", "NRestarts", "Result")
    return visible(" ".join(f"{name}={unit.properties.get(name, '?')}" for name in names))


# --- by processes


def verify_processes(seen: ServicesSeen) -> Result:
    """Ask whether the API and the runner are the same processes as before."""
    before, after = seen.running
    faults = [*_api_faults(before, after), *_runner_faults(before, after)]
    now = _both(after)
    evidence = tuple(Place("process", 0, process.told()) for process in now)
    if faults:
        return Result(Outcome.FAIL, "; ".join(faults), len(faults), 0, evidence, _remedy(after))
    hidden = (after.api is not None and after.api.hidden) or (after.hidden and not after.runners)
    if hidden:
        detail = "a process belongs to another user, so nobody here can see whether it is the same one"
        return Result(Outcome.UNKNOWN, detail, None, None, evidence, "sudo genesis-ops verify services")
    named = [f"runner pid {after.runners[0].pid}"] if after.runners else []
    if after.api is not None:
        named.insert(0, f"API pid {after.api.processes[0].pid}")
    where = "" if after.api is not None else "; the API is on another host"
    return Result(Outcome.PASS, f"{', '.join(named)}, the same for {duration(seen.seconds)}{where}", len(now), len(now))


def _both(running: Running) -> tuple[Process, ...]:
    return (*(running.api.processes if running.api else ()), *running.runners)


def _api_faults(before: Running, after: Running) -> Iterator[str]:
    if before.api is None or after.api is None or after.api.hidden:
        return
    if not after.api.processes:
        yield "nobody listens on the API's port"
    elif not before.api.hidden and (change := _change(before.api.processes, after.api.processes)):
        yield f"the API {change}"


def _runner_faults(before: Running, after: Running) -> Iterator[str]:
    if not after.runners:
        if not after.hidden:
            yield "no runner runs here"
    elif len(after.runners) > 1:
        yield f"{len(after.runners)} runners trade into one log"
    elif change := _change(before.runners, after.runners):
        yield f"the runner {change}"


def _change(before: Sequence[Process], after: Sequence[Process]) -> str:
    """Say that processes are not the same, by pid and by when they were started: a pid can come round."""
    if {(each.pid, each.since_ms) for each in before} == {(each.pid, each.since_ms) for each in after}:
        return ""
    pids = [", ".join(str(each.pid) for each in processes) or "none" for processes in (before, after)]
    return f"is another process than before (pid {pids[0]} to {pids[1]})"


def _remedy(after: Running) -> str:
    if len(after.runners) > 1:
        newest = max(after.runners, key=lambda process: process.since_ms or 0)
        return f"kill -TERM {newest.pid}      one market has one runner"
    return "genesis-ops run --dry-run      or: sudo systemctl start genesis-runner" if not after.runners else _START


# --- the server


def verify_uvicorn(seen: ServicesSeen) -> Result:
    """Ask whether exactly one server runs: a second one has the port, or answers in the first one's place."""
    if seen.port is None:
        return Result(Outcome.SKIP, _ELSEWHERE)
    found = seen.uvicorns
    evidence = tuple(Place("process", 0, process.told()) for process in found)
    if len(found) == 1:
        return Result(Outcome.PASS, f"one, pid {found[0].pid}", 1, 1)
    if found:
        remedy = f"kill -TERM {found[-1].pid}      once it is known to be the one too many"
        return Result(Outcome.FAIL, f"{len(found)} uvicorn run here", len(found), 1, evidence, remedy)
    return _no_uvicorn(seen)


def _no_uvicorn(seen: ServicesSeen) -> Result:
    listeners = seen.running[1].api
    if listeners is not None and listeners.processes:
        other = listeners.processes[0]
        evidence = (Place("process", 0, other.told()),)
        return Result(
            Outcome.WARN, f"none; pid {other.pid} answers on the API's port", 0, 1, evidence, "pgrep -af uvicorn"
        )
    if listeners is not None and listeners.hidden:
        detail = "none of this user's; somebody of another user listens on the API's port"
        return Result(Outcome.UNKNOWN, detail, 0, 1, (), "sudo genesis-ops verify services")
    return Result(Outcome.FAIL, "none runs, and nobody listens on the API's port", 0, 1, (), _START)


def verify_port(seen: ServicesSeen) -> Result:
    """Ask whether only this host can reach the API."""
    listeners = seen.running[1].api
    if seen.port is None or listeners is None:
        return Result(Outcome.SKIP, _ELSEWHERE)
    addresses = listeners.addresses
    if not addresses:
        if listeners.hidden:
            detail = f"this user may not see who listens on port {seen.port}"
            return Result(Outcome.UNKNOWN, detail, None, "loopback", (), "sudo genesis-ops verify services")
        return Result(Outcome.FAIL, f"nobody listens on port {seen.port}", None, "loopback", (), _START)
    told = visible(", ".join(addresses))
    reachable = [address for address in addresses if not is_loopback(address)]
    if reachable:
        detail = f"port {seen.port} is bound to {visible(', '.join(reachable))}: other hosts can reach the API"
        evidence = tuple(Place("process", 0, process.told()) for process in listeners.processes)
        remedy = "start uvicorn with --host 127.0.0.1, then: genesis-ops verify services"
        return Result(Outcome.FAIL, detail, told, "loopback", evidence, remedy)
    return Result(Outcome.PASS, f"port {seen.port} is bound to {told} alone", told, "loopback")


SERVICES: tuple[Check[ServicesSeen], ...] = (
    Check("verify-units", "Both units are active and were not restarted", verify_units),
    Check("verify-processes", "API and runner are the same processes", verify_processes),
    Check("verify-uvicorn", "One uvicorn runs", verify_uvicorn),
    Check("verify-port", "The API's port is bound to loopback only", verify_port),
)
