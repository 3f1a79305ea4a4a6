"""Whose a written file is, and who may read it."""

import os
import sys
from pathlib import Path

import pytest

from genesis_ops.durable import publish, put_in_place

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")


def test_a_file_that_is_replaced_keeps_its_mode(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("x")
    (tmp_path / "state").chmod(0o600)
    put_in_place(tmp_path / "state", b"y")
    assert (tmp_path / "state").stat().st_mode & 0o777 == 0o600


def test_a_link_that_is_replaced_lends_nothing_of_what_it_leads_to(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text("x")
    (tmp_path / "elsewhere").chmod(0o606)
    (tmp_path / "state").symlink_to("elsewhere")
    put_in_place(tmp_path / "state", b"y")
    assert (tmp_path / "state").lstat().st_mode & 0o002 == 0
    assert (tmp_path / "elsewhere").read_text() == "x"


@pytest.mark.parametrize("write", [put_in_place, publish])
def test_what_is_ones_own_is_so_in_anybodys_directory_and_under_any_umask(tmp_path: Path, write: object) -> None:
    assert callable(write)
    if os.geteuid() == 0:
        os.chown(tmp_path, 1000, 1000)
    umask = os.umask(0o077)
    try:
        write(tmp_path / "unit", b"x", own=True)
    finally:
        os.umask(umask)
    found = (tmp_path / "unit").stat()
    assert (found.st_uid, found.st_mode & 0o7777) == (os.geteuid(), 0o644)
