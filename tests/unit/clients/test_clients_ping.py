"""The dead-man's switch: what it is told, and that its own trouble stays one line without its secret path."""

import httpx
import pytest

from genesis_ops.clients import ping
from genesis_ops.clients.ping import Ping, extended

URL = "https://hc.example/5f-secret?rid=1"


class Switch:
    """Answers as it is told to, and remembers what it heard."""

    def __init__(self, *answers: int | Exception) -> None:
        self.answers = list(answers)
        self.heard: list[tuple[str, str, str]] = []
        self.told: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.heard.append((request.method, str(request.url), request.content.decode()))
        answer = self.answers.pop(0) if self.answers else 200
        if isinstance(answer, Exception):
            raise answer
        return httpx.Response(answer)

    def ping(self, url: str = URL) -> Ping:
        return Ping(url, self.told.append, httpx.MockTransport(self))


def test_start_success_and_failure_go_to_their_own_paths_with_the_verdict() -> None:
    switch = Switch()
    asked = switch.ping()
    asked.start()
    asked.success("PASS, exit 0")
    asked.fail("FAIL, exit 1")
    assert switch.heard == [
        ("POST", "https://hc.example/5f-secret/start?rid=1", ""),
        ("POST", "https://hc.example/5f-secret?rid=1", "PASS, exit 0"),
        ("POST", "https://hc.example/5f-secret/fail?rid=1", "FAIL, exit 1"),
    ]
    assert switch.told == []


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("http://h/a", "http://h/a/fail"),
        ("http://h/a/", "http://h/a/fail"),
        ("http://h", "http://h/fail"),
        ("http://h:8/a?b=/c#d", "http://h:8/a/fail?b=/c"),
    ],
)
def test_the_path_is_extended_and_the_query_is_not(url: str, target: str) -> None:
    assert extended(url, "/fail") == target


def test_what_fails_is_tried_three_times_and_no_more() -> None:
    switch = Switch(500, httpx.ConnectError("no"), 200)
    switch.ping().start()
    assert len(switch.heard) == 3
    assert switch.told == []


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (404, "HTTP 404"),
        (httpx.ConnectError("https://hc.example/5f-secret refused"), "ConnectError"),
        (OSError("5f-secret"), "OSError"),
    ],
)
def test_a_switch_that_does_not_answer_is_one_line_without_its_path(answer: int | Exception, why: str) -> None:
    switch = Switch(answer, answer, answer)
    switch.ping().fail("FAIL")
    assert switch.told == [f"the ping to https://hc.example failed 3 times: {why}"]


@pytest.mark.parametrize(
    "url", ["", "ftp://hc.example/5f", "5f-secret", "http:///5f", "http://[5f", "file:///etc/passwd"]
)
def test_an_address_that_is_none_is_one_line_and_nothing_is_sent(url: str) -> None:
    switch = Switch()
    switch.ping(url).start()
    assert switch.heard == []
    assert switch.told == ["the ping was not sent: its address is not http:// or https:// and a host"]


def test_a_user_and_a_password_in_the_address_are_not_repeated() -> None:
    switch = Switch(500, 500, 500)
    switch.ping("https://me:hidden@hc.example/5f").start()
    assert switch.told == ["the ping to https://hc.example failed 3 times: HTTP 500"]


def test_a_switch_that_never_ends_its_answer_costs_no_more_than_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    import threading

    over = threading.Event()
    monkeypatch.setattr(ping, "_SECONDS", 0.01)
    told: list[str] = []

    def never(_: httpx.Request) -> httpx.Response:
        over.wait(10)
        return httpx.Response(200)

    Ping(URL, told.append, httpx.MockTransport(never)).start()
    over.set()
    assert told == ["the ping to https://hc.example failed 3 times: no reply within 0s"]
