"""A stand-in for systemctl: a small program that remembers in files which timers are enabled."""

from pathlib import Path

_PROGRAM = """\
#!/bin/sh
units='{units}' memory='{memory}'
echo "$*" >> "$memory/calls"
[ -f "$memory/absent" ] && {{ echo 'System has not been booted with systemd as init system (PID 1).' >&2; exit 1; }}
verb=$1; shift
[ -f "$memory/refuses-$verb" ] && {{ echo "Access denied" >&2; exit 4; }}
case $verb in
enable|disable)
    for each; do
        case $each in
        -*) ;;
        *) [ -f "$units/$each" ] || {{ echo "Unit $each does not exist" >&2; exit 1; }}
           if [ $verb = enable ]; then : > "$memory/on-$each"; else rm -f "$memory/on-$each"; fi ;;
        esac
    done ;;
show)
    for each; do
        case $each in -*) continue ;; esac
        state=inactive elapses= stale=no
        if [ -f "$memory/on-$each" ]; then
            state=active
            elapses="Fri $(sed -n 's/^OnCalendar=//p' "$units/$each" | head -n 1)"
        fi
        [ -f "$memory/busy-$each" ] && state=activating
        [ -f "$memory/stale-$each" ] && stale=yes
        printf 'Id=%s\\nActiveState=%s\\nNextElapseUSecRealtime=%s\\nNeedDaemonReload=%s\\nDropInPaths=%s\\n\\n' \\
            "$each" "$state" "$elapses" "$stale" "$(cat "$memory/drop-in-$each" 2>/dev/null)"
    done ;;
esac
exit 0
"""


class Systemctl:
    """The stand-in; ``folder`` has to stand in PATH before systemd's own."""

    def __init__(self, place: Path, units: Path) -> None:
        self.folder, self.memory = place / "bin", place / "memory"
        self.folder.mkdir(parents=True)
        self.memory.mkdir()
        program = self.folder / "systemctl"
        program.write_text(_PROGRAM.format(units=units, memory=self.memory))
        program.chmod(0o755)

    @property
    def path(self) -> str:
        return f"{self.folder}:/usr/bin:/bin"

    def note(self, name: str, text: str = "") -> None:
        """Make it remember something: absent, refuses-VERB, on-UNIT, busy-UNIT, stale-UNIT, drop-in-UNIT."""
        (self.memory / name).write_text(text)

    def forget(self, name: str) -> None:
        (self.memory / name).unlink()

    def calls(self) -> list[str]:
        """What it was told, but for what it was asked."""
        log = self.memory / "calls"
        lines = log.read_text().splitlines() if log.exists() else []
        return [line for line in lines if not line.startswith("show")]
