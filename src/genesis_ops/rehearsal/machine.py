"""What can go wrong with a rehearsed host itself: done to its files, its processes, its disk and its clock."""

from pathlib import Path

from genesis_ops.rehearsal.host import Host
from genesis_ops.runlog.files import log_files
from genesis_ops.settings import Settings
from genesis_ops.state.latch import Latch, set_latch
from genesis_ops.words import stamp

_LITTLE_BYTES = 60_000_000
_STEP_MS = 5 * 60_000
_JOURNALS = "runner_orders_*.log"


class NothingThere(Exception):
    """What was to be damaged is not there, or is damaged already: why it could not happen."""


def kill_runner(host: Host) -> None:
    """End the runner without a word."""
    _require(host.stage.lives, "no runner runs")
    host.stage.kill()


def hang_runner(host: Host) -> None:
    """Let the runner live on and do nothing."""
    _require(host.stage.lives, "no runner runs")
    _require(not host.stage.hangs, "the runner hangs already")
    host.stage.hangs = True


def end_runner(host: Host) -> None:
    """End a runner that hangs, if nobody has yet."""
    host.stage.kill()


def stop_runner(host: Host) -> None:
    """End the runner in good order, unasked."""
    _require(host.stage.lives and not host.stage.hangs, "no runner runs that could be stopped")
    host.stop()


def tear_state(host: Host) -> None:
    """Let a power cut end the runner and leave half a state."""
    _require(host.settings.state_file.is_file(), "there is no state")
    host.stage.kill()
    raw = host.settings.state_file.read_bytes()
    host.settings.state_file.write_bytes(raw[: len(raw) // 2])


def remove_state(host: Host) -> None:
    """End the runner and take its state away."""
    _require(host.settings.state_file.is_file(), "there is no state")
    host.stage.kill()
    host.settings.state_file.unlink()


def move_log(host: Host) -> None:
    """Move the day's log out of the directory, under the runner's hands."""
    path = _newest_log(host)
    target = _aside(host.settings) / path.name
    _require(not target.exists(), "the log is moved away already")
    target.parent.mkdir(exist_ok=True)
    path.rename(target)


def put_log_back(host: Host) -> None:
    """Put what was moved back, before whatever was written since."""
    host.stage.kill()
    for path in sorted(_aside(host.settings).glob("runner_????????.log")):
        target = host.settings.log_dir / path.name
        since = target.read_bytes() if target.exists() else b""
        target.write_bytes(path.read_bytes() + since)
        path.unlink()


def fill_disk(host: Host) -> None:
    """Leave little room on the disk."""
    host.free_bytes = _LITTLE_BYTES


def clear_disk(host: Host) -> None:
    """Make room again."""
    host.free_bytes = 20_000_000_000


def step_clock(host: Host) -> None:
    """Put the host's clock five minutes ahead."""
    host.stage.ahead_ms = _STEP_MS


def set_clock(host: Host) -> None:
    """Put the host's clock right."""
    host.stage.ahead_ms = 0


def change_champion(host: Host) -> None:
    """Change a figure of the frozen champion."""
    path = host.settings.champion_file
    frozen = path.read_text("utf-8")
    _require("0.015" in frozen, "it is changed already")
    path.write_text(frozen.replace("0.015", "0.02"), "utf-8")


def restore_champion(host: Host) -> None:
    """Put the frozen champion back."""
    path = host.settings.champion_file
    path.write_text(path.read_text("utf-8").replace("0.02", "0.015"), "utf-8")


def mark_env(host: Host) -> None:
    """Save .env with a byte order mark, as an editor does."""
    path = host.settings.root / ".env"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())


def unmark_env(host: Host) -> None:
    """Save .env without the mark."""
    path = host.settings.root / ".env"
    path.write_bytes(path.read_bytes().removeprefix(b"\xef\xbb\xbf"))


def open_env(host: Host) -> None:
    """Let everybody read .env."""
    (host.settings.root / ".env").chmod(0o644)


def close_env(host: Host) -> None:
    """Let nobody else read .env."""
    (host.settings.root / ".env").chmod(0o600)


def write_order(host: Host) -> None:
    """Write an order's line into the log of the run."""
    _append(host, "Submitting LONG order...")


def repeat_candle(host: Host) -> None:
    """Announce the newest candle once more, as the older runner did at every failed evaluation."""
    files = [file.path for file in log_files(host.settings.log_dir)[-2:]]
    closes = [line for path in files for line in path.read_text("utf-8").splitlines() if "NEW CANDLE CLOSE" in line]
    _require(bool(closes), "no candle was announced yet")
    _append(host, closes[-1].split(" - ", 3)[3])


def add_runner(host: Host) -> None:
    """Have a second process write into the log."""
    host.second_runner = True
    let_it_write(host)


def let_it_write(host: Host) -> None:
    """Have the second process write one of its lines."""
    _append(host, "Heartbeat: evaluations=0, orders=0, last_candle_ts=None")


def end_second_runner(host: Host) -> None:
    """End the second process."""
    host.second_runner = False


def damage_journal(host: Host) -> None:
    """Change a byte in the middle of the journal of orders."""
    journals = sorted(host.settings.log_dir.glob(_JOURNALS))
    _require(bool(journals), "there is no journal: no order was sent yet")
    copy = _aside(host.settings) / journals[-1].name
    _require(not list(copy.parent.glob(_JOURNALS)), "it is damaged already")
    raw = bytearray(journals[-1].read_bytes())
    copy.parent.mkdir(exist_ok=True)
    copy.write_bytes(raw)
    raw[len(raw) // 2] ^= 1
    journals[-1].write_bytes(raw)


def mend_journal(host: Host) -> None:
    """Put the journal back from a copy."""
    for copy in _aside(host.settings).glob(_JOURNALS):
        (host.settings.log_dir / copy.name).write_bytes(copy.read_bytes())
        copy.unlink()


def latch(host: Host) -> None:
    """Set the stop latch by hand."""
    set_latch(host.settings.log_dir, Latch(host.clock.now_ms(), ("somebody wants to look at it",), "genesis"))


def _append(host: Host, message: str) -> None:
    with _newest_log(host).open("a", encoding="utf-8", newline="\n") as file:
        file.write(f"{stamp(host.clock.now_ms())} - paper_trading_runner - INFO - {message}\n")


def _newest_log(host: Host) -> Path:
    files = log_files(host.settings.log_dir)
    _require(bool(files), "there is no log")
    return files[-1].path


def _aside(settings: Settings) -> Path:
    return settings.root / "moved"


def _require(there: bool, why_not: str) -> None:
    if not there:
        raise NothingThere(why_not)
