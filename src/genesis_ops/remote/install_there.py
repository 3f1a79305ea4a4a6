"""Runs on the other host under its own python3, from its text alone: installs what comes on stdin beside what is there.

It needs nothing but Python's own library. What runs from a former installation goes on: its files stay as long as a
process has them in its command.
"""

import contextlib
import errno
import os
import shutil
import stat
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path

_OLDEST = (3, 11)
_KEPT = 2
"""How many installations stay beside the new one, for a way back by hand."""


def main(place: str, version: str, online: str) -> int:
    """Install into a directory of its own, try it, and let the place lead there."""
    if sys.version_info < _OLDEST:
        return _say(f"python3 here is {sys.version.split()[0]}; genesis-ops needs 3.11 or later")
    os.umask(0o022)
    here = Path(place)
    try:
        here.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".genesis-ops-install-", dir=here.parent) as wheels:
            _unpack(Path(wheels))
            new = _made(here, version)
            former = _put(here, new, Path(wheels), version, online=online == "online")
    except (OSError, tarfile.TarError, subprocess.CalledProcessError) as error:
        return _say(_why(error))
    removed = _tidy(here, {new, former})
    _tell(f"installed {version} in {new}", f"{here} leads there", *(f"removed {each}" for each in removed))
    _tell(*(f"note: {each}" for each in _open(here)))
    return 0


def _made(here: Path, version: str) -> Path:
    """Make a directory that is nobody else's, even where somebody installs in the same second."""
    name = f"{here.name}-{version}-{time.strftime('%Y%m%d_%H%M%SZ', time.gmtime())}"
    for new in (here.with_name(f"{name}{others}") for others in ("", *(f"-{number}" for number in range(2, 10)))):
        with contextlib.suppress(FileExistsError):
            new.mkdir()
            return new
    raise FileExistsError(errno.EEXIST, "somebody else installs at this moment", name)


def _put(here: Path, new: Path, wheels: Path, version: str, *, online: bool) -> "Path | None":
    """Install, and let the place lead there; what fails leaves nothing behind."""
    try:
        _install(new, wheels, version, online=online)
        return _lead(here, new)
    except BaseException:  # a connection that is cut, too
        shutil.rmtree(new, ignore_errors=True)
        raise


def _open(here: Path) -> "list[str]":
    """Name the directories above whose owner or group could put another program in the place of what root runs."""
    found = []
    for path in here.parents:
        seen = path.stat()
        shared = seen.st_mode & (stat.S_IWGRP | stat.S_IWOTH) and not seen.st_mode & stat.S_ISVTX
        if os.geteuid() == 0 and (seen.st_uid != 0 or shared):
            found.append(f"others than root can replace what root runs below {path}: chown root:root, chmod 755")
    return found


def _unpack(wheels: Path) -> None:
    """Take the wheels from stdin; their names were made by who sends them, and are plain."""
    with tarfile.open(fileobj=sys.stdin.buffer, mode="r|") as archive:
        for member in archive:
            file = archive.extractfile(member)
            if file is not None and Path(member.name).name == member.name:
                with (wheels / member.name).open("wb") as target:
                    shutil.copyfileobj(file, target)


def _install(new: Path, wheels: Path, version: str, *, online: bool) -> None:
    _run(sys.executable, "-m", "venv", str(new))
    index = [] if online else ["--no-index"]
    quiet = ["--quiet", "--disable-pip-version-check", "--no-input"]
    own = f"genesis-ops=={version}"
    _run(str(new / "bin/python"), "-m", "pip", "install", *quiet, *index, "--find-links", str(wheels), own)
    said = _run(str(new / "bin/genesis-ops"), "--version").strip()
    if said != f"genesis-ops {version}":
        raise OSError(0, f"what was installed says {said}")


def _run(*words: str) -> str:
    bare = {"PATH": os.environ.get("PATH", os.defpath), "HOME": os.environ.get("HOME", "/"), "LC_ALL": "C.UTF-8"}
    passed = {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "HTTPS_", "https_"))}
    done = subprocess.run(  # noqa: S603 - the words are this module's own, and no shell reads them
        words, check=True, stdin=subprocess.DEVNULL, capture_output=True, text=True, env={**passed, **bare}
    )
    return done.stdout


def _lead(here: Path, new: Path) -> Path | None:
    """Let the place lead to what is new, at once; a plain directory of that name is put aside first."""
    link = here.with_name(f".{here.name}.{os.getpid()}")
    link.symlink_to(new.name)
    try:
        if here.is_symlink() or not here.exists():
            former = here.parent / here.readlink() if here.is_symlink() else None
        else:
            former = here.with_name(f"{here.name}-former-{int(time.time())}")
            here.rename(former)
        link.replace(here)
    except OSError:
        link.unlink()
        raise
    return former


def _tidy(here: Path, kept: "set[Path | None]") -> "list[Path]":
    """Remove installations that are older than those to be kept, and that nobody runs from."""
    found = sorted(
        (path for path in here.parent.glob(f"{here.name}-*") if (path / "pyvenv.cfg").is_file() and path not in kept),
        key=lambda path: path.stat().st_mtime,
    )
    commands = _commands()
    old = [path for path in found[: max(0, len(found) - _KEPT + 1)] if f"{path}/".encode() not in commands]
    for path in old:
        shutil.rmtree(path, ignore_errors=True)
    return old


def _commands() -> bytes:
    """Give the command lines of everything that runs here."""
    lines = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            lines.append(path.read_bytes())
    return b"\n".join(lines)


def _why(error: "OSError | tarfile.TarError | subprocess.CalledProcessError") -> str:
    if isinstance(error, subprocess.CalledProcessError):
        said = f"{error.stdout}\n{error.stderr}".strip().splitlines()[-6:]
        return "\n".join([f"{' '.join(map(str, error.cmd[:4]))} … ended with {error.returncode}", *said])
    if isinstance(error, OSError) and error.filename and error.strerror:
        return f"{error.filename}: {error.strerror}"
    return f"{getattr(error, 'strerror', None) or error}"


def _say(why: str) -> int:
    sys.stderr.write(f"{why}\nwhat was installed before is as it was\n")
    return 1


def _tell(*lines: str) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
