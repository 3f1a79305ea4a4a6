"""A snapshot as its file shows it, and how it gets there: no secret in it, whole or not at all (runbook, Day 0 step 3).

A line is ``name: what was seen`` where that can be, so that two snapshots can be held against each other.
"""

import os
import platform
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from genesis_ops import __version__
from genesis_ops.checks.model import Outcome
from genesis_ops.collect import wallets
from genesis_ops.collect.known_secrets import Known
from genesis_ops.collect.snapshot import FileFound, Seen
from genesis_ops.durable import publish
from genesis_ops.errors import WriteFailed, typed, write_failed
from genesis_ops.keep.clean import Cleaner, require_clean
from genesis_ops.state.operations import user_name
from genesis_ops.state.snapshots import Section, Snapshot, directory, free_names, written
from genesis_ops.words import duration, stamp

if TYPE_CHECKING:
    from genesis_ops.clients.process import Listeners

PRIVATE = 0o600
_LONGEST = 4000
"""How many characters of a line of a log or a state are shown."""


def snapshot_of(seen: Seen, known: Known) -> Snapshot:
    """Write what was seen as sections."""
    parts: tuple[tuple[str, Callable[[Seen], Iterator[str]]], ...] = (
        ("host", _host),
        ("api", _api),
        (wallets.SECTION, _wallets),
        ("runner", _runner),
        ("preflight", _preflight),
        ("units", _units),
        ("state", _state),
        ("runner log", _log),
    )
    sections = [Section(name, tuple(lines(seen))) for name, lines in parts]
    if known.troubles:
        sections.append(Section("left unseen", known.troubles))
    return Snapshot(seen.host.now_ms, tuple(sections))


def keep(snapshot: Snapshot, known: Known, log_dir: Path) -> Path:
    """Write a snapshot that holds no secret; where two are taken in one second, the later one is named a second on.

    Raises:
        Refused: a secret would be in it; nothing is written.
        WriteFailed: it is not on the disk.
    """
    folder = directory(log_dir)
    for at_ms, path in free_names(log_dir, snapshot.at_ms):
        raw = clean(snapshot._replace(at_ms=at_ms), known)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            publish(path, raw, mode=PRIVATE)
        except FileExistsError:  # it was taken meanwhile, or something stands in the folder's place
            if not folder.is_dir():
                break
            continue
        except OSError as error:
            raise write_failed(path, error) from error
        return path
    raise no_name_left(folder)


def no_name_left(folder: Path) -> WriteFailed:
    """Say that everything that a file could be called is taken."""
    why = f"{folder} could not be written: there is something of that name"
    return WriteFailed(why, next_command=f"ls -la {typed(folder)}")


def clean(snapshot: Snapshot, known: Known) -> bytes:
    """Give a snapshot's bytes without any secret; its sum is over what is left.

    Raises:
        Refused: one is in it all the same.
    """
    sections = tuple(
        section._replace(lines=_without_secrets(section.lines, known)) for section in snapshot.sections if section.lines
    )
    raw = written(snapshot._replace(sections=sections))
    require_clean(raw, known, "the snapshot")
    return raw


def _without_secrets(lines: Sequence[str], known: Known) -> tuple[str, ...]:
    """Clean them whole, and cut them then: half a secret would not be known as one."""
    clean = Cleaner(known.secrets).text("\n".join(lines)).split("\n")
    return tuple(line if len(line) <= _LONGEST else f"{line[:_LONGEST]}…" for line in clean)


def _host(seen: Seen) -> Iterator[str]:
    settings = seen.host.settings
    here = datetime.fromtimestamp(seen.host.now_ms / 1000, UTC).astimezone()
    yield f"name: {platform.node()}"
    yield f"user: {_user()}"
    yield f"root: {settings.root}"
    yield f"market: {settings.symbol} {settings.timeframe}"
    yield f"phase: {settings.told_day(datetime.fromtimestamp(seen.host.now_ms / 1000, UTC).date())}"
    yield f"time zone: {here.tzname()} ({here.strftime('%z')})"
    yield f"genesis-ops: {__version__}, Python {platform.python_version()}, {platform.system()} {platform.release()}"


def _user() -> str:
    return user_name(f"uid {os.getuid()}" if hasattr(os, "getuid") else "unknown")


def _api(seen: Seen) -> Iterator[str]:
    settings, health = seen.host.settings, seen.host.health
    yield f"address: {settings.api_url}"
    yield f"health: {health.answer}{f', {health.told}' if health.told else ''}"
    if health.reply:
        yield f"reply: {health.reply}"
    yield f"port: {_port(seen.listeners)}"
    for error in seen.host.bind_error.places if seen.host.bind_error else ():
        yield f"bind error: {error.file}:{error.line} {error.text}"


def _port(found: "Listeners | None") -> str:
    if found is None:
        return "on another host"
    told = [process.told() for process in found.processes]
    return "; ".join(told) or ("held by somebody this user may not see" if found.hidden else "nobody listens")


def _wallets(seen: Seen) -> Iterator[str]:
    if seen.wallets.trouble:
        yield f"not read: {seen.wallets.trouble}"
    else:
        yield wallets.told(seen.wallets.balances)


def _runner(seen: Seen) -> Iterator[str]:
    traders = [trader for trader in seen.host.traders if trader.here or trader.named]
    yield f"process: {'; '.join(trader.process.told() for trader in traders) or 'none'}"
    run = seen.host.log.run
    if run is not None:
        yield f"mode: {run.mode or 'unknown'}"
        yield f"since: {stamp(run.started.at_ms)} UTC"
        yield f"market: {run.symbol} {run.timeframe}"
        yield f"poll interval: {run.interval}s"
        yield f"champion: {'verified' if run.verified else 'NOT verified'}"
    latch = seen.host.latch
    yield f"stop latch: {'clear' if latch is None else '; '.join(latch.lines())}"
    doubts = seen.host.orders.doubts
    yield f"orders in doubt: {'; '.join(doubt.sentence for doubt in doubts) or seen.host.orders.trouble or 'none'}"


def _preflight(seen: Seen) -> Iterator[str]:
    report = seen.report
    yield f"verdict: {report.verdict}, exit {report.exit_code.value}"
    for judged in report.checks:
        yield f"{judged.id}: {judged.outcome}  {judged.detail}"
        if judged.outcome is not Outcome.PASS:
            yield from (f"    {place.file}:{place.line}  {place.text}" for place in judged.evidence)
            if judged.remedy:
                yield f"    next: {judged.remedy}"


def _units(seen: Seen) -> Iterator[str]:
    if seen.units.trouble:
        yield f"not seen: {seen.units.trouble}"
    for unit in seen.units.units:
        yield from (f"{unit.name} {name}: {value}" for name, value in unit.properties.items() if value)


def _state(seen: Seen) -> Iterator[str]:
    yield from _file(seen, seen.state)
    yield from _text(seen.state.raw)


def _log(seen: Seen) -> Iterator[str]:
    if seen.log is None:
        yield f"none: {seen.host.log.trouble or 'there is no runner log'}"
        return
    yield from _file(seen, seen.log)
    yield from _text(seen.log.raw)


def _file(seen: Seen, found: FileFound) -> Iterator[str]:
    yield f"file: {seen.host.settings.shown(found.path)}"
    if found.trouble:
        yield f"not read: {found.trouble}"
        return
    yield f"size: {found.size} bytes"
    yield f"last written: {stamp(found.written_ms)} UTC"
    if found.remark:
        yield f"remark: {found.remark}"
    yield f"age: {duration((seen.host.now_ms - found.written_ms) / 1000)}"


def _text(raw: bytes) -> Sequence[str]:
    return [line.decode("utf-8", "backslashreplace") for line in raw.splitlines()]
