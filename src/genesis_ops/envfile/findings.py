"""Every line of a ``.env`` file on which systemd, a shell and python-dotenv would differ, in a sentence.

The shell is bash as the runbook uses it (``set -a; source .env``). A line without a finding is the same to all three,
unless a line before it breaks the shell's or python-dotenv's reading; then that line has the finding.
"""

import re
from collections.abc import Iterable, Iterator
from itertools import chain

from genesis_ops.envfile.grammar import Form, Statement, statements
from genesis_ops.envfile.kinds import Finding, Kind, about
from genesis_ops.envfile.parse import is_name, name_of, refuses
from genesis_ops.envfile.values import swallowed_findings, value_findings

__all__ = ["Finding", "Kind", "lint"]

_BOM = b"\xef\xbb\xbf"
SHELL_NAMES = re.compile(
    rb"_|E?UID|PPID|GROUPS|S?RANDOM|SECONDS|LINENO|EPOCH(?:SECONDS|REALTIME)|HISTCMD|DIRSTACK|FUNCNAME"
    rb"|COMP_WORDBREAKS|SHELLOPTS|OPTIND|BASH.*",
)


def lint(raw: bytes) -> tuple[Finding, ...]:
    """Find what is wrong with a file, in the order of its lines."""
    read = tuple(statements(raw))
    found = chain(
        _nul_bytes(raw),
        chain.from_iterable(_statement(raw, statement) for statement in read),
        _duplicates(read),
        _returns(raw, read),
    )
    return tuple(sorted(dict.fromkeys(found), key=lambda finding: finding.line))


def _nul_bytes(raw: bytes) -> Iterator[Finding]:
    if b"\0" not in raw:
        return
    for line, text in enumerate(raw.split(b"\n"), 1):
        if b"\0" in text:
            yield Finding(line, Kind.NUL, "a NUL byte: systemd refuses the whole file", severe=True)


def _statement(raw: bytes, statement: Statement) -> Iterator[Finding]:
    yield from _encoding(raw, statement)
    if raw.startswith(_BOM) and statement.start == 0:
        yield from _marked(statement)
    elif statement.form is Form.COMMENT:
        yield from _comment(statement)
    elif statement.form is Form.TEXT:
        yield _no_assignment(statement)
    else:
        yield from _name(statement, name_of(statement))
        yield from value_findings(statement)
        yield from swallowed_findings(statement)


def _encoding(raw: bytes, statement: Statement) -> Iterator[Finding]:
    text = raw[statement.start : statement.end]
    if text.isascii():
        return
    if refuses(statement):
        yield Finding(statement.line, Kind.NOT_UTF8, "not UTF-8: systemd refuses the whole file", severe=True)
    elif "\ufffd" in text.decode("utf-8", "replace"):
        sentence = "not UTF-8: python-dotenv refuses the whole file"
        yield Finding(statement.line, Kind.NOT_UTF8, sentence, severe=False)


def _marked(statement: Statement) -> Iterator[Finding]:
    """Judge the first line behind a byte order mark, which systemd takes for the beginning of the key."""
    sentence = "the file begins with a byte order mark (BOM), and systemd drops the first key because of it"
    yield Finding(statement.line, Kind.BOM, about(statement, f"{sentence}; save it as UTF-8 without BOM"), severe=True)
    behind = name_of(statement).removeprefix(_BOM).lstrip(b" \t")
    if behind[:1] not in {b"", b"#", b";"}:
        if statement.form is Form.TEXT:
            yield _no_assignment(statement)
            return
        yield from _name(statement, behind)
        yield from value_findings(statement)
    yield from swallowed_findings(statement)


def _no_assignment(statement: Statement) -> Finding:
    return Finding(statement.line, Kind.NO_ASSIGNMENT, "there is no '=' in the line: systemd drops it", severe=True)


def _comment(statement: Statement) -> Iterator[Finding]:
    if statement.key.startswith(b";"):
        sentence = "a comment to systemd alone; begin it with '#'"
        yield Finding(statement.line, Kind.SEMICOLON, sentence, severe=False)
    if statement.last_line == statement.line:
        return
    sentence = (
        f"systemd before 254 takes this line into the comment of line {statement.line}, which ends in a backslash"
    )
    for line, text in enumerate(statement.key.split(b"\n")[1:], statement.line + 1):
        if text.strip()[:1] not in {b"", b"#"}:
            yield Finding(line, Kind.SWALLOWED, sentence, severe=True)


def _name(statement: Statement, name: bytes) -> Iterator[Finding]:
    first, *rest = name.split(maxsplit=1) or [b""]
    if first == b"export" and rest:
        sentence = about(statement, "systemd drops a key with 'export' before it; take the word away")
        yield Finding(statement.line, Kind.EXPORT, sentence, severe=True)
    elif not is_name(name):
        sentence = "what stands before '=' is not a name (letters, digits and '_' only): systemd drops the line"
        yield Finding(statement.line, Kind.INVALID_NAME, sentence, severe=True)
    elif SHELL_NAMES.fullmatch(name):
        sentence = about(statement, "a shell keeps this name for itself")
        yield Finding(statement.line, Kind.SHELL_NAME, sentence, severe=False)


def _duplicates(read: Iterable[Statement]) -> Iterator[Finding]:
    former: dict[bytes, Statement] = {}
    for statement in read:
        name = name_of(statement)
        if statement.form is not Form.ASSIGNMENT or not is_name(name):
            continue
        if earlier := former.get(name):
            other = earlier.value() != statement.value()
            which = "to another value; the last one counts" if other else "to the same value"
            sentence = f"set on line {earlier.line} already, {which}"
            yield Finding(statement.line, Kind.DUPLICATE, about(statement, sentence), other)
        former[name] = statement


def _returns(raw: bytes, read: tuple[Statement, ...]) -> Iterator[Finding]:
    """Find carriage returns between statements: at the end of a line, or alone, where systemd ends a line too."""
    begins = [(0, 1, False), *((each.end, each.last_line, each.form is Form.COMMENT) for each in read)]
    ends = [*(each.start for each in read), len(raw)]
    for (begin, line, after_comment), end in zip(begins, ends, strict=True):
        if b"\r" in raw[begin:end]:
            yield from _returns_in(raw[begin:end].split(b"\n"), line, after_comment, end == len(raw))


def _returns_in(gap: list[bytes], line: int, after_comment: bool, at_end: bool) -> Iterator[Finding]:
    for number, text in enumerate(gap):
        ends_line = at_end or number < len(gap) - 1
        if b"\r" in text[:-1] or (b"\r" in text and not ends_line):
            sentence = "a carriage return in the middle of the line: systemd begins a new line there"
            yield Finding(line + number, Kind.CARRIAGE_RETURN, sentence, severe=True)
        elif text and text[-1:] == b"\r" and not (after_comment and number == 0):
            sentence = "the line ends in a carriage return, which a shell keeps; write the file with plain newlines"
            yield Finding(line + number, Kind.CARRIAGE_RETURN, sentence, severe=False)
