"""The ways in which a drill spoils a clean root; each takes a root and changes files or answers, nothing else."""

import gzip
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from genesis_ops.rehearsal.drill_root import Root, Spoil
from genesis_ops.runlog.events import Event
from genesis_ops.runlog.writer import LOGGER
from genesis_ops.state.champion import pin_file
from genesis_ops.state.latch import Latch, latch_file, set_latch
from genesis_ops.words import DAY_MS, HOUR_MS, MINUTE_MS, iso, stamp

_CLOSE = "NEW CANDLE CLOSE"


def both(*spoils: Spoil) -> Spoil:
    """Let several things be wrong, one after another."""

    def spoil(root: Root) -> None:
        for each in spoils:
            each(root)

    return spoil


# --- the log


def said(event: Event, *, ahead_ms: int = 0) -> Spoil:
    """Let the runner's log end with a line."""
    return line(event.level, event.message(), ahead_ms=ahead_ms)


def line(level: str, message: str, *, ahead_ms: int = 0) -> Spoil:
    """Let the runner's log end with a line of these words."""

    def spoil(root: Root) -> None:
        with _newest_log(root).open("a", encoding="utf-8", newline="\n") as log:
            log.write(f"{stamp(root.clock.now_ms() + ahead_ms)} - {LOGGER} - {level} - {message}\n")

    return spoil


def twice(phrase: str) -> Spoil:
    """Let the newest line with a phrase stand there twice."""
    return _lines(lambda lines: [*lines, next(line for line in reversed(lines) if phrase in line)])


def without(phrase: str) -> Spoil:
    """Take away every line with a phrase, in every file of the log."""
    return _lines(lambda lines: [line for line in lines if phrase not in line], every=True)


def without_last(phrase: str, count: int = 1) -> Spoil:
    """Take away the newest lines with a phrase."""

    def change(lines: list[str]) -> list[str]:
        gone = [number for number, line in enumerate(lines) if phrase in line][-count:]
        return [line for number, line in enumerate(lines) if number not in gone]

    return _lines(change)


def reworded(old: str, new: str, *, where: str = "", every: bool = False) -> Spoil:
    """Write the newest line with a phrase in another way, or every one; ``where`` is another phrase of it."""

    def change(lines: list[str]) -> list[str]:
        found = [number for number, line in enumerate(lines) if (where or old) in line]
        places = found if every else found[-1:]
        return [line.replace(old, new) if number in places else line for number, line in enumerate(lines)]

    return _lines(change, every=every)


def close_moved(hours: int) -> Spoil:
    """Let the newest close be of another candle, so many hours later."""

    def spoil(root: Root) -> None:
        ts = json.loads(root.settings.state_file.read_bytes())["last_processed_candle_ts"]
        reworded(f"ts={ts}", f"ts={ts + hours * HOUR_MS}", where=_CLOSE)(root)

    return spoil


def closes_lost(*back: int) -> Spoil:
    """Take away what was written in the minutes of closes so many hours back."""

    def spoil(root: Root) -> None:
        hour_ms = root.clock.now_ms() // HOUR_MS * HOUR_MS
        minutes = tuple(stamp(hour_ms - hours * HOUR_MS)[:16] for hours in back)
        _lines(lambda lines: [line for line in lines if not line.startswith(minutes)])(root)

    return spoil


def silent(minutes: int) -> Spoil:
    """Let the log end so many minutes ago."""

    def spoil(root: Root) -> None:
        since = stamp(root.clock.now_ms() - minutes * MINUTE_MS)
        _lines(lambda lines: [line for line in lines if line < since])(root)

    return spoil


def begun_late(hours: int) -> Spoil:
    """Let the log's first so many hours be lost."""

    def spoil(root: Root) -> None:
        until = stamp(root.clock.now_ms() - DAY_MS + hours * HOUR_MS)
        _lines(lambda lines: [line for line in lines if line >= until], every=True)(root)

    return spoil


# --- the state


def state(**changes: Any) -> Spoil:
    """Let the state say something else."""
    return lambda root: rewrite(root.settings.state_file, **changes)


def state_moved(hours: int, ms: int = 0) -> Spoil:
    """Let the state's last candle be so far ahead of what it is."""

    def spoil(root: Root) -> None:
        last = json.loads(root.settings.state_file.read_bytes())["last_processed_candle_ts"]
        rewrite(root.settings.state_file, last_processed_candle_ts=last + hours * HOUR_MS + ms)

    return spoil


def heartbeat(minutes: int) -> Spoil:
    """Let the state's heartbeat be so many minutes ahead of now."""
    return lambda root: rewrite(root.settings.state_file, last_heartbeat=iso(root.clock.now_ms() + minutes * MINUTE_MS))


def state_cut(root: Root) -> None:
    """Leave half of the state."""
    cut(root.settings.state_file)


def state_gone(root: Root) -> None:
    """Leave no state."""
    root.settings.state_file.unlink()


# --- champion, .env, log directory, latch


def champion(raw: bytes) -> Spoil:
    """Let the champion's file hold something else."""

    def spoil(root: Root) -> None:
        root.settings.champion_file.write_bytes(raw)

    return spoil


def champion_changed(root: Root) -> None:
    """Let the champion be another one."""
    rewrite(root.settings.champion_file, strategy_family="another")


def champion_gone(root: Root) -> None:
    """Leave no champion."""
    root.settings.champion_file.unlink()


def champion_a_folder(root: Root) -> None:
    """Put a directory in the champion's place, which nobody can read as a file."""
    champion_gone(root)
    root.settings.champion_file.mkdir()


def pin(**changes: Any) -> Spoil:
    """Let the pin of the frozen champion say something else."""
    return lambda root: rewrite(pin_file(root.logs), **changes)


def pin_cut(root: Root) -> None:
    """Leave half of the pin."""
    cut(pin_file(root.logs))


def env(raw: bytes) -> Spoil:
    """Let ``.env`` hold something else."""

    def spoil(root: Root) -> None:
        (root.settings.root / ".env").write_bytes(raw)

    return spoil


def env_gone(root: Root) -> None:
    """Leave no ``.env``."""
    (root.settings.root / ".env").unlink()


def env_open(root: Root) -> None:
    """Let everybody read ``.env``."""
    (root.settings.root / ".env").chmod(0o644)


def env_a_folder(root: Root) -> None:
    """Put a directory in the place of ``.env``."""
    env_gone(root)
    (root.settings.root / ".env").mkdir()


def env_a_fifo(root: Root) -> None:
    """Put a FIFO in the place of ``.env``."""
    env_gone(root)
    os.mkfifo(root.settings.root / ".env")


def no_log_directory(root: Root) -> None:
    """Move the log directory away."""
    root.logs.rename(root.logs.with_name("moved"))


def log_directory_shut(root: Root) -> None:
    """Let nobody write into the log directory, until the case is over."""
    root.held.callback(root.logs.chmod, 0o755)
    root.logs.chmod(0o555)


def latched(root: Root) -> None:
    """Set the stop latch."""
    set_latch(root.logs, Latch(root.clock.now_ms(), ("set by the drill",), "drill"))


def latch_damaged(root: Root) -> None:
    """Leave an empty stop latch."""
    latch_file(root.logs).touch()


# --- files


def rewrite(path: Path, **changes: Any) -> None:
    """Let a JSON file say something else."""
    document = json.loads(path.read_bytes())
    path.write_text(json.dumps(document | changes), encoding="utf-8", newline="\n")


def cut(path: Path) -> None:
    """Leave half of a file."""
    raw = path.read_bytes()
    path.write_bytes(raw[: len(raw) // 2])


def _newest_log(root: Root) -> Path:
    return max(root.logs.glob("runner_2*.log"))


def _lines(change: Callable[[list[str]], list[str]], *, every: bool = False) -> Spoil:
    """Change the lines of the newest file of the log, or of every one, packed or not."""

    def spoil(root: Root) -> None:
        for path in sorted(root.logs.glob("runner_2*.log*")) if every else (_newest_log(root),):
            packed, raw = path.suffix == ".gz", path.read_bytes()
            text = (gzip.decompress(raw) if packed else raw).decode("utf-8")
            changed = "".join(change(text.splitlines(keepends=True))).encode("utf-8")
            path.write_bytes(gzip.compress(changed, 1) if packed else changed)

    return spoil
