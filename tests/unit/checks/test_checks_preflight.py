"""Twelve checks over a host that is well, with one thing changed at a time."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from preflight_host import (
    API,
    HERE,
    NOW_MS,
    OTHER,
    ROOT,
    SHA256,
    STARTED_MS,
    WELL,
    champion,
    judged,
    line,
    log_of,
    outcome,
    run_of,
)

from genesis_ops.checks.host import (
    BindError,
    ChampionFound,
    DirectoryFound,
    DiskFound,
    EnvFound,
    EnvLine,
    LogFound,
    StateFound,
)
from genesis_ops.checks.model import Outcome, Place
from genesis_ops.checks.preflight import CHECKS, in_vain, preflight, waited_for
from genesis_ops.clients.health import Answer, ExchangeTime, Health, Standing
from genesis_ops.clients.process import Listeners, Trader
from genesis_ops.settings import load
from genesis_ops.state.champion import Fingerprint, Pin
from genesis_ops.state.hidden import HIDDEN
from genesis_ops.state.latch import Latch
from genesis_ops.words import HOUR_MS


def test_a_host_that_is_well_passes_with_its_twelve_checks_in_order() -> None:
    report = preflight(WELL)
    assert [check.id for check in report.checks] == [
        *("api-health", "runner-log", "champion-verified", "state-heartbeat", "no-fatal"),
        *("champion-file", "log-directory", "env-file", "runner-process", "clock", "disk-space", "stop-latch"),
    ]
    assert {check.outcome for check in report.checks} == {Outcome.PASS}
    assert all(not check.remedy and not check.evidence for check in report.checks)
    assert (report.exit_code, report.command, report.market) == (0, "preflight", "tBTCUSD 1h")
    assert (report.window, report.summary) == (None, None)


def test_the_blocker_of_day_zero_is_said_in_plain_words() -> None:
    report = preflight(WELL._replace(log=LogFound(), state=StateFound(present=False), traders=()))
    found = {check.id: check for check in report.checks}
    assert report.exit_code == 1
    assert found["api-health"].outcome is Outcome.PASS
    for name in ("runner-log", "runner-process"):
        assert found[name].outcome is Outcome.FAIL
        assert found[name].detail.startswith("the API answers, but no process trades: ")
        assert "genesis-ops run" in found[name].remedy
    assert found["state-heartbeat"].outcome is Outcome.FAIL
    assert {found["champion-verified"].outcome, found["no-fatal"].outcome} == {Outcome.UNKNOWN}


def test_without_an_api_the_blockers_words_are_not_used() -> None:
    host = WELL._replace(log=LogFound(), traders=(), health=Health(Answer.REFUSED, ""))
    assert not any("but no process trades" in check.detail for check in preflight(host).checks)


# --- api-health


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (Answer.ERROR, "is not well"),
        (Answer.STRANGER, "something else answers at http://127.0.0.1:8000"),
        (Answer.REFUSED, "nobody answers at http://127.0.0.1:8000: connection refused"),
        (Answer.TIMEOUT, "http://127.0.0.1:8000 does not answer"),
        (Answer.BROKEN, "http://127.0.0.1:8000 does not answer"),
    ],
)
def test_every_other_answer_than_ok_fails_and_says_which(answer: Answer, told: str) -> None:
    found = judged("api-health", WELL._replace(health=Health(answer, "as it said")))
    assert found.outcome is Outcome.FAIL
    assert told in found.detail
    assert (found.observed, found.expected) == (answer, "ok")
    assert "genesis-paper" in found.remedy


def test_the_holder_of_the_port_and_the_bind_error_are_evidence() -> None:
    places = (Place(str(ROOT / "logs/paper_trading/server_1.log"), 4, "[Errno 10048] error while attempting to bind"),)
    host = WELL._replace(
        health=Health(Answer.STRANGER, "HTTP 404"),
        listeners=Listeners((API,), hidden=False),
        bind_error=BindError(places, NOW_MS),
    )
    found = judged("api-health", host)
    assert found.evidence[0] == places[0]._replace(file="logs/paper_trading/server_1.log")
    assert found.evidence[1].text.startswith("held by pid 48412 (uvicorn core.server:app, user genesis, since 2026-")
    assert found.remedy.startswith("kill -TERM 48412 ")


def test_a_holder_that_may_not_be_seen_is_told_with_the_command_that_shows_it() -> None:
    host = WELL._replace(health=Health(Answer.STRANGER, ""), listeners=Listeners((), hidden=True))
    (place,) = judged("api-health", host).evidence
    assert "another user" in place.text
    assert "sudo lsof" in place.text
    host = host._replace(listeners=Listeners((), hidden=False))
    assert "no process listens" in judged("api-health", host).evidence[0].text


@pytest.mark.parametrize(("written_ms", "expected"), [(NOW_MS, "WARN"), (STARTED_MS - 2 * HOUR_MS, "PASS")])
def test_a_newer_server_that_could_not_bind_is_a_warning_while_an_older_one_answers(
    written_ms: int, expected: str
) -> None:
    error = BindError((Place("server_1.log", 4, "[Errno 98]"),), written_ms)
    found = judged("api-health", WELL._replace(bind_error=error, listeners=Listeners((API,), hidden=False)))
    assert found.outcome == expected
    assert ("an older one answers" in found.detail) == (expected == "WARN")


# --- runner-log


@pytest.mark.parametrize(
    ("age_seconds", "interval", "expected"),
    [
        (-60, 10, "PASS"), (-61, 10, "FAIL"), (0, 10, "PASS"), (120, 10, "PASS"), (121, 10, "FAIL"),
        (121, 60, "PASS"), (180, 60, "PASS"), (181, 60, "FAIL"),
    ],
)  # fmt: skip
def test_a_log_may_be_two_minutes_or_three_polls_old(age_seconds: int, interval: int, expected: str) -> None:
    log = log_of(NOW_MS - age_seconds * 1000, run=run_of(interval=interval))
    assert outcome("runner-log", log=log) == expected


def test_a_line_in_the_future_is_the_clocks_fault() -> None:
    found = judged("runner-log", WELL._replace(log=log_of(NOW_MS + HOUR_MS)))
    assert "1h 0m in the future" in found.detail
    assert found.evidence


def test_a_silent_log_says_since_when_and_who_writes_it() -> None:
    log = log_of(NOW_MS - HOUR_MS)
    found = judged("runner-log", WELL._replace(log=log, traders=(HERE, Trader(OTHER, True, False, True))))
    assert found.detail == "silent for 1h 0m, since 2026-02-04 14:03:20"
    assert found.observed == 3600
    assert [place.line for place in found.evidence] == [7, 0, 0]
    assert "has it open for writing: pid 18800" in found.evidence[2].text
    alone = judged("runner-log", WELL._replace(log=log, traders=()))
    assert alone.detail.startswith("the API answers, but no process trades: silent for 1h 0m")
    assert "nobody seen has it open" in alone.detail


def test_a_file_that_was_touched_later_than_its_last_line_does_not_count_as_growing() -> None:
    log = log_of(NOW_MS - HOUR_MS, written_ms=NOW_MS)
    found = judged("runner-log", WELL._replace(log=log))
    assert found.outcome is Outcome.FAIL
    assert "though the file was written at 2026-02-04 15:03:20" in found.detail


@pytest.mark.parametrize(("minutes", "told"), [(60, "1h 0m ahead of UTC"), (-330, "5h 30m behind UTC")])
def test_a_log_in_local_time_is_a_warning_that_says_by_how_much(minutes: int, told: str) -> None:
    log = log_of(run=run_of(zone_minutes=minutes))
    found = judged("runner-log", WELL._replace(log=log))
    assert (found.outcome, told in found.detail) == (Outcome.WARN, True)
    assert "TZ=UTC" in found.remedy
    silent = judged("runner-log", WELL._replace(log=log._replace(newest_ms=NOW_MS - HOUR_MS)))
    assert (silent.outcome, told in silent.detail) == (Outcome.FAIL, True)


def test_a_log_that_cannot_be_read_is_unknown_and_never_passes() -> None:
    for log in (LogFound(trouble="cannot be listed"), log_of(trouble="runner_20260204.log cannot be read")):
        found = judged("runner-log", WELL._replace(log=log))
        assert (found.outcome, log.trouble in found.detail) == (Outcome.UNKNOWN, True)


def test_a_latch_names_resume_before_run() -> None:
    latch = Latch(NOW_MS, ("duplicate candle",), "ops")
    assert judged("runner-log", WELL._replace(log=LogFound(), latch=latch)).remedy.startswith("genesis-ops resume ")


# --- champion-verified


def test_a_champion_is_verified_by_the_newest_run_alone() -> None:
    assert judged("champion-verified", WELL).detail == "verified at 2026-02-04 13:03:21"
    ended = log_of(run=run_of(ended=line(NOW_MS, "Runner stopped.", "INFO")))
    assert judged("champion-verified", WELL._replace(log=ended)).detail.endswith("by a run that has ended")


@pytest.mark.parametrize(("age_seconds", "expected"), [(5, "UNKNOWN"), (60, "UNKNOWN"), (61, "FAIL")])
def test_a_verification_may_take_a_minute(age_seconds: int, expected: str) -> None:
    pending = run_of(NOW_MS - age_seconds * 1000, verified=None)
    assert outcome("champion-verified", log=log_of(run=pending)) == expected


def test_a_run_that_ended_before_it_verified_fails_at_once() -> None:
    run = run_of(NOW_MS - 5000, verified=None, ended=line(NOW_MS, "Runner gave up: no API", "ERROR"))
    assert outcome("champion-verified", log=log_of(run=run)) == "FAIL"


def test_a_fallback_fails_even_after_a_verification() -> None:
    lines = (line(NOW_MS - 9000, "Champion NOT loaded! Source: baseline:1h", "ERROR"),)
    found = judged("champion-verified", WELL._replace(log=log_of(run=run_of(not_loaded=lines))))
    assert found.outcome is Outcome.FAIL
    assert "Champion NOT loaded! Source: baseline:1h" in found.detail
    assert found.evidence[0].text == lines[0].text


# --- state-heartbeat


@pytest.mark.parametrize(
    ("heartbeat", "expected"),
    [
        ("2026-02-04T15:02:40.000Z", "PASS"),
        ("2026-02-04T14:58:20.717285+00:00", "PASS"),
        ("2026-02-04T15:58:20+01:00", "PASS"),
        ("2026-02-04T14:58:20", "PASS"),
        ("2026-02-04T14:58:19Z", "FAIL"),
        ("2026-02-04T14:58:20-01:00", "FAIL"),
        ("2026-02-04T15:04:21Z", "FAIL"),
        (None, "FAIL"),
    ],
)
def test_a_heartbeat_may_be_three_times_ten_polls_old_in_any_way_of_writing_it(
    heartbeat: str | None, expected: str
) -> None:
    found = judged("state-heartbeat", WELL._replace(state=StateFound(present=True, heartbeat=heartbeat)))
    assert found.outcome == expected, found.detail


def test_a_longer_interval_gives_a_heartbeat_longer() -> None:
    state = StateFound(present=True, heartbeat="2026-02-04T14:48:20Z")
    assert outcome("state-heartbeat", state=state, log=log_of(run=run_of(interval=30))) == "PASS"
    assert outcome("state-heartbeat", state=state, log=log_of(run=run_of(interval=29))) == "FAIL"


@pytest.mark.parametrize("heartbeat", [None, "2026-02-03T12:00:00Z"])
@pytest.mark.parametrize(("age_seconds", "expected"), [(40, "UNKNOWN"), (300, "UNKNOWN"), (301, "FAIL")])
def test_a_young_run_is_waited_for_whatever_the_run_before_left(
    heartbeat: str | None, age_seconds: int, expected: str
) -> None:
    log = log_of(run=run_of(NOW_MS - age_seconds * 1000))
    assert outcome("state-heartbeat", log=log, state=StateFound(present=True, heartbeat=heartbeat)) == expected


def test_a_young_run_that_has_ended_is_not_waited_for() -> None:
    run = run_of(NOW_MS - 5000, ended=line(NOW_MS, "Runner stopped.", "INFO"))
    assert outcome("state-heartbeat", log=log_of(run=run), state=StateFound(present=True)) == "FAIL"


def test_a_state_that_cannot_be_read_fails_and_is_never_to_be_deleted() -> None:
    state = StateFound(present=True, fault="runner_state.json is not JSON (line 1, column 1: NUL byte)")
    found = judged("state-heartbeat", WELL._replace(state=state, log=log_of(run=run_of(NOW_MS - 5000))))
    assert (found.outcome, found.detail) == (Outcome.FAIL, state.fault)
    assert "never delete it" in found.remedy
    assert outcome("state-heartbeat", state=StateFound(present=False)) == "FAIL"


# --- no-fatal


def test_a_fatal_line_of_the_newest_run_fails_and_one_of_the_run_before_is_told() -> None:
    fatal = (line(NOW_MS, "FATAL: the state could not be written", "CRITICAL"),)
    found = judged("no-fatal", WELL._replace(log=log_of(run=run_of(fatal=fatal))))
    assert (found.outcome, found.observed) == (Outcome.FAIL, 1)
    assert "the state could not be written" in found.detail
    before = judged("no-fatal", WELL._replace(log=log_of(former=run_of(fatal=fatal))))
    assert before.outcome is Outcome.PASS
    assert before.detail.endswith("the run before ended with FATAL: the state could not be written")


# --- runner-process


def test_one_runner_passes_with_its_mode_pid_and_start() -> None:
    found = judged("runner-process", WELL)
    assert found.detail.startswith("dry-run, pid 18725 (python -m genesis_ops run, user genesis, since 2026-02-04 13:0")


def test_two_writers_fail_and_the_newer_one_is_to_be_stopped() -> None:
    found = judged("runner-process", WELL._replace(traders=(Trader(OTHER, True, False, True), HERE)))
    assert (found.outcome, found.observed, len(found.evidence)) == (Outcome.FAIL, 2, 2)
    assert found.remedy.startswith("kill -TERM 18800 ")


def test_a_second_runner_whose_files_are_hidden_is_unknown_and_one_elsewhere_is_none() -> None:
    assert outcome("runner-process", traders=(HERE, Trader(OTHER, True, False, None))) == "UNKNOWN"
    assert outcome("runner-process", traders=(HERE, Trader(OTHER, True, False, False))) == "PASS"
    found = judged("runner-process", WELL._replace(traders=(Trader(OTHER, True, False, False),)))
    assert found.outcome is Outcome.FAIL
    assert "trades elsewhere: pid 18800" in found.evidence[-1].text


@pytest.mark.parametrize("checked", ["runner-process", "runner-log"])
def test_a_runner_that_may_belong_to_another_root_is_neither_counted_nor_to_be_killed(checked: str) -> None:
    old = OTHER._replace(since_ms=STARTED_MS)
    host = WELL._replace(traders=(Trader(old, True, False, None),), log=log_of(NOW_MS - HOUR_MS))
    found = judged(checked, host)
    assert found.outcome is (Outcome.UNKNOWN if checked == "runner-process" else Outcome.FAIL)
    assert ("cannot see its files: run as that user" in found.detail) == (checked == "runner-process")
    assert found.remedy == "sudo -u ops genesis-ops preflight"
    unnamed = host._replace(traders=(Trader(old._replace(user=""), True, False, None),))
    assert judged(checked, unnamed).remedy == "sudo genesis-ops preflight"


@given(st.lists(st.builds(Trader, st.just(OTHER), st.just(True), st.booleans(), st.none() | st.booleans())))
def test_only_a_process_that_surely_trades_here_is_to_be_killed(found: list[Trader]) -> None:
    traders = tuple(one._replace(process=OTHER._replace(pid=70_001 + at)) for at, one in enumerate(found))
    sure = {f"kill -TERM {one.process.pid} " for one in traders if one.here}
    for check in preflight(WELL._replace(traders=traders, log=log_of(NOW_MS - HOUR_MS))).checks:
        if "kill" in check.remedy:
            assert any(check.remedy.startswith(kill) for kill in sure)


@pytest.mark.parametrize(("age_ms", "expected"), [(500, "UNKNOWN"), (60_000, "UNKNOWN"), (60_001, "FAIL")])
def test_a_runner_of_this_root_that_has_not_opened_its_log_yet_is_starting(age_ms: int, expected: str) -> None:
    process = OTHER._replace(since_ms=NOW_MS - age_ms)
    host = WELL._replace(traders=(Trader(process, True, False, False, named=True),), log=LogFound())
    found = judged("runner-process", host)
    assert (found.outcome, found.detail.startswith("starting: pid 18800 (")) == (expected, expected == "UNKNOWN")
    assert ("no process trades" in judged("runner-log", host).detail) == (expected == "FAIL")
    foreign = host._replace(traders=(Trader(process, True, False, False),))
    assert judged("runner-process", foreign).outcome is Outcome.FAIL


@pytest.mark.parametrize(
    ("changes", "how"),
    [
        ({}, "it ended without a word: killed, or the host went down"),
        ({"ended": line(NOW_MS, "Received signal 15. Shutting down...", "INFO")}, "Received signal 15"),
        ({"fatal": (line(NOW_MS, "FATAL: disk full", "CRITICAL"),)}, "it ended with FATAL: disk full"),
    ],
)
def test_a_runner_that_is_gone_says_since_when_and_how_it_ended(changes: dict[str, Any], how: str) -> None:
    found = judged("runner-process", WELL._replace(traders=(), log=log_of(run=run_of(**changes))))
    assert found.outcome is Outcome.FAIL
    assert "no runner process since 2026-02-04 15:03:16 at the latest" in found.detail
    assert how in found.detail
    assert found.evidence[0].line == 7


# --- the prerequisites


def test_the_champion_is_present_usable_and_the_frozen_one() -> None:
    assert outcome("champion-file", **champion(fingerprint=None, fault="is not there")) == "FAIL"
    assert outcome("champion-file", **champion(fingerprint=Fingerprint(SHA256, "holds no merged_config"))) == "FAIL"
    assert outcome("champion-file", **champion(pin=Pin("c.json", "1" * 64, STARTED_MS))) == "FAIL"
    assert outcome("champion-file", **champion(pin=Pin("", "", 0, "the pin is damaged"))) == "FAIL"
    assert "frozen since 2026-02-04 13:03:20" in judged("champion-file", WELL).detail
    unpinned = judged("champion-file", WELL._replace(**champion(pin=None)))
    assert (unpinned.outcome, "not frozen yet: the first run will pin it" in unpinned.detail) == (Outcome.PASS, True)


def test_a_configured_hash_stands_above_the_pin() -> None:
    configured = load({"root": ROOT, "champion_sha256": SHA256}, {}, None).settings
    wrong = load({"root": ROOT, "champion_sha256": "1" * 64}, {}, None).settings
    other = champion(pin=Pin("c.json", "1" * 64, STARTED_MS))
    assert outcome("champion-file", settings=configured, **other) == "PASS"
    assert outcome("champion-file", settings=wrong, **other) == "FAIL"


def test_a_log_directory_is_there_and_can_be_written() -> None:
    assert outcome("log-directory", directory=DirectoryFound(present=False)) == "FAIL"
    assert outcome("log-directory", directory=DirectoryFound(present=True, fault="is not a directory")) == "FAIL"


@pytest.mark.parametrize(
    ("env", "answer", "expected"),
    [
        (EnvFound(present=False), Answer.OK, "WARN"),
        (EnvFound(present=False), Answer.REFUSED, "FAIL"),
        (EnvFound(present=True, fault="is a directory"), Answer.OK, "FAIL"),
        (EnvFound(present=True, fault="cannot be read", hidden=True), Answer.OK, "UNKNOWN"),
        (EnvFound(present=True, mode=0o644), Answer.OK, "FAIL"),
        (EnvFound(present=True, mode=0o640), Answer.OK, "FAIL"),
        (EnvFound(present=True, mode=0o400), Answer.OK, "PASS"),
        (EnvFound(present=True, mode=None), Answer.OK, "PASS"),
        (EnvFound(present=True, missing=("BITFINEX_API_KEY",)), Answer.OK, "FAIL"),
        (EnvFound(present=True, lines=(EnvLine(3, "inline comment", severe=False),)), Answer.OK, "WARN"),
        (EnvFound(present=True, lines=(EnvLine(1, "byte order mark", severe=True),)), Answer.OK, "FAIL"),
    ],
)
def test_an_env_file_is_private_complete_and_read_alike(env: EnvFound, answer: Answer, expected: str) -> None:
    found = judged("env-file", WELL._replace(env=env, health=Health(answer, "")))
    assert found.outcome == expected
    assert [(place.line, place.text) for place in found.evidence] == [(one.line, one.sentence) for one in env.lines]
    assert ("chmod 600" in found.remedy) == bool(env.mode and env.mode & 0o077)
    assert all(key in found.detail for key in env.missing)


def test_every_line_of_an_env_file_is_named_however_many_there_are() -> None:
    lines = tuple(EnvLine(number, "byte", severe=True) for number in range(1, 41))
    found = judged("env-file", WELL._replace(env=EnvFound(present=True, lines=lines)))
    assert [place.line for place in found.evidence] == [*range(1, 41)]
    assert found.detail == ".env has 40 lines that are misread"


@pytest.mark.parametrize(
    ("mode", "missing", "severe", "steps"),
    [
        (0o644, (), False, ["chmod 600 F"]),
        (0o600, ("A", "B"), True, ["${EDITOR:-vi} F      and write A and B into it"]),
        (0o600, (), True, ["${EDITOR:-vi} F"]),
        (0o644, (), True, ["chmod 600 F", "${EDITOR:-vi} F"]),
        (0o644, ("A",), False, ["chmod 600 F", "${EDITOR:-vi} F      and write A into it"]),
    ],
)
def test_the_remedy_of_an_env_file_mends_each_kind_of_fault(
    mode: int, missing: tuple[str, ...], severe: bool, steps: list[str]
) -> None:
    env = EnvFound(present=True, mode=mode, missing=missing, lines=(EnvLine(1, "a", severe=severe),))
    remedy = judged("env-file", WELL._replace(env=env)).remedy.replace(str(ROOT / ".env"), "F")
    assert remedy == "      then: ".join(steps)


def test_the_severe_lines_of_an_env_file_stand_first() -> None:
    lines = (EnvLine(1, "a", severe=False), EnvLine(9, "b", severe=True), EnvLine(4, "c", severe=True))
    found = judged("env-file", WELL._replace(env=EnvFound(present=True, lines=lines)))
    assert [place.line for place in found.evidence] == [4, 9, 1]


@pytest.mark.parametrize(
    ("low_ms", "high_ms", "expected"),
    [
        (-500, 520, "PASS"), (2000, 3020, "PASS"), (2001, 3021, "WARN"), (-3020, -2000, "PASS"), (-3021, -2001, "WARN"),
        (30_000, 31_000, "WARN"), (30_001, 31_000, "FAIL"), (-91_000, -90_000, "FAIL"),
        (-2000, 2000, "PASS"), (-2001, 2000, "UNKNOWN"), (None, None, "UNKNOWN"),
    ],
)  # fmt: skip
def test_a_clock_is_accused_only_of_what_is_sure(low_ms: int | None, high_ms: int | None, expected: str) -> None:
    assert outcome("clock", exchange=ExchangeTime(Standing.WORKING, "", low_ms, high_ms)) == expected


def test_a_clock_says_which_way_it_is_wrong() -> None:
    behind = judged("clock", WELL._replace(exchange=ExchangeTime(Standing.WORKING, "", 89_500, 90_500)))
    assert behind.detail.startswith("90.0s behind the exchange")
    assert behind.observed == -90.0
    ahead = judged("clock", WELL._replace(exchange=ExchangeTime(Standing.WORKING, "", -90_500, -89_500)))
    assert ahead.detail.startswith("90.0s ahead of the exchange")


@pytest.mark.parametrize("standing", [Standing.MAINTENANCE, Standing.REFUSING])
def test_an_exchange_that_gives_no_candles_is_a_warning_unless_the_clock_is_worse(standing: Standing) -> None:
    assert outcome("clock", exchange=ExchangeTime(standing, "[0]", -500, 520)) == "WARN"
    assert outcome("clock", exchange=ExchangeTime(standing, "[0]", 90_000, 91_000)) == "FAIL"


@pytest.mark.parametrize(
    ("free", "inodes", "expected"),
    [
        (500_000_000, None, "PASS"), (499_999_999, None, "WARN"), (100_000_000, None, "WARN"),
        (99_999_999, None, "FAIL"), (10**12, 1000, "PASS"), (10**12, 999, "WARN"), (10**12, 99, "FAIL"), (0, 0, "FAIL"),
    ],
)  # fmt: skip
def test_a_disk_has_room_for_bytes_and_for_files(free: int, inodes: int | None, expected: str) -> None:
    assert outcome("disk-space", disk=DiskFound(free, inodes)) == expected


def test_a_long_phase_needs_more_room() -> None:
    settings = load({"root": ROOT, "phase_end": "2027-02-03"}, {}, None).settings  # 365 days: 1095 MB
    assert outcome("disk-space", settings=settings, disk=DiskFound(1_095_000_000)) == "PASS"
    assert outcome("disk-space", settings=settings, disk=DiskFound(1_094_999_999)) == "WARN"
    assert outcome("disk-space", disk=None) == "UNKNOWN"


def test_what_only_this_user_may_not_read_is_unknown_and_no_fault_of_the_host() -> None:
    latch = Latch(NOW_MS, (), "", "stop_latch.json cannot be read (Permission denied)", hidden=True)
    pin = Pin("", "", 0, "champion_frozen.json cannot be read (Permission denied)", hidden=True)
    champion = WELL.champion._replace(pin=pin)
    state = StateFound(present=True, fault=f"runner_state.json {HIDDEN}")
    host = WELL._replace(latch=latch, champion=champion, state=state)
    for name in ("stop-latch", "champion-file", "state-heartbeat"):
        found = judged(name, host)
        assert (found.outcome, "ls -ld" in found.remedy, "resume" in found.remedy) == (Outcome.UNKNOWN, True, False)


def test_a_latch_fails_with_its_reasons_and_the_way_out() -> None:
    found = judged("stop-latch", WELL._replace(latch=Latch(NOW_MS, ("duplicate candle 13:00", "gap"), "ops")))
    assert found.outcome is Outcome.FAIL
    assert [place.text for place in found.evidence[:2]] == ["duplicate candle 13:00", "gap"]
    assert found.remedy == 'genesis-ops resume --reason "..."'
    damaged = judged("stop-latch", WELL._replace(latch=Latch(0, (), "", "stop_latch.json is not a stop latch")))
    assert (damaged.outcome, "damaged" in damaged.detail) == (Outcome.FAIL, True)


# --- what is worth waiting for


def waits(waited_ms: int = 0, *, strict: bool = False, **changes: Any) -> list[str]:
    host = WELL._replace(**changes)
    return [judged.id for judged in waited_for(preflight(host, strict=strict), host, waited_ms)]


def test_nothing_is_waited_for_where_all_is_well() -> None:
    assert waits() == []
    assert waits(env=EnvFound(present=False)) == []


def test_a_runner_an_api_and_an_exchange_are_waited_for() -> None:
    assert waits(traders=()) == ["runner-process"]
    assert waits(health=Health(Answer.REFUSED, "")) == ["api-health"]
    assert waits(health=Health(Answer.REFUSED, ""), env=EnvFound(present=False)) == ["api-health", "env-file"]
    assert waits(exchange=ExchangeTime(Standing.UNREACHABLE, "down")) == ["clock"]
    nothing = waits(
        log=LogFound(), state=StateFound(present=False), traders=(), directory=DirectoryFound(present=False)
    )
    assert nothing == [
        *("runner-log", "champion-verified", "state-heartbeat", "no-fatal", "log-directory", "runner-process")
    ]


@pytest.mark.parametrize(
    "change",
    [
        {"latch": Latch(NOW_MS, ("x",), "ops")},
        {"env": EnvFound(present=True, mode=0o644)},
        {"env": EnvFound(present=True, fault="cannot be read", hidden=True)},
        {"champion": ChampionFound(None, "is not there", None)},
        {"exchange": ExchangeTime(Standing.WORKING, "", 90_000, 91_000)},
        {"disk": DiskFound(0)},
        {"traders": (HERE, Trader(OTHER, True, False, True))},
    ],
)
def test_what_waiting_cannot_mend_ends_it_at_once(change: dict[str, Any]) -> None:
    assert preflight(WELL._replace(**change)).exit_code != 0
    assert waits(**change) == []
    assert waits(**({"health": Health(Answer.REFUSED, "")} | change)) == []


def test_a_wait_that_is_in_vain_says_why() -> None:
    def why(waited_ms: int = 0, *, strict: bool = False, **changes: Any) -> str:
        host = WELL._replace(**changes)
        return in_vain(preflight(host, strict=strict), host, waited_ms)

    assert why() == why(traders=()) == why(env=EnvFound(present=False)) == ""
    gone = {"champion": ChampionFound(None, "is not there", None), "disk": DiskFound(0)}
    assert why(traders=(), **gone) == "champion-file, disk-space cannot be cured by waiting"
    assert why(strict=True, env=EnvFound(present=False)) == "env-file cannot be cured by waiting"
    fatal = log_of(run=run_of(fatal=(line(NOW_MS, "FATAL: x", "CRITICAL"),)))
    assert why(30_001, traders=(), log=fatal) == "the newest run has failed"


@pytest.mark.parametrize(("age_ms", "waited_for"), [(1000, True), (60_001, False)])
def test_a_hidden_runner_is_waited_for_while_it_may_still_name_itself(age_ms: int, waited_for: bool) -> None:
    hidden = Trader(OTHER._replace(since_ms=NOW_MS - age_ms), True, False, None)
    assert waits(traders=(hidden,)) == (["runner-process"] if waited_for else [])
    starting = hidden._replace(writes=False, named=True)
    assert waits(traders=(starting,)) == ["runner-process"]


def test_a_warning_ends_a_strict_wait_because_nobody_mends_it_meanwhile() -> None:
    assert waits(strict=True, env=EnvFound(present=False), traders=()) == []
    assert waits(strict=True, traders=()) == ["runner-process"]


def test_a_run_that_failed_may_be_followed_by_another_for_half_a_minute() -> None:
    fatal = {"traders": (), "log": log_of(run=run_of(fatal=(line(NOW_MS, "FATAL: x", "CRITICAL"),)))}
    assert waits(0, **fatal) == ["no-fatal", "runner-process"]
    assert waits(30_000, **fatal) == ["no-fatal", "runner-process"]
    assert waits(30_001, **fatal) == []


def test_the_run_that_was_waited_for_ends_the_wait_when_it_fails() -> None:
    run = run_of(NOW_MS - 3000, verified=None, not_loaded=(line(NOW_MS, "Champion NOT loaded! Source: x", "ERROR"),))
    assert waits(4000, log=log_of(run=run)) == []
    assert "champion-verified" in waits(2000, log=log_of(run=run))


# --- nothing that was found can break a check


FOUND = st.fixed_dictionaries({
    "newest": st.integers(-10 * HOUR_MS, 10 * HOUR_MS),
    "interval": st.none() | st.integers(0, 10**6),
    "zone": st.integers(-900, 900),
    "heartbeat": st.none() | st.datetimes().map(lambda at: at.isoformat()),
    "verified": st.booleans(),
    "traders": st.lists(
        st.builds(Trader, st.just(OTHER), st.booleans(), st.booleans(), st.none() | st.booleans()), max_size=3
    ),
    "answer": st.sampled_from(Answer),
    "low": st.none() | st.integers(-(10**9), 10**9),
    "width": st.integers(0, 10**6),
})  # fmt: skip


@given(FOUND)
def test_every_check_has_a_verdict_and_says_what_to_do_where_it_is_not_pass(found: dict[str, Any]) -> None:
    newest_ms, low = NOW_MS + found["newest"], found["low"]
    verified = line(NOW_MS) if found["verified"] else None
    run = run_of(newest_ms, interval=found["interval"], zone_minutes=found["zone"], verified=verified)
    host = WELL._replace(
        log=log_of(newest_ms, run=run),
        state=StateFound(present=True, heartbeat=found["heartbeat"]),
        traders=tuple(found["traders"]),
        health=Health(found["answer"], "\x1b[31m"),
        exchange=ExchangeTime(Standing.WORKING, "", low, None if low is None else low + found["width"]),
    )
    report = preflight(host)
    assert len(report.checks) == len(CHECKS) == 12
    for check in report.checks:
        assert "the check itself failed" not in check.detail
        assert bool(check.remedy) == (check.outcome is not Outcome.PASS)


def test_every_limit_holds_to_the_millisecond() -> None:
    assert outcome("runner-log", log=log_of(NOW_MS - 120_001)) == "FAIL"
    assert outcome("runner-log", log=log_of(NOW_MS + 60_001)) == "FAIL"
    assert outcome("champion-verified", log=log_of(run=run_of(NOW_MS - 60_001, verified=None))) == "FAIL"
    assert outcome("state-heartbeat", state=StateFound(present=True, heartbeat="2026-02-04T14:58:19.999Z")) == "FAIL"
    young = log_of(run=run_of(NOW_MS - 300_001))
    assert outcome("state-heartbeat", state=StateFound(present=True), log=young) == "FAIL"


@pytest.mark.parametrize("standing", [Standing.WORKING, Standing.MAINTENANCE])
@pytest.mark.parametrize(("low_ms", "observed"), [(1040, -1.5), (11_040, -11.5)])
def test_a_clocks_offset_is_observed_in_tenths_of_a_second(standing: Standing, low_ms: int, observed: float) -> None:
    found = judged("clock", WELL._replace(exchange=ExchangeTime(standing, "[0]", low_ms, low_ms + 1000)))
    assert found.observed == observed


def test_a_run_that_began_with_the_waiting_is_the_one_before() -> None:
    log = log_of(run=run_of(NOW_MS - 3000, not_loaded=(line(NOW_MS, "Champion NOT loaded! Source: x", "ERROR"),)))
    assert waits(3000, log=log) == ["champion-verified"]
