"""The runner log as a stream of timed lines: many files, one window, every line accounted for (contract §2, §9)."""

import os
import re
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise

from genesis_ops.runlog.events import (
    CRITICAL,
    ERROR,
    LEVELS,
    WARNING,
    AlreadyProcessed,
    CandleSelection,
    Event,
    Heartbeat,
    StateSaved,
    Unknown,
    read_message,
)
from genesis_ops.runlog.files import (
    BEFORE,
    HEAD,
    HOUR,
    LONGEST,
    STAMP,
    LogFile,
    Region,
    around,
    edges_ms,
    open_log,
    plain_blocks,
    stamp_ms,
    unpacked_blocks,
    whole_lines,
)
from genesis_ops.words import HOUR_MS

SLACK_MS = HOUR_MS
"""How far back a clock may step (ms, one daylight-saving hour) without a line of the window being missed."""

ROUTINE: tuple[type[Event], ...] = (CandleSelection, AlreadyProcessed, StateSaved, Heartbeat)
"""What nearly all lines of a log say; a reading can leave them out."""

_EXAMPLES = 5
_LOGGER = b" - paper_trading_runner - "
_JUNK = re.compile(rb"\A" + BEFORE)
_INNER_HEAD = re.compile(STAMP + _LOGGER + rb"(?:" + "|".join(LEVELS).encode() + rb") - ")
_PHYSICAL = re.compile(rb".*\n|.+")
_SERIOUS = (WARNING.encode(), ERROR.encode(), CRITICAL.encode())
_TRACEBACK = "Traceback (most recent call last):"


class Line:
    """A line of a file, without its line end; what is not UTF-8 is shown as escapes."""

    __slots__ = ("file", "index", "region", "text")

    def __init__(self, file: LogFile, text: str, index: int, region: Region | None = None) -> None:
        self.file, self.text, self.index, self.region = file, text, index, region

    @property
    def number(self) -> int:
        """The line's number in its (uncompressed) file, from 1; 0 if the file went away since it was read."""
        before = 0 if self.region is None else self.region.lines_before
        return 0 if before is None else before + self.index + 1


class LogLine(Line):
    """A line with a time (``at_ms``, UTC), and how many lines of traceback stand under it."""

    __slots__ = ("at_ms", "known", "traceback")

    def __init__(  # noqa: PLR0913, PLR0917 - a line is made tens of thousands of times a second
        self, file: LogFile, text: str, index: int, region: Region | None, at_ms: int, known: Event | None = None
    ) -> None:
        super().__init__(file, text, index, region)
        self.at_ms, self.known, self.traceback = at_ms, known, 0

    @property
    def level(self) -> str:
        """The level the line was written with, which need not be its event's."""
        return self.text.split(" - ", 3)[2]

    @property
    def message(self) -> str:
        """What follows the level."""
        return self.text.split(" - ", 3)[3]

    @property
    def event(self) -> Event:
        """What the line says; ``Unknown`` if no type reads it or it was not written to its end."""
        if self.known is None:
            self.known = read_message(self.message)
        return self.known


@dataclass(slots=True)
class Notes:
    """What a reading met in its window: ``lines + joined == yielded + left_out + continuation + unstamped``."""

    lines: int = 0
    left_out: int = 0
    """Lines of the types that the reading was asked to leave out."""
    continuation: int = 0
    """Lines of a traceback or of a message that holds line ends, under their event."""
    unstamped: int = 0
    joined: int = 0
    """Lines that begin in the middle of another: a process died while it wrote and the next one wrote on."""
    not_understood: int = 0
    """Lines without a prefix or with a message that no type reads; ``examples`` holds the first few."""
    torn: int = 0
    """Lines that were not written to their end; what they say is not read."""
    nul: int = 0
    invalid_utf8: int = 0
    over_long: int = 0
    first_ms: int | None = None
    last_ms: int | None = None
    """How far the lines reach; of lines that are left out only the ends of a run are looked at."""
    examples: list[Line] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    """Files that could not be opened or read, with the reason."""
    damaged: list[str] = field(default_factory=list)
    """Files that could be read in part: a broken gzip, a log that became shorter."""

    def saw(self, at_ms: int | None, lines: int = 1) -> None:
        """Take lines of the window into account."""
        self.lines += lines
        if at_ms is None:
            return
        if self.first_ms is None or at_ms < self.first_ms:
            self.first_ms = at_ms
        if self.last_ms is None or at_ms > self.last_ms:
            self.last_ms = at_ms


class LogReader:
    """Iterate over the lines of a closed window ``[start_ms, end_ms]`` (UTC; contract §9) in the order of the files.

    ``without`` names types out of ``ROUTINE`` whose lines are counted but not made, which is four times as fast.
    ``offset`` begins in the first file at that byte, which has to be a line's first. Nothing that stands
    in a file or is wrong with it raises: it is in ``notes``, which belong to the newest iteration.
    """

    def __init__(
        self,
        files: Iterable[LogFile],
        start_ms: int | None = None,
        end_ms: int | None = None,
        *,
        without: tuple[type[Event], ...] = (),
        offset: int = 0,
    ) -> None:
        self.files = tuple(files)
        self.window = (-(1 << 62) if start_ms is None else start_ms, 1 << 62 if end_ms is None else end_ms)
        self.without = without
        self.offset = offset
        self.notes = Notes()

    def __iter__(self) -> Iterator[LogLine]:
        """Read the files anew, one line behind, so that a line comes with the count of its traceback."""
        self.notes = Notes()
        for position, file in enumerate(self.files):
            reading = FileReading(self, file, self.offset if position == 0 else 0)
            previous: LogLine | None = None
            for line in reading.lines():
                if previous is not None:
                    yield previous
                previous = line
            if previous is not None:
                yield previous


class FileReading:
    """One pass over one file."""

    def __init__(self, reader: LogReader, file: LogFile, offset: int) -> None:
        self.file = file
        self.notes = reader.notes
        self.first, self.last = reader.window
        self.pattern = _pattern(reader.without)
        self.offset = offset
        self.region = Region(file, 0)
        self.index = -1
        self.inside = True  # what stands above the first stamp of a file belongs to every window
        self.under_event = False
        self.newest: LogLine | None = None

    def lines(self) -> Iterator[LogLine]:
        """Read the file's part of the window."""
        for chunk in whole_lines(self.blocks()):
            if self.is_far_off(chunk):
                self.index += chunk.count(b"\n")
                self.inside = self.under_event = False
                continue
            for match in self.pattern.finditer(chunk):
                yield from self.matched(match)

    def matched(self, match: re.Match[bytes]) -> Iterable[LogLine]:
        """Read what the pattern found: a routine line, a run of those that are left out, or any other line."""
        kind = match.lastgroup
        if kind == "routine" and (at_ms := stamp_ms(match["at"])) is not None:
            return self._routine(match, at_ms)
        if kind == "run" and (hour_ms := stamp_ms(match["hour"] + b":00:00")) is not None:
            self._leave_out(match["run"], hour_ms)
            return ()
        if kind == "blank":
            self._pass_over(match["blank"].count(b"\n"))
            return ()
        return self._others(match[0])

    def _pass_over(self, lines: int) -> None:
        """Count empty lines, of which a damaged file can hold millions."""
        first, self.index = self.index + 1, self.index + lines
        if not self.inside:
            return
        self.notes.saw(None, lines)
        if self.under_event:
            self.notes.continuation += lines
            if self.newest is not None:
                self.newest.traceback += lines
            return
        self.notes.unstamped += lines
        self.notes.not_understood += lines
        room = _EXAMPLES - len(self.notes.examples)
        shown = range(first, first + min(lines, room))
        self.notes.examples += [Line(self.file, "", index, self.region) for index in shown]

    def _routine(self, match: re.Match[bytes], at_ms: int) -> tuple[LogLine, ...]:
        self.index += 1
        self.under_event = False
        self.inside = self.first <= at_ms <= self.last
        if not self.inside:
            return ()
        self.notes.saw(at_ms)
        self.newest = LogLine(self.file, match["routine"].decode(), self.index, self.region, at_ms)
        return (self.newest,)

    def blocks(self) -> Iterator[bytes]:
        """Read the bytes of the file's part of the window, and a little around it."""
        try:
            opened, fd = open_log(self.file)
        except OSError as error:
            self.notes.unreadable.append(f"{self.file.path.name}: {error.strerror}")
            return
        try:
            yield from unpacked_blocks(fd) if opened.packed else self._plain(fd)
        except OSError as error:
            self.notes.unreadable.append(f"{opened.path.name}: {error.strerror}")
        except (EOFError, zlib.error) as error:
            self.notes.damaged.append(f"{opened.path.name}: {error}")
        finally:
            os.close(fd)

    def _plain(self, fd: int) -> Iterator[bytes]:
        size = os.fstat(fd).st_size
        start = max(self.offset, around(fd, size, self.first - SLACK_MS)[0])
        end = around(fd, size, self.last + SLACK_MS + 1)[1]
        self.region = Region(self.file, start)
        return plain_blocks(fd, start, end)

    def is_far_off(self, lines: bytes) -> bool:
        """Whether the first and the last line say that a (compressed) stretch lies well before or after the window."""
        edges = edges_ms(lines)
        return edges is not None and (edges[1] < self.first - SLACK_MS or edges[0] > self.last + SLACK_MS)

    def _leave_out(self, run: bytes, hour_ms: int) -> None:
        """Count a run of lines that share their hour, one by one only where the window begins or ends in it."""
        lines = run.count(b"\n")
        self.index += lines
        stamps = [run[:19], run[run.rfind(b"\n", 0, -1) + 1 :][:19]]
        whole = self.first <= hour_ms and hour_ms + HOUR_MS <= self.last
        if not whole:
            stamps = [line[:19] for line in run.splitlines()]
        times = [at_ms for at in stamps if (at_ms := stamp_ms(at)) is not None and self.first <= at_ms <= self.last]
        for at_ms in times:
            self.notes.saw(at_ms, 0)
        seen = lines if whole else len(times)
        self.notes.lines += seen
        self.notes.left_out += seen
        self.inside = self.first <= (stamp_ms(stamps[-1]) or 0) <= self.last
        self.under_event, self.newest = False, None

    def _others(self, lines: bytes) -> Iterator[LogLine]:
        """Read lines that are not routine; one physical line can hold two that were meant to be written."""
        for raw in _PHYSICAL.findall(lines):
            self.index += 1
            counted = self.notes.lines
            pieces = _pieces(raw.removesuffix(b"\n").removesuffix(b"\r"))
            for position, piece in enumerate(pieces, 1):
                line = self._piece(piece, torn=position < len(pieces) or not raw.endswith(b"\n"))
                if line is not None:
                    yield line
            joined = max(0, self.notes.lines - counted - 1)
            self.notes.joined += joined
            self.notes.lines -= joined

    def _piece(self, piece: bytes, *, torn: bool) -> LogLine | None:
        head = HEAD.match(piece)
        at_ms = None if head is None else stamp_ms(head["at"])
        if head is not None:
            self.under_event = at_ms is not None and head["level"] in _SERIOUS
        if at_ms is not None:
            self.inside = self.first <= at_ms <= self.last
        if not self.inside:
            return None
        self.notes.saw(at_ms)
        self.notes.torn += torn
        text = self._text(piece)
        if at_ms is None:
            self._unstamped(text, torn=torn)
            return None
        line = self.newest = LogLine(self.file, text, self.index, self.region, at_ms)
        if torn:
            line.known = Unknown(line.message)
        elif type(line.event) is Unknown:
            self._not_understood(line)
        return line

    def _text(self, piece: bytes) -> str:
        self.notes.nul += b"\0" in piece
        piece = _JUNK.sub(b"", piece, count=1)
        if len(piece) > LONGEST:
            self.notes.over_long += 1
            return piece[:LONGEST].decode(errors="backslashreplace")
        try:
            return piece.decode()
        except UnicodeDecodeError:
            self.notes.invalid_utf8 += 1
            return piece.decode(errors="backslashreplace")

    def _unstamped(self, text: str, *, torn: bool) -> None:
        self.under_event = self.under_event or text.startswith(_TRACEBACK)
        if self.under_event:
            self.notes.continuation += 1
            if self.newest is not None:
                self.newest.traceback += 1
            return
        self.notes.unstamped += 1
        if not torn:
            self._not_understood(Line(self.file, text, self.index, self.region))

    def _not_understood(self, line: Line) -> None:
        self.notes.not_understood += 1
        if len(self.notes.examples) < _EXAMPLES:
            self.notes.examples.append(line)


@cache
def _pattern(without: tuple[type[Event], ...]) -> re.Pattern[bytes]:
    """Tell routine lines, of which most of a log consists, from the others without reading them."""
    wanted = _any_of(tuple(t for t in ROUTINE if t not in without))
    routine = rb"(?P<routine>(?P<at>" + STAMP + rb") - [!-~]+ - [A-Z]+ - " + wanted + rb")\r?\n"
    single = routine + rb"|(?P<blank>[\r\n]*\n)|.*\n|.+"
    if not without:
        return re.compile(single)
    line = rb":[0-5]\d:[0-5]\d - [!-~]+ - (?:DEBUG|INFO) - " + _any_of(without) + rb"\r?\n"
    run = rb"(?P<run>(?P<hour>" + HOUR + rb")" + line + rb"(?:(?P=hour)" + line + rb")*)"
    return re.compile(run + b"|" + single)


def _any_of(types: tuple[type[Event], ...]) -> bytes:
    """Match the types' messages, without groups and as far as they are ASCII; nothing if there are no types."""
    patterns = [re.sub(r"\(\?P<\w+>", "(?:", t.pattern).replace(".+", "[!-~]+").encode() for t in types]
    return b"(?:" + (b"|".join(patterns) or b"(?!)") + b")"


def _pieces(line: bytes) -> list[bytes]:
    """Cut a line where another one begins in its middle."""
    if line.find(_LOGGER, 20) < 0:
        return [line]
    begin = len(line) - len(_JUNK.sub(b"", line, count=1))
    cuts = [0, *(head.start() for head in _INNER_HEAD.finditer(line, begin + 1)), len(line)]
    return [line[a:b] for a, b in pairwise(cuts)]
