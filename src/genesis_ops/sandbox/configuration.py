"""The runtime configuration that ``/config/runtime`` serves: small, in the style of the real one (contract §4)."""

import hashlib
import json
from typing import Any

VERSION = 0
AUTHORITY_SOURCE = "multi_timeframe.regime_intelligence.authority_mode"


def runtime_configuration() -> dict[str, Any]:
    """Build the configuration that a client passes on as ``configs``."""
    return {
        "strategy_family": "legacy",
        "thresholds": {"entry_conf_overall": 0.25, "regime_proba": {"ranging": 0.5, "bull": 0.5, "bear": 0.5}},
        "gates": {"hysteresis_steps": 1, "cooldown_bars": 0},
        "risk": {"risk_map": [[0.5, 0.015], [0.58, 0.025], [0.65, 0.035]]},
        "ev": {"R_default": 2.0},
        "exit": {"enabled": True, "max_hold_bars": 24, "stop_loss_pct": 0.03, "take_profit_pct": 0.06},
        "multi_timeframe": {"use_htf_block": False, "regime_intelligence": {"authority_mode": "legacy"}},
        "warmup_bars": None,
        "htf_exit_config": None,
        "htf_fib": None,
        "ltf_fib": None,
        "features": None,
    }


def configuration_hash(configuration: dict[str, Any]) -> str:
    """Tell a configuration from another by 64 hexadecimal digits."""
    return hashlib.sha256(json.dumps(configuration, sort_keys=True).encode()).hexdigest()
