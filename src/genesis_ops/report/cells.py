"""Text measured in the cells of a terminal: made safe to show, wrapped and cut."""

from collections.abc import Iterator

from genesis_ops.words import visible

_PLAIN = str.maketrans({"–": "-", "—": "-", "→": "->", "…": "...", "·": "."})  # noqa: RUF001 - signs, not letters

_FIRST_PLANE = "\uffff"


def shown(text: str, *, unicode: bool) -> str:
    """Make untrusted text fit for any terminal: one line, no control characters, plain ASCII where it must be."""
    text = visible(text)
    if unicode or text.isascii():
        return text
    return text.translate(_PLAIN).encode("ascii", "backslashreplace").decode("ascii")


def cells(text: str) -> int:
    """Tell how many cells a terminal needs for visible text, at the most."""
    return len(text) if text.isascii() else sum(_widths(text))


def fitting(text: str, width: int) -> str:
    """Give the longest beginning of a text that fits into a width."""
    if text.isascii():
        return text[:width]
    used = 0
    for at, wide in enumerate(_widths(text)):
        used += wide
        if used > width:
            return text[:at]
    return text


def cut(text: str, width: int, *, unicode: bool) -> str:
    """Give a text that fits into a width, with a sign where it goes on."""
    if fitting(text, width) == text:
        return text
    sign = "…" if unicode else "..."
    return fitting(text, width - len(sign)) + sign


def wrapped(text: str, width: int) -> tuple[str, ...]:
    """Break a text into lines of at most a width (two cells or more), at spaces where there are any."""
    width = max(width, 2)  # a character of two cells has to fit somewhere
    found: list[str] = []
    line = ""
    for word in text.split(" "):
        longer = f"{line} {word}" if line else word
        if fitting(longer, width) == longer:
            line = longer
            continue
        *full, line = _broken(line, word, width)
        found += full
    return (*found, line)


def _broken(line: str, word: str, width: int) -> Iterator[str]:
    """Give the line that was full, and a word that fits into no line in pieces."""
    if line:
        yield line
    at, enough = 0, 2 * width  # a character of no width stands on one that has some
    while len(word) - at > enough or cells(word[at:]) > width:
        head = fitting(word[at : at + enough], width)
        yield head
        at += len(head)
    yield word[at:]


def _widths(text: str) -> Iterator[int]:
    """Give the cells of each character: none for the first mark over a letter, one for every further one.

    A letter with hundreds of marks would else be a line of any length that counts as short. Beyond the first plane
    two are counted always: terminals with a newer Unicode widen characters there that this Python knows as narrow.
    """
    from unicodedata import combining, east_asian_width

    marked = True
    for character in text:
        if combining(character):
            yield int(marked)
            marked = True
        else:
            yield 2 if character > _FIRST_PLANE or east_asian_width(character) in "WF" else 1
            marked = False
