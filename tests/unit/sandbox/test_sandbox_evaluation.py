from collections import Counter
from typing import Any

import pytest
from sandbox_world import World

from genesis_ops.sandbox.evaluation import evaluate
from genesis_ops.sandbox.market import Market
from genesis_ops.words import HOUR_MS, Timeframe

FEATURES = {
    "rsi_inv_lag1",
    "volatility_shift_ma3",
    "bb_position_inv_ma3",
    "rsi_vol_interaction",
    "vol_regime",
    "atr_14",
    "fib_dist_min_atr",
    "fib_dist_signed_atr",
    "fib_prox_score",
    "fib0618_prox_atr",
    "fib05_prox_atr",
    "swing_retrace_depth",
    "fib05_x_ema_slope",
    "fib_prox_x_adx",
    "fib05_x_rsi_inv",
}
META = {
    "features",
    "proba",
    "confidence",
    "confidence_exit",
    "regime",
    "htf_regime",
    "decision",
    "champion",
    "observability",
}
ALWAYS_CARRIED = {
    "current_atr",
    "atr_percentiles",
    "htf_fib",
    "ltf_fib",
    "last_close",
    "htf_regime",
    "ltf_override_state",
    "decision_steps",
    "last_regime",
    "bars_since_regime_change",
    "last_action",
}
CARRIED_WITH_AN_ENTRY = {
    "ltf_override_debug",
    "fib_gate_summary",
    "confidence_gate",
    "size_base",
    "size_scale",
    "size_regime_mult",
    "size_htf_regime_mult",
    "size_vol_mult",
    "size_combined_mult",
    "size_before_ri_clarity",
    "size_after_ri_clarity",
    "ri_flag_enabled",
    "ri_version",
    "authority_mode",
    "authority_mode_source",
    "ri_clarity_enabled",
    "ri_clarity_apply",
    "ri_clarity_multiplier",
    "ri_clarity_score",
    "ri_clarity_raw",
    "ri_clarity_components",
    "ri_clarity_weights",
    "ri_clarity_weights_version",
    "ri_clarity_round_policy",
    "ri_risk_state_enabled",
    "ri_risk_state_multiplier",
    "ri_risk_state_drawdown_mult",
    "ri_risk_state_transition_mult",
    "zone_debug",
}


MARKET = Market(7)


def candles(hour: int, bars: int = 120) -> dict[str, list[float]]:
    rows = MARKET.rows(Timeframe.H1, 1_770_210_000_000 + hour * HOUR_MS, bars)[::-1]
    fields = ("open", "high", "low", "close", "volume")
    return {name: [getattr(row, name) for row in rows] for name in fields}


def evaluation(hour: int, **changes: Any) -> dict[str, Any]:
    policy = {"symbol": "tBTCUSD", "timeframe": "1h"}
    request = {"policy": policy, "candles": candles(hour), "state": {}, "configs": {}, **changes}
    return evaluate(request, fallback=False)


def first_with(*actions: str) -> dict[str, Any]:
    return next(reply for hour in range(200) if (reply := evaluation(hour))["result"]["action"] in actions)


def test_an_evaluation_over_http_is_the_same_as_without(world: World) -> None:
    assert world.evaluate(candles=candles(0)) == evaluation(0)


def test_the_result_has_the_fields_of_the_real_api() -> None:
    reply = evaluation(0)
    result = reply["result"]
    assert set(reply) == {"result", "meta"}
    assert set(result) == {"features", "probas", "confidence", "confidence_exit", "regime", "htf_regime", "action"}
    assert set(result["features"]) == FEATURES
    assert set(result["probas"]) == {"buy", "sell", "hold"}
    assert set(result["confidence"]) == set(result["confidence_exit"]) == {"buy", "sell", "overall"}
    assert result["confidence"]["overall"] == max(result["probas"]["buy"], result["probas"]["sell"])
    assert sum(result["probas"].values()) == pytest.approx(1)


def test_the_meta_has_the_fields_of_the_real_api() -> None:
    meta = evaluation(0)["meta"]
    assert set(meta) == META
    assert meta["champion"] == {"source": "config/strategy/champions/tBTCUSD_1h.json"}
    assert set(meta["features"]) == {
        "versions",
        "reasons",
        "feature_count",
        "asof_bar",
        "uses_bars",
        "total_bars_available",
        "fibonacci_features",
        "htf_fibonacci",
        "ltf_fibonacci",
        "current_atr",
        "current_atr_used",
        "atr_period_used",
        "atr_percentiles",
        "htf_selector",
    }
    assert meta["features"]["feature_count"] == len(FEATURES)
    assert meta["features"]["total_bars_available"] == 120
    assert set(meta["proba"]) == {"versions", "schema", "calibration_used"}
    assert set(meta["confidence"]) == {"versions", "reasons", "quality"}
    assert set(meta["regime"]) == {"regime", "steps", "candidate"}
    assert set(meta["observability"]["shadow_regime"]) == {
        "authoritative_source",
        "shadow_source",
        "authority_mode",
        "authority_mode_source",
        "authority",
        "shadow",
        "mismatch",
        "decision_input",
    }


def test_without_an_action_the_decision_has_no_size() -> None:
    decision = first_with("NONE")["meta"]["decision"]
    assert set(decision) == {"versions", "reasons", "state_out"}
    assert set(decision["state_out"]) == ALWAYS_CARRIED
    assert [reason[:5] for reason in decision["reasons"]] == ["ZONE:"]


def test_with_an_action_the_decision_has_a_size_and_a_reason() -> None:
    reply = first_with("LONG", "SHORT")
    decision = reply["meta"]["decision"]
    assert set(decision) == {"versions", "reasons", "size", "state_out"}
    assert decision["size"] in (0.015, 0.025, 0.035)
    assert set(decision["state_out"]) == ALWAYS_CARRIED | CARRIED_WITH_AN_ENTRY
    assert decision["reasons"][1] == f"ENTRY_{reply['result']['action']}"


def test_about_half_of_the_hours_ask_for_nothing_and_the_rest_for_both_sides() -> None:
    actions = Counter(evaluation(hour)["result"]["action"] for hour in range(0, 1000, 4))
    assert 85 < actions["NONE"] < 165
    assert actions["LONG"] > 25
    assert actions["SHORT"] > 25


def test_the_state_is_carried_from_evaluation_to_evaluation() -> None:
    first = evaluation(0)["meta"]["decision"]["state_out"]
    second = evaluation(1, state=first)["meta"]["decision"]["state_out"]
    third = evaluation(2, state=second)["meta"]["decision"]["state_out"]
    assert [state["decision_steps"] for state in (first, second, third)] == [0, 1, 2]
    assert second["last_close"] == candles(1)["close"][-1]


def test_bars_since_a_regime_change_count_on_in_the_same_regime_and_begin_anew_in_another() -> None:
    regime = evaluation(0)["result"]["regime"]
    same = {"last_regime": regime, "bars_since_regime_change": 8}
    other = {"last_regime": "another", "bars_since_regime_change": 8}
    counts = [evaluation(0, state=state)["meta"]["decision"]["state_out"] for state in (same, other)]
    assert [state["bars_since_regime_change"] for state in counts] == [9, 1]


@pytest.mark.parametrize("state", [None, [], "x", {"decision_steps": "many"}, {"bars_since_regime_change": None}])
def test_a_damaged_state_does_not_stop_an_evaluation(state: Any) -> None:
    assert evaluation(0, state=state)["result"]["action"] in ("NONE", "LONG", "SHORT")


def test_the_same_candles_get_the_same_answer() -> None:
    assert evaluation(5) == evaluation(5)


def test_a_single_candle_can_be_evaluated() -> None:
    assert evaluation(0, candles=candles(0, 1))["result"]["action"] == "NONE"


def test_candles_that_never_moved_can_be_evaluated() -> None:
    still = dict.fromkeys(("open", "high", "low", "close", "volume"), [70_000.0] * 120)
    assert evaluation(0, candles=still)["result"]["action"] == "NONE"


def broken_candles() -> list[Any]:
    good = candles(0)
    without_volume = {name: values for name, values in good.items() if name != "volume"}
    unusual = [float("nan"), float("inf"), "70000", None, True, -1.0, 10**400]
    return [
        None,
        [],
        {},
        without_volume,
        {**good, "close": good["close"][1:]},
        {name: [] for name in good},
        {**good, "high": "high"},
        *({**good, "close": [*good["close"][1:], value]} for value in unusual),
    ]


@pytest.mark.parametrize("broken", broken_candles())
def test_candles_that_are_missing_unequal_empty_or_no_numbers_are_an_error_in_http_200(
    world: World, broken: Any
) -> None:
    reply = world.evaluate(candles=broken)
    assert reply["ok"] is False
    assert reply["error"]["code"] == "INVALID_CANDLES"
    assert reply["error"]["message"]
