"""The whole verification after a change: six steps in order, and what is left out where going on would be dangerous.

Nothing here changes anything on the other side but the one order (runbook, Execution Verification Checklist).
"""

import json
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import NamedTuple

from genesis_ops.checks.model import Judged, Movement, Outcome, Report, judge
from genesis_ops.checks.verify import WALLETS, WalletsSeen, judged_health, report, skipped
from genesis_ops.checks.verify_delta import DELTA, movements
from genesis_ops.checks.verify_logs import LOGS
from genesis_ops.checks.verify_order import ORDER, OrderSeen
from genesis_ops.checks.verify_services import SERVICES
from genesis_ops.clients.clock import Clock
from genesis_ops.clients.paper import paper_pair
from genesis_ops.collect.verify_logs import logs
from genesis_ops.collect.verify_services import api, services
from genesis_ops.collect.verify_wallets import delta, recorded
from genesis_ops.errors import AbortCondition, GenesisError, WriteFailed
from genesis_ops.report.verify import Step
from genesis_ops.runner.manual import Wish, objections, place
from genesis_ops.settings import Settings
from genesis_ops.state.baseline import baseline_file
from genesis_ops.state.verification import keep_verification
from genesis_ops.words import Exit, visible

_STOPPED = {
    "health": "the API is not well, and nothing is ordered from one that is not",
    "wallets": "the wallets cannot be read, so nobody could tell what came of an order",
}


class Plan(NamedTuple):
    """What is to be ordered (None: nothing, and why), and how long the services are watched (seconds)."""

    wish: Wish | None
    why_not: str
    seconds: float
    command: str
    strict: bool = False


class Watch(NamedTuple):
    """Who looks on: shown what is being done and what was found, and asked before the order is sent."""

    doing: Callable[[str], AbstractContextManager[None]]
    done: Callable[[Step], None]
    agrees: Callable[[Wish, Mapping[str, float]], bool]


class Verified(NamedTuple):
    """The report, and the error behind it that something could not be written, if there was one."""

    report: Report
    failure: GenesisError | None = None


def verify_all(settings: Settings, clock: Clock, plan: Plan, watch: Watch) -> Verified:
    """Do the six steps, and judge them in one report.

    Raises:
        Refused: the market has no TEST pair, or an address cannot be used.
    """
    paper_pair(settings.symbol)
    run = _Run(settings, clock, plan, watch)
    for name, step in (
        ("health", run.health),
        ("wallets", run.wallets),
        ("order", run.order),
        ("delta", run.delta),
        ("services", run.services),
        ("logs", run.logs),
    ):
        began = clock.monotonic()
        found = step()
        run.checks += found
        watch.done(Step(name, found, clock.monotonic() - began))
    made = report(settings, clock.now_ms(), tuple(run.checks), strict=plan.strict, wallets=run.movements)
    if run.failure is not None:
        made = made._replace(overruled=run.failure.exit_code)
    return Verified(made, run.failure)


def keep(settings: Settings, made: Report) -> Path:
    """Write a report beside the logs, without any secret that a line of a log may have held.

    Raises:
        Refused: a secret would be in it; nothing is written.
        WriteFailed: it is not on the disk.
    """
    from genesis_ops.collect.known_secrets import known_secrets
    from genesis_ops.keep.clean import cleaned
    from genesis_ops.report.as_json import render

    text = cleaned(render(made), known_secrets(settings), "the report")
    json.loads(text)  # what was taken out must not have broken it
    return keep_verification(settings.log_dir, made.generated_ms, text.encode("utf-8", "surrogateescape"))


class _Run:
    """One verification: what was found so far, and what that allows."""

    def __init__(self, settings: Settings, clock: Clock, plan: Plan, watch: Watch) -> None:
        self._settings, self._clock, self._plan, self._watch = settings, clock, plan, watch
        self.checks: list[Judged] = []
        self.movements: tuple[Movement, ...] = ()
        self.failure: GenesisError | None = None
        self._stopped = ""
        self._held: Mapping[str, float] = {}

    def _shown(self, path: str) -> str:
        return self._settings.shown(Path(path))

    def health(self) -> tuple[Judged, ...]:
        """Ask the API; one that is not well ends what depends on it."""
        with self._watch.doing("asking the API"):
            found = judged_health(api(self._settings, self._clock))
        if any(judged.outcome is Outcome.FAIL for judged in found):
            self._stopped = _STOPPED["health"]
        return found

    def wallets(self) -> tuple[Judged, ...]:
        """Record the baseline that the order is held against."""
        if self._stopped:
            return skipped("wallets", "the API is not well")
        file = visible(self._settings.shown(baseline_file(self._settings.log_dir)))
        try:
            with self._watch.doing("reading the wallets twice, past the API's cache"):
                seen, _ = recorded(self._settings, self._clock)
        except GenesisError as error:
            self._stopped = _STOPPED["wallets"]
            self._note(error)
            seen = WalletsSeen("", file, None, visible(error.message), error.next_command)
        else:
            self._held = seen.baseline.balances if seen.baseline else {}
        return judge(WALLETS, seen, self._shown)

    def order(self) -> tuple[Judged, ...]:
        """Send the order, if nothing speaks against it and somebody agrees."""
        wish, plan = self._plan.wish, self._plan
        if wish is None or self._stopped:
            return skipped("order", self._stopped or plan.why_not)
        try:
            with self._watch.doing("asking whether an order can be sent"):
                against = objections(self._settings, self._clock)
            if against:
                return self._judged(OrderSeen(trouble=f"nothing was sent: {against[0]}", notes=against[1:]))
            if not self._watch.agrees(wish, self._held):
                return skipped("order", "nobody agreed to it; nothing was sent")
            with self._watch.doing(f"sending {wish.side} {wish.size:.8g} and looking for it in the wallets"):
                return self._judged(OrderSeen(place(self._settings, wish, self._clock, command=plan.command)))
        except GenesisError as error:
            if error.exit_code in {Exit.INTERRUPTED, Exit.TERMINATED}:
                raise
            self._note(error)
            return self._judged(_not_well(error))

    def _judged(self, seen: OrderSeen) -> tuple[Judged, ...]:
        return judge(ORDER, seen, self._shown)

    def _note(self, error: GenesisError) -> None:
        if isinstance(error, WriteFailed) or error.exit_code is Exit.BUG_OR_WRITE_FAILED:
            self.failure = self.failure or error

    def delta(self) -> tuple[Judged, ...]:
        """Hold the wallets against the baseline of this verification, whatever came of the order."""
        if not self._held:
            return skipped("delta", "no baseline was recorded in this verification")
        with self._watch.doing("reading the wallets again, past the API's cache"):
            seen = delta(self._settings, self._clock)
        self.movements = movements(seen)
        return judge(DELTA, seen, self._shown)

    def services(self) -> tuple[Judged, ...]:
        """Watch the services for a while."""
        seconds = self._plan.seconds
        with self._watch.doing(f"watching the services for {seconds:.0f}s"):
            seen = services(self._settings, self._clock, seconds)
        return judge(SERVICES, seen, self._shown)

    def logs(self) -> tuple[Judged, ...]:
        """Look at the end of the log."""
        with self._watch.doing("reading the end of the log"):
            seen = logs(self._settings, self._clock)
        return judge(LOGS, seen, self._shown)


def _not_well(error: GenesisError) -> OrderSeen:
    """Take an error for what it says of the order: a guardrail's refusal proves nothing about how orders work."""
    message = visible(error.message)
    found = OrderSeen(notes=error.notes, remedy=error.next_command)
    if isinstance(error, AbortCondition):
        return found._replace(failed=message)
    return found._replace(trouble=message)
