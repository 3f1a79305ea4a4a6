"""Secrets of many kinds, the encodings in which they are written, the places where they stand, and a decoder."""

import base64
import binascii
import html
import json
import random
import re
import string
from collections.abc import Callable, Iterator
from functools import partial
from urllib.parse import quote, quote_plus, unquote, unquote_plus

ALNUM = string.ascii_letters + string.digits
URLSAFE = ALNUM + "-_"
SYMBOLS = "!$&'()*,/:;=?@[]\"\\<>#%+~^|`{}"


def drawn(rng: random.Random, length: int, alphabet: str = ALNUM) -> str:
    text = "".join(rng.choices(alphabet, k=length))
    return text if re.search("[0-9]", text) and re.search("[A-Za-z]", text) else drawn(rng, length, alphabet)


def password(rng: random.Random, length: int, signs: str) -> str:
    text = drawn(rng, length - 4) + "".join(rng.choices(signs, k=4))
    return "".join(rng.sample(text, len(text)))


def jwt(rng: random.Random) -> str:
    head = base64.urlsafe_b64encode(b'{"alg":"HS256","typ":"JWT"}').rstrip(b"=").decode()
    return f"{head}.{drawn(rng, 60, URLSAFE)}.{drawn(rng, 43, URLSAFE)}"


def words(rng: random.Random) -> str:
    return " ".join("".join(rng.choices(string.ascii_lowercase, k=6)) for _ in range(4))


BY_VALUE: dict[str, Callable[[random.Random], str]] = {
    "BITFINEX_API_KEY": lambda rng: drawn(rng, 43),
    "BITFINEX_API_SECRET": lambda rng: drawn(rng, 43),
    "DB_PASSWORD": lambda rng: password(rng, 20, SYMBOLS),
    "QUOTED_PASSWORD": lambda rng: password(rng, 16, "\"'\\`"),
    "SPACED_PASSWORD": lambda rng: f"{drawn(rng, 6)} {drawn(rng, 6)} {drawn(rng, 5)}",
    "URL_PASSWORD": lambda rng: password(rng, 18, "&=+%/?#@:;"),
    "UNICODE_PASSWORD": lambda rng: password(rng, 14, "éüßñ€ж"),
    "EMOJI_SECRET": lambda rng: password(rng, 14, "😀🔑日本"),
    "SHORT_PWD": lambda rng: drawn(rng, 8),
    "PASSPHRASE": words,
    "HEX_SECRET": lambda rng: drawn(rng, 64, "0123456789abcdef"),
    "BASE64_SECRET": lambda rng: base64.b64encode(rng.randbytes(33)).decode() + "=",
    "URLSAFE_TOKEN": lambda rng: drawn(rng, 40, URLSAFE),
    "UUID_TOKEN": lambda rng: "-".join(drawn(rng, n, "0123456789abcdef") for n in (8, 4, 4, 4, 12)),
    "NUMBER_TOKEN": lambda rng: "".join(rng.choices("123456789", k=20)),
    "JWT_TOKEN": jwt,
    "LONG_SECRET": lambda rng: drawn(rng, 300, ALNUM + "+/"),
    "SALT": lambda rng: drawn(rng, 22, ALNUM + "./"),
    "COOKIE": lambda rng: f"sid={drawn(rng, 26)}",
    "AWS_SECRET_ACCESS_KEY": lambda rng: drawn(rng, 40, ALNUM + "+/"),
    "GITHUB": lambda rng: f"ghp_{drawn(rng, 36)}",
    "SLACK": lambda rng: f"xoxb-{drawn(rng, 12)}-{drawn(rng, 24)}",
    "TELEGRAM": lambda rng: f"{rng.randrange(10**8, 10**9)}:AA{drawn(rng, 33, URLSAFE)}",
    "STRIPE": lambda rng: f"sk_live_{drawn(rng, 24)}",
    "SESSION_SIGNATURE": lambda rng: drawn(rng, 48, "0123456789abcdef").upper(),
    "ENCRYPTION_KEY": lambda rng: password(rng, 32, "-_.~"),
}
BY_SHAPE: dict[str, Callable[[random.Random], str]] = {
    "AWS": lambda rng: f"AKIA{''.join(rng.choices(string.ascii_uppercase + '234567', k=16))}",
    **{kind: BY_VALUE[kind] for kind in ("GITHUB", "SLACK", "TELEGRAM", "STRIPE", "JWT_TOKEN")},
    "GITHUB_FINE": lambda rng: f"github_pat_{drawn(rng, 22)}_{drawn(rng, 59)}",
    "GITLAB": lambda rng: f"glpat-{drawn(rng, 20, URLSAFE)}",
    "GOOGLE": lambda rng: f"AIza{drawn(rng, 35, URLSAFE)}",
    "OPENAI": lambda rng: f"sk-proj-{drawn(rng, 48)}",
    "ANTHROPIC": lambda rng: f"sk-ant-api03-{drawn(rng, 80, URLSAFE)}",
    "SENDGRID": lambda rng: f"SG.{drawn(rng, 22, URLSAFE)}.{drawn(rng, 43, URLSAFE)}",
    "DISCORD": lambda rng: f"M{drawn(rng, 23)}.{drawn(rng, 6)}.{drawn(rng, 38)}",
    "TWILIO": lambda rng: f"SK{drawn(rng, 32, '0123456789abcdef')}",
    "NPM": lambda rng: f"npm_{drawn(rng, 36)}",
    "PYPI": lambda rng: f"pypi-AgEIcHlwaS5vcmc{drawn(rng, 60, URLSAFE)}",
    "DOCKER": lambda rng: f"dckr_pat_{drawn(rng, 27)}",
    "VAULT": lambda rng: f"hvs.{drawn(rng, 24)}",
    "DATABRICKS": lambda rng: f"dapi{drawn(rng, 32, '0123456789abcdef')}",
    "SLACK_HOOK": lambda rng: f"https://hooks.slack.com/services/T{drawn(rng, 8)}/B{drawn(rng, 8)}/{drawn(rng, 24)}",
}


def inside_json(text: str) -> str:
    return json.dumps(text)[1:-1]


def inside_base64(rng: random.Random, text: str) -> str:
    raw = rng.randbytes(rng.randrange(6)) + text.encode() + rng.randbytes(rng.randrange(6))
    coded = rng.choice((base64.b64encode, base64.urlsafe_b64encode))(raw).decode()
    return coded.rstrip("=") if rng.random() < 0.5 else coded


def every_percent(text: str) -> str:
    return "".join(f"%{byte:02x}" for byte in text.encode())


def partly_percent(rng: random.Random, text: str) -> str:
    reserved = rng.choice((partial(quote, safe=""), quote_plus))(text)
    return quote(reserved, safe="") if rng.random() < 0.3 else reserved


def python_text(rng: random.Random, text: str) -> str:
    return rng.choice((repr(text)[1:-1], repr(text.encode())[2:-1], ascii(text)[1:-1]))


def as_html(rng: random.Random, text: str) -> str:
    coded = html.escape(text)
    return coded if rng.random() < 0.5 else coded.encode("ascii", "xmlcharrefreplace").decode()


def in_hex(rng: random.Random, text: str) -> str:
    coded = text.encode().hex()
    return coded.upper() if rng.random() < 0.5 else coded


def in_json(rng: random.Random, text: str) -> str:
    once = inside_json(text)
    return rng.choice((once, inside_json(once), "".join(f"\\u{ord(c):04X}" if ord(c) < 65536 else c for c in text)))


VISIBLE: dict[str, Callable[[random.Random, str], str]] = {
    "plain": lambda _rng, text: text,
    "JSON": lambda rng, text: rng.choice((inside_json(text), inside_json(inside_json(text)))),
    "Python": lambda _rng, text: repr(text)[1:-1],
    "URL": lambda _rng, text: quote(text, safe=""),
    "HTML": as_html,
}
"""Encodings that leave letters and digits as they are, so that the shape of a key can still be seen."""

ENCODINGS: dict[str, Callable[[random.Random, str], str]] = {
    "plain": lambda _rng, text: text,
    "JSON": in_json,
    "Python": python_text,
    "URL": partly_percent,
    "URL, every sign": lambda _rng, text: every_percent(text),
    "HTML": as_html,
    "base64": inside_base64,
    "hex": in_hex,
}

_AT = "2026-02-04 13:03:20"
PLACES = (
    "{}",
    "    {}",
    _AT + " - paper_trading_runner - ERROR - HTTP error fetching candles: {}",
    _AT + ' - paper_trading_runner - INFO - ORDER SUBMITTED: {{"ok": true, "echo": "{}"}}',
    _AT + " - paper_trading_runner - CRITICAL - FATAL: [Errno 2] {} [x]",
    'Feb 04 13:03:20 host genesis-api[812]: INFO:     127.0.0.1:51234 - "GET /a?x={}&y=1 HTTP/1.1" 200',
    "Feb 04 13:03:20 host systemd[1]: started with {} as given",
    '{{"level": "info", "msg": "call", "extra": {{"v": "{}"}}}}',
    '{{"a": "{{\\"b\\": \\"{}\\"}}", "c": 2}}',
    "BITFINEX_THING={}",
    "export THING='{}'",
    'THING="{}" # a note',
    "thing: {}",
    "--thing {} --other 1",
    "x-header: {}",
    "('x-header', '{}')",
    "<td>{}</td>",
    '  File "/work/app.py", line 12, in f: raise ValueError({})',
    "https://example.com/{}/end",
    "https://example.com/?q={}",
    "a,b,{},d",
    "| col | {} |",
    "Environment=LANG=C X={} HOME=/root",
    "\x1b[31m{}\x1b[0m\r",
    "é → {} ← ü",
)


def readings(text: str) -> Iterator[str]:
    """Give a text and what it decodes to, as somebody would who looks for the secret in it."""
    seen = {text}
    waiting = [text]
    for _ in range(3):
        waiting = [new for old in waiting for new in decoded(old) if new not in seen]
        seen.update(waiting)
    yield from seen
    for word in re.findall(r"[A-Za-z0-9+/_-]{6,}", text):
        yield from in_word(word)


def decoded(text: str) -> set[str]:
    raw = text.encode("utf-8", "surrogatepass").decode("latin-1")
    python = re.sub(r"\\(?:u[0-9A-Fa-f]{4}|x[0-9A-Fa-f]{2}|[^ux])", lambda m: _python(m[0]), text)
    halves = python.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    as_bytes = python.encode("latin-1", "ignore").decode("utf-8", "ignore") if "\\x" in text else python
    return {unquote(text), unquote_plus(text), html.unescape(text), python, halves, as_bytes, raw}


def _python(escape: str) -> str:
    try:
        return escape.encode("latin-1").decode("unicode_escape") if escape[1] in "uxnrt\\'\"" else escape[1:]
    except UnicodeError:
        return escape


def in_word(word: str) -> Iterator[str]:
    plain = word.replace("-", "+").replace("_", "/")
    for skipped in range(4):
        part = plain[skipped:]
        yield binascii.a2b_base64(part + "A" * (-len(part) % 4)).decode("utf-8", "ignore")
    for digits in re.findall("[0-9A-Fa-f]{12,}", word):
        for skipped in range(2):
            part = digits[skipped:]
            yield bytes.fromhex(part[: len(part) // 2 * 2]).decode("utf-8", "ignore")
