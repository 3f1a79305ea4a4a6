"""genesis-ops remote preflight and its like: the host's own commands run there, their reports shown as if made here."""

from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from genesis_ops.cli.judging import OutputFormat, Quiet, tell
from genesis_ops.cli.remote_options import NoSudo, Place, Target, ended, leaving, patient, place, shown
from genesis_ops.errors import Unreachable
from genesis_ops.report.formats import Format
from genesis_ops.words import visible

if TYPE_CHECKING:
    from genesis_ops.checks.model import Report

OPEN: dict[str, Any] = {"ignore_unknown_options": True, "allow_extra_args": True}
"""Lets every option that is not ours go to the host."""

_VERIFICATIONS = ("health", "delta", "services", "logs", "all")
"""The parts of ``verify`` that end with a report."""
_OTHER_STEPS = ("wallets", "order")
_JSON = ("--format", "json")
_MOST_BYTES = 1 << 25
"""How large a report can be; so can one line of it."""


def preflight(
    ctx: typer.Context,
    *,
    output: OutputFormat = Format.TEXT,
    quiet: Quiet = False,
    target: Target = None,
    no_sudo: NoSudo = False,
) -> None:
    """Run preflight there; all other options are its own, such as --wait 3m."""
    _report(place(ctx, target, no_sudo), ("preflight", *_JSON, *ctx.args), output, quiet=quiet)


def acceptance(
    ctx: typer.Context,
    *,
    output: OutputFormat = Format.TEXT,
    quiet: Quiet = False,
    target: Target = None,
    no_sudo: NoSudo = False,
) -> None:
    """Judge a window there; all other options are those of acceptance, such as --window 24h."""
    _report(place(ctx, target, no_sudo), ("acceptance", *_JSON, *ctx.args), output, quiet=quiet)


def stop_check(
    ctx: typer.Context,
    *,
    output: OutputFormat = Format.TEXT,
    quiet: Quiet = False,
    target: Target = None,
    no_sudo: NoSudo = False,
) -> None:
    """Look there for a reason to stop; all other options are those of stop-check, such as --enforce."""
    _report(place(ctx, target, no_sudo), ("stop-check", *_JSON, *ctx.args), output, quiet=quiet)


def doctor(
    ctx: typer.Context,
    *,
    output: OutputFormat = Format.TEXT,
    quiet: Quiet = False,
    target: Target = None,
    no_sudo: NoSudo = False,
) -> None:
    """See whether the host is as the quick-start wants it; all other options are those of doctor."""
    _report(place(ctx, target, no_sudo), ("doctor", *_JSON, *ctx.args), output, quiet=quiet)


def verify(  # noqa: PLR0913 - as above
    ctx: typer.Context,
    step: Annotated[str, typer.Argument(metavar="STEP", help="A step of verify, such as all.")],
    *,
    output: OutputFormat = Format.TEXT,
    quiet: Quiet = False,
    target: Target = None,
    no_sudo: NoSudo = False,
) -> None:
    """Verify there after a change; all other options are those of verify STEP."""
    where = place(ctx, target, no_sudo)
    words = (step, *ctx.args)  # an option of its own may stand before the step
    meant = next((word for word in words if word in {*_VERIFICATIONS, *_OTHER_STEPS}), step)
    rest = list(words)
    rest.remove(meant)
    if meant in _VERIFICATIONS:
        _report(where, ("verify", meant, *_JSON, *rest), output, quiet=quiet)
    _text(where, ("verify", meant, "--format", output.value, *rest))


def snapshot(ctx: typer.Context, *, target: Target = None, no_sudo: NoSudo = False) -> None:
    """Keep the host's runtime state as proof there; all other words are those of snapshot. See also fetch."""
    _text(place(ctx, target, no_sudo), ("snapshot", *ctx.args))


def daily_summary(ctx: typer.Context, *, target: Target = None, no_sudo: NoSudo = False) -> None:
    """Write the day's summary there; all other options are those of daily-summary. See also fetch."""
    _text(place(ctx, target, no_sudo), ("daily-summary", *ctx.args))


def env(ctx: typer.Context, *, target: Target = None, no_sudo: NoSudo = False) -> None:
    """See what the host's units really get; the words are those of env, such as check; no value is shown."""
    _text(place(ctx, target, no_sudo), ("env", *(ctx.args or ["check"])))


def _report(where: Place, words: tuple[str, ...], output: Format, *, quiet: bool) -> NoReturn:
    """Have a report made there, and show it here: same checks, same renderers, same exit code.

    Raises:
        Unreachable: what came is no report.
        Exit: with the report's code, or as the command there ended without one.
    """
    with leaving():
        report = _heard(where, words)
    if report.exit_code and not quiet and output is Format.TEXT:
        told = f"what it says to type is meant for {where.settings.ssh_target}"
        typer.echo(f"genesis-ops: {told}", err=True)
    tell(report, output, quiet=quiet)


def _heard(where: Place, words: tuple[str, ...]) -> "Report":
    """Hear a report; what the command says beside it is shown as it comes."""
    from genesis_ops.remote.server import hear, server
    from genesis_ops.report.from_json import read_report

    there = server(where.settings, sudo=where.sudo)
    out, total = list[str](), 0

    def keep(line: str) -> None:
        nonlocal total
        total += len(line) + 1
        if total > _MOST_BYTES:
            raise Unreachable(f"{there.target} says more than a report can be")
        out.append(line)

    conversation = patient(hear(there, "--wire", *words, most=_MOST_BYTES), f"asking {there.target}")
    code = shown(conversation, there.target, say=keep)
    if code and not out:
        raise typer.Exit(ended(code))
    try:
        report = read_report("\n".join(out).encode("utf-8", "replace"))
    except ValueError as error:
        raise Unreachable(visible(f"{there.target} gave no report: {error}")) from None
    if code != report.exit_code:
        raise Unreachable(f"{there.target} ended with {code}, and its report with {report.exit_code.value}")
    return report


def _text(where: Place, words: tuple[str, ...]) -> NoReturn:
    """Run a command there and show its lines as they come; end as it ended."""
    from genesis_ops.remote.server import hear, server

    there = server(where.settings, sudo=where.sudo)
    with leaving():
        code = shown(patient(hear(there, *words), f"asking {there.target}"), there.target)
    raise typer.Exit(ended(code))
