"""Look once at the log: the window's runs, its gaps and silences explained, and what hindered the reading."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import accumulate, groupby, islice, pairwise
from typing import NamedTuple

from genesis_ops.checks.evidence import Explanation, Gap, LogEvidence, Outage, Silence
from genesis_ops.checks.explain import SILENT_MS, UNEXPLAINED, explain_gap, explain_silence
from genesis_ops.collect.where import Source
from genesis_ops.runlog.events import (
    CandleClose,
    EvaluateError,
    EvaluationFailed,
    Event,
    FeedDead,
    FeedSilence,
    FetchError,
    FetchRetry,
)
from genesis_ops.runlog.files import LogFile, last_stamp_ms, log_files, opened, stamp_ms
from genesis_ops.runlog.reader import ROUTINE, LogLine, LogReader, Notes
from genesis_ops.runlog.runs import Close, Run, begun_before, runs
from genesis_ops.runlog.sieve import Sieve
from genesis_ops.runlog.tail import end_ms, last_words, reach_ms
from genesis_ops.runlog.tally import LATE_MS, Fate, Tally, closing_within, tally
from genesis_ops.runlog.zone import FARTHEST_MS, in_utc, is_local, newest_offset_ms, offset_ms
from genesis_ops.settings import Settings
from genesis_ops.words import DAY_MS, MINUTE_MS, day, stamp

_AFTERWARDS_MS = 2 * MINUTE_MS
_LONGEST_MARGIN_MS = 70 * DAY_MS
MOST_SILENCES = 8
"""How many silences are told where nobody adds them up."""
_MOST_MISSING = 100_000  # two months of minutes
_OUTAGE: tuple[type[Event], ...] = (FetchError, FetchRetry, FeedDead, FeedSilence)
_FAILURE = (EvaluateError, EvaluationFailed)
_REPEATED = {*_OUTAGE, *_FAILURE, *ROUTINE}
_COUNTED: tuple[type[Event], ...] = (FetchError, EvaluateError)
_WIDER = 4
"""How many times as far back is looked where the close before the window was not found."""


class _Beyond(NamedTuple):
    """What stands on both sides of a day, whose ends are no ends of the log."""

    earlier: tuple[LogLine, ...]
    """The closes before it."""
    late: tuple[LogLine, ...]
    """The closes after it of candles that closed in it."""
    before: LogLine | None
    """The last line before it."""
    goes_on: bool
    """Whether the log has lines after it."""
    reach_ms: tuple[int, int]
    """From when to when it is known what was announced."""


class LogLook:
    """Looks at the log of one market for one window ``[start_ms, end_ms]`` (UTC); ``gather`` gives what was seen."""

    def __init__(self, source: Source, settings: Settings, start_ms: int, end_ms: int) -> None:
        self._source, self._timeframe = source, settings.timeframe
        self._market = f"{settings.symbol} {settings.timeframe}"
        self._start_ms, self._end_ms = start_ms, end_ms
        self._from_ms = start_ms - min(2 * self._timeframe.close_of(0), _LONGEST_MARGIN_MS) - SILENT_MS
        self._files, self._problem = _listed(source)
        self._near = tuple(file for file in self._files if self._may_reach(file))
        self._local = is_local(self._near)
        self._ends_ms: dict[LogFile, int] = {}
        self._notes = Notes()
        self._outages: tuple[Outage, ...] = ()

    def gather(self, *, closely: bool, most_silences: int = MOST_SILENCES, pictured: bool = False) -> LogEvidence:
        """Read the window; ``closely`` with its heartbeats and silences, and every candle that was to be expected.

        ``pictured`` tells the fate of every candle without the rest of that, in half the time.
        """
        lines = self._corrected(closely=closely)
        window = [line for line in lines if line.at_ms >= self._start_ms]
        seen = self._tally(window if closely or pictured else None, whole=closely)
        alive = runs(lines, lambda: self._begun(lines))
        closes = [close for run in alive for close in run.closes]
        missing = self._missing_hours(seen, closes) if closely else self._missing_steps(closes)
        silences = islice(self._silences(window, _limit_ms(alive)), most_silences) if closely else ()
        return self._evidence(window, alive, seen, missing, silences)

    def gather_day(self, now_ms: int) -> LogEvidence:
        """Read a day closely, one among others: lines before and after it count as cover, and what is due is known.

        A step between two closes that begins before the day is told whole if one of its candles closed in the day.
        """
        lines = self._since_a_close()
        window = [line for line in lines if line.at_ms >= self._start_ms]
        alive = runs(lines, lambda: self._begun(lines))
        closes = [close for run in alive for close in run.closes]
        if not window:
            missing = [step for step in self._steps(closes, self._end_ms - LATE_MS) if self._is_of_day(step)]
            return self._evidence(window, alive, self._tally(window, whole=True), missing, ())
        beyond = self._beyond(lines, window, closes, now_ms)
        given = (*beyond.earlier, *window, *beyond.late)
        seen = self._counted(tally(given, self._timeframe, self._start_ms, self._end_ms, beyond.reach_ms))
        missing = self._missing_of_day(seen, closes, beyond, min(self._end_ms, now_ms - LATE_MS))
        watched = window if beyond.before is None else [beyond.before, *window]
        silences = islice(self._silences(watched, _limit_ms(alive)), MOST_SILENCES)
        found = self._evidence(window, alive, seen, missing, silences)
        return found._replace(
            first_ms=found.first_ms if beyond.before is None else self._start_ms,
            last_ms=self._end_ms if beyond.goes_on else found.last_ms,
            after=self._after(closes, beyond, now_ms) if beyond.goes_on else (),
        )

    def _evidence(
        self,
        window: Sequence[LogLine],
        alive: Sequence[Run],
        seen: Tally,
        missing: Iterable[tuple[int, ...]],
        silences: Iterable[Silence],
    ) -> LogEvidence:
        closes = [close for run in alive for close in run.closes]
        return LogEvidence(
            timeframe=self._timeframe,
            start_ms=self._start_ms,
            end_ms=self._end_ms,
            runs=tuple(_since(run, self._start_ms) for run in alive if run.last_ms >= self._start_ms),
            earlier=tuple(close for close in closes if close.line.at_ms < self._start_ms),
            texts=tuple(line.text for line in window),
            tally=seen,
            gaps=tuple(self._gap(group, alive) for group in missing),
            silences=tuple(silences),
            first_ms=min((line.at_ms for line in window), default=None),
            last_ms=max((line.at_ms for line in window), default=None),
            newest=self._newest(closes),
            ahead_ms=tuple(sorted(self._ahead(window))),
            notes=self._notes,
            troubles=(*self._notes.unreadable, *self._notes.damaged, *self._foreign(alive)),
            nothing=self._nothing(window),
            outages=self._outages,
        )

    def to_the_end(self, log: LogEvidence) -> LogEvidence:
        """Add to what was gathered what is missing from the log's last line to the window's end, and why."""
        first_ms, last_ms, end_ms = log.first_ms, log.last_ms, log.end_ms
        if first_ms is None or last_ms is None or end_ms - last_ms < _limit_ms(log.runs):
            return log
        lines = self._all(last_ms - _AFTERWARDS_MS, end_ms)
        silence = Silence(last_ms, end_ms, explain_silence(lines, end_ms, _limit_ms(log.runs)))
        expected = [hour for hour in log.tally.hours if first_ms <= hour.close_ms <= end_ms - LATE_MS]
        missing = tuple(hour.open_ms for hour in expected if hour.fate is Fate.UNCOVERED)
        gaps = list(log.gaps)
        if missing and gaps and self._timeframe.close_of(gaps[-1].missing[-1]) == missing[0]:
            missing = (*gaps.pop().missing, *missing)
        gaps += [self._gap(missing, log.runs)] if missing else []
        return log._replace(gaps=tuple(gaps), silences=(*log.silences, silence))

    # --- reading

    def _may_reach(self, file: LogFile) -> bool:
        """Whether a file can hold lines of the window in any zone; the older runner's may reach far beyond its day."""
        if file.day > day(self._end_ms + 2 * FARTHEST_MS):
            return False
        if not file.packed:
            with suppress(OSError), opened(file) as fd:
                last_ms = last_stamp_ms(fd)
                return last_ms is None or last_ms >= self._from_ms - FARTHEST_MS
        return True

    def _corrected(self, *, closely: bool) -> list[LogLine]:
        """Read what tells something, again where it turns out to stand in another zone than UTC."""
        lines = self._telling(closely=closely)
        if closely and not self._local and any(map(offset_ms, lines)):
            self._local = True
            lines = self._telling(closely=closely)
        return lines

    def _since_a_close(self) -> list[LogLine]:
        """Read closely, from so far back that the close before the window is among the lines, if there is one."""
        lines = self._corrected(closely=True)
        while lines and lines[-1].at_ms >= self._start_ms and not self._closes_before(lines) and self._widened():
            lines = self._corrected(closely=True)
        return lines

    def _closes_before(self, lines: Iterable[LogLine]) -> tuple[LogLine, ...]:
        return tuple(line for line in lines if isinstance(line.event, CandleClose) and line.at_ms < self._start_ms)

    def _widened(self) -> bool:
        """Begin to read farther back, unless the log has nothing there."""
        first = min((file.day for file in self._files), default="")
        if not first or day(self._from_ms - FARTHEST_MS * self._local) < first:
            return False
        self._from_ms -= (_WIDER - 1) * (self._start_ms - self._from_ms)
        self._near = tuple(file for file in self._files if self._may_reach(file))
        return True

    def _telling(self, *, closely: bool) -> list[LogLine]:
        """Read what tells something, from a little before the window; all of it where times need correcting."""
        if self._local:
            reader: LogReader | Sieve = self._wide(self._from_ms, self._end_ms)
            found = self._within(in_utc(reader), self._from_ms, self._end_ms)
        else:
            silence_ms = SILENT_MS if closely else None
            reader = Sieve(self._near, self._from_ms, self._end_ms, silence_ms=silence_ms, mark_ms=self._start_ms)
            found = iter(reader)
        repeated = _Repeated(self._start_ms, self._end_ms)
        lines = [*repeated.thinned(found)]
        self._notes, self._outages = reader.notes, tuple(repeated.outages)
        return lines

    def _all(self, from_ms: int, to_ms: int) -> list[LogLine]:
        if self._local:
            return [*_thinned(self._within(in_utc(self._wide(from_ms, to_ms)), from_ms, to_ms))]
        files = tuple(file for file in self._files if self._reaches(file, from_ms, to_ms))
        return [*_thinned(LogReader(files, from_ms, to_ms))]

    def _reaches(self, file: LogFile, from_ms: int, to_ms: int) -> bool:
        """Whether a file can hold lines of a stretch: one of many outages need not open every file of the phase."""
        if file.day > day(to_ms + FARTHEST_MS):
            return False
        if file not in self._ends_ms:
            self._ends_ms[file] = end_ms(file)
        return self._ends_ms[file] >= from_ms - FARTHEST_MS

    def _wide(self, from_ms: int, to_ms: int) -> LogReader:
        return LogReader(self._files, from_ms - FARTHEST_MS, to_ms + FARTHEST_MS)

    def _within(self, lines: Iterable[LogLine], from_ms: int, to_ms: int) -> Iterator[LogLine]:
        return (line for line in lines if from_ms <= line.at_ms <= to_ms)

    def _begun(self, lines: Sequence[LogLine]) -> Run | None:
        stamped_ms = stamp_ms(lines[0].text[:19].encode()) if lines else None
        begun = None if stamped_ms is None else begun_before(self._files, stamped_ms)
        if begun is not None and begun.started is not None and stamped_ms is not None:
            begun.started.at_ms -= stamped_ms - lines[0].at_ms  # the log is as far ahead of UTC as it is here
        return begun

    def _tally(self, window: Sequence[LogLine] | None, *, whole: bool) -> Tally:
        """Add up the window's lines; where they are not ``whole`` the log's own ends tell how far it reaches."""
        if window is None:
            return tally((), self._timeframe, self._start_ms, 0)
        reach_ms = None if whole or self._local else self._reach_ms()
        return self._counted(tally(window, self._timeframe, self._start_ms, self._end_ms, reach_ms))

    def _counted(self, seen: Tally) -> Tally:
        """Put in how often something failed, of which most lines were not kept."""
        failed = {kind: sum(outage.times for outage in self._outages if outage.feed is kind) for kind in (True, False)}
        return seen._replace(fetch_errors=failed[True], evaluate_errors=failed[False])

    def _reach_ms(self) -> tuple[int, int] | None:
        """Tell from when to when (ms, UTC) there are lines in the window; None where there are none."""
        found = [reach for file in self._near if (reach := reach_ms(file, self._start_ms, self._end_ms)) is not None]
        return (min(first for first, _ in found), max(last for _, last in found)) if found else None

    def _newest(self, closes: Sequence[Close]) -> CandleClose | None:
        """Name the newest close of the whole log: the window's, unless the log goes on behind it."""
        goes_on = any(end_ms(file) > self._end_ms for file in self._files)
        if closes and not goes_on:
            return max(closes, key=lambda close: close.ts).event
        return last_words(self._source.log_dir).close if self._files else None

    def _ahead(self, window: Sequence[LogLine]) -> set[int]:
        stamped = ((line, stamp_ms(line.text[:19].encode())) for line in window) if self._local else ()
        return {at_ms - line.at_ms for line, at_ms in stamped if at_ms is not None} - {0}

    def _foreign(self, alive: Sequence[Run]) -> Iterator[str]:
        """Name runs of another market, whose closes prove nothing for this one."""
        markets = dict.fromkeys(f"{run.symbol} {run.timeframe}" for run in alive if run.symbol)
        return (f"the log is of {market} and not of {self._market}" for market in markets if market != self._market)

    def _nothing(self, window: Sequence[LogLine]) -> str:
        if self._problem or window:
            return self._problem
        if not self._files:
            return f"there is no runner log in {self._source.shown_dir}"
        ends_ms = max(map(end_ms, self._files))
        reach = f"it ends {stamp(ends_ms)[:16]}" if ends_ms < self._start_ms else f"see {self._files[-1].path.name}"
        return f"no line of the runner log lies in the window; {reach}"

    def _beyond(
        self, lines: Sequence[LogLine], window: Sequence[LogLine], closes: Sequence[Close], now_ms: int
    ) -> _Beyond:
        """Look at what stands on both sides of the window, in which there are lines."""
        first_ms = min(line.at_ms for line in window)
        earlier = [line for line in lines if line.at_ms < self._start_ms]
        ahead_ms = newest_offset_ms(self._files) if self._local else 0
        goes_on = any(end_ms(file) - ahead_ms > self._end_ms for file in self._files)
        return _Beyond(
            earlier=self._closes_before(earlier),
            late=self._late({close.ts for close in closes}) if goes_on else (),
            before=max(earlier, key=lambda line: line.at_ms, default=None),
            goes_on=goes_on,
            reach_ms=(self._start_ms if earlier else first_ms, min(self._end_ms + LATE_MS, now_ms)),
        )

    def _after(self, closes: Sequence[Close], beyond: _Beyond, now_ms: int) -> tuple[int, ...]:
        """Name the candles behind the window that the next close leaves out: two minutes tell that there are none."""
        known = {close.ts for close in closes} | {getattr(line.event, "ts", 0) for line in beyond.late}
        if not known:
            return ()
        last, farthest_ms = max(known), min(now_ms, self._end_ms + DAY_MS)
        later = self._announced_after(last, self._end_ms + _AFTERWARDS_MS) or self._announced_after(last, farthest_ms)
        until = self._candles(last, min(later)) if later else self._candles(last, farthest_ms - LATE_MS, closed=True)
        return tuple(ts for ts in islice(until, _MOST_MISSING) if self._timeframe.close_of(ts) > self._end_ms)

    def _announced_after(self, last: int, to_ms: int) -> list[int]:
        events = (line.event for line in self._all(self._end_ms + 1, to_ms))
        return [event.ts for event in events if isinstance(event, CandleClose) and event.ts > last]

    def _late(self, announced: set[int]) -> tuple[LogLine, ...]:
        """Find the closes after the window of candles that closed in it, if the last of them is still to come."""
        last = max(closing_within(self._timeframe, self._start_ms, self._end_ms, announced), default=None)
        if last is None or last in announced:
            return ()
        to_ms = self._end_ms + min(self._timeframe.close_of(0), DAY_MS) + LATE_MS
        lines = self._all(self._end_ms + 1, to_ms)
        return tuple(line for line in lines if isinstance(line.event, CandleClose) and line.event.ts == last)

    # --- what is missing

    def _steps(self, closes: Iterable[Close], until_ms: int, late: Iterable[LogLine] = ()) -> list[tuple[int, ...]]:
        """Name the candles of every step of more than two timeframes, and those since the last close."""
        known = sorted({close.ts for close in closes} | {getattr(line.event, "ts", 0) for line in late})
        found = [tuple(islice(self._candles(a, b), _MOST_MISSING)) for a, b in pairwise(known)]
        if known:
            found.append(tuple(islice(self._candles(known[-1], until_ms, closed=True), _MOST_MISSING)))
        return [step for step in found if len(step) > 1]

    def _is_of_day(self, step: Sequence[int]) -> bool:
        return self._timeframe.close_of(step[-1]) >= self._start_ms

    def _missing_steps(self, closes: Sequence[Close]) -> list[tuple[int, ...]]:
        """Name those of the steps' candles that closed in the window."""
        lines = {close.ts: close.line.at_ms for close in closes}
        found = [
            tuple(islice(self._candles(earlier, later), _MOST_MISSING))
            for earlier, later in pairwise(sorted(lines))
            if lines[later] >= self._start_ms
        ]
        if lines:
            found.append(tuple(islice(self._candles(max(lines), self._end_ms - LATE_MS, closed=True), _MOST_MISSING)))
        inside = (tuple(ts for ts in group if self._timeframe.close_of(ts) >= self._start_ms) for group in found)
        return [missing for missing in inside if len(missing) > 1]

    def _missing_of_day(
        self, seen: Tally, closes: Sequence[Close], beyond: _Beyond, until_ms: int
    ) -> list[tuple[int, ...]]:
        """Name the steps whole, whatever side of midnight they begin on, and beside them lone candles."""
        steps = [step for step in self._steps(closes, until_ms, beyond.late) if self._is_of_day(step)]
        return _with_lone(seen, steps)

    def _candles(self, after: int, until_ms: int, *, closed: bool = False) -> Iterator[int]:
        """Name the candles that open after one and before a time, or close by it."""
        open_ms = self._timeframe.close_of(after)
        while (self._timeframe.close_of(open_ms) <= until_ms) if closed else (open_ms < until_ms):
            yield open_ms
            open_ms = self._timeframe.close_of(open_ms)

    def _missing_hours(self, seen: Tally, closes: Sequence[Close]) -> list[tuple[int, ...]]:
        """Name the candles that closed in the window, and those that neighbours leave out, whatever the clock says."""
        announced = [close.ts for close in closes if close.line.at_ms >= self._start_ms]
        inside = sorted(set(accumulate(announced, max)))
        between = (tuple(islice(self._candles(a, b), _MOST_MISSING)) for a, b in pairwise(inside))
        return _with_lone(seen, [step for step in between if len(step) > 1])

    def _gap(self, missing: tuple[int, ...], alive: Sequence[Run]) -> Gap:
        closes = [close for run in alive for close in run.closes]
        limit_ms = _limit_ms(alive)
        recorded = [line for run in alive for line in run.missed if getattr(line.event, "ts", 0) in missing]
        earlier = [close.line for close in closes if close.ts < missing[0]]
        later = [close.line for close in closes if close.ts > missing[-1]]
        over_ms = self._timeframe.close_of(self._timeframe.close_of(missing[-1])) + limit_ms
        to_ms = min(max(over_ms, *(line.at_ms for line in later[:1]), 0), self._end_ms)  # a late close ends the gap too
        why = explain_gap(self._all(missing[0], to_ms), missing, self._timeframe, to_ms, limit_ms)
        if why.cause in UNEXPLAINED and recorded:
            noted = f"{why.cause} (the runner noted: {recorded[0].event.content()['cause']})"
            why = Explanation(noted, (*why.evidence, recorded[0]))
        return Gap(missing, why, (*earlier[-1:], *later[:1]))

    def _silences(self, window: Sequence[LogLine], limit_ms: int) -> Iterator[Silence]:
        """Confirm by reading every line where the telling ones are far apart."""
        for before, after in pairwise(window):
            if 0 <= after.at_ms - before.at_ms < limit_ms or (after.file != before.file and after.at_ms < before.at_ms):
                continue
            from_ms, to_ms = sorted((before.at_ms, after.at_ms))
            lines = self._all(from_ms - _AFTERWARDS_MS, to_ms + _AFTERWARDS_MS)
            for a, b in pairwise(line for line in lines if from_ms <= line.at_ms <= to_ms):
                if not 0 <= b.at_ms - a.at_ms < limit_ms:
                    yield Silence(a.at_ms, b.at_ms, explain_silence(lines, to_ms + _AFTERWARDS_MS, limit_ms))


def _listed(source: Source) -> tuple[tuple[LogFile, ...], str]:
    try:
        files = log_files(source.log_dir)
    except OSError as error:
        return (), f"the log directory {source.shown_dir} cannot be listed: {error.strerror}"
    return files, "" if source.log_dir.is_dir() else f"there is no log directory {source.shown_dir}"


def _with_lone(seen: Tally, steps: list[tuple[int, ...]]) -> list[tuple[int, ...]]:
    """Add to steps the missing candles that stand in none of them."""
    groups = groupby(seen.hours, key=lambda hour: hour.fate is Fate.MISSING)
    found = [tuple(hour.open_ms for hour in hours) for missing, hours in groups if missing]
    return sorted([*steps, *(group for group in found if not any(set(group) <= set(step) for step in steps))])


class _Repeated:
    """Passes over what an outage repeats at every poll, and counts what of it lies in a window (ms, UTC)."""

    def __init__(self, start_ms: int, end_ms: int) -> None:
        self._start_ms, self._end_ms = start_ms, end_ms
        self.outages: list[Outage] = []
        self._newest: dict[bool, int] = {}

    def thinned(self, lines: Iterable[LogLine]) -> Iterator[LogLine]:
        """Keep the ends of each outage: a whole phase of it could not be kept in memory."""
        failed = begun = False
        passed: LogLine | None = None
        for line in lines:
            event = line.event
            outage, failure = isinstance(event, _OUTAGE), isinstance(event, _FAILURE)
            if (outage or failure) and isinstance(event, _COUNTED):
                self._count(line.at_ms, feed=outage)
            if (outage and begun) or (failed and failure):
                passed = line
                continue
            if passed is not None:
                yield passed
            failed, passed, begun = failure, None, outage
            yield line
        if passed is not None:
            yield passed

    def _count(self, at_ms: int, *, feed: bool) -> None:
        """Add a failure to the stretch of its kind that goes on, or begin one."""
        if not self._start_ms <= at_ms <= self._end_ms:
            return
        place = self._newest.get(feed)
        if place is not None and 0 <= at_ms - self.outages[place].to_ms < SILENT_MS:
            goes_on = self.outages[place]
            self.outages[place] = goes_on._replace(to_ms=at_ms, times=goes_on.times + 1)
            return
        self._newest[feed] = len(self.outages)
        self.outages.append(Outage(feed, at_ms, at_ms, 1))


def _thinned(lines: Iterable[LogLine]) -> Iterator[LogLine]:
    """Keep of what is repeated at every poll one line a minute, and those beside a pause: an outage can last weeks."""
    kept: dict[type[Event], int] = {}
    previous: LogLine | None = None
    left_out: LogLine | None = None
    for line in lines:
        apart = previous is None or not 0 <= line.at_ms - previous.at_ms < MINUTE_MS
        previous = line
        kind = type(line.event)
        if left_out is not None and apart:
            yield left_out
        repeats = kind in _REPEATED and 0 <= line.at_ms - kept.get(kind, -MINUTE_MS) < MINUTE_MS
        left_out = line if repeats and not apart else None
        if left_out is None:
            kept[kind] = line.at_ms
            yield line
    if left_out is not None:
        yield left_out


def _limit_ms(alive: Sequence[Run]) -> int:
    """Tell how long the log may stand still: as long as the window may be uncovered, or three polls."""
    return max([SILENT_MS, *(3000 * (run.interval or 0) for run in alive)])


def _since(run: Run, start_ms: int) -> Run:
    """Take from a run what it did from a time on; what it announced at its start stays."""

    def later(lines: tuple[LogLine, ...]) -> tuple[LogLine, ...]:
        return tuple(line for line in lines if line.at_ms >= start_ms)

    return run._replace(
        closes=tuple(close for close in run.closes if close.line.at_ms >= start_ms),
        submissions=later(run.submissions),
        skipped=later(run.skipped),
        fallbacks=later(run.fallbacks),
        fatal=later(run.fatal),
        missed=later(run.missed),
        beats=tuple(at_ms for at_ms in run.beats if at_ms >= start_ms),
    )
