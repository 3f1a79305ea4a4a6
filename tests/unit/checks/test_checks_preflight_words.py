"""The exact words of each check: what was observed and expected, the detail, the evidence and the remedy."""

from pathlib import Path
from typing import Any

import pytest
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
    run_of,
)

from genesis_ops.checks.host import BindError, DirectoryFound, DiskFound, EnvFound, EnvLine, LogFound, StateFound
from genesis_ops.checks.model import Place
from genesis_ops.clients.health import Answer, ExchangeTime, Health, Standing
from genesis_ops.clients.process import Listeners, Trader
from genesis_ops.state.champion import Fingerprint, Pin
from genesis_ops.state.latch import Latch
from genesis_ops.words import HOUR_MS, Mode

DAY_AND_HOUR = 25 * HOUR_MS
ELSEWHERE = Trader(OTHER, runs=True, holds=False, writes=False)
ERROR = BindError((Place("server_1.log", 4, "[Errno 98]"),), NOW_MS)
WORDS = Path(__file__).with_name("preflight_words.txt")

CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "api ok": ("api-health", {}),
    "api ok without versions": ("api-health", {"health": Health(Answer.OK, "")}),
    "api hidden holder": (
        "api-health",
        {"health": Health(Answer.BROKEN, "ended"), "listeners": Listeners((), hidden=True)},
    ),
    "api no holder": ("api-health", {"health": Health(Answer.REFUSED, "x"), "listeners": Listeners((), hidden=False)}),
    "api error": (
        "api-health",
        {"health": Health(Answer.ERROR, "HTTP 503"), "listeners": Listeners((API,), hidden=False)},
    ),
    "api held": (
        "api-health",
        {
            "health": Health(Answer.TIMEOUT, "no reply within 5s"),
            "listeners": Listeners((API,), hidden=False),
            "bind_error": ERROR,
        },
    ),
    "api older answers": (
        "api-health",
        {"listeners": Listeners((API, API._replace(since_ms=None)), hidden=False), "bind_error": ERROR},
    ),
    "api as old as the error": (
        "api-health",
        {"listeners": Listeners((API._replace(since_ms=NOW_MS),), hidden=False), "bind_error": ERROR},
    ),
    "api holder unknown": ("api-health", {"bind_error": ERROR}),
    "log fresh": ("runner-log", {"log": log_of(NOW_MS - 90_000)}),
    "log local": ("runner-log", {"log": log_of(NOW_MS - 90_000, run=run_of(zone_minutes=60))}),
    "log future": ("runner-log", {"log": log_of(NOW_MS + DAY_AND_HOUR)}),
    "log silent": (
        "runner-log",
        {"log": log_of(NOW_MS - DAY_AND_HOUR, written_ms=NOW_MS - DAY_AND_HOUR + 120_000), "traders": ()},
    ),
    "log silent touched": (
        "runner-log",
        {"log": log_of(NOW_MS - DAY_AND_HOUR, written_ms=NOW_MS - DAY_AND_HOUR + 120_001), "traders": (ELSEWHERE,)},
    ),
    "log silent held": ("runner-log", {"log": log_of(NOW_MS - DAY_AND_HOUR)}),
    "log silent older runner": (
        "runner-log",
        {"log": log_of(NOW_MS - DAY_AND_HOUR), "traders": (Trader(OTHER, runs=True, holds=False, writes=None),)},
    ),
    "log unreadable": ("runner-log", {"log": LogFound(trouble="logs cannot be listed")}),
    "log absent": ("runner-log", {"log": LogFound(), "traders": ()}),
    "log without a banner": ("runner-log", {"log": log_of(run=None)}),
    "verified": ("champion-verified", {}),
    "verifying": ("champion-verified", {"log": log_of(run=run_of(NOW_MS - 59_000, verified=None))}),
    "not verified": ("champion-verified", {"log": log_of(run=run_of(NOW_MS - DAY_AND_HOUR, verified=None))}),
    "verified local": ("champion-verified", {"log": log_of(run=run_of(zone_minutes=60))}),
    "fallback": (
        "champion-verified",
        {"log": log_of(run=run_of(not_loaded=(line(NOW_MS, "Champion NOT loaded! Source: a - b", "ERROR"),)))},
    ),
    "no run": ("champion-verified", {"log": LogFound()}),
    "beat": ("state-heartbeat", {"state": StateFound(present=True, heartbeat="2026-02-04T14:59:00Z")}),
    "beat long ago": ("state-heartbeat", {"state": StateFound(present=True, heartbeat="2026-02-03T14:03:20Z")}),
    "beat at the limit": ("state-heartbeat", {"state": StateFound(present=True, heartbeat="2026-02-04T14:58:20Z")}),
    "beat of a slow runner": (
        "state-heartbeat",
        {"state": StateFound(present=True, heartbeat="2026-02-03T14:03:20Z"), "log": log_of(run=run_of(interval=3600))},
    ),
    "beat to come": ("state-heartbeat", {"state": StateFound(present=True, heartbeat="2026-02-05T16:03:20Z")}),
    "beat a minute to come": ("state-heartbeat", {"state": StateFound(present=True, heartbeat="2026-02-04T15:04:20Z")}),
    "beat expected": (
        "state-heartbeat",
        {"state": StateFound(present=True), "log": log_of(run=run_of(NOW_MS - 200_000))},
    ),
    "beat expected of a run that begins": (
        "state-heartbeat",
        {"state": StateFound(present=True), "log": log_of(run=run_of(NOW_MS))},
    ),
    "beat expected of a run to come": (
        "state-heartbeat",
        {"state": StateFound(present=True), "log": log_of(run=run_of(NOW_MS + 1))},
    ),
    "beat of a slow run expected": (
        "state-heartbeat",
        {"state": StateFound(present=True), "log": log_of(run=run_of(NOW_MS - DAY_AND_HOUR, interval=3600))},
    ),
    "beat after a fatal end": (
        "state-heartbeat",
        {"state": StateFound(present=True), "log": log_of(run=run_of(NOW_MS - 1000, fatal=(line(NOW_MS),)))},
    ),
    "beat never": ("state-heartbeat", {"state": StateFound(present=True)}),
    "state absent": ("state-heartbeat", {"state": StateFound(present=False)}),
    "state corrupt": ("state-heartbeat", {"state": StateFound(present=True, fault="it is a list")}),
    "fatal none": ("no-fatal", {}),
    "fatal two": (
        "no-fatal",
        {"log": log_of(run=run_of(fatal=(line(NOW_MS, "FATAL: a", "CRITICAL"), line(NOW_MS, "FATAL: b", "CRITICAL"))))},
    ),
    "fatal before": (
        "no-fatal",
        {
            "log": log_of(
                former=run_of(fatal=(line(NOW_MS, "FATAL: a", "CRITICAL"), line(NOW_MS, "FATAL: b", "CRITICAL")))
            )
        },
    ),
    "fatal no run": ("no-fatal", {"log": LogFound()}),
    "runner": ("runner-process", {}),
    "runner of an ended run": ("runner-process", {"log": log_of(run=run_of(ended=line(NOW_MS)))}),
    "runner of an unknown mode": ("runner-process", {"log": log_of(run=run_of(mode=None))}),
    "runner without a log": ("runner-process", {"log": LogFound()}),
    "runners two": (
        "runner-process",
        {"traders": (HERE, Trader(OTHER._replace(since_ms=None), runs=True, holds=True, writes=True))},
    ),
    "runners three, two hidden": (
        "runner-process",
        {
            "traders": (
                HERE,
                Trader(OTHER, runs=True, holds=False, writes=None),
                Trader(API, runs=True, holds=False, writes=None),
            )
        },
    ),
    "runner hidden": (
        "runner-process",
        {"traders": (Trader(OTHER._replace(since_ms=STARTED_MS), runs=True, holds=False, writes=None),)},
    ),
    "runner starting": ("runner-process", {"traders": (ELSEWHERE._replace(named=True),)}),
    "runner gone": ("runner-process", {"traders": (ELSEWHERE,), "log": log_of(NOW_MS - DAY_AND_HOUR)}),
    "runner gone without an api": (
        "runner-process",
        {"traders": (), "health": Health(Answer.REFUSED, ""), "log": log_of(run=None)},
    ),
    "runner gone well": (
        "runner-process",
        {"traders": (), "log": log_of(run=run_of(ended=line(NOW_MS, "Received signal 15. Shutting down...", "INFO")))},
    ),
    "runner never": ("runner-process", {"traders": (), "log": LogFound()}),
    "runner gone, stopped": (
        "runner-process",
        {"traders": (), "log": LogFound(), "latch": Latch(NOW_MS, ("x",), "ops")},
    ),
    "champion frozen": ("champion-file", {}),
    "champion not frozen": ("champion-file", champion(pin=None)),
    "champion absent": ("champion-file", champion(fingerprint=None, fault="is not there")),
    "champion useless": (
        "champion-file",
        champion(fingerprint=Fingerprint(SHA256, "holds no merged_config"), pin=None),
    ),
    "champion other": ("champion-file", champion(pin=Pin("c.json", "1" * 64, STARTED_MS))),
    "directory": ("log-directory", {}),
    "directory absent": ("log-directory", {"directory": DirectoryFound(present=False)}),
    "directory of others": (
        "log-directory",
        {"directory": DirectoryFound(present=True, fault="cannot be written by this user")},
    ),
    "env": ("env-file", {}),
    "env absent": ("env-file", {"env": EnvFound(present=False)}),
    "env absent without an api": ("env-file", {"env": EnvFound(present=False), "health": Health(Answer.BROKEN, "")}),
    "env hidden": ("env-file", {"env": EnvFound(present=True, fault="cannot be read", hidden=True)}),
    "env open, incomplete, misread": (
        "env-file",
        {
            "env": EnvFound(
                present=True,
                mode=0o1677,
                missing=("A", "B"),
                lines=(EnvLine(2, "b", severe=False), EnvLine(3, "c", severe=True)),
            )
        },
    ),
    "env misread twice": (
        "env-file",
        {"env": EnvFound(present=True, mode=0o600, lines=(EnvLine(2, "b", severe=True), EnvLine(3, "c", severe=True)))},
    ),
    "env differently": (
        "env-file",
        {
            "env": EnvFound(
                present=True, mode=0o600, lines=(EnvLine(2, "b", severe=False), EnvLine(1, "c", severe=False))
            )
        },
    ),
    "clock": ("clock", {"exchange": ExchangeTime(Standing.WORKING, "", 1000, 2000)}),
    "clock even": ("clock", {"exchange": ExchangeTime(Standing.WORKING, "", -500, 500)}),
    "clock warned": ("clock", {"exchange": ExchangeTime(Standing.WORKING, "", -21_000, -19_000)}),
    "clock wrong": ("clock", {"exchange": ExchangeTime(Standing.WORKING, "", 3_599_500, 3_600_500)}),
    "clock maintenance": ("clock", {"exchange": ExchangeTime(Standing.MAINTENANCE, "[0]", -1500, -500)}),
    "clock slow": ("clock", {"exchange": ExchangeTime(Standing.WORKING, "", -3000, 3000)}),
    "clock unknown": ("clock", {"exchange": ExchangeTime(Standing.UNREACHABLE, "cannot connect")}),
    "clock not told": ("clock", {"exchange": ExchangeTime(Standing.WORKING, "")}),
    "disk": ("disk-space", {}),
    "disk a gigabyte": ("disk-space", {"disk": DiskFound(10**9)}),
    "disk less than a gigabyte": ("disk-space", {"disk": DiskFound(10**9 - 1)}),
    "disk few": ("disk-space", {"disk": DiskFound(10**9, 100)}),
    "disk none": ("disk-space", {"disk": DiskFound(10**9, 99)}),
    "disk on the last day": ("disk-space", {"now_ms": 1_773_791_999_000}),
    "disk on the day before": ("disk-space", {"now_ms": 1_773_705_599_000}),
    "disk after the phase": ("disk-space", {"now_ms": 1_773_792_000_000 + 9 * 24 * HOUR_MS}),
    "disk before the phase": ("disk-space", {"now_ms": NOW_MS - 9 * 24 * HOUR_MS}),
    "disk unknown": ("disk-space", {"disk": None}),
    "latch": ("stop-latch", {"latch": Latch(STARTED_MS, ("duplicate candle",), "ops")}),
    "latch damaged": ("stop-latch", {"latch": Latch(0, (), "", "stop_latch.json is empty")}),
    "latch clear": ("stop-latch", {}),
    "log silent live": (
        "runner-log",
        {"log": log_of(NOW_MS - DAY_AND_HOUR, run=run_of(mode=Mode.LIVE_PAPER)), "traders": ()},
    ),
    "clock at once ahead": ("clock", {"exchange": ExchangeTime(Standing.WORKING, "", -1000, -1)}),
}


def said(name: str) -> str:
    check, changes = CASES[name]
    found = judged(check, WELL._replace(**changes))
    lines = [
        f"== {name}",
        f"{found.id} {found.outcome} observed={found.observed} expected={found.expected}",
        f"  {found.detail}",
        *(f"  {place.file}:{place.line}  {place.text}" for place in found.evidence),
        *([f"  -> {found.remedy.replace(str(ROOT), 'ROOT')}"] if found.remedy else []),
    ]
    return "\n".join(lines)


@pytest.mark.parametrize("name", CASES)
def test_a_check_says_exactly_what_it_saw_and_what_to_do(name: str) -> None:
    blocks = {block.splitlines()[0]: block for block in WORDS.read_text("utf-8").strip().split("\n\n")}
    assert said(name) == blocks[f"== {name}"]


def test_every_block_of_words_belongs_to_a_case() -> None:
    blocks = WORDS.read_text("utf-8").strip().split("\n\n")
    assert [block.splitlines()[0] for block in blocks] == [f"== {name}" for name in CASES]
