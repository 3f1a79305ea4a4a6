"""What can be wrong with a line of a ``.env`` file, and how a finding about it looks."""

from enum import StrEnum
from typing import NamedTuple

from genesis_ops.envfile.grammar import Statement

_LONGEST_NAME = 64
_LONGEST_WORD = 20


class Kind(StrEnum):
    """The ways in which systemd, a shell and python-dotenv come to differ, or fool the author together."""

    NUL = "nul-byte"
    NOT_UTF8 = "not-utf-8"
    BOM = "byte-order-mark"
    CARRIAGE_RETURN = "carriage-return"
    NO_ASSIGNMENT = "no-assignment"
    EXPORT = "export"
    INVALID_NAME = "invalid-name"
    SHELL_NAME = "shell-name"
    DUPLICATE = "duplicate-key"
    SPACE_AT_EQUALS = "space-at-equals"
    SEMICOLON = "semicolon-comment"
    SWALLOWED = "swallowed-line"
    CONTINUATION = "continuation"
    INLINE_COMMENT = "inline-comment"
    BACKSLASH = "backslash"
    EXPANSION = "expansion"
    NEEDS_QUOTES = "needs-quotes"
    QUOTE_INSIDE = "quote-inside"
    UNBALANCED = "unbalanced-quotes"
    AFTER_QUOTES = "after-quotes"
    INVISIBLE = "invisible-character"


class Finding(NamedTuple):
    """A line and what is the matter with it; ``sentence`` never holds a value or a part of one.

    ``severe`` marks where systemd gets something else than the author must have meant.
    """

    line: int
    kind: Kind
    sentence: str
    severe: bool


def about(statement: Statement, sentence: str) -> str:
    """Begin a sentence with the key's name, where that can be shown."""
    name = statement.key.removeprefix(b"\xef\xbb\xbf").removeprefix(b"export ").strip(b" \t")
    if b"_" not in name and (statement.text.startswith(b"=") or not statement.text.strip(b" \t\r\n\\")):
        return sentence  # 'abcdef==' is the end of a broken secret rather than a key
    return f"{shown(name)}: {sentence}" if shown(name) else sentence


def shown(name: bytes) -> str:
    """Give a name that is surely one, else nothing: a line of a broken value can look like a name in mixed case."""
    text = name.decode("latin-1")
    if not (text.isascii() and text.isidentifier() and (text.isupper() or text.islower())):
        return ""
    sure = len(text) <= _LONGEST_NAME and all(len(word) <= _LONGEST_WORD for word in text.split("_"))
    return text if sure else ""
