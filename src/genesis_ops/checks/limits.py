"""How long a runner may say nothing before it counts as silent (seconds; runbook Day 0 step 2, "Troubleshooting").

Apart from the checks that judge by them, so that a screen which only shows ages need not load a whole preflight.
"""

STALE_SECONDS = 120
"""A log that says nothing for longer is stale (runbook, "Runner Not Writing to Log File")."""
HEARTBEAT_POLLS = 10
"""How many polls lie between two heartbeats (contract §2)."""
FUTURE_MS = 60_000
"""How far (ms) a time may lie ahead of this host's clock before one of the two is wrong."""

_HEARTBEATS = 3
_LEAST_HEARTBEAT_SECONDS = 300


def log_limit(interval: int) -> int:
    """Tell how old the newest line of a log may be, by the seconds between two polls."""
    return max(STALE_SECONDS, 3 * interval)


def heartbeat_limit(interval: int) -> int:
    """Tell how old the newest heartbeat may be: three of its turns."""
    return max(_LEAST_HEARTBEAT_SECONDS, _HEARTBEATS * HEARTBEAT_POLLS * interval)


def feed_limit(interval: int) -> int:
    """Tell how old the newest good candle reply may be at a heartbeat: the runner says FEED DEAD beyond it."""
    return HEARTBEAT_POLLS * interval
