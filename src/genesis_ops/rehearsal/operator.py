"""The operator of a rehearsal: what the runbook has a person do, by rule, so that the phase can go on."""

from collections.abc import Callable

from genesis_ops.errors import GenesisError
from genesis_ops.journal.journal import Journal
from genesis_ops.journal.record import Kind
from genesis_ops.rehearsal.host import Host
from genesis_ops.report.campaign import Notice
from genesis_ops.state.latch import clear_latch, read_latch
from genesis_ops.state.operations import RESUME, record
from genesis_ops.words import MINUTE_MS

_FILLED_WITHIN_MS = 5 * MINUTE_MS


class Operator:
    """Reads the mail, looks into it, clears the latch, resolves what is in doubt, and starts the runner again."""

    reaction_ms = 20 * MINUTE_MS
    """How long after a notice somebody has done something about it."""

    def __init__(self, host: Host, note: Callable[[str], None]) -> None:
        self._host = host
        self._note = note
        self._rebuild = False

    def has_read(self, notice: Notice | None) -> bool:
        """Tell whether somebody has had the time to act on a notice."""
        return notice is not None and self._host.stage.true_ms - notice.at_ms >= self.reaction_ms

    def was_refused(self, error: GenesisError) -> None:
        """Take the next command from what a start said."""
        self._rebuild = "--rebuild-state" in error.next_command

    def needs_acceptance(self, error: GenesisError) -> bool:
        """Tell whether only another dry-run opens the gate."""
        return "acceptance" in error.next_command

    def clears_the_way(self) -> bool:
        """Do what has to be done before a start; tell whether the state has to be rebuilt."""
        host, settings = self._host, self._host.settings
        self._resolve()
        if (latch := read_latch(settings.log_dir)) is not None:
            record(settings.log_dir, host.clock.now_ms(), RESUME, ["looked into it: rehearsed"], latch=latch._asdict())
            clear_latch(settings.log_dir, latch)
            self._note("the operator resumes: the latch is cleared, on record")
        rebuild, self._rebuild = self._rebuild, False
        return rebuild

    def _resolve(self) -> None:
        """Say of every order in doubt whether the exchange filled it, as its own history shows."""
        host = self._host
        journal = Journal(host.settings.log_dir, host.clock.now_ms, durable=False)
        try:
            journal.catch_up()
        except GenesisError:
            return
        if not journal.book.unresolved:
            return
        with journal.held("genesis-ops orders resolve") as book:
            for order in book.unresolved:
                since = [fill.ms - (order.armed_ms or 0) for fill in host.sandbox.account.fills]
                filled = any(0 <= ms <= _FILLED_WITHIN_MS for ms in since)
                if order.label is Kind.ARMED:
                    journal.append(Kind.UNKNOWN, id=order.id, reason="the runner ended while it was being sent")
                why = "as the exchange's history shows"
                journal.append(Kind.RESOLVED, id=order.id, filled=filled, by="genesis", reason=why)
                self._note(f"the operator resolves {order.id}: {'filled' if filled else 'not filled'}")
