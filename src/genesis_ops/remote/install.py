"""This version of genesis-ops put on another host, on which only sh, python3 and a login are needed."""

import io
import tarfile
from importlib.resources import files
from pathlib import Path, PurePosixPath

from genesis_ops import __version__
from genesis_ops.errors import GenesisError, Refused, typed
from genesis_ops.remote.script import ROOT
from genesis_ops.remote.server import Server
from genesis_ops.remote.transport import call
from genesis_ops.remote.wheel import file_name, wheel
from genesis_ops.words import visible

_SECONDS = 900.0
_SHOWN = 12


def install(there: Server, wheelhouse: Path | None) -> tuple[str, ...]:
    """Install over whatever is there, and give what the host tells of it.

    Raises:
        Refused: the place of the command there is none of an environment's, or there is no python3.
        GenesisError: it failed there; what was installed before is as it was.
        RemoteUnavailable: the host cannot be reached.
    """
    place = _place(there)
    program = files("genesis_ops.remote").joinpath("install_there.py").read_text("utf-8")
    words = ("python3", "-I", "-c", program, place, __version__, "online" if wheelhouse is None else "offline")
    answer = call(there.ssh, words, user=ROOT, data=_packed(wheelhouse), seconds=_SECONDS)
    if answer.code:
        why = tuple(visible(line) for line in answer.err.splitlines()[-_SHOWN:])
        raise GenesisError(f"genesis-ops could not be installed on {there.target}", notes=why)
    return tuple(answer.out.decode("utf-8", "replace").splitlines())


def _place(there: Server) -> str:
    """Name the environment that the command belongs to.

    Raises:
        Refused: the command is not in an environment's ``bin``.
    """
    program = PurePosixPath(there.program)
    if program.name != "genesis-ops" or program.parent.name != "bin" or len(program.parts) < 5:  # noqa: PLR2004 - below
        told = f"remote_program {there.program} is not DIRECTORY/ENVIRONMENT/bin/genesis-ops, as an environment has it"
        raise Refused(told, next_command="genesis-ops config show")
    return str(program.parent.parent)


def _packed(wheelhouse: Path | None) -> bytes:
    """Pack our wheel, and those of what it needs.

    Raises:
        Refused: the wheelhouse has none, or cannot be read.
    """
    wheels = {file_name(): wheel()}
    try:
        if wheelhouse is not None:
            wheels |= {path.name: path.read_bytes() for path in _others(wheelhouse)}
    except OSError as error:
        raise Refused(f"{wheelhouse} cannot be read: {error.strerror}") from None
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, raw in wheels.items():
            member = tarfile.TarInfo(name)
            member.size = len(raw)
            archive.addfile(member, io.BytesIO(raw))
    return packed.getvalue()


def _others(wheelhouse: Path) -> list[Path]:
    found = sorted(path for path in wheelhouse.glob("*.whl") if not path.name.startswith("genesis_ops-"))
    if not found:
        made = f"python3 -m pip download --only-binary :all: -d {typed(wheelhouse)} ."
        raise Refused(f"{wheelhouse} has no wheels of what genesis-ops needs", next_command=made)
    return found
