"""A report as Markdown, for a daily summary; no text from a log can become markup in it (CommonMark, GFM tables)."""

import re
from collections.abc import Iterator

from genesis_ops.checks.model import Judged, Outcome, Place, Report
from genesis_ops.report.cells import cut
from genesis_ops.report.sentence import ending, sentence, sums
from genesis_ops.words import visible

_LONGEST = 300
"""How many cells of a line of evidence are shown."""

_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "|": "&#124;"}
_PROGRAMS = r"sudo|systemctl|journalctl|timedatectl|uvicorn|chmod|ls|df|unset|env|curl|install|\$\{EDITOR:-vi\}"
_ALONE = r"(?:(?! {2}|; | \().)*"
_FLAGS = r"(?: (?:list|verify|show|resolve)\b)?(?: --[a-z-]+(?: (?:last|yesterday|[0-9A-Z\"'<][^\s,;)]*))?)*"
_COMMAND = re.compile(
    rf"(?:^|(?<= {{2}})|(?<= {{2}}or: )|(?<= {{2}}then: )|(?<=with: ))(?:genesis-ops|{_PROGRAMS}) {_ALONE}"
    rf"|(?<=; )(?:{_PROGRAMS}) {_ALONE}|\bgenesis-ops [a-z][a-z-]+{_FLAGS}"
)
"""A command that stands for itself, to where words of another kind begin, and one that is named in a sentence."""
_MARKUP = re.compile(r"[\\`*_\[\]~#@$&<>|]|://|(?<=[wW])\.")


def render(report: Report) -> str:
    """Write a report as a heading, a table, the proof of what is not PASS, and the verdict."""
    blocks = (_heading(report), _table(report), _proofs(report), _remarks(report), _verdict(report))
    return "\n\n".join(filter(None, ("\n".join(block) for block in blocks))) + "\n"


def escaped(text: str) -> str:
    """Write untrusted text so that it reads as itself in running text, a heading or a table."""
    return _MARKUP.sub(lambda found: _ENTITIES.get(found[0], f"\\{found[0]}"), visible(text).strip())


def code(text: str) -> str:
    """Write untrusted text as inline code; the fence is longer than any run of backticks in it."""
    text = visible(text)
    fence = "`" * (max(map(len, re.findall("`+", text)), default=0) + 1)
    room = " " if text.startswith(("`", " ")) or text.endswith(("`", " ")) else ""
    return f"{fence}{room}{text}{room}{fence}" if text.strip() else ""


def with_commands(text: str) -> str:
    """Write what to do so that each command in it can be copied as it is: as inline code, the rest escaped."""
    told, at = "", 0
    text = visible(text).strip()
    for found in _COMMAND.finditer(text):
        told += _around(text[at : found.start()]) + code(found[0])
        at = found.end()
    return told + _around(text[at:])


def _around(text: str) -> str:
    """Escape what stands beside a command, and keep the room between the two."""
    if not text.strip():
        return " " if text else ""
    return f"{' ' * text[0].isspace()}{escaped(text)}{' ' * text[-1].isspace()}"


def _heading(report: Report) -> Iterator[str]:
    market = f" ({escaped(report.market)})" if report.market else ""
    yield f"## {escaped(report.command.capitalize())}: {escaped(report.subject)}{market}"


def _table(report: Report) -> Iterator[str]:
    yield "| # | check | outcome | detail |"
    yield "|--:|---|---|---|"
    for judged in report.checks:
        yield f"| {judged.number} | {escaped(judged.id)} | {judged.outcome} | {escaped(judged.detail)} |"


def _proofs(report: Report) -> Iterator[str]:
    for judged in report.checks:
        if judged.outcome is not Outcome.PASS and (judged.evidence or judged.remedy):
            yield f"- **{escaped(judged.id)}**: {judged.outcome}"
            yield from _proof(judged)


def _proof(judged: Judged) -> Iterator[str]:
    for place in judged.evidence:
        shown = (code(_where(place)), code(cut(visible(place.text), _LONGEST, unicode=True)))
        if any(shown):  # a bullet with nothing behind it would make a heading of the line above
            yield f"  - {' '.join(filter(None, shown))}"
    if judged.remedy.strip():
        yield f"  - Next: {with_commands(judged.remedy)}"


def _where(place: Place) -> str:
    return f"{place.file}:{place.line}" if place.line else place.file


def _remarks(report: Report) -> Iterator[str]:
    yield from (f"* {text}" for text in sums(report))
    yield from (f"* Note: {escaped(note)}" for note in report.notes)


def _verdict(report: Report) -> Iterator[str]:
    closing = f"; {escaped(report.closing)}" if report.closing else ""
    yield f"**{report.verdict}**: {escaped(sentence(report))}, {ending(report)}{closing}"
