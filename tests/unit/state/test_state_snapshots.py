from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genesis_ops.state.differences import Difference, differences
from genesis_ops.state.snapshots import Section, Snapshot, directory, file_name, listed, parsed, read, written
from genesis_ops.words import visible

AT = 1_770_210_200_000
LINES = st.lists(st.text(max_size=30), max_size=6).map(tuple)
SECTIONS = st.dictionaries(st.sampled_from(["host", "api", "state", "runner log"]), LINES)


def taken(at_ms: int = AT, **sections: tuple[str, ...]) -> Snapshot:
    return Snapshot(at_ms, tuple(Section(name.replace("_", " "), lines) for name, lines in sections.items()))


@given(SECTIONS)
def test_what_is_written_is_read_back_with_its_control_characters_as_escapes(
    sections: dict[str, tuple[str, ...]],
) -> None:
    snapshot = Snapshot(AT, tuple(Section(name, lines) for name, lines in sections.items()))
    expected = tuple(Section(name, tuple(map(visible, lines))) for name, lines in sections.items())
    assert parsed(written(snapshot)) == Snapshot(AT, expected)


def test_a_line_of_a_log_cannot_pass_for_a_section() -> None:
    snapshot = taken(host=("== state ==", "sha256: 00"), state=("{}",))
    assert parsed(written(snapshot)).lines("state") == ("{}",)


@given(st.data())
def test_a_snapshot_that_was_cut_or_changed_at_any_byte_is_refused(data: st.DataObject) -> None:
    raw = written(taken(host=("name: here",), state=('"a": 1',)))
    at = data.draw(st.integers(0, len(raw) - 1))
    damaged = data.draw(st.sampled_from([raw[:at], raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :]]))
    with pytest.raises(ValueError, match=r"sum|utf-8|no genesis"):
        parsed(damaged)


def test_snapshots_are_listed_by_the_time_in_their_names_and_nothing_else_is(tmp_path: Path) -> None:
    folder = directory(tmp_path)
    folder.mkdir()
    for name in (
        file_name(AT + 60_000),
        file_name(AT),
        "snapshot_20269904_000000Z.txt",
        "snapshot.txt",
        file_name(AT, ".tar.gz"),
    ):
        (folder / name).write_bytes(written(taken()))
    assert [path.name for _, path in listed(tmp_path)] == [
        "snapshot_20260204_130320Z.txt",
        "snapshot_20260204_130420Z.txt",
    ]
    assert listed(tmp_path)[0][0] == AT
    assert read(listed(tmp_path)[0][1]).at_ms == AT
    assert listed(tmp_path / "nowhere") == ()


def test_a_difference_names_what_was_and_what_is() -> None:
    before = taken(runner=("process: pid 1", "mode: dry-run"), state=('  "total_evaluations": 3,',))
    after = taken(runner=("process: pid 2", "mode: dry-run"), state=('  "total_evaluations": 4,', "odd"))
    assert differences(before, after) == (
        Difference("runner", "process", "pid 1", "pid 2"),
        Difference("state", "total_evaluations", "3", "4"),
        Difference("state", "odd", "", "odd"),
    )


def test_of_the_logs_end_only_the_newest_line_is_compared() -> None:
    before = taken(runner_log=("file: a.log", "size: 10 bytes", "one", "two"))
    after = taken(runner_log=("file: a.log", "size: 20 bytes", "two", "three", "four"))
    found = {each.name: (each.before, each.after) for each in differences(before, after)}
    assert found == {"size": ("10 bytes", "20 bytes"), "newest line": ("two", "four")}


@given(SECTIONS)
def test_a_snapshot_does_not_differ_from_itself(sections: dict[str, tuple[str, ...]]) -> None:
    snapshot = Snapshot(AT, tuple(Section(name, lines) for name, lines in sections.items()))
    assert differences(snapshot, snapshot) == ()
