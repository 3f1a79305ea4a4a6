"""genesis-ops env: what a unit really gets from its environment file, and a copy that systemd reads as it was meant."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from genesis_ops.cli.judging import OutputFormat, Strict, end, tell, write
from genesis_ops.cli.options import load_settings
from genesis_ops.errors import Refused, Unreachable, UsageRefused, typed
from genesis_ops.report.formats import Format
from genesis_ops.words import visible

if TYPE_CHECKING:
    from genesis_ops.checks.env_unit import Running
    from genesis_ops.settings import Settings

app = typer.Typer(
    help="The environment file: how it is read, and what really arrives.",
    rich_markup_mode=None,
    no_args_is_help=True,
    add_completion=False,
)


class Rendering(StrEnum):
    """For whom variables are written."""

    TEXT = "text"
    JSON = "json"


class Role(StrEnum):
    """Which of the phase's processes."""

    RUNNER = "runner"
    API = "api"


File = Annotated[Path | None, typer.Argument(metavar="[FILE]", help="The file; default: .env in the root.")]


@app.command()
def check(ctx: typer.Context, file: File = None, *, output: OutputFormat = Format.TEXT, strict: Strict = False) -> None:
    """Judge a file, and show side by side what is read differently."""
    settings = load_settings(ctx).settings

    from genesis_ops.checks.env import env_check
    from genesis_ops.cli.pages import put
    from genesis_ops.clients.host_clock import HostClock
    from genesis_ops.collect.env import env_file
    from genesis_ops.report.env import document, lines

    path = _path(file, settings)
    found = env_file(path, visible(settings.shown(path)))
    report = env_check(found, f"{settings.symbol} {settings.timeframe}", HostClock().now_ms(), strict=strict)
    if output is Format.TEXT:
        put(lambda page: lines(report, found, page))
    elif output is Format.JSON:
        write(document(report, found))
    else:
        tell(report, output)
    end(report, output)


@app.command()
def systemd(
    ctx: typer.Context,
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be written, and write nothing.")] = False,
    out: Annotated[Path | None, typer.Option(help="Where to write; default: .env.systemd in the root.")] = None,
) -> None:
    """Write a copy of .env from which systemd reads what was meant."""
    settings = load_settings(ctx).settings

    from genesis_ops.cli.pages import put
    from genesis_ops.envfile.rewrite import rewrite
    from genesis_ops.keep.env_systemd import is_there, require_place
    from genesis_ops.keep.env_systemd import write as write_copy
    from genesis_ops.report.env_diff import changes, lines

    source = settings.root / ".env"
    target = settings.root / ".env.systemd" if out is None else out.absolute()
    raw = _read(source)
    _require_readable(source, raw)
    require_place(target, source)
    new = rewrite(raw)
    put(lambda page: lines(new, page))
    shown, same = visible(settings.shown(target)), is_there(target, new.raw)
    if not same and not dry_run:
        write_copy(target, new.raw, source)
    done = "is up to date" if same else "would be written" if dry_run else "is written"
    number = changes(new)
    told = f"{shown} {done}: {number or 'no'} {'line' if number == 1 else 'lines'} written in another way"
    put(lambda page: page.under("", told, "bold"))


@app.command()
def show(
    ctx: typer.Context,
    file: File = None,
    *,
    pid: Annotated[int | None, typer.Option(help="Compare with this process.")] = None,
    role: Annotated[Role | None, typer.Option("--process", help="Compare with this one of the phase.")] = None,
    output: Annotated[Rendering, typer.Option("--format", help="text, or json for scripts")] = Rendering.TEXT,
) -> None:
    """Show what a unit would get, and what processes really have."""
    if pid is not None and role is not None:
        raise UsageRefused("--pid and --process name the process twice", next_command="genesis-ops env show --help")
    settings = load_settings(ctx).settings

    from genesis_ops.checks.env_unit import unit
    from genesis_ops.cli.pages import put
    from genesis_ops.report.env_show import document, lines

    path = _path(file, settings)
    raw = _read(path)
    found = unit(visible(settings.shown(path)), raw, _processes(settings, pid, role))
    if output is Rendering.JSON:
        write(document(found))
    else:
        put(lambda page: lines(found, page))


def _path(file: Path | None, settings: "Settings") -> Path:
    return settings.root / ".env" if file is None else file.absolute()


def _read(path: Path) -> bytes:
    """Read an environment file.

    Raises:
        Refused: there is none, or it cannot be read.
    """
    from genesis_ops.collect.env import LARGEST
    from genesis_ops.durable import read_whole

    try:
        return read_whole(path, LARGEST)
    except OSError as error:
        command = f"genesis-ops env check {typed(path)}"
        raise Refused(f"{path} cannot be read: {error.strerror}", next_command=command) from error


def _require_readable(path: Path, raw: bytes) -> None:
    """Refuse a file that is refused as a whole.

    Raises:
        Refused: it is one.
    """
    from genesis_ops.envfile.rewrite import refusal

    if refused := refusal(raw):
        command = f"genesis-ops env check {typed(path)}"
        raise Refused(f"{path}:{refused.line}: {refused.why}", notes=("nothing was written",), next_command=command)


def _processes(settings: "Settings", pid: int | None, role: Role | None) -> "tuple[Running, ...]":
    """Find the processes to compare with.

    Raises:
        Unreachable: the one that was named is not there.
    """
    from genesis_ops.collect.env import process, running

    if pid is None:
        found = running(settings, "" if role is None else role.value)
        if role is not None and not found:
            raise Unreachable(f"no {role} of this root is running", next_command="genesis-ops status")
        return found
    try:
        return (process(pid, "process"),)
    except (ProcessLookupError, ValueError, OverflowError):
        raise Unreachable(f"there is no process {pid}", next_command="genesis-ops env show") from None
