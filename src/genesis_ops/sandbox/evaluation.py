"""The reply of ``/strategy/evaluate`` in full: the toy strategy's judgement in the shape clients know (contract §4)."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from genesis_ops.sandbox.configuration import AUTHORITY_SOURCE
from genesis_ops.sandbox.strategy import (
    ATR_PERIOD,
    Candles,
    Judgement,
    features,
    judge,
    read_candles,
    retracement,
    true_range,
)
from genesis_ops.words import Action

_INVALID_CANDLES = MappingProxyType(
    {
        "ok": False,
        "error": {
            "code": "INVALID_CANDLES",
            "message": "candles needs open, high, low, close and volume: non-empty lists of numbers, equally long",
        },
    }
)

# The clarity and risk overlays of the strategy are off; clients see their settings in ``state_out`` all the same.
_OVERLAYS = MappingProxyType(
    {
        "ri_flag_enabled": False,
        "ri_version": "legacy",
        "ri_clarity_enabled": False,
        "ri_clarity_apply": "sizing_only",
        "ri_clarity_multiplier": 1.0,
        "ri_clarity_score": None,
        "ri_clarity_raw": None,
        "ri_clarity_components": None,
        "ri_clarity_weights": None,
        "ri_clarity_weights_version": None,
        "ri_clarity_round_policy": None,
        "ri_risk_state_enabled": False,
        "ri_risk_state_multiplier": 1.0,
        "ri_risk_state_drawdown_mult": None,
        "ri_risk_state_transition_mult": None,
    }
)
_MULTIPLIERS = ("size_scale", "size_regime_mult", "size_htf_regime_mult", "size_vol_mult", "size_combined_mult")


def evaluate(request: Mapping[str, Any], *, fallback: bool) -> dict[str, Any]:
    """Evaluate a request; with ``fallback`` the champion is not loaded and the baseline answers."""
    candles = read_candles(request.get("candles"))
    if candles is None:
        return dict(_INVALID_CANDLES)
    policy, state = _mapping(request.get("policy")), _mapping(request.get("state"))
    symbol, timeframe = str(policy.get("symbol", "tBTCUSD")), str(policy.get("timeframe", "1h"))
    judgement, measured = judge(candles, state), features(candles)
    authority = "default_legacy" if fallback else AUTHORITY_SOURCE
    source = f"baseline:{timeframe}" if fallback else f"config/strategy/champions/{symbol}_{timeframe}.json"
    return {
        "result": _result(judgement, measured),
        "meta": {
            "features": {"feature_count": len(measured), **_features_meta(candles, judgement, timeframe)},
            "proba": _proba_meta(judgement, fallback=fallback),
            "confidence": _confidence_meta(),
            "confidence_exit": _confidence_meta(),
            "regime": {"regime": judgement.regime, "steps": 0, "candidate": judgement.regime},
            "htf_regime": "unknown",
            "decision": _decision(candles, judgement, timeframe, authority),
            "champion": {"source": source},
            "observability": {"shadow_regime": _shadow_regime(judgement, authority)},
        },
    }


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _result(judgement: Judgement, measured: Mapping[str, float]) -> dict[str, Any]:
    sides = {"buy": judgement.buy, "sell": judgement.sell}
    return {
        "features": measured,
        "probas": {**sides, "hold": 0.0},
        "confidence": {**sides, "overall": judgement.confidence},
        "confidence_exit": {**sides, "overall": judgement.confidence},
        "regime": judgement.regime,
        "htf_regime": "unknown",
        "action": judgement.action,
    }


def _features_meta(candles: Candles, judgement: Judgement, timeframe: str) -> dict[str, Any]:
    bars = len(candles.close)
    newest = max(bars - 2, 0)
    return {
        "versions": {
            "features_v15_highvol_optimized": True,
            "features_v16_fibonacci": True,
            "features_v17_fibonacci_combinations": True,
            "htf_fibonacci_symmetric_chamoun": True,
        },
        "reasons": [],
        "asof_bar": newest,
        "uses_bars": [0, newest],
        "total_bars_available": bars,
        "fibonacci_features": {"available": True, "reason": "OK"},
        "htf_fibonacci": _no_higher_timeframe(),
        "ltf_fibonacci": {**retracement(candles), "timeframe": timeframe},
        "current_atr": true_range(candles, 14),
        "current_atr_used": judgement.atr,
        "atr_period_used": ATR_PERIOD,
        "atr_percentiles": judgement.percentiles,
        "htf_selector": _selector(),
    }


def _no_higher_timeframe() -> dict[str, Any]:
    return {"available": False, "reason": "HTF_DATA_NOT_FOUND", "selector": _selector()}


def _selector() -> dict[str, Any]:
    step = {"source": "per_timeframe", "success": True, "timeframe": "6h", "multiplier": 6.0}
    return {"mode": "fixed", "selected": "6h", "decision_path": [step]}


def _proba_meta(judgement: Judgement, *, fallback: bool) -> dict[str, Any]:
    return {
        "versions": {
            "prob_model_version": "v3" if fallback else "v4",
            "calibration_version": "v1",
            "regime_aware_calibration": fallback,
        },
        "schema": ["rsi_inv_lag1", "volatility_shift_ma3", "bb_position_inv_ma3", "rsi_vol_interaction", "vol_regime"],
        "calibration_used": {
            "regime": judgement.regime,
            "buy_calib": {"a": 1.0, "b": 0.0},
            "sell_calib": {"a": 1.0, "b": 0.0},
        },
    }


def _confidence_meta() -> dict[str, Any]:
    quality = {"version": "v1", "enabled": False, "quality_factor": 1.0, "components": {"data_quality": 1.0}}
    return {"versions": {"confidence": "v1"}, "reasons": [], "quality": quality}


def _shadow_regime(judgement: Judgement, authority: str) -> dict[str, Any]:
    return {
        "authoritative_source": "regime_unified.detect_regime_unified",
        "shadow_source": "regime.detect_regime_from_candles",
        "authority_mode": "legacy",
        "authority_mode_source": authority,
        "authority": judgement.regime,
        "shadow": judgement.regime,
        "mismatch": False,
        "decision_input": False,
    }


def _decision(candles: Candles, judgement: Judgement, timeframe: str, authority: str) -> dict[str, Any]:
    zone = f"ZONE:{judgement.zone}@{judgement.threshold:.3f}"
    state_out = _state_out(candles, judgement, timeframe)
    if judgement.action is Action.NONE:
        return {"versions": {"decision": "v1"}, "reasons": [zone], "state_out": state_out}
    return {
        "versions": {"decision": "v1"},
        "reasons": [zone, f"ENTRY_{judgement.action}"],
        "size": judgement.size,
        "state_out": {**state_out, **_entry_state(judgement, authority)},
    }


def _state_out(candles: Candles, judgement: Judgement, timeframe: str) -> dict[str, Any]:
    return {
        "current_atr": judgement.atr,
        "atr_percentiles": judgement.percentiles,
        "htf_fib": _no_higher_timeframe(),
        "ltf_fib": {**retracement(candles), "timeframe": timeframe},
        "last_close": candles.close[-1],
        "htf_regime": "unknown",
        "ltf_override_state": {},
        "decision_steps": judgement.decision_steps,
        "last_regime": judgement.regime,
        "bars_since_regime_change": judgement.bars_since_regime_change,
        "last_action": judgement.action,
    }


def _entry_state(judgement: Judgement, authority: str) -> dict[str, Any]:
    """List what ``state_out`` holds in addition when an order is asked for."""
    levels = judgement.percentiles[str(ATR_PERIOD)]
    return {
        "ltf_override_debug": {
            "candidate": judgement.action,
            "confidence": judgement.confidence,
            "history_key": None,
            "history_len": 0,
            "history_window": 120,
            "baseline_threshold": 0.85,
            "effective_threshold": 0.85,
            "adaptive_enabled": True,
            "regime": judgement.regime,
            "details": None,
        },
        "fib_gate_summary": {
            "candidate": judgement.action,
            "htf": {"status": "missing"},
            "ltf": {"status": "missing"},
        },
        "confidence_gate": judgement.confidence,
        "size_base": judgement.size,
        "size_before_ri_clarity": judgement.size,
        "size_after_ri_clarity": judgement.size,
        **dict.fromkeys(_MULTIPLIERS, 1.0),
        **_OVERLAYS,
        "authority_mode": "legacy",
        "authority_mode_source": authority,
        "zone_debug": {
            "atr": judgement.atr,
            "zone": judgement.zone,
            "thr": judgement.threshold,
            **levels,
            "period": ATR_PERIOD,
        },
    }
