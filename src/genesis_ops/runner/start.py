"""From settings to a running runner: the gates, the locks, recovery, and the parts put together."""

from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import httpx

from genesis_ops.clients.api import DEADLINE_SECONDS as API_SECONDS
from genesis_ops.clients.api import GenesisApi
from genesis_ops.clients.clock import Clock
from genesis_ops.clients.exchange import DEADLINE_SECONDS as EXCHANGE_SECONDS
from genesis_ops.clients.exchange import Exchange
from genesis_ops.clients.http import Http
from genesis_ops.clients.paper import SUBMIT_SECONDS, PaperApi, paper_pair
from genesis_ops.clients.systemd import Notifier
from genesis_ops.errors import JournalDamaged
from genesis_ops.journal.journal import Journal
from genesis_ops.runlog.events import Event
from genesis_ops.runlog.writer import RunnerLog, Stream, require_writable
from genesis_ops.runner import live
from genesis_ops.runner.evaluate import Evaluator
from genesis_ops.runner.feed import Feed
from genesis_ops.runner.gates import require_champion, require_environment_file, require_no_latch, stopped_by
from genesis_ops.runner.loop import Glance, Job, Parts, Runner
from genesis_ops.runner.orders import Hands, Orders
from genesis_ops.runner.recover import Wanted, recover
from genesis_ops.settings import Settings
from genesis_ops.state.champion import require_frozen
from genesis_ops.state.claim import Claim, claim_of
from genesis_ops.state.latch import read_latch
from genesis_ops.state.lock import hold, runner_locks
from genesis_ops.state.model import State
from genesis_ops.state.store import StateStore
from genesis_ops.words import Mode


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a runner lives in: the host's own time and network, or a rehearsal's (``transport``)."""

    clock: Clock
    transport: httpx.BaseTransport | None
    notifier: Notifier
    stop_signal: Callable[[], int | None]
    line: Callable[[str], None] | None
    watch: Callable[[Glance], None]
    command: str
    durable: bool = True
    """Whether what is written has to survive a power cut."""
    free_bytes: Callable[[Path], int] | None = None
    """What is free where a directory is; None asks this host, OSError is a disk that does not tell."""


def start(  # noqa: PLR0913 - what a run is asked for
    settings: Settings,
    around: Surroundings,
    *,
    candles: int | None,
    rebuild: bool,
    mode: Mode | None = Mode.DRY_RUN,
    override: str = "",
) -> State:
    """Check what can be checked, take the locks, recover, and run until told to stop.

    ``mode`` None is what nobody named: dry-run, unless the state was run in live-paper.

    Raises:
        GenesisError: whatever ends the run other than a stop; the log has it too, once there is one.
    """
    require_no_latch(settings)
    require_champion(settings)
    require_environment_file(settings)
    require_writable(settings.log_dir)
    locks = runner_locks(
        settings.state_file,
        settings.log_dir,
        settings.lock_dir,
        symbol=paper_pair(settings.symbol) if mode is Mode.LIVE_PAPER else settings.symbol,
        timeframe=settings.timeframe,
        mode=mode or Mode.DRY_RUN,
    )
    with hold(locks, command=around.command, now_ms=around.clock.now_ms()), ExitStack() as connections:
        require_no_latch(settings)  # whoever set it since has looked for a runner before this one held its locks
        runner = _runner(settings, around, _Asked(candles, rebuild, mode, override), connections)
        state = runner.run()
    if runner.latch is not None:
        raise stopped_by(runner.latch, settings)
    return state


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a run was asked for."""

    candles: int | None
    rebuild: bool
    mode: Mode | None
    override: str


def _runner(settings: Settings, around: Surroundings, asked: _Asked, connections: ExitStack) -> Runner:
    """Recover, pass the gate, and put the parts together; the locks are held."""
    clock, durable = around.clock, around.durable
    state_name = settings.shown(settings.state_file)
    mode = asked.mode or Mode.DRY_RUN
    journal = _journal(settings, around) if mode is Mode.LIVE_PAPER or asked.rebuild else None
    wanted = Wanted(f"{settings.symbol} {settings.timeframe}", state_name, asked.rebuild, asked.mode, journal)
    found = recover(StateStore(settings.state_file, durable), settings.log_dir, clock.now_ms(), wanted)
    require_frozen(settings, clock.now_ms(), durable=durable)
    to_exchange = Http(settings.exchange_url, clock, EXCHANGE_SECONDS, around.transport)
    to_api = Http(settings.api_url, clock, API_SECONDS, around.transport)
    for connection in (to_exchange, to_api):
        connections.callback(connection.close)
    exchange = Exchange(to_exchange, clock, settings.symbol, settings.timeframe)
    parts = _parts(settings, around, exchange, GenesisApi(to_api, settings.symbol, settings.timeframe), mode)
    if mode is Mode.LIVE_PAPER and journal is not None:
        paper = PaperApi(to_api, lambda: Http(settings.api_url, clock, SUBMIT_SECONDS, around.transport, direct=True))
        question = live.Asked(settings, found, asked.override, around.command, clock.now_ms)
        told = live.recover_orders(journal, question)
        admitted = live.admit(journal, question, parts.evaluator.api, paper)
        found = replace(found, events=(*found.events, *admitted.events, *told))
        market = f"{admitted.terms.symbol} {settings.timeframe}"
        claim = claim_of(settings.lock_dir, market, settings.log_dir, durable=durable)
        hands = _hands(parts, journal, paper, exchange, claim, around.free_bytes or _free_of)
        orders = Orders(hands, admitted.terms, settings.timeframe, around.command)
        parts = replace(parts, orders=orders)
    else:
        found = replace(found, events=(*found.events, *_doubts(settings, around)))
    job = Job(
        settings.symbol, settings.timeframe, settings.poll_interval, state_name, settings.api_url, asked.candles, mode
    )
    return Runner(job, parts, found)


def _journal(settings: Settings, around: Surroundings) -> Journal:
    clock = around.clock
    journal = Journal(settings.log_dir, clock.now_ms, durable=around.durable, wait=clock.wait)
    journal.catch_up()
    return journal


def _doubts(settings: Settings, around: Surroundings) -> tuple[Event, ...]:
    """Tell a dry-run of orders in doubt; a journal that is damaged stands in its way no more than that."""
    with suppress(JournalDamaged):
        return live.in_doubt(_journal(settings, around))
    return ()


def _hands(  # noqa: PLR0913, PLR0917 - one a hand
    parts: Parts,
    journal: Journal,
    paper: PaperApi,
    exchange: Exchange,
    claim: Claim,
    free_of: Callable[[Path], int],
) -> Hands:
    return Hands(
        journal=journal,
        paper=paper,
        feed=parts.feed,
        clock=parts.clock,
        log=parts.log,
        why_not_operative=exchange.why_not_operative,
        read_latch=parts.read_latch,
        free_bytes=lambda: _free_bytes({journal.directory, parts.store.path.parent}, free_of),
        stop_signal=parts.stop_signal,
        claim=claim,
    )


def _free_bytes(directories: set[Path], free_of: Callable[[Path], int]) -> int | None:
    """Tell what is free where journal, log and state are written; None where the disk does not tell."""
    with suppress(OSError):
        return min(map(free_of, directories))
    return None


def _free_of(directory: Path) -> int:
    import shutil

    return shutil.disk_usage(directory).free


def _parts(settings: Settings, around: Surroundings, exchange: Exchange, api: GenesisApi, mode: Mode) -> Parts:
    clock, durable = around.clock, around.durable
    log = RunnerLog(settings.log_dir, clock.now_ms, around.line, durable=durable)
    evaluator = Evaluator(
        api=api,
        log=log,
        evaluations=Stream(settings.log_dir, "evaluations", durable=durable),
        symbol=settings.symbol,
        timeframe=settings.timeframe,
        mode=mode,
    )
    return Parts(
        clock=clock,
        log=log,
        feed=Feed(exchange, clock, log, settings.timeframe, settings.poll_interval),
        evaluator=evaluator,
        store=StateStore(settings.state_file, durable),
        notifier=around.notifier,
        stop_signal=around.stop_signal,
        read_latch=lambda: read_latch(settings.log_dir),
        watch=around.watch,
    )
