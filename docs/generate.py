"""Write the documents that are made from the code; ``--check`` only says whether they are up to date."""  # noqa: INP001 - a script

import sys
from collections.abc import Callable, Iterable
from difflib import unified_diff
from functools import partial
from pathlib import Path

import runbook
from typer.testing import CliRunner

from genesis_ops.cli.app import app
from genesis_ops.host.units import Place, names, text
from genesis_ops.runlog.events import Event, Unknown, event_types

HERE = Path(__file__).resolve().parent

_INTRODUCTION = """\
# The runner log's lines

This page is made from `genesis_ops/runlog/events.py` by `python docs/generate.py`; edit it there.

A line is `YYYY-MM-DD HH:MM:SS - paper_trading_runner - LEVEL - <line>`, in UTC. What stands in braces varies.
A message that begins with `FATAL`, or any line of level CRITICAL, is fatal. The lines of a traceback follow
theirs without a prefix. A line that none of these patterns reads is counted as not understood, never dropped."""

_PATTERNS = """\
The patterns also read what the older runner wrote in place of a line; each has to match all that follows the level."""


def log_contract() -> str:
    """Describe every line of the runner log (contract §2) for the operators who grep for it."""
    types: tuple[type[Event], ...] = (*event_types(), Unknown)
    written = [t for t in event_types() if not t.older]
    older = [t for t in event_types() if t.older]
    parts = (
        _INTRODUCTION,
        "## What this project's runner writes",
        _table(("Line", "Level", "What it means"), map(_meaning, written)),
        "## What only the older runner wrote",
        "These lines are read and never written.",
        _table(("Line", "Level", "What it means"), map(_meaning, older)),
        "## How the lines are read",
        _PATTERNS,
        _table(("Type", "Pattern"), ((f"`{t.__name__}`", _code(t.pattern)) for t in types)),
    )
    return "\n\n".join(parts) + "\n"


def _meaning(event_type: type[Event]) -> tuple[str, str, str]:
    return _code(event_type.phrase), event_type.level, (event_type.__doc__ or "").replace("``", "`").strip()


def _table(titles: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = (titles, ("---",) * len(titles), *rows)
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)


def _code(text: str) -> str:
    return f"`{text}`"


_COMMANDS = (
    (), ("run",), ("preflight",), ("acceptance",), ("snapshot",), ("snapshot", "verify"), ("snapshot", "diff"),
    ("stop-check",), ("phase-report",), ("daily-summary",), ("resume",), ("status",), ("metrics",),
    ("verify",), ("verify", "health"), ("verify", "wallets"), ("verify", "order"), ("verify", "delta"),
    ("verify", "services"), ("verify", "logs"), ("verify", "all"),
    ("orders",), ("orders", "list"), ("orders", "show"), ("orders", "resolve"), ("orders", "verify"),
    ("env",), ("env", "check"), ("env", "systemd"), ("env", "show"), ("rehearse",),
    ("drill",), ("drill", "crash"),
    ("sandbox",), ("sandbox", "serve"), ("sandbox", "faults"),
    ("doctor",), ("units",), ("units", "install"), ("units", "diff"),
    ("host",), ("host", "plan"), ("host", "begin"), ("host", "run"), ("host", "back"), ("host", "follow"),
    ("host", "look"), ("host", "present"), ("host", "inactive"), ("host", "healthy"), ("host", "archive"),
    ("host", "restore"), ("host", "save"), ("host", "unsave"), ("host", "undo"), ("host", "unlock"),
    ("host", "scheduled"), ("host", "schedule"), ("host", "schedule", "add"), ("host", "schedule", "list"),
    ("host", "schedule", "cancel"),
    ("remote",), ("remote", "plan"), ("remote", "apply"), ("remote", "attach"), ("remote", "status"),
    ("remote", "logs"), ("remote", "doctor"), ("remote", "env"), ("remote", "preflight"), ("remote", "acceptance"),
    ("remote", "stop-check"), ("remote", "verify"), ("remote", "snapshot"), ("remote", "daily-summary"),
    ("remote", "fetch"), ("remote", "install"), ("remote", "schedule"), ("remote", "schedule", "list"),
    ("remote", "schedule", "cancel"),
    ("config",), ("config", "show"),
)  # fmt: skip


def cli() -> str:
    """Show every command's own help, at 80 columns."""
    parts = ["# The commands", "This page is made from the commands' own help by `python docs/generate.py`."]
    for words in _COMMANDS:
        name = " ".join(("genesis-ops", *words))
        shown = CliRunner().invoke(app, [*words, "--help"], prog_name="genesis-ops", env={"COLUMNS": "80"})
        parts += [f"## `{name}`", f"```\n{shown.stdout.strip()}\n```"]
    return "\n\n".join(parts) + "\n"


_ROOT = "/opt/genesis/Genesis-Core"
_SERVER = Place(_ROOT, "genesis", "/opt/genesis/genesis-ops/bin/genesis-ops", 8000, (f"{_ROOT}/logs",))
"""The server of the runbook, for whom the units are shown in config/systemd."""

UNITS = {f"../config/systemd/{name}": partial(text, name, _SERVER) for name in names(live_paper=True)}


def runbook_page() -> str:
    """Put what the commands print today into the runbook; its words are written there by hand."""
    return runbook.filled((HERE / "runbook.md").read_text("utf-8"), runbook.played)


DOCUMENTS: dict[str, Callable[[], str]] = {
    "log-contract.md": log_contract,
    "cli.md": cli,
    "runbook.md": runbook_page,
    **UNITS,
}


def outdated() -> dict[Path, str]:
    """Name the documents that are not what the code says, with what it says."""
    said = {(HERE / name).resolve(): write() for name, write in DOCUMENTS.items()}
    return {path: now for path, now in said.items() if not path.is_file() or path.read_text("utf-8") != now}


def main(arguments: list[str]) -> int:
    """Write what is out of date, or with ``--check`` name it and return 1."""
    if arguments not in ([], ["--check"]):
        sys.stderr.write("usage: python docs/generate.py [--check]\n")
        return 2
    stale = outdated()
    for path, now in stale.items():
        if arguments:
            sys.stderr.write(f"{path} is out of date. Next: python docs/generate.py\n")
            was = path.read_text("utf-8") if path.is_file() else ""
            lines = unified_diff(was.split("\n"), now.split("\n"), "is", "due", n=0, lineterm="")
            sys.stderr.writelines(f"{line}\n" for line in lines)
        else:
            path.parent.mkdir(exist_ok=True)
            path.write_text(now, "utf-8")
            sys.stdout.write(f"{path}\n")
    return 1 if arguments and stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
