"""What acceptance and stop-check judge: the log's window as runs, its gaps explained, and the state; all frozen."""

from typing import TYPE_CHECKING, NamedTuple

from genesis_ops.checks.model import Place
from genesis_ops.runlog.events import CandleClose
from genesis_ops.runlog.reader import LogLine, Notes
from genesis_ops.runlog.runs import Close, Run
from genesis_ops.runlog.tally import Tally
from genesis_ops.words import Timeframe

if TYPE_CHECKING:
    from genesis_ops.state.model import State


class Explanation(NamedTuple):
    """Why nothing was processed, or nothing written, for a while: a sentence's end, and the lines that prove it."""

    cause: str
    evidence: tuple[LogLine, ...] = ()


class Gap(NamedTuple):
    """Neighbouring candles without a close (open times in ms), and why."""

    missing: tuple[int, ...]
    why: Explanation
    beside: tuple[LogLine, ...]
    """The closes before and after it, where there are any."""


class Silence(NamedTuple):
    """A stretch (ms, UTC) in which no line was written."""

    from_ms: int
    to_ms: int
    why: Explanation


class Outage(NamedTuple):
    """A stretch (ms, UTC) in which something failed again and again, and how often it did."""

    feed: bool
    """Whether it was requests for candles; else it was evaluations."""
    from_ms: int
    to_ms: int
    times: int


class LogEvidence(NamedTuple):
    """What the log says of a window ``[start_ms, end_ms]`` (UTC), and of what stands just before it."""

    timeframe: Timeframe
    start_ms: int
    end_ms: int
    runs: tuple[Run, ...]
    """Those that were alive in the window, oldest first; what the first announced may stand before the window."""
    earlier: tuple[Close, ...]
    """The closes just before the window, against which its own are held."""
    texts: tuple[str, ...]
    """The telling lines of the window as they stand in the files."""
    tally: Tally
    """The window added up, candle by candle."""
    gaps: tuple[Gap, ...]
    silences: tuple[Silence, ...]
    first_ms: int | None
    last_ms: int | None
    """How far the lines reach within the window; None where there are none."""
    newest: CandleClose | None
    """The newest close of the whole log, in the window or after it."""
    ahead_ms: tuple[int, ...]
    """How far stamps were found ahead of UTC; the times here are corrected for it."""
    notes: Notes
    """What the reading met; of its counts only those of damage are meant."""
    troubles: tuple[str, ...]
    """What hindered the reading: files that cannot be read, or only in part."""
    nothing: str
    """Why there is nothing to judge; empty where there are lines in the window."""
    outages: tuple[Outage, ...] = ()
    """When requests for candles or evaluations failed in the window, every one counted."""
    after: tuple[int, ...] = ()
    """The candles (open times in ms) that are missing just behind a day, in a step that begins before its end."""

    @property
    def closes(self) -> tuple[Close, ...]:
        """The closes whose lines stand in the window, in order."""
        return tuple(close for run in self.runs for close in run.closes)


class StateEvidence(NamedTuple):
    """The state, or what is wrong with its file; both empty where there is no file."""

    file: str
    state: "State | None"
    problem: str
    copies: tuple[str, ...] = ()
    """Copies of damaged states that stand beside it."""


class OrderDoubt(NamedTuple):
    """An order of which nobody knows what came of it, or (without a name) a journal that can tell of none."""

    name: str
    sentence: str
    place: Place
    remedy: str
    settling: bool = False
    """Whether a living runner is asking the wallets about it, so that it may be over in two minutes."""


class OrdersFound(NamedTuple):
    """The journal of orders as it stands now, whatever window is judged; both empty where there is none.

    ``trouble`` is why this user cannot read it.
    """

    doubts: tuple[OrderDoubt, ...] = ()
    trouble: str = ""


class Evidence(NamedTuple):
    """Everything acceptance and stop-check judge from."""

    log: LogEvidence
    state: StateEvidence
    acknowledged_ms: int | None = None
    """When an operator last resumed the phase, knowing what had happened until then (ms, UTC)."""
    orders: OrdersFound = OrdersFound()
    """What is in doubt among the orders; acceptance, which is for a dry-run, does not look."""
