"""Undoes what programs do to a text on its way to a log, with the decoders of the standard library.

This is the second look's eye. It shares nothing with what the scrubber searches for, so that neither is blind where
the other is.
"""

import binascii
import re
from collections.abc import Callable, Iterator
from html import unescape
from urllib.parse import unquote_to_bytes

_MOST_LAYERS = 6
_MOST_BYTES = 64 << 20
"""How much is decoded of one text before a deeper layer is left alone: only a made-up line has so many."""
_ESCAPE = re.compile(
    rb"\\(?:u(?:([0-9A-Fa-f]{4})|\{([0-9A-Fa-f]{1,6})\})|U([0-9A-Fa-f]{8})|x([0-9A-Fa-f]{2})|([0-7]{3})|([nrtbfva0])|([^\sA-Za-z0-9]))",
)
_LETTERS = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f", b"v": b"\v", b"a": b"\a", b"0": b"\0"}
_SURROGATES = re.compile(rb"\xed[\xa0-\xaf][\x80-\xbf]\xed[\xb0-\xbf][\x80-\xbf]")
INVISIBLE = re.compile(
    rb"\x1b(?:\[[0-?]{0,32}[ -/]{0,4}[@-~]|\][^\x07\x1b\n]{0,256}(?:\x07|\x1b\\)|[@-Z\\^_])"
    rb"|\xe2\x80[\x8b-\x8f]|\xe2\x81\xa0|\xef\xbb\xbf|\xc2\xad",
)
"""What a terminal takes as a colour or as nothing at all."""
_ENTITY = re.compile(rb"&[#A-Za-z][A-Za-z0-9]{0,31};?")
_SHORTEST_BASE64 = 10
_SHORTEST_HEX = 16
_SIGNS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_"
_APART = bytes(byte if byte in _SIGNS else ord("\n") for byte in range(256))
_ONE_ALPHABET = bytes.maketrans(b"-_", b"+/")
_NOT_HEX = bytes(byte if byte in b"0123456789abcdefABCDEF" else ord("\n") for byte in range(256))


def layers(text: bytes) -> Iterator[bytes]:
    """Give a text with its escapes undone, one kind after another, until nothing changes; the text is not given."""
    seen = {text}
    waiting = [text]
    for _ in range(_MOST_LAYERS):
        if sum(map(len, seen)) > _MOST_BYTES:
            return
        waiting = [after for before in waiting for after in _undone(before) if after not in seen]
        seen.update(waiting)
        yield from dict.fromkeys(waiting)


def tokens(text: bytes) -> set[bytes]:
    """Give the words of a text that could be base64 or hex; a number is neither."""
    words = set(text.translate(_APART).split(b"\n"))
    return {
        word for word in words if len(word) >= _SHORTEST_BASE64 and (len(word) >= _SHORTEST_HEX or not word.isdigit())
    }


def within(token: bytes) -> Iterator[bytes]:
    """Give what a word may stand for, read as base64 and as hex from each place at which a group can begin."""
    text = token.translate(_ONE_ALPHABET)
    for skipped in range(4):
        part = text[skipped:]
        yield binascii.a2b_base64(part + b"A" * (-len(part) % 4))
    if len(token) >= _SHORTEST_HEX:
        for word in token.translate(_NOT_HEX).split(b"\n"):
            for skipped in range(2):
                part = word[skipped:]
                if len(part) >= _SHORTEST_HEX:
                    yield binascii.unhexlify(part[: len(part) // 2 * 2])


def _undone(text: bytes) -> Iterator[bytes]:
    """Undo each kind of escape by itself, and all of them together, as one text may be written in several."""
    readings = {text.replace(b"+", b" ")}
    if b"%" in text:
        readings.add(unquote_to_bytes(text))
    if b"&" in text:
        readings.add(_ENTITY.sub(_character, text))
    if b"\\" in text:
        readings |= {_unslashed(text, _byte), _unslashed(text, _latin)}
    if len(readings) > 2:  # noqa: PLR2004 - more than one kind is at work
        readings.add(_ENTITY.sub(_character, _unslashed(unquote_to_bytes(text), _byte)))
    yield from readings


def _unslashed(text: bytes, numbered: Callable[[int], bytes]) -> bytes:
    r"""Undo backslashes; whether ``\xe9`` is a byte or a character depends on what wrote it."""
    return _SURROGATES.sub(_paired, _ESCAPE.sub(lambda match: _unescaped(match, numbered), text))


def _byte(number: int) -> bytes:
    return bytes([number & 0xFF])


def _latin(number: int) -> bytes:
    return chr(number).encode("utf-8")


def _unescaped(match: re.Match[bytes], numbered: Callable[[int], bytes]) -> bytes:
    short, braced, long, byte, octal, letter, sign = match.groups()
    if number := short or braced or long:
        point = int(number, 16)
        return chr(point).encode("utf-8", "surrogatepass") if point <= 0x10FFFF else match[0]  # noqa: PLR2004 - the last
    if byte or octal:
        return numbered(int(byte, 16) if byte else int(octal, 8))
    return _LETTERS[letter] if letter else bytes(sign)


def _paired(match: re.Match[bytes]) -> bytes:
    """Make one character of the two halves in which JSON writes one beyond U+FFFF."""
    return match[0].decode("utf-8", "surrogatepass").encode("utf-16", "surrogatepass").decode("utf-16").encode("utf-8")


def _character(match: re.Match[bytes]) -> bytes:
    return unescape(match[0].decode("ascii")).encode("utf-8", "surrogatepass")
