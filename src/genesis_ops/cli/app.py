"""The command ``genesis-ops``: its sub-commands, the options before them, and the one error boundary."""

import errno
import gc
import os
import shlex
import sys
from collections.abc import Mapping
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup
from typer.main import get_command

from genesis_ops import __version__
from genesis_ops.cli.options import WIRE, Common
from genesis_ops.errors import GenesisError, UsageRefused, WriteFailed
from genesis_ops.words import Exit, visible

_OUTPUT_FAILURES = {errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EFBIG, errno.EPIPE, errno.EBADF}


COMMANDS = {
    "run": "run:run",
    "preflight": "preflight:preflight",
    "acceptance": "acceptance:acceptance",
    "snapshot": "snapshot:app",
    "stop-check": "stop_check:stop_check",
    "daily-summary": "daily_summary:daily_summary",
    "phase-report": "phase_report:phase_report",
    "resume": "resume:resume",
    "status": "status:status",
    "metrics": "metrics:metrics",
    "verify": "verify:app",
    "orders": "orders:app",
    "env": "env:app",
    "rehearse": "rehearse:rehearse",
    "drill": "drill:app",
    "sandbox": "sandbox:app",
    "doctor": "doctor:doctor",
    "units": "units:app",
    "host": "host:app",
    "remote": "remote:app",
    "config": "config:app",
}
"""Every command and where it is: its module is loaded when it is asked for, so that none pays for the others."""


class Boundary(TyperGroup):
    """The one place where an error becomes words on stderr and an exit code (contract §7)."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        not_loaded: dict[str, Any] = dict.fromkeys(COMMANDS)
        self.commands = {**not_loaded, **self.commands}

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Load one command; None if there is none of that name."""
        return super().get_command(ctx, cmd_name) or (_loaded(cmd_name) if cmd_name in COMMANDS else None)

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run all of it, help and version too; an output that cannot be written is told and ends with 70."""
        kwargs["standalone_mode"] = False
        try:
            sys.exit(super().main(*args, **kwargs) or Exit.PASS)
        except Exception as error:
            if hasattr(error, "format_message"):
                sys.exit(_tell_usage(error))
            if not isinstance(error, OSError) or not _is_output_failure(error):
                raise
            with suppress(OSError):
                _tell(WriteFailed(f"the output could not be written: {error.strerror}", next_command="df -h ."))
            for stream in (sys.stdout, sys.stderr):  # what is buffered must not fail once more at the end
                with suppress(OSError, ValueError):
                    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
            sys.exit(Exit.BUG_OR_WRITE_FAILED)

    def invoke(self, ctx: Any) -> Any:
        """Run the command; what goes wrong is told in the order what, what else, what to type next."""
        asked = tuple(ctx.args)  # what stands behind the sub-command's name
        try:
            return super().invoke(ctx)
        except GenesisError as error:
            _tell(error, ctx.params, asked)
            raise typer.Exit(error.exit_code) from error
        except Exception as error:
            own = type(error).__module__.startswith("typer")  # usage errors and exits, which end as they say
            if own or _is_output_failure(error):
                raise
            _tell_bug(error)
            raise typer.Exit(Exit.BUG_OR_WRITE_FAILED) from error


def _loaded(name: str) -> Any:
    """Make a command out of a function, or of a group's own Typer."""
    module, _, attribute = COMMANDS[name].partition(":")
    found = getattr(import_module(f"genesis_ops.cli.{module}"), attribute)
    if isinstance(found, typer.Typer):
        command: Any = get_command(found)
    else:
        alone = typer.Typer(rich_markup_mode=None, add_completion=False)
        alone.command(name)(found)
        command = get_command(alone)
    command.name = name
    return command


def _tell_usage(error: Any) -> int:
    """Say in one line what is wrong with the command line; the help page where a command alone was typed."""
    message = error.format_message()
    if "\n" in message:
        error.show()
    else:
        path = error.ctx.command_path if error.ctx else "genesis-ops"
        _tell(UsageRefused(message.removesuffix("."), next_command=f"{path} --help"))
    return int(error.exit_code)


def _is_output_failure(error: BaseException) -> bool:
    """Tell whether what failed was writing to stdout or stderr: such an error names no file."""
    return isinstance(error, OSError) and error.filename is None and error.errno in _OUTPUT_FAILURES


def _tell(error: GenesisError, common: Mapping[str, Any] | None = None, asked: tuple[str, ...] = ()) -> None:
    lines = [f"genesis-ops: {error.message}", *(f"  {note}" for note in error.notes)]
    if error.next_command:
        lines.append(f"  next: {_same_place(error.next_command, common or {}, asked)}")
    typer.echo("\n".join(visible(line) for line in lines), err=True)


def _same_place(command: str, common: Mapping[str, Any], asked: tuple[str, ...]) -> str:
    """Let the next command act on the root and the configuration, and a rebuild on the state, that were named."""
    if "run --rebuild-state" in command and asked:
        command = command.replace("run --rebuild-state", f"run {shlex.join(asked)} --rebuild-state", 1)
    given = [(flag, common.get(name)) for flag, name in (("--root", "root"), ("--config", "config_file"))]
    flags = "".join(f" {flag} {shlex.quote(str(value))}" for flag, value in given if value is not None)
    if not flags:
        return command
    command = command.replace("genesis-ops ", f"genesis-ops{flags} ", 1)
    return command.replace("or: genesis-ops ", f"or: genesis-ops{flags} ")


def _tell_bug(error: Exception) -> None:
    import traceback

    typer.echo("".join(traceback.format_exception(error)), err=True, nl=False)
    told = GenesisError(
        f"this is a bug in genesis-ops {__version__}: {type(error).__name__}: {error}",
        next_command="keep the lines above and report them",
    )
    _tell(told)


app = typer.Typer(
    name="genesis-ops",
    cls=Boundary,
    help="Run, judge and document a paper-trading phase.",
    rich_markup_mode=None,  # help is text, so that it is there at once
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"genesis-ops {__version__}")
        raise typer.Exit


@app.callback()
def common(
    ctx: typer.Context,
    root: Annotated[
        Path | None, typer.Option(help="The Genesis-Core checkout; default: the current directory.")
    ] = None,
    config_file: Annotated[
        Path | None, typer.Option("--config", help="The settings file; default: config/genesis-ops.toml in the root.")
    ] = None,
    wire: Annotated[bool, typer.Option("--wire", hidden=True, help="Write JSON as another host wants it.")] = False,
    _: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Run, judge and document a paper-trading phase."""
    gc.enable()  # the start is over
    ctx.obj = Common(root=root, config=config_file)
    WIRE.set(wire)


def main() -> None:
    """Start from the command line."""
    app(prog_name="genesis-ops")
