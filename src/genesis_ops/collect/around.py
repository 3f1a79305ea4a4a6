"""What a look asks of the world around the root: the network, the processes, the disk and systemd of this host.

A rehearsal passes in another world; what is made of the answers is the same.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from genesis_ops.clients import process, units
from genesis_ops.clients.process import Listeners, Trader
from genesis_ops.clients.units import UnitsFound

if TYPE_CHECKING:
    import httpx


class Around(NamedTuple):
    """The host's own answers; ``transport`` None is its network, ``free_bytes`` raises OSError where none tells."""

    transport: "httpx.BaseTransport | None" = None
    traders: Callable[[Path, Mapping[int, int], Path | None], tuple[Trader, ...]] = process.traders
    listeners: Callable[[int], Listeners] = process.listeners
    units: Callable[[], UnitsFound] = units.show
    free_bytes: Callable[[Path], int] | None = None


HERE = Around()
"""This host."""
