"""The Genesis API (contract §4): what the runner asks of it, and failures in all the forms they come in."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, FiniteFloat, ValidationError

from genesis_ops.clients.exchange import Candle
from genesis_ops.clients.http import Http, HttpFailure, brief
from genesis_ops.errors import EvaluationFailure
from genesis_ops.words import Action, Timeframe, visible

DEADLINE_SECONDS = 30.0
_DEEPEST = 60


class RuntimeConfig(BaseModel):
    """The configuration the API runs with; ``cfg`` goes into every evaluate request."""

    model_config = ConfigDict(frozen=True)
    cfg: dict[str, Any]
    hash: Any = None
    version: Any = None


class _Confidence(BaseModel):
    overall: FiniteFloat


class _Result(BaseModel):
    action: Literal["NONE", "LONG", "SHORT"]
    confidence: _Confidence
    signal: FiniteFloat | str | None = None


class _Champion(BaseModel):
    source: str


class _Decision(BaseModel):
    size: FiniteFloat | None = None
    reasons: list[Any] | None = None
    state_out: dict[str, Any] | None = None


class _Meta(BaseModel):
    champion: _Champion
    decision: _Decision | None = None


class _EvaluateReply(BaseModel):
    result: _Result
    meta: _Meta


@dataclass(frozen=True, slots=True)
class Evaluated:
    """What the strategy said: action, size where it wants one, why, from which champion, and its state to carry on."""

    action: Action
    signal: float | str | None
    confidence: float
    size: float | None
    reasons: tuple[str, ...]
    champion_source: str
    state_out: Mapping[str, Any]

    @property
    def champion_loaded(self) -> bool:
        """Whether a champion decided and not the fallback (contract §4)."""
        return "champions" in self.champion_source


class GenesisApi:
    """The calls of the API that the runner makes; none of them changes anything there."""

    def __init__(self, http: Http, symbol: str, timeframe: Timeframe) -> None:
        self._http = http
        self._policy = {"symbol": symbol, "timeframe": str(timeframe)}

    def runtime_config(self) -> RuntimeConfig:
        """Fetch the runtime configuration.

        Raises:
            EvaluationFailure: it did not come.
        """
        body = self._ask("GET", "/config/runtime", None)
        try:
            return RuntimeConfig.model_validate(body)
        except ValidationError as error:
            raise EvaluationFailure(f"GET /config/runtime: {_first(error)}") from error

    def evaluate(self, candles: Sequence[Candle], state: Mapping[str, Any], config: RuntimeConfig) -> Evaluated:
        """Have the strategy look at candles, oldest first, with its own carried state.

        Raises:
            EvaluationFailure: no usable evaluation came.
        """
        names = ("open", "high", "low", "close", "volume")
        columns = {name: [getattr(candle, name) for candle in candles] for name in names}
        request = {"policy": self._policy, "candles": columns, "state": state, "configs": config.cfg}
        body = self._ask("POST", "/strategy/evaluate", json.dumps(request).encode())
        try:
            reply = _EvaluateReply.model_validate(body)
        except ValidationError as error:
            raise EvaluationFailure(f"POST /strategy/evaluate: {_first(error)}") from error
        return _evaluated(reply)

    def _ask(self, method: str, target: str, body: bytes | None) -> Any:
        try:
            reply = self._http.send(self._http.prepare(method, target, body))
        except HttpFailure as failure:
            raise EvaluationFailure(f"{method} {target}: {failure.message}") from failure
        if reply.status != 200:  # noqa: PLR2004 - HTTP's own number
            raise EvaluationFailure(f"{method} {target}: HTTP {reply.status}: {brief(reply.body)}")
        try:
            document = json.loads(reply.body)
        except (ValueError, RecursionError) as error:
            raise EvaluationFailure(f"{method} {target}: not JSON: {brief(reply.body)}") from error
        if not _can_be_kept(document):
            raise EvaluationFailure(f"{method} {target}: the reply holds no finite number, or is nested too deeply")
        if isinstance(document, dict) and document.get("ok", True) is not True:
            raise EvaluationFailure(f"{method} {target}: {brief(json.dumps(document.get('error')).encode())}")
        return document


def _can_be_kept(value: Any, levels: int = _DEEPEST) -> bool:
    """Tell whether a value can go into the state and come back: it would end every later start if it could not."""
    if isinstance(value, float):
        return math.isfinite(value)
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return all(levels > 0 and _can_be_kept(item, levels - 1) for item in inner)


def _evaluated(reply: _EvaluateReply) -> Evaluated:
    decision = reply.meta.decision or _Decision()
    return Evaluated(
        action=Action(reply.result.action),
        signal=reply.result.signal,
        confidence=reply.result.confidence.overall,
        size=decision.size,
        reasons=tuple(str(reason) for reason in decision.reasons or ()),
        champion_source=reply.meta.champion.source,
        state_out=decision.state_out or {},
    )


def _first(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    return visible(f"{where}: {first['msg']} (got {str(first['input'])[:60]})")
