"""The text that does not print itself."""

import copy
import json
import logging
import pickle

import pytest

from genesis_ops.envfile.parse import parse
from genesis_ops.envfile.secret import Secret

HIDDEN = Secret("hunter2")


@pytest.mark.parametrize(
    "written",
    [repr(HIDDEN), str(HIDDEN), f"{HIDDEN}", f"{HIDDEN:>20}", f"{HIDDEN!r}", "%s" % HIDDEN, repr([HIDDEN])],  # noqa: UP031 - the old way of writing must hide it too
)
def test_a_secret_shows_nothing_of_itself_however_it_is_written(written: str) -> None:
    assert "hunter2" not in written
    assert "***" in written


def test_an_assignment_and_a_parsed_file_hide_their_values() -> None:
    assert "hunter2" not in repr(parse(b"KEY=hunter2\n"))


def test_a_secret_is_given_away_only_by_asking_for_it() -> None:
    assert HIDDEN.reveal() == "hunter2"


def test_a_secret_goes_into_no_log(caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("envfile").warning("read %s and %r", HIDDEN, {"KEY": HIDDEN})
    assert "hunter2" not in caplog.text


def test_a_secret_can_be_neither_pickled_nor_copied_nor_written_as_json() -> None:
    for write in (pickle.dumps, copy.deepcopy, json.dumps):
        with pytest.raises(TypeError) as raised:
            write(HIDDEN)
        assert "hunter2" not in str(raised.value)


def test_secrets_are_equal_where_their_texts_are() -> None:
    assert Secret("hunter2") == HIDDEN
    assert Secret("hunter3") != HIDDEN
    assert HIDDEN != "hunter2"
    assert len({HIDDEN, Secret("hunter2")}) == 1
