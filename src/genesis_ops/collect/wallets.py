"""The wallets over the phase: every reading there is, in snapshots, baselines and the journal of orders."""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from genesis_ops.errors import Refused
from genesis_ops.state.snapshots import listed, read

if TYPE_CHECKING:
    from genesis_ops.journal.record import Record

SECTION = "wallets"
"""The part of a snapshot that they stand in."""

_EXCHANGE = "exchange: "


class Reading(NamedTuple):
    """The balances of the exchange wallets by currency at a time (ms, UTC), and where they are written down."""

    at_ms: int
    balances: Mapping[str, float]
    source: str


def told(balances: Mapping[str, float]) -> str:
    """Write balances as a snapshot's line, from which they can be read back."""
    return f"{_EXCHANGE}{json.dumps(dict(sorted(balances.items())))}"


def readings(log_dir: Path, records: "Iterable[Record]" = ()) -> tuple[Reading, ...]:
    """Give every reading there is, oldest first; a snapshot that cannot be read, or has none, gives none."""
    found = [*_of_snapshots(log_dir), *_of_baselines(log_dir), *_of_records(records)]
    return tuple(sorted(found, key=lambda reading: reading.at_ms))


def first_and_newest(
    log_dir: Path, records: "Iterable[Record]" = (), *, since_ms: int
) -> tuple[Reading, Reading] | None:
    """Give the first and the newest reading since a time (ms, UTC); None where there is none.

    Of many snapshots only those are read that may hold one of the two.
    """
    snapshots = [(at_ms, path) for at_ms, path in listed(log_dir) if at_ms >= since_ms]
    found = [reading for reading in _of_records(records) if reading.at_ms >= since_ms]
    for direction in (snapshots, reversed(snapshots)):
        found += next(([*told] for each in direction if (told := [*_of_snapshot(*each)])), [])
    found.sort(key=lambda reading: reading.at_ms)
    return (found[0], found[-1]) if found else None


def change(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, float]:
    """Tell by how much each currency changed, to the eighth decimal; those that did not are left out."""
    names = sorted({*before, *after})
    moved = {name: round(after.get(name, 0.0) - before.get(name, 0.0), 8) for name in names}
    return {name: by for name, by in moved.items() if by}


def baseline(log_dir: Path) -> Reading | None:
    """Give the baseline in force; None where there is none, or none that can be read."""
    from genesis_ops.state.baseline import SOURCE, read_baseline

    with suppress(Refused):
        if (found := read_baseline(log_dir)) is not None:
            return Reading(found.at_ms, found.balances, SOURCE)
    return None


def _of_baselines(log_dir: Path) -> Iterator[Reading]:
    from genesis_ops.state.baseline import SOURCE, former_baselines

    yield from (Reading(former.at_ms, former.balances, SOURCE) for former in former_baselines(log_dir))
    if (now := baseline(log_dir)) is not None:
        yield now


def _of_snapshots(log_dir: Path) -> Iterator[Reading]:
    for at_ms, path in listed(log_dir):
        yield from _of_snapshot(at_ms, path)


def _of_snapshot(at_ms: int, path: Path) -> Iterator[Reading]:
    with suppress(OSError, ValueError, TypeError):
        for line in read(path).lines(SECTION):
            if line.startswith(_EXCHANGE):
                yield Reading(at_ms, _balances(line.removeprefix(_EXCHANGE)), path.name)


def _balances(text: str) -> dict[str, float]:
    document = json.loads(text)
    if not isinstance(document, dict):
        raise ValueError("no object")  # noqa: TRY004 - one kind of error for every damage
    return {str(name): float(balance) for name, balance in document.items()}


def _of_records(records: "Iterable[Record]") -> Iterator[Reading]:
    """Take what the runner saw before each request, and when it believed the wallets after it."""
    for record in records:
        for key in ("before", "after"):
            if balances := record.content.get(key):
                yield Reading(record.at_ms, balances, f"order {record.content.get('id')}")
