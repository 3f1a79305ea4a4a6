"""An apply as it runs on the server, in a unit of its own: the steps, and the way back where one fails."""

import os
import shlex
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from genesis_ops.clients.clock import Clock
from genesis_ops.durable import put_in_place, write_all
from genesis_ops.errors import GenesisError, write_failed
from genesis_ops.host import names, record
from genesis_ops.host.evidence import Clean, gathered, told
from genesis_ops.host.execute import Ended, Inside, execute
from genesis_ops.host.lock import locked
from genesis_ops.host.order import Order, kept
from genesis_ops.host.plan import ID, Step
from genesis_ops.host.record import Begun, End, Event, Evidence, Told, WayBack
from genesis_ops.host.rights import as_user
from genesis_ops.host.steps import STOPPING
from genesis_ops.settings import Settings
from genesis_ops.state import operations
from genesis_ops.words import Exit, iso

APPLY, APPLY_ENDED = "apply", "apply-ended"
SIGNAL = "signal"
"""Because of what the way back begins where somebody stopped the operation."""

_APPEND = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)


class Around(NamedTuple):
    """What an operation lives in: its clock, whether it was asked to stop, and where its lines go as well."""

    clock: Clock
    stopped: Callable[[], bool]
    show: Callable[[str], None]
    inside: Inside | None = None
    """What this program's own commands can be done by, without an interpreter of their own."""


def run(settings: Settings, name: str, digest: str, around: Around) -> int:
    """Do what was ordered, and give the exit code; after whatever fails, the host is as it was, or says that it is not.

    Raises:
        Refused: the order is not there, or is another one.
        LockHeld: another operation runs.
        WriteFailed: there can be no record; nothing is touched then.
    """
    order = kept(settings, name, digest)
    with locked(settings, order.told, around.clock), _opened(settings, order, around) as operation:
        return operation.forward()


def go_back(settings: Settings, order: Order, steps: Sequence[Step], because: str, around: Around) -> int:
    """Take back an operation that did not come to its end, and give the exit code.

    Raises:
        LockHeld: another operation runs.
        WriteFailed: there can be no record.
    """
    with locked(settings, order.told, around.clock), _opened(settings, order, around) as operation:
        return operation.back(because, steps, Exit.FAIL)


@contextmanager
def _opened(settings: Settings, order: Order, around: Around) -> Iterator["_Operation"]:
    """Open the record to append to it, with the rights of whose directory it lies in."""
    folder = names.directory(settings.log_dir, order.id)
    try:
        with as_user(order.plan.facts.user):
            descriptor = os.open(folder / names.RECORD, _APPEND, 0o644)
    except OSError as error:
        raise write_failed(folder / names.RECORD, error) from error
    try:
        yield _Operation(settings, order, around, folder, descriptor)
    finally:
        os.close(descriptor)


class _Operation:
    """One operation: what it tells, what it keeps, and where it is."""

    def __init__(self, settings: Settings, order: Order, around: Around, folder: Path, descriptor: int) -> None:
        self._settings, self._order, self._around = settings, order, around
        self._folder, self._record = folder, descriptor
        with as_user(order.plan.facts.user):
            self._clean = Clean(settings)
        self._unwritten = ""

    def forward(self) -> int:
        """Go from step to step; after one that fails, go back if anything was stopped."""
        order, facts, steps = self._order, self._order.plan.facts, self._order.plan.steps
        self._tell(Begun(self._now(), order.id, order.owner, order.reason, facts.head, facts.target, _titles(steps)))
        self._audit(APPLY, **{"from": facts.head, "to": facts.target})
        stopped = False
        for number, step in enumerate(steps, 1):
            if self._around.stopped():
                return self._failed(SIGNAL, None, Exit.TERMINATED, stopped=stopped)
            stopped = stopped or step.id == STOPPING
            ended = self._do(step, f"step-{number:02d}-{step.id}.txt")
            if not ended.well or self._unwritten:
                return self._failed(step.id, ended, Exit.FAIL, stopped=stopped)
        return self._end(record.APPLIED, Exit.PASS)

    def _failed(self, because: str, ended: Ended | None, code: Exit, *, stopped: bool) -> int:
        self._show_why(because, ended)
        return self.back(because, self._order.plan.way_back, code) if stopped else self._end(record.RETURNED, code)

    def back(self, because: str, steps: Sequence[Step], code: Exit) -> int:
        """Bring back what was; a step that fails ends it, because what follows would start on something else."""
        self._tell(WayBack(self._now(), because, _titles(steps)))
        for number, step in enumerate(steps, 1):
            ended = self._do(step, f"back-{number:02d}-{step.id}.txt")
            if not ended.well:
                self._show_why(step.id, ended)
                return self._end(record.STUCK, Exit.FAIL, self._left(steps[number - 1 :]))
        return self._end(record.RETURNED, code)

    def _show_why(self, step: str, ended: Ended | None) -> None:
        """Tell what may show why a step failed; what cannot be gathered keeps nobody from going back."""
        try:
            for name, text in gathered(self._settings, step, ended, self._clean):
                self._tell(Evidence(self._now(), name, text))
        except Exception as error:  # noqa: BLE001 - the services are down, whatever breaks in here
            self._tell(Evidence(self._now(), "evidence", f"not gathered: {type(error).__name__}"))

    def _left(self, steps: Sequence[Step]) -> tuple[str, ...]:
        """Write out what a person has to type where the way back ended."""
        return tuple(f"sudo -u {step.user} {shlex.join(self._command(step))}" for step in steps)

    def _do(self, step: Step, file: str) -> Ended:
        """Do one step, tell of it while it lasts, and keep what it said."""
        began = time.monotonic()

        def tell(state: str, detail: str) -> None:
            self._tell(Told(self._now(), step.id, state, round(time.monotonic() - began, 3), detail))

        tell(record.RUNNING, "")
        if not step.command:
            tell(record.DONE, self._order.told)
            return Ended(0, b"", b"", 0.0)
        command = self._command(step)
        try:
            ended = self._executed(step, command, lambda line: tell(record.WAITING, self._cleaned(line)))
        except GenesisError as error:
            ended = Ended(error.exit_code, b"", b"", 0.0, error.message)
        except Exception as error:  # noqa: BLE001 - a bug in a step is a step that failed: what was stopped has to start
            ended = Ended(Exit.BUG_OR_WRITE_FAILED, b"", b"", 0.0, f"{type(error).__name__} in {step.id}")
        self._keep(file, command, ended)
        tell(record.DONE if ended.well else record.FAILED, told(ended))
        return ended

    def _executed(self, step: Step, command: Sequence[str], waiting: Callable[[str], None]) -> Ended:
        """Run a step; nothing that it said is cut or shown before it is clean."""
        ended = execute(command, step.user, step.seconds, waiting, self._around.inside)
        return ended._replace(
            out=self._clean(ended.out), err=self._clean(ended.err), trouble=self._cleaned(ended.trouble)
        )

    def _command(self, step: Step) -> tuple[str, ...]:
        """Put in the operation's name, which is known only now."""
        return tuple(self._order.id if word == ID else word for word in step.command)

    def _keep(self, file: str, command: Sequence[str], ended: Ended) -> None:
        parts = (f"$ {shlex.join(command)}\n".encode(), ended.out, ended.err)
        end = f"\nexit code {ended.code}, {ended.seconds:.1f}s {ended.trouble}".rstrip() + "\n"
        try:
            with as_user(self._order.plan.facts.user):
                put_in_place(self._folder / file, self._clean(b"".join(parts) + end.encode()), durable=False)
        except (OSError, GenesisError) as error:
            self._unwritten = f"{file} could not be written: {error}"

    def _cleaned(self, text: str) -> str:
        return self._clean(text.encode()).decode("utf-8", "replace")

    def _end(self, verdict: str, code: Exit, left: tuple[str, ...] = ()) -> int:
        self._audit(APPLY_ENDED, verdict=verdict)
        self._tell(End(self._now(), verdict, int(code), left))
        return int(code)

    def _audit(self, action: str, **other: str) -> None:
        """Say in the host's own list what was done; where it cannot be said, the record says that."""
        order, reasons = self._order, [self._order.reason] if self._order.reason else []
        facts, now_ms = order.plan.facts, self._around.clock.now_ms()
        try:
            with as_user(facts.user):
                said = {"id": order.id, "owner": order.owner, **other}
                operations.record(self._settings.log_dir, now_ms, action, reasons, **said)
        except GenesisError as error:
            self._unwritten = error.message
            self._tell(Evidence(self._now(), "operations.jsonl", error.message))

    def _tell(self, event: Event) -> None:
        """Append to the record; a way back is not given up because it cannot be told."""
        text = record.line(event)
        try:
            write_all(self._record, f"{text}\n".encode("ascii"))
            os.fsync(self._record)
        except OSError as error:
            self._unwritten = f"the record could not be written: {error.strerror}"
        with suppress(OSError):  # nobody listens any more
            self._around.show(text)

    def _now(self) -> str:
        return iso(self._around.clock.now_ms())


def _titles(steps: Sequence[Step]) -> tuple[tuple[str, str], ...]:
    return tuple((step.id, step.title) for step in steps)
