"""The picture of a day."""

from genesis_ops.report.picture import can_show, legend, picture
from genesis_ops.runlog.tally import Fate, Hour
from genesis_ops.words import HOUR_MS, MINUTE_MS

DAY = 1_770_163_200_000  # 2026-02-04


def hour(n: int, fate: Fate) -> Hour:
    return Hour(DAY + n * HOUR_MS, DAY + (n + 1) * HOUR_MS, fate)


def drawn(rows: list[Hour], *, unicode: bool = True) -> list[str]:
    return [f"{row.label} {''.join(cell.mark for cell in row.cells)}" for row in picture(rows, unicode=unicode)]


def test_a_day_is_a_row_and_a_candle_stands_in_the_hour_it_opened() -> None:
    hours = [
        hour(13, Fate.PROCESSED),
        hour(14, Fate.ACTION),
        hour(15, Fate.LATE),
        hour(23, Fate.MISSING),
        hour(24, Fate.UNCOVERED),
    ]
    assert drawn(hours) == [f"04 Feb {' ' * 13}█▲▒{' ' * 7}░", f"05 Feb ·{' ' * 23}"]


def test_an_hour_with_several_candles_shows_the_worst() -> None:
    minutes = [Hour(DAY + n * MINUTE_MS, DAY + (n + 1) * MINUTE_MS, Fate.PROCESSED) for n in range(60)]
    assert drawn(minutes)[0][7] == "█"
    minutes[30] = Hour(minutes[30].open_ms, minutes[30].close_ms, Fate.MISSING)
    assert drawn(minutes)[0][7] == "░"


def test_a_terminal_without_the_marks_gets_ascii() -> None:
    assert not can_show("ascii")
    assert not can_show(None)
    assert can_show("utf-8")
    assert all(line.isascii() for line in drawn([hour(n, fate) for n, fate in enumerate(Fate)], unicode=False))
    assert len({cell.mark for cell, _ in legend(unicode=False)}) == len(Fate)
