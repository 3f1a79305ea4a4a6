"""genesis-ops snapshot: the runtime state as proof, in one file; verify and diff look at such files."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from genesis_ops.cli.judging import OutputFormat, Quiet, Strict, tell
from genesis_ops.cli.options import load_settings
from genesis_ops.cli.patience import patience
from genesis_ops.report.formats import Format
from genesis_ops.words import stamp, visible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from genesis_ops.settings import Settings

app = typer.Typer(
    help="Keep the runtime state as proof: servers, runner, state, preflight, units, the end of the log.",
    rich_markup_mode=None,
    invoke_without_command=True,
    add_completion=False,
)

File = Annotated[Path, typer.Argument(metavar="FILE", help="A snapshot (.txt) or a bundle (.tar.gz).")]
_KIB = 1024


class Rendering(StrEnum):
    """For whom differences are written."""

    TEXT = "text"
    JSON = "json"


@app.callback()
def snapshot(  # noqa: PLR0913 - one parameter an option (contract §6)
    ctx: typer.Context,
    *,
    bundle: Annotated[
        bool, typer.Option("--bundle", help="Make the escalation package: an archive with logs, state and findings.")
    ] = False,
    quiet: Quiet = False,
    log_dir: Annotated[str | None, typer.Option(help="Where the logs are.")] = None,
    state_file: Annotated[str | None, typer.Option(help="Where the state is.")] = None,
    api_url: Annotated[str | None, typer.Option(help="The Genesis API.")] = None,
    exchange_url: Annotated[str | None, typer.Option(help="The exchange's public API.")] = None,
) -> None:
    """Capture the runtime state (runbook Day 0, step 3; daily; Day 1, step 2); nothing is changed or stopped."""
    if ctx.invoked_subcommand is not None:
        return
    settings = load_settings(
        ctx, log_dir=log_dir, state_file=state_file, api_url=api_url, exchange_url=exchange_url
    ).settings
    lines, troubles = _bundle(settings) if bundle else _snapshot(settings)
    if quiet:
        return  # what could not be seen stands in the file
    for trouble in troubles:
        typer.echo(visible(f"genesis-ops: {trouble}"), file=sys.stderr)
    typer.echo("\n".join(visible(line) for line in lines))


def _snapshot(settings: "Settings") -> "tuple[Sequence[str], Sequence[str]]":
    from genesis_ops.clients.host_clock import HostClock
    from genesis_ops.collect.known_secrets import known_secrets
    from genesis_ops.collect.snapshot import see
    from genesis_ops.keep.snapshot import keep, snapshot_of

    with patience("looking at servers, runner and log"):
        seen = see(settings, HostClock())
        known = known_secrets(settings, seen.pids)
        path = keep(snapshot_of(seen, known), known, settings.log_dir)
    told = ("Phase 3 snapshot captured successfully.", "", *_where(settings, path, seen.host.now_ms))
    return told, known.troubles


def _bundle(settings: "Settings") -> "tuple[Sequence[str], Sequence[str]]":
    from genesis_ops.clients.host_clock import HostClock
    from genesis_ops.collect.known_secrets import known_secrets
    from genesis_ops.collect.snapshot import see
    from genesis_ops.keep.bundle import make_bundle

    clock = HostClock()
    with patience("collecting logs, state and findings"):
        seen = see(settings, clock)
        known = known_secrets(settings, seen.pids)
        made = make_bundle(seen, known, clock)
    told = (
        "Phase 3 bundle captured successfully.",
        "",
        *_where(settings, made.path, made.taken_ms),
        f"Holds: {made.files} files; {made.redacted} places with secrets redacted",
        f"Manifest: SHA-256 {made.sha256}",
        "",
        f"Check it: genesis-ops snapshot verify {settings.shown(made.path)}",
    )
    return told, (*known.troubles, *(f"left out: {left.path}: {left.why}" for left in made.left_out))


def _where(settings: "Settings", path: Path, at_ms: int) -> "Sequence[str]":
    """Say file, size and time as the runbook shows them."""
    return (
        f"File: {settings.shown(path)}",
        f"Size: {_size(path.stat().st_size)}",
        f"Time: {stamp(at_ms)} UTC",
    )


def _size(count: int) -> str:
    kib = count / _KIB
    return f"{kib:.1f}K" if kib < _KIB else f"{kib / _KIB:.1f}M"


@app.command()
def verify(
    file: File,
    *,
    output: OutputFormat = Format.TEXT,
    strict: Strict = False,
) -> None:
    """Check that a snapshot or a bundle is as it was written."""
    from genesis_ops.clients.host_clock import HostClock
    from genesis_ops.keep.verify import verify as judged

    with patience("reading the archive"):
        report = judged(file, file.name, HostClock().now_ms(), strict=strict)
    tell(report, output)


@app.command()
def diff(
    before: Annotated[Path, typer.Argument(metavar="A", help="The earlier snapshot or bundle.")],
    after: Annotated[Path, typer.Argument(metavar="B", help="The later one.")],
    *,
    output: Annotated[Rendering, typer.Option("--format", help="text, or json for scripts")] = Rendering.TEXT,
) -> None:
    """Say what changed between two snapshots."""
    from genesis_ops.cli.pages import put
    from genesis_ops.keep.verify import snapshot_in
    from genesis_ops.report import differences as report
    from genesis_ops.state.differences import differences

    earlier, later = snapshot_in(before, str(before)), snapshot_in(after, str(after))
    found = differences(earlier, later)
    if output is Rendering.JSON:
        typer.echo(report.as_json(found, earlier.at_ms, later.at_ms), nl=False)
    else:
        put(lambda page: report.lines(found, page, earlier.at_ms, later.at_ms))
