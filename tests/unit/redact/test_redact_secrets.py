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


@pytest.mark.parametrize(
    "line",
    [
        "S_SECRET={};",
        "S_SECRET={}#note",
        "S_SECRET={} && export S_SECRET",
        "export S_SECRET={}; run",
        'S_SECRET=qJ8s"K2lPzXv9nR4t"',
        "S_SECRET=\"qJ8s\"'K2lP'zXv9nR4t # note",
        "S_SECRET=$'qJ8s\\x4b2lP\\172Xv9nR4t'",
        "S_SECRET=qJ8sK2lP\\\r\nzXv9nR4t\r\n",
        "S_AUTH=genesis:{}",
        "DBPASS={}",
        "DB_PW={}",
        "GPG_PASSPHRASE={}",
        "SMTP_PASS={}",
        "BASE=qJ8sK2lP\nS_SECRET=${{BASE}}zXv9nR4t",
        "S_SECRET=${{BASE}}{}",
    ],
)
def test_a_value_is_taken_as_a_shell_or_another_reader_has_it(line: str) -> None:
    assert VALUE in taken(line.format(VALUE).encode())


def test_a_file_in_another_encoding_without_a_mark_is_read_too() -> None:
    line = f"API_KEY={VALUE}\r\n"
    assert VALUE in taken(line.encode("utf-16-le"))
    assert VALUE in taken(line.encode("utf-16-be"))
    assert "Zk3väQ9xLw2" in taken("API_KEY=Zk3väQ9xLw2\n".encode("latin-1"))


def test_a_value_over_lines_is_taken_whole_and_by_each_line_that_is_long_enough() -> None:
    assert {"kjq1abcd\nwvz2efgh\nshort", "kjq1abcd", "wvz2efgh"} == taken(S_SECRET="kjq1abcd\nwvz2efgh\nshort")


@pytest.mark.parametrize(
    "value",
    [
        "your-Kx93jLq0vZ77pW21",
        "${Kx93jLq0vZ77}",
        "{Kx93jLq0vZ77}",
        "[Kx93 jLq0:vZ77]",
        "/app/Hunter2Secret!",
        "~/K#93jq!9aXX",
        "kjhq/wnvb/zzpq",
    ],
)
def test_a_drawn_value_is_taken_though_it_looks_like_a_place_to_fill_in_or_a_path(value: str) -> None:
    assert value in taken(EXCHANGE_API_SECRET=value)


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
        ("SSH_KEY_FILE", "/home/genesis/.ssh/id_ed25519"),
        ("API_KEY", "<yourApiKey>"),
        ("API_KEY", "$OTHER_SECRET1"),
        ("SECRET", "config/keys/live"),
        ("COMPASS", "north-by-northwest"),
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
