"""genesis-ops host papers and host logs: what another machine fetches from this one, and reads of its journal."""

import os
import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from genesis_ops.cli.options import load_settings
from genesis_ops.errors import Unreachable, UsageRefused

if TYPE_CHECKING:
    from collections.abc import Mapping

_MOST_BYTES = 1 << 24


class Service(StrEnum):
    """Whose journal is meant."""

    API = "api"
    RUNNER = "runner"


_UNITS = {Service.API: "genesis-paper.service", Service.RUNNER: "genesis-runner.service"}


def papers(ctx: typer.Context) -> None:
    """Read names and SHA-256 as JSON from stdin, and write what differs as a tar archive to stdout."""
    import io
    import tarfile

    from genesis_ops.host.papers import wanted

    known, settings = _known(sys.stdin.buffer.read(_MOST_BYTES)), load_settings(ctx).settings
    with tarfile.open(fileobj=sys.stdout.buffer, mode="w|", format=tarfile.USTAR_FORMAT) as archive:
        for paper in wanted(settings, known):
            member = tarfile.TarInfo(paper.name)
            member.size = len(paper.raw)
            archive.addfile(member, io.BytesIO(paper.raw))


def logs(
    service: Annotated[Service, typer.Argument(help="Whose journal.")],
    *,
    number: Annotated[int, typer.Option("-n", "--lines", min=1, max=100_000, help="How many lines.")] = 50,
    follow: Annotated[bool, typer.Option("-f", "--follow", help="Go on until Ctrl-C.")] = False,
) -> NoReturn:
    """Show what a service wrote into the journal, times in UTC."""
    shown = ("--no-pager", "--quiet", "--utc", "-o", "short-iso", "-n", str(number), *(("-f",) if follow else ()))
    words = ("journalctl", "-u", _UNITS[service], *shown)
    sys.stdout.flush()
    try:
        os.execvp(words[0], words)  # noqa: S606 - no shell is wanted; journalctl takes over, so that its end is ours
    except OSError as error:
        raise Unreachable(f"journalctl cannot be run ({error.strerror})", next_command="genesis-ops doctor") from None


def _known(raw: bytes) -> "Mapping[str, str]":
    """Read what the other side has.

    Raises:
        UsageRefused: it is no JSON object.
    """
    import json

    try:
        found = json.loads(raw or b"{}")
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise UsageRefused("stdin is no JSON object of names and SHA-256", next_command="genesis-ops remote fetch")
    return found
