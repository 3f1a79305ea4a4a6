"""What the README shows is what the program shows."""

import re
from pathlib import Path

from typer.testing import CliRunner

from genesis_ops.cli.app import app

README = (Path(__file__).parents[2] / "README.md").read_text("utf-8")


def test_the_picture_of_the_day_is_the_one_that_the_first_command_draws(tmp_path: Path) -> None:
    arguments = ["rehearse", "--hours", "24", "--seed", "7", "--into", str(tmp_path / "day")]
    done = CliRunner().invoke(app, arguments, env={"COLUMNS": "80"})
    assert done.exit_code == 0
    shown = [line.rstrip() for line in done.stdout.splitlines()]
    (picture,) = re.findall(r"```\n(Rehearsal .*?)\n```", README, re.DOTALL)
    assert picture.splitlines() == shown[: len(picture.splitlines())]


def test_its_first_two_shell_blocks_are_one_command_each() -> None:
    blocks = re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
    assert all(len(block.splitlines()) == 1 for block in blocks[:2])
    assert "rehearse --hours 24 --seed 7" in blocks[0]
    assert "pytest" in blocks[1]


def test_every_page_that_it_links_to_is_there() -> None:
    pages = re.findall(r"\]\(([^)#:]+)\)", README)
    assert pages
    assert [page for page in pages if not (Path(__file__).parents[2] / page).is_file()] == []
