"""What every judging command shares: its options, how its report reaches stdout, and the exit code after it."""

import sys
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from genesis_ops.cli.options import WIRE
from genesis_ops.report.formats import PLAIN_WIDTH, Format, Wire, render

if TYPE_CHECKING:
    from genesis_ops.checks.model import Report

OutputFormat = Annotated[Format, typer.Option("--format", help="For whom the report is written.")]
Strict = Annotated[bool, typer.Option("--strict", help="Let a warning end with 1 as well.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="Print nothing while the exit code is 0; for cron.")]


def tell(report: "Report", output_format: Format, *, quiet: bool = False) -> NoReturn:
    """Print a report, and end with its exit code or, for nagios, a monitoring plugin's (contract §7).

    Raises:
        OSError: stdout cannot be written; the boundary tells it.
    """
    show(report, output_format, quiet=quiet)
    end(report, output_format)


def show(report: "Report", output_format: Format, *, quiet: bool = False) -> None:
    """Print a report; a quiet one only where the exit code is not 0.

    Raises:
        OSError: stdout cannot be written; the boundary tells it.
    """
    if quiet and not _exit_code(report, output_format):
        return
    if output_format is Format.TEXT and _is_terminal():
        _draw(report)
    else:
        _print(report, output_format)


def write(text: str) -> None:
    """Print a text of whole lines; what stdout's encoding does not have stands there as escapes.

    Raises:
        OSError: stdout cannot be written; the boundary tells it.
    """
    typer.echo(_writable(text), nl=False)


def end(report: "Report", output_format: Format) -> NoReturn:
    """End with a report's exit code or, for nagios, a monitoring plugin's (contract §7)."""
    raise typer.Exit(_exit_code(report, output_format))


def _exit_code(report: "Report", output_format: Format) -> int:
    if output_format is Format.NAGIOS:
        from genesis_ops.report.nagios import status

        return status(report)
    return report.exit_code


def _is_terminal() -> bool:
    return sys.stdout is not None and sys.stdout.isatty()


def _print(report: "Report", output_format: Format) -> None:
    """Write a report without colours; what stdout's encoding does not have stands there as escapes."""
    unicode = output_format is Format.TEXT and _has_signs()  # only text asks, and the others need not load it
    how = Wire.REPORT if output_format is Format.JSON and WIRE.get() else output_format
    typer.echo(_writable(render(report, how, width=PLAIN_WIDTH, unicode=unicode)), nl=False)


def _encoding() -> str:
    return getattr(sys.stdout, "encoding", None) or "ascii"


def _writable(text: str) -> str:
    encoding = _encoding()
    return text.encode(encoding, "backslashreplace").decode(encoding)


def _has_signs() -> bool:
    from genesis_ops.report.text import can_show

    return can_show(_encoding())


def _draw(report: "Report") -> None:
    """Write a report at the terminal's width, as any other page."""
    from genesis_ops.cli.pages import put
    from genesis_ops.report.text import lines

    put(lambda page: lines(report, width=page.width, unicode=page.unicode))
