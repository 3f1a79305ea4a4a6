"""An apply that was ordered: kept beside its record, and known again by its sum.

It lies in the service's user's own directory, and root acts on it: so the sum is on the unit's command line, which
that user cannot change.
"""

import hashlib
import json
from typing import NamedTuple

from genesis_ops.durable import create, read_whole, sync_directory
from genesis_ops.errors import Refused, write_failed
from genesis_ops.host import names
from genesis_ops.host.plan import MOST_BYTES, Plan
from genesis_ops.host.rights import as_owner, as_user
from genesis_ops.host.wire import document, read
from genesis_ops.settings import Settings
from genesis_ops.words import visible


class Order(NamedTuple):
    """What is to be done, by whom and why."""

    id: str
    owner: str
    reason: str
    plan: Plan

    @property
    def told(self) -> str:
        """Say whose it is, and why."""
        return f"{self.owner} ({self.reason})" if self.reason else self.owner


def keep(settings: Settings, order: Order) -> str:
    """Make the operation's directory and write the order into it; give its sum.

    Raises:
        FileExistsError: there is an operation of that name.
        WriteFailed: it is not on the disk.
    """
    raw = (json.dumps(document(order), indent=1) + "\n").encode("ascii")
    folder = names.directory(settings.log_dir, order.id)
    with as_user(order.plan.facts.user):
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
            folder.mkdir()
            create(folder / names.PLAN, raw)
            sync_directory(folder)
            sync_directory(folder.parent)
        except FileExistsError:
            raise
        except OSError as error:
            raise write_failed(folder, error) from error
    return hashlib.sha256(raw).hexdigest()


def kept(settings: Settings, name: str, digest: str | None) -> Order:
    """Read an order; without a sum it is what somebody may have written, and is to be taken so.

    Raises:
        Refused: it is not there, or not what was ordered.
    """
    path = names.directory(settings.log_dir, name) / names.PLAN
    try:
        with as_owner(settings.log_dir):
            raw = read_whole(path, 2 * MOST_BYTES)
        if digest is not None and hashlib.sha256(raw).hexdigest() != digest:
            raise Refused(f"{visible(str(path))} is not what was ordered")
        return read(Order, json.loads(raw))
    except (OSError, ValueError, RecursionError) as error:
        raise Refused(visible(f"{path} cannot be used: {error}"), next_command="genesis-ops host follow") from None
