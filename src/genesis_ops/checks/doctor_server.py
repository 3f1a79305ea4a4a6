"""One API server, and only for this machine (runbook, Quick stability checks; blocker report, port conflict)."""

from ipaddress import IPv6Address, ip_address

from genesis_ops.checks.doctor_facts import Doctor
from genesis_ops.checks.model import Outcome, Place, Result
from genesis_ops.clients.health import Answer
from genesis_ops.clients.process import Process
from genesis_ops.words import stamp

_ELSEWHERE = "the API is on another host, whose processes and ports cannot be seen from here"
_START = "sudo systemctl start genesis-paper"
_LOOK = "pgrep -af uvicorn"


def one_uvicorn(doctor: Doctor) -> Result:
    """Ask whether exactly one uvicorn runs; a master and its workers are one."""
    if doctor.listeners is None:
        return Result(Outcome.SKIP, _ELSEWHERE)
    found = doctor.uvicorns
    if len(found) == 1:
        return Result(Outcome.PASS, found[0].told(), 1, 1)
    if found:
        evidence = tuple(Place("uvicorn", 0, _told(process)) for process in found)
        remedy = "systemctl show genesis-paper.service -p MainPID      then: kill -TERM the others"
        return Result(Outcome.FAIL, f"{len(found)} run, and one is meant to", len(found), 1, evidence, remedy)
    if doctor.host.health.answer is Answer.OK:
        detail = "none can be seen, and the API answers: another program serves it, or another user's"
        return Result(Outcome.WARN, detail, 0, 1, remedy=_LOOK)
    return Result(Outcome.FAIL, "none runs", 0, 1, remedy=_START)


def port_loopback(doctor: Doctor) -> Result:
    """Ask whether the API can be reached from this machine alone: whoever reaches it can order."""
    listeners = doctor.listeners
    if listeners is None:
        return Result(Outcome.SKIP, _ELSEWHERE)
    if not listeners.addresses:
        if listeners.hidden:
            return Result(Outcome.SKIP, "this user may not see who listens")
        return Result(Outcome.SKIP, f"nobody listens on the port of {doctor.host.settings.api_url}")
    shown = ", ".join(listeners.addresses)
    open_to_all = [address for address in listeners.addresses if not is_loopback(address)]
    if not open_to_all:
        return Result(Outcome.PASS, f"{shown} alone", shown, "loopback")
    detail = f"the API's port listens on {', '.join(open_to_all)}: everybody on the network can order"
    evidence = tuple(Place(doctor.host.settings.api_url, 0, _told(process)) for process in listeners.processes)
    remedy = "sudo systemctl edit genesis-paper      and start uvicorn with --host 127.0.0.1"
    return Result(Outcome.FAIL, detail, shown, "loopback", evidence, remedy)


def _told(process: Process) -> str:
    """Name a process with what tells it from another first, because a command line can be long."""
    since = "" if process.since_ms is None else f"since {stamp(process.since_ms)}"
    about = (f"pid {process.pid}", process.user and f"user {process.user}", since, process.command)
    return ", ".join(filter(None, about))


def is_loopback(address: str) -> bool:
    """Tell whether an address is reached from its own machine alone; one that cannot be read is not."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return (mapped or found).is_loopback
