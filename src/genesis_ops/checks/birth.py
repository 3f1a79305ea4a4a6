"""When the first run of a log began: what had closed before it waited for nobody, and is not late; pure."""

from genesis_ops.checks.evidence import LogEvidence
from genesis_ops.runlog.tally import Fate, Hour
from genesis_ops.words import Action


def born_ms(log: LogEvidence) -> int:
    """Tell when the log's first run began (ms, UTC); 0 where it began before what was read."""
    first = not log.earlier and bool(log.runs) and log.runs[0].started is not None
    return (log.first_ms or 0) if first else 0


def hours_since_birth(log: LogEvidence) -> tuple[Hour, ...]:
    """Give the candles; what closed before the first run began waited for its start, and was not late."""
    born = born_ms(log)
    return tuple(
        hour._replace(fate=_waited(log, hour.open_ms)) if hour.fate is Fate.LATE and hour.close_ms < born else hour
        for hour in log.tally.hours
    )


def _waited(log: LogEvidence, open_ms: int) -> Fate:
    said = [line.event for close in log.closes if close.ts == open_ms for line in close.evaluations]
    asked = any(getattr(event, "action", Action.NONE) != Action.NONE for event in said)
    return Fate.ACTION if asked else Fate.PROCESSED
