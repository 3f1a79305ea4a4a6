"""The doctor's checks on facts: each one green, red and skipped, and never with a character that moves a cursor."""

from typing import Any

import pytest
from doctor_host import MUTE_SYSTEMD, NO_SYSTEMD, PAPER, PYTHON, ROOT, RUNNER, SOUND, found, told, unit, units
from preflight_host import API, OTHER, SHA256

from genesis_ops import __version__
from genesis_ops.checks.doctor import CHECKS, examine
from genesis_ops.checks.doctor_facts import PlaceFound, WorksIn
from genesis_ops.checks.doctor_server import is_loopback
from genesis_ops.checks.host import EnvFound
from genesis_ops.checks.model import Outcome
from genesis_ops.clients.git import Change, Commit, Repository
from genesis_ops.clients.health import Answer, Health
from genesis_ops.clients.machine import Journald
from genesis_ops.clients.machine_python import Started
from genesis_ops.clients.process import Listeners
from genesis_ops.clients.units import UnitsFound
from genesis_ops.report.formats import Format, render
from genesis_ops.state.champion import Fingerprint
from genesis_ops.state.latch import Latch

IDS = [
    *("user", "directory", "git-branch", "git-clean", "venv", "env-file"),
    *("units-present", "units-enabled", "services-up", "restarts", "stop-latch"),
    *("api-health", "one-uvicorn", "port-loopback", "clock", "disk-space", "journald-persistent", "champion-frozen"),
]
UNIT_CHECKS = ("units-present", "units-enabled", "services-up", "restarts")
HOSTILE = "\x1b[31m\u202e\nx"


def place(**changes: Any) -> dict[str, PlaceFound]:
    return {"place": SOUND.place._replace(**changes)}


def host(**changes: Any) -> dict[str, Any]:
    return {"host": SOUND.host._replace(**changes)}


# --- the report


def test_a_sound_host_passes_every_check_in_the_order_of_the_quick_start() -> None:
    report = examine(SOUND)
    assert [check.id for check in report.checks] == IDS
    assert {str(check.outcome) for check in report.checks} == {"PASS"}
    assert (report.command, report.exit_code) == ("doctor", 0)


def test_whatever_is_not_well_has_something_to_do() -> None:
    nothing = SOUND._replace(
        place=PlaceFound("root", "genesis", ("src/core",), (WorksIn(PAPER, "/else", here=False),)),
        git=SOUND.git._replace(branch="", changes=(Change("src/core/a", "modified"),), shallow=True),
        units=UnitsFound((unit(PAPER, ActiveState="failed", UnitFileState="disabled", NRestarts="3"),)),
        started=(Started(PAPER, "/gone", fault="/gone is not there"),),
        uvicorns=(),
        listeners=Listeners((API,), hidden=False, addresses=("0.0.0.0",)),
        journald=Journald("auto", kept=False, directory=False),
        **host(env=EnvFound(present=False), champion=SOUND.host.champion._replace(fingerprint=None), disk=None),
    )
    checks = [check for check in examine(nothing).checks if check.outcome is not Outcome.PASS]
    assert len(checks) >= 14
    assert [check.id for check in checks if not check.remedy] == []


def test_a_host_without_systemd_and_git_skips_what_it_cannot_see_and_says_why() -> None:
    blind = SOUND._replace(
        units=NO_SYSTEMD, git=Repository(trouble="there is no git on this host", absent=True), started=()
    )
    skipped = {check.id: check.detail for check in examine(blind).checks if check.outcome is Outcome.SKIP}
    assert list(skipped) == [
        *("git-branch", "git-clean", "venv", *UNIT_CHECKS, "journald-persistent", "champion-frozen"),
    ]
    assert all("there is no " in why for why in skipped.values())
    assert examine(blind).exit_code == 0


def test_no_text_from_outside_reaches_a_report_as_it_is() -> None:
    commit = Commit(HOSTILE, 1_770_300_000_000, HOSTILE, (f"config/models/{HOSTILE}",))
    change = Change(f"config/models/{HOSTILE}", "modified")
    properties = dict.fromkeys(SOUND.units.units[0].properties, HOSTILE) | {"LoadState": "loaded"}
    hostile = SOUND._replace(
        place=PlaceFound("genesis", "genesis", (), (WorksIn(HOSTILE, HOSTILE, here=False),)),
        git=Repository(HOSTILE, commit, HOSTILE, 1, 1, (change,), shallow=True, touching=(commit,)),
        units=UnitsFound((unit(PAPER, **properties),)),
        started=(Started(HOSTILE, "/a", "/a", "3", "0.0.1"),),
    )
    report = examine(hostile)
    for check in report.checks:
        proof = [text for place in check.evidence for text in (place.file, place.text)]
        assert all(text.isprintable() for text in (check.detail, *proof)), check.id
    for output_format in Format:
        shown = render(report, output_format, unicode=True)
        assert all(line.isprintable() for line in shown.split("\n")), output_format


def test_every_check_has_a_title_and_an_id_of_its_own() -> None:
    assert len({check.id for check in CHECKS}) == len({check.title for check in CHECKS}) == len(CHECKS)


# --- user and directory


@pytest.mark.parametrize(
    ("changes", "said", "remedy"),
    [
        (
            place(user="root"),
            "root looks, and genesis owns",
            f"sudo -iu genesis      then: genesis-ops --root {ROOT} doctor",
        ),
        (place(user="ops"), "ops looks, and genesis owns", "sudo -iu genesis"),
        (place(user="root", owner="root") | units(User="root"), "root looks, and root owns", "sudo -iu genesis"),
        (place(owner="root"), "genesis looks, and root owns", "belong to genesis"),
        (units(User=""), f"{RUNNER} runs as root, not as genesis", f"sudo systemctl edit {RUNNER}"),
        (units(User="ops"), f"{RUNNER} runs as ops", "set User=genesis"),
    ],
)
def test_another_user_is_a_warning(changes: dict[str, Any], said: str, remedy: str) -> None:
    judged = found("user", **changes)
    assert judged.outcome is Outcome.WARN
    assert said in judged.detail
    assert remedy in judged.remedy


def test_a_unit_is_never_told_to_run_as_the_superuser() -> None:
    judged = found("user", **place(user="root", owner="root"), **units(User=""))
    assert "User=root" not in judged.remedy
    assert f"{RUNNER} runs as root, not as genesis" in judged.detail
    assert PAPER not in judged.detail


def test_a_system_without_users_has_none_to_compare() -> None:
    assert told("user", **place(user=""))[0] == "SKIP"


def test_a_root_that_is_no_checkout_fails_and_names_where_the_units_work() -> None:
    elsewhere = (WorksIn(RUNNER, "/opt/a b", here=False),)
    judged = found("directory", **place(lacks=("src/core",), works_in=elsewhere))
    assert judged.outcome is Outcome.FAIL
    assert "is no Genesis-Core checkout: there is no src/core" in judged.detail
    assert f"{RUNNER} works in /opt/a b, not here" in judged.detail
    assert judged.remedy == "genesis-ops --root '/opt/a b' doctor"


def test_a_unit_that_names_no_directory_is_a_warning() -> None:
    outcome, detail = told("directory", **place(works_in=(WorksIn(RUNNER, "", here=False),)))
    assert (outcome, detail) == ("WARN", f"{RUNNER} names no WorkingDirectory")


def test_a_checkout_without_units_is_judged_alone() -> None:
    assert told("directory", **place(works_in=())) == ("PASS", f"{ROOT}, no unit to compare it with")


# --- the Python


def started(**changes: Any) -> dict[str, Any]:
    return {"started": (SOUND.started[0], SOUND.started[1]._replace(**changes))}


@pytest.mark.parametrize(
    ("changes", "outcome", "said"),
    [
        ({"fault": "/gone is not there"}, "FAIL", f"{RUNNER} cannot start: /gone is not there"),
        ({"unseen": "it is a shell script"}, "WARN", f"{RUNNER}: it is a shell script"),
        ({"inside": False, "python": "/usr/bin/python3"}, "WARN", f"{RUNNER} uses /usr/bin/python3, not the .venv"),
        ({"own_version": "0.0.1"}, "WARN", f"{RUNNER} starts genesis-ops 0.0.1, and this is {__version__}"),
        ({"own_version": __version__}, "PASS", f"Python 3.11.7 of {PYTHON}"),
    ],
)
def test_the_python_of_each_unit_is_judged(changes: dict[str, Any], outcome: str, said: str) -> None:
    judged = found("venv", **started(**changes))
    assert str(judged.outcome) == outcome
    assert judged.detail.startswith(said)


def test_of_several_findings_the_worst_counts_and_comes_first() -> None:
    first, second = SOUND.started
    judged = found("venv", started=(first._replace(unseen="hidden"), second._replace(fault="/gone is not there")))
    assert judged.outcome is Outcome.FAIL
    assert judged.detail.startswith(f"{RUNNER} cannot start")
    assert judged.detail.endswith(f"{PAPER}: hidden")


def test_the_programs_and_their_pythons_are_the_proof() -> None:
    judged = found("venv", **started(program="/opt/start", python="", version="", unseen="why"))
    assert [(place.file, place.text) for place in judged.evidence] == [
        (PAPER, f"{PYTHON}, Python 3.11.7"),
        (RUNNER, "/opt/start, Python of an unknown version"),
    ]


def test_a_process_outside_of_the_venv_is_not_mended_in_a_unit() -> None:
    judged = found("venv", **started(who="pid 7", inside=False))
    assert "start it with" in judged.remedy
    assert "systemctl" not in judged.remedy


# --- .env


@pytest.mark.parametrize("name", [".env", ".env.systemd"])
def test_an_env_file_that_the_unit_reads_passes(name: str) -> None:
    files = f"/etc/default/x (ignore_errors=yes)\n{ROOT}/{name} (ignore_errors=no)"
    assert told("env-file", units=UnitsFound((unit(PAPER, EnvironmentFiles=files),)))[0] == "PASS"


@pytest.mark.parametrize(
    ("files", "read"), [("", "no file"), ("/opt/o (x)/.env (ignore_errors=no)", "/opt/o (x)/.env")]
)
def test_an_env_file_that_the_unit_does_not_read_is_a_warning(files: str, read: str) -> None:
    outcome, detail = told("env-file", units=UnitsFound((unit(PAPER, EnvironmentFiles=files),)))
    assert outcome == "WARN"
    assert detail.startswith(f"{PAPER} reads {read}, not this .env; ")


def test_a_faulty_env_file_fails_whoever_reads_it() -> None:
    bad = host(env=EnvFound(present=True, mode=0o644)) | {"units": UnitsFound((unit(PAPER, EnvironmentFiles=""),))}
    assert told("env-file", **bad)[0] == "FAIL"


# --- units and services


@pytest.mark.parametrize("name", UNIT_CHECKS)
def test_a_systemd_that_does_not_answer_leaves_it_unknown(name: str) -> None:
    assert told(name, units=MUTE_SYSTEMD) == ("UNKNOWN", "systemctl did not answer within 10s")


@pytest.mark.parametrize(
    ("changes", "outcome", "said", "remedy"),
    [
        ({"LoadState": "not-found"}, "FAIL", f"there is no {RUNNER}", "genesis-ops units install"),
        ({"LoadState": "masked"}, "FAIL", f"{RUNNER} is masked", "sudo systemctl unmask genesis-runner"),
        ({"LoadState": "bad-setting"}, "FAIL", "systemd cannot read", "systemctl status genesis-runner --no-pager"),
        ({"NeedDaemonReload": "yes"}, "WARN", "was changed after systemd read it", "sudo systemctl daemon-reload"),
        ({}, "PASS", "genesis-paper and genesis-runner", ""),
    ],
)
def test_a_unit_has_to_be_there_as_its_file_stands(
    changes: dict[str, str], outcome: str, said: str, remedy: str
) -> None:
    judged = found("units-present", **units(**changes))
    assert str(judged.outcome) == outcome
    assert said in judged.detail
    assert remedy in judged.remedy


def test_a_unit_that_systemctl_did_not_tell_of_is_not_there() -> None:
    assert told("units-present", units=UnitsFound((unit(PAPER),))) == ("FAIL", f"there is no {RUNNER}")


@pytest.mark.parametrize("name", UNIT_CHECKS[1:])
def test_where_no_unit_is_there_nothing_is_said_of_them(name: str) -> None:
    absent = UnitsFound((unit(PAPER, LoadState="not-found"), unit(RUNNER, LoadState="masked")))
    assert told(name, units=absent) == ("SKIP", "no unit is there")


@pytest.mark.parametrize(
    ("state", "outcome"),
    [("enabled", "PASS"), ("disabled", "FAIL"), ("enabled-runtime", "WARN"), ("static", "WARN"), ("", "WARN")],
)
def test_a_unit_has_to_start_with_the_machine(state: str, outcome: str) -> None:
    judged = found("units-enabled", **units(UnitFileState=state))
    assert str(judged.outcome) == outcome
    assert judged.remedy == ("" if outcome == "PASS" else "sudo systemctl enable genesis-runner")


@pytest.mark.parametrize(
    ("state", "sub", "outcome"),
    [
        ("active", "running", "PASS"),
        ("active", "exited", "FAIL"),
        ("activating", "start", "WARN"),
        ("activating", "auto-restart", "FAIL"),
        ("reloading", "reload", "WARN"),
        ("inactive", "dead", "FAIL"),
        ("failed", "failed", "FAIL"),
        ("", "", "FAIL"),
    ],
)
def test_a_service_has_to_run(state: str, sub: str, outcome: str) -> None:
    judged = found("services-up", **units(ActiveState=state, SubState=sub))
    assert str(judged.outcome) == outcome
    assert ("journalctl -u genesis-runner -n 50 --no-pager" in judged.remedy) is (outcome != "PASS")


def test_a_service_that_failed_says_how() -> None:
    failed = {"ActiveState": "failed", "SubState": "failed", "Result": "exit-code", "ExecMainStatus": "78"}
    assert told("services-up", **units(**failed))[1] == "genesis-runner is failed (failed, exit-code, status 78)"


def test_a_runner_that_a_stop_keeps_down_is_not_started_again_by_hand() -> None:
    latch = Latch(0, ("a gap",), "stop-check --enforce")
    judged = found("services-up", **host(latch=latch), **units(ActiveState="inactive", SubState="dead"))
    assert "a stop keeps it so" in judged.detail
    assert judged.remedy == 'genesis-ops resume --reason "..."'
    assert told("stop-latch", **host(latch=latch))[0] == "FAIL"
    server = UnitsFound((unit(PAPER, ActiveState="inactive", SubState="dead"),))
    assert "systemctl start genesis-paper" in found("services-up", **host(latch=latch), units=server).remedy


@pytest.mark.parametrize(("number", "said"), [("1", "once"), ("7", "7 times"), ("", "does not count")])
def test_a_service_that_was_started_again_is_a_warning(number: str, said: str) -> None:
    outcome, detail = told("restarts", **units(NRestarts=number))
    assert outcome == "WARN"
    assert said in detail


# --- the server and its port


def test_an_api_on_another_host_has_no_process_and_no_port_here() -> None:
    assert [told(name, listeners=None)[0] for name in ("one-uvicorn", "port-loopback")] == ["SKIP", "SKIP"]


def test_two_servers_fail_and_are_both_named() -> None:
    judged = found("one-uvicorn", uvicorns=(API, OTHER))
    assert (judged.outcome, judged.observed, judged.expected) == (Outcome.FAIL, 2, 1)
    assert [place.text for place in judged.evidence] == [
        "pid 48412, user genesis, since 2026-02-04 12:03:20, uvicorn core.server:app",
        "pid 18800, user ops, since 2026-02-04 15:02:20, python scripts/paper_trading_runner.py",
    ]


def test_no_server_fails_unless_the_api_answers_all_the_same() -> None:
    assert told("one-uvicorn", uvicorns=(), **host(health=Health(Answer.REFUSED, ""))) == ("FAIL", "none runs")
    assert told("one-uvicorn", uvicorns=())[0] == "WARN"


@pytest.mark.parametrize(
    ("addresses", "outcome"),
    [
        (("127.0.0.1",), "PASS"),
        (("127.0.0.1", "::1"), "PASS"),
        (("0.0.0.0",), "FAIL"),
        (("127.0.0.1", "10.0.0.4"), "FAIL"),
        (("::",), "FAIL"),
        ((), "SKIP"),
    ],
)
def test_a_port_that_others_reach_fails(addresses: tuple[str, ...], outcome: str) -> None:
    judged = found("port-loopback", listeners=Listeners((API,), hidden=False, addresses=addresses))
    assert str(judged.outcome) == outcome
    if outcome == "FAIL":
        assert "everybody on the network can order" in judged.detail
        assert addresses[-1] in judged.detail
        assert "--host 127.0.0.1" in judged.remedy


def test_listeners_that_cannot_be_seen_are_not_judged() -> None:
    assert told("port-loopback", listeners=Listeners((), hidden=True))[0] == "SKIP"


@pytest.mark.parametrize(
    ("address", "loopback"),
    [
        *((text, True) for text in ("127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1")),
        *((text, False) for text in ("", "localhost", "::ffff:10.0.0.1", "fe80::1%eth0", "128.0.0.1", "nonsense")),
    ],
)
def test_only_an_address_of_the_machine_itself_is_loopback(address: str, loopback: bool) -> None:
    assert is_loopback(address) is loopback


# --- the journal


@pytest.mark.parametrize(
    ("journald", "outcome"),
    [
        (Journald("persistent", kept=True, directory=True), "PASS"),
        (Journald("auto", kept=False, directory=False), "WARN"),
        (Journald("auto", kept=False, directory=True), "WARN"),
        (Journald("persistent", kept=False, directory=False), "WARN"),
        (Journald("volatile", kept=True, directory=True), "WARN"),
        (Journald("none", kept=False, directory=False), "WARN"),
    ],
)
def test_a_journal_has_to_outlive_a_restart(journald: Journald, outcome: str) -> None:
    judged = found("journald-persistent", journald=journald)
    assert str(judged.outcome) == outcome
    assert bool(judged.remedy) is (outcome != "PASS")


def test_a_journal_is_judged_by_its_files_where_systemd_does_not_answer() -> None:
    assert told("journald-persistent", units=MUTE_SYSTEMD)[0] == "PASS"


# --- what preflight asks as well


def test_what_preflight_asks_of_a_host_is_asked_in_the_same_words() -> None:
    champion = SOUND.host.champion._replace(fingerprint=Fingerprint(SHA256.replace("2", "3"), ""))
    ill = host(health=Health(Answer.REFUSED, ""), disk=None, champion=champion)
    assert told("api-health", **ill)[0] == "FAIL"
    assert told("disk-space", **ill)[0] == "UNKNOWN"
    assert told("clock", **ill)[0] == "PASS"
