"""Values that are secret because of the name beside them: ``API_KEY=…``, ``"password": "…"``, ``--token …``.

Whether the name means a secret is said by its last word, so that ``token_bucket`` and ``secret_file`` are none; whether
the value is one, by what it is: a word, a number or a piece of code is not.
"""

import re
from collections.abc import Iterator
from functools import cache

from genesis_ops.redact.ordinary import harmless, is_number

SECRET_WORDS = frozenset(
    {b"secret", b"token", b"passw", b"passphrase", b"pwd", b"_pass", b"key", b"authorization", b"credential"}
    | {b"-pass", b"_pw", b"-pw", b"pass=", b"pw=", b"dbpass", b"pgpass", b"dbpw"}
    | {b"signature", b"session", b"dsn", b"salt", b"mnemonic", b"webhook"},
)
"""What a line has, in small letters, that can hold such a name."""

_SHORT = rb"(?<![a-z])(?:db|pg|my|sql|root|admin|user|smtp|mail|ftp|redis)(?:pass|pw)"
_HARD = (
    rb"passw(?:or)?ds?|passwd|passphrase|pwd|[_-]pass|[_-]pw|%b|secrets?|mnemonic|credentials?|authorization" % _SHORT
)
_KEYS = (
    rb"(?:api|access|secret|private|signing|encryption|master|account|auth|shared|client|consumer|storage|app|service"
    rb"|deploy|license|subscription|session|crypt|hmac|webhook)(?:[_.\-\s]|%20)?keys?"
)
_SOFT = rb"tokens?|%b|(?:[_-]|bfx-?|api)?signature|session[_-]?id|[_-]dsn|[_-]salt|webhook(?:[_-]?url)?" % _KEYS
_AFTER = rb"(?:[_.-]?(?:base|value|old|new|live|prod|test|b64|base64|hex|\d{1,3}))?"
_QUOTE = rb"(?:\\{0,8}[\"'`]|&quot;|&#0?3[49];|&#x2[27];|%(?:25){0,4}2[27])"
_JOIN = rb"(?:%b?[ \t]{0,4}(?:=>|:=|==?|:|%%(?:25){0,4}3[DdAa])|%b[ \t]{0,4},(?=[ \t]{0,4}b?%b))[ \t]{0,4}" % (
    (_QUOTE,) * 3
)
_SCHEME = rb"(?:(?:[Bb]earer|[Bb]asic|[Tt]oken|[Dd]igest|BASIC|BEARER)(?:[ \t]|\+|%20){1,4})?"
_VALUE = (
    rb"(?:b?(?P<q>"
    + _QUOTE
    + rb")"
    + _SCHEME
    + rb"(?P<quoted>(?:(?!(?P=q))[^\r\n]){0,1024}?)(?<!\\)(?:\\\\){0,8}(?P=q)"
    rb"|(?P<open>"
    + _QUOTE
    + rb")?"
    + _SCHEME
    + rb"(?P<bare>\$?\{[\w.!#%+/:=@~-]{6,256}\}|[^\s\"'`<>,;&|(){}\[\]\\]{6,4096}))"
)
_NAME = rb"(?i:(?P<hard>%b)|(?P<soft>%b))%b%b" % (_HARD, _SOFT, _AFTER, _JOIN)
_OPTION = (
    rb"(?i:(?<![\w-])--?(?=[a-z])(?:[\w]{1,24}-){0,4}(?:passw(?:or)?d|passwd|passphrase|pwd|secret|token|credential|%b))"
    rb"[ \t]{1,4}(?P<bare>[^\s\"'`<>|-][^\s\"'`<>|]{5,4096})"
) % _KEYS
_ASSIGNED = (
    rb"[ \t]{0,8}(?:[#;+-][ \t]?)?(?:(?i:export|set)[ \t]+)?(?:[A-Z][A-Z0-9]{0,40}_){0,8}"
    rb"(?:[A-Z0-9]{0,24}(?:PASSWORD|PASSWD|PASSPHRASE|PWD|SECRET|TOKEN|CREDENTIALS?)"
    rb"|[A-Z0-9]{0,24}(?<!COM)(?<!BY)(?<!SUR)PASS|[A-Z0-9]{0,24}PW|[A-Z0-9]{0,24}KEY)"
    rb"=(?P<bare>[\[<{(][^\r\n\"']{4,512}[\]>})]|[^\s\"'][^\s]{5,8192})"
)
_CODE = re.compile(
    r"(?:self|cls|os|settings|config|cfg|env|environ|args|kwargs|request|response)\..*|[a-z]+(?:[_.][a-z]+)+"
)
_SHORTEST = 6
_LONGEST_CARD = 16
_BEFORE_WORD, _BEHIND_WORD, _LONGEST_OPTION = 120, 60, 4100


def named_places(line: bytes) -> Iterator[tuple[int, int]]:
    """Find the values in a line that stand beside a name that means a secret."""
    lower = line.lower()
    if not any(word in lower for word in SECRET_WORDS):
        return
    for begin, end in _windows(lower):
        yield from _beside_names(line, begin, end)
        for match in _compiled(_OPTION).finditer(line, begin, min(len(line), end + _LONGEST_OPTION)):
            if _is_option(_text(match, "bare")):
                yield match.span("bare")
    assigned = _compiled(_ASSIGNED).match(line)
    if assigned and _is_option(_text(assigned, "bare")):
        yield assigned.span("bare")


def _windows(lower: bytes) -> list[tuple[int, int]]:
    """Give the stretches of a line in which a name can stand, so that the rest need not be searched."""
    windows: list[tuple[int, int]] = []
    for match in _any_word().finditer(lower):
        begin, end = max(0, match.start() - _BEFORE_WORD), match.end() + _BEHIND_WORD
        if windows and begin <= windows[-1][1]:
            windows[-1] = (windows[-1][0], end)
        else:
            windows.append((begin, end))
    return windows


@cache
def _any_word() -> re.Pattern[bytes]:
    return re.compile(b"|".join(sorted(map(re.escape, SECRET_WORDS))))


def _beside_names(line: bytes, at: int, end: int) -> Iterator[tuple[int, int]]:
    while name := _compiled(_NAME).search(line, at, end):
        value = _compiled(_VALUE).match(line, name.end())
        if value and _is_named(line, value, hard=name["hard"] is not None):
            yield value.span(_group(value))
        at = max(name.end(), value.end(_group(value))) if value else name.end()


def _is_named(line: bytes, match: re.Match[bytes], *, hard: bool) -> bool:
    value = _text(match, _group(match))
    if len(value) < _SHORTEST:
        return False
    if harmless(value) and not (hard and value.isdigit()):
        return False
    if match["quoted"] is not None:
        return _is_quoted(hard, value)
    if _CODE.fullmatch(value) or line[match.end("bare") : match.end("bare") + 1] in {b"(", b"["}:
        return False
    if not hard and (is_number(value) or (value.isdigit() and len(value) < _LONGEST_CARD)):
        return False
    rest = line[match.end("bare") : match.end("bare") + _BEHIND_WORD].strip()
    return not (value.isalpha() and value.islower() and rest[:1].isalpha())


def _is_quoted(hard: bool, value: str) -> bool:
    """Judge a value in quotes: behind a name that can mean other things, a sentence is none."""
    return not _CODE.fullmatch(value) and (hard or " " not in value.strip())


def _is_option(value: str) -> bool:
    return not (harmless(value) or _CODE.fullmatch(value))


def _group(match: re.Match[bytes]) -> str:
    return "bare" if match["quoted"] is None else "quoted"


def _text(match: re.Match[bytes], group: str) -> str:
    return match[group].decode("utf-8", "replace")


@cache
def _compiled(pattern: bytes) -> re.Pattern[bytes]:
    return re.compile(pattern)
