"""What a value is that tells nobody anything: a word, a number, a path, a place to fill in.

To replace such a value wherever it stands would make a log unreadable and hide nothing.
"""

import re
from functools import cache

MASK = "[redacted]"
"""What stands where a secret stood: ASCII, without an end of line, and the same inside a JSON string."""

_WORDS = """
a able abort access accepted action active actual admin all allow allowed already an and any anonymous api app are
array as ask at auth authentication authorization auto available bad banana banner bar base basic be bearer been before
begin bitfinex body bool boolean broken btc btcusd bucket bug but by bytes cache called can candle candles cannot
certificate champion change changed changeme character check client close closed code column comma comment config
configuration configured confirm connect connection container content context cookie count credential credentials
current cycle daemon danger data database day days debian debug decision default defined demo denied deny deprecated
detected dev development digest dir directory disable disabled do docker does done dry dummy dump during each empty
enable enabled end engine environment error eth eval evaluation event every example exchange exists expected expired
expires export fail failed failure false feed fetch field file files filled fill final first for format forbidden found
free from full function gate genesis get given granted group guest handle handler has have header health hex hidden
home host hour hourly http https id ignored in info initial input insecure insert integer internal invalid is issued it
item its journal json key keys kind last latest legacy length level limit line linux list live loaded local localhost
lock locked log logs long main malformed manual market master matched max maximum may message method min minimum
mismatch missing mock mode model modified must my name new next no node none normal not nothing null number object of
off offline ok okay old omitted on once one online only open operator optional or order orders other our out over owner
page paper param parse partial pass passed passphrase passwd password path pending permission phase pin ping placeholder
plain poll port position present previous private process processed production profile prompt property protected
provided proxy public python query queue rate raw read ready reason receipt received redacted refilled refreshed refused
region rejected release reload remote removed renewed replace report request required reset resolved response rest
result resume retry returned revoked right role root rotated rule run runner running runtime safe same sample sandbox
saved schema secret secrets secure see sell sent server service session set settings shared short should signature
signal signed size skip skipped some source staging standard start started state static status stdin stdout still stop
stopped store stored strategy strict string submit submitted success summary supplied symbol sync system systemd table
tbtcusd tethusd test testing tests text that the their them this time timeout timeframe to today token tokens top total
trade trading trader true trusted try type ubuntu unable unauthorized unchanged undefined unexpected unit unknown unset
until up update updated upper usage use used user username users using utc utf valid validated value values verified
version waiting wallet was website welcome were when which whitelist will window with without worker working wrong xml
yaml yes yesterday yet you your zero zone
"""
_SHORTEST_RANDOM = 16
_LONGEST_NUMBER = 15
_LONGEST_DATE = 8

_NUMBER = re.compile(r"[-+]?[0-9][0-9.,:_-]*(?:[eE][-+]?[0-9]{1,3})?(?:[kKMG]i?B?|ms|[smhdwD%])?")
_PLACEHOLDER = re.compile(
    r"[*x.#_?X-]+|<[\w .-]*>|<[!/][A-Za-z]*>?|\$[A-Z_][A-Z0-9_]*|\$?\{\w*\}|\$\{[^{}]*\}|\{\{[^{}]*\}\}"
    r"|\[[\w .:*-]*\]|your[-_ ].*|%(?:\(\w+\))?[srd]",
)
_FILE = re.compile(
    r"[\w.@/\\:-]+\.(?:json|jsonl|log|txt|pem|key|crt|env|py|md|sh|ya?ml|toml|conf|cfg|ini|sock|db|service|csv|html)"
)
_ROOTS = (
    r"etc|tmp|var|usr|home|root|opt|srv|run|dev|proc|sys|mnt|media|work|data|app|bin|sbin|lib|Users|Volumes|private|nix"
)
_PATH = re.compile(
    rf"(?:[\w.]+[:=]){{0,2}}(?:/(?:{_ROOTS})(?:/[^\s\"']*)?|(?:~|\.{{1,2}}|[A-Za-z]:)[/\\][^\s\"']*|[a-z_.-]+(?:/[a-z_.-]+)+)",
)
_PLAIN_PATH = re.compile(r"[a-z_.-]+(?:/[a-z_.-]+)+")
_WORD = re.compile(r"[^\W_]+")
_MIXED = re.compile(r"[^\W\d_]\d|\d[^\W\d_]|[a-z][A-Z]")
_PART = re.compile(r"[^/\\:=.,;?&]+")
_SPLIT = re.compile(r"[-_./:, ]+")


@cache
def _words() -> frozenset[str]:
    return frozenset(_WORDS.split())


def ordinary(value: str) -> bool:
    """Tell whether a value is nothing to hide: words in general use, a number, a path, or a place to fill in."""
    text = value.strip().strip("\"'")
    return not text or is_placeholder(text) or is_number(text) or is_path(text) or is_words(text)


def harmless(value: str) -> bool:
    """Tell the same of a value whose name says that it is secret: there, even a place to fill in may be a password."""
    text = value.strip().strip("\"'")
    if not ordinary(text) or is_number(text) or is_words(text) or MASK in text:
        return ordinary(text)
    if _PLAIN_PATH.fullmatch(text) and not any(map(is_word, _WORD.findall(text))):
        return False
    return not any(map(_is_mixed, _WORD.findall(text)))


def _is_mixed(part: str) -> bool:
    """Tell whether a text has digits among its letters, or changes its case inside a word, as no name does."""
    mixed = _MIXED.search(part) is not None
    return mixed and not is_words(part) and not is_word(part.rstrip("0123456789"))


def is_placeholder(value: str) -> bool:
    """Tell whether a value only holds the place of another: ``***``, ``<password>``, ``${TOKEN}``, the mask."""
    return _PLACEHOLDER.fullmatch(value) is not None


def is_number(value: str) -> bool:
    """Tell whether a value is a number, a time in ms or a length such as ``90s``; longer ones identify something."""
    return len(value) <= _LONGEST_NUMBER and _NUMBER.fullmatch(value) is not None


def is_words(value: str) -> bool:
    """Tell whether a value is made of words in general use and short numbers only."""
    return any(map(_are_words, (value.lower(), _parted(value))))


def is_word(part: str) -> bool:
    """Tell whether a text is one word in general use or a short number."""
    return part.lower() in _words() or (len(part) <= _LONGEST_DATE and is_number(part))


def begins_or_ends_word(part: str) -> bool:
    """Tell whether a text may be half of a word in general use, or of a short number."""
    small = part.lower()
    return is_word(part) or any(word.startswith(small) or word.endswith(small) for word in _words())


def is_path(value: str) -> bool:
    """Tell whether a value is the path of a file, none of whose parts looks like a key."""
    if _PATH.fullmatch(value) is None and _FILE.fullmatch(value) is None:
        return False
    return not any(is_random(part) for part in _PART.findall(value))


def is_random(value: str) -> bool:
    """Tell whether a text looks drawn rather than written: long enough, with digits among its letters."""
    if len(value) < _SHORTEST_RANDOM:
        return False
    cases = (any(map(str.isupper, value)), any(map(str.islower, value)), any(map(str.isdigit, value)))
    return cases[2] and (cases[0] or cases[1])


def _are_words(value: str) -> bool:
    parts = [part for part in _SPLIT.split(value) if part]
    return parts != [] and all(map(is_word, parts))


def _parted(value: str) -> str:
    """Write a value in small letters, with a mark between the words of ``camelCase``."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", value).lower()
