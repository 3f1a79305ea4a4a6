"""Writing the journal: one after another, each on the disk, and nothing more after a write that failed."""

import multiprocessing
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from journal_lines import (
    CANDLE,
    NAME,
    TODAY,
    armed,
    decided,
    labelled,
    lines,
    pack,
    put,
    started,
    two_orders,
    whole_order,
)

from genesis_ops.errors import JournalDamaged, LockHeld, Refused, WriteFailed
from genesis_ops.journal.book import Contradiction, order_id
from genesis_ops.journal.chain import Chain
from genesis_ops.journal.journal import Journal
from genesis_ops.journal.record import SEED, Kind
from genesis_ops.words import DAY_MS, HOUR_MS

NOW = CANDLE + HOUR_MS


def journal_in(place: Path, **options: Any) -> Journal:
    return Journal(place, lambda: NOW, **options)


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return journal_in(tmp_path)


def write(journal: Journal, *told: tuple[Kind, dict[str, Any]]) -> None:
    with journal.held("test"):
        for kind, content in told:
            journal.append(kind, **content)


def add(journal: Journal, told: tuple[Kind, dict[str, Any]]) -> None:
    journal.append(told[0], **told[1])


def replayed(place: Path) -> Journal:
    journal = journal_in(place)
    journal.catch_up()
    return journal


def waits() -> tuple[list[float], Callable[[float], None]]:
    found: list[float] = []
    return found, found.append


def assert_same(one: Journal, other: Journal) -> None:
    assert (one.records, one.sum) == (other.records, other.sum)
    assert (one.book.orders, one.book.starts) == (other.book.orders, other.book.starts)


# --- writing


def test_what_is_written_is_in_the_book_and_in_a_replay(journal: Journal, tmp_path: Path) -> None:
    write(journal, *two_orders())
    other = replayed(tmp_path)
    assert_same(journal, other)
    assert (journal.records, journal.book.armed) == (9, 2)
    assert [journal.sum_of(number) for number in range(11)] == [other.sum_of(number) for number in range(11)]
    assert (journal.sum_of(9), journal.sum_of(10)) == (journal.sum, "")
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["orders.lock", f"runner_orders_{TODAY}.log"]


def test_an_empty_journal_has_no_records(journal: Journal, tmp_path: Path) -> None:
    journal.catch_up()
    assert (journal.records, journal.sum, journal.torn, journal.torn_end) == (0, SEED, (), ())
    assert journal.directory == tmp_path


def test_a_record_is_in_the_book_as_it_is_read_again(journal: Journal, tmp_path: Path) -> None:
    write(journal, decided(), armed(before={1: 2.0}))
    assert journal.book.orders[NAME].before == {"1": 2.0}
    assert_same(journal, replayed(tmp_path))


def test_a_record_goes_into_the_file_of_its_day_wherever_the_clock_goes(tmp_path: Path) -> None:
    times = iter(when for day in (0, 1, -1, 0) for when in [NOW + day * DAY_MS] * 2)
    journal = Journal(tmp_path, lambda: next(times))
    for told in (started(), decided(), armed(), labelled(Kind.UNKNOWN)):
        write(journal, told)
    written = [path.name for path in sorted(tmp_path.glob("*.log"))]
    assert written == [f"runner_orders_2026020{day}.log" for day in (4, 5, 6)]
    assert_same(journal, replayed(tmp_path))


def test_two_journals_in_turn_see_what_the_other_wrote(tmp_path: Path) -> None:
    both = [journal_in(tmp_path), journal_in(tmp_path)]
    for number, told in enumerate(two_orders()):
        write(both[number % 2], told)
    for journal in both:
        journal.catch_up()
        assert_same(journal, replayed(tmp_path))


def test_who_holds_the_journal_is_given_its_book_up_to_date(journal: Journal, tmp_path: Path) -> None:
    write(journal_in(tmp_path), started(), decided())
    with journal.held("test") as book:
        assert book is journal.book
        assert list(book.orders) == [NAME]


def test_a_book_stays_the_same_one_while_the_journal_is_whole(journal: Journal, tmp_path: Path) -> None:
    book = journal.book
    for told in (started(), decided()):
        write(journal_in(tmp_path), told)
        journal.catch_up()
        assert journal.book is book
    assert list(book.orders) == [NAME]


def test_a_record_is_written_only_while_the_journal_is_held(journal: Journal, tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="only while the journal is held"):
        journal.append(Kind.BLOCKED, id=NAME)
    write(journal, started())
    with pytest.raises(AssertionError, match="only while the journal is held"):
        journal.append(Kind.BLOCKED, id=NAME)
    assert replayed(tmp_path).records == 1


def test_an_error_of_whoever_holds_it_lets_go_of_it(journal: Journal) -> None:
    def fail() -> None:
        with journal.held("test"):
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    with pytest.raises(AssertionError, match="held"):
        journal.append(Kind.STARTED)
    write(journal, started())
    assert journal.records == 1


@pytest.mark.parametrize(
    ("told", "why"),
    [
        (armed(), f"no armed record is written: {NAME} is armed and cannot become armed"),
        ((Kind.EVIDENCE, {"id": "\x1b"}), r"no evidence record is written: \x1b is evidence and was never decided"),
        (decided(CANDLE + HOUR_MS, size=float("nan")), "no decided record is written: Out of range float values"),
        (decided(CANDLE + HOUR_MS, size=10**400), "no decided record is written: record 4 lacks something: Overflow"),
        (decided(CANDLE + HOUR_MS, price=b"x"), "no decided record is written: Object of type bytes"),
        (decided(CANDLE + HOUR_MS, n=1), "no decided record is written: n is said by the record itself"),
    ],
)
def test_a_record_that_cannot_be_is_not_written_and_the_next_one_is(
    journal: Journal, tmp_path: Path, told: tuple[Kind, dict[str, Any]], why: str
) -> None:
    with journal.held("test"):
        for kind, content in (started(), decided(), armed()):
            journal.append(kind, **content)
        with pytest.raises(WriteFailed) as caught:
            add(journal, told)
        assert caught.value.message.startswith(why)
        assert caught.value.next_command == "genesis-ops orders verify"
        journal.append(Kind.UNKNOWN, id=NAME)
    assert replayed(tmp_path).records == journal.records == 4


def test_a_record_too_deep_to_be_read_again_is_not_written(journal: Journal, tmp_path: Path) -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    with journal.held("test"), pytest.raises(WriteFailed, match="no started record is written"):
        journal.append(Kind.STARTED, **{**started()[1], "gate": deep})
    assert replayed(tmp_path).records == 0


def test_a_moment_that_cannot_be_read_again_is_not_written(tmp_path: Path) -> None:
    times = iter([NOW, 253_402_300_800_000, NOW])  # the year 10000
    journal = Journal(tmp_path, lambda: next(times))
    with journal.held("test"), pytest.raises(WriteFailed, match="no started record is written"):
        add(journal, started())
    assert replayed(tmp_path).records == 0


def test_a_record_that_reads_as_nothing_is_not_written(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("genesis_ops.journal.journal.read", lambda *_: None)
    with journal.held("test"), pytest.raises(WriteFailed, match="it could not be read again"):
        add(journal, started())
    assert journal.records == 0


# --- the disk


class Disk:
    """Notes what is written and synced, and where something fails."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.calls: list[str] = []
        self.fails: dict[str, int] = {}
        for name in ("write", "fsync"):
            monkeypatch.setattr(os, name, self._noted(name, getattr(os, name)))

    def _noted(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(descriptor: int, *rest: Any) -> Any:
            where = Path(f"/proc/self/fd/{descriptor}").readlink().name
            if "orders.lock" not in where:
                self.calls.append(f"{name} {where if where.startswith('runner') else 'directory'}")
                if name in self.fails:
                    raise OSError(self.fails[name], os.strerror(self.fails[name]))
            return real(descriptor, *rest)

        return call


FILE = f"runner_orders_{TODAY}.log"


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[Disk]:
    with monkeypatch.context() as patch:
        yield Disk(patch)


def test_each_record_is_on_the_disk_before_the_next_one_is_written(journal: Journal, disk: Disk) -> None:
    with journal.held("test"):
        add(journal, started())
        assert disk.calls[-2:] == ["fsync directory", f"fsync {FILE}"]
        disk.calls.clear()
        add(journal, decided())
        assert disk.calls == [f"write {FILE}", f"fsync {FILE}"]


def test_the_name_of_a_file_that_another_process_made_is_on_the_disk_with_the_first_record(
    tmp_path: Path, disk: Disk
) -> None:
    put(tmp_path, b"")  # whoever made it was killed before it could sync the directory
    journal = journal_in(tmp_path)
    write(journal, started())
    assert disk.calls[:3] == [f"write {FILE}", "fsync directory", f"fsync {FILE}"]
    disk.calls.clear()
    write(journal, decided())
    assert "fsync directory" not in disk.calls


def test_what_another_process_appended_is_on_the_disk_before_anything_is_built_on_it(
    tmp_path: Path, disk: Disk
) -> None:
    other, journal = journal_in(tmp_path), journal_in(tmp_path)
    write(other, started())
    for _ in range(2):
        disk.calls.clear()
        with journal.held("test"):
            assert disk.calls == [f"fsync {FILE}", "fsync directory"]
        disk.calls.clear()
        with journal.held("test"):
            assert disk.calls == []
            add(journal, decided(CANDLE + journal.records * HOUR_MS))
        disk.calls.clear()
        with journal.held("test"):
            assert disk.calls == []
        write(other, decided(CANDLE + journal.records * HOUR_MS))


def test_what_another_process_appended_and_cannot_be_synced_is_a_failed_write(tmp_path: Path, disk: Disk) -> None:
    write(journal_in(tmp_path), started())
    disk.fails = {"fsync": 5}
    journal = journal_in(tmp_path)
    with pytest.raises(WriteFailed, match=rf"{FILE} could not be written"):
        write(journal, decided())
    assert replayed(tmp_path).records == 1


def test_an_empty_journal_is_held_without_a_sync(journal: Journal, disk: Disk) -> None:
    with journal.held("test"):
        assert disk.calls == []


def test_half_a_mark_behind_half_a_line_is_a_failed_write_and_no_record_is_glued_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = lines([started(), *whole_order()])
    put(tmp_path, [*texts[:2], texts[2][:60]])
    real = os.write
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", lambda file, data: real(file, b" [to" if data == b" [torn]\n" else data))
        with pytest.raises(WriteFailed, match="half a line in it could not be ended"):
            write(journal_in(tmp_path), armed())
    assert (tmp_path / FILE).read_bytes() == b"".join([*texts[:2], texts[2][:60], b" [to"])
    write(journal_in(tmp_path), armed())
    found = replayed(tmp_path)
    assert (found.records, len(found.torn), found.torn_end) == (3, 1, ())


def test_a_rehearsals_journal_leaves_the_disk_in_peace(tmp_path: Path, disk: Disk) -> None:
    write(journal_in(tmp_path, durable=False), *two_orders())
    assert disk.calls == [f"write {FILE}"] * 9


@pytest.mark.parametrize("call", ["write", "fsync"])
@pytest.mark.parametrize("before", [0, 3])
def test_after_a_write_that_failed_nothing_more_is_written(tmp_path: Path, disk: Disk, call: str, before: int) -> None:
    journal = journal_in(tmp_path)
    told = (started(), *whole_order())
    write(journal, *told[:before])
    with journal.held("test"):
        disk.fails = {call: 5}
        with pytest.raises(WriteFailed, match=rf"{FILE} could not be written: Input/output error"):
            add(journal, told[before])
        disk.calls.clear()
        with pytest.raises(AssertionError, match="held"):
            add(journal, told[before])
        assert (journal.records, disk.calls) == (before, [])
        disk.fails = {}
    with pytest.raises(WriteFailed, match="an earlier record did not reach the journal") as caught:
        journal.held("test").__enter__()
    assert caught.value.next_command == "genesis-ops orders verify"
    found = replayed(tmp_path)
    assert found.records in {before, before + 1}
    write(journal_in(tmp_path), *told[found.records :])
    assert replayed(tmp_path).records == 5


def test_after_a_full_disk_the_journal_is_as_it_was_before(journal: Journal, tmp_path: Path, disk: Disk) -> None:
    write(journal, started())
    text = (tmp_path / FILE).read_bytes()
    disk.fails = {"write": 28}
    with pytest.raises(WriteFailed, match="No space left on device"):
        write(journal, decided())
    assert (tmp_path / FILE).read_bytes() == text


def test_a_disk_that_still_fails_when_the_journal_is_let_go_of_is_told_as_well(
    journal: Journal, tmp_path: Path, disk: Disk
) -> None:
    with ExitStack() as letting_go:
        letting_go.enter_context(pytest.raises(WriteFailed, match="could not be written"))
        letting_go.enter_context(journal.held("test"))
        add(journal, started())
        disk.fails = {"fsync": 5}
        with pytest.raises(WriteFailed, match="Input/output error"):
            add(journal, decided())
    disk.fails = {}
    with pytest.raises(WriteFailed, match="an earlier record"):
        write(journal, decided())
    assert replayed(tmp_path).records == 2


def test_what_is_synced_already_is_not_synced_again_when_the_journal_is_let_go_of(journal: Journal, disk: Disk) -> None:
    with journal.held("test"):
        add(journal, started())
        disk.calls.clear()
    assert not [call for call in disk.calls if "fsync" in call]


def test_a_directory_that_cannot_be_synced_is_a_failed_write(journal: Journal, tmp_path: Path, disk: Disk) -> None:
    put(tmp_path, b"")
    disk.fails = {"fsync": 5}
    with pytest.raises(WriteFailed, match=rf"{FILE} could not be written"):
        write(journal, started())
    assert disk.calls[:2] == [f"write {FILE}", "fsync directory"]


def test_a_file_that_is_deleted_while_it_is_written_is_a_failed_write(journal: Journal, tmp_path: Path) -> None:
    with journal.held("test"):
        add(journal, started())
        (tmp_path / FILE).unlink()
        with pytest.raises(WriteFailed, match="No such file"):
            add(journal, decided())
    with pytest.raises(WriteFailed, match="an earlier record"):
        write(journal, decided())


def test_a_file_that_is_replaced_while_it_is_written_is_damage(journal: Journal, tmp_path: Path) -> None:
    with journal.held("test"):
        add(journal, started())
        (tmp_path / FILE).unlink()
        (tmp_path / FILE).touch()
        with pytest.raises(JournalDamaged, match="is not the file that was written to"):
            add(journal, decided())
        with pytest.raises(AssertionError, match="held"):
            add(journal, decided())


def test_the_files_are_closed_when_the_journal_is_let_go_of(journal: Journal, tmp_path: Path) -> None:
    write(journal, started())
    open_before = len(list(Path("/proc/self/fd").iterdir()))
    for told in whole_order():
        write(journal, told)
    for told in whole_order(CANDLE + HOUR_MS):
        write(journal_in(tmp_path), told)
        with journal.held("test"):
            pass
    assert len(list(Path("/proc/self/fd").iterdir())) == open_before


def test_half_a_line_of_another_process_is_ended_before_the_next_record(journal: Journal, tmp_path: Path) -> None:
    write(journal, started())
    with (tmp_path / FILE).open("ab") as other:
        other.write(b'{"n": 2, "at": "2026')
    write(journal, decided())
    assert b'{"n": 2, "at": "2026 [torn]\n{"n": 2, ' in (tmp_path / FILE).read_bytes()
    assert (journal.torn, journal.torn_end) == (journal.torn[:1], ())
    with (tmp_path / FILE).open("ab") as other:
        other.write(b'{"n": 3')
    journal.catch_up()
    assert (len(journal.torn), journal.torn_end) == (2, journal.torn[1:])
    assert_same(journal, replayed(tmp_path))


# --- damage


def test_a_contradiction_in_the_journal_is_damage_with_its_place_however_often_it_is_read(tmp_path: Path) -> None:
    told = [started(), decided(), armed(), armed(), labelled(Kind.UNKNOWN)]
    texts = lines(told)
    path = put(tmp_path, texts)
    journal = journal_in(tmp_path)
    for _ in range(3):
        with pytest.raises(JournalDamaged) as caught:
            journal.catch_up()
        assert (caught.value.path, caught.value.offset) == (path, len(b"".join(texts[:3])))
        assert caught.value.why == f"{NAME} is armed and cannot become armed"
        assert isinstance(caught.value.__cause__, Contradiction)
        assert journal.book.armed == 1


def test_a_damaged_journal_is_not_held(tmp_path: Path) -> None:
    put(tmp_path, b"x\n")
    journal = journal_in(tmp_path)
    with pytest.raises(JournalDamaged):
        write(journal, started())
    put(tmp_path, b"")
    write(journal, started())
    assert journal.records == 1


def test_a_journal_that_is_put_back_is_read_again(tmp_path: Path) -> None:
    texts = lines(two_orders())
    put(tmp_path, texts[:6])
    journal = replayed(tmp_path)
    put(tmp_path, [*texts[:7], b"x\n"])
    for _ in range(2):
        with pytest.raises(JournalDamaged):
            journal.catch_up()
    put(tmp_path, texts)
    journal.catch_up()
    assert_same(journal, replayed(tmp_path))


def test_a_journal_that_was_longer_before_is_never_accepted(tmp_path: Path) -> None:
    texts = lines(two_orders())
    path = put(tmp_path, texts)
    journal = replayed(tmp_path)
    for shorter in (texts[:8], texts[:1], lines([started(override="other")]), []):
        path.unlink()
        put(tmp_path, shorter)
        for _ in range(2):
            with pytest.raises(JournalDamaged):
                journal.catch_up()
        with pytest.raises(JournalDamaged) as caught:
            journal.catch_up()
        assert caught.value.why == "record 9, which was there, is another one now, or none"
        assert caught.value.path == tmp_path / "runner_orders_*.log"
    put(tmp_path, texts)
    journal.catch_up()
    assert journal.records == 9


def test_a_record_that_this_process_wrote_is_missed_when_it_is_gone(journal: Journal, tmp_path: Path) -> None:
    with journal.held("test"):
        for kind, content in two_orders():
            journal.append(kind, **content)
        texts = (tmp_path / FILE).read_bytes().splitlines(keepends=True)
        put(tmp_path, texts[:8])
        for _ in range(2):
            with pytest.raises(JournalDamaged):
                journal.catch_up()
        put(tmp_path, texts)
        journal.catch_up()
    assert_same(journal, replayed(tmp_path))


def test_a_file_packed_between_two_records_changes_nothing(journal: Journal, tmp_path: Path) -> None:
    write(journal, *two_orders()[:4])
    pack(tmp_path / FILE)
    write(journal, *two_orders()[4:])
    journal.catch_up()
    assert_same(journal, replayed(tmp_path))
    assert journal.records == 9


# --- several processes


def append_orders(place: Path, which: int, count: int, barrier: Any) -> None:
    """Be one of several processes that append whole orders, each of its own candles."""
    journal = Journal(place, lambda: NOW)
    barrier.wait(30)
    for number in range(count):
        for kind, content in whole_order(CANDLE + (2 * number + which) * HOUR_MS):
            with journal.held("test", 60):
                journal.append(kind, **content)


def test_two_processes_that_append_at_once_lose_no_record(tmp_path: Path) -> None:
    context, count = multiprocessing.get_context("fork"), 15
    barrier = context.Barrier(2)
    both = [context.Process(target=append_orders, args=(tmp_path, which, count, barrier)) for which in range(2)]
    for process in both:
        process.start()
    for process in both:
        process.join(120)
    assert [process.exitcode for process in both] == [0, 0]
    found = replayed(tmp_path)
    assert (found.records, found.torn, found.book.armed, found.book.open) == (8 * count, (), 2 * count, ())
    assert sorted(found.book.orders) == sorted(order_id(CANDLE + n * HOUR_MS) for n in range(2 * count))


@pytest.mark.parametrize(("patience", "turns"), [(10.0, 500), (0.1, 5), (0.0, 0)])
def test_who_cannot_hold_the_journal_waits_for_a_while_and_gives_up(
    journal: Journal, tmp_path: Path, patience: float, turns: int
) -> None:
    found, wait = waits()
    other = journal_in(tmp_path, wait=wait)
    with journal.held("test"):
        with pytest.raises(LockHeld, match="an order is under way") as caught:
            other.held("other", patience).__enter__()
        assert found == [0.02] * turns
        assert "test" in caught.value.notes[0]
    write(other, started())
    assert other.records == 1


def test_the_usual_patience_is_ten_seconds(journal: Journal, tmp_path: Path) -> None:
    found, wait = waits()
    with journal.held("test"), pytest.raises(LockHeld):
        journal_in(tmp_path, wait=wait).held("other").__enter__()
    assert sum(found) == pytest.approx(10.0)


def test_who_waits_goes_on_as_soon_as_the_journal_is_free(journal: Journal, tmp_path: Path) -> None:
    holder = journal.held("test")
    turns: list[float] = []

    def wait(seconds: float) -> None:
        turns.append(seconds)
        if len(turns) == 3:
            add(journal, started())
            holder.__exit__(None, None, None)

    holder.__enter__()
    other = journal_in(tmp_path, wait=wait)
    write(other, decided())
    assert (len(turns), other.records) == (3, 2)


def test_a_directory_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="no lock can be taken"):
        write(journal_in(tmp_path / "none"), started())


def test_reading_takes_no_lock(journal: Journal, tmp_path: Path) -> None:
    with journal.held("test"):
        add(journal, started())
        assert replayed(tmp_path).records == 1
    assert Chain(tmp_path).number == 0
