"""What may be shown of the values in an environment file: those in general use under a harmless name, of others a size.

A value that is not shown is told by its length and by what stands at its end, which helps and gives nothing away.
"""

import re

from genesis_ops.envfile.kinds import shown
from genesis_ops.envfile.secret import Secret
from genesis_ops.envfile.sidebyside import Row, Told
from genesis_ops.words import visible

HIDDEN_NAME = "(name not shown)"
"""What stands for a name that may be a part of a broken secret."""

_COMMENT = re.compile(r"\s+#[\s\S]*\Z")
_PROBE = "a1B2c3D4e5F6g7H8"
"""A value that is taken for a secret under a name that says so, and under no other."""


def harmless(name: str, value: str) -> bool:
    """Tell whether a value may be shown: its name says nothing of a secret, and it is a word, a number or a path."""
    from genesis_ops.redact.ordinary import ordinary
    from genesis_ops.redact.secrets import secrets_in

    if not value or not shown(name.encode("utf-8", "surrogateescape")) or not ordinary(value):
        return False
    return not secrets_in((), ({name: _PROBE},))


def size(value: str) -> str:
    """Tell how long a value is."""
    return "empty" if not value else f"{len(value)} character{'' if len(value) == 1 else 's'}"


def masked(name: str, value: Secret) -> str:
    """Give a value that may be shown, or how long it is."""
    text = value.reveal()
    return visible(text) if harmless(name, text) else size(text)


def row_cells(row: Row) -> tuple[str, str, str]:
    """Say what each reader makes of a key, the value itself only if that of no reader could be a secret."""
    texts = [told.value.reveal() for told in row.told if told.value is not None]
    kernels = {_COMMENT.sub("", text).rstrip("\r") for text in texts}
    plain = bool(row.name) and all(not kernel or harmless(row.name, kernel) for kernel in kernels)
    cells = [_cell(told, plain=plain, shortest=min(kernels, key=len, default="")) for told in row.told]
    for at, before in ((1, (0,)), (2, (0, 1))):
        if any(cells[at] == cells[other] and row.told[at].value != row.told[other].value for other in before):
            cells[at] += ", another value"
    return cells[0], cells[1], cells[2]


def _cell(told: Told, *, plain: bool, shortest: str) -> str:
    if told.value is None:
        return told.why if told.open or told.why == "not set" else f"not set: {told.why}"
    text = told.value.reveal()
    end = text.rstrip("\r")
    kernel = _COMMENT.sub("", end)
    hints = [visible(kernel) or "empty" if plain else size(text)]
    hints += ["with the comment"] if kernel != end and kernel == shortest else []
    hints += ["with a CR at its end"] if end != text else []
    lines = text.count("\n") + 1
    hints += [f"over {lines} lines"] if lines > 1 and not plain else []
    return ", ".join(hints)
