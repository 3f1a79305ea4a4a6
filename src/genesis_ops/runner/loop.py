"""The runner's life: start, one cycle after another, a clean end whatever comes (runbook Day 0, CR-001)."""

import traceback
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field, replace

from genesis_ops import __version__
from genesis_ops.clients.clock import Clock
from genesis_ops.clients.exchange import Candles
from genesis_ops.clients.systemd import Notifier
from genesis_ops.errors import AbortCondition, EvaluationFailure, FeedFailure, GenesisError, Refused, Unreachable
from genesis_ops.runlog import events
from genesis_ops.runlog.writer import RunnerLog
from genesis_ops.runner.decide import (
    MOST_MISSED,
    SHORTEST_INTERVAL,
    Selection,
    cause_of_missing,
    closes_around,
    missed_between,
    seconds_to_next_poll,
    select_closed,
    unseen_close,
)
from genesis_ops.runner.evaluate import Evaluator
from genesis_ops.runner.feed import Feed
from genesis_ops.runner.orders import JOURNAL, Decision, Orders
from genesis_ops.runner.recover import Recovered
from genesis_ops.runner.watch import WATCHED_SECONDS, Watched, told
from genesis_ops.state.latch import Latch
from genesis_ops.state.model import PendingEvaluation, State
from genesis_ops.state.store import StateStore
from genesis_ops.words import Action, Mode, Timeframe, iso

HEARTBEAT_POLLS = 10
_START_EXTENSION_SECONDS = 90
_LONGEST_SILENCE_SECONDS = 60
"""How long a supervisor hears nothing while the next poll is waited for, whatever the interval is."""
_SAID = {Mode.DRY_RUN: "DRY-RUN (no orders)", Mode.LIVE_PAPER: "LIVE PAPER TRADING"}
_SHOWN = 300  # characters of why the latch is set; the whole of it stands in the latch


@dataclass(frozen=True, slots=True)
class Job:
    """What this run is asked to do; ``candles`` is after how many processed candles to stop (None: never)."""

    symbol: str
    timeframe: Timeframe
    interval: int
    state_name: str
    api_url: str
    candles: int | None = None
    mode: Mode = Mode.DRY_RUN


@dataclass(frozen=True, slots=True)
class Parts:
    """The concrete parts, so that a rehearsal can pass in others; ``orders`` only in live-paper."""

    clock: Clock
    log: RunnerLog
    feed: Feed
    evaluator: Evaluator
    store: StateStore
    notifier: Notifier
    stop_signal: Callable[[], int | None]
    read_latch: Callable[[], Latch | None]
    watch: Callable[["Glance"], None]
    orders: Orders | None = None


@dataclass(frozen=True, slots=True)
class Glance:
    """What one line on a screen can say after a cycle; times in ms (UTC, the exchange's)."""

    now_ms: int
    polls: int
    last_close_ms: int | None
    last_price: float | None
    next_close_ms: int | None
    actions: dict[str, int]
    trouble: str
    mode: Mode = Mode.DRY_RUN


@dataclass(slots=True)
class _Tally:
    """What this process has seen, for the screen and the heartbeat."""

    polls: int = 0
    evaluated: int = 0
    sought_ts: int | None = None
    attempts: int = 0
    price: float | None = None
    evaluated_at: float | None = None
    saved_at: float | None = None
    started_at: float = 0.0
    watched: Watched | None = None
    evaluation_trouble: str = ""
    actions: dict[str, int] = field(default_factory=dict)


class Runner:
    """Polls, announces each closed candle once, has it evaluated once, and remembers it."""

    def __init__(self, job: Job, parts: Parts, recovered: Recovered) -> None:
        self._job = job
        self._parts = parts
        self._recovered = recovered
        self._state = recovered.state
        self._verified = False
        self._status = ""
        self.latch: Latch | None = None
        """The stop latch that ended the run, if that is what ended it."""
        self._tally = _Tally(price=recovered.last_price, started_at=parts.clock.monotonic())

    def run(self) -> State:
        """Run until a signal, the asked number of candles, or the end of what can be survived.

        Raises:
            GenesisError: an abort condition, an API that is absent at start, or a failed write; it is logged.
        """
        log = self._parts.log
        self._save(self._state)  # before the first line: logs without a state would be refused at the next start
        try:
            self._banner()
            self._loop()
            self._finish()
        except AbortCondition:  # its own lines are in the log already
            raise
        except (Unreachable, Refused) as error:
            log.write(events.GaveUp(error.message))
            raise
        except GenesisError as error:
            log.write(events.Fatal(error.message))
            raise
        except Exception as error:  # the one place where anything unexpected is put on record before the exit
            log.write(events.Fatal(f"unexpected {type(error).__name__}: {error}"), traceback.format_exc().splitlines())
            raise
        finally:
            with closing(log):
                self._parts.evaluator.close()
        return self._state

    # --- start and end

    def _banner(self) -> None:
        job, log = self._job, self._parts.log
        for event in self._recovered.events:
            log.write(event)
        for event in (
            events.Rule(),
            events.RunnerStarted(),
            events.Version(__version__),
            events.Market(job.symbol, job.timeframe),
            events.PollInterval(job.interval),
            events.RunMode(_SAID[job.mode]),
            events.StateFile(job.state_name),
            events.Rule(),
            events.ChampionVerifying(),
        ):
            log.write(event)
        if job.interval < SHORTEST_INTERVAL:
            log.write(events.PollsStretched(SHORTEST_INTERVAL))
        down_since_ms = self._recovered.last_seen_ms
        if down_since_ms is not None:
            self._parts.feed.was_down(down_since_ms, self._recovered.unseen)

    def _finish(self) -> None:
        self._parts.notifier.stopping()
        log = self._parts.log
        log.write(self._reason_to_stop())
        self._save(replace(self._state, last_heartbeat=iso(self._parts.clock.now_ms())))
        log.write(events.RunnerStopped())

    def _reason_to_stop(self) -> events.Event:
        if (number := self._parts.stop_signal()) is not None:
            return events.SignalReceived(number)
        if self.latch is not None:
            return events.LatchFound("; ".join(self.latch.lines())[:_SHOWN])
        return events.CandlesDone(self._tally.evaluated)

    # --- the loop

    def _loop(self) -> None:
        clock = self._parts.clock
        due = clock.monotonic()
        while not self._done():
            self._cycle()
            due = self._plan(due)
            while not self._done() and (remaining := due - clock.monotonic()) > 0:
                clock.wait(min(remaining, _LONGEST_SILENCE_SECONDS))
                if remaining > _LONGEST_SILENCE_SECONDS:
                    self._give_sign()

    def _done(self) -> bool:
        orders = self._parts.orders
        enough = self._job.candles is not None and self._tally.evaluated >= self._job.candles
        enough = enough and not (orders is not None and orders.busy)  # the last order's wallets are still looked at
        return enough or self.latch is not None or self._parts.stop_signal() is not None

    def _plan(self, due: float) -> float:
        now = self._parts.clock.monotonic()
        feed, tally, timeframe = self._parts.feed, self._tally, self._job.timeframe
        exchange_ms = feed.exchange_ms()
        unseen = unseen_close(feed.latest_ts, self._state.last_processed_candle_ts, exchange_ms, timeframe)
        if unseen != tally.sought_ts:
            tally.sought_ts, tally.attempts = unseen, 0
        attempts = None if unseen is None else tally.attempts
        regular = max(0.0, due + max(self._job.interval, SHORTEST_INTERVAL) - now)
        wait = seconds_to_next_poll(regular, feed.latest_ts, exchange_ms, attempts, timeframe)
        tally.attempts += 1
        return max(now + wait, feed.ready_at)

    def _cycle(self) -> None:
        """Do one poll and what follows from it."""
        self._tally.polls += 1
        candles = self._parts.feed.poll()
        if candles is not None:
            self._look_at(candles)
        if self._verified and self._state.pending_evaluation is not None:
            self._evaluate(self._state.pending_evaluation)
        if self._verified and self._parts.orders is not None:
            self._trade(self._parts.orders)
        if self._tally.polls % HEARTBEAT_POLLS == 0:
            self._heartbeat()
            self.latch = self._parts.read_latch()
        self._show()

    def _look_at(self, candles: Candles) -> None:
        selection = select_closed(candles, self._job.timeframe)
        if selection is None:
            return
        log, candle = self._parts.log, selection.candle
        now_ms = self._parts.clock.now_ms()
        log.write(
            events.CandleSelection(selection.source, candle.ts, now_ms, selection.latest_ts, selection.latest_close_ms)
        )
        if not self._verified:
            self._require_state_of_this_market(candle.ts)
            if not self._verify(candle.ts):
                return
        last_ts = self._state.last_processed_candle_ts
        self._notice_revision(candles)
        if last_ts is None or candle.ts > last_ts:
            self._announce(selection)
        elif self._state.pending_evaluation is None:
            log.write(events.AlreadyProcessed(candle.ts))

    # --- one candle

    def _require_state_of_this_market(self, newest_ts: int) -> None:
        """Refuse a state that no runner of this timeframe can have written: it would never process anything."""
        last_ts, timeframe = self._state.last_processed_candle_ts, self._job.timeframe
        if last_ts is None:
            return
        why = ""
        if last_ts > max(newest_ts, self._parts.feed.exchange_ms()):
            why = "lies in the future"
        elif not timeframe.may_open_at(last_ts):
            why = f"is no {timeframe} candle"
        elif len(missed_between(last_ts, newest_ts, timeframe)) == MOST_MISSED:
            why = f"is more than {MOST_MISSED} candles old"
        if why:
            raise Refused(
                f"the state's last candle {last_ts} {why}: {self._job.state_name} belongs to another market or clock",
                next_command="genesis-ops run --state-file <another> --log-dir <another>",
            )

    def _verify(self, newest_ts: int) -> bool:
        """Find out at start whether the champion decides; the exchange may take its time, the API may not."""
        try:
            self._parts.evaluator.judge(self._parts.feed.window(newest_ts), self._state.pipeline_state)
        except FeedFailure as failure:
            self._parts.feed.failed(failure)
            return False
        except EvaluationFailure as failure:
            if self._parts.stop_signal() is not None:
                return False
            raise Unreachable(
                f"the champion could not be verified: {failure.message}",
                next_command=f"curl -fsS {self._job.api_url}/health      then start the API server",
            ) from failure
        self._verified = True
        self._parts.log.write(events.ChampionVerified())
        self._parts.notifier.ready("champion verified")
        return True

    def _announce(self, selection: Selection) -> None:
        """Log the close, what was missed before it, and remember both before anything else happens."""
        log, feed, candle = self._parts.log, self._parts.feed, selection.candle
        if self._state.pending_evaluation is not None:
            self._give_up(self._state.pending_evaluation, "runner down")
        for ts in missed_between(self._state.last_processed_candle_ts, candle.ts, self._job.timeframe):
            if ts not in self._recovered.missed:
                cause = cause_of_missing(ts, self._job.timeframe, feed.blindness())
                log.write(events.CandleMissed(ts, cause))
        feed.forget_blindness()
        log.write(events.CandleClose(candle.ts, candle.close, selection.source))
        log.sync()
        pending = PendingEvaluation(candle.ts, candle.close, selection.source)
        self._save(replace(self._state, last_processed_candle_ts=candle.ts, pending_evaluation=pending))
        self._tally.price = candle.close
        self._tally.evaluation_trouble = ""

    def _evaluate(self, candle: PendingEvaluation) -> None:
        """Evaluate the announced candle; what fails is tried again at the next poll, until the next close."""
        parts, tally, timeframe = self._parts, self._tally, self._job.timeframe
        if parts.feed.exchange_ms() >= timeframe.close_of(timeframe.close_of(candle.ts)):
            self._give_up(candle, "its close came too late")
            return
        try:
            judgement = parts.evaluator.judge(parts.feed.window(candle.ts), self._state.pipeline_state)
        except FeedFailure as failure:
            tally.evaluation_trouble = f"feed failing ({failure.message})"
            if not parts.feed.silent:
                parts.feed.failed(failure)
            parts.log.write(events.EvaluationFailed(candle.ts))
            return
        except EvaluationFailure as failure:
            tally.evaluation_trouble = f"API failing ({failure.message})"
            parts.log.write(events.EvaluateError(failure.message))
            parts.log.write(events.EvaluationFailed(candle.ts))
            return
        parts.evaluator.record(parts.clock.now_ms(), candle, judgement)
        parts.log.sync()
        action = str(judgement.evaluated.action)
        if parts.orders is not None and action != Action.NONE:
            parts.orders.decide(Decision(candle, action, judgement.evaluated.size, str(judgement.config.hash)))
        done = replace(
            self._state,
            total_evaluations=self._state.total_evaluations + 1,
            pending_evaluation=None,
            pipeline_state=dict(judgement.evaluated.state_out),
        )
        self._save(done)
        if tally.watched is not None:
            self._report(tally.watched)
        tally.watched = Watched(candle.ts, candle.close, action)
        tally.actions[action] = tally.actions.get(action, 0) + 1
        tally.evaluated += 1
        tally.evaluated_at = parts.clock.monotonic()
        tally.evaluation_trouble = ""

    def _give_up(self, candle: PendingEvaluation, otherwise: str) -> None:
        """Log once that a candle will not be evaluated any more, and why: the last failure, if there was one."""
        if candle.ts not in self._recovered.evaluations_missed:
            cause = self._tally.evaluation_trouble or otherwise
            self._parts.log.write(events.EvaluationMissed(candle.ts, cause))
            self._parts.log.sync()
        self._save(replace(self._state, pending_evaluation=None))
        self._tally.evaluation_trouble = ""

    def _notice_revision(self, candles: Candles) -> None:
        announced, tally = self._state.last_processed_candle_ts, self._tally
        for row in candles.rows:
            if row.ts == announced and tally.price is not None and f"{row.close:.2f}" != f"{tally.price:.2f}":
                self._parts.log.write(events.CandleRevised(row.ts, tally.price, row.close))
                tally.price = row.close

    # --- orders

    def _trade(self, orders: Orders) -> None:
        """Carry the open orders on, remember what came of them, and report a candle that is done."""
        if orders.work():
            self._save(self._state)
        watched = self._tally.watched
        if watched is None or orders.has_postponed(watched.ts):
            return
        if (order := orders.of(watched.ts)) is None or not order.open:
            self._report(watched)

    def _report(self, watched: Watched) -> None:
        orders, self._tally.watched = self._parts.orders, None
        if orders is not None and self._parts.clock.monotonic() - self._tally.started_at < WATCHED_SECONDS:
            self._parts.log.write(events.CandleWatched(told(watched, orders.of(watched.ts))))

    # --- memory and signs of life

    def _save(self, state: State) -> None:
        orders = self._parts.orders
        if orders is not None:  # the journal leads, and what the state says of it is never more than it holds
            other = {**state.other, JOURNAL: orders.cursor()}
            state = replace(state, total_orders_submitted=orders.submitted, other=other)
        self._parts.store.save(state)
        self._state = state
        self._tally.saved_at = self._parts.clock.monotonic()

    def _heartbeat(self) -> None:
        feed, log, tally = self._parts.feed, self._parts.log, self._tally
        log.write(
            events.Heartbeat(
                evaluations=self._state.total_evaluations,
                orders=self._state.total_orders_submitted,
                last_candle_ts=str(self._state.last_processed_candle_ts),
                feed_age=f"{feed.age_seconds:.0f}s",
                evaluation_age=self._age(tally.evaluated_at),
                state_age=self._age(tally.saved_at),
            )
        )
        if feed.age_seconds > HEARTBEAT_POLLS * self._job.interval:
            log.write(events.FeedDead(f"{feed.age_seconds:.0f}s", feed.cause))
        self._save(replace(self._state, last_heartbeat=iso(self._parts.clock.now_ms())))

    def _age(self, since: float | None) -> str:
        return "never" if since is None else f"{self._parts.clock.monotonic() - since:.0f}s"

    def _show(self) -> None:
        feed, tally = self._parts.feed, self._tally
        now_ms, last_ts = feed.exchange_ms(), self._state.last_processed_candle_ts
        trouble = feed.cause if feed.age_seconds > 3 * self._job.interval else tally.evaluation_trouble
        doubt = "" if self._parts.orders is None else self._parts.orders.trouble
        glance = Glance(
            now_ms=now_ms,
            polls=tally.polls,
            last_close_ms=None if last_ts is None else self._job.timeframe.close_of(last_ts),
            last_price=tally.price,
            next_close_ms=None
            if feed.latest_ts is None
            else closes_around(feed.latest_ts, now_ms, self._job.timeframe)[1],
            actions=dict(tally.actions),
            trouble=doubt or trouble,
            mode=self._job.mode,
        )
        self._status = f"polls={tally.polls} evaluated={tally.evaluated} {trouble}".rstrip()
        self._give_sign()
        self._parts.watch(glance)

    def _give_sign(self) -> None:
        """Tell a supervisor that all goes its way: a cycle was completed, or a long interval is waited for."""
        if self._verified:
            self._parts.notifier.progress(self._status)
        else:
            self._parts.notifier.starting(self._status, _START_EXTENSION_SECONDS)
