"""One look at a server for the one who stands far from it: units, the API's port, the checkout, the last close."""

from typing import NamedTuple

LOOK_SCHEMA = "genesis-ops.look/1"


class UnitLook(NamedTuple):
    """A unit as it is now; ``since`` is when its process began (ISO, UTC; empty where it has none)."""

    name: str
    load: str
    active: str
    sub: str
    pid: int
    restarts: int
    since: str
    result: str


class ServerLook(NamedTuple):
    """A process: of uvicorn, or that listens on the API's port at an address."""

    pid: int
    user: str
    command: str
    address: str = ""


class OperationLook(NamedTuple):
    """The newest operation: ``state`` is running, done, returned, stuck or died; ``step`` is where it is or ended."""

    id: str
    owner: str
    reason: str
    since: str
    state: str
    step: str
    archive: str
    next: tuple[str, ...] = ()


class Look(NamedTuple):
    """What ``remote status`` shows of one host; what could not be seen is told in ``troubles``."""

    schema: str
    version: str
    at: str
    host: str
    root: str
    units: tuple[UnitLook, ...]
    uvicorns: tuple[ServerLook, ...]
    port: int | None
    """The API's port; None where the API is on another host."""
    listeners: tuple[ServerLook, ...]
    head: str
    branch: str
    last_close: str
    """When the last candle closed that was processed (ISO, UTC)."""
    mode: str
    """The runner's, as its state remembers it."""
    operation: OperationLook | None
    troubles: tuple[str, ...]
