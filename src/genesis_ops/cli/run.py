"""genesis-ops run: the process that trades the phase."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Annotated

import typer

from genesis_ops.cli.options import load_settings
from genesis_ops.errors import AbortCondition, Unreachable, UsageRefused
from genesis_ops.settings import Settings
from genesis_ops.words import Mode, visible

_LONGEST_REASON = 500


def run(  # noqa: PLR0913 - one parameter an option (contract §6)
    ctx: typer.Context,
    *,
    live_paper: Annotated[
        bool | None,
        typer.Option("--live-paper/--dry-run", help="Submit paper orders, or (default) only say what would be."),
    ] = None,
    override_gate: Annotated[
        str | None, typer.Option(help="Order without a fresh acceptance, for this reason; it is recorded.")
    ] = None,
    symbol: Annotated[str | None, typer.Option(help="What is traded, such as tBTCUSD.")] = None,
    timeframe: Annotated[str | None, typer.Option(help="The candles' length, such as 1h.")] = None,
    poll_interval: Annotated[str | None, typer.Option(help="Seconds between two polls of the exchange.")] = None,
    host: Annotated[str | None, typer.Option(help="The API's host, instead of --api-url.")] = None,
    port: Annotated[int | None, typer.Option(help="The API's port, instead of --api-url.", min=1, max=65535)] = None,
    api_url: Annotated[str | None, typer.Option(help="The Genesis API.")] = None,
    exchange_url: Annotated[str | None, typer.Option(help="The exchange's public API.")] = None,
    log_dir: Annotated[str | None, typer.Option(help="Where the logs are written.")] = None,
    state_file: Annotated[str | None, typer.Option(help="Where the state is kept.")] = None,
    candles: Annotated[
        int | None, typer.Option(help="Stop after so many processed candles; live, show what they ordered.", min=1)
    ] = None,
    rebuild_state: Annotated[
        bool, typer.Option("--rebuild-state", help="Make the state anew from the log; the old file is kept aside.")
    ] = False,
) -> None:
    """Poll candles, have each close evaluated once, and log it: the runner of the phase."""
    if override_gate is not None and (not live_paper or not 0 < len(override_gate.strip()) <= _LONGEST_REASON):
        raise UsageRefused(
            f"--override-gate takes a reason of at most {_LONGEST_REASON} characters, and goes with --live-paper"
        )
    settings = load_settings(
        ctx, symbol=symbol, timeframe=timeframe, poll_interval=poll_interval,
        api_url=_api_address(api_url, host, port),
        exchange_url=exchange_url, log_dir=log_dir, state_file=state_file,
    ).settings  # fmt: skip

    from genesis_ops.cli.screen import watching
    from genesis_ops.clients.clock import StopRequest, SystemClock
    from genesis_ops.clients.systemd import Notifier
    from genesis_ops.runner.start import Surroundings, start

    stop = StopRequest()
    with stop.listening(), watching(sys.stderr, settings) as screen:
        around = Surroundings(
            clock=SystemClock(stop),
            transport=None,
            notifier=Notifier(os.environ),
            stop_signal=lambda: stop.signal_number,
            line=screen.line,
            watch=screen.glance,
            command=" ".join(sys.argv),
        )
        mode = None if live_paper is None else Mode.LIVE_PAPER if live_paper else Mode.DRY_RUN
        override = (override_gate or "").strip()
        with _told_at_the_end(settings, wanted=bool(live_paper) and candles is not None):
            start(settings, around, candles=candles, rebuild=rebuild_state, mode=mode, override=override)


@contextmanager
def _told_at_the_end(settings: Settings, *, wanted: bool) -> Iterator[None]:
    """Report what was ordered, after a clean end and after one that the orders themselves brought about."""
    try:
        yield
    except AbortCondition:
        if wanted:
            with suppress(Unreachable):
                _tell(settings)
        raise
    if wanted:
        _tell(settings)


def _tell(settings: Settings) -> None:
    from genesis_ops.cli.orders import tell_run

    tell_run(settings)


def _api_address(api_url: str | None, host: str | None, port: int | None) -> str | None:
    """Give the API's address however it was named, or None if it was not (contract §6)."""
    if host is None and port is None:
        return api_url
    if api_url is not None:
        raise UsageRefused("--api-url already names a host and a port: give it, or --host and --port")
    name = "127.0.0.1" if host is None else host
    if not name.strip() or set(name) & set("/@?#[] "):
        raise UsageRefused(f"flag --host: '{visible(name)}' is not a host")
    return f"http://[{name}]:{port or 8000}" if ":" in name else f"http://{name}:{port or 8000}"
