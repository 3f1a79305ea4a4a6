"""genesis-ops verify: is the system working end to end, after each larger change (Execution Verification Checklist)."""

import math
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from genesis_ops.checks.verify_delta import Expect
from genesis_ops.cli.judging import OutputFormat, Quiet, Strict, end, show, tell
from genesis_ops.cli.options import load_settings
from genesis_ops.cli.window import length_ms
from genesis_ops.errors import UsageRefused
from genesis_ops.report.formats import Format

if TYPE_CHECKING:
    from genesis_ops.checks.model import Report
    from genesis_ops.errors import GenesisError
    from genesis_ops.keep.verification import Plan
    from genesis_ops.settings import Settings

app = typer.Typer(
    help="Verify after each larger change that everything works end to end (runbook, Execution Verification).",
    rich_markup_mode=None,
    no_args_is_help=True,
    add_completion=False,
)

_WINDOW = "30s"
_SIZE = 0.001
_LINES = 200


class Side(StrEnum):
    """Which way an order goes: LONG buys, SHORT sells."""

    LONG = "LONG"
    SHORT = "SHORT"


class Level(StrEnum):
    """From which level on lines are shown."""

    DEBUG = "DEBUG"
    INFO = "INFO"
    WARNING = "WARNING"
    ERROR = "ERROR"
    CRITICAL = "CRITICAL"


class Rendering(StrEnum):
    """For whom wallets and orders are written."""

    TEXT = "text"
    JSON = "json"


LogDir = Annotated[str | None, typer.Option(help="Where the logs are.")]
ApiUrl = Annotated[str | None, typer.Option(help="The Genesis API.")]
ExchangeUrl = Annotated[str | None, typer.Option(help="The exchange's public API.")]
Rendered = Annotated[Rendering, typer.Option("--format", help="text, or json for scripts")]
WhichSide = Annotated[Side, typer.Option(help="LONG buys, SHORT sells.")]
HowMuch = Annotated[float, typer.Option(help="How much of the base currency.")]
HowLong = Annotated[str, typer.Option(help="How long they are watched, such as 30s or 2m.")]


@app.command()
def health(
    ctx: typer.Context,
    *,
    log_dir: LogDir = None,
    api_url: ApiUrl = None,
    output: OutputFormat = Format.TEXT,
    strict: Strict = False,
) -> None:
    """Ask the API how it is and with which configuration it runs (step 1)."""
    settings = load_settings(ctx, log_dir=log_dir, api_url=api_url).settings

    from genesis_ops.checks.verify import judged_health, report
    from genesis_ops.cli.verify_screen import doing, interruptible
    from genesis_ops.clients.host_clock import HostClock
    from genesis_ops.collect.verify_services import api

    clock = HostClock()
    with interruptible(), doing("asking the API"):
        seen = api(settings, clock)
    tell(report(settings, clock.now_ms(), judged_health(seen), step="health", strict=strict), output)


@app.command()
def wallets(
    ctx: typer.Context,
    *,
    show_only: Annotated[
        bool, typer.Option("--show", help="Show the baseline in force; read no wallet, write nothing.")
    ] = False,
    log_dir: LogDir = None,
    api_url: ApiUrl = None,
    output: Rendered = Rendering.TEXT,
) -> None:
    """Read the wallets past the API's cache and record them as the baseline (step 2)."""
    settings = load_settings(ctx, log_dir=log_dir, api_url=api_url).settings
    if show_only:
        _show_baseline(settings, output)
        return

    from genesis_ops.cli.verify_screen import doing, interruptible
    from genesis_ops.clients.host_clock import HostClock
    from genesis_ops.collect.verify_wallets import recorded

    with interruptible(), doing("reading the wallets twice, past the API's cache"):
        _, kept = recorded(settings, HostClock())
    _show_baseline(settings, output)
    if kept is not None and output is Rendering.TEXT:
        typer.echo(f"  the former one is kept in {settings.shown(kept)}")


@app.command()
def order(  # noqa: PLR0913 - one parameter an option
    ctx: typer.Context,
    *,
    side: WhichSide = Side.LONG,
    size: HowMuch = _SIZE,
    yes: Annotated[bool, typer.Option("--yes", help="Send it without asking; for scripts.")] = False,
    log_dir: LogDir = None,
    api_url: ApiUrl = None,
    exchange_url: ExchangeUrl = None,
    output: Rendered = Rendering.TEXT,
) -> None:
    """Send one small order on the TEST pair, and look for it in the wallets (step 3)."""
    from genesis_ops.cli.verify_order import Wanted, send_and_tell
    from genesis_ops.cli.verify_screen import interruptible, require_answer

    _require_size(size, "genesis-ops verify order --size 0.001")
    if not yes:
        require_answer(f"genesis-ops verify order --side {side} --size {size:g} --yes")
    settings = load_settings(ctx, log_dir=log_dir, api_url=api_url, exchange_url=exchange_url).settings
    with interruptible():
        send_and_tell(settings, Wanted(side, size, asks=not yes, as_json=output is Rendering.JSON))


@app.command()
def delta(  # noqa: PLR0913 - one parameter an option
    ctx: typer.Context,
    *,
    expect: Annotated[
        Expect | None, typer.Option(help="none: no order may have left; order: one must have. Else: by the journal.")
    ] = None,
    log_dir: LogDir = None,
    api_url: ApiUrl = None,
    output: OutputFormat = Format.TEXT,
    strict: Strict = False,
) -> None:
    """Hold the wallets against the baseline: did they move as the orders say (step 4)."""
    settings = load_settings(ctx, log_dir=log_dir, api_url=api_url).settings

    from genesis_ops.checks.model import judge
    from genesis_ops.checks.verify import report
    from genesis_ops.checks.verify_delta import DELTA, movements
    from genesis_ops.cli.verify_screen import doing, interruptible
    from genesis_ops.clients.host_clock import HostClock
    from genesis_ops.collect import verify_wallets

    clock = HostClock()
    with interruptible(), doing("reading the wallets twice, past the API's cache"):
        seen = verify_wallets.delta(settings, clock, expect)
    checks = judge(DELTA, seen, str)
    tell(report(settings, clock.now_ms(), checks, step="delta", strict=strict, wallets=movements(seen)), output)


@app.command()
def services(  # noqa: PLR0913 - one parameter an option
    ctx: typer.Context,
    *,
    window: HowLong = _WINDOW,
    log_dir: LogDir = None,
    api_url: ApiUrl = None,
    output: OutputFormat = Format.TEXT,
    strict: Strict = False,
) -> None:
    """Watch units and processes for a while: no restart, one uvicorn, the port on loopback only (step 5)."""
    seconds = length_ms("--window", window, f"genesis-ops verify services --window {_WINDOW}") / 1000
    settings = load_settings(ctx, log_dir=log_dir, api_url=api_url).settings

    from genesis_ops.checks.model import judge
    from genesis_ops.checks.verify import report
    from genesis_ops.checks.verify_services import SERVICES
    from genesis_ops.cli.verify_screen import doing, interruptible
    from genesis_ops.clients.host_clock import HostClock
    from genesis_ops.collect import verify_services

    clock = HostClock()
    with interruptible(), doing(f"watching the services for {seconds:.0f}s"):
        seen = verify_services.services(settings, clock, seconds)
    tell(report(settings, clock.now_ms(), judge(SERVICES, seen, str), step="services", strict=strict), output)


@app.command()
def logs(
    ctx: typer.Context,
    *,
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, help="How many of the last lines.")] = _LINES,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what is written, until Ctrl-C.")] = False,
    level: Annotated[Level, typer.Option(help="Show no line that is less serious.")] = Level.DEBUG,
    log_dir: LogDir = None,
) -> None:
    """Show the end of the runner log that is being written, with what is about orders standing out (step 6)."""
    settings = load_settings(ctx, log_dir=log_dir).settings

    from genesis_ops.cli.verify_screen import interruptible
    from genesis_ops.cli.verify_tail import Display
    from genesis_ops.clients.host_clock import HostClock
    from genesis_ops.collect import verify_logs

    display = Display(settings, level)
    with interruptible():
        follower = verify_logs.Follower(settings.log_dir) if follow else None
        display.put(verify_logs.last_lines(settings.log_dir, lines))
        if follower is not None:
            for news in verify_logs.follow(follower, HostClock()):
                display.put(news)


@app.command("all")
def everything(  # noqa: PLR0913 - one parameter an option
    ctx: typer.Context,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Send the order without asking; for scripts.")] = False,
    no_order: Annotated[bool, typer.Option("--no-order", help="Send none; everything else is verified.")] = False,
    side: WhichSide = Side.LONG,
    size: HowMuch = _SIZE,
    window: HowLong = _WINDOW,
    log_dir: LogDir = None,
    api_url: ApiUrl = None,
    exchange_url: ExchangeUrl = None,
    output: OutputFormat = Format.TEXT,
    strict: Strict = False,
    quiet: Quiet = False,
) -> None:
    """Do the six steps in order; the report is kept beside the logs, and status shows what came of it."""
    from genesis_ops.cli.verify_screen import interruptible, require_answer

    _require_size(size, "genesis-ops verify all --size 0.001")
    if yes and no_order:
        raise UsageRefused("--yes sends an order and --no-order sends none: say one of both", next_command=_ALL_HELP)
    if not yes and not no_order:
        require_answer("genesis-ops verify all --yes      or, without an order: genesis-ops verify all --no-order")
    seconds = length_ms("--window", window, f"genesis-ops verify all --window {_WINDOW}") / 1000
    settings = load_settings(ctx, log_dir=log_dir, api_url=api_url, exchange_url=exchange_url).settings

    from genesis_ops.keep.verification import Plan
    from genesis_ops.runner.manual import Wish

    wish = None if no_order else Wish(side, size)
    plan = Plan(wish, "none was asked for (--no-order)", seconds, "genesis-ops verify all", strict)
    with interruptible():
        made, failure = _verified(settings, plan, asks=not yes and not no_order, quiet=quiet)
    show(made, output, quiet=quiet)
    if failure is not None and output is not Format.NAGIOS:
        raise failure
    end(made, output)


_ALL_HELP = "genesis-ops verify all --help"


def _require_size(size: float, example: str) -> None:
    from genesis_ops.runner.manual import LARGEST

    if not math.isfinite(size) or not 0 < size <= LARGEST:
        message = f"flag --size: {size:g} is no size of a small order; it is above 0 and at most {LARGEST:g}"
        raise UsageRefused(message, next_command=example)


def _show_baseline(settings: "Settings", output: Rendering) -> None:
    """Show the baseline in force.

    Raises:
        Refused: it cannot be read or understood.
        Unreachable: none was ever recorded.
    """
    from genesis_ops.cli.pages import put
    from genesis_ops.clients.paper import paper_pair
    from genesis_ops.errors import Unreachable
    from genesis_ops.report.verify import baseline, baseline_as_json
    from genesis_ops.state.baseline import baseline_file, read_baseline

    found, place = read_baseline(settings.log_dir), settings.shown(baseline_file(settings.log_dir))
    if output is Rendering.JSON:
        typer.echo(baseline_as_json(found, place), nl=False)
        return
    if found is None:
        raise Unreachable("no baseline was ever recorded here", next_command="genesis-ops verify wallets")
    put(lambda page: baseline(found, paper_pair(settings.symbol), place, page))


def _verified(settings: "Settings", plan: "Plan", *, asks: bool, quiet: bool) -> "tuple[Report, GenesisError | None]":
    """Verify, keep the report, and say what could not be written."""
    from genesis_ops.cli import verify_screen as screen
    from genesis_ops.clients.host_clock import HostClock
    from genesis_ops.clients.paper import paper_pair
    from genesis_ops.errors import GenesisError
    from genesis_ops.keep.verification import Watch, keep, verify_all

    symbol = paper_pair(settings.symbol)
    watch = Watch(
        doing=screen.doing,
        done=(lambda _: None) if quiet else screen.tell,
        agrees=lambda wish, held: not asks or screen.agrees(symbol, wish.side, wish.size, held),
    )
    made, failure = verify_all(settings, HostClock(), plan, watch)
    try:
        return made._replace(closing=f"kept: {keep(settings, made).name}"), failure
    except GenesisError as error:
        first = failure or error
        return made._replace(closing="kept: not", overruled=first.exit_code), first
