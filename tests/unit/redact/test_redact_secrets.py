import pytest

from genesis_ops.redact.secrets import secrets_in

VALUE = "qJ8sK2lPzXv9nR4t"


def taken(file: bytes = b"", **environment: str) -> set[str]:
    return {secret.reveal() for secret in secrets_in([file], [environment])}


@pytest.mark.parametrize(
    "line",
    [
        b"BITFINEX_API_KEY=%b",
        b"export DB_PASSWORD=%b",
        b"  apiKey = '%b'  ",
        b'SECRET="%b" # rotated in May',
        b"TOKEN=%b # rotated in May",
        b"#OLD_API_SECRET=%b",
        b"\xef\xbb\xbfAPI_KEY=%b\r",
        b"webhook_secret: %b",
        b"DB=postgres://genesis:%b@db/phase",
        b"A=1\0\nAPI_KEY=%b",
    ],
)
def test_a_value_is_taken_however_the_line_is_written(line: bytes) -> None:
    assert VALUE in taken(line % VALUE.encode())


def test_a_file_in_utf_16_is_read_too() -> None:
    assert VALUE in taken(f"API_KEY={VALUE}\r\n".encode("utf-16"))


def test_each_reading_of_a_quoted_value_is_taken() -> None:
    assert {'ab"cd\\ef-gh', 'ab\\"cd\\\\ef-gh'} <= taken(rb'API_SECRET="ab\"cd\\ef-gh"')


def test_a_key_over_many_lines_is_taken_whole_and_by_its_lines() -> None:
    lines = [f"MIIEvQ{number}BADANBgkqhkiG9w0BAQEFAASC" for number in range(3)]
    block = "\n".join(("-----BEGIN PRIVATE KEY-----", *lines, "-----END PRIVATE KEY-----"))
    assert set(lines) <= taken(f'DEPLOY_KEY="{block}"\nPLAIN=1\n'.encode())
    assert set(lines) <= taken(DEPLOY_KEY=block.replace("\n", "\\n")) | taken(DEPLOY_KEY=block)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("API_KEY", "short"),
        ("USE_TOKEN", "true"),
        ("TOKEN_LIMIT", "10000000"),
        ("SECRET_FILE", "/run/secrets/bitfinex"),
        ("KEY_PATH", "config/keys/live.pem"),
        ("API_KEY", "${BITFINEX_API_KEY}"),
        ("API_KEY", "your-api-key-here"),
        ("AUTH_HOST", "localhost"),
        ("SESSION_SYMBOL", "tBTCUSD:1h"),
        ("MONKEY", "banana7banana7"),
        ("PWD", "/work/Genesis"),
        ("AUTHOR", "Johanna Smith-Example"),
        ("TZ_NAME", VALUE),
        ("AUTH_URL", "https://auth.example.com/login?next=home"),
    ],
)
def test_what_is_no_secret_is_not_taken(name: str, value: str) -> None:
    assert taken(f"{name}={value}\n".encode(), **{name: value}) == set()


@pytest.mark.parametrize("value", ["ghp_" + "a1B2" * 9, "AKIAQ7XW2MZJH5PRTN3K", "123456789:AA" + "Hdq7TcvCH1v" * 3])
def test_a_known_shape_is_taken_whatever_its_name(value: str) -> None:
    assert value in taken(HARMLESS=value)


def test_a_password_in_an_address_is_taken_as_written_and_as_meant() -> None:
    assert {"p%40ss-w0rd77", "p@ss-w0rd77"} <= taken(DATABASE_URL="postgres://me:p%40ss-w0rd77@db:5432/x")


def test_the_longest_comes_first_and_nothing_prints_itself() -> None:
    secrets = secrets_in([b"A_KEY=abcdefgh1\nB_KEY=abcdefgh1-longer\nC_KEY=abcdefgh1\n"], [])
    assert [len(secret.reveal()) for secret in secrets] == [16, 9]
    assert "abcdefgh" not in f"{secrets} {secrets[0]}"
