"""Reports to render: a day that passed, one that did not, and any that hypothesis can think of."""

from typing import Any

from hypothesis import strategies as st

from genesis_ops.checks.model import Judged, Outcome, Place, Report, Window
from genesis_ops.runlog.tally import Fate, Hour
from genesis_ops.words import DAY_MS, HOUR_MS

END_MS = 1_770_297_000_000  # 2026-02-05 13:10
LOG = "logs/paper_trading/runner_20260205.log"
TIMEOUT = "2026-02-05 03:00:07 - paper_trading_runner - ERROR - HTTP error fetching candles: ConnectTimeout()"
IDS = (
    "candle-uniqueness", "candle-frequency", "candle-source", "candle-audit", "no-orders", "evaluation-count",
    "state-consistency", "state-orders", "champion-loaded", "no-fatal", "heartbeat",
)  # fmt: skip
SUMMARY = {"candles": 24, "evaluations": 24, "orders_submitted": 0, "fatal": 0, "heartbeats": 864}
HOSTILE = "\x1b[31m[red]x[/red]\u202e\u2066\r\n\t\x00\ud800\ufffe|`<b>&'\"*_\\ 日本語 👩\u200d💻❤️ e\u0301" + "z" * 90


def judged(number: int = 1, outcome: Outcome = Outcome.PASS, **changes: Any) -> Judged:
    name = IDS[(number - 1) % len(IDS)]
    plain = Judged(number, name, name.replace("-", " "), outcome, 24, 24, "24 of 24", (), "", name == "heartbeat")
    return plain._replace(**changes)


def day(*checks: Judged, **changes: Any) -> Report:
    """A day in which all is well, but for the checks that are given."""
    given = {check.number: check for check in checks}
    every = tuple(given.get(number) or judged(number) for number in range(1, len(IDS) + 1))
    report = Report(
        command="acceptance",
        subject="dry-run, 24h to 2026-02-05 13:10 UTC",
        market="tBTCUSD 1h",
        generated_ms=END_MS,
        checks=every,
        window=Window(END_MS - DAY_MS, END_MS, 86_400),
        summary=SUMMARY,
        closing="receipt: none",
    )
    return report._replace(**changes)


GAP = judged(
    2,
    Outcome.FAIL,
    observed=22,
    detail="22 of 24 closes, one step of 3h",
    evidence=(Place(LOG, 2211, TIMEOUT),),
    remedy="genesis-ops logs --around 03:00",
)
SILENCE = judged(11, Outcome.WARN, detail="850, longest silence 16m")
FAILED = day(GAP, SILENCE)


def hours(*fates: Fate) -> tuple[Hour, ...]:
    start = END_MS - END_MS % HOUR_MS - DAY_MS
    return tuple(Hour(start + n * HOUR_MS, start + (n + 1) * HOUR_MS, fate) for n, fate in enumerate(fates))


_ALPHABET = st.one_of(st.characters(), st.sampled_from(HOSTILE), st.sampled_from("a b [/]"))
TEXTS = st.text(_ALPHABET, max_size=120)
_NUMBERS = st.none() | st.integers(1 - 2**53, 2**53 - 1) | st.floats() | TEXTS
_PLACES = st.builds(Place, file=TEXTS, line=st.integers(0, 10**9), text=TEXTS | st.just(TIMEOUT))
_CHECKS = st.builds(
    Judged,
    number=st.integers(1, 99),
    id=st.sampled_from(IDS) | TEXTS,
    title=TEXTS,
    outcome=st.sampled_from(Outcome),
    observed=_NUMBERS,
    expected=_NUMBERS,
    detail=TEXTS,
    evidence=st.lists(_PLACES, max_size=3).map(tuple),
    remedy=TEXTS,
    bonus=st.booleans(),
)
_TIMES = st.integers(0, 4_000_000_000_000)
_HOURS = st.lists(st.builds(Hour, _TIMES, _TIMES, st.sampled_from(Fate)), max_size=5).map(tuple)
REPORTS = st.builds(
    Report,
    command=st.sampled_from(["acceptance", "preflight", "stop-check"]),
    subject=TEXTS,
    market=TEXTS,
    generated_ms=_TIMES,
    checks=st.lists(_CHECKS, max_size=4).map(tuple),
    window=st.none() | st.builds(Window, _TIMES, _TIMES, st.integers(0, 10**6)),
    summary=st.none() | st.dictionaries(st.sampled_from(list(SUMMARY)), st.integers(0, 10**6)),
    hours=_HOURS,
    notes=st.lists(TEXTS, max_size=2).map(tuple),
    closing=TEXTS,
    strict=st.booleans(),
)
