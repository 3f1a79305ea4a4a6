"""Refusals, fallbacks, dead feeds and wrong clocks: told, respected, survived."""

import json
from email.utils import formatdate
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from genesis_ops.errors import AbortCondition, Refused, StateUnreadable, Unreachable
from genesis_ops.runlog.events import (
    BaselineFallback,
    CandleClose,
    CandleMissed,
    ChampionNotLoaded,
    ChampionVerified,
    ClockOff,
    EvaluateError,
    Evaluation,
    Fatal,
    FeedDead,
    FeedSilence,
    FetchError,
    GaveUp,
    Heartbeat,
    grep_phrases,
)
from genesis_ops.words import HOUR_MS, MINUTE_MS

if TYPE_CHECKING:
    from conftest import Day


def answer(status: int, body: bytes) -> httpx.Response:
    return httpx.Response(status, stream=httpx.ByteStream(body))


@pytest.mark.parametrize("fault", ["feed-429", "feed-rate-limit"])
def test_a_refusal_is_followed_by_sixty_seconds_of_silence(day: "Day", fault: str) -> None:
    day.fault(f"{fault}@10m+150s")
    day.run(20)
    assert len(day.events(FeedSilence)) == 3
    times = day.wire.times("/v2/candles")
    begin = next(at for at in times if at >= times[0] + 600)
    during = [at for at in times if begin <= at < begin + 180]
    assert all(b - a >= 60 for a, b in pairwise(during))
    assert day.sandbox.requests["GET", "/v2/candles/trade:1h:tBTCUSD/hist"] < 130


@pytest.mark.parametrize("faults", [(), ("feed-500@5m+10m",), ("late-row",), ("evaluate-error@3m+9m",)])
def test_no_minute_sees_more_than_ten_requests_to_the_exchange(day: "Day", faults: tuple[str, ...]) -> None:
    champion = day.settings().champion_file
    champion.rename(champion.with_name("tBTCUSD_1m.json"))
    day.fault(*faults)
    day.run(30, timeframe="1m")
    times = day.wire.times("/v2/candles")
    assert len(times) > 150
    assert all(later - earlier >= 60 for earlier, later in zip(times, times[10:], strict=False))


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("feed-down", "disconnected"),
        ("feed-500", "HTTP 500"),
        ("feed-html", "502"),
        ("maintenance", "maintenance"),
        ("feed-slow", "no reply within 10s"),
    ],
)
def test_every_form_of_feed_failure_is_named_and_survived(day: "Day", fault: str, words: str) -> None:
    day.fault(f"{fault}@10m+5m")
    day.run(30)
    failures = day.events(FetchError)
    assert failures
    assert all(words in event.cause for event in failures)
    assert len(day.events(Heartbeat)) >= 15


@pytest.mark.parametrize(
    "body",
    [
        b"", b"null", b"{}", b"[]", b"[[]]", b'["error"]', b"[[1,2,3]]", b'[["a",1,1,1,1,1]]', b"[[NaN,1,1,1,1,1]]",
        b"[[1e400,1,1,1,1,1]]", b"[[1770206400000,1e300,1e300,-1e300,-1e300,1]]", b"[[1770206400000,0,1,1,1,1]]",
        b"[[1770210000000,1,1,1,1,1],[1770210000000,1,1,1,1,1]]",
        b"[[1770206400000,true,1,1,1,1]]", b"[[1.5,1,1,1,1,1]]", b"\xff\xfe", b"[" * 100_000,
        b'{"error": {"deep": "' + b"\\u0000\\u202e" + b'"}}', b"[[-" + b"9" * 400 + b",1,1,1,1,1]]",
    ],
)  # fmt: skip
def test_garbage_from_the_exchange_is_a_failed_poll_and_nothing_more(day: "Day", body: bytes) -> None:
    day.run(2)
    before = len(day.events(CandleClose))
    day.wire.instead = lambda request: answer(200, body) if "candles" in request.url.path else None
    day.run(2)
    assert day.events(FetchError)
    assert len(day.events(CandleClose)) == before
    assert all(line.isprintable() for line in day.lines())


def _reply(**changes: Any) -> dict[str, Any]:
    reply: dict[str, Any] = {
        "result": {"action": "NONE", "confidence": {"overall": 0.5}},
        "meta": {"champion": {"source": "config\\strategy\\champions\\tBTCUSD_1h.json"}, "decision": {"state_out": {}}},
    }
    reply["result"] |= changes.pop("result", {})
    return reply | changes


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b""), (200, b"[]"), (200, b"null"), (200, b'{"ok": false}'),
        (200, b'{"ok": false, "error": "internal_error"}'),
        (500, b"oops"), (404, b"{}"), (302, b""), (200, b"<html>"), (200, b"[" * 100_000),
        (200, json.dumps(_reply(result={"action": "HODL"})).encode()),
        (200, json.dumps(_reply(result={"confidence": {"overall": None}})).encode()),
        (200, json.dumps(_reply(result={"confidence": {"overall": float("nan")}})).encode()),
        (200, json.dumps(_reply(meta={})).encode()),
        (200, json.dumps(_reply()).encode().replace(b'"state_out": {}', b'"state_out": {"x": NaN}')),
        (200, json.dumps(_reply()).encode().replace(b'"state_out": {}', b'"state_out": {"x": 1e999}')),
        (200, json.dumps(_reply()).encode().replace(b'_out": {}', b'_out": ' + b'{"x":' * 90 + b"1" + b"}" * 90)),
        (200, json.dumps(_reply(ok=False)).encode()),
        (200, b'{"ok":false,"error":"\\u001b[31m NEW CANDLE CLOSE: ts=1 FATAL"}'),
    ],
)  # fmt: skip
def test_an_unusable_evaluation_is_an_error_and_retried(day: "Day", status: int, body: bytes) -> None:
    from_ms = day.clock.now_ms() + 50 * MINUTE_MS
    day.wire.instead = lambda request: (
        answer(status, body) if "evaluate" in request.url.path and day.clock.now_ms() > from_ms else None
    )
    day.run(70)
    assert day.events(EvaluateError)
    assert len(day.events(Evaluation)) == 1
    assert all(line.isprintable() for line in day.lines())
    assert sum("NEW CANDLE CLOSE" in line for line in day.lines()) == 2
    assert not any("FATAL" in line for line in day.lines())


@pytest.mark.parametrize("decision", [None, {}, {"state_out": None, "reasons": None}, {"reasons": [1, None]}])
def test_a_reply_without_reasons_or_state_is_an_evaluation_all_the_same(day: "Day", decision: object) -> None:
    reply = _reply(meta={"champion": {"source": "champions/x.json"}, "decision": decision})
    day.wire.instead = lambda r: answer(200, json.dumps(reply).encode()) if "evaluate" in r.url.path else None
    day.run(2)
    assert len(day.events(Evaluation)) == 1


@pytest.mark.parametrize("rows_lie", [False, True])
@pytest.mark.parametrize("hours", [10, -10, 500])
def test_some_seconds_of_an_absurd_clock_close_nothing(day: "Day", hours: int, rows_lie: bool) -> None:
    began = day.clock.now_ms()

    def lie(request: httpx.Request) -> httpx.Response | None:
        if "limit=2" not in str(request.url) or not 300_000 <= day.clock.now_ms() - began < 325_000:
            return None
        newest = 1_770_210_000_000 + (hours * HOUR_MS if rows_lie else 0)
        rows = [[newest - n * HOUR_MS, 70_000, 70_001, 70_002, 69_999, 1.5] for n in (0, 1)]
        date = formatdate((day.clock.now_ms() + hours * HOUR_MS) / 1000, usegmt=True)
        return httpx.Response(200, headers={"Date": date}, stream=httpx.ByteStream(json.dumps(rows).encode()))

    day.wire.instead = lie
    day.run(3 * 60)
    assert [event.ts for event in day.events(CandleClose)] == [1_770_206_400_000 + n * HOUR_MS for n in range(4)]
    assert not day.events(CandleMissed)


def test_a_windows_path_is_a_champion_too(day: "Day") -> None:
    day.wire.instead = lambda r: answer(200, json.dumps(_reply()).encode()) if "evaluate" in r.url.path else None
    day.run(2)
    assert day.events(ChampionVerified)


def test_a_fallback_at_start_aborts_before_anything_is_announced(day: "Day") -> None:
    day.fault("fallback")
    with pytest.raises(AbortCondition) as caught:
        day.run(10)
    assert caught.value.exit_code == 1
    assert day.events(ChampionNotLoaded)[0].source == "baseline:1h"
    assert day.events(BaselineFallback)
    assert not day.events(CandleClose)


def test_a_fallback_at_any_evaluation_aborts(day: "Day") -> None:
    day.fault("fallback@50m")
    with pytest.raises(AbortCondition):
        day.run(3 * 60)
    assert len(day.events(CandleClose)) == 2
    assert len(day.events(Evaluation)) == 1


def test_an_absent_api_at_start_ends_the_run_with_the_next_command(day: "Day") -> None:
    day.fault("api-down")
    with pytest.raises(Unreachable) as caught:
        day.run(10)
    assert "curl" in caught.value.next_command
    assert len(day.events(GaveUp)) == 1
    assert not day.events(Fatal)
    day.faults.schedule.clear()
    day.run(10)
    assert len(day.events(Evaluation)) == 1


def test_a_dead_exchange_at_start_is_waited_for(day: "Day") -> None:
    day.fault("feed-down@0s+10m")
    day.run(20)
    assert len(day.events(ChampionVerified)) == 1
    assert len(day.events(CandleClose)) == 1


@pytest.mark.parametrize("fault", ["feed-down@10m+20m", "feed-stale@10m+2h"])
def test_a_dead_feed_does_not_look_alive(day: "Day", fault: str) -> None:
    day.fault(fault)
    day.run(2.4 * 60)
    dead = day.events(FeedDead)
    assert dead
    ages = [int(event.feed_age.rstrip("s")) for event in day.events(Heartbeat)]
    assert max(ages) > 1000
    assert any(glance.trouble for glance in day.glances)


def test_a_clock_that_is_off_is_told_once(day: "Day") -> None:
    day.fault("clock-ahead")
    day.run(60)
    told = day.events(ClockOff)
    assert len(told) == 1
    assert -91_500 < told[0].offset_ms < -88_500


def test_no_other_file_holds_a_phrase_that_operators_grep_the_main_log_for(day: "Day") -> None:
    day.fault("feed-500@5m+5m", "evaluate-error@55m+10m", "fallback@12h")
    day.wire.instead = lambda request: (
        answer(500, " ".join(grep_phrases()).encode())
        if "candles" in request.url.path and day.clock.now_ms() % 7 == 0
        else None
    )
    with pytest.raises(AbortCondition):
        day.run(13 * 60)
    streams = [p for p in day.logs.iterdir() if p.suffix == ".log" and not p.name.startswith("runner_2")]
    assert {path.name.split("_")[1] for path in streams} == {"errors", "evaluations"}
    for path in streams:
        text = path.read_text("utf-8")
        assert not [phrase for phrase in grep_phrases() if phrase in text]
        assert all(isinstance(json.loads(line), dict) for line in text.splitlines())
    assert any(record["event"] == "BaselineFallback" for record in day.stream("errors"))


@pytest.mark.parametrize("ts", [1_770_206_400, 1_770_206_400_001, 4_102_444_800_000, -3_600_000, 0])
def test_a_row_from_nowhere_is_a_failed_poll_and_does_not_move_the_state(day: "Day", ts: int) -> None:
    day.run(5)
    row = json.dumps([[ts, 1, 1, 1, 1, 1]]).encode()
    day.wire.instead = lambda request: answer(200, row) if "candles" in request.url.path else None
    day.run(5)
    assert len(day.events(CandleClose)) == 1
    assert any("can open at" in event.cause or "not a candle" in event.cause for event in day.events(FetchError))


@pytest.mark.parametrize("ts", [4_102_444_800_000, 1_770_206_460_000])
def test_a_state_of_another_market_or_clock_is_refused(day: "Day", ts: int) -> None:
    day.logs.mkdir(parents=True)
    state = {
        "last_processed_candle_ts": ts,
        "total_evaluations": 1,
        "total_orders_submitted": 0,
        "last_heartbeat": None,
    }
    (day.logs / "runner_state.json").write_text(json.dumps(state))
    with pytest.raises(Refused, match="belongs to another market or clock"):
        day.run(5)
    assert not day.events(CandleClose, Fatal)


def test_a_missing_state_where_logs_exist_is_refused_and_nothing_is_written(day: "Day") -> None:
    day.run(5)
    (day.logs / "runner_state.json").unlink()
    before = day.lines()
    with pytest.raises(StateUnreadable) as caught:
        day.run(5)
    assert "--rebuild-state" in caught.value.next_command
    assert day.lines() == before
    assert not (day.logs / "runner_state.json").exists()


def test_a_corrupt_state_is_refused_and_its_bytes_are_kept(day: "Day") -> None:
    day.run(5)
    path = day.logs / "runner_state.json"
    path.write_bytes(b'{"last_processed_candle_ts": 17')
    with pytest.raises(StateUnreadable):
        day.run(5)
    assert path.read_bytes() == b'{"last_processed_candle_ts": 17'
    copies = list(day.logs.glob("runner_state_corrupt_*.json"))
    assert [copy.read_bytes() for copy in copies] == [path.read_bytes()]


def test_a_rebuilt_state_goes_on_where_the_log_ended(day: "Day") -> None:
    day.run(2 * 60)
    whole = day.state()
    (day.logs / "runner_state.json").write_bytes(b"\0" * 100)
    day.run(10, rebuild=True)
    rebuilt = day.state()
    for key in ("last_processed_candle_ts", "total_evaluations", "total_orders_submitted", "pipeline_state"):
        assert rebuilt[key] == whole[key]
    assert len(day.events(CandleClose)) == 3
    assert [copy.read_bytes() for copy in day.logs.glob("runner_state_corrupt_*.json")] == [b"\0" * 100]


@pytest.mark.parametrize("spoil", ["remove", "empty", "list", "keyless", "directory"])
def test_a_champion_that_cannot_be_used_is_refused_before_anything_is_written(day: "Day", spoil: str) -> None:
    path = day.settings().champion_file
    path.unlink()
    contents = {"empty": b"", "list": b"[]", "keyless": b'{"cfg": {}}'}
    if spoil == "directory":
        path.mkdir()
    elif spoil in contents:
        path.write_bytes(contents[spoil])
    with pytest.raises(Refused) as caught:
        day.run(5)
    assert "champion" in caught.value.message
    assert not day.logs.exists()


def test_an_environment_file_that_is_a_directory_is_refused(day: "Day") -> None:
    (day.root / ".env").mkdir()
    with pytest.raises(Refused, match="is a directory"):
        day.run(5)
