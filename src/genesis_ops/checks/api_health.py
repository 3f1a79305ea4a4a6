"""Does the API answer, and is it the one that was started (runbook, "API Server Not Responding"; blocker report)."""

from pathlib import Path
from typing import Protocol

from genesis_ops.checks.host import BindError
from genesis_ops.checks.model import Outcome, Place, Result
from genesis_ops.clients.health import Answer, Health
from genesis_ops.clients.process import Listeners
from genesis_ops.settings import Settings

_START_API = "sudo systemctl start genesis-paper      or: uvicorn core.server:app --app-dir src"


class ApiSeen(Protocol):
    """What is known of the API and of its port; a whole host is one."""

    @property
    def settings(self) -> Settings:
        """Where it should be."""

    @property
    def health(self) -> Health:
        """What it answers."""

    @property
    def listeners(self) -> Listeners | None:
        """Who holds its port; None where nobody needed to know, or it is on another host."""

    @property
    def bind_error(self) -> BindError | None:
        """What a server said that found its port taken."""


def api_health(host: ApiSeen) -> Result:
    """Ask whether the API is well; where it is not, name who holds its port and what the newest server log says."""
    health, url = host.health, host.settings.api_url
    if health.answer is Answer.OK:
        return _answers(host)
    detail = {
        Answer.ERROR: f"the API at {url} is not well: {health.told}",
        Answer.STRANGER: f"something else answers at {url}: {health.told}",
        Answer.REFUSED: f"nobody answers at {url}: connection refused",
        Answer.TIMEOUT: f"{url} does not answer: {health.told}",
        Answer.BROKEN: f"{url} does not answer: {health.told}",
    }[health.answer]
    evidence = (*_bind_evidence(host), *_holders(host))
    return Result(Outcome.FAIL, detail, health.answer, Answer.OK, evidence, _start_api(host))


def _start_api(host: ApiSeen) -> str:
    if host.health.answer is Answer.ERROR:
        return "journalctl -u genesis-paper -n 200 --no-pager      then: sudo systemctl restart genesis-paper"
    if host.listeners is not None and host.listeners.processes:
        return f"kill -TERM {host.listeners.processes[0].pid}      if that is not the API; then: {_START_API}"
    return _START_API


def _answers(host: ApiSeen) -> Result:
    """Pass, unless a newer server than the one that answers failed to start (blocker report, "Server Log Analysis")."""
    detail = f"{host.settings.api_url} is ok{f' ({host.health.told})' if host.health.told else ''}"
    error, listeners = host.bind_error, host.listeners
    if error is None or listeners is None:
        return Result(Outcome.PASS, detail, Answer.OK, Answer.OK)
    older = [p for p in listeners.processes if p.since_ms is not None and p.since_ms < error.at_ms]
    if not older:
        return Result(Outcome.PASS, detail, Answer.OK, Answer.OK)
    detail += "; a server that was started later found the port taken, so an older one answers"
    evidence = (*_bind_evidence(host), *_holders(host))
    remedy = f"kill -TERM {older[0].pid}      if the newer server was wanted; then: {_START_API}"
    return Result(Outcome.WARN, detail, Answer.OK, Answer.OK, evidence, remedy)


def _bind_evidence(host: ApiSeen) -> tuple[Place, ...]:
    places = () if host.bind_error is None else host.bind_error.places
    return tuple(place._replace(file=host.settings.shown(Path(place.file))) for place in places)


def _holders(host: ApiSeen) -> tuple[Place, ...]:
    if host.listeners is None:
        return ()
    if host.listeners.hidden:
        text = "somebody of another user listens here; see with: sudo lsof -i -P -n"
        return (Place(host.settings.api_url, 0, text),)
    named = host.listeners.processes
    if not named:
        return (Place(host.settings.api_url, 0, "no process listens on the port"),)
    return tuple(Place(host.settings.api_url, 0, f"held by {process.told()}") for process in named)
