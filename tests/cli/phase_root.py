"""A phase made by hand: a log of polls every two minutes with what a test lets go wrong, a journal, papers."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from genesis_ops.journal.journal import Journal
from genesis_ops.journal.record import Kind
from genesis_ops.rehearsal.world import build
from genesis_ops.runlog import events
from genesis_ops.runlog.events import Event
from genesis_ops.settings import Settings
from genesis_ops.state.champion import Pin, fingerprint, pin
from genesis_ops.state.receipt import Receipt, write_receipt
from genesis_ops.words import DAY_MS, HOUR_MS, MINUTE_MS, day, iso, stamp

DAY_ZERO = 1_770_163_200_000
"""2026-02-04 00:00 UTC."""
STEP_MS = 2 * MINUTE_MS
SYMBOL = "tTESTBTC:TESTUSD"
Stretch = tuple[float, float]
"""Hours since Day 0, from and to."""


class Plan(NamedTuple):
    """What happens in a phase; every time is in hours since Day 0."""

    start: float = 13 + 4 / 60
    end: float = 72.0
    live: float | None = None
    down: Sequence[Stretch] = ()
    feed_down: Sequence[Stretch] = ()
    slow: Mapping[int, float] = {}
    """How many minutes late a close (by its hour) is announced."""
    actions: Mapping[int, str] = {}
    """What is asked for at the close of an hour."""
    in_doubt: frozenset[int] = frozenset()
    """The hours whose order's reply is lost and whose wallets cannot be read."""
    foreign: frozenset[int] = frozenset()
    """The hours before whose order somebody else sold something."""
    stopped: bool = False
    """Whether the runner was stopped in good order at the end."""
    accepted: bool = True


def price(hour: int) -> float:
    return 71_000 + 900 * math.sin(hour / 23) + 250 * math.sin(hour / 3.1)


class PhaseRoot:
    """Writes a plan into a root."""

    def __init__(self, root: Path, plan: Plan) -> None:
        self.plan, self.settings = plan, build(root)
        self.logs = self.settings.log_dir
        self.logs.mkdir(parents=True)
        self.lines: list[tuple[int, Event]] = []
        self.now_ms = at(plan.start)
        self.wallet = {"TESTBTC": 1.0, "TESTUSD": 100_000.0}
        self.journal = Journal(self.logs, lambda: self.now_ms)
        self.live = self.running = False
        self.announced: set[int] = set()
        self._write()

    def _write(self) -> None:
        plan, settings = self.plan, self.settings
        pin(self.logs, Pin("champion", fingerprint(settings.champion_file).sha256, self.now_ms))
        while self.now_ms < at(plan.end):
            self._poll()
            self.now_ms += STEP_MS
        if plan.stopped:
            self.lines += [(self.now_ms, events.SignalReceived(15)), (self.now_ms, events.RunnerStopped())]
        self._put_on_disk()

    def _poll(self) -> None:
        hour = (self.now_ms - DAY_ZERO) / HOUR_MS
        if inside(hour, self.plan.down):
            self.running = False
            return
        live = self.plan.live is not None and hour >= self.plan.live
        if not self.running or live != self.live:
            self._start(live)
        if inside(hour, self.plan.feed_down):
            self._say(events.FetchError("timed out"), events.FetchRetry())
            return
        self._look(int(hour), (hour - int(hour)) * 60)
        if self.now_ms // STEP_MS % 5 == 0:
            self._say(events.Heartbeat(len(self.announced), 0, "0", "0s", "12s", "2s"))

    def _start(self, live: bool) -> None:
        if live and not self.live and self.plan.accepted:
            receipt(self.settings, self.now_ms)
        self.running, self.live = True, live
        mode = "LIVE PAPER TRADING" if live else "DRY-RUN (no orders)"
        self._say(
            events.Rule(), events.RunnerStarted(), events.Version("0.4.0"), events.Market("tBTCUSD", "1h"),
            events.PollInterval(120), events.RunMode(mode), events.ChampionVerifying(), events.ChampionVerified(),
        )  # fmt: skip
        if live:
            sha = fingerprint(self.settings.champion_file).sha256
            about = {"market": "tBTCUSD 1h", "symbol": SYMBOL, "champion_sha256": sha, "config_hash": "b"}
            override = "" if self.plan.accepted else "the <team> | wants it"
            self._record(Kind.STARTED, **about, override=override, gate="accepted")

    def _look(self, hour: int, minute: float) -> None:
        closed = DAY_ZERO + (hour - 1) * HOUR_MS
        self._say(events.CandleSelection("previous", closed, self.now_ms, closed + HOUR_MS, closed + 2 * HOUR_MS))
        if closed in self.announced or minute < self.plan.slow.get(hour, 0):
            self._say(events.AlreadyProcessed(closed))
            return
        self.announced.add(closed)
        action = self.plan.actions.get(hour, "NONE")
        evaluation = events.Evaluation(action, "None", 0.35)
        self.lines.append((self.now_ms, events.CandleClose(closed, price(hour), "previous")))
        self.lines.append((self.now_ms + 4_000 + 700 * (hour % 7), evaluation))
        if action == "NONE":
            self._say(events.NoOrder())
        elif self.live:
            self._order(closed, hour, action)
        else:
            self._say(events.OrderSkipped(action))

    def _order(self, candle_ts: int, hour: int, side: str) -> None:
        name = f"{day(candle_ts)}-{iso(candle_ts)[11:16].replace(':', '')}"
        about = {"symbol": SYMBOL, "side": side, "size": 0.01, "price": price(hour), "config_hash": "b"}
        self._record(Kind.DECIDED, id=name, candle_ts=candle_ts, **about)
        if hour in self.plan.foreign:
            self.wallet["TESTBTC"] -= 0.2
        self._record(Kind.ARMED, id=name, before=dict(self.wallet))
        self._say(events.OrderSubmitting(side))
        answer = {"latency_ms": 412, "order_id": None, "size_taken": None, "reply": None}
        if hour in self.plan.in_doubt:
            self._record(Kind.UNKNOWN, id=name, reason="no reply <within> 90s", **answer)
            return
        self._record(Kind.ACKED, id=name, reason="", **answer)
        self._fill(name, 0.01 if side == "LONG" else -0.01, price(hour))

    def _fill(self, name: str, moved: float, at_price: float) -> None:
        paid = round(-moved * at_price, 8)
        self.wallet = {
            "TESTBTC": round(self.wallet["TESTBTC"] + moved, 8),
            "TESTUSD": round(self.wallet["TESTUSD"] + paid, 8),
        }
        self.now_ms += 20_000
        evidence = {"fill": "once", "multiple": 1.0, "moved": [moved, paid], "after": dict(self.wallet)}
        self._record(Kind.EVIDENCE, id=name, **evidence)
        self.now_ms -= 20_000

    def _say(self, *said: Event) -> None:
        self.lines += [(self.now_ms, event) for event in said]

    def _record(self, kind: Kind, **content: object) -> None:
        with self.journal.held("test"):
            self.journal.append(kind, **content)

    def _put_on_disk(self) -> None:
        texts: dict[str, list[str]] = {}
        for at_ms, event in sorted(self.lines, key=lambda line: line[0]):
            text = f"{stamp(at_ms)} - paper_trading_runner - {event.level} - {event.message()}\n"
            texts.setdefault(day(at_ms), []).append(text)
        for name, lines in texts.items():
            (self.logs / f"runner_{name}.log").write_text("".join(lines))
        last = max(self.announced, default=None)
        state = f'{{"last_processed_candle_ts": {last or "null"}, "total_evaluations": {len(self.announced)}, '
        self.settings.state_file.write_text(f'{state}"total_orders_submitted": 0, "last_heartbeat": null}}')

    def papers(self, *days: int) -> None:
        """Leave a snapshot and a summary of each day."""
        folder = self.settings.root / "docs" / "paper_trading" / "daily_summaries"
        folder.mkdir(parents=True, exist_ok=True)
        (self.logs / "snapshots").mkdir(exist_ok=True)
        for number in days:
            name = stamp(DAY_ZERO + number * DAY_MS)[:10]
            (folder / f"daily_summary_{name}.md").write_text("all well\n")
            (self.logs / "snapshots" / f"snapshot_{name.replace('-', '')}_235000Z.txt").write_text("text\n")


def at(hour: float) -> int:
    """Tell the time (ms, UTC) of an hour since Day 0, to the minute."""
    return DAY_ZERO + round(hour * 60) * MINUTE_MS


def inside(hour: float, stretches: Sequence[Stretch]) -> bool:
    return any(begin <= hour < end for begin, end in stretches)


def receipt(settings: Settings, at_ms: int) -> None:
    """Leave the receipt of an acceptance."""
    sha = fingerprint(settings.champion_file).sha256
    window = (at_ms - DAY_MS, at_ms, 86_400)
    about = (settings.shown(settings.champion_file), sha, None, "0" * 64, {"no-orders": "PASS"}, "0.4.0", "tBTCUSD 1h")
    write_receipt(settings.log_dir, Receipt(*window, "PASS", *about, at_ms))
