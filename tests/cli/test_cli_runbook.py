"""Whoever is sent to the runbook finds there what sent them; its outputs are compared by ``docs/generate.py``."""

import ast
import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import genesis_ops
from genesis_ops.checks import acceptance, preflight, stop
from genesis_ops.cli.app import app

DOCS = Path(__file__).parents[2] / "docs"
RUNBOOK = (DOCS / "runbook.md").read_text("utf-8")
README = (DOCS.parent / "README.md").read_text("utf-8")
HINT = re.compile(r"runbook(?:[:,] ?| )([A-Z][\w -]+(?:, step \d)?)")
LINK = re.compile(r"\]\(([\w-]+\.md)?#([\w-]+)\)")
COMMAND = re.compile(r"genesis-ops((?: [a-z][a-z-]*)+)")

sys.path.append(str(DOCS))

from runbook import VOLATILE, Scene, filled, scenes  # noqa: E402 - it stands beside its page


def headings(text: str) -> list[str]:
    return re.findall(r"^#+ (.+)$", re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL), re.MULTILINE)


def anchor(heading: str) -> str:
    """Write a heading as a page's address has it."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def words(text: str) -> str:
    return re.sub(r"\W+", " ", text).strip().lower()


def hints() -> Iterator[str]:
    """Name every place of the runbook that a message or a command's help names."""
    package = Path(genesis_ops.__file__).parent
    for path in package.rglob("*.py"):
        text = path.read_text("utf-8")
        if "runbook" in text:
            tree = ast.parse(text)
            notes = set() if path.parent.name == "cli" else {id(node.value) for node in expressions(tree)}
            yield from (hint for node in ast.walk(tree) if id(node) not in notes for hint in HINT.findall(said(node)))


def expressions(tree: ast.AST) -> Iterator[ast.Expr]:
    """Find what stands alone: docstrings, which only those of commands show to anybody."""
    return (node for node in ast.walk(tree) if isinstance(node, ast.Expr))


def said(node: ast.AST) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


HINTS = sorted(set(hints()))


def test_the_program_sends_people_to_the_runbook() -> None:
    assert {"Missing Hours", "Champion Baseline Fallback", "Day 1, step 3"} <= set(HINTS)


@pytest.mark.parametrize("hint", HINTS)
def test_a_hint_of_the_program_stands_in_a_heading(hint: str) -> None:
    assert [heading for heading in headings(RUNBOOK) if f" {words(hint)} " in f" {words(heading)} "]


@pytest.mark.parametrize("page", sorted(path.name for path in DOCS.glob("*.md")))
def test_a_link_to_a_section_leads_to_one(page: str) -> None:
    text = (DOCS / page).read_text("utf-8")
    assert [
        f"{to}#{place}"
        for to, place in LINK.findall(text)
        if place not in map(anchor, headings((DOCS / (to or page)).read_text("utf-8")))
    ] == []


@pytest.mark.parametrize("check", sorted({check.id for of in (preflight, acceptance, stop) for check in of.CHECKS}))
def test_a_check_that_is_red_is_found_in_the_first_table(check: str) -> None:
    table = RUNBOOK.split("## Find your place", 1)[1].split("\n\n", 3)[2]
    assert f"`{check}`" in table


@pytest.mark.parametrize("page", [RUNBOOK, README], ids=["runbook", "README"])
def test_every_command_that_is_shown_is_there(page: str) -> None:
    typed = {tuple(found.split()) for found in COMMAND.findall(page)}
    assert len(typed) > 15
    assert [line for line in sorted(typed) if not is_command(line)] == []


def is_command(typed: tuple[str, ...]) -> bool:
    from typer.main import get_command

    found = get_command(app).get_command(None, typed[0])  # type: ignore[attr-defined]
    parts = getattr(found, "commands", {})
    return found is not None and (len(typed) == 1 or not parts or typed[1] in parts)


def test_the_abort_conditions_have_a_section_each_with_what_is_shown_when_they_hold() -> None:
    section = RUNBOOK.split("## STOP if FAIL", 1)[1].split("\n## ", 1)[0]
    assert [check.id for check in stop.CHECKS if not re.search(rf"^  ✗ +\d {check.id} ", section, re.MULTILINE)] == []


PAGE = """\
Before.
<!-- output: genesis-ops orders list
     at: 2026-02-05 15:10:00
     shows: orders -->
```
old
```
After.
"""


def test_a_comment_says_what_is_typed_when_and_what_of_it_is_shown() -> None:
    assert scenes(PAGE) == [Scene("genesis-ops orders list", 1_770_304_200_000, shows="orders")]


def test_a_block_gets_what_its_command_prints_and_nothing_else_changes() -> None:
    made = filled(PAGE, lambda asked: dict.fromkeys(asked, "new\nlines\n"))
    assert made == PAGE.replace("old\n", "new\nlines\n")


def test_no_comment_of_the_runbook_is_misread() -> None:
    assert len(scenes(RUNBOOK)) == RUNBOOK.count("<!--") > 20
    assert {shlex.split(scene.command)[0] for scene in scenes(RUNBOOK)} == {"genesis-ops"}


def test_nothing_of_the_machine_that_wrote_the_page_is_in_it() -> None:
    left = [found[0] for pattern, stands in VOLATILE for found in re.finditer(pattern, RUNBOOK) if found[0] != stands]
    assert [text for text in left if text not in {"127.0.0.1:8000", "Size: <size>"}] == []
