"""What a judgement is made of: outcomes, results with evidence, and a report with one verdict (contract §7, §8).

The records here are named tuples and not dataclasses: a judging command makes dozens of classes at its start, and
these cost a sixth of the time.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Generic, NamedTuple, TypeVar

from genesis_ops import __version__
from genesis_ops.runlog.reader import Line
from genesis_ops.runlog.tally import Hour
from genesis_ops.words import Exit

E = TypeVar("E")

MOST_EVIDENCE = 10
"""How many lines of evidence a check shows, unless it shows every one; ``detail`` says that there are more."""


class Outcome(StrEnum):
    """What a check came to; the verdict of several is the worst, SKIP aside (contract §7)."""

    PASS = "PASS"  # noqa: S105 - not a password
    WARN = "WARN"
    FAIL = "FAIL"
    UNKNOWN = "UNKNOWN"
    SKIP = "SKIP"


class Place(NamedTuple):
    """A line of a file as proof; line 0 is a file without a line, or a line that can no longer be counted."""

    file: str
    line: int
    text: str


class Result(NamedTuple):
    """What one check found: ``detail`` for a person in one line, ``observed`` and ``expected`` for a machine.

    ``remedy`` is the next command to type, or what to do and not to do; empty where all is well.
    """

    outcome: Outcome
    detail: str
    observed: int | float | str | None = None
    expected: int | float | str | None = None
    evidence: tuple[Line | Place, ...] = ()
    remedy: str = ""


class Check(NamedTuple, Generic[E]):
    """A check: its stable id (contract §8), its title, and the pure function that judges.

    ``doubt`` names what hinders this check from being sure, such as a log that cannot be read; then it cannot pass.
    ``bonus`` checks are listed beside the ones that a command counts. ``every`` line of evidence is shown where each
    is something to mend.
    """

    id: str
    title: str
    judge: Callable[[E], Result]
    doubt: Callable[[E], str] = lambda _: ""
    bonus: bool = False
    every: bool = False


class Judged(NamedTuple):
    """A check's result as a report holds it, its evidence resolved to files and lines."""

    number: int
    id: str
    title: str
    outcome: Outcome
    observed: int | float | str | None
    expected: int | float | str | None
    detail: str
    evidence: tuple[Place, ...]
    remedy: str
    bonus: bool = False


class Window(NamedTuple):
    """The stretch of time that was judged (ms, UTC), and how much of it the log covers."""

    start_ms: int
    end_ms: int
    covered_seconds: int


class Movement(NamedTuple):
    """What a wallet of a currency held before and holds now; None where no reading names it."""

    currency: str
    before: float | None
    after: float | None

    @property
    def change(self) -> float:
        """By how much it changed, to the eighth decimal; what is not named holds nothing."""
        return round((self.after or 0.0) - (self.before or 0.0), 8)


class Report(NamedTuple):
    """Everything a command found; every check is in it, always."""

    command: str
    subject: str
    """What was judged, for the head line: ``dry-run, 24h to 2026-02-05 13:10 UTC``."""
    market: str
    generated_ms: int
    checks: tuple[Judged, ...]
    window: Window | None = None
    summary: Mapping[str, int] | None = None
    hours: tuple[Hour, ...] = ()
    """The window candle by candle, for the picture."""
    notes: tuple[str, ...] = ()
    """What else a person should know, such as lines that were not understood."""
    closing: str = ""
    """What stands at the end of the last line, such as ``receipt: acceptance_receipt_….json``."""
    strict: bool = False
    overruled: Exit | None = None
    """What the process ends with instead, where something went wrong beside the judgement."""
    version: str = __version__
    wallets: tuple[Movement, ...] = ()
    """What was held against what, where wallets were compared."""

    @property
    def verdict(self) -> Outcome:
        """Sum up the checks (contract §7)."""
        return verdict(judged.outcome for judged in self.checks)

    @property
    def exit_code(self) -> Exit:
        """Tell what the process ends with (contract §7)."""
        if self.overruled is not None:
            return self.overruled
        if self.verdict is Outcome.WARN and self.strict:
            return Exit.FAIL
        return _EXITS[self.verdict]


_EXITS = {
    Outcome.PASS: Exit.PASS,
    Outcome.WARN: Exit.PASS,
    Outcome.FAIL: Exit.FAIL,
    Outcome.UNKNOWN: Exit.UNKNOWN,
}
_WORST_FIRST = (Outcome.FAIL, Outcome.UNKNOWN, Outcome.WARN, Outcome.PASS)


def verdict(outcomes: Iterable[Outcome]) -> Outcome:
    """Sum up outcomes: FAIL over UNKNOWN over WARN over PASS; where everything was skipped nothing is known."""
    found = set(outcomes)
    return next((outcome for outcome in _WORST_FIRST if outcome in found), Outcome.UNKNOWN)


def judge(checks: Sequence[Check[E]], evidence: E, shown: Callable[[str], str]) -> tuple[Judged, ...]:
    """Let every check judge; one that fails itself is UNKNOWN with the cause, and never hides another.

    ``shown`` writes a file's path as the report is to name it.
    """
    return tuple(_judged(number, check, evidence, shown) for number, check in enumerate(checks, 1))


def _judged(number: int, check: Check[E], evidence: E, shown: Callable[[str], str]) -> Judged:
    try:
        result = _sure(check.judge(evidence), check.doubt(evidence))
        result = result if check.every else _cut(result)
        places = tuple(_place(proof, shown) for proof in result.evidence)
    except Exception as error:  # noqa: BLE001 - a defect in one check must not hide what the others see
        cause = f"the check itself failed: {type(error).__name__}: {error}"
        result, places = Result(Outcome.UNKNOWN, cause, remedy="keep this output and report it as a bug"), ()
    return Judged(
        number,
        check.id,
        check.title,
        result.outcome,
        result.observed,
        result.expected,
        result.detail,
        places,
        result.remedy,
        check.bonus,
    )


def _sure(result: Result, doubt: str) -> Result:
    """Take back a PASS or a WARN that rests on evidence which could not be read to its end; a FAIL stays one."""
    if not doubt or result.outcome not in {Outcome.PASS, Outcome.WARN}:
        return result
    seen = f"; as far as it could be read: {result.detail}" if result.observed else ""
    return result._replace(outcome=Outcome.UNKNOWN, detail=doubt + seen)


def _cut(result: Result) -> Result:
    """Keep the first lines of evidence, and say that these are not all."""
    count = len(result.evidence)
    if count <= MOST_EVIDENCE:
        return result
    detail = f"{result.detail} (the first {MOST_EVIDENCE} of {count})"
    return result._replace(detail=detail, evidence=result.evidence[:MOST_EVIDENCE])


def _place(proof: Line | Place, shown: Callable[[str], str]) -> Place:
    return proof if isinstance(proof, Place) else Place(shown(str(proof.file.path)), proof.number, proof.text)
