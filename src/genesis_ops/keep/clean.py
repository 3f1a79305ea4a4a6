"""The last step before anything is written as evidence: its secrets are taken out, and then it is looked through."""

from genesis_ops.collect.known_secrets import Known
from genesis_ops.errors import Refused


def cleaned(text: str, known: Known, what: str) -> str:
    """Give a text without secrets; lines and everything else in it stay as they are.

    Raises:
        Refused: one is in it all the same.
    """
    from genesis_ops.redact.scrub import Scrubber

    raw = Scrubber(known.secrets).scrub(text.encode("utf-8", "surrogateescape"))
    require_clean(raw, known, what)
    return raw.decode("utf-8", "surrogateescape")


def require_clean(raw: bytes, known: Known, what: str, lines_before: int = 0) -> None:
    """Look for secrets by another way than the one that takes them out.

    Raises:
        Refused: there is one; it says in which line, and not what.
    """
    from genesis_ops.redact.scan import survivors

    left = survivors(raw, known.secrets)
    if left:
        raise Refused(
            f"not written: {what}, line {lines_before + left[0].line}, still holds a secret ({left[0].kind})",
            notes=("this is a bug: what replaces secrets passed over one that the last look found",),
            next_command="genesis-ops stop-check      (what can be judged here needs no copy)",
        )
