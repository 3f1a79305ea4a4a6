"""Every setting as data: its name, parser, default and meaning, and where its value came from (contract §6)."""

import os
import re
import shlex
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from genesis_ops.durable import open_to_others, read_whole
from genesis_ops.errors import Refused, SettingRefused, UsageRefused
from genesis_ops.words import Timeframe, visible

PREFIX = "GENESIS_"
DEFAULT_FILE = "config/genesis-ops.toml"

_OF_ROOT = ("remote_user", "remote_program", "lock_dir", "units_dir")
"""What root acts on: where it writes, and whose program it has started with whose rights."""
_MOST_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Settings:
    """What a command runs with; every path is absolute, ``lock_dir`` None is the host's own place.

    What begins with ``remote_`` is of the host that remote commands act on; it is text, because this host may write
    paths in another way.
    """

    root: Path
    api_url: str
    exchange_url: str
    ssh_target: str
    remote_root: str
    remote_user: str
    remote_program: str
    symbol: str
    timeframe: Timeframe
    poll_interval: int
    log_dir: Path
    state_file: Path
    champion_file: Path
    champion_sha256: str
    lock_dir: Path | None
    units_dir: Path
    phase_start: date
    phase_end: date

    def shown(self, path: Path) -> str:
        """Write a path for a person or a report: relative to the root where it lies below it (contract §8)."""
        return str(path.relative_to(self.root) if path.is_relative_to(self.root) else path)

    def summary_file(self, of: date) -> Path:
        """Name the file of a day's summary (contract §1)."""
        return self.root / "docs" / "paper_trading" / "daily_summaries" / f"daily_summary_{of.isoformat()}.md"

    @property
    def phase_days(self) -> int:
        """How many days the phase has, its first and its last included (42 in the runbook)."""
        return (self.phase_end - self.phase_start).days + 1

    def day_number(self, of: date) -> int:
        """Number a day (UTC) as the runbook does: 0 on Day 0, below 0 before it."""
        return (of - self.phase_start).days

    def told_day(self, of: date) -> str:
        """Say which day of the phase a day (UTC) is: ``day 15 of 42``.

        Day 0 is the first, so that the last of 42 days is day 41; the runbook's timeline calls it Day 42.
        """
        number = self.day_number(of)
        if number < 0:
            return f"{-number} {'day' if number == -1 else 'days'} before Day 0"
        if of > self.phase_end:
            after = (of - self.phase_end).days
            return f"{after} {'day' if after == 1 else 'days'} after the phase"
        return f"day {number} of {self.phase_days}{', the last' if of == self.phase_end else ''}"


class Loaded(NamedTuple):
    """The settings, where each value came from, and GENESIS_ variables that nobody reads."""

    settings: Settings
    origins: Mapping[str, str]
    unknown_variables: tuple[str, ...]


class Setting(NamedTuple):
    """One row of the table: the parser takes text and raises ValueError with the rest of "<where>: …"."""

    name: str
    parse: Callable[[str], object]
    default: str
    help: str
    toml: type = str

    @property
    def flag(self) -> str:
        """The setting's name on a command line."""
        return f"--{self.name.replace('_', '-')}"

    @property
    def variable(self) -> str:
        """The setting's name in the environment."""
        return PREFIX + self.name.upper()


def _text(text: str) -> str:
    if not text:
        raise ValueError("is empty")
    if visible(text) != text:
        raise ValueError(f"'{visible(text)}' holds a character that cannot be printed")
    return text


_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9])?"
_HOST = rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[0-9A-Fa-f:.]+\])(?::[0-9]{{1,5}})?"


_WORD = r"[A-Za-z0-9_][A-Za-z0-9_.:%+-]*"  # a name, an address, or an alias of ssh's configuration


def _url(text: str) -> str:
    """Accept scheme, host, port and a path; a URL with a password is not repeated, because messages are logged."""
    if "@" in text:
        raise ValueError("holds a user or a password, which would be shown in logs and reports")
    try:
        parts = urlsplit(_text(text).rstrip("/"))
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        usable = False
    if not usable or not re.fullmatch(_HOST, parts.netloc) or re.search(r"[\s?#\\]", text):
        raise ValueError(f"'{visible(text)}' is not http://HOST[:PORT] or https://HOST[:PORT]")
    return parts.geturl()


def _ssh_target(text: str) -> str:
    """Accept what ssh takes as a destination and no shell or option parser takes as anything else."""
    if "<" in _text(text) or ">" in text:
        raise ValueError(f"'{text}' is a placeholder: put the host's name or its alias in its place")
    if not re.fullmatch(rf"(?:{_WORD}@)?{_WORD}", text):
        raise ValueError(
            f"'{text}' is not HOST or USER@HOST; ssh would read a leading - as an option, and a shell other signs"
        )
    return text


def _remote_path(text: str) -> str:
    """Accept an absolute path of a host that is no Windows."""
    if not _text(text).startswith("/") or {".", ".."} & set(text.split("/")):
        raise ValueError(f"'{text}' is not an absolute path of the remote host, such as /opt/genesis")
    return text if text == "/" else text.rstrip("/")


def _remote_user(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_.-]{0,31}", _text(text)):
        raise ValueError(f"'{text}' is not a user's name, such as genesis")
    return text


def _symbol(text: str) -> str:
    if not re.fullmatch(r"t(?=(:?[A-Z0-9]){6,30}\Z)[A-Z0-9]+(:[A-Z0-9]+)?", text):
        raise ValueError(f"'{visible(text)}' is not a trading pair, such as tBTCUSD or tTESTBTC:TESTUSD")
    return text


def _timeframe(text: str) -> Timeframe:
    try:
        return Timeframe(text)
    except ValueError:
        raise ValueError(f"'{visible(text)}' is not one of {' '.join(Timeframe)}") from None


def _seconds(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,4}", text) or not 1 <= int(text) <= 3600:  # noqa: PLR2004 - one hour
        raise ValueError(f"'{visible(text)}' is not a whole number of seconds from 1 to 3600")
    return int(text)


def _path(text: str) -> Path:
    return Path(_text(text))


def _path_or_none(text: str) -> Path | None:
    return _path(text) if text else None


def _sha256_or_none(text: str) -> str:
    if text and not re.fullmatch(r"[0-9A-Fa-f]{64}", text):
        raise ValueError(f"'{visible(text)}' is not a SHA-256 of 64 hexadecimal digits, as sha256sum prints it")
    return text.lower()


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"'{visible(text)}' is not a day, such as 2026-02-04") from None


ROOT = Setting("root", _path, "", "The Genesis-Core checkout that relative paths start from.")
# A default may use the settings above it.
SETTINGS = (
    Setting("api_url", _url, "http://127.0.0.1:8000", "The Genesis API that evaluates and submits."),
    Setting("exchange_url", _url, "https://api-pub.bitfinex.com", "The exchange's public API, which has the candles."),
    Setting("ssh_target", _ssh_target, "genesis-we", "The host that remote commands act on, as ssh knows it."),
    Setting("remote_root", _remote_path, "/opt/genesis/Genesis-Core", "The checkout on that host."),
    Setting("remote_user", _remote_user, "genesis", "Whose rights the services on that host have."),
    Setting(
        "remote_program", _remote_path, "/opt/genesis/genesis-ops/bin/genesis-ops", "This command as that host has it."
    ),
    Setting("symbol", _symbol, "tBTCUSD", "The pair that is traded on paper."),
    Setting("timeframe", _timeframe, "1h", "The length of a candle."),
    Setting("poll_interval", _seconds, "10", "How many seconds lie between two looks at the exchange.", int),
    Setting("log_dir", _path, "logs/paper_trading", "Where the logs, the state and the snapshots are."),
    Setting("state_file", _path, "{log_dir}/runner_state.json", "What the runner remembers across restarts."),
    Setting(
        "champion_file",
        _path,
        "config/strategy/champions/{symbol}_{timeframe}.json",
        "The champion, frozen for the phase.",
    ),
    Setting("champion_sha256", _sha256_or_none, "", "The frozen champion's SHA-256; empty: as the first run found it."),
    Setting("lock_dir", _path_or_none, "", "Where this host's runners lock their market; empty: the host's own place."),
    Setting("units_dir", _path, "/etc/systemd/system", "Where this host's systemd units are written."),
    Setting("phase_start", _day, "2026-02-04", "Day 0 of the phase (UTC)."),
    Setting("phase_end", _day, "2026-03-17", "The last day of the phase (UTC)."),
)
_NAMES = tuple(setting.name for setting in SETTINGS)
_VARIABLES = (*(setting.variable for setting in (ROOT, *SETTINGS)), f"{PREFIX}CONFIG")


class _Given(NamedTuple):
    """A value as it was given, and by whom."""

    text: str
    origin: str
    error: type[UsageRefused | SettingRefused] = SettingRefused

    def parsed_by(self, setting: Setting) -> Any:
        try:
            return setting.parse(self.text)
        except ValueError as error:
            raise self.error(f"{self.origin}: {setting.name} {error}", next_command=_mend(self.origin)) from None


def load(
    flags: Mapping[str, object | None],
    environ: Mapping[str, str],
    config_file: Path | None,
    *,
    only_shown: bool = False,
) -> Loaded:
    """Decide every setting: flag over environment over file over default; a flag that is None was not given.

    Raises:
        Refused: a value cannot be meant, or the file cannot be read; or this is root, and others could have written a
            value that root acts on, unless it is ``only_shown``.
    """
    if unknown := flags.keys() - {ROOT.name, *_NAMES}:
        raise TypeError(f"not a setting: {sorted(unknown)}")
    root_given = _from_outside(ROOT, flags, environ) or _Given(".", "current directory")
    root = _directory(root_given.parsed_by(ROOT), root_given.origin)
    file = _file(root, environ, config_file)
    filed = {} if file is None else _read(*file)
    given: dict[str, _Given] = {}
    for setting in SETTINGS:
        default = setting.default.format(**{name: value.text for name, value in given.items()})
        outside = _from_outside(setting, flags, environ) or filed.get(setting.name)
        given[setting.name] = outside or _Given(default, "default")
    values = {setting.name: given[setting.name].parsed_by(setting) for setting in SETTINGS}
    settings = Settings(root=root, **{name: _below(root, value) for name, value in values.items()})
    if settings.phase_end < settings.phase_start:
        raise SettingRefused(f"{given['phase_end'].origin}: phase_end {settings.phase_end} lies before phase_start")
    if file is not None and not only_shown:
        _require_roots_own(settings, file[0], {name: given[name] for name in filed if given[name] is filed[name]})
    origins = {"root": root_given.origin} | {name: value.origin for name, value in given.items()}
    return Loaded(settings, origins, _unknown(environ))


def nearest_variables(variable: str) -> tuple[str, ...]:
    """Name the variables that somebody may have meant by an unknown one, the likeliest first."""
    close = _nearest(variable.removeprefix(PREFIX).lower(), ("root", "config", *_NAMES))
    return tuple(PREFIX + name.upper() for name in close)


def _nearest(name: str, known: tuple[str, ...]) -> list[str]:
    import difflib

    return difflib.get_close_matches(name, known, n=3, cutoff=0.6)


def _unknown(environ: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(sorted(name for name in environ if name.startswith(PREFIX) and name not in _VARIABLES))


def _from_outside(setting: Setting, flags: Mapping[str, object | None], environ: Mapping[str, str]) -> _Given | None:
    if (flag := flags.get(setting.name)) is not None:
        return _Given(str(flag), f"flag {setting.flag}", UsageRefused)
    if setting.variable in environ:
        return _Given(environ[setting.variable], f"environment {setting.variable}")
    return None


def _directory(path: Path, origin: str) -> Path:
    """Make the root absolute; a current directory that has been removed is no root either."""
    with suppress(FileNotFoundError):
        root = Path(os.path.abspath(path))  # noqa: PTH100 - resolve() would replace links that people know the root by
        if root.is_dir():
            return root
    raise Refused(visible(f"{origin}: the root {path} is not a directory"))


def _below(root: Path, value: Any) -> Any:
    return root / value if isinstance(value, Path) else value


def _require_roots_own(settings: Settings, file: Path, filed: Mapping[str, _Given]) -> None:
    """Let nobody have root write into a directory, or start a program, by a file that root reads.

    Raises:
        Refused: this is root, and others could have written such a setting.
    """
    acted_on = [name for name in _OF_ROOT if name in filed and not _is_harmless(settings, name)]
    if not acted_on or not hasattr(os, "geteuid") or os.geteuid() != 0:
        return
    try:
        part = open_to_others(Path.cwd() / file)
    except OSError:  # it was there a moment ago: somebody changes it
        part = file
    if part is not None:
        where = filed[acted_on[0]].origin
        raise Refused(
            visible(f"{where}: root takes {acted_on[0]} from no file that others can change: {part} is open to them"),
            notes=(f"root may be given it as {PREFIX}{acted_on[0].upper()}, or in a --config of its own",),
            next_command=_mend(where),
        )


def _is_harmless(settings: Settings, name: str) -> bool:
    """Tell whether root has nothing to lose: a lock's file has a fixed name, and is no link and nobody else's."""
    return name == "lock_dir" and Path(os.path.normpath(settings.lock_dir or "")).is_relative_to(settings.root)


def _file(root: Path, environ: Mapping[str, str], config_file: Path | None) -> tuple[Path, str] | None:
    """Find the file that was named, or the root's own if there is one; the second is how it is shown."""
    named = f"{PREFIX}CONFIG"
    if config_file is not None:
        return config_file, str(config_file)
    if named in environ:
        if not environ[named]:
            raise SettingRefused(f"environment {named}: is empty")
        return Path(environ[named]), environ[named]
    usual = root / DEFAULT_FILE
    return (usual, DEFAULT_FILE) if os.path.lexists(usual) else None


def _read(path: Path, shown: str) -> dict[str, _Given]:
    text = _config_text(path, visible(shown))
    document = _toml(text, visible(shown))
    return {name: _checked(name, value, _at(text, name, visible(shown))) for name, value in document.items()}


def _config_text(path: Path, shown: str) -> str:
    try:
        raw = b"" if os.path.realpath(path) == os.devnull else read_whole(path, _MOST_BYTES)
    except (OSError, ValueError) as error:
        raise Refused(f"{shown}: the configuration cannot be read ({getattr(error, 'strerror', error)})") from None
    if raw.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")):
        raise Refused(f"{shown}: the configuration begins with a byte order mark; save it as UTF-8 without one")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise Refused(f"{shown}:{line}: the configuration is not UTF-8") from None


def _toml(text: str, shown: str) -> dict[str, object]:
    import tomllib

    try:
        return tomllib.loads(text)
    except RecursionError:
        raise SettingRefused(f"{shown}: lists or tables are nested too deeply") from None
    except ValueError as error:  # also the interpreter's own limit on the digits of an integer
        what, _, where = str(error).partition(" (at ")
        if found := re.fullmatch(r"line (\d+), column (\d+)\)", where):
            line, column = found.groups()
        else:
            last = text.split("\n")
            line, column = str(len(last)), str(len(last[-1]) + 1)
        raise SettingRefused(visible(f"{shown}:{line}:{column}: {what}")) from None


def _at(text: str, name: str, shown: str) -> str:
    """Find the line of a key, which tomllib does not tell; the file is flat, so the key begins its line."""
    key = rf"""^[ \t]*\[*[ \t]*["']?{re.escape(name)}["']?[ \t]*[=.\]]"""
    found = re.search(key, text, re.MULTILINE)
    return f"{shown}:{text.count(chr(10), 0, found.start()) + 1}" if found else shown


def _checked(name: str, value: object, where: str) -> _Given:
    setting = next((setting for setting in SETTINGS if setting.name == name), None)
    if setting is None:
        raise SettingRefused(
            visible(f"{where}: {name} is not a setting"), notes=(_advice(name),), next_command=_mend(where)
        )
    if type(value) is date and setting.parse is _day:
        return _Given(value.isoformat(), where)
    if type(value) is not setting.toml:
        wanted = "a whole number" if setting.toml is int else "a string in quotes"
        raise SettingRefused(f"{where}: {name} must be {wanted}", next_command=_mend(where))
    return _Given(str(value), where)


def _mend(origin: str) -> str:
    """Name the command that gets at a value, wherever it came from."""
    kind, _, name = origin.partition(" ")
    if kind == "environment":
        return f"unset {name}"
    if kind == "flag":
        return f"genesis-ops {'remote' if name == '--ssh-target' else 'run'} --help"
    path, _, line = origin.rpartition(":")
    return f"${{EDITOR:-vi}} +{line} {shlex.quote(path)}"


def _advice(name: str) -> str:
    if name == ROOT.name:
        return f"the root is named by {ROOT.flag} or {ROOT.variable}, because the file is looked for below it"
    close = _nearest(name, _NAMES)
    return f"did you mean {' or '.join(close)}?" if close else f"the settings are {' '.join(_NAMES)}"
