"""What of the phase precedes its log: days of which nothing is known are told, and never counted as well; pure."""

from genesis_ops.checks.evidence import LogEvidence
from genesis_ops.checks.model import Outcome, Result
from genesis_ops.checks.phase_candles import Beginning, beginning
from genesis_ops.checks.wording import count
from genesis_ops.words import clock_time, day_name


def as_far_as_begun(log: LogEvidence, result: Result) -> Result:
    """Take back a PASS where days precede the log: a warning where no runner had begun, else nobody knows."""
    before = beginning(log)
    if before is None:
        return result
    head, _, rest = result.detail.partition(";")
    detail = f"{_whole(head, result, before)}, {told_before(before)}{f';{rest}' if rest else ''}"
    expected = result.expected + before.closes if isinstance(result.expected, int) else result.expected
    result = result._replace(detail=detail, expected=expected)
    if result.outcome is Outcome.FAIL:
        return result
    outcome = Outcome.WARN if before.begun else Outcome.UNKNOWN
    return result._replace(outcome=outcome, remedy=_BEGUN if before.begun else _LOST)


def _whole(head: str, result: Result, before: Beginning) -> str:
    """Hold a number of closes against all that the phase had so far."""
    if not isinstance(result.expected, int):
        return head
    return f"{result.observed} of {count(result.expected + before.closes, 'close')}"


def told_before(before: Beginning) -> str:
    """Say what of the phase precedes its log: ``11 days and 263 closes not covered before …``."""
    missed = f"{count(before.days, 'day')} and {count(before.closes, 'close')} not covered"
    at = f"on Day {before.days} ({day_name(before.at_ms)} {clock_time(before.at_ms)})"
    return f"{missed} before {'the first run begins' if before.begun else 'the log begins amid a run'} {at}"


_LOST = "put the log files of the days before it back, or say with the decision why they are missing"
_BEGUN = "set phase_start if the phase began on that day; else put the log files of the days before it back"
