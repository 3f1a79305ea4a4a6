import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from genesis_ops.runlog.events import Unknown, event_types
from genesis_ops.runlog.files import LogFile
from genesis_ops.runlog.reader import LogReader

SAMPLES = Path(__file__).parents[2] / "samples"


class Sample(NamedTuple):
    place: str
    annotation: dict[str, Any]
    text: str


def samples_of(path: Path) -> Iterator[Sample]:
    annotation: dict[str, Any] | None = None
    for number, text in enumerate(path.read_text("utf-8").split("\n")[:-1], 1):
        if text.startswith("# event: "):
            assert annotation is None, f"{path.name}:{number}: the annotation before has no line"
            annotation = json.loads(text.removeprefix("# event: "))
        elif not text.startswith("#"):
            assert annotation is not None, f"{path.name}:{number}: a line without an annotation"
            yield Sample(f"{path.name}:{number}", annotation, text)
            annotation = None
    assert annotation is None, f"{path.name}: the last annotation has no line"


ALL = [sample for path in sorted(SAMPLES.glob("*.log")) for sample in samples_of(path)]
each_sample = pytest.mark.parametrize("sample", ALL, ids=lambda sample: sample.place)


@each_sample
def test_a_sample_is_read_as_what_its_annotation_says(sample: Sample, tmp_path: Path) -> None:
    path = tmp_path / "runner_20260301.log"
    path.write_text(sample.text + "\n", "utf-8")
    (line,) = LogReader([LogFile(path, "20260301")])
    expected = {key: value for key, value in sample.annotation.items() if key not in {"older", "level"}}
    assert {"type": type(line.event).__name__, **line.event.content()} == expected
    assert line.level == sample.annotation.get("level", type(line.event).level)


@each_sample
def test_exactly_one_type_reads_a_sample(sample: Sample) -> None:
    message = sample.text.split(" - ", 3)[3]
    assert [t.__name__ for t in event_types() if t.read(message) is not None] == [sample.annotation["type"]]


@each_sample
def test_what_this_project_writes_is_the_sample_itself(sample: Sample) -> None:
    types = {t.__name__: t for t in event_types()}
    event_type = types[sample.annotation["type"]]
    message = sample.text.split(" - ", 3)[3]
    event = event_type.read(message)
    assert event is not None
    older = sample.annotation.get("older", False)
    assert older or event.message() == message
    assert older or not event_type.older, "a type that this project does not write needs 'older' in its annotation"


def test_every_type_has_a_sample() -> None:
    sampled = {sample.annotation["type"] for sample in ALL}
    assert [t.__name__ for t in event_types() if t.__name__ not in sampled] == []


def test_every_type_this_project_writes_has_a_sample_of_its_own_writing() -> None:
    sampled = {sample.annotation["type"] for sample in ALL if not sample.annotation.get("older", False)}
    assert [t.__name__ for t in event_types() if not t.older and t.__name__ not in sampled] == []


def test_no_sample_is_unknown() -> None:
    assert Unknown.__name__ not in {sample.annotation["type"] for sample in ALL}
