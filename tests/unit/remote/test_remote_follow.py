"""An operation followed over connections that break, and how far it is, drawn."""

from collections.abc import Generator, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genesis_ops.errors import GenesisError, RemoteUnavailable
from genesis_ops.host.record import Begun, End, Event, Evidence, Told, WayBack, event_of, line
from genesis_ops.remote import follow as following
from genesis_ops.remote import progress_page
from genesis_ops.remote.follow import WAITS_SECONDS, follow
from genesis_ops.remote.progress import Progress, taken
from genesis_ops.remote.server import Server
from genesis_ops.remote.transport import Ssh
from genesis_ops.remote.trouble import Broken
from genesis_ops.report.cells import cells
from genesis_ops.report.text import Page

AT = "2026-02-05T13:10:02.000Z"
STEPS = (("stop-runner", "stop runner"), ("archive", "archive state and logs"), ("preflight", "preflight"))
BEGUN = Begun(AT, "20260205_131002Z", "ops@laptop", "a test", "3f7e1a6" + "0" * 33, "a1f0f1b" + "0" * 33, STEPS)
DONE = Told(AT, "stop-runner", "done", 2.3, "")
FAILED = Told(AT, "preflight", "failed", 72.0, "runner-log: nothing written")
BACK = WayBack(AT, "preflight", (("checkout", "previous commit"),))
APPLIED = End(AT, "done", 0)
SERVER = Server(Ssh("genesis-we"), "/opt/genesis/Genesis-Core", "genesis", "/opt/genesis/genesis-ops/bin/genesis-ops")


class Clock:
    """Lets no time pass, and remembers how much was waited for."""

    def __init__(self) -> None:
        self.waited: list[float] = []

    def now_ms(self) -> int:
        return 0

    def monotonic(self) -> float:
        return 0.0

    def wait(self, seconds: float) -> None:
        self.waited.append(seconds)


Connection = tuple[tuple[Event | str, ...], GenesisError | int]
"""What comes over a connection, and how it ends."""


def followed(monkeypatch: pytest.MonkeyPatch, *connections: Connection) -> tuple[list[Progress], Clock]:
    rest: Iterator[Connection] = iter(connections)

    def hear(*_: object, **__: object) -> Generator[tuple[bool, str], None, int]:
        events, end = next(rest)
        for event in events:
            yield isinstance(event, str), event if isinstance(event, str) else line(event)
        if isinstance(end, GenesisError):
            raise end
        return end

    monkeypatch.setattr(following, "hear", hear)
    clock, seen = Clock(), list[Progress]()
    for progress in follow(SERVER, "x", clock):
        seen.append(progress)
    return seen, clock


def test_it_is_followed_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    seen, clock = followed(monkeypatch, ((BEGUN, DONE, APPLIED), 0))
    assert [type(progress.news) for progress in seen] == [Begun, Told, End]
    assert seen[-1].end == APPLIED
    assert clock.waited == []


def test_a_connection_that_breaks_is_made_anew_and_the_record_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    cut: Connection = ((BEGUN, DONE), Broken("it broke"))
    seen, clock = followed(monkeypatch, cut, ((), Broken("again")), ((BEGUN, DONE, FAILED, APPLIED), 0))
    assert [progress.lost for progress in seen if progress.lost] == ["it broke", "again"]
    assert clock.waited == list(WAITS_SECONDS[:2])
    assert seen[-1].told == {"stop-runner": DONE, "preflight": FAILED}


def test_a_host_that_stays_away_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    away: Connection = ((), RemoteUnavailable("away"))
    with pytest.raises(RemoteUnavailable, match="away"):
        followed(monkeypatch, ((BEGUN,), Broken("it broke")), *[away] * len(WAITS_SECONDS))


def test_a_host_that_was_never_there_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(RemoteUnavailable, match="away"):
        followed(monkeypatch, ((), RemoteUnavailable("away")))


def test_a_host_that_only_ever_tells_the_beginning_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(RemoteUnavailable, match="stopped telling"):
        followed(monkeypatch, *[((BEGUN, DONE), 0)] * (len(WAITS_SECONDS) + 1))


def test_what_the_host_refuses_is_told_with_its_exit_code(monkeypatch: pytest.MonkeyPatch) -> None:
    refusal = ("genesis-ops: there is no such operation", "  next: ls")
    with pytest.raises(GenesisError, match="genesis-we: there is no such operation") as caught:
        followed(monkeypatch, (refusal, 78))
    assert (caught.value.exit_code, caught.value.notes) == (78, ("there: ls",))


def progress(*events: Event) -> Progress:
    found = Progress()
    for event in events:
        found = taken(found, event)
    return found


def drawn(found: Progress, width: int = 80) -> list[str]:
    page = Page(width, unicode=True)
    live = progress_page.live(found, "genesis-we", page, 24, (0, 1.0))
    both = (*live, *progress_page.ending(found, "genesis-we", page))
    return ["".join(span.text for span in each).rstrip() for each in both]


def test_steps_stand_in_two_columns_with_their_times() -> None:
    waiting = Told(AT, "preflight", "waiting", 71.0, "waiting 1m 12s of 3m for state-heartbeat")
    assert drawn(progress(BEGUN, DONE, Told(AT, "archive", "done", 0.3, ""), waiting)) == [
        "Remote apply  genesis-we   3f7e1a6 → a1f0f1b   20260205_131002Z",
        "  by ops@laptop: a test",
        "  ✓ stop runner                    2.3s   ⠋ preflight                        1m",
        "  ✓ archive state and logs         0.3s",
        "  waiting 1m 12s of 3m for state-heartbeat",
    ]


@pytest.mark.parametrize("at", range(15))
@pytest.mark.parametrize("width", [45, 80])
def test_on_a_small_terminal_what_runs_is_in_sight(at: int, width: int) -> None:
    steps = tuple((f"s{number}", f"step {number}") for number in range(15))
    done = (Told(AT, name, "done", 1.0, "") for name, _ in steps[:at])
    found = progress(BEGUN._replace(steps=steps), *done, Told(AT, f"s{at}", "running", 1.0, "in it"))
    page = Page(width, unicode=True)
    shown = ["".join(span.text for span in each) for each in progress_page.live(found, "we", page, 11, (0, 0.0))]
    assert len(shown) <= 11
    assert any(f"⠋ step {at} " in line for line in shown)
    assert sum("more done" in line for line in shown) <= 1
    back = progress(
        BEGUN._replace(steps=steps), FAILED, WayBack(AT, "s", steps), Told(AT, f"s{at}", "running", 1.0, "")
    )
    shown = ["".join(span.text for span in each) for each in progress_page.live(back, "we", page, 11, (0, 0.0))]
    assert len(shown) <= 11
    assert any(f"⠋ step {at} " in line for line in shown)


@pytest.mark.parametrize("seconds", ["Infinity", "NaN", "1e300"])
def test_a_length_that_is_none_makes_no_event(seconds: str) -> None:
    text = f'{{"at": "{AT}", "kind": "step", "id": "a", "state": "done", "seconds": {seconds}, "detail": ""}}'
    assert event_of(text) is None


def test_a_way_back_that_worked_says_so_and_why_it_was_needed() -> None:
    evidence = Evidence(AT, "the last lines of genesis-runner", "one\ntwo\x1b[2J")
    back = Told(AT, "checkout", "done", 0.1, "")
    shown = drawn(progress(BEGUN, DONE, FAILED, evidence, BACK, back, End(AT, "returned", 1)))
    assert "  the way back, because of preflight" in shown
    assert "  ✗ preflight: runner-log: nothing written" in shown
    assert r"    two\x1b[2J" in shown
    assert shown[-2].startswith("FAIL  genesis-we: preflight failed; the previous commit, state and services are")


def test_a_way_back_that_failed_says_what_to_type() -> None:
    shown = drawn(progress(BEGUN, FAILED, BACK, End(AT, "stuck", 1, ("genesis-ops host back x",))))
    assert shown[-1] == "  → there: genesis-ops host back x"


@pytest.mark.parametrize(
    ("end", "code"),
    [
        (APPLIED, 0),
        (End(AT, "returned", 1), 1),
        (End(AT, "stuck", 0), 1),
        (End(AT, "done", 99), 1),
        (End(AT, "?", 78), 78),
    ],
)
def test_the_exit_code_is_the_hosts_but_never_0_for_what_was_not_applied(end: End, code: int) -> None:
    assert progress_page.exit_code(end) == code


@settings(max_examples=40)
@given(text=st.text(max_size=60), width=st.integers(40, 120))
def test_no_text_of_a_host_leaves_its_line_or_acts_on_the_terminal(text: str, width: int) -> None:
    events = (
        BEGUN._replace(id=text, owner=text, reason=text, from_=text, to=text, steps=((text, text), ("b", text))),
        Told(AT, text, "running", 1.0, text), Told(AT, "b", "failed", 1.0, text), Evidence(AT, text, text),
        WayBack(AT, text, ((text, text),)), Told(AT, text, text, 1.0, text), End(AT, text, 1, (text,)),
    )  # fmt: skip
    for shown in drawn(progress(*events), width):
        assert shown.isprintable()
        assert cells(shown) <= width
