"""An operation with its programs scripted: what is done after which failure, what is told, what is kept."""

import contextlib
import json
import os
import re
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from genesis_ops.clients.clock import Clock
from genesis_ops.clients.host_clock import HostClock
from genesis_ops.clients.machine import this_user
from genesis_ops.clients.units import UNITS, Unit, UnitsFound
from genesis_ops.errors import LockHeld, Refused
from genesis_ops.host import apply as module
from genesis_ops.host import evidence, settle
from genesis_ops.host.apply import Around, run
from genesis_ops.host.checkout import Git
from genesis_ops.host.events import last_operation
from genesis_ops.host.execute import Ended, Inside, execute
from genesis_ops.host.follow import follow
from genesis_ops.host.lock import locked
from genesis_ops.host.names import directory
from genesis_ops.host.order import Order, keep
from genesis_ops.host.plan import SCHEMA, Facts, Plan, UnitFound, Wishes
from genesis_ops.host.record import Begun, End, Event, Evidence, Told, WayBack, event_of, line
from genesis_ops.host.steps import Own, back, forward
from genesis_ops.settings import Settings, load

pytestmark = pytest.mark.skipif(os.name == "nt", reason="a server has users and systemd")

NAME = "20260205_131002Z"
OWN = Own(("genesis-ops", "--root", "/r"))
COMMON = ("no-such-program-here", "--root", "/r")
SECRET = "f3a9c1d77be04c52a1f0e6b2"  # made up


class Script:
    """Stands in for running a program: everything goes well, but for the steps that are named."""

    def __init__(self, **fails: Ended) -> None:
        self.fails, self.asked, self.after = fails, list[str](), dict[str, Callable[[], None]]()
        self.says = "waiting for something"

    def __call__(
        self, command: Sequence[str], _: str, __: float, waiting: Callable[[str], None], ___: object = None
    ) -> Ended:
        said = " ".join(command)
        self.asked.append(said)
        waiting(self.says)
        for part, do in self.after.items():
            if part in said:
                do()
        found = next((ended for part, ended in self.fails.items() if part.replace("_", " ") in said), None)
        return found or Ended(0, b"done\n", b"", 0.1)


FAILED = Ended(1, b"", f"genesis-ops: it is not well\nAPI_KEY={SECRET}\n".encode(), 0.2)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / ".env").write_text(f"API_KEY={SECRET}\n")
    return load({"root": tmp_path, "api_url": "http://127.0.0.1:9"}, {"GENESIS_LOCK_DIR": str(tmp_path)}, None).settings


@pytest.fixture(autouse=True)
def _no_systemd(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evidence, "last_lines", lambda unit, _: (f"{unit} said key={SECRET}\n", ""))
    monkeypatch.setattr(settle, "runs", lambda _: False)


def plan_of(settings: Settings) -> Plan:
    me, wishes = this_user(), Wishes()
    facts = Facts(
        host="vm", root=str(settings.root), log_dir=str(settings.log_dir), api_url=settings.api_url, user=me, owner=me,
        head="a" * 40, branch="main", wished="main", tip="a" * 40, remote="origin", target="b" * 40, commits=(),
        changes=(), changes_digest="", units=(
            UnitFound("genesis-paper.service", "loaded", True, "", 1, 1),
            UnitFound("genesis-runner.service", "loaded", True, "", 1, 1),
        ),
    )  # fmt: skip
    return Plan(SCHEMA, "1", "t", wishes, facts, forward(facts, wishes, OWN), back(facts, wishes, OWN), (), ())


def ordered(settings: Settings) -> str:
    """Order an apply; give the order's sum."""
    return keep(settings, Order(NAME, "ops@laptop", "a test", plan_of(settings)))


def operate(
    settings: Settings, script: Script, monkeypatch: pytest.MonkeyPatch, stopped: Callable[[], bool] = lambda: False
) -> tuple[int, list[Event]]:
    monkeypatch.setattr(module, "execute", script)
    shown: list[str] = []
    code = run(settings, NAME, ordered(settings), Around(HostClock(), stopped, shown.append))
    kept = (directory(settings.log_dir, NAME) / "steps.jsonl").read_text().splitlines()
    assert kept == shown
    return code, [event for each in kept if (event := event_of(each)) is not None]


def settled(settings: Settings, monkeypatch: pytest.MonkeyPatch, head: str = "a" * 40) -> int:
    """Take the operation back on a host whose units may take 7 s to start and to stop."""
    said = {"LoadState": "loaded", "ActiveState": "inactive", "TimeoutStopUSec": "6s", "TimeoutStartUSec": "6s"}
    units = UnitsFound(tuple(Unit(name, {**said, "User": this_user()}) for name in UNITS))
    monkeypatch.setattr(settle.services, "show", lambda _, names=UNITS: units if names == UNITS else UnitsFound())
    monkeypatch.setattr(Git, "tell", lambda *_: f"{head}\n")
    return settle.settle(settings, NAME, OWN, Around(HostClock(), lambda: False, str))


def told(events: list[Event], state: str) -> list[str]:
    return [event.id for event in events if isinstance(event, Told) and event.state == state]


def test_everything_well_is_each_step_once_in_order(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    code, events = operate(settings, script := Script(), monkeypatch)
    plan = plan_of(settings)
    assert (code, events[-1].__class__, getattr(events[-1], "verdict", "")) == (0, End, "done")
    assert told(events, "done") == [step.id for step in plan.steps]
    assert script.asked == [" ".join(step.command).replace("{id}", NAME) for step in plan.steps if step.command]


def test_before_anything_was_stopped_there_is_no_way_back(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    code, events = operate(settings, script := Script(host_present=FAILED), monkeypatch)
    assert (code, getattr(events[-1], "verdict", "")) == (1, "returned")
    assert not [event for event in events if isinstance(event, WayBack)]
    assert len(script.asked) == 1


@pytest.mark.parametrize(
    ("part", "step"),
    [
        ("host_archive", "archive"),
        ("host_save", "save-modifications"),
        ("fetch", "fetch"),
        ("merge", "fast-forward"),
        ("preflight", "preflight"),
        ("schedule_add", "schedule"),
    ],
)
def test_after_the_stop_every_failure_goes_the_whole_way_back(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, part: str, step: str
) -> None:
    code, events = operate(settings, Script(**{part: FAILED}), monkeypatch)
    assert (code, getattr(events[-1], "verdict", "")) == (1, "returned")
    (way,) = [event for event in events if isinstance(event, WayBack)]
    assert (way.because, told(events, "failed")) == (step, [step])
    assert told(events[events.index(way) :], "done") == [name for name, _ in way.steps]


def test_a_way_back_ends_where_it_fails_and_the_rest_is_written_out(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, events = operate(settings, Script(preflight=FAILED, reset=FAILED), monkeypatch)
    end = events[-1]
    assert isinstance(end, End)
    assert (code, end.verdict, len(end.next)) == (1, "stuck", 7)
    assert end.next[0] == f"sudo -u {this_user()} git -C {settings.root} -c core.fsync=all reset --keep {'a' * 40}"
    assert f"restore {NAME}" in end.next[2]


def test_a_signal_is_heard_between_two_steps_and_leads_back(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    script, heard = Script(), list[bool]()
    script.after["archive"] = lambda: heard.append(True)
    code, events = operate(settings, script, monkeypatch, lambda: bool(heard))
    assert (code, getattr(events[-1], "verdict", "")) == (143, "returned")
    assert [event.because for event in events if isinstance(event, WayBack)] == ["signal"]
    assert "save-modifications" not in told(events, "done")


def test_no_secret_reaches_the_record_or_what_is_kept(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    _, events = operate(settings, Script(preflight=FAILED), monkeypatch)
    shown = [event for event in events if isinstance(event, Evidence)]
    assert any("it is not well" in event.text for event in shown)
    folder = directory(settings.log_dir, NAME)
    for path in folder.iterdir():
        assert SECRET not in path.read_text(), path.name
    assert SECRET not in (settings.log_dir / "operations.jsonl").read_text()


def test_no_secret_is_shown_while_a_step_is_waited_for(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    script = Script()
    script.says = "x" * 150 + f" API_KEY={SECRET}"
    _, events = operate(settings, script, monkeypatch)
    waits = [event.detail for event in events if isinstance(event, Told) and event.state == "waiting"]
    assert waits
    assert not [detail for detail in waits if SECRET[:6] in detail]


def test_nobody_who_listens_keeps_no_operation_from_its_end(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def show(_: str) -> None:
        raise BrokenPipeError

    monkeypatch.setattr(module, "execute", Script(preflight=FAILED))
    assert run(settings, NAME, ordered(settings), Around(HostClock(), lambda: False, show)) == 1
    last = (directory(settings.log_dir, NAME) / "steps.jsonl").read_text().splitlines()[-1]
    assert '"verdict": "returned"' in last


@pytest.mark.parametrize("breaks", ["execute", "gathered"])
def test_a_bug_in_the_middle_leads_back_and_not_out(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, breaks: str
) -> None:
    def bug(*_: object) -> None:
        raise ZeroDivisionError

    script = Script() if breaks == "execute" else Script(fetch=FAILED)
    script.after["fetch"] = bug if breaks == "execute" else lambda: None
    if breaks == "gathered":
        monkeypatch.setattr(module, "gathered", bug)
    code, events = operate(settings, script, monkeypatch)
    assert (code, getattr(events[-1], "verdict", ""), told(events, "failed")) == (1, "returned", ["fetch"])


def test_what_a_step_said_is_kept_with_its_command(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    operate(settings, Script(), monkeypatch)
    said = (directory(settings.log_dir, NAME) / "step-04-stop-api.txt").read_text()
    assert said == "$ systemctl stop genesis-paper.service\ndone\n\nexit code 0, 0.1s\n"


def test_only_one_operation_holds_a_host(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "execute", Script())
    digest = ordered(settings)
    around = Around(HostClock(), lambda: False, str)
    with locked(settings, "first (a deploy)", HostClock()), pytest.raises(LockHeld, match=r"first \(a deploy\), since"):
        run(settings, NAME, digest, around)


def test_another_order_than_the_given_one_is_refused(settings: Settings) -> None:
    ordered(settings)
    with pytest.raises(Refused, match="not what was ordered"):
        run(settings, NAME, "0" * 64, Around(HostClock(), lambda: False, str))


def test_a_step_is_ended_with_what_it_started_when_its_time_is_over() -> None:
    began = time.monotonic()
    ended = execute(("sh", "-c", "sleep 9 & echo $!; wait"), this_user(), 0.2, lambda _: None)
    assert (ended.trouble, ended.well) == ("it did not end within 0s", False)
    assert time.monotonic() - began < 8
    with contextlib.suppress(FileNotFoundError):  # somebody else reaps it, sooner or later
        assert ") Z " in Path(f"/proc/{int(ended.out)}/stat").read_text()


def told_by_a_copy(words: Sequence[str]) -> int:
    print(*words, os.getsid(0) == os.getpid(), Path.cwd(), os.environ.get("HERE"), sep=";")
    return 7


def test_a_command_of_our_own_is_done_by_a_copy_of_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HERE", "kept out")
    command, inside = ("no-such-program-here", "--root", "/r", "host", "x"), Inside((*COMMON, "host"), told_by_a_copy)
    ended = execute(command, this_user(), 20, lambda _: None, inside)
    assert (ended.code, ended.out) == (7, b"host;x;True;/;None\n"), ended.err
    other = execute(("no-such-program-here", "preflight"), this_user(), 5, lambda _: None, inside)
    assert "cannot be run" in other.trouble


def test_a_copy_is_ended_when_its_time_is_over() -> None:
    inside = Inside((*COMMON, "host"), lambda _: time.sleep(60) or 0)
    ended = execute((*COMMON, "host"), this_user(), 0.2, lambda _: None, inside)
    assert (ended.code, ended.trouble) == (-9, "it did not end within 0s")


def test_a_program_that_is_not_there_is_said() -> None:
    ended = execute(("no-such-program-here",), this_user(), 5, lambda _: None)
    assert "no-such-program-here cannot be run" in ended.trouble


def record(settings: Settings, *events: Event) -> Path:
    ordered(settings)
    path = directory(settings.log_dir, NAME) / "steps.jsonl"
    path.write_text("".join(f"{line(event)}\n" for event in events))
    return path


BEGUN = Begun("t", NAME, "ops", "why", "a", "b", (("stop-runner", "stop runner"),))
STOPPED = Told("t", "stop-runner", "running", 0.0, "")
DONE = End("t", "done", 0)


class Growing:
    """A clock whose waits let the record grow by the next line."""

    def __init__(self, path: Path, more: Iterator[str]) -> None:
        self._path, self._more = path, more

    def now_ms(self) -> int:
        return 1_770_000_000_000

    def monotonic(self) -> float:
        return 0.0

    def wait(self, _: float) -> None:
        with self._path.open("a") as file:
            file.write(next(self._more, ""))


def followed(settings: Settings, path: Path, more: Sequence[str], alive: Callable[[str], bool | None]) -> list[Event]:
    clock: Clock = Growing(path, iter(more))
    return list(follow(settings, "", OWN, clock, alive))


def test_a_record_is_followed_as_it_grows_and_half_lines_are_waited_for(settings: Settings) -> None:
    path = record(settings, BEGUN)
    text = line(STOPPED)
    more = [text[:20], "", text[20:] + "\n", line(DONE) + "\n"]
    assert followed(settings, path, more, lambda _: True) == [BEGUN, STOPPED, DONE]


def test_what_follows_an_end_is_followed_to_its_own(settings: Settings) -> None:
    back = (WayBack("t", "stop-runner", ()), End("t", "returned", 1))
    path = record(settings, BEGUN, STOPPED, End("t", "stuck", 1, ("x",)), *back)
    assert followed(settings, path, [], lambda _: True)[-2:] == list(back)


def test_a_record_that_is_a_fifo_is_none(settings: Settings) -> None:
    path = record(settings, BEGUN)
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(Refused, match="no such operation"):
        list(follow(settings, NAME, OWN, HostClock()))


def test_an_operation_without_an_end_and_without_a_process_has_died(settings: Settings) -> None:
    path = record(settings, BEGUN, STOPPED)
    *_, end = followed(settings, path, [], lambda _: False)
    assert end == End("2026-02-02T02:40:00.000Z", "died", 1, (f"sudo genesis-ops --root /r host back {NAME}",))


def test_one_that_died_before_it_stopped_anything_leaves_nothing_to_do(settings: Settings) -> None:
    path = record(settings, BEGUN)
    *_, end = followed(settings, path, [], lambda _: False)
    assert (getattr(end, "verdict", ""), getattr(end, "next", None)) == ("died", ())


def test_without_an_operation_there_is_nothing_to_follow(settings: Settings) -> None:
    with pytest.raises(Refused, match="no such operation"):
        followed(settings, settings.root, [], lambda _: False)


@pytest.mark.parametrize("events", [(BEGUN,), (BEGUN, STOPPED, DONE)], ids=["nothing stopped", "ended"])
def test_what_came_to_its_end_or_stopped_nothing_is_not_taken_back(
    settings: Settings, events: tuple[Event, ...]
) -> None:
    record(settings, *events)
    with pytest.raises(Refused):
        settle.settle(settings, NAME, OWN, Around(HostClock(), lambda: False, str))


def test_a_forged_order_is_not_taken_back(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    record(settings, BEGUN, STOPPED)
    path = directory(settings.log_dir, NAME) / "plan.json"
    document = json.loads(path.read_text())
    document["plan"]["facts"]["head"] = "--upload-pack=touch x"
    path.write_text(json.dumps(document))
    monkeypatch.setattr(module, "execute", script := Script())
    with pytest.raises(Refused, match="no commit or branch"):
        settle.settle(settings, NAME, OWN, Around(HostClock(), lambda: False, str))
    assert script.asked == []


def test_a_forged_time_is_not_waited_for(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    record(settings, BEGUN, STOPPED)
    path, times = directory(settings.log_dir, NAME) / "plan.json", list[float]()
    path.write_text(re.sub(r'"stop_seconds": 1', '"stop_seconds": 9007199254740991', path.read_text()))

    def execute(_: Sequence[str], __: str, seconds: float, *___: object) -> Ended:
        times.append(seconds)
        return Ended(0, b"", b"", 0.0)

    monkeypatch.setattr(module, "execute", execute)
    assert settled(settings, monkeypatch) == 1
    assert times[:2] == [7 + 30, 7 + 30]


def test_an_operation_after_which_another_began_is_not_taken_back(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    record(settings, BEGUN, STOPPED)
    newer = directory(settings.log_dir, "20260206_131002Z")
    newer.mkdir()
    (newer / "steps.jsonl").touch()
    with pytest.raises(Refused, match="20260206_131002Z has begun since"):
        settled(settings, monkeypatch)


def test_a_checkout_that_a_person_has_moved_is_not_taken_back(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    record(settings, BEGUN, STOPPED)
    with pytest.raises(Refused, match="the checkout is at cccccccccccc, where the operation did not bring it"):
        settled(settings, monkeypatch, "c" * 40)


def test_the_newest_operation_is_told_with_its_state(settings: Settings) -> None:
    record(settings, BEGUN, STOPPED, DONE)
    found = last_operation(settings.log_dir, OWN)
    assert found is not None
    assert (found.id, found.state, found.next) == (NAME, "done", ())
