"""``genesis-ops sandbox``: a Genesis API and an exchange on this machine, to rehearse against."""

from pathlib import Path
from typing import Annotated

import typer

_FASTEST = 86_400.0  # a day in a second

app = typer.Typer(
    help="A simulated Genesis API and exchange on this machine, with faults to switch on.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.command()
def serve(  # noqa: PLR0913 - the options of the command
    *,
    host: Annotated[str, typer.Option(help="Loopback address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 takes a free one.")] = 8000,
    seed: Annotated[int, typer.Option(help="The same seed gives the same market.")] = 7,
    speed: Annotated[float, typer.Option(help="Sandbox seconds per second.")] = 1.0,
    start: Annotated[str, typer.Option(help="Sandbox time to start at (ISO 8601, UTC); default: now.")] = "",
    into: Annotated[
        Path | None, typer.Option(help="Make this new directory a root to run in: champion, settings, logs.")
    ] = None,
    fault: Annotated[
        list[str] | None, typer.Option(help="NAME, NAME@2h or NAME@2h+30m after the start; repeatable.")
    ] = None,
) -> None:
    """Serve both APIs on one port until Ctrl-C."""
    import time

    from genesis_ops.errors import UsageRefused
    from genesis_ops.sandbox.app import Sandbox
    from genesis_ops.sandbox.clock import SandboxClock
    from genesis_ops.sandbox.faults import FaultSwitch, parse_fault
    from genesis_ops.sandbox.server import serve as serve_sandbox

    if not 0 < speed <= _FASTEST:
        raise UsageRefused(f"--speed {speed} is not above 0 and up to {_FASTEST}")
    clock = SandboxClock(_start_ms(start), speed, time.monotonic)
    faults = FaultSwitch(parse_fault(text, clock.start_ms) for text in fault or ())
    sandbox = Sandbox(seed, clock.now_ms, time.sleep, faults, speed=speed)
    serve_sandbox(sandbox, host, port, lambda bound: _announce(host, bound, into))


@app.command()
def faults() -> None:
    """List the faults that the sandbox knows."""
    from itertools import groupby

    from genesis_ops.sandbox.faults import TABLE

    for endpoint, entries in groupby(TABLE, key=lambda entry: entry.endpoint):
        typer.echo(endpoint)
        for entry in entries:
            typer.echo(f"  {entry.name:<21}  {entry.effect}")
    typer.echo("on: --fault NAME@2h+30m, or curl -X PUT 'URL/sandbox/faults/NAME?for=30m'")


def _start_ms(text: str) -> int:
    """Read ``--start`` as ms; no text is now."""
    import time
    from datetime import UTC, datetime

    from genesis_ops.errors import UsageRefused
    from genesis_ops.words import visible

    if not text:
        return time.time_ns() // 1_000_000
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageRefused(f"--start {visible(text)} is not a time", notes=("like 2026-02-04T13:00:00Z",)) from None
    if not 2014 <= moment.year < 2100:  # noqa: PLR2004 - the market began in 2013, and it has to end somewhere
        raise UsageRefused(f"--start {visible(text)} is not between 2014 and 2099")
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)


def _announce(host: str, port: int, into: Path | None) -> None:
    """Say on stderr where the sandbox listens, and what to type next."""
    url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    command = f"genesis-ops run --dry-run --api-url {url} --exchange-url {url}"
    if into is not None:
        from genesis_ops.rehearsal.world import build

        build(into, url)
        command = f"genesis-ops --root {into} run"
    typer.echo(f"sandbox: Genesis API and exchange on {url}, Ctrl-C ends it", err=True)
    typer.echo(f"  next: {command}", err=True)
    typer.echo(f"  a fault for 5 minutes: curl -X PUT '{url}/sandbox/faults/feed-down?for=5m'", err=True)
