"""The phase's systemd units: there, enabled, up, stable, and given ``.env`` (runbook, quick-start 6; stability)."""

from collections.abc import Callable, Iterator

from genesis_ops.checks.doctor_facts import Doctor, Finding, summed, without_units
from genesis_ops.checks.model import Outcome, Result
from genesis_ops.checks.prerequisites import env_file
from genesis_ops.clients.units import UNITS, Unit
from genesis_ops.words import visible

_DEPLOY = "sudo genesis-ops units install"
_API = UNITS[0]
_ENVIRONMENT_FILES = (".env", ".env.systemd")


def units_present(doctor: Doctor) -> Result:
    """Ask whether systemd knows both units, as their files stand now."""
    if doctor.units.trouble:
        return without_units(doctor.units)._replace(detail=visible(doctor.units.trouble))
    return summed(_not_read(doctor), " and ".join(_short(name) for name in UNITS))


def _not_read(doctor: Doctor) -> Iterator[Finding]:
    found = {unit.name: unit.properties for unit in doctor.units.units}
    for name in UNITS:
        properties = found.get(name, {})
        state = visible(properties.get("LoadState", ""))
        if state in {"not-found", ""}:
            yield Finding(Outcome.FAIL, f"there is no {name}", _DEPLOY)
        elif state == "masked":
            yield Finding(Outcome.FAIL, f"{name} is masked", f"sudo systemctl unmask {_short(name)}")
        elif state != "loaded":
            remedy = f"systemctl status {_short(name)} --no-pager"
            yield Finding(Outcome.FAIL, f"systemd cannot read {name} ({state})", remedy)
        elif properties.get("NeedDaemonReload") == "yes":
            said = f"the file of {name} was changed after systemd read it"
            yield Finding(Outcome.WARN, said, "sudo systemctl daemon-reload")


def _each(doctor: Doctor, finding: Callable[[Unit], Finding | None], well: str) -> Result:
    """Judge every unit that is there."""
    if doctor.units.trouble:
        return without_units(doctor.units)
    if not doctor.units.loaded:
        return Result(Outcome.SKIP, "no unit is there")
    return summed([found for unit in doctor.units.loaded if (found := finding(unit))], well)


def units_enabled(doctor: Doctor) -> Result:
    """Ask whether the units start with the machine."""
    return _each(doctor, _not_enabled, "they start with the machine")


def _not_enabled(unit: Unit) -> Finding | None:
    state = visible(unit.properties.get("UnitFileState", ""))
    if state == "enabled":
        return None
    enable = f"sudo systemctl enable {_short(unit.name)}"
    if state == "disabled":
        return Finding(Outcome.FAIL, f"{_short(unit.name)} does not start with the machine", enable)
    return Finding(Outcome.WARN, f"{_short(unit.name)} is {state or 'neither enabled nor disabled'}", enable)


def services_up(doctor: Doctor) -> Result:
    """Ask whether the services run."""
    latched = doctor.host.latch is not None
    return _each(doctor, lambda unit: _not_up(unit, latched), "active and running")


def _not_up(unit: Unit, latched: bool) -> Finding | None:
    state, sub = (visible(unit.properties.get(name, "")) for name in ("ActiveState", "SubState"))
    if (state, sub) == ("active", "running"):
        return None
    journal = f"journalctl -u {_short(unit.name)} -n 50 --no-pager"
    said = f"{_short(unit.name)} is {state or 'in no state'} ({_ended(unit) or sub or 'no more is told'})"
    if state in {"activating", "reloading", "deactivating"} and sub != "auto-restart":
        return Finding(Outcome.WARN, said, journal)
    if latched and unit.name != _API:
        return Finding(Outcome.FAIL, f"{said}; a stop keeps it so", 'genesis-ops resume --reason "..."')
    return Finding(Outcome.FAIL, said, f"{journal}      then: sudo systemctl start {_short(unit.name)}")


def _ended(unit: Unit) -> str:
    result, status = (visible(unit.properties.get(name, "")) for name in ("Result", "ExecMainStatus"))
    sub = visible(unit.properties.get("SubState", ""))
    return "" if result in {"", "success"} else ", ".join(filter(None, (sub, result, f"status {status}")))


def restarts(doctor: Doctor) -> Result:
    """Ask whether systemd had to start a service again (runbook, Quick stability checks)."""
    return _each(doctor, _restarted, "none since the services were started")


def _restarted(unit: Unit) -> Finding | None:
    number = visible(unit.properties.get("NRestarts", ""))
    if number == "0":
        return None
    journal = f"journalctl -u {_short(unit.name)} -n 50 --no-pager"
    if not number:
        return Finding(Outcome.WARN, f"systemd does not count the restarts of {_short(unit.name)}", journal)
    times = "once" if number == "1" else f"{number} times"
    return Finding(
        Outcome.WARN, f"{_short(unit.name)} was started again {times}", f"{journal}      the count must not grow"
    )


def env_given(doctor: Doctor) -> Result:
    """Ask what preflight asks of ``.env``, and whether the API's unit reads it at all."""
    result = env_file(doctor.host)
    unit = next((unit for unit in doctor.units.loaded if unit.name == _API), None)
    if unit is None or not doctor.host.env.present or result.outcome not in {Outcome.PASS, Outcome.WARN}:
        return result
    root = doctor.host.settings.root
    files = [line.rpartition(" (")[0] for line in unit.properties.get("EnvironmentFiles", "").split("\n")]
    if any(str(root / name) in files for name in _ENVIRONMENT_FILES):
        return result
    read = ", ".join(visible(file) for file in files if file) or "no file"
    remedy = f"sudo systemctl edit {_short(_API)}      and set EnvironmentFile={visible(str(root / '.env'))}"
    detail = f"{_API} reads {read}, not this .env; {result.detail}"
    return result._replace(outcome=Outcome.WARN, detail=detail, remedy=remedy)


def journald_persistent(doctor: Doctor) -> Result:
    """Ask whether the journal, which has the API's log, outlives a restart (runbook, VM log locations)."""
    if doctor.units.absent:
        return without_units(doctor.units)
    found = doctor.journald
    flush = "sudo systemctl restart systemd-journald      then: sudo journalctl --flush"
    if found.storage in {"volatile", "none"}:
        detail = f"journald is told Storage={found.storage}: what the API logs is lost with the next restart"
        remedy = "set Storage=persistent in /etc/systemd/journald.conf      then: " + flush
        return Result(Outcome.WARN, detail, found.storage, "persistent", remedy=remedy)
    if found.kept:
        return Result(Outcome.PASS, f"kept in /var/log/journal (Storage={found.storage})", "persistent", "persistent")
    if found.storage == "persistent" or found.directory:
        detail = f"Storage={found.storage}, but this machine has no directory below /var/log/journal yet"
        return Result(Outcome.WARN, detail, found.storage, "persistent", remedy=flush)
    detail = "there is no /var/log/journal: what the API logs is lost with the next restart"
    remedy = f"sudo mkdir -p /var/log/journal      then: {flush}"
    return Result(Outcome.WARN, detail, found.storage, "persistent", remedy=remedy)


def _short(name: str) -> str:
    return visible(name).removesuffix(".service")
