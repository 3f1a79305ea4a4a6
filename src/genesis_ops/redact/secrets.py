"""Which values are secret: those of variables whose name says so, and those that look like a key whatever their name.

A value is taken in every way in which it may be read: as systemd, a shell and python-dotenv read it, with and without
what stands behind ``#``. What cannot be taken by value is shorter than eight characters, or a word, a number of up to
fifteen digits or a path: to replace those wherever they stand would leave nothing to read. Beside its name such a value
is still found by its look, unless it is a word in general use.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from urllib.parse import unquote

from genesis_ops.envfile.grammar import Form, statements
from genesis_ops.envfile.secret import Secret
from genesis_ops.redact.ordinary import harmless, is_random, ordinary
from genesis_ops.redact.shapes import places
from genesis_ops.redact.shell import shell_value

_SHORTEST = 8
_SHORTEST_TAIL = 12
_MARKS = ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"), (b"\xef\xbb\xbf", "utf-8-sig"))
_LINE = re.compile(r"[ \t]*(?:[#;]+[ \t]*)?(?:(?:export|set)[ \t]+)?[\"']?([A-Za-z_][\w.-]*)[\"']?[ \t]*[=:][ \t]*(.*)")
_ASSIGNMENT = re.compile(r"[ \t]*(?:export[ \t]+)?[A-Za-z_]\w*=.*")
_QUOTED = re.compile(r"\s*([\"'])([\s\S]*?)(?<!\\)((?:\\\\)*)\1")
_ENDS = (re.compile(r"[ \t]+#"), re.compile(r"#"), re.compile(r"[ \t]*(?:;|&&|\|\|)[ \t]*(?:\Z|[A-Za-z])|;\s*\Z"))
_REFERENCE = re.compile(r"\$(?:\{([A-Za-z_]\w*)(?::?[-=?+][^{}]*)?\}|([A-Za-z_]\w*))")
_LOGIN = re.compile(r"[\w.@-]{1,64}:(\S+)")
_ESCAPE = re.compile(r"\\([\s\S])")
_ESCAPED = {"n": "\n", "r": "\r", "t": "\t"}
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://(?:([^\s/@]*)@)?[^\s/?#]*([/?#]\S*)?")
_IN_URL = re.compile(r"[^/?&=#;,]+")
_SECRET_NAME = re.compile(
    r"key|secret|token|passw|passphrase|pwd|(?:^|[_.-])pass(?:$|[_.-])|pass$"
    r"|(?:^|[_.-]|db|pg|my|sql|root|admin|user|smtp|mail|ftp|redis)pw(?:$|[_.-])|credential|(?:^|[_.-])creds?(?:$|[_.-])|auth(?!or)"
    r"|authoriz|private|dsn|cookie|session|salt|signature|signing|webhook|bearer|jwt|mnemonic|(?:^|[_.-])(?:seed|pin|otp)$",
)
_HARMLESS_NAME = re.compile(
    r"(?:old)?pwd|.*(?:keyboard|keymap|monkey|turkey|keyring_dir|session_(?:id|type|class|desktop)).*|.*(?:by|com|sur|tres|under|over)pass"
)
_OF_A_PLACE = re.compile(r"(?:.*[_.-])?(?:file(?:name)?|path|dir|directory|home|sock|socket|host|port|url|uri)")
"""The last word of a name whose value is a path or an address, if it looks like one."""


def secrets_in(env_files: Iterable[bytes], environments: Iterable[Mapping[str, str]]) -> tuple[Secret, ...]:
    """Collect the values that must not be written anywhere, the longest first."""
    found: set[str] = set()
    for raw in env_files:
        for name, value in _read(raw):
            found.update(_taken(name, value))
    for environment in environments:
        for name, value in environment.items():
            for variant in _variants(value):
                found.update(_taken(name, variant))
    return tuple(Secret(value) for value in sorted(found, key=lambda value: (-len(value), value)))


def _read(raw: bytes) -> Iterator[tuple[str, str]]:
    """Read a file in every encoding and with every end of line that fits, and put in what it refers to."""
    found = list(dict.fromkeys(pair for text in _decoded(raw) for pair in _read_text(text)))
    yield from found
    named = dict(found)
    for name, value in found:
        if "$" in value:
            yield name, _REFERENCE.sub(lambda match: named.get(match[1] or match[2], match[0]), value)
            yield name, _REFERENCE.sub("", value)


def _read_text(text: str) -> Iterator[tuple[str, str]]:
    """Read a text as systemd does, and line by line as the others do; lines that are commented out count too."""
    for statement in statements(text.encode("utf-8", "surrogateescape")):
        if statement.form is Form.ASSIGNMENT:
            name = statement.key.decode("utf-8", "surrogateescape").strip().removeprefix("export ")
            yield name, statement.value().decode("utf-8", "surrogateescape")
            for variant in _variants(statement.text.decode("utf-8", "surrogateescape")):
                yield name, variant
    for line in text.split("\n"):
        if match := _LINE.match(line.rstrip("\r")):
            for variant in _variants(match[2]):
                yield match[1], variant


def _decoded(raw: bytes) -> Iterator[str]:
    for text in _in_encodings(raw):
        yield text
        if "\r\n" in text:
            yield text.replace("\r\n", "\n")


def _in_encodings(raw: bytes) -> Iterator[str]:
    for mark, encoding in _MARKS:
        if raw.startswith(mark):
            yield raw.decode(encoding, "replace" if encoding == "utf-16" else "surrogateescape")
            return
    yield raw.decode("utf-8", "surrogateescape")
    for first, encoding in enumerate(("utf-16-be", "utf-16-le")):
        if 3 * raw[first::2].count(0) > len(raw):  # a text in Latin letters has a NUL in two bytes
            yield raw.decode(encoding, "replace")
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        yield raw.decode("latin-1")


def _variants(written: str) -> Iterator[str]:
    """Give what different readers make of the text behind ``=``."""
    text = written.strip()
    yield shell_value(text)
    for part in (text, *(text[: match.start()] for end in _ENDS for match in end.finditer(text))):
        yield part
        yield _ESCAPE.sub(r"\1", part)
    if match := _QUOTED.match(text):
        inside = match[2] + match[3]
        yield inside
        yield _ESCAPE.sub(r"\1", inside)
        yield _ESCAPE.sub(lambda found: _ESCAPED.get(found[1], found[1]), inside)


def _taken(name: str, value: str) -> Iterator[str]:
    if _is_secret_name(name):
        is_place = _OF_A_PLACE.fullmatch(name.lower()) is not None
        yield from (piece for piece in _pieces(value) if _is_telling(piece, ordinary if is_place else harmless))
    for line in value.split("\n"):
        raw = line.encode("utf-8", "surrogateescape")
        for place in places(raw):
            yield from filter(_is_telling, _spellings(raw[place.start : place.end].decode("utf-8", "surrogateescape")))


def _is_secret_name(name: str) -> bool:
    lower = name.lower()
    return _SECRET_NAME.search(lower) is not None and _HARMLESS_NAME.fullmatch(lower) is None


def _is_telling(value: str, is_plain: Callable[[str], bool] = ordinary) -> bool:
    return len(value) >= _SHORTEST and not is_plain(value)


def _pieces(value: str) -> Iterator[str]:
    """Take what is secret in a value: all of it, its lines, a password behind a name, or what tells in an address."""
    text = value.strip("\r\n \t")
    if "\n" in text:
        yield from _lines(text)
    elif match := _URL.fullmatch(text):
        yield from _in_url(match[1] or "", match[2] or "")
    else:
        yield value
        yield text
        if login := _LOGIN.fullmatch(text):
            yield login[1]
        if len(tail := text.rpartition("}")[2]) >= _SHORTEST_TAIL and "$" in text:
            yield tail


def _lines(text: str) -> Iterator[str]:
    lines = [line.strip("\r \t") for line in text.split("\n")]
    if not any(line.startswith("-----") or _ASSIGNMENT.fullmatch(line) for line in lines):
        yield text
    for line in lines:
        if not line.startswith("-----") and not _ASSIGNMENT.fullmatch(line):
            yield line


def _in_url(user: str, rest: str) -> Iterator[str]:
    login, _, password = user.partition(":")
    yield from _spellings(password or login)
    for part in _IN_URL.findall(rest):
        if is_random(part):
            yield from _spellings(part)


def _spellings(text: str) -> Iterator[str]:
    yield text
    yield unquote(text, errors="surrogateescape")
