"""Times as an operator types them: ``--window 24h``, ``--until now|last|<ISO time>``, ``--since 2026-02-04``."""

from datetime import UTC, datetime

from genesis_ops.errors import UsageRefused
from genesis_ops.words import read_duration, stamp, visible


def length_ms(flag: str, text: str, example: str) -> int:
    """Read a length of time in ms.

    Raises:
        UsageRefused: it is not one.
    """
    try:
        return read_duration(text)
    except ValueError as error:
        raise UsageRefused(f"flag {flag}: {error}", next_command=example) from None


def moment_ms(flag: str, text: str, now_ms: int, example: str) -> int:
    """Read an ISO time in ms; one without a zone is UTC.

    Raises:
        UsageRefused: it is not a time, or lies in the future.
    """
    try:
        moment = datetime.fromisoformat(text.strip())
        at_ms = round((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)
    except (ValueError, OverflowError):
        message = f"flag {flag}: '{visible(text)}' is not a time such as 2026-02-05T13:10:00Z"
        raise UsageRefused(message, next_command=example) from None
    if at_ms > now_ms:
        message = f"flag {flag}: {visible(text)} lies in the future; it is {stamp(now_ms)} UTC"
        raise UsageRefused(message, next_command=example)
    return at_ms
