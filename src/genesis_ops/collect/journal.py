"""One look at the journal of orders, which changes nothing and waits for nobody: what it holds and what is in doubt.

The journal's own modules are loaded where there is a journal: most hosts that are judged run dry.
"""

import os
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from genesis_ops.checks.evidence import OrderDoubt, OrdersFound
from genesis_ops.checks.journal import CHECKS, Armed, Damage, JournalFacts, LogWords, StateWords, armed_place
from genesis_ops.checks.model import Place, Report, judge
from genesis_ops.collect.where import is_directory
from genesis_ops.durable import read_whole
from genesis_ops.errors import GenesisError, JournalDamaged, Refused, StateUnreadable, typed
from genesis_ops.runlog.files import LONGEST, log_files
from genesis_ops.settings import Settings
from genesis_ops.words import Mode, stamp, visible

if TYPE_CHECKING:
    from genesis_ops.journal.book import Book, Order
    from genesis_ops.journal.chain import Entry, Torn
    from genesis_ops.journal.record import Record

Shown = Callable[[str], str]
"""Writes a file's path as a report is to name it."""

_NAME = re.compile(r"runner_orders_[0-9]{8}\.log(\.gz)?")
_RECORD = re.compile(rb'^\{"n": \d', re.MULTILINE)
_REMEMBERED = "journal"
_MOST_BYTES = 1 << 28
_SENDING_MS = 120_000
"""How long a request can be under way (90 s), and its record to be written."""
_SETTLING_MS = 600_000
"""How long a runner may ask the wallets about an order before somebody else has to look."""
_SUMMED = ("decided", "armed", "acked", "rejected", "unknown", "blocked", "expired", "resolved")


class Read(NamedTuple):
    """The journal as far as it could be read; ``submitted`` is how many orders the exchange had after each record."""

    book: "Book"
    entries: "tuple[Entry, ...]"
    submitted: tuple[int, ...]
    sums: tuple[str, ...]
    torn: "tuple[Torn, ...]"
    damage: JournalDamaged | None

    def records_of(self, name: str) -> "tuple[Record, ...]":
        """Give an order's own records, in order."""
        return tuple(entry.record for entry in self.entries if entry.record.content.get("id") == name)


def journal_files(log_dir: Path) -> tuple[str, ...]:
    """Name the journal's files; none where there is no such directory (OSError where it cannot be listed)."""
    try:
        return tuple(sorted(name for name in os.listdir(log_dir) if _NAME.fullmatch(name)))  # noqa: PTH208 - names only
    except (FileNotFoundError, NotADirectoryError):
        return ()


def read_journal(log_dir: Path) -> Read:
    """Read all of it; what follows a contradiction is read on, what follows damage cannot be."""
    from genesis_ops.journal.book import Book, Contradiction
    from genesis_ops.journal.chain import Chain

    chain, book = Chain(log_dir), Book()
    entries: list[Entry] = []
    submitted: list[int] = []
    damage: JournalDamaged | None = None
    try:
        for entry in chain.follow():
            entries.append(entry)
            if damage is None:
                try:
                    book.take(entry.record)
                except Contradiction as error:
                    damage = JournalDamaged(entry.path, entry.offset, str(error))
            submitted.append(book.submitted)
    except JournalDamaged as error:
        damage = damage or error
    sums = tuple(chain.sum_of(number) for number in range(1, chain.number + 1))
    return Read(book, tuple(entries), tuple(submitted), sums, chain.torn, damage)


def whole_journal(log_dir: Path) -> Read:
    """Read it for who has to rely on it.

    Raises:
        JournalDamaged: it does not hold together.
        Refused: this user may not read it, or what should be the log directory is none.
    """
    if os.path.lexists(log_dir) and not is_directory(log_dir):
        raise Refused(visible(f"{log_dir} is not a directory"), next_command=f"ls -ld {typed(log_dir)}")
    read = read_journal(log_dir)
    if read.damage is not None and _hidden(read.damage):
        raise Refused(_told_hidden(read.damage, str), next_command=f"ls -ld {typed(log_dir)} {typed(read.damage.path)}")
    if read.damage is not None:
        raise read.damage
    return read


# --- what is in doubt


def orders_found(
    log_dir: Path, settings: Settings, shown: Shown, now_ms: int, known: Read | None = None
) -> OrdersFound:
    """Look for orders in doubt, if there is a journal at all; ``known`` is what its reading gave, where it was read.

    Files of that name in which nothing was ever a record are another program's: a dry-run is not stopped for them.
    """
    with suppress(OSError):  # a directory that cannot be listed is told by who looks for the log
        if names := journal_files(log_dir):
            read = known or read_journal(log_dir)
            if read.entries or read.damage is None or _hidden(read.damage) or _claims_records(log_dir, names):
                return _doubts(read, log_dir, settings, shown, now_ms)[0]
    return OrdersFound()


def _claims_records(log_dir: Path, names: Sequence[str]) -> bool:
    return any(_RECORD.search(_content(log_dir / name)) for name in names)


def _doubts(
    read: Read, log_dir: Path, settings: Settings, shown: Shown, now_ms: int
) -> tuple[OrdersFound, tuple[str, ...]]:
    """Tell the orders in doubt from those whose request is under way at this moment."""
    sending = being_sent(read.book, log_dir, settings, now_ms)
    stuck = [order for order in read.book.unresolved if order.id not in sending]
    lives = bool(stuck) and _living_since_ms(log_dir, settings) is not None
    doubts = tuple(_doubt(order, read, shown)._replace(settling=lives and _settles(order, now_ms)) for order in stuck)
    damage = read.damage
    if damage is not None and not _hidden(damage):
        where = damage_of(damage, shown)
        told = f"the journal of orders is damaged: {where.where}: {where.why}"
        first = OrderDoubt("", told, where.place, "genesis-ops orders verify")
        doubts = (first, *doubts)  # what resolves the others may stand behind the damage
    trouble = "" if damage is None or not _hidden(damage) else _told_hidden(damage, shown)
    return OrdersFound(doubts, trouble), tuple(sorted(sending))


def being_sent(book: "Book", log_dir: Path, settings: Settings, now_ms: int) -> frozenset[str]:
    """Name the orders that a living runner is in the middle of; a name plate alone proves nothing: time counts too."""
    from genesis_ops.journal.record import Kind

    armed = [order for order in book.unresolved if order.label is Kind.ARMED and order.armed_ms is not None]
    young = frozenset(order.id for order in armed if abs(now_ms - (order.armed_ms or 0)) <= _SENDING_MS)
    since_ms = _living_since_ms(log_dir, settings) if young else None
    return frozenset(
        order.id for order in armed if order.id in young and since_ms and since_ms <= (order.armed_ms or 0)
    )


def _settles(order: "Order", now_ms: int) -> bool:
    return order.wants_evidence and order.before is not None and abs(now_ms - order.label_ms) <= _SETTLING_MS


def _living_since_ms(log_dir: Path, settings: Settings) -> int | None:
    """Tell since when (ms, UTC) a runner lives that orders from this journal; None where none does.

    It holds both the log directory's lock and the pair's, which no dry-run takes.
    """
    from genesis_ops.clients.paper import paper_pair
    from genesis_ops.state.lock import holders, runner_locks

    with suppress(Refused, ValueError):
        pair, _, directory = runner_locks(
            settings.state_file,
            log_dir,
            settings.lock_dir,
            symbol=paper_pair(settings.symbol),
            timeframe=settings.timeframe,
            mode=Mode.LIVE_PAPER,
        )
        here = {holder.pid for holder in holders((directory,))}
        since = [holder.since for holder in holders((pair,)) if holder.pid in here]
        return round(datetime.fromisoformat(since[0]).timestamp() * 1000) if since else None
    return None


def _doubt(order: "Order", read: Read, shown: Shown) -> OrderDoubt:
    from genesis_ops.report.orders import doubt, resolve_command

    newest = next(entry for entry in reversed(read.entries) if entry.record.content.get("id") == order.id)
    return OrderDoubt(order.id, doubt(order), _place(newest.path, newest.offset, shown), resolve_command(order))


def _hidden(damage: JournalDamaged) -> bool:
    """Whether it is only this user who cannot read it."""
    return isinstance(damage.__cause__, PermissionError)


def _told_hidden(damage: JournalDamaged, shown: Shown) -> str:
    return visible(f"{shown(str(damage.path))} cannot be read (Permission denied)")


def damage_of(error: JournalDamaged, shown: Shown) -> Damage:
    """Show where the damage begins."""
    if error.offset is None:
        return Damage(Place(shown(str(error.path)), 0, ""), None, visible(error.why))
    place = _place(error.path, error.offset, shown)
    return Damage(place._replace(text=f"byte {error.offset}: {place.text}"), error.offset, visible(error.why))


def _place(path: Path, offset: int, shown: Shown) -> Place:
    """Show the line that begins at a byte, with its number."""
    raw = _content(path)
    text = raw[offset : offset + LONGEST].split(b"\n", 1)[0].rstrip(b"\r")
    number = raw.count(b"\n", 0, offset) + 1 if raw else 0
    return Place(shown(str(path)), number, text.decode("ascii", "backslashreplace"))


def _content(path: Path) -> bytes:
    """Read a file once more, to show what stands in it; nothing where it is no plain file, or cannot be read."""
    import gzip
    import zlib

    try:
        raw = read_whole(path, _MOST_BYTES)
        return gzip.decompress(raw) if path.suffix == ".gz" else raw
    except (OSError, EOFError, zlib.error):
        return b""


# --- the whole judgement


def judge_journal(settings: Settings, now_ms: int, *, strict: bool) -> Report:
    """Judge the journal by its five checks."""
    facts = gather(settings, now_ms)
    return Report(
        command="orders verify",
        subject=f"{visible(facts.shown)} at {stamp(now_ms)} UTC",
        market=f"{settings.symbol} {settings.timeframe}",
        generated_ms=now_ms,
        checks=judge(CHECKS, facts, lambda path: settings.shown(Path(path))),
        summary=_summary(facts),
        notes=_notes(facts),
        strict=strict,
    )


def _summary(facts: JournalFacts) -> dict[str, int]:
    return {"records": facts.records} | {kind: facts.counts.get(kind, 0) for kind in _SUMMED}


def _notes(facts: JournalFacts) -> tuple[str, ...]:
    """Say the sums to a person, too."""
    told = [f"{number} {kind}" for kind, number in _summary(facts).items() if number]
    return (", ".join(told),) if told else ()


def gather(settings: Settings, now_ms: int) -> JournalFacts:
    """Look at state, log and journal for what a judgement of the journal needs."""
    return gather_and_read(settings, now_ms)[0]


def gather_and_read(settings: Settings, now_ms: int) -> tuple[JournalFacts, Read]:
    """Look at state, log and journal, in this order: what a live runner writes meanwhile is in the journal first."""
    log_dir = settings.log_dir

    def shown(path: str) -> str:
        return settings.shown(Path(path)).replace("\\", "/")

    directory = shown(str(log_dir))
    state, log = _state(settings, shown(str(settings.state_file))), _log(log_dir, directory)
    files, trouble = _files(log_dir, directory)
    read = read_journal(log_dir)
    orders, sending = _doubts(read, log_dir, settings, shown, now_ms)
    hidden = read.damage is not None and _hidden(read.damage)
    facts = JournalFacts(
        shown=directory,
        files=files if read.entries or read.damage or read.torn else (),
        counts=_counts(read),
        damage=None if read.damage is None or hidden else damage_of(read.damage, shown),
        trouble=trouble or orders.trouble,
        torn=tuple(_place(torn.path, torn.offset, shown) for torn in read.torn),
        armed=_armed(read, shown),
        orders=orders,
        sending=sending,
        log=log,
        state=_beside(state, read),
        market=visible(read.book.starts[-1].market) if read.book.starts else "",
    )
    return facts, read


def _files(log_dir: Path, directory: str) -> tuple[tuple[str, ...], str]:
    if os.path.lexists(log_dir) and not is_directory(log_dir):
        return (), f"{directory} is not a directory"
    try:
        return journal_files(log_dir), ""
    except OSError as error:
        return (), f"{directory} cannot be listed ({error.strerror})"


def _counts(read: Read) -> dict[str, int]:
    from collections import Counter

    return dict(Counter(str(entry.record.kind) for entry in read.entries))


def _armed(read: Read, shown: Shown) -> tuple[Armed, ...]:
    """Take the armed records from the records themselves, whatever the book made of them."""
    from genesis_ops.journal.record import Kind

    decided = {
        entry.record.content.get("id"): entry.record.content
        for entry in read.entries
        if entry.record.kind is Kind.DECIDED
    }
    return tuple(
        _armed_as(entry, decided.get(entry.record.content.get("id"), {}), shown)
        for entry in read.entries
        if entry.record.kind is Kind.ARMED
    )


def _armed_as(entry: "Entry", decided: Mapping[str, object], shown: Shown) -> Armed:
    from genesis_ops.journal.book import MANUAL

    name, at_ms = visible(str(entry.record.content.get("id"))), entry.record.at_ms
    place = armed_place(shown(str(entry.path)), entry.offset, name, at_ms)
    candle_ts, manual = decided.get("candle_ts"), decided.get("purpose") == MANUAL
    return Armed(name, candle_ts if isinstance(candle_ts, int) and not manual else None, at_ms, place, manual)


def _log(log_dir: Path, directory: str) -> LogWords:
    from genesis_ops.runlog.submissions import submissions

    try:
        files = log_files(log_dir)
    except OSError as error:
        missing = isinstance(error, NotADirectoryError)
        return LogWords(not missing, trouble="" if missing else f"{directory} cannot be listed ({error.strerror})")
    lines, older, notes = submissions(files)
    trouble = next(iter((*notes.unreadable, *notes.damaged)), "")
    return LogWords(bool(files), lines, tuple(line.at_ms for line in lines), trouble, len(older))


def _state(settings: Settings, name: str) -> StateWords:
    from genesis_ops.state.store import StateStore

    if not is_directory(settings.state_file.parent):
        return StateWords(name, present=False)
    try:
        state = StateStore(settings.state_file).read()
    except GenesisError as error:
        return StateWords(name, problem=_problem(error, settings, name))
    if state is None:
        return StateWords(name, present=False)
    known = state.other.get(_REMEMBERED)
    records = known.get("records") if isinstance(known, dict) else None
    if not isinstance(known, dict) or not isinstance(records, int):
        return StateWords(name)
    own_sum = visible(str(known.get("sum")))
    return StateWords(name, records=records, sum=own_sum, submitted=state.total_orders_submitted)


def _problem(error: GenesisError, settings: Settings, name: str) -> str:
    if isinstance(error, StateUnreadable):
        return error.message.replace(str(settings.state_file), name)
    return error.message


def _beside(state: StateWords, read: Read) -> StateWords:
    """Put beside what the state remembers what the journal itself says at that record."""
    number = state.records
    if number is None:
        return state
    there = 1 <= number <= len(read.sums)
    submitted: Sequence[int] = (0, *read.submitted)
    return state._replace(
        sum_there=read.sums[number - 1] if there else "",
        submitted_there=submitted[number] if 0 <= number < len(submitted) else None,
    )
