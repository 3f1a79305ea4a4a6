"""What must hold before an order is armed, as one pure judgement over facts (order protocol, Before arming)."""

from typing import NamedTuple

from genesis_ops.journal.record import Kind
from genesis_ops.runner.feed import LARGEST_OFFSET_MS
from genesis_ops.words import duration

FRESH_SECONDS = 600
"""A signal older than this since its candle's close is not traded any more."""
LEAST_FREE_BYTES = 16 << 20
"""Room for the outcome's record and what follows from it."""


class Facts(NamedTuple):
    """What is known in the moment before an order leaves; an empty text means that nothing is in its way."""

    age_seconds: float
    """Since the candle's close, by the exchange's clock."""
    before_journal: bool
    """Whether the candle closed before the journal began: what was sent for it stands in no record."""
    size: float
    unresolved: tuple[str, ...]
    latched: bool
    exchange: str
    offset_ms: int | None
    """Exchange minus host; None where the exchange has not told its time."""
    free_bytes: int | None
    ordered: str
    """Why this host's record of what was ordered speaks against it."""
    configuration: str
    """How the runtime configuration differs from the one that passed the gate."""


def objection(facts: Facts) -> tuple[Kind, str] | None:
    """Say why an order is not armed: EXPIRED where it comes too late, BLOCKED with every reason; None if nothing is."""
    if facts.before_journal:
        return Kind.EXPIRED, "its candle closed before the journal began"
    if facts.age_seconds > FRESH_SECONDS:
        return (
            Kind.EXPIRED,
            f"its candle closed {duration(facts.age_seconds)} ago, and {duration(FRESH_SECONDS)} is the most",
        )
    reasons = [why for holds, why in _obstacles(facts) if holds]
    return (Kind.BLOCKED, "; ".join(reasons)) if reasons else None


def _obstacles(facts: Facts) -> tuple[tuple[bool, str], ...]:
    free, offset_ms = facts.free_bytes, facts.offset_ms
    return (
        (facts.size <= 0, "the strategy named no size"),
        (bool(facts.unresolved), f"unresolved: {', '.join(facts.unresolved)}"),
        (facts.latched, "the stop latch is set"),
        (bool(facts.exchange), f"the exchange does not say that it works: {facts.exchange}"),
        (offset_ms is None, "the exchange does not tell its time"),
        (abs(offset_ms or 0) > LARGEST_OFFSET_MS, f"the clock is {-(offset_ms or 0) / 1000:.1f}s off the exchange's"),
        (facts.age_seconds < -LARGEST_OFFSET_MS / 1000, "its candle has not closed yet"),
        (free is None, "the free space of the disk cannot be read"),
        (free is not None and free < LEAST_FREE_BYTES, f"{(free or 0) >> 20} MiB are free, and 16 MiB is the least"),
        (bool(facts.ordered), facts.ordered),
        (bool(facts.configuration), facts.configuration),
    )
