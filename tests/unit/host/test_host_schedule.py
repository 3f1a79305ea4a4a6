"""Acceptances to come: what is written for systemd, what it is told, and what is made of its answers."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from host_systemctl import Systemctl
from hypothesis import given
from hypothesis import strategies as st

from genesis_ops.errors import Refused, Unreachable
from genesis_ops.host.judgeable import problems
from genesis_ops.host.schedule import add, cancel, listed
from genesis_ops.host.timer import Asked, read, text
from genesis_ops.report.schedule import lines
from genesis_ops.report.text import Page
from genesis_ops.settings import Settings, load
from genesis_ops.state.schedule import (
    DONE,
    MISSED,
    OFF,
    PENDING,
    RUNNING,
    Schedule,
    Scheduled,
    Waiting,
    instant_ms,
    instant_of,
    result,
    result_file,
    state_of,
)
from genesis_ops.words import DAY_MS, HOUR_MS, iso

ACCEPTANCE = "genesis-acceptance@.service"
NOW = 1_770_296_402_000  # 2026-02-05 13:00:02 UTC
AT = NOW + DAY_MS
INSTANT = "20260206_130002Z"
TIMER = f"genesis-acceptance-{INSTANT}.timer"
SERVICE = f"genesis-acceptance@{INSTANT}.service"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    root, units = tmp_path / "root", tmp_path / "units"
    root.mkdir()
    units.mkdir()
    found = load({"root": root, "units_dir": units}, {}, None).settings
    found.log_dir.mkdir(parents=True)
    (units / ACCEPTANCE).write_text(f"[Service]\nExecStart=/bin/sh --root {root} host scheduled %i\n")
    return found


@pytest.fixture
def systemctl(tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Systemctl:
    made = Systemctl(tmp_path, settings.units_dir)
    monkeypatch.setenv("PATH", made.path)
    return made


def schedule(settings: Settings, at_ms: int, window: str) -> str:
    return add(settings, at_ms, Asked(window, "", settings.log_dir), NOW, {})


def only(settings: Settings, now_ms: int) -> Scheduled:
    (found,) = listed(settings, now_ms).acceptances
    return found


# --- add


def test_an_acceptance_is_a_timer_that_systemd_waits_for(settings: Settings, systemctl: Systemctl) -> None:
    umask = os.umask(0o077)
    try:
        assert schedule(settings, AT, "24h") == INSTANT
    finally:
        os.umask(umask)
    assert systemctl.calls() == ["daemon-reload", f"enable --now -- {TIMER}"]
    written = (settings.units_dir / TIMER).read_text()
    for line in ("OnCalendar=2026-02-06 13:00:02 UTC", "Persistent=true", f"Unit={SERVICE}", "WantedBy=timers.target"):
        assert line in written.splitlines()
    assert (settings.units_dir / TIMER).stat().st_mode & 0o777 == 0o644


@pytest.mark.usefixtures("systemctl")
def test_a_timer_remembers_what_it_is_about(settings: Settings) -> None:
    asked = Asked("90m", "/etc/a settings file.toml", settings.root / "logs" / "of another")
    add(settings, AT, asked, NOW, {})
    assert read(settings, INSTANT) == asked
    assert read(settings, "20990101_000000Z") == Asked("24h", "", settings.log_dir)


def test_an_acceptance_that_went_down_with_the_machine_is_begun_again(settings: Settings) -> None:
    due = [line for line in text(AT, Asked("24h", "", settings.log_dir)).splitlines() if line.startswith("OnCalendar")]
    assert due == [f"OnCalendar=2026-02-0{each} UTC" for each in ("6 13:00:02", "6 14:00:02", "7 13:00:02")]


@pytest.mark.parametrize(
    ("unit", "why"),
    [
        (None, "there is no genesis-acceptance@.service"),
        ("ExecStart=/bin/sh --root /opt/other host scheduled %i", "another root"),
        ("ExecStart=/bin/sh --root {root}-of-another host scheduled %i", "another root"),
        ("# {root}\nExecStart=/bin/sh --roots {root} host scheduled %i", "another root"),
        ("ExecStart=/bin/sh --root {root}\nExecStart=\nExecStart=/bin/sh --root=/opt/other", "another root"),
        ("ExecStart=/bin/sh '--root {root}", "another root"),
        ("ExecStart=/opt/none/genesis-ops --root {root} host scheduled %i", "cannot be started"),
    ],
)
def test_what_would_not_judge_this_root_is_not_scheduled(
    settings: Settings, systemctl: Systemctl, unit: str | None, why: str
) -> None:
    service = settings.units_dir / ACCEPTANCE
    if unit is None:
        service.unlink()
    else:
        service.write_text(unit.format(root=settings.root))
    (problem,) = problems(settings, "24h", NOW, {})
    with pytest.raises(Refused, match=why) as refused:
        schedule(settings, AT, "24h")
    assert (problem.what, problem.next) == (refused.value.message, refused.value.next_command)
    assert problem.next.endswith(f"units install --only {ACCEPTANCE}")
    assert not (settings.units_dir / TIMER).exists()
    assert systemctl.calls() == []


@pytest.mark.usefixtures("systemctl")
@pytest.mark.parametrize("unit", ["ExecStart=-/bin/sh --root={root}", 'ExecStart="/bin/sh" --root "{root}"'])
def test_a_unit_may_be_written_in_another_way(settings: Settings, unit: str) -> None:
    (settings.units_dir / ACCEPTANCE).write_text(unit.format(root=settings.root))
    assert schedule(settings, AT, "24h") == INSTANT


def test_nothing_is_given_for_now_that_the_service_would_not_know_of(settings: Settings) -> None:
    with pytest.raises(Refused, match="GENESIS_SYMBOL"):
        add(settings, AT, Asked("24h", "", settings.log_dir), NOW, {"GENESIS_SYMBOL": "tETHUSD"})
    assert problems(settings, "24h", NOW, {"GENESIS_UNITS_DIR": "/x", "GENESIS_ROOT": "/x", "HOME": "/"}) == []


@pytest.mark.parametrize("path", ["/x\nOnCalendar=daily", "/%n", "/x\\", "x"])
def test_a_path_that_a_timer_would_read_as_something_else_is_refused(settings: Settings, path: str) -> None:
    for asked in (Asked("24h", path, settings.log_dir), Asked("24h", "", Path(path))):
        with pytest.raises(Refused):
            add(settings, AT, asked, NOW, {})
    assert [each.name for each in settings.units_dir.iterdir()] == [ACCEPTANCE]


@pytest.mark.parametrize(("length", "why"), [("400d", "a year away"), ("1s", "over before"), ("59s", "over before")])
def test_an_apply_learns_before_it_stops_anything_that_its_acceptance_cannot_be_scheduled(
    settings: Settings, length: str, why: str
) -> None:
    (problem,) = problems(settings, length, NOW, {})
    assert (why in problem.what, problem.exit_code) == (True, 78)


def test_an_apply_without_an_acceptance_needs_nothing_for_it(settings: Settings) -> None:
    (settings.units_dir / ACCEPTANCE).unlink()
    assert problems(settings, "", NOW, {}) == []


@pytest.mark.usefixtures("systemctl")
def test_two_for_one_instant_are_refused(settings: Settings) -> None:
    schedule(settings, AT, "24h")
    with pytest.raises(Refused, match="already"):
        schedule(settings, AT, "12h")
    assert read(settings, INSTANT).window == "24h"


@pytest.mark.parametrize(("at_ms", "why"), [(NOW, "is over"), (NOW - 1, "is over"), (NOW + 400 * DAY_MS, "a year")])
def test_a_time_that_is_over_or_far_away_is_refused_before_anything_is_written(
    settings: Settings, systemctl: Systemctl, at_ms: int, why: str
) -> None:
    with pytest.raises(Refused, match=why):
        schedule(settings, at_ms, "24h")
    assert ([each.name for each in settings.units_dir.iterdir()], systemctl.calls()) == ([ACCEPTANCE], [])


@pytest.mark.parametrize("what", ["refuses-enable", "refuses-daemon-reload", "absent"])
def test_what_systemd_does_not_take_is_taken_away_again(settings: Settings, systemctl: Systemctl, what: str) -> None:
    systemctl.note(what)
    with pytest.raises(Unreachable):
        schedule(settings, AT, "24h")
    assert not (settings.units_dir / TIMER).exists()


def test_a_timer_that_is_enabled_and_not_waited_for_is_no_timer(settings: Settings, systemctl: Systemctl) -> None:
    program = systemctl.folder / "systemctl"
    program.write_text(program.read_text().replace("state=active\n", "state=inactive\n"))
    with pytest.raises(Unreachable, match="does not wait"):
        schedule(settings, AT, "24h")
    assert not (settings.units_dir / TIMER).exists()


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd-analyze here")
def test_systemd_takes_the_timer_as_it_is(tmp_path: Path) -> None:
    (tmp_path / TIMER).write_text(text(AT, Asked("1h30m", "/etc/a file.toml", tmp_path)))
    (tmp_path / "genesis-acceptance@.service").write_text("[Service]\nType=oneshot\nExecStart=/bin/true %i\n")
    command = ("systemd-analyze", "verify", "--man=no", "--recursive-errors=no", str(tmp_path / TIMER))
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, [line for line in done.stderr.splitlines() if "genesis-" in line]) == (0, [])


# --- list


def test_one_to_come_is_pending_with_its_window(settings: Settings, systemctl: Systemctl) -> None:
    schedule(settings, AT, "12h")
    found = only(settings, NOW)
    assert (found.instant, found.at, found.window) == (INSTANT, "2026-02-06T13:00:02.000Z", "12h")
    assert (found.state, found.exit_code, found.result, found.detail) == (PENDING, None, "", "")
    assert systemctl.calls()


def test_a_result_is_shown_with_its_exit_code(settings: Settings, systemctl: Systemctl) -> None:
    schedule(settings, AT, "24h")
    result_file(settings.log_dir, INSTANT).write_text("FAIL\nexit code: 1\n")
    found = only(settings, AT + HOUR_MS)
    assert (found.state, found.exit_code) == (DONE, 1)
    assert found.result == f"logs/paper_trading/acceptance_check_{INSTANT}.txt"
    assert systemctl.calls()


def test_without_systemd_the_list_says_that_it_was_not_asked(settings: Settings, systemctl: Systemctl) -> None:
    schedule(settings, AT, "24h")
    systemctl.note("absent")
    found = listed(settings, NOW)
    assert "not been booted" in found.trouble
    assert found.acceptances[0].state == PENDING


def test_a_service_that_works_is_running(settings: Settings, systemctl: Systemctl) -> None:
    schedule(settings, AT, "24h")
    systemctl.note(f"busy-{SERVICE}")
    assert only(settings, AT + 5 * HOUR_MS).state == RUNNING


@pytest.mark.parametrize(
    ("after_ms", "done", "waiting", "state"),
    [
        (-1, False, Waiting(AT), PENDING),
        (-1, False, None, PENDING),
        (-1, False, Waiting(None), OFF),
        (-1, False, Waiting(AT + 1000), OFF),
        (0, False, Waiting(None), RUNNING),
        (60_000, False, Waiting(None), MISSED),
        (60_000, False, None, MISSED),
        (60_000, False, Waiting(None, busy=True), RUNNING),
        (60_000, True, Waiting(None), DONE),
        (60_000, False, Waiting(AT + HOUR_MS), PENDING),
    ],
)
def test_a_state_follows_from_time_result_and_systemd(
    after_ms: int, done: bool, waiting: Waiting | None, state: str
) -> None:
    assert state_of(AT, AT + after_ms, done=done, waiting=waiting)[0] == state


def test_one_that_is_begun_again_is_told_with_its_time() -> None:
    state, detail = state_of(AT, AT + 60_000, done=False, waiting=Waiting(AT + HOUR_MS))
    found = Schedule("", "", iso(AT + 60_000), (Scheduled(INSTANT, iso(AT), "24h", state, None, "", detail),), "")
    drawn = ["".join(span.text for span in line) for line in lines(found, Page(80, unicode=True))]
    assert drawn[1].endswith("24h   again")
    assert drawn[2].strip() == "there is no result yet; again at 2026-02-06 14:00:02 UTC"


def test_foreign_files_are_no_acceptances(settings: Settings, systemctl: Systemctl) -> None:
    for name in ("genesis-acceptance-x.timer", "genesis-acceptance-20261399_000000Z.timer", "genesis-snapshot.timer"):
        (settings.units_dir / name).write_text("")
    assert listed(settings, NOW).acceptances == ()
    assert systemctl.calls() == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("report\nexit code: 0\n", (True, 0)),
        ("report\nexit code: 0\nmore\n", (True, None)),
        ("", (True, None)),
        (None, (False, None)),
    ],
)
def test_a_result_without_its_last_line_has_no_exit_code(
    tmp_path: Path, text: str | None, expected: tuple[bool, int | None]
) -> None:
    path = tmp_path / "acceptance_check_x.txt"
    if text is not None:
        path.write_text(text)
    assert result(path) == expected


def test_the_picture_has_a_line_each_and_what_to_type_for_what_went_wrong(
    settings: Settings, systemctl: Systemctl
) -> None:
    for hours in (1, 2, 3, 30):
        schedule(settings, NOW + hours * HOUR_MS, "24h")
    systemctl.forget(f"on-genesis-acceptance-{instant_of(NOW + 30 * HOUR_MS)}.timer")
    for hours, code in ((1, 0), (2, 3)):
        result_file(settings.log_dir, instant_of(NOW + hours * HOUR_MS)).write_text(f"\nexit code: {code}\n")
    found = listed(settings, NOW + 4 * HOUR_MS)
    drawn = ["".join(span.text for span in line) for line in lines(found, Page(80, unicode=True))]
    assert [line[2] for line in drawn[1:-1] if line[2] != " "] == ["✗", "✗", "?", "✓"]
    assert "       -> genesis-ops host scheduled 20260205_160002Z" in drawn
    assert drawn[-1] == "none to come"
    assert max(map(len, drawn)) <= 80


def test_the_result_of_another_market_is_looked_for_where_its_logs_are(
    settings: Settings, systemctl: Systemctl
) -> None:
    logs = settings.root / "logs" / "eth"
    logs.mkdir()
    add(settings, AT, Asked("24h", "/etc/eth.toml", logs), NOW, {})
    result_file(logs, INSTANT).write_text("\nexit code: 1\n")
    found = only(settings, AT + HOUR_MS)
    assert (found.exit_code, found.result) == (1, f"logs/eth/acceptance_check_{INSTANT}.txt")
    assert systemctl.calls()


# --- cancel


def test_a_cancelled_one_is_gone_from_disk_and_systemd_and_its_result_stays(
    settings: Settings, systemctl: Systemctl
) -> None:
    schedule(settings, AT, "24h")
    kept = result_file(settings.log_dir, INSTANT)
    kept.write_text("\nexit code: 0\n")
    cancel(settings, INSTANT)
    assert listed(settings, NOW).acceptances == ()
    assert systemctl.calls()[2:] == [
        f"disable --now -- {TIMER}", f"clean --what=state -- {TIMER}", "daemon-reload",
    ]  # fmt: skip
    assert kept.exists()
    assert schedule(settings, AT, "24h") == INSTANT


def test_what_is_not_scheduled_cannot_be_cancelled(settings: Settings, systemctl: Systemctl) -> None:
    with pytest.raises(Refused, match="no acceptance"):
        cancel(settings, INSTANT)
    assert systemctl.calls() == []


def test_a_timer_that_systemd_does_not_let_go_stays_on_disk(settings: Settings, systemctl: Systemctl) -> None:
    schedule(settings, AT, "24h")
    systemctl.note("refuses-disable")
    with pytest.raises(Unreachable):
        cancel(settings, INSTANT)
    assert (settings.units_dir / TIMER).exists()


# --- instants


@given(st.integers(min_value=0, max_value=253_402_300_799))
def test_an_instant_is_read_as_it_was_written(seconds: int) -> None:
    assert instant_ms(instant_of(seconds * 1000)) == seconds * 1000


@given(st.text(max_size=30))
def test_what_is_no_instant_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not"):
        instant_ms(text)
