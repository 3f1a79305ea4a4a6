"""Writing small logs by hand."""

import gzip
from collections.abc import Iterable
from pathlib import Path

from genesis_ops.runlog.events import CandleClose, Event
from genesis_ops.runlog.files import log_files
from genesis_ops.runlog.reader import LogLine, LogReader
from genesis_ops.words import stamp

START = 1_772_352_000_000
"""2026-03-01 08:00:00."""


def line(at_ms: int, message: str | Event, level: str = "INFO") -> str:
    text = message if isinstance(message, str) else message.message()
    return f"{stamp(at_ms)} - paper_trading_runner - {level} - {text}\n"


def close(at_ms: int, ts: int, price: float = 65000.0) -> str:
    return line(at_ms, CandleClose(ts, price, "previous"))


def put(log_dir: Path, day: str, text: str | bytes | Iterable[str]) -> Path:
    data = text if isinstance(text, bytes) else "".join(text).encode()
    path = log_dir / f"runner_{day}.log"
    path.write_bytes(data)
    return path


def put_packed(log_dir: Path, day: str, text: str | bytes) -> Path:
    path = log_dir / f"runner_{day}.log.gz"
    path.write_bytes(gzip.compress(text if isinstance(text, bytes) else text.encode()))
    return path


def read(log_dir: Path, start_ms: int | None = None, end_ms: int | None = None) -> tuple[list[LogLine], LogReader]:
    reader = LogReader(log_files(log_dir), start_ms, end_ms)
    return list(reader), reader


def accounted(reader: LogReader, made: int) -> bool:
    notes = reader.notes
    return notes.lines + notes.joined == made + notes.left_out + notes.continuation + notes.unstamped
