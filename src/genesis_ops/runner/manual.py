"""One small order by hand, to see that orders work, by the runner's own protocol (runbook, Execution Verification).

Its intent is of a kind of its own, in the same journal: it is armed on the disk before it leaves, sent once, and looked
for in the wallets. While it is open or in doubt nothing else is sent, and it is not sent while anything else is.
"""

import os
import re
import signal
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from math import isfinite
from pathlib import Path
from typing import Any, NamedTuple

from genesis_ops.clients.clock import Clock, StopRequest
from genesis_ops.clients.health import Standing, ask_time
from genesis_ops.clients.http import Http
from genesis_ops.clients.paper import SUBMIT_SECONDS, PaperApi, PaperOrder, paper_pair
from genesis_ops.errors import (
    GenesisError,
    LockHeld,
    Refused,
    StateUnreadable,
    Unreachable,
    UsageRefused,
    write_failed,
)
from genesis_ops.journal.book import MANUAL, Book, Order, manual_id
from genesis_ops.journal.journal import Journal
from genesis_ops.journal.record import Kind
from genesis_ops.journal.wallet import DUST
from genesis_ops.runner.arming import LEAST_FREE_BYTES
from genesis_ops.runner.evidence import Looks, require_once
from genesis_ops.runner.feed import LARGEST_OFFSET_MS
from genesis_ops.runner.live import require_whole, whitelisted
from genesis_ops.runner.orders import GONE, KILLED_BY_HAND, record_outcome
from genesis_ops.settings import Settings
from genesis_ops.state.latch import read_latch
from genesis_ops.state.lock import Holder, holders, runner_locks
from genesis_ops.state.store import StateStore
from genesis_ops.words import MINUTE_MS, Exit, Mode, Timeframe, duration, visible

SIDES = ("LONG", "SHORT")

_API_SECONDS = 10.0
_BEFORE_CLOSE_MS = 4 * MINUTE_MS
"""A live runner orders at a close: before one, so long as a request and its evidence can take, none is sent by hand."""
_AFTER_CLOSE_MS = 2 * MINUTE_MS
LARGEST = 1.0
"""How much of the base currency is still a small order."""
_LEFT_OPEN = "the wallets were not looked at to the end; the next verify order or a live runner does"
_PATIENCE_SECONDS = 10.0
_TIMEFRAME = re.compile(r"--timeframe[= ](\w+)")
_TURN_SECONDS = 1.0


class Wish(NamedTuple):
    """What is to be ordered: LONG or SHORT, and how much of the base currency."""

    side: str
    size: float


def objections(settings: Settings, clock: Clock) -> tuple[str, ...]:
    """Say why no order can be sent by hand now, a sentence each; nothing is changed anywhere.

    Raises:
        Refused: the market has no TEST pair, or an address cannot be used.
        JournalDamaged: nobody can tell what was sent.
    """
    journal = _journal(settings, clock)
    with suppress(FileNotFoundError, NotADirectoryError):
        journal.catch_up()
    _require_whole(settings, journal)
    with _paper(settings, clock) as paper:
        return (*_outside(settings, paper, clock), *_inside(settings, journal.book, clock, besides=MANUAL))


def place(settings: Settings, wish: Wish, clock: Clock, *, command: str) -> Order:
    """Send one order, once, and look for it in the wallets until they have told or ten minutes have passed.

    Raises:
        UsageRefused: it is no small order.
        Refused: something stands against it; nothing was sent.
        GenesisError: a signal came; what is under way then is finished first, and is named.
        LockHeld: another order is under way at this moment.
        Unreachable: the API does not tell its whitelist or its wallets; nothing was sent.
        WriteFailed: an intent or an outcome is not on the disk.
        AbortCondition: the wallets show that it was filled several times.
    """
    require_sensible(wish)
    journal, stop = _journal(settings, clock), StopRequest()
    with _paper(settings, clock) as paper, stop.listening():
        looks = Looks(journal, paper, clock, paper_pair(settings.symbol), require_once)
        _require_directory(settings.log_dir)
        _finish_former(journal, looks, clock, command, stop)
        _require_whole(settings, journal)
        _require_none(_outside(settings, paper, clock))
        name = "" if stop.signal_number else _send(settings, wish, journal, paper, looks, clock, command)
        order = _looked_for(name, journal, looks, clock, command, stop) if name else None
    if order is None or stop.signal_number is not None:
        raise _interrupted(order, stop.signal_number)
    return order


def require_sensible(wish: Wish) -> None:
    """Refuse what is no small order.

    Raises:
        UsageRefused: it names no side, or a size that the wallets could not show or that is not small.
    """
    if wish.side not in SIDES or not isfinite(wish.size) or not 10 * DUST < wish.size <= LARGEST:
        raise UsageRefused(
            f"{visible(wish.side)} {wish.size:g} is no small order: LONG or SHORT, and at most {LARGEST:g}",
            next_command="genesis-ops verify order --side LONG --size 0.001",
        )


def _require_whole(settings: Settings, journal: Journal) -> None:
    """Begin no new journal where one is missed; a state that cannot be read remembers nothing."""
    remembered: Mapping[str, Any] = {}
    with suppress(StateUnreadable):
        state = StateStore(settings.state_file).read() if settings.state_file.parent.is_dir() else None
        remembered = {} if state is None else state.other
    if settings.log_dir.is_dir():
        require_whole(journal, settings, remembered)


def _interrupted(order: Order | None, number: int | None) -> GenesisError:
    """Say what a signal leaves behind."""
    if order is None:
        error = GenesisError("interrupted: no order was sent by hand")
    else:
        error = GenesisError(
            f"interrupted: order {order.id} was sent and is {order.label.upper()}",
            notes=(_LEFT_OPEN,) if order.wants_evidence else (),
            next_command=f"genesis-ops orders show {order.id}",
        )
    error.exit_code = Exit.INTERRUPTED if number == signal.SIGINT else Exit.TERMINATED
    return error


def _require_directory(log_dir: Path) -> None:
    """Make the log directory, if it is not there; one of another user would get files that he cannot write to."""
    try:
        log_dir.mkdir(parents=True, exist_ok=True)
        owner = log_dir.stat().st_uid
    except OSError as error:
        raise write_failed(log_dir, error) from error
    if hasattr(os, "geteuid") and owner != os.geteuid():
        raise Refused(
            visible(f"{log_dir} belongs to another user (uid {owner}), who could not write the journal any more"),
            next_command=f"sudo -u '#{owner}' genesis-ops verify order",
        )


def _journal(settings: Settings, clock: Clock) -> Journal:
    return Journal(settings.log_dir, clock.now_ms, wait=clock.wait)


@contextmanager
def _paper(settings: Settings, clock: Clock) -> Iterator[PaperApi]:
    with closing(Http(settings.api_url, clock, _API_SECONDS)) as http:
        yield PaperApi(http, lambda: Http(settings.api_url, clock, SUBMIT_SECONDS, direct=True))


# --- what stands against it


def _outside(settings: Settings, paper: PaperApi, clock: Clock) -> tuple[str, ...]:
    """Ask the API which pairs may be traded, and the exchange whether it works and what time it is."""
    symbol, allowed = paper_pair(settings.symbol), whitelisted(paper, settings)
    found = ask_time(settings.exchange_url, clock)
    offsets = [abs(ms) for ms in (found.low_ms, found.high_ms) if ms is not None]
    told = (
        (symbol not in allowed, f"{symbol} is not on the API's whitelist"),
        (found.standing is not Standing.WORKING, f"the exchange does not say that it works: {found.told}"),
        (not offsets, "the exchange does not tell its time"),
        (bool(offsets) and min(offsets) > LARGEST_OFFSET_MS, "the clock is more than 5s off the exchange's"),
    )
    return tuple(visible(why) for holds, why in told if holds)


def _inside(settings: Settings, book: Book, clock: Clock, *, besides: str | None = None) -> tuple[str, ...]:
    """Look at the latch, the journal, the disk, and at a live runner that may be about to order.

    Of orders of the purpose ``besides`` those do not count about which something can still be found out.
    """
    free = _free_bytes(settings.log_dir)
    passing = {order.id for order in book.open if order.purpose == besides}
    told = (
        (read_latch(settings.log_dir) is not None, "the stop latch is set"),
        *(
            (True, f"order {order.id} is in doubt: {order.reason or order.label}")
            for order in book.unresolved
            if order.id not in passing
        ),
        *(
            (True, f"order {order.id} is not finished")
            for order in book.open
            if not (order.unresolved or order.purpose)
        ),
        (free is not None and free < LEAST_FREE_BYTES, f"{(free or 0) >> 20} MiB are free, and 16 MiB is the least"),
        (free is None, "the free space of the disk cannot be read"),
    )
    return (*(visible(why) for holds, why in told if holds), *_beside_a_runner(settings, clock.now_ms()))


def _beside_a_runner(settings: Settings, now_ms: int) -> tuple[str, ...]:
    """Keep away from the closes of a live runner; a name plate that a killed one left only costs time."""
    pair, *_ = runner_locks(
        settings.state_file,
        settings.log_dir,
        settings.lock_dir,
        symbol=paper_pair(settings.symbol),
        timeframe=settings.timeframe,
        mode=Mode.LIVE_PAPER,
    )
    plates = holders((pair,))
    length_ms = min((_timeframe(plate, settings).close_of(0) for plate in plates), default=0)
    since_ms = now_ms % length_ms if length_ms else 0
    if not plates or _AFTER_CLOSE_MS <= since_ms <= length_ms - _BEFORE_CLOSE_MS:
        return ()
    wait_ms = _AFTER_CLOSE_MS - since_ms if since_ms < _AFTER_CLOSE_MS else length_ms - since_ms + _AFTER_CLOSE_MS
    if length_ms <= _AFTER_CLOSE_MS + _BEFORE_CLOSE_MS:
        return ("a live runner may order at any minute: stop it, or take its own orders as the proof",)
    return (f"a live runner orders at the close; try again in {duration(wait_ms / 1000 + 1)}",)


def _timeframe(plate: Holder, settings: Settings) -> Timeframe:
    """Tell by a runner's command line which candles it trades; without a flag it is the settings' own."""
    found = _TIMEFRAME.search(plate.command)
    with suppress(ValueError):
        return Timeframe(found[1]) if found else settings.timeframe
    return settings.timeframe


def _free_bytes(directory: Path) -> int | None:
    import shutil

    place = next((path for path in (directory, *directory.parents) if path.is_dir()), directory)
    with suppress(OSError):
        return shutil.disk_usage(place).free
    return None


def _require_none(reasons: Sequence[str]) -> None:
    if reasons:
        raise Refused("no order was sent by hand", notes=tuple(reasons), next_command="genesis-ops orders list")


# --- sending


def _finish_former(journal: Journal, looks: Looks, clock: Clock, command: str, stop: StopRequest) -> None:
    """Take up what an earlier attempt left that was killed; whoever holds the journal knows that nobody is at it."""
    with journal.held(command, _PATIENCE_SECONDS) as book:
        for order in book.open:
            if order.purpose == MANUAL and order.label is Kind.DECIDED:
                journal.append(Kind.EXPIRED, id=order.id, reason=GONE)
            elif order.purpose == MANUAL and order.label is Kind.ARMED:
                journal.append(Kind.UNKNOWN, id=order.id, reason=KILLED_BY_HAND)
        left = [order.id for order in book.open if order.purpose == MANUAL]
    for name in left:
        _looked_for(name, journal, looks, clock, command, stop)


def _send(  # noqa: PLR0913, PLR0917 - everything that one order is made with
    settings: Settings, wish: Wish, journal: Journal, paper: PaperApi, looks: Looks, clock: Clock, command: str
) -> str:
    """Write the intent, send it, write what came of it; the journal is held all the while."""
    with journal.held(command, _PATIENCE_SECONDS) as book:
        _require_none(_inside(settings, book, clock))
        wallets = looks.wallets()
        if wallets is None:
            raise Unreachable(
                "the wallets cannot be read, so nobody could tell what came of an order; none was sent",
                next_command=f"curl -fsS {settings.api_url}/account/wallets",
            )
        at_ms, symbol = clock.now_ms(), paper_pair(settings.symbol)
        while (name := manual_id(at_ms)) in book.orders:  # two in one second, or a clock that was set back
            at_ms += 1000
        about = {"candle_ts": at_ms, "symbol": symbol, "side": wish.side, "size": wish.size, "price": None}
        journal.append(Kind.DECIDED, id=name, **about, config_hash="", purpose=MANUAL, by=os.getpid())
        journal.append(Kind.ARMED, id=name, before=wallets)
        began = clock.monotonic()
        submission = paper.submit(PaperOrder(symbol, wish.side, wish.size))
        record_outcome(journal, name, submission, round((clock.monotonic() - began) * 1000))
        looks.begin(name, submission.label, began)
    return name


def _looked_for(  # noqa: PLR0913, PLR0917 - everything that one order is looked for with
    name: str, journal: Journal, looks: Looks, clock: Clock, command: str, stop: StopRequest
) -> Order:
    """Look at the wallets until they have told, or somebody wants to stop; a live runner may find out first."""
    while journal.book.orders[name].wants_evidence and looks.soon(name) and stop.signal_number is None:
        clock.wait(_TURN_SECONDS)
        with suppress(LockHeld), journal.held(command, _TURN_SECONDS) as book:
            if book.orders[name].wants_evidence:
                looks.look(book.orders[name])
    return journal.book.orders[name]
