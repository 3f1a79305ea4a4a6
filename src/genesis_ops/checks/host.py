"""What one look at a trading host found, as frozen facts: ``collect`` makes them, ``preflight`` judges them."""

from typing import NamedTuple

from genesis_ops.checks.evidence import OrdersFound
from genesis_ops.checks.model import Place
from genesis_ops.clients.health import ExchangeTime, Health
from genesis_ops.clients.process import Listeners, Trader
from genesis_ops.runlog.reader import LogLine
from genesis_ops.runlog.runs import RunWords
from genesis_ops.settings import Settings
from genesis_ops.state.champion import Fingerprint, Pin
from genesis_ops.state.latch import Latch
from genesis_ops.words import MINUTE_MS


class BindError(NamedTuple):
    """A server that found its port taken: its words, and when its log was last written (ms, UTC)."""

    places: tuple[Place, ...]
    at_ms: int


class LogFound(NamedTuple):
    """The runner log's newest words (times in ms, UTC, corrected where the log is in local time)."""

    newest: LogLine | None = None
    newest_ms: int = 0
    """When the newest line was written; 0 where there is none."""
    written_ms: int | None = None
    """When the newest file was last written, by the file system."""
    run: RunWords | None = None
    former: RunWords | None = None
    """The run before the newest one."""
    trouble: str = ""
    """Why the log could not be read, or not to its end."""

    def utc(self, line: LogLine) -> int:
        """Tell the time (ms, UTC) of a line of the newest run, corrected where the log is in local time."""
        return line.at_ms - (0 if self.run is None else self.run.zone_minutes * MINUTE_MS)


class StateFound(NamedTuple):
    """The state file: its heartbeat as it stands there, or why it cannot be used."""

    present: bool
    heartbeat: str | None = None
    fault: str = ""


class ChampionFound(NamedTuple):
    """The champion's file, or why it cannot be read, and the pin of the first run."""

    fingerprint: Fingerprint | None
    fault: str
    pin: Pin | None


class DirectoryFound(NamedTuple):
    """The log directory; ``fault`` says why nothing can be written into it."""

    present: bool
    fault: str = ""


class EnvLine(NamedTuple):
    """A line of ``.env`` that is not read alike everywhere; the sentence holds no value."""

    line: int
    sentence: str
    severe: bool


class EnvFound(NamedTuple):
    """The ``.env`` file; ``mode`` None where the system has no permission bits."""

    present: bool
    fault: str = ""
    hidden: bool = False
    """Whether the fault is that this user may not read it."""
    mode: int | None = None
    lines: tuple[EnvLine, ...] = ()
    missing: tuple[str, ...] = ()


class DiskFound(NamedTuple):
    """What is free where the logs are written; ``inodes`` None where the file system does not count them."""

    free_bytes: int
    inodes: int | None = None


class Host(NamedTuple):
    """Everything a preflight looks at (``now_ms``: by this host's clock)."""

    now_ms: int
    settings: Settings
    health: Health
    listeners: Listeners | None
    """Who holds the API's port; None where nobody needed to know, or the API is on another host."""
    bind_error: BindError | None
    log: LogFound
    state: StateFound
    champion: ChampionFound
    directory: DirectoryFound
    env: EnvFound
    traders: tuple[Trader, ...]
    exchange: ExchangeTime
    disk: DiskFound | None
    latch: Latch | None
    orders: OrdersFound = OrdersFound()

    @property
    def interval(self) -> int:
        """How many seconds lie between two polls: by the run's own words, or as configured."""
        run = self.log.run
        return self.settings.poll_interval if run is None or run.interval is None else run.interval
