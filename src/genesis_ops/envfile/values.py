"""Where a value is read differently by systemd, a shell and python-dotenv."""

import re
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from genesis_ops.envfile.grammar import Part, Quote, Statement, trimmed
from genesis_ops.envfile.kinds import Finding, Kind, about, shown

_ESCAPE = re.compile(rb"\\([\s\S]|\Z)")
_SCRUBBED = re.compile(rb"\\(?:(\n)|[\s\S]|\Z)")
_BLANK = re.compile(rb"[ \t]")
_KEY_LIKE = re.compile(rb"[ \t]*(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_]*)[ \t]*=")
_NOT_LOOKED_AT = dict.fromkeys(map(ord, "\t\n\r\0"))
"""Layout, and what has a finding of its own."""
_MOST_PARTS = 100
"""How many joined parts of one value are looked at; so many are wrong as such."""


class _Rule(NamedTuple):
    pattern: re.Pattern[bytes]
    kind: Kind
    severe: bool
    sentence: str


_COMMENT_KEPT = "systemd keeps the comment as part of the value; put it on a line of its own"
_EXPANDED = rb"\$[A-Za-z0-9_@*#?$!({\[-]|`"
_NOT_EXPANDED = "systemd does not expand what a shell would; in single quotes both take it as it is"
_CR_KEPT = _Rule(
    re.compile(rb"\r"),
    Kind.CARRIAGE_RETURN,
    severe=True,
    sentence="a carriage return inside the quotes stays in the value; write the file with plain newlines",
)
_BARE = (
    _Rule(
        re.compile(rb"[ \t]#"),
        Kind.INLINE_COMMENT,
        severe=True,
        sentence=_COMMENT_KEPT,
    ),
    _Rule(re.compile(_EXPANDED + rb"|(?:\A|:)~"), Kind.EXPANSION, severe=True, sentence=_NOT_EXPANDED),
    _Rule(
        re.compile(rb"[\"']"),
        Kind.QUOTE_INSIDE,
        severe=True,
        sentence="systemd keeps a quote that does not begin the value, and a shell takes it away; quote all of it",
    ),
    _Rule(
        re.compile(rb"[ \t;&|<>()]"),
        Kind.NEEDS_QUOTES,
        severe=False,
        sentence="a shell ends the value at a space or a sign it knows; put the value into quotes",
    ),
)
_DOUBLE = (_Rule(re.compile(_EXPANDED), Kind.EXPANSION, severe=True, sentence=_NOT_EXPANDED),)
_SINGLE = (
    _Rule(
        re.compile(rb"\$\{"),
        Kind.EXPANSION,
        severe=False,
        sentence="python-dotenv expands '${' in single quotes too; systemd and a shell do not",
    ),
    _Rule(
        re.compile(rb"\\\\|\\\Z"),
        Kind.BACKSLASH,
        severe=False,
        sentence="python-dotenv takes this backslash for an escape; systemd and a shell keep it",
    ),
)
_CONTINUED = _Rule(
    re.compile(rb"\n"),
    Kind.CONTINUATION,
    severe=False,
    sentence="the value goes on in the next line, but not for python-dotenv; write it in one line",
)
_BARE_ESCAPES = (
    _CONTINUED,
    _Rule(
        re.compile(rb"[^\n]|\Z"),
        Kind.BACKSLASH,
        severe=True,
        sentence="systemd takes the backslash away, as a shell does; put the value into single quotes",
    ),
)
_DOUBLE_ESCAPES = (
    _CONTINUED,
    _Rule(
        re.compile(rb"[abfnrtv']"),
        Kind.BACKSLASH,
        severe=True,
        sentence="systemd and a shell keep this backslash in the value; python-dotenv makes one character of it",
    ),
    _Rule(
        re.compile(rb"[$`]"),
        Kind.BACKSLASH,
        severe=False,
        sentence="python-dotenv keeps the backslash before a dollar sign or backtick; use single quotes",
    ),
)
_RULES = {
    Quote.NONE: (_BARE, _BARE_ESCAPES),
    Quote.SINGLE: ((*_SINGLE, _CR_KEPT), ()),
    Quote.DOUBLE: (_DOUBLE, _DOUBLE_ESCAPES),
}


def value_findings(statement: Statement) -> Iterator[Finding]:
    """Find what is wrong with an assignment's value, each kind once."""
    if statement.text.isalnum() and statement.text.isascii() and not statement.key[-1:].isspace():
        return
    parts = tuple(islice(statement.parts(), _MOST_PARTS))
    found: dict[Kind, Finding] = {}
    for part in parts:
        for line, rule in _broken_rules(part):
            if rule.kind not in found or (rule.severe and not found[rule.kind].severe):
                found[rule.kind] = Finding(line, rule.kind, about(statement, rule.sentence), rule.severe)
    findings = (*found.values(), *_joints(statement, parts))
    graver = any(finding.kind in {Kind.INLINE_COMMENT, Kind.EXPANSION} for finding in findings)
    yield from (finding for finding in findings if not (graver and finding.kind is Kind.NEEDS_QUOTES))


def swallowed_findings(statement: Statement) -> Iterator[Finding]:
    """Find lines that stand inside a value, and were hardly meant to."""
    if statement.text[:1].isalnum() and statement.line == statement.last_line:
        return
    for part in statement.parts():
        if not part.closed:
            sentence = "the quote that opens the value is never closed: all that follows belongs to the value"
            yield Finding(part.line, Kind.UNBALANCED, about(statement, sentence), severe=True)
        if b"\n" in part.raw:
            yield from _swallowed_lines(statement, part)


def _swallowed_lines(statement: Statement, part: Part) -> Iterator[Finding]:
    sentence = about(statement, f"this line has become part of the value that begins on line {part.line}")
    for line, text in enumerate(part.raw.split(b"\n")[1:], part.line + 1):
        if _surely_own(text, part) or not (part.closed or text.isspace() or not text):
            yield Finding(line, Kind.SWALLOWED, sentence, severe=True)


def _surely_own(text: bytes, part: Part) -> bool:
    """Tell whether a line in a value reads like one of its own: a key, or a comment where nothing is quoted."""
    if part.quote is Quote.NONE and text.lstrip(b" \t").startswith(b"#"):
        return True
    match = _KEY_LIKE.match(text)
    return match is not None and shown(match[1]) != ""


def _broken_rules(part: Part) -> Iterator[tuple[int, _Rule]]:
    raw = trimmed(part.raw) if part.quote is Quote.NONE else part.raw
    rules, escape_rules = _RULES[part.quote]
    plain = raw
    if escape_rules and b"\\" in raw:
        plain = _SCRUBBED.sub(rb".\1", raw)
        yield from _broken_escapes(part, raw, escape_rules)
    for rule in rules:
        if match := rule.pattern.search(plain):
            yield part.line + plain.count(b"\n", 0, match.start()), rule
    if part.quote is Quote.DOUBLE and (at := raw.find(b"\r")) >= 0:
        yield part.line + raw.count(b"\n", 0, at), _CR_KEPT
    yield from _invisible(part, raw)


def _broken_escapes(part: Part, raw: bytes, rules: tuple[_Rule, ...]) -> Iterator[tuple[int, _Rule]]:
    first: dict[bytes, int] = {}
    for match in _ESCAPE.finditer(raw):
        first.setdefault(match[1], match.start())
    for escaped, at in first.items():
        for rule in rules:
            if rule.pattern.match(escaped):
                yield part.line + raw.count(b"\n", 0, at), rule


_HIDDEN = _Rule(
    re.compile(rb""),
    Kind.INVISIBLE,
    severe=True,
    sentence="the value holds a character that cannot be seen; type the value anew",
)


def _invisible(part: Part, raw: bytes) -> Iterator[tuple[int, _Rule]]:
    text = raw.decode("utf-8", "replace")
    if text.translate(_NOT_LOOKED_AT).isprintable():
        return
    seen = (at for at, character in enumerate(text) if not character.isprintable() and character not in "\t\n\r\0")
    yield part.line + text.count("\n", 0, next(seen)), _HIDDEN


def _joints(statement: Statement, parts: tuple[Part, ...]) -> Iterator[Finding]:
    """Judge where one part of a value ends and another begins, or a value and its '='."""
    if statement.key[-1:] in {b" ", b"\t"} or (parts and parts[0].spaced):
        sentence = about(statement, "a shell takes no space beside '='")
        yield Finding(statement.line, Kind.SPACE_AT_EQUALS, sentence, severe=False)
    for number, part in enumerate(parts):
        if part.raw.startswith(b"#") and part.quote is Quote.NONE and (part.spaced or number):
            yield Finding(part.line, Kind.INLINE_COMMENT, about(statement, _COMMENT_KEPT), severe=True)
    if len(parts) > 1:
        spaces = any(part.spaced for part in parts[1:]) or _BLANK.search(_scrubbed(parts[-1])) is not None
        yield Finding(parts[1].line, Kind.AFTER_QUOTES, about(statement, _AFTER), spaces or len(parts) == _MOST_PARTS)


def _scrubbed(part: Part) -> bytes:
    """Give a part that has no quotes around it without its escapes, for its plain signs."""
    return _SCRUBBED.sub(rb".\1", trimmed(part.raw)) if part.quote is Quote.NONE else b""


_AFTER = "what stands after the closing quote is joined to the value by systemd, and breaks it for python-dotenv"
