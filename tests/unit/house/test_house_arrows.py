"""The floor plan (docs/floor-plan.md), held against the imports."""

import ast
from pathlib import Path

import pytest

import genesis_ops

HOUSE = Path(genesis_ops.__file__).parent
FLOORS = {
    "words": 0, "errors": 0, "settings": 0, "durable": 0,
    "runlog": 1, "state": 1, "clients": 1, "envfile": 1,
    "journal": 2, "redact": 2,
    "checks": 3,
    "report": 4,
    "runner": 5, "collect": 5, "enforce": 5, "host": 5,
    "keep": 6, "remote": 6,
    "rehearsal": 7,
    "cli": 8,
}  # fmt: skip
ANNEX = "sandbox"
MAY_ENTER_THE_ANNEX = {"rehearsal", "cli"}
GROUND = ("words", "durable", "errors", "settings")


def room_of(path: Path) -> str:
    return path.relative_to(HOUSE).parts[0].removesuffix(".py")


def imported_rooms(source: str) -> set[str]:
    rooms = set()
    for node in ast.walk(ast.parse(source)):
        names = []
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            names = [
                f"{node.module}.{alias.name}" if node.module == "genesis_ops" else str(node.module)
                for alias in node.names
            ]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        rooms |= {name.split(".")[1] for name in names if name.startswith("genesis_ops.")}
    return rooms - {"__version__"}


def wrong_arrow(room: str, target: str) -> str:
    if target == room:
        return ""
    if target == ANNEX:
        return "" if room in MAY_ENTER_THE_ANNEX else "the house never enters the annex"
    if room == ANNEX:
        return "" if target in GROUND else "the annex stands on the ground floor alone"
    if FLOORS[target] == 0 and room in GROUND:
        order = GROUND.index(room) - GROUND.index(target)
        return "" if order > 0 else "on the ground floor settings stand on errors, and errors on words"
    return "" if FLOORS[target] < FLOORS[room] else f"floor {FLOORS[room]} imports from floor {FLOORS[target]}"


@pytest.mark.parametrize("path", sorted(HOUSE.rglob("*.py")), ids=lambda p: str(p.relative_to(HOUSE)))
def test_every_import_points_to_a_floor_below(path: Path) -> None:
    room = room_of(path)
    if room in {"__init__", "__main__"}:
        return
    wrong = {target: why for target in imported_rooms(path.read_text("utf-8")) if (why := wrong_arrow(room, target))}
    assert not wrong, f"{room} -> {wrong}"


@pytest.mark.parametrize(
    ("room", "source"),
    [
        ("runlog", "from genesis_ops.cli.app import main"),
        ("state", "from genesis_ops.runlog.events import Event"),
        ("runner", "def f():\n    from genesis_ops.sandbox.app import Sandbox"),
        ("sandbox", "import genesis_ops.runner.loop"),
        ("words", "from genesis_ops import errors"),
    ],
)
def test_a_wrong_arrow_is_found(room: str, source: str) -> None:
    assert any(wrong_arrow(room, target) for target in imported_rooms(source))


def test_every_room_has_its_floor() -> None:
    rooms = {room_of(path) for path in HOUSE.rglob("*.py")} - {"__init__", "__main__"}
    assert rooms == {*FLOORS, ANNEX}
