"""genesis-ops units: the systemd units of this host, written or compared."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from genesis_ops.cli.judging import OutputFormat, Strict, tell
from genesis_ops.cli.options import load_settings
from genesis_ops.errors import Refused, UsageRefused, typed
from genesis_ops.report.formats import Format
from genesis_ops.words import visible

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from genesis_ops.checks.units import UnitFile
    from genesis_ops.host.install import Installed
    from genesis_ops.settings import Settings

app = typer.Typer(
    help="The systemd units: services, timers, templates.",
    rich_markup_mode=None,
    no_args_is_help=True,
    add_completion=False,
)

Into = Annotated[Path | None, typer.Option("--into", help="The directory; default: the setting units_dir.")]
User = Annotated[str | None, typer.Option(help="Whose rights the services have; default: the setting remote_user.")]
Program = Annotated[str | None, typer.Option(help="This command as units call it; default: remote_program.")]
Only = Annotated[list[str] | None, typer.Option(help="Only this file; may be given several times.")]
LivePaper = Annotated[bool, typer.Option("--live-paper", help="With the drop-in that lets genesis-runner order.")]


@app.command()
def install(  # noqa: PLR0913 - one parameter an option
    ctx: typer.Context,
    *,
    into: Into = None,
    user: User = None,
    program: Program = None,
    only: Only = None,
    live_paper: LivePaper = False,
    enable: Annotated[bool, typer.Option("--enable", help="Let services and timers start with the machine.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would change, and write nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Replace what a person has changed, too.")] = False,
) -> None:
    """Write the unit files, show what changes, and have systemd read them; nothing is started."""
    settings = load_settings(ctx).settings

    from genesis_ops.cli.pages import put
    from genesis_ops.host.install import require_rights, write
    from genesis_ops.report.units import lines

    directory, live = _directory(settings, into)
    if enable and not live:
        raise UsageRefused("--enable is for the directory that systemd reads", next_command="without --into")
    found = _found(settings, into, user, program, only, live_paper=live_paper).files
    put(lambda page: lines(found, page))
    changed = [file for file in found if not file.same]
    if not dry_run:
        _require_consent(changed, yes=yes)
        if changed:
            require_rights(directory)
        for file in changed:
            write(file)
    count = f"{len(changed) or 'no'} {'file' if len(changed) == 1 else 'files'}"
    told = [f"{count} {'would be' if dry_run else 'are' if len(changed) != 1 else 'is'} written to {directory}"]
    if live and not dry_run:
        told += _reloaded(found, changed=bool(changed), enable=enable)
        told += _missing(settings, user or settings.remote_user)
    put(lambda page: (line for said in told for line in page.under("", said, "bold")))


@app.command()
def diff(  # noqa: PLR0913 - one parameter an option
    ctx: typer.Context,
    *,
    into: Into = None,
    user: User = None,
    program: Program = None,
    only: Only = None,
    live_paper: LivePaper = False,
    output: OutputFormat = Format.TEXT,
    strict: Strict = False,
) -> None:
    """Compare the unit files with what install would write; 1 where they differ."""
    settings = load_settings(ctx).settings

    from genesis_ops.checks.units import units_diff
    from genesis_ops.clients.host_clock import HostClock

    directory, _ = _directory(settings, into)
    found = _found(settings, into, user, program, only, live_paper=live_paper)
    notes = (found.trouble,) if found.trouble else ()
    report = units_diff(found.files, str(directory), HostClock().now_ms(), notes)
    tell(report._replace(strict=strict), output)


def _directory(settings: "Settings", into: Path | None) -> tuple[Path, bool]:
    """Name the directory, and whether it is the one that systemd reads."""
    directory = settings.units_dir if into is None else into.absolute()
    return directory, directory == settings.units_dir


def _found(  # noqa: PLR0913 - what was asked for
    settings: "Settings",
    into: Path | None,
    user: str | None,
    program: str | None,
    only: "Sequence[str] | None",
    *,
    live_paper: bool,
) -> "Installed":
    """Look at the files that were named, or at all of them.

    Raises:
        UsageRefused: there is none of such a name.
    """
    from genesis_ops.host.install import look
    from genesis_ops.host.units import names, place

    values = place(settings, user, program)
    known = names(live_paper=live_paper)
    if unknown := [name for name in only or () if name not in known]:
        some = f"they are {' '.join(known)}"
        raise UsageRefused(f"there is no unit file {visible(unknown[0])}", notes=(some,))
    directory, live = _directory(settings, into)
    return look(directory, [name for name in known if not only or name in only], values, live=live)


def _require_consent(changed: "Sequence[UnitFile]", *, yes: bool) -> None:
    """Refuse to replace what a person made, unless that is what was asked for."""
    for file in changed:
        if file.masked:
            raise Refused(
                f"{file.name} is masked", notes=("nothing was written",),
                next_command=f"sudo systemctl unmask {file.name}",
            )  # fmt: skip
        if file.fault:
            raise Refused(
                f"{visible(str(file.path))} cannot be read: {file.fault}", notes=("nothing was written",),
                next_command=f"ls -ld {typed(file.path)}",
            )  # fmt: skip
    by_hand = [file.name for file in changed if file.by_hand]
    if by_hand and not yes:
        raise Refused(
            f"changed by hand: {', '.join(by_hand)}",
            notes=("nothing was written; what is to stay belongs into a drop-in (systemctl edit)",),
            next_command="the same with --yes",
        )


def _reloaded(found: "Sequence[UnitFile]", *, changed: bool, enable: bool) -> "Iterator[str]":
    """Have systemd read what was written and, if wanted, start it with the machine; say what was done and what is next.

    Raises:
        Unreachable: systemd runs here, and did not.
    """
    from genesis_ops.errors import Unreachable
    from genesis_ops.host.systemctl import require, systemctl
    from genesis_ops.host.units import STARTED

    known = {file.name for file in found}
    started = [name for name in STARTED if name in known]
    if changed or any(file.stale for file in found):
        answer = systemctl("daemon-reload")
        if answer.trouble and not answer.absent:
            raise Unreachable(answer.trouble, next_command="sudo systemctl daemon-reload")
        if answer.absent:
            yield "systemd does not run here: it was not told"
            return
        yield "systemd has read them"
    if started and enable:
        require("enable", "--", *started)
        yield f"enabled: {' '.join(started)}"
    if started:
        yield f"next: sudo systemctl {'start' if enable else 'enable --now'} {' '.join(started)}"


def _missing(settings: "Settings", user: str) -> "Iterator[str]":
    """Name what a unit that has its rights and may write there alone does not start without."""
    from genesis_ops.clients.machine import rights_of

    if rights_of(user) is None:
        yield f"there is no user {user}      next: sudo useradd --system {user}"
    for path in (settings.root / "logs", settings.log_dir):
        if not path.is_dir():
            yield f"not there yet: {path}      next: sudo -u {user} mkdir -p {typed(settings.log_dir)}"
            return
