"""A ``.env`` file as bash reads it (``set -a; . file``), as far as that can be told without running anything.

Modelled on bash 5.2 and compared with it. A value that bash would expand, and a line on which it would run or redirect
something, are open: nobody can tell them. What could change the reading itself, such as ``exit`` or ``unset``, leaves
all that follows open.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from genesis_ops.envfile.findings import SHELL_NAMES
from genesis_ops.envfile.parse import Dropped
from genesis_ops.envfile.reading import Item, Reading
from genesis_ops.envfile.secret import Secret

EXPANDS = "would be expanded"
RUNS = "a command would run"
KEPT = "the shell's own"

_PLAIN = re.compile(r"[^ \t\n\\'\"$`;&|<>()]+")
_DOUBLE = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_DOUBLE_ESCAPE = re.compile(r'\\(?:\n|([$`"\\]))')
_SINGLE = re.compile(r"'([^']*)'")
_EXPANSION = re.compile(
    r"\$(?:[A-Za-z_][A-Za-z0-9_]*|[0-9@*#?$!-]|\{[A-Za-z_][A-Za-z0-9_]*(?::?[-+][^{}\"'\\`$()]*)?\}|\([^()\"'\\`]*\))"
    r"|`[^`\"'\\]*`",
)
"""Those that change nothing but the value they stand in."""
_ANY_EXPANSION = re.compile(r"\$[A-Za-z0-9_@*#?$!({\[-]|`")
_OPERATOR = re.compile(r"&&|\|\||\|&|;;|<<|>>|<>|[<>]&|&>|>\||[;&|<>()]")
_TANGLED = "the shell would expand it in a way that cannot be told"
_COMMENT = re.compile(r"#[^\n]*")
_ASSIGNMENT = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(\+?=|\[)")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_TILDE = re.compile(r":~")
_READ_ONLY = frozenset({"UID", "EUID", "PPID", "BASHOPTS", "SHELLOPTS", "BASH_VERSINFO", "POSIXLY_CORRECT"})
# fmt: off
_OWN_WORDS = frozenset({
    ".", "alias", "bg", "bind", "break", "builtin", "caller", "case", "cd", "command", "compgen", "complete",
    "compopt", "continue", "coproc", "declare", "dirs", "disown", "do", "done", "elif", "else", "enable", "esac",
    "eval", "exec", "exit", "fc", "fg", "fi", "for", "function", "getopts", "hash", "help", "history", "if", "jobs",
    "kill", "let", "local", "logout", "mapfile", "popd", "printf", "pushd", "read", "readarray", "readonly", "return",
    "select", "set", "shift", "shopt", "source", "suspend", "then", "time", "times", "trap", "typeset", "ulimit",
    "umask", "unalias", "unset", "until", "wait", "while", "{", "}", "[[", "!",
})
# fmt: on
"""Commands and words of the shell itself that could change what it makes of the lines behind them."""


class _End(Exception):
    """Bash reads no further, or nobody can tell how."""

    def __init__(self, why: str, *, unsure: bool) -> None:
        super().__init__(why)
        self.why = why
        self.unsure = unsure


class _Word(NamedTuple):
    """A word in stretches, each with whether it was quoted; ``expands`` where something in it is to be expanded."""

    pieces: tuple[tuple[str, bool], ...]
    expands: bool = False

    @property
    def text(self) -> str:
        return "".join(text for text, _ in self.pieces)

    def assignment(self) -> re.Match[str] | None:
        """Match a name and what joins it to its value, where both stand there unquoted."""
        return None if not self.pieces or self.pieces[0][1] else _ASSIGNMENT.match(self.pieces[0][0])

    @property
    def indexed(self) -> bool:
        """Whether it begins as an element of a list does."""
        match = self.assignment()
        return match is not None and match[2] == "["

    def has(self, signs: str) -> bool:
        """Tell whether one of some signs stands in it unquoted."""
        return any(sign in text for text, quoted in self.pieces if not quoted for sign in signs)


class _Command(NamedTuple):
    """The words between two operators; ``open`` where an operator or a redirection stands beside them."""

    words: tuple[_Word, ...]
    open: bool


def read(raw: bytes) -> Reading:
    """Read any bytes as bash does."""
    if (at := raw.find(b"\0")) >= 0:
        return Reading((), Dropped(raw.count(b"\n", 0, at) + 1, "a NUL byte"), unsure=True)
    text = raw.decode("utf-8", "surrogateescape")
    items: list[Item] = []
    lexer = _Lexer(text)
    while lexer.at < len(text):
        begin, line = lexer.at, lexer.line
        try:
            commands, comment = lexer.commands()
            found = tuple(_items(commands))
        except _End as end:
            return Reading(tuple(items), Dropped(line, end.why), end.unsure)
        last = line + text.count("\n", begin, lexer.at) - text.endswith("\n", begin, lexer.at)
        items += (item._replace(line=line, last_line=last, comment=comment) for item in found)
    return Reading(tuple(items))


def _items(commands: tuple[_Command, ...]) -> Iterator[Item]:
    for command in commands:
        yield from _run(command)


def _run(command: _Command) -> Iterator[Item]:
    """Say what a command does to the environment.

    Raises:
        _End: nobody can tell.
    """
    words = list(command.words)
    given: list[_Word] = []
    while words and words[0].assignment():
        given.append(words.pop(0))
    if any(word.indexed for word in given):
        raise _End("the shell would not take it for a plain key", unsure=True)
    if not words:
        yield from (_assigned(word, command) for word in given)
        return
    first, *rest = words
    if first.expands or first.text in _OWN_WORDS or (given and first.text == "export"):
        raise _End("the shell would run a command of its own", unsure=True)
    yield from (Item(0, 0, _name(word), why=RUNS) for word in given)
    if first.text == "export":
        yield from _exported(rest, command)
    else:
        yield Item(0, 0, why=RUNS)


def _name(word: _Word) -> str:
    match = word.assignment()
    return match[1] if match else ""


def _assigned(word: _Word, command: _Command) -> Item:
    """Judge an assignment.

    Raises:
        _End: the shell would stop at it.
    """
    match = word.assignment()
    if match is None or match[1] in _READ_ONLY:
        raise _End("the shell would not take it for a plain key", unsure=True)
    value = _Word(((word.pieces[0][0][match.end() :], False), *word.pieces[1:]))
    if command.open:
        return Item(0, 0, match[1], why=RUNS, open=True)
    if SHELL_NAMES.fullmatch(match[1].encode()):
        return Item(0, 0, match[1], why=KEPT, open=True)
    if word.expands or match[2] == "+=" or _has_tilde(value):
        return Item(0, 0, match[1], why=EXPANDS, open=True)
    return Item(0, 0, match[1], Secret(value.text))


def _has_tilde(value: _Word) -> bool:
    """Tell whether a '~' stands where bash puts a home directory in its place."""
    pieces = [piece for piece in value.pieces if piece[0] or piece[1]]
    starts = bool(pieces) and not pieces[0][1] and pieces[0][0].startswith("~")
    return starts or any(_TILDE.search(text) for text, quoted in pieces if not quoted)


def _exported(words: list[_Word], command: _Command) -> Iterator[Item]:
    """Judge what stands behind ``export``.

    Raises:
        _End: it is an option, or nobody can tell what it becomes.
    """
    if not words:
        yield Item(0, 0, why=RUNS)
    for word in words:
        name, equals, value = word.text.partition("=")
        if word.assignment():
            if word.has("{") or word.indexed:
                yield Item(0, 0, _name(word), why=EXPANDS, open=True)
            else:
                yield _assigned(word, command)
        elif word.expands or word.text.startswith("-") or word.has("*?[{~"):
            raise _End("the shell would expand it", unsure=True)
        elif equals and _NAME.fullmatch(name):
            yield _assigned(_Word(((f"{name}=", False), (value, True))), command)
        else:
            yield Item(0, 0, why="the shell takes no value from it")


class _Lexer:
    """Goes through a text, a line of commands at a time."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.line = 1

    def commands(self) -> tuple[tuple[_Command, ...], str]:
        """Read to the end of a line that is not inside a word, and give its commands and its comment.

        Raises:
            _End: bash would stop there, or nobody can tell how it goes on.
        """
        done: list[_Command] = []
        words: list[_Word] = []
        comment, loose = "", False
        begin = self.at
        while self.at < len(self.text):
            sign = self.text[self.at]
            if sign == "\n":
                self.at += 1
                break
            if sign in " \t":
                self.at += 1
            elif self.text.startswith("\\\n", self.at):
                self.at += 2
            elif sign == "#":
                comment = self._taken(_COMMENT)
            elif match := _OPERATOR.match(self.text, self.at):
                loose = True
                self._operator(match[0], words, done)
            else:
                words.append(self._word())
        done.append(_Command(tuple(words), open=False))
        self.line += self.text.count("\n", begin, self.at)
        return tuple(command._replace(open=loose) for command in done if command.words), comment

    def _operator(self, operator: str, words: list[_Word], done: list[_Command]) -> None:
        """Pass over what joins two commands, or redirects one.

        Raises:
            _End: it is one that can change how the rest is read.
        """
        self.at += len(operator)
        if operator in {"<", ">", ">>"}:
            while self.text[self.at : self.at + 1] in {" ", "\t"}:
                self.at += 1
            if not self._begins_word() or self._word().expands:
                raise _End("the shell would redirect, or stop here", unsure=True)
        elif operator in {";", "&"} and words:
            done.append(_Command(tuple(words), open=True))
            words.clear()
        else:
            raise _End("the shell would join or group commands, or stop here", unsure=True)

    def _begins_word(self) -> bool:
        sign = self.text[self.at : self.at + 1]
        return bool(sign) and sign not in "\n#" and not _OPERATOR.match(sign)

    def _word(self) -> _Word:
        pieces: list[tuple[str, bool]] = []
        expands = False
        while self.at < len(self.text):
            sign = self.text[self.at]
            if sign in " \t\n" or _OPERATOR.match(sign):
                break
            text, quoted, more = self._piece(sign)
            expands = expands or more
            if pieces and not quoted and not pieces[-1][1]:
                pieces[-1] = (pieces[-1][0] + text, False)
            elif text or quoted:
                pieces.append((text, quoted))
        return _Word(tuple(pieces), expands)

    def _piece(self, sign: str) -> tuple[str, bool, bool]:
        """Read a stretch of a word: its text, whether it was quoted, and whether it would be expanded."""
        if sign == "'":
            return self._closed(_SINGLE)[1], True, False
        if sign == '"':
            return self._double()
        if sign == "\\":
            return self._escaped()
        if sign in "$`":
            return self._dollar()
        return self._taken(_PLAIN), False, False

    def _double(self) -> tuple[str, bool, bool]:
        inside = self._closed(_DOUBLE)[1]
        plain = re.sub(r"\\.", "", inside, flags=re.DOTALL)
        if _ANY_EXPANSION.search(plain) is None:
            return _DOUBLE_ESCAPE.sub(lambda found: found[1] or "", inside), True, False
        if _ANY_EXPANSION.search(_EXPANSION.sub("", inside)):
            raise _End(_TANGLED, unsure=True)
        return "", True, True

    def _escaped(self) -> tuple[str, bool, bool]:
        after = self.text[self.at + 1 : self.at + 2]
        self.at += 1 + len(after)
        return ("", False, False) if after == "\n" else (after or "\\", True, False)

    def _dollar(self) -> tuple[str, bool, bool]:
        if match := _EXPANSION.match(self.text, self.at):
            self.at = match.end()
            return "", True, True
        if _ANY_EXPANSION.match(self.text, self.at) or self.text[self.at + 1 : self.at + 2] in {"'", '"', "\\"}:
            raise _End(_TANGLED, unsure=True)
        self.at += 1
        return "$", True, False

    def _closed(self, pattern: re.Pattern[str]) -> re.Match[str]:
        match = pattern.match(self.text, self.at)
        if match is None:
            raise _End("a quote is never closed", unsure=False)
        self.at = match.end()
        return match

    def _taken(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self.text, self.at)
        text = match[0] if match else self.text[self.at]
        self.at += len(text)
        return text
