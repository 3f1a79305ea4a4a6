"""What a start finds: state, log and journal brought to one story, or a refusal that says what to do."""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from genesis_ops.errors import Refused, StateUnreadable, typed
from genesis_ops.journal.journal import Journal
from genesis_ops.runlog.events import Event, ModeSwitched, StateNotFound, StateRebuilt, StateRecovered
from genesis_ops.runlog.tail import LastWords, Unseen, counts, last_words
from genesis_ops.state.model import PendingEvaluation, State
from genesis_ops.state.store import StateStore
from genesis_ops.words import Mode, visible

REBUILD = "genesis-ops run --rebuild-state"
_MARKET, _MODE = "market", "mode"
_STREAM_FILES = 3  # the newest evaluation is of today, or of yesterday where midnight lies between


@dataclass(frozen=True, slots=True)
class Recovered:
    """Where the run goes on: its state, what to log about it, and what the log already says (times in ms, UTC)."""

    state: State
    events: tuple[Event, ...] = ()
    missed: frozenset[int] = frozenset()
    evaluations_missed: frozenset[int] = frozenset()
    last_seen_ms: int | None = None
    unseen: Unseen | None = None
    last_price: float | None = None
    former_mode: Mode | None = None
    """In which mode the state was run last."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a start asks for: which market, how the state file is called for people, whether to make it anew.

    ``mode`` None is dry-run unless the state was run in the other mode. With orders in the ``journal`` the state is but
    a cache: one that is lost is made anew without being asked for.
    """

    market: str
    state_name: str
    rebuild: bool
    mode: Mode | None = Mode.DRY_RUN
    journal: Journal | None = None

    @property
    def has_orders(self) -> bool:
        """Whether orders were decided here before."""
        return self.journal is not None and bool(self.journal.book.starts)


def recover(store: StateStore, log_dir: Path, now_ms: int, wanted: Wanted) -> Recovered:
    """Load the state and hold it against the log; the runner holds its locks already.

    Raises:
        Refused: the state is missing where logs exist, or damaged, and no rebuild was asked for; or another market's.
    """
    try:
        words = last_words(log_dir)
    except OSError as error:
        raise Refused(
            f"the logs in {log_dir} cannot be listed: {error.strerror}", next_command=f"ls -ld {typed(log_dir)}"
        ) from error
    return _of_mode(_of_market(_found_out(store, log_dir, words, now_ms, wanted), wanted), wanted)


def _found_out(store: StateStore, log_dir: Path, words: LastWords, now_ms: int, wanted: Wanted) -> Recovered:
    if wanted.rebuild:
        return _rebuilt(store, log_dir, words, now_ms, wanted)
    try:
        state = store.load(now_ms)
    except StateUnreadable:
        if not wanted.has_orders:
            raise
        return _rebuilt(store, log_dir, words, now_ms, wanted)
    if state is not None:
        return _reconciled(state, words, log_dir)
    if wanted.has_orders:
        return _rebuilt(store, log_dir, words, now_ms, wanted)
    if words.any_log:
        raise StateUnreadable(
            f"{wanted.state_name} is missing, but there are logs in {log_dir}",
            notes=("starting fresh would announce and trade the last candle again",),
            next_command=f"{REBUILD}      or put the state file back",
        )
    return Recovered(State(), (StateNotFound(wanted.state_name),))


def _of_mode(found: Recovered, wanted: Wanted) -> Recovered:
    """Put the mode into the state, and tell where it changes; it never changes because nobody named one."""
    former = _mode(found.state.other.get(_MODE))
    if wanted.mode is None and former is Mode.LIVE_PAPER:
        raise Refused(
            f"{wanted.state_name} was run in live-paper: say in which mode it is to go on",
            next_command="genesis-ops run --live-paper      or: genesis-ops run --dry-run",
        )
    mode = wanted.mode or Mode.DRY_RUN
    switched = (ModeSwitched(former, mode),) if former not in {None, mode} else ()
    state = replace(found.state, other={**found.state.other, _MODE: str(mode)})
    return replace(found, state=state, events=(*found.events, *switched), former_mode=former)


def _mode(text: object) -> Mode | None:
    return next((mode for mode in Mode if mode == text), None)


def _of_market(found: Recovered, wanted: Wanted) -> Recovered:
    """Put the market's name into the state, or refuse a state that has another one in it."""
    named = found.state.other.get(_MARKET, wanted.market)
    if named != wanted.market:
        raise Refused(
            f"{wanted.state_name} belongs to another market: {visible(str(named))[:60]}, not {wanted.market}",
            next_command="genesis-ops run --state-file <another> --log-dir <another>",
        )
    return replace(found, state=replace(found.state, other={**found.state.other, _MARKET: wanted.market}))


def _rebuilt(store: StateStore, log_dir: Path, words: LastWords, now_ms: int, wanted: Wanted) -> Recovered:
    former = store.set_aside(now_ms) or State(other=_last_mode(log_dir))
    totals = counts(log_dir)
    close = words.close
    carried = None if close is None else _carried(log_dir, close.ts, before=not words.evaluated)
    state = replace(
        former,
        last_processed_candle_ts=None if close is None else close.ts,
        total_evaluations=totals.evaluations,
        total_orders_submitted=totals.orders if wanted.journal is None else wanted.journal.book.submitted,
        pending_evaluation=_pending(words),
        pipeline_state=dict(former.pipeline_state if carried is None else carried),
    )
    told = StateRebuilt(str(state.last_processed_candle_ts), state.total_evaluations)
    return _found(state, words, (told,))


def _reconciled(state: State, words: LastWords, log_dir: Path) -> Recovered:
    close, last_ts, pending = words.close, state.last_processed_candle_ts, state.pending_evaluation
    if close is None:
        return _found(state, words, ())
    log_is_ahead = last_ts is None or close.ts > last_ts
    answered = words.evaluated and pending is not None and pending.ts == close.ts
    if not log_is_ahead and not answered:
        return _found(state, words, ())
    caught_up = replace(state, last_processed_candle_ts=close.ts, pending_evaluation=_pending(words))
    if words.evaluated:
        carried = _carried(log_dir, close.ts) or state.pipeline_state
        caught_up = replace(caught_up, total_evaluations=state.total_evaluations + 1, pipeline_state=dict(carried))
    told = StateRecovered(close.ts, "evaluated" if words.evaluated else "announced")
    return _found(caught_up, words, (told,))


def _found(state: State, words: LastWords, told: tuple[Event, ...]) -> Recovered:
    heartbeat_ms = None if state.last_heartbeat is None else _ms(state.last_heartbeat)
    seen = [ms for ms in (heartbeat_ms, words.newest_ms) if ms is not None]
    price = words.close.close if words.close is not None else None
    seen_ms = max(seen, default=None)
    return Recovered(state, told, words.missed, words.evaluations_missed, seen_ms, words.unseen, price)


def _pending(words: LastWords) -> PendingEvaluation | None:
    close = words.close
    if close is None or words.evaluated or close.ts in words.evaluations_missed:
        return None
    return PendingEvaluation(close.ts, close.close, close.source or "unknown")


def _ms(text: str) -> int:
    at = datetime.fromisoformat(text)
    return int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1000)


def _carried(log_dir: Path, candle_ts: int, *, before: bool = False) -> Mapping[str, Any] | None:
    """Find the strategy's state after this candle, or ``before`` it, in the newest evaluations; None if none is."""
    for record in evaluations(log_dir, _STREAM_FILES):
        found = record.get("candle_ts")
        if (isinstance(found, int) and found < candle_ts) if before else found == candle_ts:
            return record.get("state_out") if _is_state(record.get("state_out")) else None
    return None


def evaluations(log_dir: Path, most_files: int | None = None) -> Iterator[dict[str, Any]]:
    """Read the stream of evaluations from its end back; what a hard stop tore is passed over."""
    names = (path for path in log_dir.iterdir() if re.fullmatch(r"runner_evaluations_\d{8}\.log", path.name))
    for path in sorted((path for path in names if path.is_file()), reverse=True)[:most_files]:
        with suppress(OSError):
            yield from (record for line in reversed(path.read_bytes().splitlines()) if (record := _record(line)))


def _last_mode(log_dir: Path) -> dict[str, Any]:
    """Tell in which mode the newest evaluation was made, for a state that does not tell it any more."""
    newest = next(evaluations(log_dir), {})
    mode = _mode(str(newest.get("mode", "")).replace("_", "-"))
    return {} if mode is None else {_MODE: str(mode)}


def _record(line: bytes) -> dict[str, Any]:
    """Read a line of the stream; a hard stop can leave half of one, which is nothing."""
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return record if isinstance(record, dict) else {}


def _is_state(carried: Any) -> bool:
    try:
        State(pipeline_state=carried).dump()
    except (ValueError, TypeError, RecursionError):
        return False
    return isinstance(carried, dict)
