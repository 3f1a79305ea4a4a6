"""A whole day in seconds: the same bytes for the same seed, and a root that the other commands can use."""

import hashlib
import json
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from rehearsal_processes import COMMAND, Place, Root, Started, until

ACCEPTANCE = Path(__file__).parents[1] / "bench" / "acceptance.sh"


def rehearse(place: Place, into: Path, *options: str) -> Started:
    return place.start((*COMMAND, "rehearse", "--into", str(into), *options))


def digests(directory: Path) -> dict[str, str]:
    files = sorted(path for path in directory.rglob("*") if path.is_file())
    return {str(path.relative_to(directory)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.fixture(scope="module")
def days(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Place, list[Started]]]:
    """The same day twice, in two directories."""
    with Place(tmp_path_factory.mktemp("days")) as place:
        options = ("--hours", "24", "--seed", "7")
        processes = [rehearse(place, place.path / name, *options) for name in ("one", "two")]
        for process in processes:
            assert process.ended(60) == 0, process.err
        yield place, processes


@pytest.fixture
def day(days: tuple[Place, list[Started]]) -> Root:
    return Root(days[0].path / "one", timeframes=())


def test_a_day_has_its_24_closes_and_evaluations_and_no_order(day: Root) -> None:
    closes = day.closes()
    assert len(closes) in (24, 25)
    assert closes == list(range(closes[0], closes[0] + len(closes) * 3_600_000, 3_600_000))
    assert len(day.messages("EVALUATION: action=")) == len(closes)
    assert len(day.messages("Heartbeat: evaluations=")) == len(day.messages("Candle selection: ")) // 10
    assert not day.messages("ORDER SUBMITTED")
    assert not day.messages("FATAL")
    assert not day.messages("MISSED")


def test_the_same_seed_gives_the_same_bytes_in_every_file_below_logs(days: tuple[Place, list[Started]]) -> None:
    one, two = (digests(days[0].path / name / "logs") for name in ("one", "two"))
    assert one == two
    names = {Path(name).name for name in one}
    assert {"runner_20260204.log", "runner_20260205.log", "runner_state.json"} <= names
    assert "runner_evaluations_20260204.log" in names
    assert not [name for name in names if "orders" in name]


def test_another_seed_gives_another_day(days: tuple[Place, list[Started]]) -> None:
    place, _ = days
    assert rehearse(place, place.path / "other", "--hours", "2", "--seed", "8").ended() == 0
    other = Root(place.path / "other", timeframes=()).messages("NEW CANDLE CLOSE")
    seven = Root(place.path / "one", timeframes=()).messages("NEW CANDLE CLOSE")
    assert [line.partition(",")[0] for line in other] == [line.partition(",")[0] for line in seven[: len(other)]]
    assert set(other).isdisjoint(seven)


def test_the_shell_peer_passes_all_ten_checks_on_the_day_files(day: Root, tmp_path: Path) -> None:
    whole = tmp_path / "runner.log"
    whole.write_text(day.log, "utf-8")
    done = subprocess.run(
        ["bash", str(ACCEPTANCE), str(whole), str(day.state_file)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
    assert done.stdout.count("PASS ") == 10


def test_the_day_is_drawn_on_stdout_and_nothing_else_is_said(days: tuple[Place, list[Started]]) -> None:
    process = days[1][0]
    assert process.err == ""
    assert "04 Feb" in process.out
    assert "05 Feb" in process.out
    assert "0 missed" in process.out
    assert "0 submitted" in process.out
    assert "\x1b" not in process.out


def test_the_directory_is_a_root_for_the_other_commands(days: tuple[Place, list[Started]], day: Root) -> None:
    shown = days[0].start((*COMMAND, "--root", str(day.path), "config", "show", "--format", "json"))
    assert shown.ended() == 0, shown.err
    settings = json.loads(shown.out)["settings"]
    assert settings["root"]["value"] == str(day.path)
    assert (day.path / settings["champion_file"]["value"]).is_file()
    assert (day.path / settings["state_file"]["value"]).is_file()


def test_a_runner_can_go_on_in_the_directory(days: tuple[Place, list[Started]], tmp_path: Path) -> None:
    place, _ = days
    root = Root(tmp_path / "root", timeframes=())
    assert rehearse(place, root.path, "--hours", "1").ended() == 0
    before = root.closes()
    runner = place.run(root, place.sandbox(), "--candles", "1")
    assert runner.ended() == 0, runner.err
    assert len(root.closes()) == len(before) + 1


@pytest.mark.parametrize("content", ["file", "hidden file", "directory", "it is a file"])
def test_a_directory_with_something_in_it_is_refused_and_left_alone(place: Place, content: str) -> None:
    into = place.path / "taken"
    if content == "it is a file":
        into.write_bytes(b"kept")
    else:
        into.mkdir()
        (into / "sub").mkdir() if content == "directory" else (into / f".{content}").write_bytes(b"kept")
    before = (digests(place.path), into.stat().st_mtime_ns)
    refused = rehearse(place, into, "--hours", "1")
    assert refused.ended() == 78
    why = "is not a directory" if content == "it is a file" else "is not empty"
    assert refused.err.startswith(f"genesis-ops: {into} {why}")
    assert "  next: " in refused.err
    assert refused.out == ""
    streams = {f"{len(before[0]) and 0}.out", "0.err"}
    assert {name: mark for name, mark in digests(place.path).items() if name not in streams} == before[0]
    assert into.stat().st_mtime_ns == before[1]


def test_an_empty_directory_may_be_used(place: Place) -> None:
    (place.path / "empty").mkdir()
    assert rehearse(place, place.path / "empty", "--hours", "1").ended() == 0


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_rehearsal_ends_at_once(place: Place, number: int, code: int) -> None:
    root = Root(place.path / "long", timeframes=())
    process = rehearse(place, root.path, "--hours", "1000")
    until(lambda: any(root.logs.glob("runner_2*.log")), otherwise=lambda: process.err)
    assert process.stopped(number, seconds=5) == code
    assert process.out == ""
    assert "Traceback" not in process.err


def test_a_fault_that_aborts_the_day_says_so(place: Place) -> None:
    process = rehearse(place, place.path / "bad", "--hours", "3", "--fault", "fallback@1h")
    assert process.ended() == 1
    assert process.err.startswith("genesis-ops: ")
    assert "  next: " in process.err
