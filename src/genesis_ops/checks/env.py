"""Is an environment file fit for a unit: the checks that preflight makes in one, each by itself, on any file."""

from pathlib import Path
from typing import NamedTuple

from genesis_ops.checks.model import Check, Outcome, Place, Report, Result, judge
from genesis_ops.checks.wording import count
from genesis_ops.envfile.kinds import Finding, Kind
from genesis_ops.envfile.parse import Dropped
from genesis_ops.envfile.sidebyside import Row
from genesis_ops.errors import typed
from genesis_ops.words import stamp, visible

_OTHERS = 0o077
_FORM = frozenset({Kind.NUL, Kind.NOT_UTF8, Kind.BOM, Kind.CARRIAGE_RETURN})
"""What is wrong with a file as a text, whatever is written in it."""
_NOT_READ = Result(Outcome.SKIP, "the file could not be read")


class EnvFile(NamedTuple):
    """An environment file as it was found; ``mode`` None where there is none to be seen. No value is in it plainly."""

    path: Path
    shown: str
    present: bool = True
    fault: str = ""
    """Why it could not be read."""
    hidden: bool = False
    """Whether the fault is that this user may not read it."""
    mode: int | None = None
    refused: Dropped | None = None
    findings: tuple[Finding, ...] = ()
    missing: tuple[str, ...] = ()
    rows: tuple[Row, ...] = ()

    @property
    def read(self) -> bool:
        """Whether there are bytes to judge."""
        return self.present and not self.fault


def readable(file: EnvFile) -> Result:
    """Ask whether it is a plain file of UTF-8 text, without byte order mark and carriage returns."""
    path = typed(file.path)
    if not file.present:
        remedy = f"install -m 600 /dev/null {path}      then write the exchange keys into it"
        return Result(Outcome.FAIL, f"there is no {file.shown}", remedy=remedy)
    if file.fault:
        outcome = Outcome.UNKNOWN if file.hidden else Outcome.FAIL
        remedy = f"sudo -u <the API's user> genesis-ops env check {path}" if file.hidden else f"ls -ld {path}"
        return Result(outcome, f"it cannot be read: {file.fault}", remedy=remedy)
    found = tuple(finding for finding in file.findings if finding.kind in _FORM)
    if not found:
        return Result(Outcome.PASS, "plain UTF-8 text", 0, 0)
    kinds = " and ".join(dict.fromkeys(_NAMES[finding.kind] for finding in found))
    outcome = Outcome.FAIL if any(finding.severe for finding in found) else Outcome.WARN
    copied = file.path.name == ".env" and file.refused is None
    remedy = "genesis-ops env systemd" if copied else f"{_edit(file)}      and save it as UTF-8 with plain newlines"
    return Result(outcome, f"{kinds} in {count(len(found), 'line')}", len(found), 0, _places(file, found), remedy)


_NAMES = {
    Kind.NUL: "NUL bytes",
    Kind.NOT_UTF8: "bytes that are not UTF-8",
    Kind.BOM: "a byte order mark",
    Kind.CARRIAGE_RETURN: "carriage returns",
}


def private(file: EnvFile) -> Result:
    """Ask whether nobody but its owner can read it."""
    if file.mode is None:
        return Result(Outcome.SKIP, "there are no permissions to be seen")
    told = f"{file.mode & 0o777:03o}"
    if file.mode & _OTHERS:
        remedy = f"chmod 600 {typed(file.path)}"
        return Result(Outcome.FAIL, f"open to other users: mode {told}", told, "600", remedy=remedy)
    return Result(Outcome.PASS, f"mode {told}", told, "600")


def systemd(file: EnvFile) -> Result:
    """Ask whether systemd reads each line as its author must have meant it."""
    if not file.read:
        return _NOT_READ
    if file.refused:
        places = (Place(file.shown, file.refused.line, file.refused.why),)
        detail = f"the whole file is refused, because of line {file.refused.line}: a unit with it does not start"
        return Result(Outcome.FAIL, detail, 1, 0, places, _edit(file))
    found = tuple(finding for finding in file.findings if finding.severe and finding.kind not in _FORM)
    if not found:
        return Result(Outcome.PASS, "each line is read as it was meant", 0, 0)
    lines = len({finding.line for finding in found})
    return Result(Outcome.FAIL, f"{count(lines, 'line')} misread", lines, 0, _places(file, found), _edit(file))


def alike(file: EnvFile) -> Result:
    """Ask whether systemd, a shell and python-dotenv read it alike."""
    if not file.read:
        return _NOT_READ
    if file.refused:
        return Result(Outcome.WARN, "systemd refuses it, whatever the others read", len(file.rows), 0)
    found = tuple(finding for finding in file.findings if not finding.severe and finding.kind not in _FORM)
    if not found and not file.rows:
        return Result(Outcome.PASS, "systemd, a shell and dotenv read it alike", 0, 0)
    keys = f"{count(len(file.rows), 'key')} read differently" if file.rows else "nothing yet, but easily"
    return Result(Outcome.WARN, keys, len(file.rows), 0, _places(file, found), _edit(file))


def required(file: EnvFile) -> Result:
    """Ask whether the exchange keys reach the service (contract §1)."""
    if not file.read:
        return _NOT_READ
    if file.missing:
        names = " and ".join(file.missing)
        remedy = f"{_edit(file)}      and write {names} into it"
        return Result(Outcome.FAIL, f"{names} would be missing", len(file.missing), 0, remedy=remedy)
    return Result(Outcome.PASS, "the exchange keys are in it", 0, 0)


def _places(file: EnvFile, found: tuple[Finding, ...]) -> tuple[Place, ...]:
    return tuple(Place(file.shown, finding.line, finding.sentence) for finding in found)


def _edit(file: EnvFile) -> str:
    return f"${{EDITOR:-vi}} {typed(file.path)}"


CHECKS: tuple[Check[EnvFile], ...] = (
    Check("env-readable", "The file is plain UTF-8 text", readable),
    Check("env-private", "Nobody else can read the file", private),
    Check("env-systemd", "systemd reads what was meant", systemd, every=True),
    Check("env-alike", "All readers read it alike", alike, every=True),
    Check("env-required", "The exchange keys are in it", required),
)


def env_check(file: EnvFile, market: str, now_ms: int, *, strict: bool = False) -> Report:
    """Judge a file (``now_ms``: by this host's clock)."""
    return Report(
        command="env check",
        subject=f"{visible(file.shown)} at {stamp(now_ms)} UTC",
        market=market,
        generated_ms=now_ms,
        checks=judge(CHECKS, file, lambda path: path),
        strict=strict,
    )
