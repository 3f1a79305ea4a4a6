"""Is the host fit for the phase: champion, log directory, .env, clock, disk and latch (runbook, Prerequisites)."""

from datetime import UTC, datetime
from pathlib import Path

from genesis_ops.checks.host import EnvFound, EnvLine, Host
from genesis_ops.checks.model import Outcome, Place, Result
from genesis_ops.clients.health import Answer, Standing
from genesis_ops.errors import typed
from genesis_ops.state.champion import difference, next_command
from genesis_ops.state.latch import Latch
from genesis_ops.words import stamp, visible

_CLOCK_PASS_MS, _CLOCK_WARN_MS, _CLOCK_WIDEST_MS = 2_000, 30_000, 4_000
_MEGABYTE = 1_000_000
_DISK_FAIL, _DISK_WARN, _DISK_A_DAY = 100 * _MEGABYTE, 500 * _MEGABYTE, 3 * _MEGABYTE
_INODES_FAIL, _INODES_WARN = 100, 1_000
_OTHERS = 0o077

MISSING = "there is no .env"
"""What env-file observes where there is none."""


def champion_file(host: Host) -> Result:
    """Ask whether the champion is there, is one, and is the frozen one."""
    settings, champion = host.settings, host.champion
    shown = visible(settings.shown(settings.champion_file))
    found, command = champion.fingerprint, next_command(settings)
    if found is None:
        return Result(Outcome.FAIL, f"{shown} {champion.fault}", remedy=command)
    expected = settings.champion_sha256 or (champion.pin.sha256 if champion.pin else None)
    if not found.usable:
        return Result(Outcome.FAIL, f"{shown} {found.fault}", found.sha256, expected, remedy=command)
    differs = difference(settings, found, champion.pin)
    if differs and champion.pin is not None and champion.pin.hidden and not settings.champion_sha256:
        return Result(Outcome.UNKNOWN, differs, found.sha256, expected, remedy=f"ls -ld {typed(settings.log_dir)}")
    if differs:
        return Result(Outcome.FAIL, f"the champion is frozen: {differs}", found.sha256, expected, remedy=command)
    if settings.champion_sha256:
        how = "as configured"
    elif champion.pin is not None:
        how = f"frozen since {stamp(champion.pin.pinned_ms)}"
    else:
        how = "not frozen yet: the first run will pin it"
    return Result(Outcome.PASS, f"sha256 {found.sha256[:12]}…, {how}", found.sha256, expected)


def log_directory(host: Host) -> Result:
    """Ask whether a runner could write its log."""
    shown, path = visible(host.settings.shown(host.settings.log_dir)), typed(host.settings.log_dir)
    if not host.directory.present:
        return Result(Outcome.FAIL, f"there is no {shown}", remedy=f"mkdir -p {path}      as the runner's user")
    if host.directory.fault:
        return Result(Outcome.FAIL, f"{shown} {host.directory.fault}", remedy=f"ls -ld {path}")
    return Result(Outcome.PASS, f"{shown} can be written")


def env_file(host: Host) -> Result:
    """Ask whether ``.env`` is private, has the exchange keys, and is read alike by all who read it; show no value."""
    env, path = host.env, typed(host.settings.root / ".env")
    if not env.present:
        return _no_env_file(host)
    if env.fault:
        outcome = Outcome.UNKNOWN if env.hidden else Outcome.FAIL
        remedy = f"sudo -u <the API's user> genesis-ops preflight      or: ls -l {path}"
        return Result(outcome, f".env {env.fault}", remedy=remedy)
    faults = [f"lacks {' and '.join(env.missing)}"] if env.missing else []
    if env.mode is not None and env.mode & _OTHERS:
        faults.append(f"is open to other users (mode {env.mode & 0o777:03o})")
    severe = sum(line.severe for line in env.lines)
    if severe:
        faults.append(f"has {severe} {'line that is' if severe == 1 else 'lines that are'} misread")
    evidence = tuple(Place(".env", line.line, line.sentence) for line in sorted(env.lines, key=_severity))
    if faults:
        return Result(Outcome.FAIL, f".env {', '.join(faults)}", len(faults), 0, evidence, _mended(env, path))
    if env.lines:
        detail = f"{len(env.lines)} of its lines read differently in systemd, a shell and dotenv"
        return Result(Outcome.WARN, detail, len(env.lines), 0, evidence, f"${{EDITOR:-vi}} {path}")
    return Result(Outcome.PASS, "read alike by systemd, a shell and dotenv; exchange keys are there", 0, 0)


def _mended(env: EnvFound, path: str) -> str:
    """Say how to mend each kind of fault; a file is closed to others before keys are written into it."""
    steps = [f"chmod 600 {path}"] if env.mode is not None and env.mode & _OTHERS else []
    if env.missing:
        steps.append(f"${{EDITOR:-vi}} {path}      and write {' and '.join(env.missing)} into it")
    elif any(line.severe for line in env.lines):
        steps.append(f"${{EDITOR:-vi}} {path}")
    return "      then: ".join(steps)


def _severity(line: EnvLine) -> tuple[bool, int]:
    return not line.severe, line.line


def _no_env_file(host: Host) -> Result:
    """Judge a missing ``.env``: an API that answers has been given its environment in another way, or none."""
    remedy = f"install -m 600 /dev/null {typed(host.settings.root / '.env')}      then write the exchange keys into it"
    if host.health.answer is Answer.OK:
        detail = f"{MISSING}; the API answers, so look where its keys come from"
        return Result(Outcome.WARN, detail, MISSING, remedy=remedy)
    return Result(Outcome.FAIL, f"{MISSING}: the API gets no exchange keys", MISSING, remedy=remedy)


def clock(host: Host) -> Result:
    """Ask how far the host's clock is from the exchange's (contract §5)."""
    exchange = host.exchange
    if exchange.low_ms is None or exchange.high_ms is None:
        what = f"the exchange did not tell its time: {exchange.told or exchange.standing}"
        return Result(Outcome.UNKNOWN, what, remedy=f"curl -i {host.settings.exchange_url}/v2/platform/status")
    least_ms = max(exchange.low_ms, -exchange.high_ms, 0)
    middle = -(exchange.low_ms + exchange.high_ms) / 2000
    detail = f"{abs(middle):.1f}s {'ahead of' if middle > 0 else 'behind'} the exchange, to within a second"
    if least_ms > _CLOCK_PASS_MS:
        outcome = Outcome.WARN if least_ms <= _CLOCK_WARN_MS else Outcome.FAIL
        return Result(
            outcome, detail, round(middle, 1), 0, remedy="timedatectl status      then: systemctl status chrony"
        )
    if exchange.high_ms - exchange.low_ms > _CLOCK_WIDEST_MS:
        return Result(Outcome.UNKNOWN, "the exchange's reply was too slow to compare clocks", remedy="try again")
    if exchange.standing is not Standing.WORKING:
        detail += f"; the exchange itself: {exchange.standing} ({exchange.told})"
        return Result(Outcome.WARN, detail, round(middle, 1), 0, remedy="wait: no candles come meanwhile")
    return Result(Outcome.PASS, detail, round(middle, 1), 0)


def disk_space(host: Host) -> Result:
    """Ask whether what is free will do for the rest of the phase."""
    disk = host.disk
    if disk is None:
        return Result(Outcome.UNKNOWN, "the file system does not tell what is free", remedy="df -h .")
    days = _days_left(host)
    need = days * _DISK_A_DAY
    expected = max(_DISK_WARN, need)
    detail = (
        f"{_size(disk.free_bytes)} free; {days} more {'day' if days == 1 else 'days'} of logs are about {_size(need)}"
    )
    few = disk.inodes is not None and disk.inodes < _INODES_WARN
    if few:
        detail += f"; only {disk.inodes} more files can be made"
    none_left = disk.inodes is not None and disk.inodes < _INODES_FAIL
    if disk.free_bytes < _DISK_FAIL or none_left:
        outcome = Outcome.FAIL
    else:
        outcome = Outcome.WARN if disk.free_bytes < expected or few else Outcome.PASS
    remedy = "" if outcome is Outcome.PASS else f"df -hi {typed(host.settings.log_dir)}"
    return Result(outcome, detail, disk.free_bytes, expected, remedy=remedy)


def _days_left(host: Host) -> int:
    today = datetime.fromtimestamp(host.now_ms / 1000, UTC).date()
    first = max(today, host.settings.phase_start)
    return max(1, (host.settings.phase_end - first).days + 1)


def _size(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count // _MEGABYTE} MB"  # noqa: PLR2004 - a gigabyte


def stop_latch(host: Host) -> Result:
    """Ask whether a stop keeps runs from starting."""
    return latch_found(host.latch, host.settings.shown(host.settings.log_dir))


def latch_found(latch: Latch | None, where: str) -> Result:
    """Judge a latch, or that there is none; ``where`` is the log directory as a report names it."""
    if latch is None:
        return Result(Outcome.PASS, "clear")
    lines = latch.lines()
    if latch.hidden:
        detail = f"nobody can tell: {lines[0]}"
        return Result(Outcome.UNKNOWN, detail, "hidden", "clear", (), f"ls -ld {typed(Path(where))}")
    detail = (
        f"the latch is damaged, which stops every run: {lines[0]}" if latch.damaged else f"no run starts: {lines[0]}"
    )
    evidence = tuple(Place(where, 0, line) for line in lines)
    return Result(Outcome.FAIL, detail, "set", "clear", evidence, 'genesis-ops resume --reason "..."')
