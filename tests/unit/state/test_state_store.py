import errno
import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import genesis_ops
from genesis_ops.errors import StateUnreadable, WriteFailed
from genesis_ops.state.model import State
from genesis_ops.state.store import StateStore

NOW_MS = 1770297002_000  # 2026-02-05 13:10:02 UTC
COPY = "runner_state_corrupt_20260205_131002.json"
OLD = State(last_processed_candle_ts=1770292800000, total_evaluations=25)
NEW = State(last_processed_candle_ts=1770296400000, total_evaluations=26)


@pytest.fixture
def store(tmp_path: Path) -> StateStore:
    return StateStore(tmp_path / "runner_state.json")


def names(store: StateStore) -> list[str]:
    return sorted(entry.name for entry in store.path.parent.iterdir())


def refusal(load: Callable[[], object]) -> StateUnreadable:
    with pytest.raises(StateUnreadable) as caught:
        load()
    assert caught.value.next_command == "genesis-ops run --rebuild-state"
    assert "never delete it" in caught.value.notes[-1]
    return caught.value


def failure(save: Callable[[], object]) -> WriteFailed:
    with pytest.raises(WriteFailed) as caught:
        save()
    return caught.value


def failing_with(number: int) -> Callable[..., int]:
    def fail(*_: object) -> int:
        raise OSError(number, os.strerror(number))

    return fail


def test_a_file_that_does_not_exist_is_no_state(store: StateStore) -> None:
    assert store.load(NOW_MS) is None
    assert store.read() is None


def test_what_was_saved_is_loaded(store: StateStore) -> None:
    store.save(NEW)
    assert store.load(NOW_MS) == store.read() == NEW
    assert names(store) == ["runner_state.json"]


def test_a_damaged_file_is_left_alone_and_copied(store: StateStore) -> None:
    store.path.write_bytes(b"\0\0")
    error = refusal(lambda: store.load(NOW_MS))
    assert error.message == f"{store.path} is not JSON (line 1, column 1: NUL byte)"
    assert error.notes[0] == f"kept as it is; a copy is in {COPY}"
    assert store.path.read_bytes() == store.path.with_name(COPY).read_bytes() == b"\0\0"


def test_the_same_damage_is_copied_once(store: StateStore) -> None:
    store.path.write_bytes(b"{")
    refusal(lambda: store.load(NOW_MS))
    error = refusal(lambda: store.load(NOW_MS + 60_000))
    assert COPY in error.notes[0]
    assert names(store) == ["runner_state.json", COPY]


def test_another_damage_is_another_copy(store: StateStore) -> None:
    store.path.write_bytes(b"{")
    refusal(lambda: store.load(NOW_MS))
    store.path.write_bytes(b"[")
    refusal(lambda: store.load(NOW_MS + 60_000))
    assert names(store) == ["runner_state.json", COPY, "runner_state_corrupt_20260205_131102.json"]


def test_the_copy_takes_its_name_from_the_state_file(tmp_path: Path) -> None:
    other = StateStore(tmp_path / "eth.state")
    other.path.write_bytes(b"{")
    refusal(lambda: other.load(NOW_MS))
    assert names(other) == ["eth.state", "eth_corrupt_20260205_131002.state"]


def test_a_copy_that_cannot_be_written_is_said_and_still_the_state_is_refused(store: StateStore) -> None:
    store.path.write_bytes(b"{")
    store.path.with_name(COPY).mkdir()
    error = refusal(lambda: store.load(NOW_MS))
    assert error.notes[0] == f"kept as it is; {COPY} could not be written (File exists)"
    assert "is not JSON" in error.message


def test_damaged_bytes_may_be_replaced_once_they_are_kept(store: StateStore) -> None:
    store.path.write_bytes(b"{")
    store.set_aside(NOW_MS)
    store.set_aside(NOW_MS + 5_000)
    (copy,) = store.path.parent.glob("runner_state_corrupt_*.json")
    assert copy.read_bytes() == store.path.read_bytes() == b"{"


def test_a_whole_state_that_is_replaced_is_kept_too_and_not_called_corrupt(store: StateStore) -> None:
    store.save(State(total_evaluations=3))
    store.set_aside(NOW_MS)
    (copy,) = store.path.parent.glob("runner_state_replaced_*.json")
    assert copy.read_bytes() == store.path.read_bytes()


def test_a_state_that_cannot_be_copied_is_not_replaced(store: StateStore, monkeypatch: pytest.MonkeyPatch) -> None:
    store.path.write_bytes(b"{")

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    assert "could not be copied first" in refusal(lambda: store.set_aside(NOW_MS)).message


def test_reading_copies_nothing(store: StateStore) -> None:
    store.path.write_bytes(b"{")
    with pytest.raises(StateUnreadable):
        store.read()
    assert names(store) == ["runner_state.json"]


def test_a_directory_is_refused(store: StateStore) -> None:
    store.path.mkdir()
    assert refusal(lambda: store.load(NOW_MS)).message.endswith("runner_state.json is a directory")


def test_a_fifo_is_refused_without_waiting_for_a_writer(store: StateStore) -> None:
    os.mkfifo(store.path)
    assert refusal(lambda: store.load(NOW_MS)).message.endswith("is not a regular file")


def test_a_link_to_nothing_is_refused_and_not_taken_for_a_fresh_start(store: StateStore) -> None:
    store.path.symlink_to("elsewhere.json")
    assert refusal(lambda: store.load(NOW_MS)).message.endswith("is a link to elsewhere.json, which does not exist")


def test_a_link_to_itself_is_refused(store: StateStore) -> None:
    store.path.symlink_to(store.path)
    assert "cannot be read (Too many levels" in refusal(lambda: store.load(NOW_MS)).message


def test_a_file_in_the_place_of_the_directory_is_refused(tmp_path: Path) -> None:
    (tmp_path / "logs").write_bytes(b"")
    error = refusal(lambda: StateStore(tmp_path / "logs" / "runner_state.json").load(NOW_MS))
    assert "cannot be read (Not a directory)" in error.message


def test_loading_sweeps_up_after_a_killed_saver(store: StateStore) -> None:
    store.save(NEW)
    store.path.with_name(".runner_state.json.4242.tmp").write_bytes(b"{")
    store.load(NOW_MS)
    assert names(store) == ["runner_state.json"]


def test_a_leftover_of_a_process_with_the_same_pid_is_overwritten(store: StateStore) -> None:
    store.path.with_name(f".runner_state.json.{os.getpid()}.tmp").write_bytes(b"x" * 10_000)
    store.save(NEW)
    assert store.read() == NEW


def test_saving_through_a_link_keeps_the_link(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    link = StateStore(tmp_path / "runner_state.json")
    link.path.symlink_to("disk/real.json")
    link.save(NEW)
    assert link.path.is_symlink()
    assert StateStore(tmp_path / "disk" / "real.json").read() == NEW


def test_a_new_file_can_be_read_by_everybody_and_written_by_its_owner(store: StateStore) -> None:
    before = os.umask(0o022)
    try:
        store.save(NEW)
    finally:
        os.umask(before)
    assert store.path.stat().st_mode & 0o777 == 0o644


def test_saving_keeps_the_mode_and_the_owner(store: StateStore) -> None:
    store.save(OLD)
    store.path.chmod(0o660)
    if os.geteuid() == 0:
        os.chown(store.path, 1234, 1234)
    before = store.path.stat()
    store.save(NEW)
    after = store.path.stat()
    assert (after.st_mode, after.st_uid, after.st_gid) == (before.st_mode, before.st_uid, before.st_gid)


def test_a_short_write_is_continued(store: StateStore, monkeypatch: pytest.MonkeyPatch) -> None:
    write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: write(descriptor, data[:7]))
    store.save(NEW)
    assert store.read() == NEW


@pytest.mark.parametrize("call", ["write", "fsync"])
@pytest.mark.parametrize("number", [errno.EIO, errno.EROFS, errno.ENOSPC])
def test_a_failing_disk_leaves_the_former_state_whole(
    store: StateStore, monkeypatch: pytest.MonkeyPatch, call: str, number: int
) -> None:
    store.save(OLD)
    with monkeypatch.context() as patch:
        patch.setattr(os, call, failing_with(number))
        error = failure(lambda: store.save(NEW))
    assert error.message == f"{store.path} could not be written: {os.strerror(number)} ({errno.errorcode[number]})"
    assert error.notes[0] == "the former state is whole"
    assert store.read() == OLD
    assert names(store) == ["runner_state.json"]


def test_a_failing_rename_leaves_the_former_state_whole(store: StateStore) -> None:
    (store.path / "in the way").mkdir(parents=True)
    assert failure(lambda: store.save(NEW)).message.endswith("Is a directory (EISDIR)")
    assert names(store) == ["runner_state.json"]


def test_a_rename_that_may_not_be_durable_does_not_claim_that_the_former_state_is_there(
    store: StateStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.save(OLD)
    sync = os.fsync
    monkeypatch.setattr(
        os, "fsync", lambda fd: failing_with(errno.EIO)() if Path(f"/dev/fd/{fd}").is_dir() else sync(fd)
    )
    assert "power cut" in failure(lambda: store.save(NEW)).notes[0]
    assert store.read() == NEW


def test_a_limit_on_the_size_of_files_leaves_the_former_state_whole(store: StateStore) -> None:
    store.save(OLD)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20, hard))
    try:
        error = failure(lambda: store.save(NEW))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert "File too large (EFBIG)" in error.message
    assert store.read() == OLD
    assert names(store) == ["runner_state.json"]


IN_A_SMALL_FILE_SYSTEM = """
import sys
from pathlib import Path
from genesis_ops.errors import WriteFailed
from genesis_ops.state.model import State
from genesis_ops.state.store import StateStore
store = StateStore(Path(sys.argv[1]) / "runner_state.json")
try:
    store.save(State(total_evaluations=2, other={"ballast": "x" * int(sys.argv[2])}))
except WriteFailed as error:
    print(error.message, error.notes, error.next_command)
print(store.read(), [entry.name for entry in store.path.parent.iterdir()])
"""


@pytest.mark.parametrize(
    ("then", "ballast", "says"),
    [
        ("true", 100_000, ["No space left on device (ENOSPC)", "bytes are free there", "df -h "]),
        ("mount -o remount,bind,ro $0", 0, ["Read-only file system (EROFS)", "ls -ld "]),
    ],
)
def test_a_full_or_read_only_file_system_leaves_the_former_state_whole(
    tmp_path: Path, then: str, ballast: int, says: list[str]
) -> None:
    mounted = tmp_path / "mounted"
    mounted.mkdir()
    old = tmp_path / "old.json"
    old.write_bytes(OLD.dump())
    script = f'mount -t tmpfs -o size=64k none $0; cp {old} $0/runner_state.json; {then}; exec "$@"'
    inside = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-ec", script, str(mounted)]
    try:
        subprocess.run([*inside, sys.executable, "-c", ""], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this machine lets its users mount no file system of their own")
    done = subprocess.run(
        [*inside, sys.executable, "-c", IN_A_SMALL_FILE_SYSTEM, str(mounted), str(ballast)],
        check=True,
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(Path(genesis_ops.__file__).parents[1])},
    )
    assert all(part in done.stdout for part in (*says, "the former state is whole", "total_evaluations=25"))
    assert done.stdout.endswith("['runner_state.json']\n")


@pytest.mark.parametrize(
    "unusable",
    [
        State(pipeline_state={"atr": float("nan")}),
        State(total_evaluations=-1),
        State(pipeline_state={"at": object()}),
    ],
)
def test_a_state_that_could_not_be_read_again_is_not_written(store: StateStore, unusable: State) -> None:
    store.save(OLD)
    error = failure(lambda: store.save(unusable))
    assert "could not be read again" in error.message
    assert store.read() == OLD


def test_a_directory_that_does_not_exist_is_a_failed_write(tmp_path: Path) -> None:
    error = failure(lambda: StateStore(tmp_path / "none" / "runner_state.json").save(NEW))
    assert "No such file or directory (ENOENT)" in error.message
    assert error.next_command == f"ls -ld {tmp_path / 'none'}"


SAVER = """
import sys
from itertools import count
from pathlib import Path
from genesis_ops.state.model import State
from genesis_ops.state.store import StateStore
store = StateStore(Path(sys.argv[1]))
for number in count():
    store.save(State(total_evaluations=number, other={"ballast": "x" * 50_000}))
    print(flush=True)
"""


def test_a_saver_that_is_killed_leaves_a_whole_state(store: StateStore) -> None:
    for saves in range(1, 7):
        command = [sys.executable, "-c", SAVER, str(store.path)]
        environment = os.environ | {"PYTHONPATH": str(Path(genesis_ops.__file__).parents[1])}
        with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as saver:
            assert saver.stdout is not None
            for _ in range(saves):
                saver.stdout.readline()
            saver.kill()
        state = store.load(NOW_MS)
        assert state is not None
        assert state.total_evaluations >= saves - 1
        assert names(store) == ["runner_state.json"]
