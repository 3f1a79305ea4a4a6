"""The ways in which a drill spoils a clean root; each takes a root and changes files or answers, nothing else."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from genesis_ops.journal.book import order_id
from genesis_ops.journal.journal import Journal
from genesis_ops.journal.record import Kind
from genesis_ops.rehearsal.drill_root import Root
from genesis_ops.runlog.events import Event
from genesis_ops.runlog.writer import LOGGER
from genesis_ops.sandbox.wire import says
from genesis_ops.state.champion import fingerprint
from genesis_ops.state.latch import Latch, set_latch
from genesis_ops.words import DAY_MS, HOUR_MS, iso, stamp

Spoil = Callable[[Root], None]
_OTHER_HASH = "0" * 64


def said(event: Event) -> Spoil:
    """Let the runner's log end with a line."""

    def spoil(root: Root) -> None:
        line = f"{stamp(root.clock.now_ms())} - {LOGGER} - {event.level} - {event.message()}\n"
        with _newest_log(root).open("a", encoding="utf-8") as log:
            log.write(line)

    return spoil


def twice(phrase: str) -> Spoil:
    """Let the newest line with a phrase stand there twice."""
    return _lines(lambda lines: [*lines, next(line for line in reversed(lines) if phrase in line)])


def without(phrase: str) -> Spoil:
    """Take away every line with a phrase, in every file of the log."""
    return _lines(lambda lines: [line for line in lines if phrase not in line], every=True)


def without_last(phrase: str) -> Spoil:
    """Take away the newest line with a phrase."""

    def change(lines: list[str]) -> list[str]:
        place = max(number for number, line in enumerate(lines) if phrase in line)
        return lines[:place] + lines[place + 1 :]

    return _lines(change)


def reworded(old: str, new: str) -> Spoil:
    """Write the newest line with a phrase in another way."""

    def change(lines: list[str]) -> list[str]:
        place = max(number for number, line in enumerate(lines) if old in line)
        return [*lines[:place], lines[place].replace(old, new), *lines[place + 1 :]]

    return _lines(change)


def two_closes_lost(root: Root) -> None:
    """Take away what was written in the minutes of two neighbouring closes."""
    now_ms = root.clock.now_ms()
    minutes = tuple(stamp(now_ms - now_ms % HOUR_MS - back * HOUR_MS)[:16] for back in (4, 5))
    _lines(lambda lines: [line for line in lines if not line.startswith(minutes)])(root)


def silent(root: Root) -> None:
    """Let the log end an hour ago."""
    since = stamp(root.clock.now_ms() - HOUR_MS)
    _lines(lambda lines: [line for line in lines if line < since])(root)


def state(**changes: Any) -> Spoil:
    """Let the state say something else."""
    return lambda root: _json(root.settings.state_file, **changes)


def state_behind(root: Root) -> None:
    """Let the state be a candle behind the log."""
    last = json.loads(root.settings.state_file.read_bytes())["last_processed_candle_ts"]
    _json(root.settings.state_file, last_processed_candle_ts=last - HOUR_MS)


def state_old(root: Root) -> None:
    """Let the state's heartbeat be two hours old."""
    _json(root.settings.state_file, last_heartbeat=iso(root.clock.now_ms() - 2 * HOUR_MS))


def state_cut(root: Root) -> None:
    """Leave half of the state."""
    _cut(root.settings.state_file)


def state_gone(root: Root) -> None:
    """Leave no state."""
    root.settings.state_file.unlink()


def champion(raw: bytes) -> Spoil:
    """Let the champion's file hold something else."""

    def spoil(root: Root) -> None:
        root.settings.champion_file.write_bytes(raw)

    return spoil


def champion_changed(root: Root) -> None:
    """Let the champion be another one."""
    _json(root.settings.champion_file, strategy_family="another")


def champion_gone(root: Root) -> None:
    """Leave no champion."""
    root.settings.champion_file.unlink()


def champion_a_folder(root: Root) -> None:
    """Put a directory in the champion's place, which nobody can read as a file."""
    champion_gone(root)
    root.settings.champion_file.mkdir()


def env(raw: bytes) -> Spoil:
    """Let ``.env`` hold something else."""

    def spoil(root: Root) -> None:
        (root.settings.root / ".env").write_bytes(raw)

    return spoil


def env_a_folder(root: Root) -> None:
    """Put a directory in the place of ``.env``."""
    (root.settings.root / ".env").unlink()
    (root.settings.root / ".env").mkdir()


def fault(name: str) -> Spoil:
    """Switch a fault of the sandbox on."""

    def spoil(root: Root) -> None:
        root.sandbox.faults.on(name, root.clock.now_ms())

    return spoil


def answers(path: str, document: object, status: int = 200) -> Spoil:
    """Let the API say something else at a path."""

    def spoil(root: Root) -> None:
        root.answers[path] = says(document, status)

    return spoil


def no_log_directory(root: Root) -> None:
    """Move the log directory away."""
    root.logs.rename(root.logs.with_name("moved"))


def no_runner(root: Root) -> None:
    """Let no process write the log."""
    root.runs = False


def full(root: Root) -> None:
    """Leave a megabyte on the disk."""
    root.free_bytes = 1_000_000


def latched(root: Root) -> None:
    """Set the stop latch."""
    set_latch(root.logs, Latch(root.clock.now_ms(), ("set by the drill",), "drill"))


# --- receipts


def receipt(**changes: Any) -> Spoil:
    """Let the acceptance receipt say something else."""
    return lambda root: _json(root.receipt, **changes)


def receipt_gone(root: Root) -> None:
    """Leave no receipt."""
    root.receipt.unlink()


def receipt_cut(root: Root) -> None:
    """Leave half of the receipt."""
    _cut(root.receipt)


def receipt_moved(**hours: int) -> Spoil:
    """Let the receipt's window and its writing lie so many hours elsewhere: ``window``, ``written``."""

    def spoil(root: Root) -> None:
        now_ms = root.clock.now_ms()
        end_ms = now_ms + hours.get("window", 0) * HOUR_MS
        window = {"start": iso(end_ms - DAY_MS), "end": iso(end_ms), "covered_seconds": DAY_MS // 1000}
        _json(root.receipt, window=window, written_at=iso(now_ms + hours.get("written", 0) * HOUR_MS))

    return spoil


def receipt_short(root: Root) -> None:
    """Let the receipt's window be covered for an hour."""
    window = json.loads(root.receipt.read_bytes())["window"]
    _json(root.receipt, window=window | {"covered_seconds": 3600})


def receipt_of_another_champion(root: Root) -> None:
    """Let the receipt be of another champion."""
    _json(root.receipt, champion={"file": "another.json", "sha256": _OTHER_HASH})


# --- the journal of orders


def in_doubt(root: Root) -> None:
    """Leave an order of which nobody knows what came of it."""
    _journal(root, f"{root.settings.symbol} {root.settings.timeframe}", doubt=True)


def journal_of_another_market(root: Root) -> None:
    """Let the journal of orders be another market's."""
    _journal(root, "tETHUSD 1h", doubt=False)


def journal_changed(root: Root) -> None:
    """Change a record of the journal afterwards."""
    in_doubt(root)
    (path,) = root.logs.glob("runner_orders_*.log")
    path.write_bytes(path.read_bytes().replace(b'"LONG"', b'"SHORT"'))


def _journal(root: Root, market: str, *, doubt: bool) -> None:
    journal = Journal(root.logs, root.clock.now_ms, durable=False, wait=root.clock.wait)
    begun = {
        "market": market, "symbol": "tTESTBTC:TESTUSD", "override": "", "gate": "of the drill",
        "champion_sha256": fingerprint(root.settings.champion_file).sha256, "config_hash": _OTHER_HASH,
    }  # fmt: skip
    candle_ts = (root.clock.now_ms() // HOUR_MS - 1) * HOUR_MS
    decided = {
        "candle_ts": candle_ts, "symbol": "tTESTBTC:TESTUSD", "side": "LONG",
        "size": 0.01, "price": 70_000.0, "config_hash": _OTHER_HASH,
    }  # fmt: skip
    with journal.held("genesis-ops drill"):
        journal.append(Kind.STARTED, **begun)
        if doubt:
            journal.append(Kind.DECIDED, id=order_id(candle_ts), **decided)
            journal.append(Kind.ARMED, id=order_id(candle_ts), before=None)
            journal.append(Kind.UNKNOWN, id=order_id(candle_ts), reason="no reply")


# --- files


def _newest_log(root: Root) -> Path:
    return max(root.logs.glob("runner_2*.log"))


def _lines(change: Callable[[list[str]], list[str]], *, every: bool = False) -> Spoil:
    def spoil(root: Root) -> None:
        for path in sorted(root.logs.glob("runner_2*.log")) if every else (_newest_log(root),):
            lines = change(path.read_text("utf-8").splitlines(keepends=True))
            path.write_text("".join(lines), encoding="utf-8", newline="\n")

    return spoil


def _json(path: Path, **changes: Any) -> None:
    document = json.loads(path.read_bytes())
    path.write_text(json.dumps(document | changes), encoding="utf-8", newline="\n")


def _cut(path: Path) -> None:
    raw = path.read_bytes()
    path.write_bytes(raw[: len(raw) // 2])
