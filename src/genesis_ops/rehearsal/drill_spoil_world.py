"""The ways in which a drill lets the world around a root go wrong: servers, clocks, disk, processes and locks."""

from dataclasses import replace
from typing import Any

from genesis_ops.clients.paper import paper_pair
from genesis_ops.rehearsal.drill_root import Root, Spoil
from genesis_ops.sandbox.wire import CANDLES, says
from genesis_ops.settings import Settings
from genesis_ops.state.lock import LockWish, hold, runner_locks
from genesis_ops.words import HOUR_MS, Mode

_EARLY_MS = 50_000
_NEWEST = 2
"""How many rows a poll asks for; the window of an evaluation has more."""


def under_way(spoil: Spoil) -> Spoil:
    """Let something go wrong once a run is under way."""

    def later(root: Root) -> None:
        root.under_way = spoil

    return later


def at_locks(spoil: Spoil) -> Spoil:
    """Let something go wrong while a run takes its locks."""

    def later(root: Root) -> None:
        root.at_locks = spoil

    return later


def world(**changes: Any) -> Spoil:
    """Let the root's world be another one, by the names of its fields."""

    def spoil(root: Root) -> None:
        for name, value in changes.items():
            setattr(root, name, value)

    return spoil


def setting(**changes: Any) -> Spoil:
    """Let a setting have another value."""

    def spoil(root: Root) -> None:
        root.settings = replace(root.settings, **changes)

    return spoil


def later(minutes: float) -> Spoil:
    """Let so much time pass in which nothing runs."""
    return lambda root: root.clock.wait(minutes * 60)


# --- servers


def fault(name: str) -> Spoil:
    """Switch a fault of the sandbox on."""

    def spoil(root: Root) -> None:
        root.sandbox.faults.on(name, root.clock.now_ms())

    return spoil


def answers(path: str, document: object, status: int = 200) -> Spoil:
    """Let a server say something else at a path."""

    def spoil(root: Root) -> None:
        root.answers[path] = says(document, status)

    return spoil


def changed(path: str, *keys: str, to: Any) -> Spoil:
    """Let one value in what a server says be another one, by the keys that lead to it."""

    def spoil(root: Root) -> None:
        root.changes[path] = lambda document: _set(document, keys, to)

    return spoil


def _set(document: Any, keys: tuple[str, ...], value: Any) -> Any:
    if not keys:
        return value
    return document | {keys[0]: _set(document[keys[0]], keys[1:], value)}


def candle_early(root: Root) -> None:
    """Let the exchange show the next candle's row shortly before it begins, as if the one before had closed."""

    def early(rows: Any) -> Any:
        next_ms = rows[0][0] + HOUR_MS
        near = next_ms - _EARLY_MS <= root.clock.now_ms() < next_ms
        return [[next_ms, *rows[0][1:]], *rows] if near and len(rows) == _NEWEST else rows

    root.changes[CANDLES] = early


# --- locks


def locked(number: int) -> Spoil:
    """Let another process hold one of a run's locks: 0 the market's, 1 the state's, 2 the log directory's."""

    def spoil(root: Root) -> None:
        wish = _locks(root.settings)[number]
        root.held.enter_context(hold((wish,), command="another runner", now_ms=root.clock.now_ms()))

    return spoil


def lock_a_link(root: Root) -> None:
    """Put a symbolic link in the place of the state's lock."""
    path = _locks(root.settings)[1].path
    path.unlink(missing_ok=True)
    path.symlink_to(root.settings.champion_file)


def lock_shared(root: Root) -> None:
    """Give the file of the state's lock a second name."""
    path = _locks(root.settings)[1].path
    path.touch()
    path.with_name("another-name").hardlink_to(path)


def _locks(settings: Settings) -> tuple[LockWish, ...]:
    return runner_locks(
        settings.state_file,
        settings.log_dir,
        settings.lock_dir,
        symbol=paper_pair(settings.symbol),
        timeframe=settings.timeframe,
        mode=Mode.LIVE_PAPER,
    )
