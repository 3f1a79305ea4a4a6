"""What the phase report judges: log, state, journal, wallets and daily papers of the phase so far; all frozen."""

from collections.abc import Mapping
from typing import NamedTuple

from genesis_ops.checks.evidence import Evidence, LogEvidence
from genesis_ops.checks.journal import JournalFacts
from genesis_ops.journal.book import Order, Start
from genesis_ops.journal.wallet import currencies
from genesis_ops.state.operations import Operations
from genesis_ops.state.receipt import Receipt


class Balances(NamedTuple):
    """The exchange wallets by currency at a time (ms, UTC), and where that is written down."""

    at_ms: int
    amounts: Mapping[str, float]
    source: str


class Frozen(NamedTuple):
    """The champion's file beside what it was frozen as; ``pinned_ms`` is None where nothing was frozen yet.

    ``difference`` says how they differ, ``trouble`` why the file is none or cannot be read; empty where all is well.
    ``hidden`` where it is only this user who may not look at the file or the pin.
    """

    file: str
    sha256: str
    pinned_ms: int | None
    difference: str = ""
    trouble: str = ""
    hidden: bool = False


class Papers(NamedTuple):
    """The days (``2026-02-05``) that are over, and those with a snapshot and with a summary.

    ``trouble`` is why this user cannot tell.
    """

    due: tuple[str, ...]
    snapshots: frozenset[str]
    summaries: frozenset[str]
    trouble: str = ""


class Receipts(NamedTuple):
    """Every acceptance receipt, oldest first, or why they cannot be read."""

    found: tuple[Receipt, ...] = ()
    trouble: str = ""


class Phase(NamedTuple):
    """Where the phase stands: a day as people name it, its number, how many days it has, and whether it is over."""

    told: str
    number: int
    days: int
    over: bool


class PhaseEvidence(NamedTuple):
    """Everything that the phase report judges and shows."""

    phase: Phase
    log: LogEvidence
    stop: Evidence
    """The same log as the stop conditions look at it, with the state and the last resume."""
    journal: JournalFacts
    orders: tuple[Order, ...]
    starts: tuple[Start, ...]
    """The beginnings of live runs, as the journal has them."""
    receipts: Receipts
    frozen: Frozen
    wallets: tuple[Balances, ...]
    operations: Operations
    papers: Papers
    pair: str
    """The paper pair that stands for the market."""
    hidden: str = ""
    """What this user may not look at, so that most of the rest is unknown; empty where nothing is."""

    @property
    def coins(self) -> tuple[str, str]:
        """Name the base and the quote currency that are traded on paper."""
        return currencies(self.orders[-1].symbol if self.orders else self.pair)
