"""What becomes of an environment file's lines when it is written anew: before and after, without any value."""

import re
from collections.abc import Iterator

from genesis_ops.envfile.kinds import shown
from genesis_ops.envfile.rewrite import Rewritten, Stretch
from genesis_ops.report.env_mask import HIDDEN_NAME
from genesis_ops.report.text import Line, Page, Span

_ASSIGNMENT = re.compile(rb"([ \t]*)(export[ \t]+)?([^=]*?)([ \t]*=[ \t]*)([\s\S]*)\Z")
_COMMENT = re.compile(rb"[ \t]+#")
_MASK = "***"


def lines(new: Rewritten, page: Page) -> Iterator[Line]:
    """Draw what is taken away, each stretch that changes, and what is left although it is not read alike."""
    if new.bom:
        yield from page.under("   1  ", "the byte order mark is taken away")
    if new.returns:
        yield from page.under("      ", f"carriage returns are taken away from {_count(new.returns, 'line')}")
    for stretch in new.stretches:
        if stretch.before != stretch.after:
            yield from _changed(stretch, page)
    for stretch in new.stretches:
        if stretch.why:
            yield from page.under(f"{stretch.line:>4}  ", f"left as it is: {stretch.why}", "yellow")


def changes(new: Rewritten) -> int:
    """Count the stretches that are written in another way."""
    return sum(stretch.before != stretch.after for stretch in new.stretches)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _changed(stretch: Stretch, page: Page) -> Iterator[Line]:
    signs = (("-", stretch.before, "red"), ("+", stretch.after, "green"))
    at = str(stretch.line)
    for sign, texts, style in signs:
        for told in _masked(texts):
            yield (Span(page.cut(f"{at:>4}  {sign} {told}", page.width), style),)
            at = ""


def _masked(texts: tuple[bytes, ...]) -> Iterator[str]:
    """Show how lines are built; a comment may hold a secret too, and so may a line inside a value."""
    for number, text in enumerate(texts):
        if text.lstrip(b" \t").startswith(b"#"):
            yield f"# {_MASK}{_space(text)}"
        elif number and not texts[0].lstrip(b" \t").startswith(b"#"):
            yield _MASK
        else:
            yield _assignment(text)


def _space(text: bytes) -> str:
    return " and a space" if text.endswith(b"\\ ") else " and a backslash" if text.endswith(b"\\") else ""


def _assignment(text: bytes) -> str:
    match = _ASSIGNMENT.match(text)
    if match is None:
        return _MASK
    lead, export, name, equals, value = match.groups()
    told = shown(name) or HIDDEN_NAME
    quote = value[:1].decode("latin-1") if value[:1] in {b"'", b'"'} else ""
    comment = f" # {_MASK}" if _COMMENT.search(value) else ""
    return f"{(lead + (export or b'')).decode()}{told}{equals.decode()}{quote}{_MASK}{quote}{comment}"
