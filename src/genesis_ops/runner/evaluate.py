"""One evaluation of one closed candle: ask, verify who decided, and write down what was decided."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from genesis_ops.clients.api import Evaluated, GenesisApi, RuntimeConfig
from genesis_ops.clients.exchange import Candle
from genesis_ops.errors import AbortCondition
from genesis_ops.runlog.events import (
    BaselineFallback,
    ChampionNotLoaded,
    DecisionContext,
    Evaluation,
    NoOrder,
    OrderSkipped,
)
from genesis_ops.runlog.writer import RunnerLog, Stream, ungreppable
from genesis_ops.state.model import PendingEvaluation
from genesis_ops.words import Action, Mode


def in_streams(mode: Mode) -> str:
    """Write a mode as the older runner does in its JSON: ``dry_run``, ``live_paper``."""
    return mode.replace("-", "_")


@dataclass(frozen=True, slots=True)
class Judgement:
    """An evaluation and the runtime configuration it was made with."""

    evaluated: Evaluated
    config: RuntimeConfig


@dataclass(frozen=True, slots=True)
class Evaluator:
    """Asks the strategy about a candle and records the answer in the log and in CR-001's stream of evaluations."""

    api: GenesisApi
    log: RunnerLog
    evaluations: Stream
    symbol: str
    timeframe: str
    mode: Mode

    def judge(self, candles: Sequence[Candle], carried: Mapping[str, Any]) -> Judgement:
        """Evaluate candles, oldest first, with the strategy's carried state.

        Raises:
            EvaluationFailure: no usable evaluation came.
            AbortCondition: the fallback decided and not the champion (runbook, abort condition 3).
        """
        config = self.api.runtime_config()
        evaluated = self.api.evaluate(candles, carried, config)
        if not evaluated.champion_loaded:
            self.log.write(ChampionNotLoaded(evaluated.champion_source))
            self.log.write(BaselineFallback())
            raise AbortCondition(
                f"the API trades {evaluated.champion_source!r} and not a champion",
                notes=("the runner stopped; nothing was ordered for this candle",),
                next_command=f"ls -l config/strategy/champions/{self.symbol}_{self.timeframe}.json"
                "      then restart the API server and the runner",
            )
        return Judgement(evaluated, config)

    def record(self, at_ms: int, candle: PendingEvaluation, judgement: Judgement) -> None:
        """Write the evaluation: the stream first, so that a hard stop in between leaves a trace to recover from.

        Raises:
            WriteFailed: it did not reach the disk.
        """
        context = self._context(candle, judgement)
        evaluated = judgement.evaluated
        self.evaluations.record(at_ms, **context, close=candle.close, state_out=evaluated.state_out)
        self.evaluations.file.sync()
        self.log.write(Evaluation(evaluated.action, str(evaluated.signal), evaluated.confidence))
        self.log.write(DecisionContext(ungreppable(json.dumps(context, sort_keys=True))))
        if evaluated.action is Action.NONE:
            self.log.write(NoOrder())
        elif self.mode is Mode.DRY_RUN:
            self.log.write(OrderSkipped(evaluated.action))

    def close(self) -> None:
        """Let go of the stream."""
        self.evaluations.file.close()

    def _context(self, candle: PendingEvaluation, judgement: Judgement) -> dict[str, Any]:
        evaluated, config = judgement.evaluated, judgement.config
        return {
            "action": str(evaluated.action),
            "candle_ts": candle.ts,
            "champion_source": evaluated.champion_source,
            "confidence": evaluated.confidence,
            "decision_reasons": list(evaluated.reasons),
            "mode": in_streams(self.mode),
            "primary_reason": evaluated.reasons[0] if evaluated.reasons else None,
            "runtime_cfg_hash": config.hash,
            "runtime_cfg_version": config.version,
            "signal": evaluated.signal,
            "size": evaluated.size,
            "symbol": self.symbol,
            "timeframe": self.timeframe,
        }
