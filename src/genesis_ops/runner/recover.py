"""What a start finds: the state and the log brought to one story, or a refusal that says what to do."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from genesis_ops.errors import Refused, StateUnreadable
from genesis_ops.runlog.events import Event, StateNotFound, StateRebuilt, StateRecovered
from genesis_ops.runlog.tail import LastWords, counts, last_words
from genesis_ops.state.model import PendingEvaluation, State
from genesis_ops.state.store import StateStore

REBUILD = "genesis-ops run --rebuild-state"


@dataclass(frozen=True, slots=True)
class Recovered:
    """Where the run goes on: its state, what to log about it, and what the log already says (times in ms, UTC)."""

    state: State
    events: tuple[Event, ...] = ()
    missed: frozenset[int] = frozenset()
    evaluations_missed: frozenset[int] = frozenset()
    last_seen_ms: int | None = None
    last_price: float | None = None


def recover(store: StateStore, log_dir: Path, now_ms: int, *, rebuild: bool, state_name: str) -> Recovered:
    """Load the state and hold it against the log; the runner holds its locks already.

    Raises:
        Refused: the state is missing where logs exist, or damaged, and no rebuild was asked for.
    """
    try:
        words = last_words(log_dir)
    except OSError as error:
        raise Refused(
            f"the logs in {log_dir} cannot be listed: {error.strerror}", next_command=f"ls -ld {log_dir}"
        ) from error
    if rebuild:
        return _rebuilt(store, log_dir, words, now_ms)
    state = store.load(now_ms)
    if state is not None:
        return _reconciled(state, words, log_dir)
    if words.any_log:
        raise StateUnreadable(
            f"{state_name} is missing, but there are logs in {log_dir}",
            notes=("starting fresh would announce and trade the last candle again",),
            next_command=f"{REBUILD}      or put the state file back",
        )
    return Recovered(State(), (StateNotFound(state_name),))


def _rebuilt(store: StateStore, log_dir: Path, words: LastWords, now_ms: int) -> Recovered:
    store.set_aside(now_ms)
    totals = counts(log_dir)
    close = words.close
    state = State(
        last_processed_candle_ts=None if close is None else close.ts,
        total_evaluations=totals.evaluations,
        total_orders_submitted=totals.orders,
        pending_evaluation=_pending(words),
        pipeline_state=dict(_carried(log_dir, close.ts) or {}) if close is not None else {},
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
    return Recovered(state, told, words.missed, words.evaluations_missed, max(seen, default=None), price)


def _pending(words: LastWords) -> PendingEvaluation | None:
    close = words.close
    if close is None or words.evaluated:
        return None
    return PendingEvaluation(close.ts, close.close, close.source or "unknown")


def _ms(text: str) -> int:
    at = datetime.fromisoformat(text)
    return int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1000)


def _carried(log_dir: Path, candle_ts: int) -> Mapping[str, Any] | None:
    """Find the strategy's state after this candle in the newest evaluations file; None where there is none."""
    for path in sorted(log_dir.glob("runner_evaluations_*.log"), reverse=True)[:1]:
        for line in reversed(path.read_bytes().splitlines()):
            try:
                record = json.loads(line)
            except ValueError:  # a hard stop can leave half a line
                continue
            if isinstance(record, dict) and record.get("candle_ts") == candle_ts:
                carried = record.get("state_out")
                return carried if isinstance(carried, dict) else None
    return None
