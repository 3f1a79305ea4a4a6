import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import genesis_ops
from genesis_ops.errors import LockHeld, Refused
from genesis_ops.state import lock
from genesis_ops.state.lock import Holder, LockWish, hold, holders, host_lock_directory, runner_locks
from genesis_ops.words import Mode

NOW_MS = 1770206400_000  # 2026-02-04 12:00:00 UTC
HOLDER = """
import sys
from pathlib import Path
from genesis_ops.errors import LockHeld
from genesis_ops.state.lock import LockWish, hold
wishes = [LockWish(Path(path), "another runner is here") for path in sys.argv[1:]]
print("ready", flush=True)
sys.stdin.readline()
try:
    with hold(wishes, command="genesis-ops run --dry-run", now_ms=1770206400_000):
        print("held", flush=True)
        sys.stdin.readline()
except LockHeld as error:
    print(error.message, flush=True)
"""


def start(*paths: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", HOLDER, *map(str, paths)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(Path(genesis_ops.__file__).parents[1])},
    )


def say(process: subprocess.Popen[str], line: str) -> None:
    assert process.stdin is not None
    process.stdin.write(line)
    process.stdin.flush()


def hear(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().rstrip("\n")


@contextmanager
def holding(*paths: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the locks."""
    with start(*paths) as process:
        say(process, "\n")
        assert [hear(process), hear(process)] == ["ready", "held"]
        try:
            yield process
        finally:
            process.kill()


def wish(path: Path) -> LockWish:
    return LockWish(path, "another runner is here")


def take(*paths: Path) -> None:
    with hold([wish(path) for path in paths], command="genesis-ops run", now_ms=NOW_MS):
        pass


def refusal(*paths: Path) -> LockHeld:
    with pytest.raises(LockHeld) as caught:
        take(*paths)
    return caught.value


def test_the_second_process_is_told_who_holds_the_lock(tmp_path: Path) -> None:
    path = tmp_path / "runner.lock"
    with holding(path) as other:
        error = refusal(path)
        assert error.message == f"another runner is here: pid {other.pid}, since 2026-02-04T12:00:00.000Z"
        assert error.notes[:2] == ("genesis-ops run --dry-run", f"lock file {path}")
        assert error.next_command == f"kill -TERM {other.pid}"


def test_the_lock_of_a_killed_process_is_free_at_once(tmp_path: Path) -> None:
    path = tmp_path / "runner.lock"
    with holding(path) as other:
        other.kill()
        other.wait()
        assert json.loads(path.read_bytes())["pid"] == other.pid
        take(path)


def test_a_lock_that_was_given_back_can_be_taken_and_leaves_no_name(tmp_path: Path) -> None:
    path = tmp_path / "runner.lock"
    take(path)
    take(path)
    assert path.read_bytes() == b""


def test_a_lock_is_given_back_when_its_holder_fails(tmp_path: Path) -> None:
    path = tmp_path / "runner.lock"
    with pytest.raises(ZeroDivisionError), hold([wish(path)], command="", now_ms=NOW_MS):
        raise ZeroDivisionError
    take(path)


def test_if_one_lock_is_held_the_others_are_given_back(tmp_path: Path) -> None:
    free, held = tmp_path / "free.lock", tmp_path / "held.lock"
    with holding(held):
        assert f"lock file {held}" in refusal(free, held).notes
        take(free)


def test_of_twenty_processes_at_once_exactly_one_wins(tmp_path: Path) -> None:
    paths = tmp_path / "state.lock", tmp_path / "runner.lock"
    processes = [start(*paths) for _ in range(20)]
    try:
        assert {hear(process) for process in processes} == {"ready"}
        for process in processes:
            say(process, "\n")
        answers = [hear(process) for process in processes]
    finally:
        for process in processes:
            process.kill()
            process.communicate()
    assert answers.count("held") == 1
    assert sum(answer.startswith("another runner is here: ") for answer in answers) == 19


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"not JSON",
        b"[1]",
        b"\xff",
        b"[" * 4096,
        b'{"pid": 1, "since": "", "command": ""}',
        b'{"pid": -1, "since": "", "command": ""}',
        b'{"pid": true, "since": "", "command": ""}',
        b'{"pid": 99999999999999999999, "since": "", "command": ""}',
        b'{"pid": 4194305, "since": "of a process that is dead", "command": ""}',
    ],
)
def test_a_name_that_is_missing_or_cannot_be_true_is_not_repeated(tmp_path: Path, text: bytes) -> None:
    path = tmp_path / "runner.lock"
    with holding(path):
        path.write_bytes(text)
        error = refusal(path)
    assert error.message == "another runner is here: a process that did not write its name"
    assert error.next_command == f"fuser -v {path}"


def test_what_another_process_says_of_itself_is_made_visible(tmp_path: Path) -> None:
    path = tmp_path / "runner.lock"
    with holding(path) as other:
        path.write_text(json.dumps({"pid": other.pid, "since": "\x1b[2J", "command": "\u202e" + "x" * 1000}))
        error = refusal(path)
    assert error.message.endswith("since \\x1b[2J")
    assert error.notes[0].startswith("\\u202exxx")
    assert len(error.notes[0]) == 200


def test_a_file_replaced_between_opening_and_locking_is_not_taken_for_the_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "runner.lock"
    lock_now = lock._lock_now
    replaced: list[Path] = []

    def replace_then_lock(descriptor: int) -> None:
        if not replaced:
            path.unlink()
            path.touch()
            replaced.append(path)
        lock_now(descriptor)

    monkeypatch.setattr(lock, "_lock_now", replace_then_lock)
    with hold([wish(path)], command="", now_ms=NOW_MS):
        assert replaced
        refusal(path)


def test_a_file_that_is_unlinked_again_and_again_ends_in_a_refusal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "runner.lock"
    tries = []
    monkeypatch.setattr(lock, "_lock_now", lambda _: tries.append(path.unlink()))
    assert "replaced again and again" in refusal(path).message
    assert len(tries) == 100


def exit_code_as_another_user(path: Path) -> int:
    """Take the lock in a process that may only read its file."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            if os.geteuid() == 0:
                os.setuid(65534)
            assert not os.access(path, os.W_OK)
            with hold([wish(path)], command="", now_ms=NOW_MS):
                refusal(path)
            status = 0
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_a_file_of_another_user_that_can_only_be_read_can_be_locked() -> None:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "runner.lock"
        path.touch()
        path.chmod(0o444)
        Path(directory).chmod(0o1777)
        assert exit_code_as_another_user(path) == 0


def test_a_directory_that_cannot_hold_a_lock_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for directory, why in ((tmp_path / "none", "No such file"), (tmp_path / "file", "Not a directory")):
        with pytest.raises(Refused) as caught:
            take(directory / "runner.lock")
        assert caught.value.message.startswith(f"no lock can be taken in {directory}: {why}")


@pytest.mark.parametrize("kind", ["symbolic link", "hard link", "fifo", "directory"])
def test_only_a_plain_file_is_locked_and_what_it_leads_to_is_not_touched(tmp_path: Path, kind: str) -> None:
    victim, path = tmp_path / "victim", tmp_path / "runner.lock"
    victim.write_bytes(b"precious")
    make: dict[str, Callable[[], None]] = {
        "symbolic link": lambda: path.symlink_to(victim),
        "hard link": lambda: path.hardlink_to(victim),
        "fifo": lambda: os.mkfifo(path),
        "directory": path.mkdir,
    }
    make[kind]()
    with pytest.raises(Refused, match="no lock can be taken"):
        take(path)
    assert victim.read_bytes() == b"precious"


def test_a_lock_is_not_inherited_by_a_program_that_is_started(tmp_path: Path) -> None:
    path = tmp_path / "runner.lock"
    with hold([wish(path)], command="", now_ms=NOW_MS):
        child = subprocess.Popen(["cat"], stdin=subprocess.PIPE, close_fds=False)
    with child:
        take(path)


def test_a_runner_locks_its_market_its_state_and_its_log_directory(tmp_path: Path) -> None:
    found = runner_locks(
        tmp_path / "s.json", tmp_path / "logs", tmp_path / "run", symbol="tTESTBTC:TESTUSD", timeframe="1h"
    )
    assert [wish.path for wish in found] == [
        tmp_path / "run" / "genesis-ops-tTESTBTC_TESTUSD-1h.lock",
        tmp_path / "s.json.lock",
        tmp_path / "logs" / "runner.lock",
    ]
    assert found[0].if_held == "another runner trades tTESTBTC:TESTUSD 1h on this host"


def test_a_market_that_names_a_path_stays_in_the_lock_directory(tmp_path: Path) -> None:
    found = runner_locks(tmp_path / "s.json", tmp_path, tmp_path, symbol="../../etc/x", timeframe="/1h")
    assert found[0].path.parent == tmp_path


def test_a_state_file_and_a_link_to_it_are_one_lock(tmp_path: Path) -> None:
    (tmp_path / "link.json").symlink_to("s.json")
    locks = [
        runner_locks(tmp_path / name, tmp_path, tmp_path, symbol="t", timeframe="1h")
        for name in ("s.json", "link.json")
    ]
    assert locks[0][1].path == locks[1][1].path


def test_without_a_lock_directory_the_market_is_locked_for_the_whole_host(tmp_path: Path) -> None:
    found = runner_locks(tmp_path / "s.json", tmp_path, None, symbol="tBTCUSD", timeframe="1h")
    assert found[0].path.parent == host_lock_directory()
    assert os.access(host_lock_directory(), os.W_OK)


def market_lock(tmp_path: Path, symbol: str, timeframe: str, mode: Mode) -> LockWish:
    return runner_locks(tmp_path / "s.json", tmp_path, tmp_path, symbol=symbol, timeframe=timeframe, mode=mode)[0]


def test_a_market_that_is_traded_is_one_lock_for_every_timeframe(tmp_path: Path) -> None:
    hour, minute = (market_lock(tmp_path, "tBTCUSD", timeframe, Mode.LIVE_PAPER) for timeframe in ("1h", "1m"))
    assert hour == minute
    assert hour.path == tmp_path / "genesis-ops-tBTCUSD-live-paper.lock"
    assert hour.if_held == "another runner trades tBTCUSD in live-paper on this host"


def test_a_market_that_is_traded_and_one_that_is_not_are_two_locks(tmp_path: Path) -> None:
    found = [
        market_lock(tmp_path, symbol, timeframe, mode).path
        for symbol in ("tBTCUSD", "tETHUSD")
        for timeframe in ("1h", "1m")
        for mode in Mode
    ]
    assert len(set(found)) == 6


def test_a_lock_that_names_no_mode_is_a_dry_run_s(tmp_path: Path) -> None:
    unnamed = runner_locks(tmp_path / "s.json", tmp_path, tmp_path, symbol="tBTCUSD", timeframe="1h")
    assert unnamed[0] == market_lock(tmp_path, "tBTCUSD", "1h", Mode.DRY_RUN)
    assert unnamed[0].if_held == "another runner trades tBTCUSD 1h on this host"


def test_the_state_and_the_log_directory_are_the_same_locks_in_either_mode(tmp_path: Path) -> None:
    dry, live = (
        runner_locks(tmp_path / "s.json", tmp_path, tmp_path, symbol="tBTCUSD", timeframe="1h", mode=mode)[1:]
        for mode in Mode
    )
    assert dry == live


def test_a_lock_that_passes_by_itself_tells_nobody_to_stop_its_holder(tmp_path: Path) -> None:
    wish = LockWish(tmp_path / "a.lock", "an order is under way", passes=True)
    with (
        hold((wish,), command="genesis-ops run", now_ms=0),
        pytest.raises(LockHeld) as held,
        hold((wish,), command="x", now_ms=0),
    ):
        pass
    assert held.value.message.startswith(f"an order is under way: pid {os.getpid()}")
    assert held.value.next_command == "genesis-ops orders list"
    assert held.value.notes[-1] == "it is let go by itself: try again"


def test_the_names_of_those_who_hold_locks_are_read_without_taking_one(tmp_path: Path) -> None:
    first, second, free = (tmp_path / name for name in ("first.lock", "second.lock", "free.lock"))
    take(free)
    with holding(first, second) as other:
        wishes = [wish(path) for path in (first, second, free, tmp_path / "none.lock")]
        assert holders(wishes) == (Holder(other.pid, "2026-02-04T12:00:00.000Z", "genesis-ops run --dry-run"),)
        descriptors = len(list(Path("/dev/fd").iterdir()))
        holders(wishes)
        assert len(list(Path("/dev/fd").iterdir())) == descriptors
    assert not (tmp_path / "none.lock").exists()
    assert holders([wish(path) for path in (first, second)]) == ()


@pytest.mark.parametrize("kind", ["symbolic link", "fifo", "directory"])
def test_nobody_s_name_is_read_through_what_is_no_plain_file(tmp_path: Path, kind: str) -> None:
    path, plate = tmp_path / "runner.lock", tmp_path / "plate"
    with holding(plate):
        make: dict[str, Callable[[], None]] = {
            "symbolic link": lambda: path.symlink_to(plate),
            "fifo": lambda: os.mkfifo(path),
            "directory": path.mkdir,
        }
        make[kind]()
        assert holders([wish(path)]) == ()
        assert len(holders([wish(plate)])) == 1


def test_a_file_system_that_knows_no_locks_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unsupported(_: int) -> None:
        raise OSError(37, "No locks available")

    monkeypatch.setattr(lock, "_lock_now", unsupported)
    with pytest.raises(Refused, match="No locks available") as caught:
        take(tmp_path / "runner.lock")
    assert caught.value.next_command == f"ls -ld {tmp_path}"


def test_a_holder_that_another_user_started_is_named_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "runner.lock"
    with holding(path) as other:

        def forbidden(_: int, __: int) -> None:
            raise PermissionError

        monkeypatch.setattr(os, "kill", forbidden)
        error = refusal(path)
        monkeypatch.undo()
    assert f"pid {other.pid}" in error.message


def test_a_lock_without_a_name_plate_is_still_a_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "runner.lock"

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        with hold([wish(path)], command="", now_ms=NOW_MS):
            patch.undo()
            assert refusal(path).next_command == f"fuser -v {path}"
    take(path)


def test_a_name_plate_that_was_longer_leaves_nothing_behind(tmp_path: Path) -> None:
    path = tmp_path / "runner.lock"
    path.write_bytes(b"x" * 1000)
    with hold([wish(path)], command="c" * 300, now_ms=NOW_MS):
        said = json.loads(path.read_bytes())
    assert said == {"pid": os.getpid(), "since": "2026-02-04T12:00:00.000Z", "command": "c" * 200}
    assert path.read_bytes() == b""


def test_of_a_long_since_two_hundred_characters_are_shown(tmp_path: Path) -> None:
    path = tmp_path / "runner.lock"
    with holding(path) as other:
        path.write_text(json.dumps({"pid": other.pid, "since": "s" * 1000, "command": ""}))
        assert refusal(path).message.endswith(f", since {'s' * 200}")


def test_without_a_usable_run_lock_the_temporary_directory_is_the_host_s(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert host_lock_directory() == Path(tempfile.gettempdir())


def descriptors() -> int:
    return len(list(Path("/dev/fd").iterdir()))


def test_a_lock_that_cannot_be_had_leaves_no_file_open(tmp_path: Path) -> None:
    held, linked = tmp_path / "held.lock", tmp_path / "linked.lock"
    (tmp_path / "victim").touch()
    linked.hardlink_to(tmp_path / "victim")
    with holding(held):
        before = descriptors()
        for _ in range(3):
            refusal(held)
            with pytest.raises(Refused):
                take(linked)
        assert descriptors() == before


def test_a_symbolic_link_is_called_one(tmp_path: Path) -> None:
    (tmp_path / "runner.lock").symlink_to(tmp_path / "victim")
    with pytest.raises(Refused, match="it is a symbolic link"):
        take(tmp_path / "runner.lock")


def test_everybody_may_lock_a_new_file_and_nobody_may_run_it(tmp_path: Path) -> None:
    former = os.umask(0)
    try:
        take(tmp_path / "runner.lock")
    finally:
        os.umask(former)
    assert (tmp_path / "runner.lock").stat().st_mode & 0o777 == 0o666


def test_a_file_that_another_process_creates_in_the_same_moment_is_locked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "runner.lock"
    real = os.open

    def slow(name: Path, flags: int, mode: int = 0o777) -> int:
        if flags & os.O_CREAT and not path.exists():
            os.close(real(path, os.O_WRONLY | os.O_CREAT))
        return real(name, flags, mode)

    monkeypatch.setattr(os, "open", slow)
    with hold([wish(path)], command="", now_ms=NOW_MS):
        refusal(path)


@pytest.mark.parametrize("usable", [True, False])
def test_the_host_s_usual_lock_directory_is_used_where_it_can_be_written_and_entered(
    monkeypatch: pytest.MonkeyPatch, usable: bool
) -> None:
    asked = []
    monkeypatch.setattr(Path, "is_dir", lambda _: True)
    monkeypatch.setattr(os, "access", lambda *of: asked.append(of) or usable)
    assert host_lock_directory() == (Path("/run/lock") if usable else Path(tempfile.gettempdir()))
    assert (Path("/run/lock"), os.W_OK | os.X_OK) in asked


def test_a_name_that_comes_a_moment_after_its_lock_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, waited = tmp_path / "runner.lock", []
    with holding(path) as other:
        plate = path.read_bytes()
        path.write_bytes(b"")

        def sleep(seconds: float) -> None:
            waited.append(seconds)
            if len(waited) == 3:
                path.write_bytes(plate)

        monkeypatch.setattr(lock.time, "sleep", sleep)
        assert f"pid {other.pid}" in refusal(path).message
        assert waited == [0.02] * 3
        path.write_bytes(b"")
        del waited[:]
        monkeypatch.setattr(lock.time, "sleep", waited.append)
        assert "a process that did not write its name" in refusal(path).message
    assert len(waited) == 10


def test_the_name_of_one_who_passes_in_a_moment_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, waited = tmp_path / "orders.lock", []
    monkeypatch.setattr(lock.time, "sleep", waited.append)
    with holding(path):
        path.write_bytes(b"")
        with pytest.raises(LockHeld), hold([LockWish(path, "it passes", passes=True)], command="", now_ms=NOW_MS):
            pass
    assert waited == []


def test_the_first_process_after_the_host_s_own_can_be_a_holder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "runner.lock"
    monkeypatch.setattr(lock, "_alive", lambda _: True)
    with holding(path):
        path.write_text('{"pid": 2, "since": "", "command": ""}')
        assert "pid 2" in refusal(path).message
