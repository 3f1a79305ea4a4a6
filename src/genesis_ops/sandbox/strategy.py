"""A toy strategy: follow the last twelve bars when they moved far for their volatility, else do nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import exp
from statistics import fmean, pstdev
from typing import Any

from genesis_ops.words import Action

ATR_PERIODS = (14, 28, 56)
ATR_PERIOD = 28
RATIOS = (0.382, 0.5, 0.618, 0.786)

_FIELDS = ("open", "high", "low", "close", "volume")
_MOMENTUM_BARS = 12
_TREND_BARS = 60
_ENTRY = 0.8  # ATRs between the close and the mean of the last bars: about half of all hours stay below it
_TREND = 3.0  # the same for the trend's bars
_STEEPNESS = 0.2
_LARGEST_MOVE = 20.0
_LARGEST_NUMBER = 1e15
_NOTHING = 1e-9
_ZONES = (("low", 0.24), ("mid", 0.30), ("high", 0.36))
_RISK_MAP = ((0.65, 0.035), (0.58, 0.025), (0.0, 0.015))


@dataclass(frozen=True, slots=True)
class Candles:
    """Closed candles as the evaluation gets them: equally long lists, oldest first (contract §4)."""

    open: list[float]
    high: list[float]
    low: list[float]
    close: list[float]
    volume: list[float]


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the strategy thinks of the newest candle; sizes in BTC, ``atr`` in USD."""

    action: Action
    buy: float
    sell: float
    regime: str
    zone: str
    threshold: float
    size: float
    atr: float
    percentiles: Mapping[str, Mapping[str, float]]
    bars_since_regime_change: int
    decision_steps: int

    @property
    def confidence(self) -> float:
        """Tell how sure the strategy is of its own side."""
        return max(self.buy, self.sell)


def read_candles(raw: Any) -> Candles | None:
    """Read a request's candles; None when they are not five equally long, non-empty lists of numbers."""
    if not isinstance(raw, dict):
        return None
    lists = [raw.get(field) for field in _FIELDS]
    if not all(isinstance(values, list) and values and all(map(_is_number, values)) for values in lists):
        return None
    if len({len(values) for values in lists if values}) != 1:
        return None
    return Candles(*([float(value) for value in values or ()] for values in lists))


def _is_number(value: Any) -> bool:
    # The bound also turns away NaN, infinity and integers that no float holds.
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < _LARGEST_NUMBER


def true_range(candles: Candles, bars: int) -> float:
    """Average the distance between high and low (USD) over the last bars."""
    return max(fmean(high - low for high, low in _ranges(candles, bars)), _NOTHING)


def percentiles(candles: Candles) -> dict[str, dict[str, float]]:
    """Tell for each ATR period what its ATR (USD) stayed below at 40 % and at 80 % of the bars."""
    sums = [0.0, *accumulate(high - low for high, low in _ranges(candles, len(candles.close)))]
    found = {}
    for period in ATR_PERIODS:
        bars = min(period, len(candles.close))
        ordered = sorted((after - before) / bars for before, after in zip(sums, sums[bars:], strict=False))
        found[str(period)] = {"p40": _at(ordered, 0.4), "p80": _at(ordered, 0.8)}
    return found


def _ranges(candles: Candles, bars: int) -> list[tuple[float, float]]:
    return list(zip(candles.high[-bars:], candles.low[-bars:], strict=True))


def _at(ordered: Sequence[float], part: float) -> float:
    return ordered[min(int(part * len(ordered)), len(ordered) - 1)]


def retracement(candles: Candles) -> dict[str, Any]:
    """Draw the retracement levels (USD) between the highest and the lowest price of the window."""
    high, low = max(candles.high), min(candles.low)
    newest_first = candles.high[::-1]
    return {
        "available": True,
        "levels": {str(ratio): round(high - ratio * (high - low), 4) for ratio in RATIOS},
        "swing_high": high,
        "swing_low": low,
        "swing_age_bars": newest_first.index(high),
        "last_update": None,
    }


def features(candles: Candles) -> dict[str, float]:
    """Measure the fifteen features that the reply lists, each in its simplest honest form."""
    close, atr = candles.close[-1], true_range(candles, 14)
    levels = retracement(candles)
    swing = max(levels["swing_high"] - levels["swing_low"], _NOTHING)
    distances = {ratio: abs(close - level) / atr for ratio, level in levels["levels"].items()}
    nearest = min(distances.values())
    strength = _strength(candles.close)
    volatility = true_range(candles, 3) / atr
    slope = (close - fmean(candles.close[-_MOMENTUM_BARS:])) / max(close, _NOTHING)
    near_half = 1 / (1 + distances["0.5"])
    return {
        "rsi_inv_lag1": -_strength(candles.close[:-1] or candles.close),
        "volatility_shift_ma3": volatility,
        "bb_position_inv_ma3": 1 - _band_position(candles.close),
        "rsi_vol_interaction": strength * volatility,
        "vol_regime": float(volatility > 1),
        "atr_14": atr,
        "fib_dist_min_atr": nearest,
        "fib_dist_signed_atr": nearest if close > levels["levels"]["0.5"] else -nearest,
        "fib_prox_score": 1 / (1 + nearest),
        "fib0618_prox_atr": 1 / (1 + distances["0.618"]),
        "fib05_prox_atr": near_half,
        "swing_retrace_depth": (levels["swing_high"] - close) / swing,
        "fib05_x_ema_slope": near_half * slope,
        "fib_prox_x_adx": abs(strength) / (1 + nearest),
        "fib05_x_rsi_inv": -near_half * strength,
    }


def _strength(closes: Sequence[float]) -> float:
    """Weigh rises against falls over 14 bars: 1 is only rises, -1 only falls."""
    steps = [later - earlier for earlier, later in zip(closes[-15:-1], closes[-14:], strict=False)]
    moved = sum(map(abs, steps))
    return sum(steps) / moved if moved else 0.0


def _band_position(closes: Sequence[float]) -> float:
    """Place the close within two deviations of 20 bars: 0 is the lower band, 1 the upper."""
    recent = closes[-20:]
    return 0.5 + (closes[-1] - fmean(recent)) / (4 * max(pstdev(recent), _NOTHING))


def judge(candles: Candles, state: Mapping[str, Any]) -> Judgement:
    """Judge the newest candle; ``state`` is the previous ``state_out`` and only counts steps and bars on."""
    atr = true_range(candles, ATR_PERIOD)
    move = _move(candles.close, _MOMENTUM_BARS, atr)
    buy = 1 / (1 + exp(-_STEEPNESS * move))
    action = Action.NONE if abs(move) < _ENTRY else Action.LONG if move > 0 else Action.SHORT
    levels = percentiles(candles)
    limits = levels[str(ATR_PERIOD)]
    zone, threshold = _ZONES[(atr >= limits["p40"]) + (atr >= limits["p80"])]
    regime = _regime(_move(candles.close, _TREND_BARS, atr))
    return Judgement(
        action=action,
        buy=buy,
        sell=1 - buy,
        regime=regime,
        zone=zone,
        threshold=threshold,
        size=next(size for limit, size in _RISK_MAP if max(buy, 1 - buy) >= limit),
        atr=atr,
        percentiles=levels,
        bars_since_regime_change=_count(state, "bars_since_regime_change") + 1 if _stays(state, regime) else 1,
        decision_steps=_count(state, "decision_steps") + 1 if "decision_steps" in state else 0,
    )


def _move(closes: Sequence[float], bars: int, atr: float) -> float:
    """Tell how far the close is from the mean of the last bars, in ATRs."""
    distance = (closes[-1] - fmean(closes[-bars:])) / atr
    return max(-_LARGEST_MOVE, min(_LARGEST_MOVE, distance))


def _regime(trend: float) -> str:
    if abs(trend) < _TREND:
        return "ranging"
    return "bull" if trend > 0 else "bear"


def _stays(state: Mapping[str, Any], regime: str) -> bool:
    return bool(state.get("last_regime") == regime)


def _count(state: Mapping[str, Any], key: str) -> int:
    value = state.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) else 0
