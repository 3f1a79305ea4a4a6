"""Power cuts while orders are journaled and the state is saved: what was on the disk stays, and nothing is invented.

Runs are recorded as the calls that change the disk. From any prefix of them a directory is made in which some of the
calls that no fsync followed are lost, and the last of a file is torn at some byte or reached it as zeros; names are
lost as well, until their directory was synced. The next run starts from there, and is cut off in turn. Some of the
recorded runs were killed before, and the next one went on without a power cut: what it read had not reached the disk.
"""

import errno
import math
import os
import random
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from genesis_ops.errors import JournalDamaged, WriteFailed
from genesis_ops.journal.book import order_id
from genesis_ops.journal.journal import Journal
from genesis_ops.journal.record import Kind
from genesis_ops.state.model import State
from genesis_ops.state.store import StateStore
from genesis_ops.words import DAY_MS, HOUR_MS

BEGIN = 1_770_292_800_000
STATES_OF_A_RUN = 40
STATE, LOGS = "runner_state.json", "logs"
Told = tuple[Kind, dict[str, Any]]


class Written(NamedTuple):
    file: str
    offset: int
    data: bytes


class Shortened(NamedTuple):
    file: str
    size: int


class Synced(NamedTuple):
    file: str


class Named(NamedTuple):
    """A name is given to a file, or taken away (None)."""

    path: str
    file: str | None


class NamesSynced(NamedTuple):
    directory: str


class Noted(NamedTuple):
    """What the run knows at this point: how many records were acknowledged, and the states that may stand."""

    records: int
    states: tuple[bytes | None, ...]


Call = Written | Shortened | Synced | Named | NamesSynced | Noted


class Killed(BaseException):
    """Stands for kill -9: nothing catches it, and nothing after it happens."""


class Recorder:
    """Notes every call that changes something under a directory, and carries it out; fsync is only noted.

    Some writes are short, from ``full_after`` writes on the disk is full, and at the call ``killed_at`` the run ends.
    """

    def __init__(self, root: Path, chance: random.Random, full_after: int) -> None:
        self.root, self.chance, self.full_after = root, chance, full_after
        self.calls: list[Call] = []
        self.killed_at: float = math.inf
        self._files = {self._name(path): self._name(path) for path in root.rglob("*") if path.is_file()}
        self._open: dict[int, tuple[str, bool]] = {}

    def _name(self, path: Any) -> str:
        return os.path.relpath(path, self.root)

    @contextmanager
    def __call__(self, patch: pytest.MonkeyPatch) -> Iterator[None]:
        with patch.context() as patched:
            for name in ("open", "close", "write", "ftruncate", "fsync", "replace", "unlink"):
                patched.setattr(os, name, self._around(getattr(self, name), getattr(os, name), name == "close"))
            yield

    def _around(self, method: Callable[..., Any], real: Callable[..., Any], goes_on: bool) -> Callable[..., Any]:
        def call(*args: Any, **options: Any) -> Any:
            if len(self.calls) >= self.killed_at and not goes_on:
                raise Killed
            return method(real, *args, **options)

        return call

    def open(self, real: Any, path: Any, flags: int, mode: int = 0o777) -> int:
        is_there = os.path.lexists(path)
        descriptor: int = real(path, flags, mode)
        name = self._name(path)
        if not is_there:
            self._files[name] = f"{name} made at {len(self.calls)}"
            self.calls.append(Named(name, self._files[name]))
        self._open[descriptor] = (self._files.get(name, name), bool(flags & os.O_APPEND))
        return descriptor

    def close(self, real: Any, descriptor: int) -> None:
        self._open.pop(descriptor, None)
        real(descriptor)

    def write(self, real: Any, descriptor: int, data: Any) -> int:
        file, appends = self._open[descriptor]
        offset = os.fstat(descriptor).st_size if appends else os.lseek(descriptor, 0, os.SEEK_CUR)
        if appends:
            self.full_after -= 1
            if self.full_after < 0:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            if self.chance.random() < 0.2 or not self.full_after:
                data = data[: self.chance.randint(1, len(data))]
        length: int = real(descriptor, data)
        self.calls.append(Written(file, offset, bytes(data[:length])))
        return length

    def ftruncate(self, real: Any, descriptor: int, size: int) -> None:
        real(descriptor, size)
        self.calls.append(Shortened(self._open[descriptor][0], size))

    def fsync(self, _: Any, descriptor: int) -> None:
        file, path = self._open[descriptor][0], Path(f"/proc/self/fd/{descriptor}").readlink()
        self.calls.append(NamesSynced(self._name(path)) if path.is_dir() else Synced(file))

    def replace(self, real: Any, source: Any, target: Any) -> None:
        real(source, target)
        file = self._files[self._name(target)] = self._files.pop(self._name(source))
        self.calls += [Named(self._name(target), file), Named(self._name(source), None)]

    def unlink(self, real: Any, path: Any) -> None:
        real(path)
        del self._files[self._name(path)]
        self.calls.append(Named(self._name(path), None))


class Disk:
    """What is on the disk for certain, and what is under way to it."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self.names: dict[str, str] = {name: name for name in files}
        self.contents = defaultdict(bytes, files)
        self.pending: dict[str, list[Written | Shortened]] = defaultdict(list)
        self.pending_names: list[Named] = []
        self.torn = False

    def follow(self, calls: list[Call]) -> None:
        for call in calls:
            match call:
                case Written() | Shortened():
                    self.pending[call.file].append(call)
                case Named():
                    self.pending_names.append(call)
                case Synced():
                    for one in self.pending.pop(call.file, []):
                        self._apply(one)
                case NamesSynced():
                    reached = [one for one in self.pending_names if str(Path(one.path).parent) == call.directory]
                    self.pending_names = [one for one in self.pending_names if one not in reached]
                    for one in reached:
                        self._name(one)
                case Noted():
                    pass

    def cut_off(self, chance: random.Random) -> dict[str, bytes]:
        """Lose some of what is under way, in one of many ways, and give what is found at the next start."""
        for one in self.pending_names:
            if chance.random() < 0.5:
                self._name(one)
        for calls in self.pending.values():
            for call in calls[:-1]:
                if chance.random() < 0.5:
                    self._apply(call)
            self._tear(calls[-1], chance)
        return self._found()

    def keep_all(self) -> dict[str, bytes]:
        for one in self.pending_names:
            self._name(one)
        for calls in self.pending.values():
            for call in calls:
                self._apply(call)
        return self._found()

    def _found(self) -> dict[str, bytes]:
        return {name: self.contents[file] for name, file in self.names.items()}

    def _tear(self, call: Written | Shortened, chance: random.Random) -> None:
        fate = chance.choice(["kept", "lost", "torn", "torn", "zeros"])
        if isinstance(call, Written) and fate in {"torn", "zeros"}:
            length = chance.randrange(len(call.data) + 1)
            zeros = bytes(len(call.data) - length) if fate == "zeros" else b""
            self._apply(call._replace(data=call.data[:length] + zeros))
            self.torn |= length < len(call.data) and is_of_the_journal(call)
        elif fate != "lost":
            self._apply(call)

    def _apply(self, call: Written | Shortened) -> None:
        content = self.contents[call.file]
        if isinstance(call, Shortened):
            self.contents[call.file] = content[: call.size].ljust(call.size, b"\0")
        elif call.data:
            rest = content[call.offset + len(call.data) :]
            self.contents[call.file] = content[: call.offset].ljust(call.offset, b"\0") + call.data + rest

    def _name(self, one: Named) -> None:
        if one.file is None:
            self.names.pop(one.path, None)
        else:
            self.names[one.path] = one.file


def next_step(journal: Journal, chance: random.Random, candles: Iterator[int]) -> Told:
    """Choose what the runner would write next: an order is carried on, or another one is decided."""
    for order in journal.book.open:
        if order.label is Kind.DECIDED:
            blocked = chance.random() < 0.2
            said = {"reason": "the stop latch is set"} if blocked else {"before": {"TESTBTC": 1.0, "TESTUSD": 5.5}}
            return Kind.BLOCKED if blocked else Kind.ARMED, {"id": order.id, **said}
        if order.label is Kind.ARMED:
            return chance.choice([Kind.ACKED, Kind.UNKNOWN]), {"id": order.id, "reply": "x" * chance.randint(0, 900)}
        after = {"TESTBTC": 1.001, "TESTUSD": 1.5}
        return Kind.EVIDENCE, {"id": order.id, "fill": "once", "multiple": 1.0, "moved": [0.001, -4.0], "after": after}
    if not journal.book.starts:
        names = ("market", "symbol", "champion_sha256", "config_hash", "override")
        return Kind.STARTED, dict.fromkeys(names, "x")
    ts = next(ts for ts in candles if order_id(ts) not in journal.book.orders)
    said = {"symbol": "tTESTBTC:TESTUSD", "side": "LONG", "size": 0.001, "price": 7.5, "config_hash": "x"}
    return Kind.DECIDED, {"id": order_id(ts), "candle_ts": ts, **said}


class Run:
    """One run over what the former one left, with everything that it attempted."""

    def __init__(
        self, root: Path, recorder: Recorder, told: list[Told], states: tuple[bytes | None, ...], *, durable: bool
    ) -> None:
        self.root, self.recorder = root, recorder
        self.told = list(told)
        """Each record that was ever attempted, by its place in the journal."""
        self.now_ms = BEGIN + recorder.chance.choice([0, 0, DAY_MS, -DAY_MS])
        self.journal = Journal(root / LOGS, lambda: self.now_ms, durable=durable)
        self.store = StateStore(root / STATE)
        self.states = states
        """Those that may stand, the one that was saved last at the end."""

    def _note(self) -> None:
        self.recorder.calls.append(Noted(self.journal.records, self.states))

    def go(self, steps: int) -> None:
        chance, candles = self.recorder.chance, iter(range(BEGIN, BEGIN + 1000 * HOUR_MS, HOUR_MS))
        with suppress(WriteFailed, Killed):
            with self.journal.held("run"):
                self._note()  # what it read is on the disk from here on
            self._save()
            for _ in range(steps):
                self.now_ms += chance.choice([1, HOUR_MS, HOUR_MS, DAY_MS, -HOUR_MS])
                with self.journal.held("run"):
                    for _ in range(chance.randint(1, 2)):
                        self._append(*next_step(self.journal, chance, candles))
                self._save()

    def _append(self, kind: Kind, content: dict[str, Any]) -> None:
        self.told[self.journal.records :] = [(kind, content)]
        self.journal.append(kind, **content)
        self._note()

    def _save(self) -> None:
        cursor = {"records": self.journal.records, "sum": self.journal.sum}
        state = State(self.now_ms, total_orders_submitted=self.journal.book.submitted, other={"journal": cursor})
        self.states = (*self.states, state.dump())
        self._note()
        self.store.save(state)
        self.states = self.states[-1:]
        self._note()


class Figures(NamedTuple):
    states: int = 0
    torn: int = 0
    """In how many the newest record was torn."""
    passed_over: int = 0
    """In how many the journal had a torn line that was passed over."""
    unacknowledged: int = 0
    """In how many a record stood that nobody had been told of yet."""
    records: int = 0
    """Of how many acknowledged records it was seen that they stood."""


def is_of_the_journal(call: Call) -> bool:
    return isinstance(call, Written) and f"{LOGS}/runner_orders" in call.file


def put(root: Path, files: dict[str, bytes]) -> None:
    for path in [path for path in root.rglob("*") if path.is_file()]:
        path.unlink()
    (root / LOGS).mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (root / name).write_bytes(content)


def files_in(root: Path) -> dict[str, bytes]:
    return {os.path.relpath(path, root): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def look(root: Path, known: Noted, told: list[Told]) -> tuple[Journal, bytes | None]:
    """Assert that everything that was acknowledged stands, nothing else was made up, and the state is old or new."""
    journal = Journal(root / LOGS, lambda: BEGIN)
    journal.catch_up()
    assert known.records <= journal.records <= known.records + 1, "a record that was on the disk is lost"
    found = Journal(root / LOGS, lambda: BEGIN)._chain.follow()
    records = [(entry.record.kind, dict(entry.record.content)) for entry in found]
    assert records == told[: journal.records], "a record was made up"
    path = root / STATE
    state = path.read_bytes() if path.exists() else None
    assert state in known.states, "the state is neither the old nor the new one"
    loaded = StateStore(path).load(BEGIN)
    if loaded is not None and loaded.other["journal"]["records"]:
        cursor = loaded.other["journal"]
        assert journal.sum_of(cursor["records"]) == cursor["sum"], "the state knows more than the journal"
    return journal, state


def lives(root: Path, recorder: Recorder, told: list[Told], state: bytes | None, *, durable: bool) -> Run:
    """Let runs go on after each other, all but the last killed at some call; give the last, which knows of all."""
    chance, states = recorder.chance, (state,)  # type: random.Random, tuple[bytes | None, ...]
    for _ in range(chance.choice([0, 0, 1, 2])):
        run = Run(root, recorder, told, states, durable=durable)
        recorder.killed_at = len(recorder.calls) + chance.randint(1, 25)
        run.go(chance.randint(1, 3))
        told, states = run.told, run.states
    recorder.killed_at = math.inf
    run = Run(root, recorder, told, states, durable=durable)
    run.go(chance.randint(1, 5))
    return run


def cut_offs(root: Path, patch: pytest.MonkeyPatch, seed: int, most: int, *, durable: bool = True) -> Figures:
    """Record a run, look at what many power cuts leave of it, and go on from one of them, until there is enough."""
    chance = random.Random(seed)
    files: dict[str, bytes] = {}
    told: list[Told] = []
    state: bytes | None = None
    count = Figures()
    while count.states < most:
        put(root, files)
        recorder = Recorder(root, chance, chance.choice([1000, 1000, chance.randint(1, 12)]))
        recorder.calls.append(Noted(len(told), (state,)))
        with recorder(patch):
            run = lives(root, recorder, told, state, durable=durable)
        written = [end for end, call in enumerate(recorder.calls, 1) if is_of_the_journal(call)] or [1]
        whole = Disk(files)
        whole.follow(recorder.calls)
        assert whole.keep_all() == files_in(root), "the model of the disk is not like the disk"
        for _ in range(min(STATES_OF_A_RUN, most - count.states)):
            calls = recorder.calls[: chance.choice([chance.choice(written), chance.randint(1, len(recorder.calls))])]
            known = [call for call in calls if isinstance(call, Noted)][-1]
            disk = Disk(files)
            disk.follow(calls)
            left = disk.cut_off(chance)
            put(root, left)
            journal, left_state = look(root, known, run.told)
            count = Figures(
                count.states + 1,
                count.torn + disk.torn,
                count.passed_over + bool(journal.torn),
                count.unacknowledged + (journal.records > known.records),
                count.records + known.records,
            )
        files, told, state = left, run.told[: journal.records], left_state
    return count


def check(root: Path, patch: pytest.MonkeyPatch, seeds: range, of_each: int) -> None:
    parts = [cut_offs(root / str(seed), patch, seed, of_each) for seed in seeds]
    all_of_them = Figures(*map(sum, zip(*parts, strict=True)))
    print(
        f"\n{all_of_them.states} states after a power cut: in {all_of_them.torn} a write to the journal was torn, in "
        f"{all_of_them.passed_over} a torn line was passed over, in {all_of_them.unacknowledged} a record stood that "
        f"nobody had been told of; {all_of_them.records} acknowledged records looked for, 0 lost"
    )
    assert all_of_them.states == len(seeds) * of_each
    assert min(all_of_them) > all_of_them.states // 20, "too few of one kind to say anything"


def test_no_power_cut_loses_or_invents_a_record_or_a_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    check(tmp_path, monkeypatch, range(10), 200)


def test_the_same_power_cuts_show_a_journal_that_is_not_synced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises((AssertionError, JournalDamaged)):
        cut_offs(tmp_path, monkeypatch, 0, 200, durable=False)


@pytest.mark.soak
def test_no_power_cut_of_very_many_loses_or_invents_anything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    check(tmp_path, monkeypatch, range(100, 200), 200)
