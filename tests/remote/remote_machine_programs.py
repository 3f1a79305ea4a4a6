"""The stand-ins for systemd's programs; remote_machine.py puts an interpreter and PLACE before this text."""

# ruff: noqa: PTH105, PTH108, PTH110, PTH119, PTH123 # pathlib would double the time that each of them takes
import fcntl
import fnmatch
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

PLACE = str(globals()["PLACE"])
Known = dict[str, dict[str, Any]]
STOP_SECONDS = 2.0


@contextmanager
def units() -> Iterator[Known]:
    """Read what is known of the units, and write it back; nobody else does meanwhile."""
    with open(f"{PLACE}/units.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with open(f"{PLACE}/units.json") as file:
            known = json.load(file)
        yield known
        with open(f"{PLACE}/units.json.new", "w") as file:
            json.dump(known, file)
        os.replace(f"{PLACE}/units.json.new", f"{PLACE}/units.json")


def alive(pid: int) -> bool:
    with suppress(OSError), open(f"/proc/{pid}/stat") as file:
        return file.read().rpartition(")")[2].split()[0] != "Z"
    return False


def full(name: str) -> str:
    return name if "." in name else f"{name}.service"


def note(words: Sequence[str]) -> None:
    with open(f"{PLACE}/calls", "a") as file:
        file.write(" ".join(words) + "\n")


def spawn(name: str, command: Sequence[str], environment: dict[str, str] | None = None) -> int:
    with open(f"{PLACE}/{name}.journal", "ab") as out:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True, cwd="/",
            env={**os.environ, **(environment or {})},
        )  # fmt: skip
    return process.pid


def spawn_and_wait(name: str, unit: dict[str, Any]) -> int:
    """Start a service, and wait until it says that it is ready where its kind does (Type=notify)."""
    if not unit.get("says_ready"):
        return spawn(name, unit["command"])
    address = f"{PLACE}/notify"
    with suppress(FileNotFoundError):
        os.unlink(address)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        heard.bind(address)
        heard.settimeout(0.05)
        pid, until = spawn(name, unit["command"], {"NOTIFY_SOCKET": address}), time.monotonic() + 30
        while alive(pid) and time.monotonic() < until:
            with suppress(TimeoutError):
                if b"READY=1" in heard.recv(4096):
                    break
    return pid


def load_of(name: str, known: Known) -> str:
    if name in known and "load" in known[name]:
        return known[name]["load"]
    template = re.sub(r"@.*\.", "@.", name)
    there = any(os.path.exists(f"{PLACE}/units/{each}") for each in (name, template))
    return "loaded" if there or "transient" in known.get(name, {}) else "not-found"


def described(name: str, known: Known) -> dict[str, str]:
    unit = known.get(name, {})
    running = bool(unit.get("pid")) and alive(unit["pid"])
    timer = bool(unit.get("enabled")) and name.endswith(".timer")
    since = unit.get("since", 0)
    found = {
        "Id": name,
        "LoadState": load_of(name, known),
        "ActiveState": unit.get("active") or ("active" if running or timer else unit.get("ended", "inactive")),
        "SubState": "running" if running else "waiting" if timer else "dead",
        "MainPID": str(unit["pid"] if running else 0),
        "NRestarts": str(unit.get("restarts", 0)),
        "Result": unit.get("result", "success"),
        "User": unit.get("user", ""),
        "FragmentPath": f"{PLACE}/units/{name}",
        "DropInPaths": "",
        "NeedDaemonReload": unit.get("stale", "no"),
        "TimeoutStartUSec": "1min 30s",
        "TimeoutStopUSec": "2s",
        "UnitFileState": "enabled" if unit.get("enabled") else "disabled",
        "ExecMainStartTimestampMonotonic": str(since),
        "ExecMainStatus": "0",
    }
    if name.endswith(".timer"):
        with suppress(OSError), open(f"{PLACE}/units/{name}") as file:
            at = re.search(r"OnCalendar=(.*)", file.read())[1]
            found["NextElapseUSecRealtime"] = at if timer else ""
    return found


def named(word: str, known: Known) -> list[str]:
    """Give the units that a word means: of a pattern those in memory."""
    return fnmatch.filter(known, word) if "*" in word else [word]


def show(words: Sequence[str]) -> int:
    wanted = next((word.partition("=")[2].split(",") for word in words if word.startswith("--property=")), None)
    with units() as known:
        names = [name for word in words if not word.startswith("-") for name in named(full(word), known)]
        blocks = [described(name, known) for name in names]
    shown = [[f"{key}={value}" for key, value in block.items() if not wanted or key in wanted] for block in blocks]
    print("\n\n".join("\n".join(block) for block in shown))
    return 0


def start(name: str) -> int:
    with units() as known:
        unit = known.setdefault(name, {})
        if load_of(name, known) != "loaded":
            print(f"Failed to start {name}: Unit {name} not found.", file=sys.stderr)
            return 5
        if unit.get("start_fails"):
            with open(f"{PLACE}/{name}.journal", "a") as file:
                file.write(f"{unit['start_fails']}\n")
            unit["ended"] = "failed"
            print(f"Job for {name} failed because the control process exited with error code.", file=sys.stderr)
            return 1
        if unit.get("command") and not (unit.get("pid") and alive(unit["pid"])):
            unit["pid"] = spawn_and_wait(name, unit)
            unit["since"] = time.monotonic_ns() // 1000
            unit["result"] = "success"
    return 0


def stop(name: str) -> int:
    with units() as known:
        hangs = known.get(name, {}).get("stop_hangs", 0)
    time.sleep(hangs)
    with units() as known:
        unit = known.setdefault(name, {})
        pid = unit.get("pid")
        if pid and alive(pid):
            if not unit.get("ignores_term"):
                os.killpg(pid, signal.SIGTERM)
            until = time.monotonic() + unit.get("stop_seconds", STOP_SECONDS)
            while alive(pid) and time.monotonic() < until:
                time.sleep(0.005)
            if alive(pid):
                os.killpg(pid, signal.SIGKILL)
                unit["result"], unit["ended"] = "timeout", "failed"
                while alive(pid):
                    time.sleep(0.005)
        unit["pid"] = 0
    return 0


def systemctl(words: Sequence[str]) -> int:
    verb, *rest = [word for word in words if word not in ("--no-pager", "--quiet")]
    names = [full(word) for word in rest if not word.startswith("-")]
    if verb == "show":
        return show(rest)
    if verb == "is-active":
        with units() as known:
            states = [described(name, known)["ActiveState"] for name in names]
        print("\n".join(states))
        return 0 if all(state == "active" for state in states) else 3
    if verb in ("start", "stop"):
        note((verb, *names))
        return max([{"start": start, "stop": stop}[verb](name) for name in names], default=0)
    if verb in ("enable", "disable"):
        note((verb, *names))
        with units() as known:
            for name in names:
                known.setdefault(name, {})["enabled"] = verb == "enable"
    return 0


def systemd_run(words: Sequence[str]) -> int:
    options, command = words[: words.index("--")], words[words.index("--") + 1 :]
    name = full(next(word.partition("=")[2] for word in options if word.startswith("--unit=")))
    pairs = [word.split("=", 2)[1:] for word in options if word.startswith("--setenv=")]
    with units() as known:
        known[name] = {"transient": True, "pid": spawn(name, command, dict(pairs))}
    return 0


def journalctl(words: Sequence[str]) -> int:
    names = [full(words[i + 1]) for i, word in enumerate(words) if word == "-u"]
    count = next((int(words[i + 1]) for i, word in enumerate(words) if word == "-n"), 10)
    for name in names:
        with suppress(OSError), open(f"{PLACE}/{name}.journal", errors="replace") as file:
            print("".join(file.readlines()[-count:]), end="")
    return 0


def main() -> int:
    programs = {"systemctl": systemctl, "systemd-run": systemd_run, "journalctl": journalctl}
    return programs[os.path.basename(sys.argv[0])](sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
