import os
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genesis_ops.durable import open_to_others
from genesis_ops.errors import Refused, SettingRefused, UsageRefused
from genesis_ops.settings import SETTINGS, Loaded, Settings, load, nearest_variables
from genesis_ops.words import Timeframe


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "config").mkdir()
    return tmp_path


def configure(root: Path, text: str) -> None:
    (root / "config" / "genesis-ops.toml").write_text(text, encoding="utf-8")


def loaded(root: Path, *, config: Path | None = None, env: dict[str, str] | None = None, **flags: object) -> Loaded:
    return load({"root": root, **flags}, env or {}, config)


def test_the_defaults_are_those_of_the_phase(root: Path) -> None:
    assert loaded(root).settings == Settings(
        root=root,
        api_url="http://127.0.0.1:8000",
        exchange_url="https://api-pub.bitfinex.com",
        ssh_target="genesis-we",
        remote_root="/opt/genesis/Genesis-Core",
        remote_user="genesis",
        remote_program="/opt/genesis/genesis-ops/bin/genesis-ops",
        symbol="tBTCUSD",
        timeframe=Timeframe.H1,
        poll_interval=10,
        log_dir=root / "logs/paper_trading",
        state_file=root / "logs/paper_trading/runner_state.json",
        champion_file=root / "config/strategy/champions/tBTCUSD_1h.json",
        champion_sha256="",
        lock_dir=None,
        units_dir=Path("/etc/systemd/system"),
        phase_start=date(2026, 2, 4),
        phase_end=date(2026, 3, 17),
    )


def test_the_frozen_champions_hash_is_64_hexadecimal_digits_in_any_case_or_nothing(root: Path) -> None:
    assert loaded(root, champion_sha256="AB" * 32).settings.champion_sha256 == "ab" * 32
    assert loaded(root, env={"GENESIS_CHAMPION_SHA256": ""}).settings.champion_sha256 == ""
    for text in ("ab" * 31, "ab" * 33, "xy" * 32, f"{'ab' * 32} champion.json", "\u0661" * 64):
        with pytest.raises(UsageRefused, match=r"champion_sha256 .* is not a SHA-256 of 64 hexadecimal digits"):
            loaded(root, champion_sha256=text)


def test_every_setting_has_a_meaning_and_an_origin(root: Path) -> None:
    assert set(loaded(root).origins) == {"root", *(setting.name for setting in SETTINGS)} == set(Settings.__slots__)
    assert all(setting.help.endswith(".") for setting in SETTINGS)


def test_a_flag_wins_over_the_environment_over_the_file_over_the_default(root: Path) -> None:
    configure(root, '\n# the pair\nsymbol = "tFILEUSD"\n')
    env = {"GENESIS_SYMBOL": "tENVUSD"}
    every = [
        loaded(root, env=env, symbol="tFLAGUSD"),
        loaded(root, env=env, symbol=None),
        loaded(root),
        load({"root": root / "config"}, {}, None),
    ]
    assert [(one.settings.symbol, one.origins["symbol"]) for one in every] == [
        ("tFLAGUSD", "flag --symbol"),
        ("tENVUSD", "environment GENESIS_SYMBOL"),
        ("tFILEUSD", "config/genesis-ops.toml:3"),
        ("tBTCUSD", "default"),
    ]


def test_the_root_comes_from_the_flag_the_environment_or_the_current_directory(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(root)
    env = {"GENESIS_ROOT": "config"}
    every = [load({"root": str(root)}, env, None), load({}, env, None), load({}, {}, None)]
    assert [(one.settings.root, one.origins["root"]) for one in every] == [
        (root, "flag --root"),
        (root / "config", "environment GENESIS_ROOT"),
        (root, "current directory"),
    ]


def test_a_root_that_is_no_directory_is_refused(root: Path) -> None:
    for missing in (root / "none", "/dev/null"):
        with pytest.raises(Refused, match=r"^flag --root: the root .* is not a directory$"):
            load({"root": missing}, {}, None)
    with pytest.raises(SettingRefused, match=r"^environment GENESIS_ROOT: root is empty$"):
        load({}, {"GENESIS_ROOT": ""}, None)


def test_a_current_directory_that_was_removed_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with pytest.raises(Refused, match=r"^current directory: the root \. is not a directory$"):
        load({}, {}, None)


def test_the_state_follows_the_log_directory_and_the_champion_the_market(root: Path) -> None:
    found = loaded(root, log_dir="/var/log/genesis", symbol="tTESTBTC:TESTUSD", timeframe="1D").settings
    assert found.state_file == Path("/var/log/genesis/runner_state.json")
    assert found.champion_file == root / "config/strategy/champions/tTESTBTC:TESTUSD_1D.json"


def test_braces_in_a_directory_are_only_braces(root: Path) -> None:
    assert loaded(root, log_dir="{symbol}").settings.state_file == root / "{symbol}/runner_state.json"


def test_paths_are_shown_relative_to_the_root_where_they_lie_below_it(root: Path) -> None:
    found = loaded(root).settings
    assert found.shown(found.log_dir) == "logs/paper_trading"
    assert found.shown(Path("/var/log")) == "/var/log"


def test_the_file_may_set_everything(root: Path) -> None:
    configure(
        root,
        'api_url = "http://[::1]:9000/"\nexchange_url = "https://localhost"\nssh_target = "ops@host"\n'
        'remote_root = "/srv/g/"\nremote_user = "g"\nremote_program = "/usr/local/bin/genesis-ops"\n'
        'symbol = "tETHUSD"\ntimeframe = "1M"\npoll_interval = 3600\nlog_dir = "l"\nstate_file = "s"\n'
        f'"champion_file" = "c"\nchampion_sha256 = "{64 * "c"}"\nlock_dir = "k"\nunits_dir = "u"\n'
        'phase_start = 2026-03-01\nphase_end = "2026-03-02"\n',
    )
    found = loaded(root)
    assert found.settings == Settings(
        root=root,
        api_url="http://[::1]:9000",
        exchange_url="https://localhost",
        ssh_target="ops@host",
        remote_root="/srv/g",
        remote_user="g",
        remote_program="/usr/local/bin/genesis-ops",
        symbol="tETHUSD",
        timeframe=Timeframe.MONTH,
        poll_interval=3600,
        log_dir=root / "l",
        state_file=root / "s",
        champion_file=root / "c",
        champion_sha256="c" * 64,
        lock_dir=root / "k",
        units_dir=root / "u",
        phase_start=date(2026, 3, 1),
        phase_end=date(2026, 3, 2),
    )
    lines = [found.origins[setting.name].rpartition(":")[2] for setting in SETTINGS]
    assert lines == [str(number) for number in range(1, 18)]


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("api_url", "", "api_url '' is not http://HOST[:PORT]"),
        ("api_url", "127.0.0.1:8000", "is not http://HOST[:PORT]"),
        ("api_url", "ftp://host", "is not http://HOST[:PORT]"),
        ("api_url", "http://", "is not http://HOST[:PORT]"),
        ("api_url", "http://host:99999", "is not http://HOST[:PORT]"),
        ("api_url", "http://host:", "is not http://HOST[:PORT]"),
        ("api_url", "http://host?a=1", "is not http://HOST[:PORT]"),
        ("api_url", "http://host#", "is not http://HOST[:PORT]"),
        ("api_url", "http://ho st", "is not http://HOST[:PORT]"),
        ("api_url", "http://[::1", "is not http://HOST[:PORT]"),
        ("ssh_target", "-oProxyCommand=x", "ssh would read a leading - as an option"),
        ("ssh_target", "a b", "is not HOST or USER@HOST"),
        ("ssh_target", "", "ssh_target is empty"),
        ("ssh_target", "<DIN_VM>", "is a placeholder"),
        ("ssh_target", "user@<host>", "is a placeholder"),
        ("ssh_target", "host;id", "is not HOST or USER@HOST"),
        ("ssh_target", "$(id)@host", "is not HOST or USER@HOST"),
        ("ssh_target", "ops@-oProxyCommand=x", "is not HOST or USER@HOST"),
        ("ssh_target", "host\n", "holds a character that cannot be printed"),
        ("ssh_target", "h\u00f6st", "is not HOST or USER@HOST"),
        ("remote_root", "opt/genesis", "is not an absolute path of the remote host"),
        ("remote_root", "/opt/../etc", "is not an absolute path of the remote host"),
        ("remote_program", "/a\x1b", "holds a character that cannot be printed"),
        ("remote_user", "-u", "is not a user's name"),
        ("remote_user", "#0", "is not a user's name"),
        ("symbol", "BTCUSD", "symbol 'BTCUSD' is not a trading pair"),
        ("symbol", "tBTCUS", "is not a trading pair"),
        ("symbol", "tBTC:US", "is not a trading pair"),
        ("symbol", "tbtcusd", "is not a trading pair"),
        ("symbol", "tBTC:USD:X", "is not a trading pair"),
        ("symbol", "tBTCUSD\n", "symbol 'tBTCUSD\\n' is not a trading pair"),
        ("symbol", "t../../../etc", "is not a trading pair"),
        ("timeframe", "4h", "timeframe '4h' is not one of 1m 5m 15m 30m 1h 3h 6h 12h 1D 1W 14D 1M"),
        ("timeframe", "1H", "is not one of"),
        ("log_dir", "", "log_dir is empty"),
        ("state_file", "a\x1b[2J", "state_file 'a\\x1b[2J' holds a character that cannot be printed"),
        ("phase_start", "4 Feb", "phase_start '4 Feb' is not a day, such as 2026-02-04"),
        ("phase_end", "2026-02-30", "is not a day"),
    ],
)
def test_a_value_that_cannot_be_meant_is_refused_with_its_place(root: Path, name: str, value: str, why: str) -> None:
    flag = f"--{name.replace('_', '-')}"
    with pytest.raises(UsageRefused) as by_flag:
        load({"root": root, name: value}, {}, None)
    assert by_flag.value.message.startswith(f"flag {flag}: {name} ")
    with pytest.raises(SettingRefused) as by_variable:
        loaded(root, env={f"GENESIS_{name.upper()}": value})
    assert by_variable.value.message.startswith(f"environment GENESIS_{name.upper()}: {name} ")
    escaped = value.replace("\n", "\\n").replace("\x1b", "\\u001b")
    configure(root, f'# first\n{name} = "{escaped}"\n')
    with pytest.raises(SettingRefused) as by_file:
        loaded(root)
    assert by_file.value.message.startswith(f"config/genesis-ops.toml:2: {name} ")
    assert all(why in caught.value.message for caught in (by_flag, by_variable, by_file))


@pytest.mark.parametrize("value", ["0", "3601", "-1", "1.5", "ten", "", "१", "99999999999", " 5"])
def test_a_poll_interval_outside_its_range_is_refused(root: Path, value: str) -> None:
    with pytest.raises(UsageRefused, match=r"^flag --poll-interval: poll_interval .* from 1 to 3600$"):
        loaded(root, poll_interval=value)


def test_a_password_in_a_url_is_refused_and_not_repeated(root: Path) -> None:
    for url in ("http://ops:secret@host", "ops:secret@host", "http://ops:secret@host/\n"):
        with pytest.raises(UsageRefused, match="a user or a password") as caught:
            loaded(root, api_url=url)
        assert "secret" not in caught.value.message


def test_a_phase_that_ends_before_it_begins_is_refused(root: Path) -> None:
    with pytest.raises(SettingRefused, match=r"^environment GENESIS_PHASE_END: phase_end 2026-02-03 lies before"):
        loaded(root, env={"GENESIS_PHASE_END": "2026-02-03"})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('symbol = "tBTCUSD"\npoll_interval = "10"', "2: poll_interval must be a whole number"),
        ("poll_interval = true", "1: poll_interval must be a whole number"),
        ("poll_interval = 10.0", "1: poll_interval must be a whole number"),
        ("poll_interval = 0", "1: poll_interval '0' is not a whole number of seconds from 1 to 3600"),
        ("symbol = 1", "1: symbol must be a string in quotes"),
        ("symbol = 2026-02-04", "1: symbol must be a string in quotes"),
        ("\n[symbol]\nx = 1", "2: symbol must be a string in quotes"),
        ("phase_start = 2026-02-04T00:00:00Z", "1: phase_start must be a string in quotes"),
        ('\n\n simbol = "tBTCUSD"', "3: simbol is not a setting"),
        ("[paths]\nx = 1", "1: paths is not a setting"),
        ("paths.x = 1", "1: paths is not a setting"),
        ('symbol = "tBTCUSD"\nsymbol = "tBTCUSD"', "2:19: Cannot overwrite a value"),
        ("symbol =\n", "1:9: Invalid value"),
        ('\nsymbol = "tBTC', "2:15: Unterminated string"),
        ("symbol tBTCUSD", "1:8: Expected '=' after a key in a key/value pair"),
    ],
)
def test_a_fault_in_the_file_is_refused_with_its_line(root: Path, text: str, message: str) -> None:
    configure(root, text)
    with pytest.raises(SettingRefused) as caught:
        loaded(root)
    assert caught.value.message == f"config/genesis-ops.toml:{message}"


def test_an_unknown_key_brings_the_nearest_name_or_all_of_them(root: Path) -> None:
    notes: list[str] = []
    for key in ("timefame", "zzz", "root"):
        configure(root, f"{key} = 1")
        with pytest.raises(SettingRefused) as caught:
            loaded(root)
        notes += caught.value.notes
    assert notes[0] == "did you mean timeframe?"
    assert notes[1].startswith("the settings are api_url exchange_url ")
    assert "--root or GENESIS_ROOT" in notes[2]


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b'\xef\xbb\xbfsymbol = "tBTCUSD"', "config/genesis-ops.toml: the configuration begins with a byte order mark"),
        (b"\xff\xfes\0", "begins with a byte order mark"),
        (b"# fine\n# \xe9\n", "config/genesis-ops.toml:2: the configuration is not UTF-8"),
        (b"symbol = " + b"[" * 10_000, "nested too deeply"),
        (b"poll_interval = " + b"1" * 5_000, "config/genesis-ops.toml:1:"),
    ],
)
def test_bytes_that_are_no_configuration_are_refused(root: Path, raw: bytes, why: str) -> None:
    (root / "config" / "genesis-ops.toml").write_bytes(raw)
    with pytest.raises(Refused, match=why):
        loaded(root)


@settings(deadline=None)
@given(st.text(st.characters(codec="utf-8"), max_size=60) | st.binary(max_size=60))
def test_an_arbitrary_file_is_read_or_refused_and_nothing_else(
    tmp_path_factory: pytest.TempPathFactory, text: str | bytes
) -> None:
    file = tmp_path_factory.getbasetemp() / "arbitrary.toml"
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    try:
        found = loaded(file.parent, config=file)
    except Refused:
        return
    assert set(found.origins.values()) == {"flag --root", "default"}


def test_a_file_that_was_named_must_be_there(root: Path) -> None:
    with pytest.raises(Refused, match=r"^none\.toml: the configuration cannot be read \(No such file or directory\)$"):
        loaded(root, config=Path("none.toml"))
    with pytest.raises(Refused, match="No such file"):
        loaded(root, env={"GENESIS_CONFIG": "none.toml"})
    with pytest.raises(SettingRefused, match=r"^environment GENESIS_CONFIG: is empty$"):
        loaded(root, env={"GENESIS_CONFIG": ""})


def test_a_directory_or_a_broken_link_in_the_place_of_the_file_is_refused(root: Path) -> None:
    (root / "config" / "genesis-ops.toml").mkdir()
    with pytest.raises(Refused, match="is a directory"):
        loaded(root)
    (root / "config" / "genesis-ops.toml").rmdir()
    (root / "config" / "genesis-ops.toml").symlink_to("none")
    with pytest.raises(Refused, match="No such file"):
        loaded(root)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no FIFOs")
def test_a_fifo_in_the_place_of_the_file_is_refused_and_not_waited_for(root: Path) -> None:
    os.mkfifo(root / "config" / "genesis-ops.toml")
    with pytest.raises(Refused, match="is not a regular file"):
        loaded(root)


def test_a_file_of_any_size_does_not_fill_the_memory(root: Path) -> None:
    configure(root, "")
    os.truncate(root / "config" / "genesis-ops.toml", 1 << 40)
    with pytest.raises(Refused, match="is larger than 1048576 bytes"):
        loaded(root)


# --- what root takes from a file


ACTED_ON = {"units_dir": "/x", "remote_user": "x", "remote_program": "/x", "lock_dir": "/x"}
as_root = pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root has root's files")


@pytest.fixture
def others(root: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The root, as root finds it whose configuration others can write."""
    monkeypatch.setattr("os.geteuid", lambda: 0, raising=False)
    configure(root, "")
    (root / "config").chmod(0o777)
    return root


@pytest.mark.parametrize("name", ACTED_ON)
def test_root_takes_what_it_acts_on_from_no_file_that_others_can_change(others: Path, name: str) -> None:
    configure(others, f'symbol = "tETHUSD"\n{name} = "{ACTED_ON[name]}"\n')
    for config in (None, others / "config" / "genesis-ops.toml"):
        with pytest.raises(Refused, match=rf"config/genesis-ops.toml:2: root takes {name} from no file") as refused:
            loaded(others, config=config)
    assert f"GENESIS_{name.upper()}" in refused.value.notes[0]


@pytest.mark.parametrize("name", ACTED_ON)
def test_root_takes_it_from_the_environment_whatever_the_file_says(others: Path, name: str) -> None:
    configure(others, f'{name} = "{ACTED_ON[name]}"')
    found = loaded(others, env={f"GENESIS_{name.upper()}": "/y" if ACTED_ON[name] == "/x" else "y"})
    assert str(getattr(found.settings, name)).endswith("y")


def test_root_takes_what_is_no_matter_of_its_rights_from_any_file(others: Path) -> None:
    configure(others, 'symbol = "tETHUSD"\nlock_dir = "logs/paper_trading"')
    assert loaded(others).settings.symbol == "tETHUSD"
    configure(others, 'lock_dir = "logs/../../elsewhere"')
    with pytest.raises(Refused, match="root takes lock_dir"):
        loaded(others)


def test_what_root_would_refuse_can_be_shown(others: Path) -> None:
    configure(others, 'units_dir = "/x"')
    assert load({"root": others}, {}, None, only_shown=True).origins["units_dir"] == "config/genesis-ops.toml:1"


def test_another_user_takes_everything_from_the_file(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000, raising=False)
    configure(root, 'units_dir = "/x"')
    (root / "config").chmod(0o777)
    assert loaded(root).settings.units_dir == Path("/x")


@as_root
def test_root_takes_it_from_a_file_that_is_its_own_all_the_way(root: Path) -> None:
    configure(root, 'units_dir = "/x"')
    assert loaded(root).settings.units_dir == Path("/x")


@as_root
@pytest.mark.parametrize("spoilt", ["file", "directory", "above", "link", "linked-directory"])
def test_one_way_in_is_enough_for_others(root: Path, spoilt: str) -> None:
    config, file = root / "config", root / "config" / "genesis-ops.toml"
    configure(root, "")
    assert open_to_others(file) is None
    places = {"file": file, "directory": config, "above": root}
    if spoilt in places:
        os.chown(places[spoilt], 1000, 0)
        assert open_to_others(file) == places[spoilt]
        return
    link = root / "link"
    link.symlink_to("config/genesis-ops.toml")
    assert open_to_others(link) is None
    if spoilt == "link":
        os.chown(link, 1000, 0, follow_symlinks=False)
    else:
        config.chmod(0o775)
    assert open_to_others(link) == (link if spoilt == "link" else config)


@as_root
def test_what_is_roots_is_safe_in_a_sticky_directory(root: Path) -> None:
    configure(root, "")
    (root / "config").chmod(0o1777)
    assert open_to_others(root / "config" / "genesis-ops.toml") is None
    (root / "config" / "genesis-ops.toml").chmod(0o666)
    assert open_to_others(root / "config" / "genesis-ops.toml") == root / "config" / "genesis-ops.toml"


def test_the_file_named_by_flag_wins_over_the_one_named_by_the_environment(root: Path) -> None:
    for name in ("flag", "environment"):
        (root / name).write_text(f'ssh_target = "{name}"')
    configure(root, 'ssh_target = "usual"')
    env = {"GENESIS_CONFIG": str(root / "environment")}
    both, one = loaded(root, config=root / "flag", env=env), loaded(root, env=env)
    assert (both.settings.ssh_target, one.settings.ssh_target) == ("flag", "environment")
    assert one.origins["ssh_target"] == f"{root / 'environment'}:1"


def test_a_look_alike_in_a_comment_does_not_take_the_line_of_a_key(root: Path) -> None:
    configure(root, '# symbol = "tOLDUSD"\nsymbol = "tBTCUSD"')
    assert loaded(root).origins["symbol"] == "config/genesis-ops.toml:2"


def test_variables_that_nobody_reads_are_collected(root: Path) -> None:
    env = {
        "GENESIS_SYMBOI": "x",
        "GENESIS_": "x",
        "GENESIS_SYMBOL": "tBTCUSD",
        "HOME": "/",
        "GENESIS_CONFIG": "/dev/null",
    }
    assert loaded(root, env=env).unknown_variables == ("GENESIS_", "GENESIS_SYMBOI")
    assert nearest_variables("GENESIS_SYMBOI") == ("GENESIS_SYMBOL",)
    assert nearest_variables("GENESIS_ZZZ") == ()


def test_a_flag_that_is_no_setting_is_a_bug_and_not_passed_over(root: Path) -> None:
    with pytest.raises(TypeError, match="colour"):
        loaded(root, colour="red")


def test_the_settings_load_without_the_heavy_libraries() -> None:
    script = "import sys, genesis_ops.settings; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    modules = set(done.stdout.split())
    assert not modules & {"pydantic", "typer", "rich", "httpx", "psutil", "tomllib", "difflib"}


@pytest.mark.parametrize(
    ("day", "told"),
    [
        ("2026-02-03", "1 day before Day 0"),
        ("2026-02-04", "day 0 of 42"),
        ("2026-03-17", "day 41 of 42, the last"),
        ("2026-03-18", "1 day after the phase"),
        ("2026-03-20", "3 days after the phase"),
    ],
)
def test_a_day_is_told_by_its_place_in_the_phase(day: str, told: str) -> None:
    assert load({}, {}, None).settings.told_day(date.fromisoformat(day)) == told
