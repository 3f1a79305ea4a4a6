"""A wheel of the genesis-ops that runs here, made of its own files: the same from a source tree and from an install."""

import base64
import hashlib
import io
import zipfile
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import genesis_ops
from genesis_ops import __version__
from genesis_ops.errors import Refused

_NAME = "genesis_ops"
_EPOCH = (1980, 1, 1, 0, 0, 0)  # as old as zip knows: the same files make the same wheel
_TAGS = "Wheel-Version: 1.0\nGenerator: genesis-ops\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


def file_name() -> str:
    """Name the wheel (binary distribution format)."""
    return f"{_NAME}-{__version__}-py3-none-any.whl"


def wheel() -> bytes:
    """Make the wheel.

    Raises:
        Refused: this genesis-ops does not know what it depends on, because it was never installed.
    """
    info = f"{_NAME}-{__version__}.dist-info"
    files = {**dict(_package()), **{f"{info}/{name}": raw for name, raw in _about().items()}}
    rows = [f"{name},sha256={_digest(raw)},{len(raw)}" for name, raw in files.items()]
    files[f"{info}/RECORD"] = "\n".join([*rows, f"{info}/RECORD,,", ""]).encode()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, raw in files.items():
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.external_attr = 0o100644 << 16
            archive.writestr(entry, raw, zipfile.ZIP_DEFLATED)
    return packed.getvalue()


def _package() -> Iterator[tuple[str, bytes]]:
    package = Path(genesis_ops.__file__).parent
    for path in sorted(package.rglob("*")):
        inside = path.relative_to(package.parent)
        if path.is_file() and "__pycache__" not in inside.parts:
            yield inside.as_posix(), path.read_bytes()


def _about() -> dict[str, bytes]:
    """Say what it is, what it needs and which command it has, as this install of it does."""
    try:
        here = distribution("genesis-ops")
    except PackageNotFoundError:
        raise Refused("this genesis-ops was never installed, so its needs are not known", next_command=_PIP) from None
    metadata, commands = here.read_text("METADATA") or here.read_text("PKG-INFO"), here.read_text("entry_points.txt")
    if not metadata or not commands:
        raise Refused("this genesis-ops does not know what it needs", next_command=_PIP)
    head, apart, body = metadata.partition("\n\n")
    lines = [f"Version: {__version__}" if line.startswith("Version: ") else line for line in head.splitlines()]
    told = "\n".join(line for line in lines if not line.startswith(("License-File: ", "Dynamic: ")))
    return {
        "METADATA": (told + apart + body).encode(),
        "WHEEL": _TAGS.encode(),
        "entry_points.txt": commands.encode(),
    }


def _digest(raw: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(raw).digest()).rstrip(b"=").decode("ascii")


_PIP = "python3 -m pip install ."
