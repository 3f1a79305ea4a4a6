import base64
import json
import time
from urllib.parse import quote_plus

import innocent
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genesis_ops.envfile.secret import Secret
from genesis_ops.redact.ordinary import MASK
from genesis_ops.redact.scan import survivors
from genesis_ops.redact.scrub import Scrubber

VALUES = ('x9Z/b+w4"L p0Q&k', "qJ8sK2lPzXv9nR4tYwB7", "pässwörd-😀-77")
SECRETS = tuple(map(Secret, VALUES))
BODY = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj"


def scrubbed(text: str) -> str:
    return Scrubber(SECRETS).scrub(text.encode("utf-8", "surrogateescape")).decode("utf-8", "surrogateescape")


def test_no_innocent_line_of_4000_is_touched() -> None:
    lines = list(innocent.lines(4000, seed=1))
    written = scrubbed("\n".join(lines)).split("\n")
    assert [line for line, after in zip(lines, written, strict=True) if line != after] == []
    assert survivors("\n".join(lines).encode(), SECRETS) == ()


@pytest.mark.parametrize(
    ("line", "after"),
    [
        ("API_KEY=abc-123-def", "API_KEY=[redacted]"),
        ('{"api_secret": "hunter22", "n": 1}', '{"api_secret": "[redacted]", "n": 1}'),
        ('{\\"password\\": \\"hunter22\\"}', '{\\"password\\": \\"[redacted]\\"}'),
        ("password: hunter22", "password: [redacted]"),
        ("password=87654321", "password=[redacted]"),
        ("run --api-key abc123def --port 8000", "run --api-key [redacted] --port 8000"),
        ("bfx-apikey: Zz81jf92kfA", "bfx-apikey: [redacted]"),
        ("'bfx-signature': 'a81jf92kfa', 'x': 1", "'bfx-signature': '[redacted]', 'x': 1"),
        ("Authorization: Bearer abc.DEF-123", "Authorization: Bearer [redacted]"),
        ("('authorization', 'Basic Z2VuZXNpczpwYXNz')", "('authorization', 'Basic [redacted]')"),
        ("postgres://genesis:hunter22@db/phase", "postgres://genesis:[redacted]@db/phase"),
        ("GET /?token=abc123def&limit=5", "GET /?token=[redacted]&limit=5"),
        ("AccountKey=abc123def/+==;Endpoint=x", "AccountKey=[redacted];Endpoint=x"),
        ("aws_secret_access_key = wJalrXUtnFEMI/K7MDENG", "aws_secret_access_key = [redacted]"),
    ],
)
def test_a_value_beside_a_secret_name_is_masked_and_nothing_else(line: str, after: str) -> None:
    assert scrubbed(line) == after
    assert survivors(line.encode(), ()) != ()
    assert survivors(after.encode(), ()) == ()


def test_a_word_of_base64_is_masked_whole() -> None:
    word = base64.b64encode(f"genesis:{VALUES[0]}".encode()).decode()
    assert scrubbed(f'x "{word}" y') == 'x "[redacted]" y'


@pytest.mark.parametrize("value", VALUES)
def test_base64_of_a_document_of_an_address_and_of_base64_is_masked_too(value: str) -> None:
    document, address = json.dumps({"user": "genesis", "v": value}), f"u={quote_plus(value)}&x=1"
    twice = base64.b64encode(f"genesis:{value}".encode()).decode()
    for inner in (document, address, twice):
        assert scrubbed(f"x '{base64.b64encode(inner.encode()).decode()}' y") == "x '[redacted]' y"


@pytest.mark.parametrize("value", ["abcdefgh1\\", '"abcdefgh1', "abc\tdef-gh1\n"])
def test_a_document_stays_a_document(value: str) -> None:
    line = json.dumps({"a": value, "b": [value, 1]})
    assert json.loads(Scrubber([Secret(value)]).scrub(line.encode())) == {"a": MASK, "b": [MASK, 1]}


def test_a_value_in_utf_16_is_masked() -> None:
    assert VALUES[1].encode("utf-16-le") not in Scrubber(SECRETS).scrub(f"a {VALUES[1]} b".encode("utf-16-le"))


def key(*lines: str) -> str:
    return "\n".join(("-----BEGIN RSA PRIVATE KEY-----", *lines, "-----END RSA PRIVATE KEY-----"))


def test_a_private_key_is_masked_line_by_line_and_its_marks_stay() -> None:
    text = f"before\n{key(BODY, BODY, 'AbC1==')}\nafter"
    assert scrubbed(text) == f"before\n{key(MASK, MASK, MASK)}\nafter"
    assert survivors(text.encode(), ()) != ()


def test_a_private_key_in_one_line_is_masked() -> None:
    line = key(BODY, BODY, "AbC1==").replace("\n", "\\n")
    assert BODY[:20] not in scrubbed(f'{{"k": "{line}"}}')
    assert survivors(line.encode(), ()) != ()


def test_a_private_key_that_goes_over_stretches_is_masked_to_its_end() -> None:
    scrubber = Scrubber(())
    stretches = (f"-----BEGIN PRIVATE KEY-----\n{BODY}\n", f"{BODY}\nAbC1==\n", "done\n")
    assert b"".join(scrubber.scrub(stretch.encode()) for stretch in stretches).decode() == (
        f"-----BEGIN PRIVATE KEY-----\n{MASK}\n{MASK}\n{MASK}\ndone\n"
    )


def test_a_private_key_without_an_end_does_not_swallow_the_log() -> None:
    rest = "\n".join(innocent.lines(50, seed=2))
    assert scrubbed(f"-----BEGIN PRIVATE KEY-----\n{BODY}\n{rest}").endswith(f"{MASK}\n{rest}")


def test_a_new_file_does_not_go_on_with_the_key_of_the_last() -> None:
    scrubber = Scrubber(())
    scrubber.scrub(b"-----BEGIN PRIVATE KEY-----\n")
    scrubber.new_file()
    assert scrubber.scrub(BODY.encode()) == BODY.encode()


def test_what_was_replaced_is_counted() -> None:
    scrubber = Scrubber(SECRETS)
    scrubber.scrub(f"{VALUES[1]} {VALUES[1]}\nplain\n{VALUES[2]}".encode())
    assert scrubber.places == 3


def test_a_survivor_never_shows_the_secret() -> None:
    found = survivors(f"one\n{VALUES[1]}\n".encode(), SECRETS)
    assert [survivor.line for survivor in found] == [2]
    assert VALUES[1] not in repr(found)


def test_a_survivor_far_into_a_text_has_its_line() -> None:
    text = "\n".join([*(["nothing to see here"] * 120_000), VALUES[1], "end"])
    assert [survivor.line for survivor in survivors(text.encode(), SECRETS)] == [120_001]


def test_hex_is_read_from_an_odd_place_too() -> None:
    assert survivors(f"0xf{VALUES[1].encode().hex()}".encode(), SECRETS) != ()


PIECES = st.sampled_from(
    (
        *VALUES,
        *(base64.b64encode(value.encode()).decode() for value in VALUES),
        *("\n", "\r\n", '"', "\\", "%", "=", ": ", "password=", "token", "hunter22x", "api_key", "//", "@", MASK),
        *("Bearer ", "-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY-----", BODY, "eyJhbGciOi", ".", "%41", "\\n"),
    ),
)
TEXTS = st.lists(st.one_of(PIECES, st.text(max_size=8)), max_size=12).map("".join)


@settings(max_examples=150)
@given(TEXTS)
def test_scrubbing_twice_is_scrubbing_once_and_nothing_survives(text: str) -> None:
    raw = text.encode("utf-8", "replace")
    once = Scrubber(SECRETS).scrub(raw)
    assert Scrubber(SECRETS).scrub(once) == once
    assert once.count(b"\n") == raw.count(b"\n")
    assert survivors(once, SECRETS) == ()


@settings(max_examples=100)
@given(st.binary(max_size=200))
def test_bytes_without_a_secret_stay_as_they_are(raw: bytes) -> None:
    assert Scrubber(SECRETS).scrub(raw) == raw


@pytest.mark.parametrize("piece", ["A", "%", "\\", "=", "%5c", '\\"', "eyJ", "key="])
def test_a_long_line_made_to_be_hard_is_passed_over_in_time(piece: str) -> None:
    line = ("password //" + piece * 100_000)[:100_000].encode()
    began = time.process_time()
    survivors(Scrubber(SECRETS).scrub(line), SECRETS)
    assert time.process_time() - began < 3  # quadratic time would be minutes
