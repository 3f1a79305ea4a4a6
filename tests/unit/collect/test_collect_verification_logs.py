"""The end of the log and what is written after it: over midnight, a new file, one that was emptied, half a line."""

import gzip
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from genesis_ops.collect.verify_logs import Follower, follow, last_lines, logs, parsed
from genesis_ops.collect.verify_services import api, services
from genesis_ops.errors import Unreachable
from genesis_ops.rehearsal.clock import VirtualClock
from genesis_ops.settings import Settings, load
from genesis_ops.words import day, stamp

MIDNIGHT = 1_770_249_600_000
"""2026-02-05 00:00:00 UTC."""


def line(at_ms: int, message: str, level: str = "INFO") -> str:
    return f"{stamp(at_ms)} - paper_trading_runner - {level} - {message}\n"


def write(directory: Path, at_ms: int, *messages: str) -> Path:
    path = directory / f"runner_{day(at_ms)}.log"
    with path.open("a", encoding="utf-8") as file:
        file.writelines(line(at_ms, message) for message in messages)
    return path


def said(lines: tuple[bytes, ...]) -> list[str]:
    return [raw.decode().split(" - ", 3)[-1] for raw in lines]


# --- the last lines


def test_the_last_lines_come_out_of_as_many_files_as_it_takes(tmp_path: Path) -> None:
    write(tmp_path, MIDNIGHT - 1000, *"abcde")
    write(tmp_path, MIDNIGHT, *"fg")
    assert said(last_lines(tmp_path, 4)) == [*"defg"]
    assert said(last_lines(tmp_path, 2)) == [*"fg"]
    assert said(last_lines(tmp_path, 100)) == [*"abcdefg"]
    assert last_lines(tmp_path, 0) == ()


def test_a_packed_day_is_read_too(tmp_path: Path) -> None:
    path = write(tmp_path, MIDNIGHT - 1000, *"ab")
    (tmp_path / f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
    path.unlink()
    write(tmp_path, MIDNIGHT, "c")
    assert said(last_lines(tmp_path, 10)) == [*"abc"]


def test_the_file_that_is_being_written_is_the_one_with_the_newest_line(tmp_path: Path) -> None:
    write(tmp_path, MIDNIGHT, "new day")
    older = tmp_path / "runner_20260101.log"  # the older runner goes on in the file that it began with
    older.write_text(line(MIDNIGHT + 60_000, "older runner"), encoding="utf-8")
    assert said(last_lines(tmp_path, 1)) == ["older runner"]


def test_only_runner_logs_are_read(tmp_path: Path) -> None:
    write(tmp_path, MIDNIGHT, "a")
    (tmp_path / "runner_service.log").write_text(line(MIDNIGHT + 1000, "b"), encoding="utf-8")
    (tmp_path / f"runner_orders_{day(MIDNIGHT)}.log").write_text("{}\n", encoding="utf-8")
    assert said(last_lines(tmp_path, 5)) == ["a"]


def test_no_log_says_what_to_type(tmp_path: Path) -> None:
    for directory in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(Unreachable, match="there is no runner log") as refusal:
            last_lines(directory, 5)
        assert refusal.value.next_command == "genesis-ops run --dry-run"


@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(
    st.lists(st.text(st.characters(codec="ascii", exclude_characters="\n\r"), max_size=40), max_size=40),
    st.integers(1, 50),
)
def test_the_last_lines_are_those_that_splitting_the_file_gives(tmp_path: Path, texts: list[str], count: int) -> None:
    path = tmp_path / f"runner_{day(MIDNIGHT)}.log"
    raw = "\n".join(texts).encode()
    path.write_bytes(raw)
    whole = raw.split(b"\n")
    assert list(last_lines(tmp_path, count)) == (whole[:-1] if not whole[-1] else whole)[-count:]


def test_a_file_without_a_line_end_of_megabytes_is_cut(tmp_path: Path) -> None:
    (tmp_path / f"runner_{day(MIDNIGHT)}.log").write_bytes(b"x" * 3_000_000)
    (found,) = last_lines(tmp_path, 5)
    assert len(found) == 1 << 16


# --- what follows


def test_what_is_written_is_given_once_over_midnight_and_a_new_file(tmp_path: Path) -> None:
    write(tmp_path, MIDNIGHT - 1000, "before")
    follower = Follower(tmp_path)
    assert follower.news() == ()
    write(tmp_path, MIDNIGHT - 500, "last of the day")
    write(tmp_path, MIDNIGHT, "first of the day")
    assert said(follower.news()) == ["last of the day", "first of the day"]
    write(tmp_path, MIDNIGHT + 1000, "second")
    assert said(follower.news()) == ["second"]
    assert follower.news() == ()


def test_half_a_line_waits_for_its_other_half(tmp_path: Path) -> None:
    path = write(tmp_path, MIDNIGHT, "a")
    with path.open("a", encoding="utf-8") as file:
        file.write("half")
    follower = Follower(tmp_path)
    assert follower.news() == ()
    with path.open("a", encoding="utf-8") as file:
        file.write(" and half\n")
    assert follower.news() == (b"half and half",)


def test_a_file_that_was_emptied_is_read_from_its_beginning(tmp_path: Path) -> None:
    path = write(tmp_path, MIDNIGHT, "a", "b", "c")
    follower = Follower(tmp_path)
    path.write_text(line(MIDNIGHT + 1000, "anew"), encoding="utf-8")
    assert said(follower.news()) == ["anew"]


def test_a_file_in_the_place_of_another_is_read_from_its_beginning(tmp_path: Path) -> None:
    path = write(tmp_path, MIDNIGHT, "a")
    follower = Follower(tmp_path)
    other = tmp_path / "other"
    other.write_text(line(MIDNIGHT + 1000, "b") + line(MIDNIGHT + 2000, "c"), encoding="utf-8")
    other.replace(path)
    assert said(follower.news()) == ["b", "c"]


def test_a_day_that_is_packed_away_is_not_told_again(tmp_path: Path) -> None:
    path = write(tmp_path, MIDNIGHT - 1000, "a")
    write(tmp_path, MIDNIGHT, "b")
    follower = Follower(tmp_path)
    (tmp_path / f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
    path.unlink()
    assert follower.news() == ()


def test_a_log_that_appears_later_is_followed_from_its_first_line(tmp_path: Path) -> None:
    follower = Follower(tmp_path / "logs")
    assert follower.news() == ()
    (tmp_path / "logs").mkdir()
    write(tmp_path / "logs", MIDNIGHT, "a")
    assert said(follower.news()) == ["a"]


def test_following_waits_between_two_looks(tmp_path: Path) -> None:
    write(tmp_path, MIDNIGHT, "a")
    follower, clock = Follower(tmp_path), VirtualClock(MIDNIGHT)

    class Writing(VirtualClock):
        def wait(self, seconds: float) -> None:
            clock.wait(seconds)
            if clock.now_ms() >= MIDNIGHT + 2000:
                write(tmp_path, MIDNIGHT + 2000, "b")

    assert said(next(follow(follower, Writing(MIDNIGHT)))) == ["b"]
    assert clock.now_ms() >= MIDNIGHT + 2000


# --- levels


def test_a_line_of_a_traceback_has_the_level_of_the_line_above_it() -> None:
    first = parsed(line(MIDNIGHT, "Stalled", "ERROR").rstrip().encode())
    assert (first.level, first.at_ms) == ("ERROR", MIDNIGHT)
    assert parsed(b"Traceback (most recent call last):", first).level == "ERROR"
    assert parsed(b"whatever").level == ""


def test_zeros_and_a_byte_order_mark_before_a_line_are_no_part_of_it() -> None:
    raw = line(MIDNIGHT, "a").rstrip().encode()
    assert parsed(b"\0\0\xef\xbb\xbf" + raw).raw == raw


# --- what is judged of it


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    made = load({"root": tmp_path, "api_url": "http://127.0.0.1:9"}, {}, None).settings
    made.log_dir.mkdir(parents=True)
    return made


def test_only_the_newest_runs_lines_are_judged_and_by_its_own_interval(settings: Settings) -> None:
    write(settings.log_dir, MIDNIGHT - 9000, "FATAL: of the run before")
    write(settings.log_dir, MIDNIGHT - 5000, "Paper Trading Runner Started", "Poll interval: 60s", "Heartbeat")
    seen = logs(settings, VirtualClock(MIDNIGHT))
    assert [each.message for each in seen.lines][:1] == ["Paper Trading Runner Started"]
    assert (seen.interval, seen.newest_ms) == (60, MIDNIGHT - 5000)


def test_a_log_in_local_time_is_corrected_for(settings: Settings) -> None:
    look = f"Candle selection: source=previous, ts=1, now_ms={MIDNIGHT - 5000}, latest_ts=2, latest_close_ms=3"
    path = settings.log_dir / f"runner_{day(MIDNIGHT)}.log"
    path.write_text(line(MIDNIGHT - 5000 + 3_600_000, look, "DEBUG"), encoding="utf-8")
    assert logs(settings, VirtualClock(MIDNIGHT)).newest_ms == MIDNIGHT - 5000


def test_no_more_than_the_tail_is_judged(settings: Settings) -> None:
    write(settings.log_dir, MIDNIGHT - 9000, "FATAL: long ago", *(f"line {number}" for number in range(200)))
    seen = logs(settings, VirtualClock(MIDNIGHT))
    assert (len(seen.lines), any("FATAL" in each.message for each in seen.lines)) == (200, False)


def test_no_log_and_one_that_cannot_be_listed_are_told_apart(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (logs(settings, VirtualClock(MIDNIGHT)).lines, logs(settings, VirtualClock(MIDNIGHT)).trouble) == ((), "")

    def forbidden(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "listdir", forbidden)
    assert "cannot be listed" in logs(settings, VirtualClock(MIDNIGHT)).trouble


# --- services and the API, on this host


def test_two_looks_at_the_services_lie_as_far_apart_as_asked(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(settings.root))  # no systemctl there
    clock = VirtualClock(MIDNIGHT)
    seen = services(settings, clock, 30.0)
    assert clock.now_ms() == MIDNIGHT + 30_000
    assert (seen.seconds, seen.port) == (30.0, 9)
    assert seen.units[1].absent
    assert seen.running[1].runners == ()


def test_an_api_that_nobody_listens_for_is_refused_and_its_port_looked_at(settings: Settings) -> None:
    seen = api(settings, VirtualClock(MIDNIGHT))
    assert (seen.health.answer, seen.listeners is not None) == ("refused", True)
