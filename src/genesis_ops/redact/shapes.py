"""Keys that can be told by their look alone: those that their issuers give a beginning, and what stands in a header.

Every pattern is bounded or begins where a word begins, so that a hostile line of megabytes is gone over once.
"""

import re
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from typing import NamedTuple

from genesis_ops.redact.context import SECRET_WORDS, named_places
from genesis_ops.redact.ordinary import MASK, is_random, ordinary
from genesis_ops.redact.quiet import Anchors


class Place(NamedTuple):
    """Where in a line something secret stands: ``line[start:end]``."""

    start: int
    end: int
    kind: str


class _Shape(NamedTuple):
    kind: str
    anchor: bytes
    """What a line has that holds one, without digits."""
    pattern: bytes
    """The group ``v`` is the secret, or the whole match where there is none."""
    drawn: bool = False
    """Whether only what looks drawn is one, because the pattern fits words too."""


_BEGIN = (
    rb"(?:(?<![A-Za-z0-9_-])|(?<=%[0-9A-Fa-f]{2})|(?<=\\[nrt])|(?<=\\u00[0-9A-Fa-f]{2})|(?<=\\x[0-9A-Fa-f]{2})"
    rb"|(?<=\x1b\[\dm)|(?<=\x1b\[\d\dm)|(?<=\x1b\[\d;\d\dm))"
)
"""The beginning of a word, also behind an escaped character or a colour."""
_SLASHES = rb"(?:\\{0,8}/|%(?:25){0,4}2[Ff])"
_COLON = rb"(?::|%(?:25){0,4}3[Aa])"
_AT = rb"(?:@|%(?:25){0,4}40)"
_BLANK = rb"(?:[ \t]|\+|%(?:25){0,4}20){1,4}"

_SHAPES = (
    _Shape("AWS key", b"AKIA", rb"AKIA[A-Z2-7]{16}(?:[\s,:;|\"']{1,4}(?=[A-Za-z0-9/+]{40}\b)[A-Za-z0-9/+]{40})?"),
    _Shape("AWS key", b"ASIA", rb"ASIA[A-Z2-7]{16}(?:[\s,:;|\"']{1,4}(?=[A-Za-z0-9/+]{40}\b)[A-Za-z0-9/+]{40})?"),
    *(
        _Shape("GitHub token", prefix, prefix + rb"[A-Za-z0-9]{20,255}")
        for prefix in (b"ghp_", b"gho_", b"ghu_", b"ghs_", b"ghr_")
    ),
    _Shape("GitHub token", b"github_pat_", rb"github_pat_[A-Za-z0-9_]{20,255}"),
    _Shape("GitLab token", b"gl", rb"gl(?:pat|dt|rt|ptt|ft|soat|cbt|imt|agent|oas)-[A-Za-z0-9_-]{16,255}", drawn=True),
    _Shape("Slack token", b"xox", rb"xox[a-eoprs]-[A-Za-z0-9-]{10,255}"),
    _Shape("Slack token", b"xapp-", rb"xapp-[A-Za-z0-9-]{10,255}"),
    _Shape(
        "Slack webhook",
        b"hooks.slack.com",
        rb"hooks\.slack\.com%b(?P<v>[A-Za-z]+%b[\w/\\%%-]{16,255})" % (_SLASHES, _SLASHES),
    ),
    _Shape("Discord webhook", b"webhooks", rb"webhooks%b\d{5,25}%b(?P<v>[\w-]{30,255})" % (_SLASHES, _SLASHES)),
    _Shape("Stripe key", b"_live_", rb"[srp]k_live_[A-Za-z0-9]{10,255}"),
    _Shape("Stripe key", b"_test_", rb"[srp]k_test_[A-Za-z0-9]{16,255}", drawn=True),
    _Shape("Stripe key", b"whsec_", rb"whsec_[A-Za-z0-9+/=]{16,255}"),
    _Shape("Google key", b"AIza", rb"AIza[\w-]{35}"),
    _Shape("Google key", b"GOCSPX-", rb"GOCSPX-[\w-]{20,255}"),
    _Shape("Google key", b"ya.", rb"ya29\.[\w.-]{20,255}"),
    _Shape("model key", b"sk-", _BEGIN + rb"sk-[A-Za-z0-9_-]{20,255}", drawn=True),
    _Shape("JWT", b"eyJ", _BEGIN + rb"eyJ[\w-]{8,8192}\.[\w-]{8,8192}(?:\.[\w-]*)?"),
    _Shape("Telegram token", b":AA", rb"(?<!\d)\d{8,10}%bAA[\w-]{33}" % _COLON),
    _Shape("Discord token", b"", _BEGIN + rb"[MNO][\w-]{23,28}\.[\w-]{6,7}\.[\w-]{27,40}", drawn=True),
    _Shape("SendGrid key", b"SG.", _BEGIN + rb"SG\.[\w-]{16,64}\.[\w-]{16,128}"),
    _Shape("Twilio key", b"SK", _BEGIN + rb"SK[0-9a-f]{32}(?![0-9A-Za-z])"),
    _Shape("npm token", b"npm_", rb"npm_[A-Za-z0-9]{30,255}"),
    _Shape("PyPI token", b"pypi-", rb"pypi-[\w-]{40,512}", drawn=True),
    _Shape("Docker token", b"dckr_", rb"dckr_(?:pat|oat)_[\w-]{20,255}"),
    _Shape("Vault token", b"hvs.", _BEGIN + rb"hv[sbr]\.[\w-]{20,255}"),
    _Shape("Databricks token", b"dapi", _BEGIN + rb"dapi[0-9a-f]{32}(?:-\d)?"),
    _Shape(
        "password in a URL",
        b"//",
        rb"%b%b%b[^\s/:@\"'<>%%\\]{0,256}%b(?P<v>[^\s/\"'<>]{1,256})%b" % (_COLON, _SLASHES, _SLASHES, _COLON, _AT),
    ),
    _Shape("signed URL", b"sig", rb"[?&](?:sig|(?:X-Amz-)?Signature|X-Amz-Security-Token)=(?P<v>[\w%+/=.~-]{20,2048})"),
)  # fmt: skip
_SCHEMES = (
    _Shape("authorization", b"bearer", rb"(?i:\bbearer)%b(?P<v>[A-Za-z0-9._~+/=-]{8,8192})" % _BLANK),
    _Shape("authorization", b"basic", rb"(?i:\bbasic)%b(?P<v>[A-Za-z0-9+/_-]{8,8192}={0,2})" % _BLANK),
    _Shape(
        "cookie",
        b"cookie",
        rb"(?i:\bcookie)\\{0,8}[\"']?\s{0,3}[:=,]\s{0,3}b?\\{0,8}[\"']?(?P<v>[\w.-]{1,128}=[^\r\n\"'\\]{6,4096})",
    ),
)


def anchors() -> Anchors:
    """Tell what a line has that holds anything of a known shape."""
    return Anchors(
        frozenset(shape.anchor for shape in _SHAPES if shape.anchor) | {b"%", b"\\", b"&", b"\0"},
        frozenset(shape.anchor for shape in _SCHEMES) | SECRET_WORDS | {b"private key", b"/%f"},
        re.compile(rb"(?:(?<![A-Za-z_-])|(?<=\[m)|(?<=;m))[MNO][A-Za-z_-]{8,28}\.[A-Za-z_-]{1,7}\.[A-Za-z_-]{10}"),
    )


def places(line: bytes) -> Iterator[Place]:
    """Find everything in a line that is secret by its look or by the name beside it; places may overlap."""
    for shape in _present(line):
        for match in _compiled(shape.pattern).finditer(line):
            start, end = match.span("v" if "v" in match.re.groupindex else 0)
            if _is_secret(shape, line[start:end].decode("latin-1")):
                yield Place(start, end, shape.kind)
    for start, end in named_places(line):
        yield Place(start, end, "named")


def _present(line: bytes) -> Iterator[_Shape]:
    lower = line.lower()
    encoded = b"%" in line
    for shape in _SHAPES:
        if _piece(shape.anchor) in line or (encoded and shape.anchor in {b"//", b":AA"}):
            yield shape
    for shape in _SCHEMES:
        if shape.anchor in lower:
            yield shape


def _piece(anchor: bytes) -> bytes:
    """Give an anchor as it stands in a line that has its digits; ``ya.`` is the only one that had one within."""
    return b"ya29." if anchor == b"ya." else anchor


def _is_secret(shape: _Shape, value: str) -> bool:
    if MASK in value and not value.replace(MASK, "").strip(";, "):
        return False
    if shape.drawn:
        return is_random(value)
    if shape in _SCHEMES[:2]:
        return MASK not in value and (not value.isalpha() or _is_mixed(value)) and not ordinary(value)
    return value not in {MASK, "***"}


def _is_mixed(value: str) -> bool:
    """Tell whether letters alone change their case more often than a word does, as those of base64 do."""
    return sum(a.islower() and b.isupper() for a, b in pairwise(value)) > 1


@cache
def _compiled(pattern: bytes) -> re.Pattern[bytes]:
    return re.compile(pattern)
