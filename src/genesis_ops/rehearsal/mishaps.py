"""What can happen in a rehearsal, as data: which check is to notice it, within what time, and what is done about it."""

import random
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from types import MappingProxyType
from typing import NamedTuple

from genesis_ops.errors import UsageRefused
from genesis_ops.rehearsal import machine
from genesis_ops.rehearsal.host import Host
from genesis_ops.report.campaign import Known
from genesis_ops.sandbox.faults import FAULTS, ScheduledFault, parse_fault
from genesis_ops.words import HOUR_MS, visible

Act = Callable[[Host], None]
"""Does it; raises ``machine.NothingThere`` where there is nothing to do it to."""


class Mishap(NamedTuple):
    """One thing that can go wrong, and who has to notice it.

    ``notices``: any of these, written as in the result: a command and a check's id, or the runner's own words or end.
    ``hours``: within how many hours. ``lasts``: how many hours it is on where chance decides. ``mended``: what the
    operator does about it; empty where only waiting helps. ``act`` and ``mend`` do it, where it is no sandbox fault.
    """

    name: str
    notices: tuple[str, ...]
    hours: float
    mended: str = ""
    lasts: int = 4
    act: Act | None = None
    mend: Act | None = None
    effect: str = ""
    dry: bool = False
    """Whether it belongs into the dry-run."""
    live: bool = False
    """Whether it takes an order, which only live-paper sends."""
    leaves: tuple[str, ...] = ()
    """Who else is known to find what it leaves behind, without a line that has its time."""

    @property
    def what(self) -> str:
        """Say what happens."""
        return self.effect or FAULTS[self.name].effect

    @property
    def within_ms(self) -> int:
        """Tell within what time (ms) it has to be noticed."""
        return round(self.hours * HOUR_MS)

    def told(self) -> Known:
        """Give it as a list shows it."""
        return Known(self.name, self.what, self.notices, self.within_ms)


class Scheduled(NamedTuple):
    """A mishap, from when on (ms, UTC), and until when; without an end until somebody mends it."""

    mishap: Mishap
    from_ms: int
    until_ms: int | None


_CLOCK, _GAP = "preflight clock", "stop-check candle-gap"
_PROCESS, _SILENT = "preflight runner-process", "preflight runner-log"
_API, _STATE, _FATAL = "preflight api-health", "stop-check state-corrupt", "stop-check fatal-error"
_UNEVALUATED = "daily-summary evaluation-count"
_SOON, _NEXT_CANDLES, _NEXT_SUMMARY = 0.5, 4.0, 26.0
_API_AGAIN = "the API server is restarted"
_AGAIN = "the runner is started again"
_ORDERS = "the API server is restarted, the order looked up in the exchange's history"

# What the sandbox does wrong. Nobody here can mend an exchange: that only ends by itself.
_OUTSIDE = (
    Mishap("feed-down", (_CLOCK, _GAP), _SOON),
    Mishap("maintenance", (_CLOCK, _GAP), _SOON),
    Mishap("clock-ahead", (_CLOCK,), _SOON),
    Mishap("feed-500", (_GAP,), _NEXT_CANDLES),
    Mishap("feed-html", (_GAP,), _NEXT_CANDLES),
    Mishap("feed-429", (_GAP,), _NEXT_CANDLES),
    Mishap("feed-rate-limit", (_GAP,), _NEXT_CANDLES),
    Mishap("feed-slow", (_GAP,), _NEXT_CANDLES),
    Mishap("feed-stale", (_GAP,), _NEXT_CANDLES),
    Mishap("late-row", ("log FeedDead",), 2),
    Mishap("revised-row", ("log CandleRevised",), 2),
    Mishap("no-trades", (_GAP,), _NEXT_CANDLES),
    Mishap("api-down", (_API,), _SOON, _API_AGAIN),
    Mishap("health-error", (_API,), _SOON, _API_AGAIN),
    Mishap("config-error", (_UNEVALUATED,), _NEXT_SUMMARY, _API_AGAIN),
    Mishap("evaluate-error", (_UNEVALUATED,), _NEXT_SUMMARY, _API_AGAIN),
    Mishap("evaluate-500", (_UNEVALUATED,), _NEXT_SUMMARY, _API_AGAIN),
    Mishap("evaluate-slow", (_UNEVALUATED,), _NEXT_SUMMARY, _API_AGAIN),
    Mishap("evaluate-garbage", (_UNEVALUATED,), _NEXT_SUMMARY, _API_AGAIN),
    Mishap("fallback", ("run exit 1", "stop-check baseline-fallback"), 2, _API_AGAIN),
    Mishap("submit-lost", ("log OrderUnknown", _FATAL), 24, _ORDERS, lasts=12, live=True),
    Mishap("submit-rejected", ("log OrderRejected",), 24, _ORDERS, lasts=12, live=True),
    Mishap("submit-timeout", ("log OrderUnknown", _FATAL), 24, _ORDERS, lasts=12, live=True),
    Mishap("submit-doubled", ("run exit 1", _FATAL), 24, _ORDERS, lasts=12, live=True),
    Mishap("submit-internal-error", ("log OrderUnknown", _FATAL), 24, _ORDERS, lasts=12, live=True),
    Mishap("submit-status-error", ("log OrderUnknown", _FATAL), 24, _ORDERS, lasts=12, live=True),
    Mishap("submit-partial", ("log WalletDoubt", _FATAL), 24, _ORDERS, lasts=12, live=True),
    Mishap("wallets-error", ("log WalletDoubt", _FATAL), 24, _API_AGAIN, lasts=12, live=True),
    Mishap("wallets-stale", ("log WalletDoubt", _FATAL), 24, _API_AGAIN, lasts=12, live=True),
)


def _here(  # noqa: PLR0913, PLR0917 - a row of the table
    name: str, effect: str, notices: tuple[str, ...], mended: str, act: Act, mend: Act | None = None, hours: float = 0.5
) -> Mishap:
    return Mishap(name, notices, hours, mended, act=act, mend=mend, effect=effect)


# What goes wrong with the host itself: somebody mends it as soon as it is known.
_INSIDE = (
    _here("runner-killed", "The runner ends without a word.", (_PROCESS,), _AGAIN, machine.kill_runner),
    _here(
        "runner-hung",
        "The runner lives, and does nothing.",
        (_SILENT, "preflight state-heartbeat"),  # where another process writes into the log, only the state is silent
        "the runner is killed and started again",
        machine.hang_runner,
        machine.end_runner,
    ),
    _here("runner-stopped", "Somebody stops the runner.", (_PROCESS,), _AGAIN, machine.stop_runner),
    _here("state-corrupt", "A power cut leaves half a state.", (_STATE,), _AGAIN, machine.tear_state),
    _here("state-deleted", "The runner ends, and its state is gone.", (_STATE,), _AGAIN, machine.remove_state),
    _here(
        "log-moved",
        "The day's log is moved away under the runner's hands.",
        (_SILENT,),
        "the log is put back and the runner started again",
        machine.move_log,
        machine.put_log_back,
    )._replace(leaves=("stop-check candle-gap", "daily-summary candle-gap", "daily-summary heartbeat")),
    _here(
        "disk-low",
        "Only 60 MB are free.",
        ("preflight disk-space",),
        "room is made",
        machine.fill_disk,
        machine.clear_disk,
    ),
    _here(
        "clock-stepped",
        "The host's clock is five minutes ahead.",
        (_CLOCK,),
        "the clock is set",
        machine.step_clock,
        machine.set_clock,
    )._replace(leaves=("acceptance heartbeat", "daily-summary heartbeat")),
    _here(
        "champion-changed",
        "A figure of the frozen champion is changed.",
        ("preflight champion-file",),
        "the champion of Day 0 is put back",
        machine.change_champion,
        machine.restore_champion,
    ),
    _here(
        "env-bom",
        "An editor saves .env with a byte order mark.",
        ("preflight env-file",),
        ".env is saved without it",
        machine.mark_env,
        machine.unmark_env,
    ),
    _here(
        "env-open",
        "Everybody may read .env.",
        ("preflight env-file",),
        "chmod 600 .env",
        machine.open_env,
        machine.close_env,
    ),
    _here(
        "dry-run-order",
        "A dry-run logs an order.",
        ("stop-check dry-run-order",),
        "the wallets are compared: nothing was ordered",
        machine.write_order,
    )._replace(dry=True),
    _here(
        "duplicate-candle",
        "A candle is announced a second time.",
        ("stop-check duplicate-candle",),
        "who wrote that line is found and ended",
        machine.repeat_candle,
    ),
    _here(
        "second-runner",
        "A second process writes into the log.",
        (_PROCESS,),
        "it is ended",
        machine.add_runner,
        machine.end_second_runner,
    ),
    _here(
        "journal-damaged",
        "A byte of the journal of orders changes.",
        (_FATAL, "run exit 78"),
        "the journal is put back from a copy",
        machine.damage_journal,
        machine.mend_journal,
    )._replace(live=True),
    _here(
        "latch-set",
        "Somebody sets the stop latch.",
        ("preflight stop-latch", "run exit 78"),
        "who set it has looked into it",
        machine.latch,
    ),
)

TABLE: tuple[Mishap, ...] = (*_OUTSIDE, *_INSIDE)
MISHAPS: Mapping[str, Mishap] = MappingProxyType({mishap.name: mishap for mishap in TABLE})


def find(name: str) -> Mishap:
    """Look a mishap up by name.

    Raises:
        UsageRefused: there is none; those that come near it are named.
    """
    if name in MISHAPS:
        return MISHAPS[name]
    near = get_close_matches(name, MISHAPS, cutoff=0.5)
    notes = (f"near: {', '.join(near)}",) if near else ()
    raise UsageRefused(
        f"no fault is named {visible(name)}", notes=notes, next_command="genesis-ops rehearse --list-faults"
    )


def scheduled(text: str, start_ms: int) -> Scheduled:
    """Read ``NAME@2h+30m``, as the sandbox reads its own.

    Raises:
        UsageRefused: it is not that, or the name is unknown.
    """
    found: ScheduledFault = parse_fault(text, start_ms, find)
    return Scheduled(find(found.name), found.from_ms, found.until_ms)


def by_chance(seed: int, start_ms: int, days: int) -> tuple[Scheduled, ...]:
    """Choose faults from a seed: one every other day or so, never two at once."""
    chance = random.Random(seed)  # noqa: S311 - a rehearsal, and the seed has to give the same
    names = [mishap for mishap in TABLE if not mishap.dry]
    found, at_hours = [], 30 + chance.randrange(12)
    while at_hours < days * 24 - 30:
        mishap = chance.choice(names)
        from_ms = start_ms + at_hours * HOUR_MS + chance.randrange(3600) * 1000
        found.append(Scheduled(mishap, from_ms, from_ms + mishap.lasts * HOUR_MS))
        at_hours += 36 + chance.randrange(24)
    return tuple(found)
