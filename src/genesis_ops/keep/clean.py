"""The last step before anything is written as evidence: its secrets are taken out, and then it is looked through."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from genesis_ops.collect.known_secrets import Known
from genesis_ops.errors import Refused

if TYPE_CHECKING:
    from genesis_ops.envfile.secret import Secret


T = TypeVar("T")


class Cleaner:
    """Takes the secrets out of one file, a stretch of whole lines at a time; ``places`` counts how often it had to.

    Where a value is left that nobody would write like that, such as in hex of base64, its whole line goes.
    """

    def __init__(self, secrets: "tuple[Secret, ...]") -> None:
        from genesis_ops.redact.scrub import Scrubber

        self._secrets = secrets
        self._scrubber = Scrubber(secrets)
        self._blotted = 0

    @property
    def places(self) -> int:
        """How many places were replaced so far."""
        return self._scrubber.places + self._blotted

    def clean(self, raw: bytes) -> bytes:
        """Give the next lines without secrets; there are as many as before, and what is innocent in them stays."""
        from genesis_ops.redact.scan import blotted, survivors

        raw = self._scrubber.scrub(raw)
        left = survivors(raw, self._secrets)
        self._blotted += len(left)
        return blotted(raw, left) if left else raw

    def text(self, text: str) -> str:
        """Give a text without secrets."""
        return self.clean(text.encode("utf-8", "surrogateescape")).decode("utf-8", "surrogateescape")

    def facts(self, facts: T) -> T:
        """Give the same facts with clean texts, before anything wraps or cuts them and hides half of a secret."""
        return cast("T", self._facts(facts))

    def _facts(self, found: Any) -> Any:
        if type(found) is str:  # an enum's word is one of ours
            return self.text(found)
        if isinstance(found, tuple):
            inside = [self._facts(each) for each in found]
            return type(found)(*inside) if hasattr(found, "_fields") else tuple(inside)
        if isinstance(found, list):
            return [self._facts(each) for each in found]
        if isinstance(found, Mapping):
            return {self._facts(name): self._facts(value) for name, value in found.items()}
        return found


def cleaned(text: str, known: Known, what: str) -> str:
    """Give a text without secrets; lines and everything else in it stay as they are.

    Raises:
        Refused: one is in it all the same.
    """
    clean = Cleaner(known.secrets).text(text)
    require_clean(clean.encode("utf-8", "surrogateescape"), known, what)
    return clean


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
