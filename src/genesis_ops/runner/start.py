"""From settings to a running runner: the gates, the locks, recovery, and the parts put together."""

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass

import httpx

from genesis_ops.clients.api import DEADLINE_SECONDS as API_SECONDS
from genesis_ops.clients.api import GenesisApi
from genesis_ops.clients.clock import Clock
from genesis_ops.clients.exchange import DEADLINE_SECONDS as EXCHANGE_SECONDS
from genesis_ops.clients.exchange import Exchange
from genesis_ops.clients.http import Http
from genesis_ops.clients.systemd import Notifier
from genesis_ops.runlog.writer import RunnerLog, Stream, require_writable
from genesis_ops.runner.evaluate import Evaluator
from genesis_ops.runner.feed import Feed
from genesis_ops.runner.gates import require_champion, require_environment_file, require_no_latch, stopped_by
from genesis_ops.runner.loop import Glance, Job, Parts, Runner
from genesis_ops.runner.recover import Wanted, recover
from genesis_ops.settings import Settings
from genesis_ops.state.champion import require_frozen
from genesis_ops.state.latch import read_latch
from genesis_ops.state.lock import hold, runner_locks
from genesis_ops.state.model import State
from genesis_ops.state.store import StateStore


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


def start(settings: Settings, around: Surroundings, *, candles: int | None, rebuild: bool) -> State:
    """Check what can be checked, take the locks, recover, and run until told to stop.

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
        symbol=settings.symbol,
        timeframe=settings.timeframe,
    )
    store = StateStore(settings.state_file, around.durable)
    state_name = settings.shown(settings.state_file)
    job = Job(settings.symbol, settings.timeframe, settings.poll_interval, state_name, settings.api_url, candles)
    with hold(locks, command=around.command, now_ms=around.clock.now_ms()):
        require_no_latch(settings)  # whoever set it since has looked for a runner before this one held its locks
        wanted = Wanted(f"{settings.symbol} {settings.timeframe}", state_name, rebuild)
        found = recover(store, settings.log_dir, around.clock.now_ms(), wanted)
        require_frozen(settings, around.clock.now_ms(), durable=around.durable)
        to_exchange = Http(settings.exchange_url, around.clock, EXCHANGE_SECONDS, around.transport)
        to_api = Http(settings.api_url, around.clock, API_SECONDS, around.transport)
        with closing(to_exchange), closing(to_api):
            runner = Runner(job, _parts(settings, around, store, to_exchange, to_api), found)
            state = runner.run()
    if runner.latch is not None:
        raise stopped_by(runner.latch, settings)
    return state


def _parts(settings: Settings, around: Surroundings, store: StateStore, to_exchange: Http, to_api: Http) -> Parts:
    clock = around.clock
    log = RunnerLog(settings.log_dir, clock.now_ms, around.line, durable=around.durable)
    exchange = Exchange(to_exchange, clock, settings.symbol, settings.timeframe)
    evaluator = Evaluator(
        api=GenesisApi(to_api, settings.symbol, settings.timeframe),
        log=log,
        evaluations=Stream(settings.log_dir, "evaluations", durable=around.durable),
        orders=Stream(settings.log_dir, "orders", durable=around.durable),
        symbol=settings.symbol,
        timeframe=settings.timeframe,
    )
    return Parts(
        clock=clock,
        log=log,
        feed=Feed(exchange, clock, log, settings.timeframe, settings.poll_interval),
        evaluator=evaluator,
        store=store,
        notifier=around.notifier,
        stop_signal=around.stop_signal,
        read_latch=lambda: read_latch(settings.log_dir),
        watch=around.watch,
    )
