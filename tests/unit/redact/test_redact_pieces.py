import base64
import json
import random
import textwrap
from urllib.parse import quote

import innocent
import pytest

from genesis_ops.envfile.secret import Secret
from genesis_ops.redact.ordinary import MASK
from genesis_ops.redact.scan import Survivor, blotted, survivors
from genesis_ops.redact.scrub import Scrubber

LONG = "Zk3vQ9xLw2pT7nB5mR8cY1dF4gH6jK0a"
SHORT = "x9Zb4wLp0Qk7"
SIGNS = 'p@ss "wörd" <x>&y=1+2/3'
SECRETS = (Secret(LONG), Secret(SHORT), Secret(SIGNS))
BYTES = list(LONG.encode())


def scrubbed(text: str, *secrets: Secret) -> str:
    return Scrubber(secrets or SECRETS).scrub(text.encode()).decode()


def cleaned(text: str) -> list[str]:
    raw = Scrubber(SECRETS).scrub(text.encode())
    written = blotted(raw, survivors(raw, SECRETS))
    assert survivors(written, SECRETS) == ()
    assert Scrubber(SECRETS).scrub(written) == written
    return written.decode().split("\n")


@pytest.mark.parametrize("length", range(12, 32))
@pytest.mark.parametrize("sign", ["…", "...", "", '"}', "\\", "=="])
def test_what_is_left_of_a_value_that_was_cut_off_is_masked(length: int, sign: str) -> None:
    line = f"2026-02-05 - ERROR - refused key={LONG[:length]}{sign}"[13:]
    assert scrubbed(line) == f"{line.split('Zk3v')[0]}{MASK}{sign}"
    assert survivors(line.encode(), SECRETS) != ()


@pytest.mark.parametrize("length", range(8, 12))
def test_of_a_short_value_eight_characters_are_too_many(length: int) -> None:
    assert scrubbed(f"got {SHORT[:length]}… then") == f"got {MASK}… then"


@pytest.mark.parametrize("before", ["", "    ", "x ", '"', "…", "..."])
def test_the_end_of_a_value_is_masked_where_a_line_or_a_word_begins(before: str) -> None:
    assert scrubbed(f"{before}{LONG[-14:]} refused") == f"{before}{MASK} refused"
    assert [found.kind for found in survivors(f"{before}{LONG[-14:]}".encode(), SECRETS)] == ["fragment of a value"]


def test_fewer_characters_than_that_stay_and_so_does_an_end_within_a_word() -> None:
    for text in (LONG[:11], SHORT[:7], f"a{LONG[-12:]}"):
        assert scrubbed(text) == text
        assert survivors(text.encode(), SECRETS) == ()


@pytest.mark.parametrize(
    ("value", "line"),
    [
        ("correct horse battery", "the correct horse wins"),
        ("trading-account-x9Kq", "trading-account opened"),
        ("MyAdminPassword2026x", "MyAdminPassword is not set"),
        ("tBTCUSD-live-Zk3vQ9", "tBTCUSD-live started"),
        ("20260204131415926535", "20260204131415 closed"),
        ("Sunshine-Coast-77xq", "Sunshine-Coast is far"),
        ("redacted-x9Zb4wLp", f"x {MASK} y"),
    ],
)
def test_the_words_with_which_a_value_begins_are_not_masked(value: str, line: str) -> None:
    assert scrubbed(line, Secret(value)) == line
    assert survivors(line.encode(), [Secret(value)]) == ()
    assert MASK in scrubbed(f"got {value[:-1]}…", Secret(value)) or len(value) < 22


def test_a_character_that_only_begins_like_the_next_one_stays_whole() -> None:
    assert scrubbed("got x9Zb4wLpé then", Secret("x9Zb4wLpö77")) == f"got {MASK}é then"


HEX = [f"{byte:02x}" for byte in BYTES]
PADDED = base64.encodebytes(f"{'padding ' * 4}padd{LONG}".encode()).decode()
TEXTS = {
    "base64 of 76 columns": f"{PADDED}end",
    "base64 of 64 columns behind a log's prefix": "\n".join(
        f"2026-02-05 15:03:19 - runner - ERROR - {line}" for line in textwrap.wrap(PADDED.replace("\n", ""), 64)
    ),
    "base64 of 16 columns": "\n".join(textwrap.wrap(base64.b64encode(LONG.encode()).decode(), 16)),
    "base64 in JSON": json.dumps({"key": PADDED}),
    "base64 in a URL": f"GET /?v={quote(PADDED)}",
    "base64 in groups": "got " + " ".join(textwrap.wrap(base64.b64encode(LONG.encode()).decode(), 8)),
    **{f"hex between {sign!r}": f"12:03:19 got {sign.join(HEX)} then" for sign in (":", " ", "-", ", ")},
    "hex as in C": ", ".join(f"0x{byte}" for byte in HEX),
    "a list of numbers": f"got {BYTES} then",
    "a list without blanks": json.dumps({"v": BYTES}, separators=(",", ":")),
    "xxd": "\n".join(
        f"{at:08x}: {' '.join(textwrap.wrap(LONG[at : at + 16].encode().hex(), 4))}  {'.' * 16}" for at in (0, 16)
    ),
    "two lines": f"got {SHORT[:6]}\n    {SHORT[6:]} then",
    "two lines of a shell": f"got {SHORT[:6]}\\\n{SHORT[6:]} then",
    "a long one on two lines": f"got {LONG[:20]}\n    {LONG[20:]} then",
    "signs on two lines": f"got {SIGNS[:17]}\n    {SIGNS[17:]} then",
    "a colour in the middle": f"got {LONG[:9]}\x1b[0m{LONG[9:]} then",
    "a colour late": f"got {LONG[:28]}\x1b[31;1m{LONG[28:]} then",
    "signs that nobody sees": "got " + "\u200b".join(LONG),
}


@pytest.mark.parametrize("kind", TEXTS)
def test_what_stands_in_pieces_is_seen_and_every_line_of_it_goes(kind: str) -> None:
    text = f"innocent line\n{TEXTS[kind]}\nanother line"
    assert survivors(text.encode(), SECRETS) != ()
    lines = cleaned(text)
    assert len(lines) == text.count("\n") + 1
    assert (lines[0], lines[-1]) == ("innocent line", "another line")
    rest = "".join(lines[1:-1])
    for piece in (LONG[:6], LONG[-6:], SHORT[:6], SHORT[6:], SIGNS[17:], PADDED[60:68], PADDED[80:88], HEX[-1] * 2):
        assert piece not in rest
    assert not any(", ".join(map(str, BYTES[at : at + 6])) in rest for at in range(len(BYTES)))
    assert HEX[-2] + HEX[-1] not in rest


def key_lines(count: int) -> list[str]:
    rng = random.Random(7)
    body = base64.b64encode(rng.randbytes(48 * count - 20)).decode()
    return ["-----BEGIN RSA PRIVATE KEY-----", *textwrap.wrap(body, 64), "-----END RSA PRIVATE KEY-----"]


def masked(line: str) -> str:
    return line if "-----" in line else MASK


LOG = "2026-02-05 15:03:{:02d} - paper_trading_runner - ERROR - {}"
PREFIXES = {
    "a log": LOG,
    "journald": "2026-11-21T15:03:{:02d}+0000 vm genesis-paper[812]: {}",
    "numbers": "{:>7}  {}",
    "quotes": '"{1}\\n"',
    "an indent": "    {1}",
}


@pytest.mark.parametrize("prefix", PREFIXES)
def test_a_private_key_behind_a_prefix_is_masked_line_by_line(prefix: str) -> None:
    lines = key_lines(12)
    text = "\n".join(PREFIXES[prefix].format(number, line) for number, line in enumerate(lines, 5))
    after = "\n".join(PREFIXES[prefix].format(number, masked(line)) for number, line in enumerate(lines, 5))
    assert scrubbed(text) == after
    assert scrubbed(after) == after
    found = survivors(text.encode(), ())
    assert {survivor.line for survivor in found} == set(range(2, len(lines)))
    assert not any(line in blotted(text.encode(), found).decode() for line in lines[1:-1])
    assert survivors(after.encode(), ()) == ()


def test_a_private_key_with_a_blank_line_between_is_masked() -> None:
    lines = key_lines(5)
    assert scrubbed("\n\n".join(lines)) == "\n\n".join(map(masked, lines))


def test_a_key_whose_first_line_alone_has_no_prefix_is_masked() -> None:
    begin, *body, end = key_lines(5)
    text = "\n".join((begin, *(LOG.format(number, line) for number, line in enumerate(body)), end))
    assert scrubbed(text) == "\n".join((begin, *(LOG.format(number, MASK) for number in range(len(body))), end))


def test_a_cut_private_key_behind_a_prefix_leaves_the_rest_of_the_log() -> None:
    lines = [LOG.format(number, line) for number, line in enumerate(key_lines(6)[:4])]
    for last in ("connected to the exchange", f"sha256={'0af1' * 16}", f"config {'0af1' * 16}"):
        rest = "\n".join((LOG.format(9, last), *innocent.lines(30, seed=3)))
        written = scrubbed("\n".join((*lines, rest)))
        assert written.endswith(f"{LOG.format(3, MASK)}\n{rest}")
        assert scrubbed(written) == written


def test_the_line_of_each_survivor_can_be_blotted() -> None:
    raw = b"one\r\ntwo\r\nthree\r\n"
    assert blotted(raw, [Survivor(2, "private key"), Survivor(3, "named")]) == b"one\r\n[redacted]\r\n[redacted]\r\n"


@pytest.mark.parametrize(
    ("line", "after"),
    [
        ('{"pwd": 123456789012, "a": 1}', '{"pwd": "[redacted]", "a": 1}'),
        ('{"a": 1, "password":987654321098}', '{"a": 1, "password":"[redacted]"}'),
        ('{\\"pwd\\": 123456789012}', '{\\"pwd\\": \\"[redacted]\\"}'),
        ("pwd: 123456789012", "pwd: [redacted]"),
    ],
)
def test_a_document_with_a_number_masked_stays_a_document(line: str, after: str) -> None:
    assert scrubbed(line) == after
    assert scrubbed(after) == after


@pytest.mark.parametrize(
    "value",
    [
        "your-Kx93jLq0vZ77pW21",
        "${Kx93jLq0vZ77}",
        "{Kx93jLq0vZ77pW21}",
        "/app/Hunter2Secret!",
        "~/K#93jq!9aXX",
        "kjhq/wnvb/zzpq",
    ],
)
def test_what_only_looks_like_a_place_to_fill_in_or_a_path_is_masked_beside_its_name(value: str) -> None:
    for place in ("EXCHANGE_API_SECRET={}", 'x {{"api_secret": "{}"}}', "GET /x?api_key={}", "DBPASS={}", "x DB_PW={}"):
        assert value not in scrubbed(place.format(value))
