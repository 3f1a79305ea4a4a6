"""What can go wrong with a rehearsed host itself: done to its files, its processes, its disk and its clock."""

from pathlib import Path

from genesis_ops.rehearsal.host import Host
from genesis_ops.runlog.files import log_files
from genesis_ops.settings import Settings
from genesis_ops.state.latch import Latch, set_latch
from genesis_ops.words import stamp

_LITTLE_BYTES = 60_000_000
_STEP_MS = 5 * 60_000


def kill_runner(host: Host) -> None:
    """End the runner without a word."""
    host.stage.kill()


def hang_runner(host: Host) -> None:
    """Let the runner live on and do nothing."""
    host.stage.hangs = True


def stop_runner(host: Host) -> None:
    """End the runner in good order, unasked."""
    host.stop()


def tear_state(host: Host) -> None:
    """Let a power cut end the runner and leave half a state."""
    host.stage.kill()
    raw = host.settings.state_file.read_bytes()
    host.settings.state_file.write_bytes(raw[: len(raw) // 2])


def remove_state(host: Host) -> None:
    """End the runner and take its state away."""
    host.stage.kill()
    host.settings.state_file.unlink()


def move_log(host: Host) -> None:
    """Move the day's log out of the directory, under the runner's hands."""
    path = log_files(host.settings.log_dir)[-1].path
    target = _aside(host.settings) / path.name
    target.parent.mkdir(exist_ok=True)
    path.rename(target)


def put_log_back(host: Host) -> None:
    """Put what was moved back, before whatever was written since."""
    host.stage.kill()
    for path in sorted(_aside(host.settings).glob("*.log")):
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
    path.write_text(path.read_text("utf-8").replace("0.015", "0.02"), "utf-8")


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
    lines = [
        line for file in log_files(host.settings.log_dir)[-2:] for line in file.path.read_text("utf-8").splitlines()
    ]
    _append(host, next(line for line in reversed(lines) if "NEW CANDLE CLOSE" in line).split(" - ", 3)[3])


def add_runner(host: Host) -> None:
    """Have a second process write into the log."""
    host.second_runner = True


def end_second_runner(host: Host) -> None:
    """End the second process."""
    host.second_runner = False


def damage_journal(host: Host) -> None:
    """Change a byte in the middle of the journal of orders."""
    path = _journals(host.settings)[-1]
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 1
    path.write_bytes(bytes(raw))


def mend_journal(host: Host) -> None:
    """Put the journal back from a copy."""
    for path in _journals(host.settings):
        path.write_bytes(path.read_bytes())
    path = _journals(host.settings)[-1]
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 1
    path.write_bytes(bytes(raw))


def latch(host: Host) -> None:
    """Set the stop latch by hand."""
    set_latch(host.settings.log_dir, Latch(host.clock.now_ms(), ("somebody wants to look at it",), "genesis"))


def _append(host: Host, message: str) -> None:
    path = log_files(host.settings.log_dir)[-1].path
    with path.open("a", encoding="utf-8", newline="\n") as file:
        file.write(f"{stamp(host.clock.now_ms())} - paper_trading_runner - INFO - {message}\n")


def _aside(settings: Settings) -> Path:
    return settings.root / "moved"


def _journals(settings: Settings) -> list[Path]:
    return sorted(settings.log_dir.glob("runner_orders_*.log"))
