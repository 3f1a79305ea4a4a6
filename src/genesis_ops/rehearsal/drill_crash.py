"""Killing the real runner where it hurts: at its writes and around its request, and counting what came of it.

Each boundary has a root and a sandbox of its own. A runner is killed there with -9, another one is started at the same
moment, and some minutes later by their clock the sandbox, the journal and the account are held against each other.
"""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import genesis_ops
from genesis_ops.checks.model import Outcome, Report, Result
from genesis_ops.collect.journal import judge_journal, read_journal
from genesis_ops.collect.where import ended_by_term
from genesis_ops.errors import Refused
from genesis_ops.journal.book import Order, order_id
from genesis_ops.journal.wallet import Fill
from genesis_ops.rehearsal.drill import Watch, told
from genesis_ops.rehearsal.drill_clock import SharedClock
from genesis_ops.rehearsal.drill_root import AFTERWARDS_MS, BEFORE_MS, SEED, Clean, Root, copy, make_clean, roomed
from genesis_ops.rehearsal.drill_runner import Boundary, Job, written
from genesis_ops.sandbox.app import Sandbox
from genesis_ops.sandbox.server import make_server
from genesis_ops.sandbox.wire import SUBMIT
from genesis_ops.words import HOUR_MS, Exit, visible

_PATIENCE_SECONDS = 60.0
_TOO_LONG = 124  # as timeout(1) tells it
_SAID = 300
_STATE = "runner_state.json"
_FILLS = {Fill.NONE: "not filled", Fill.ONCE: "filled once", Fill.SEVERAL: "filled several times"}
_NOTHING, _FOUND = "UNKNOWN, not filled", "UNKNOWN, filled once"
_REMEDY = "do not start live-paper: keep this output and report it as a bug"

BOUNDARIES = (
    Boundary("close", "before the close is in the log", "write", "NEW CANDLE CLOSE"),
    Boundary("close-logged", "the close is in the log, the state does not know", "write", "NEW CANDLE CLOSE", "after"),
    Boundary("evaluation", "before the evaluation is asked for", "send", "/strategy/evaluate", since="CANDLE CLOSE"),
    Boundary("evaluated", "the evaluation is in the log, the decision is not written", "write", '"decided"'),
    Boundary("decision-torn", "half of the decision is written", "write", '"decided"', "half"),
    Boundary("decided", "the decision is written, the state does not know", "write", '"decided"', "after"),
    Boundary("intent", "before the intent is written", "write", '"armed"'),
    Boundary("intent-torn", "half of the intent is written", "write", '"armed"', "half"),
    Boundary("armed", "the intent is written, nothing is sent", "write", '"armed"', "after", sent=0, outcome=_NOTHING),
    Boundary("request", "before the request leaves", "send", SUBMIT, sent=0, outcome=_NOTHING),
    Boundary(
        "request-torn", "the request's head has left, its order has not", "send", SUBMIT, "after", outcome=_NOTHING
    ),
    Boundary("sent", "the order has left, nobody waits for the reply", "send", '"tTEST', "after", outcome=_FOUND),
    Boundary("reply", "the reply has come, the outcome is not written", "write", '"acked"', outcome=_FOUND),
    Boundary("reply-torn", "half of the outcome is written", "write", '"acked"', "half", outcome=_FOUND),
    Boundary("acked", "the outcome is written, the log does not know", "write", '"acked"', "after"),
    Boundary("state", "before the state knows of the outcome", "replace", _STATE, since="ORDER SUBMITTED"),
    Boundary("wallets", "before the wallets' evidence is written", "write", '"evidence"'),
    Boundary("evidence", "the evidence is written, the state does not know", "write", '"evidence"', "after"),
)
"""In the order in which a candle's order meets them, with what is due after each: one order, or none that left."""


class Run(NamedTuple):
    """How a runner's process ended (a signal's number is negative), and its last words."""

    code: int
    said: str


class Facts(NamedTuple):
    """What is left when the second runner is done: ``sent`` and ``filled`` are counted at the sandbox."""

    killed: Run
    again: Run
    sent: int
    filled: int
    intents: int
    submitted: int
    order: Order | None
    disagree: tuple[str, ...] = ()
    """What ``orders verify`` says of the root where journal, log and state are not of one mind."""


def crash(market: str, now_ms: int, watch: Watch, boundaries: tuple[Boundary, ...] = BOUNDARIES) -> Report:
    """Kill a runner at every boundary; exit 1 if a candle was ordered twice or an outcome was lost.

    Raises:
        Refused: this system has no SIGKILL.
        WriteFailed: there is no room for temporary files, or no process can be started.
    """
    if os.name == "nt":
        raise Refused("a process cannot be killed here as a crash kills it", next_command="genesis-ops drill")
    found = []
    with ended_by_term(), roomed(), TemporaryDirectory(prefix="genesis-ops-drill-") as directory:
        place = Path(directory)
        watch(0, len(boundaries), "a day of dry-run")
        clean = make_clean(place)
        for done, boundary in enumerate(boundaries):
            watch(done, len(boundaries), boundary.told)
            with TemporaryDirectory(dir=place) as room:
                found.append(judged(boundary, _facts(boundary, clean, Path(room))))
    checks = told({f"crash:{boundary.id}": boundary.told for boundary in boundaries}, found)
    subject = f"live-paper killed with -9 at {len(checks)} boundaries of an order, and started again"
    report = Report("drill crash", subject, market, now_ms, checks)
    return report if report.verdict is Outcome.PASS else report._replace(overruled=Exit.FAIL)


def judged(boundary: Boundary, facts: Facts) -> Result:
    """Judge one boundary: one order and one fill where they are due, no request without its intent, one story."""
    counted = f"{facts.sent} sent, {facts.intents} {'intent' if facts.intents == 1 else 'intents'}"
    faults = [why for holds, why in (*_faults(facts), *_missing(boundary, facts), *_ran(facts)) if holds]
    detail = f"{boundary.told}: {counted}; after the restart: {_outcome(facts.order)}"
    if not faults:
        return Result(Outcome.PASS, detail, facts.sent, boundary.sent)
    return Result(Outcome.FAIL, f"{'; '.join(faults)} ({detail})", facts.sent, boundary.sent, (), _REMEDY)


def _faults(facts: Facts) -> tuple[tuple[bool, str], ...]:
    order = facts.order
    return (
        (facts.sent > 1, f"the candle was ordered {facts.sent} times"),
        (facts.filled > 1, f"the order was filled {facts.filled} times"),
        (facts.sent > facts.intents, "a request left without its intent in the journal"),
        (order is None, "the order is lost: the journal has none"),
        (order is not None and (order.open or order.unresolved), "nobody knows what came of the order"),
        (facts.submitted != facts.filled, f"the journal says {facts.submitted} filled, the account {facts.filled}"),
        *((True, why) for why in facts.disagree),
    )


def _missing(boundary: Boundary, facts: Facts) -> tuple[tuple[bool, str], ...]:
    """Compare with what is due: to order nothing any more would cost no order twice, and be no runner."""
    found = _outcome(facts.order)
    return (
        (facts.sent < boundary.sent, f"{boundary.sent} sent was due"),
        (not found.startswith(boundary.outcome), f"{boundary.outcome} was due"),
    )


def _ran(facts: Facts) -> tuple[tuple[bool, str], ...]:
    killed, again = facts.killed, facts.again
    return (
        (killed.code != -signal.SIGKILL, f"the runner never came there: {_ended(killed)}"),
        (again.code != 0, f"the second runner did not go on: {_ended(again)}"),
    )


def _ended(run: Run) -> str:
    return f"it ended with {run.code}{f', {run.said}' if run.said else ''}"


def _outcome(order: Order | None) -> str:
    """Say what the journal knows of an order."""
    if order is None:
        return "no order"
    label = str(order.label).upper()
    return label if order.fill is None else f"{label}, {_FILLS.get(order.fill, order.fill)}, say the wallets"


def _facts(boundary: Boundary, clean: Clean, place: Path) -> Facts:
    """Kill a runner at a boundary, let another one go on, and count."""
    root = copy(clean, place / "root")
    candle_ts = clean.now_ms // HOUR_MS * HOUR_MS
    close_ms = candle_ts + HOUR_MS
    clock = SharedClock(place / "clock", close_ms - BEFORE_MS)
    sandbox = Sandbox(SEED, clock.now_ms, clock.wait)
    with _serving(sandbox) as url:
        job = Job(str(root.settings.root), str(place / "clock"), url, close_ms + AFTERWARDS_MS, boundary)
        killed, again = _run(job), _run(job._replace(boundary=None))
    book = read_journal(root.logs).book
    sent, filled = sandbox.requests["POST", SUBMIT], len(sandbox.account.fills)
    order = book.orders.get(order_id(candle_ts))
    return Facts(killed, again, sent, filled, book.armed, book.submitted, order, _disagree(root, clock.now_ms()))


def _disagree(root: Root, now_ms: int) -> tuple[str, ...]:
    """Judge the root as ``orders verify`` does; a check that is skipped has nothing to say for it either."""
    checks = judge_journal(root.settings, now_ms, strict=False).checks
    return tuple(f"{check.id}: {check.detail}" for check in checks if check.outcome is not Outcome.PASS)


@contextmanager
def _serving(sandbox: Sandbox) -> Iterator[str]:
    """Serve a sandbox on a free port of this machine."""
    with make_server(sandbox, "127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


def _run(job: Job) -> Run:
    """Run a process to its end; whatever ends this one ends it too."""
    command = (sys.executable, "-m", "genesis_ops.rehearsal.drill_runner", written(job))
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GENESIS_")}
    own = (str(Path(genesis_ops.__file__).parents[1]), environment.get("PYTHONPATH", ""))
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, own))
    with subprocess.Popen(  # noqa: S603 - this Python, and what it is given was made here
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL,
        env=environment, process_group=0,
    ) as process:  # fmt: skip
        try:
            _, said = process.communicate(timeout=_PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            return Run(_TOO_LONG, f"not within {_PATIENCE_SECONDS:.0f}s")
        except BaseException:  # Ctrl-C too: the child is in a group of its own and would not hear of it
            process.kill()
            raise
    return Run(process.returncode, visible(said.decode("utf-8", "backslashreplace").strip()[-_SAID:]))
