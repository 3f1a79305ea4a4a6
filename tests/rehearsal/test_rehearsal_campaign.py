"""A short phase from its first start to its report, and again with faults: the real code on the virtual clock."""

import hashlib
import json
import re
import shutil
from pathlib import Path
from typing import NamedTuple

import pytest

from genesis_ops.checks.model import Outcome
from genesis_ops.collect.journal import read_journal
from genesis_ops.errors import Refused, UsageRefused
from genesis_ops.journal.record import Kind
from genesis_ops.rehearsal import campaign
from genesis_ops.rehearsal.campaign import TIMELINE, Asked, rehearse_phase, require_possible
from genesis_ops.rehearsal.host import Host
from genesis_ops.rehearsal.mishaps import by_chance
from genesis_ops.report.campaign import Campaign, Gate, Place, lines
from genesis_ops.report.text import Page
from genesis_ops.settings import load
from genesis_ops.words import MINUTE_MS

FAULTS = ("disk-low@1h", "runner-killed@3h", "second-runner@6h+1h")


class Phase(NamedTuple):
    root: Path
    host: Host
    found: Campaign

    def files(self) -> dict[str, str]:
        paths = sorted(path for path in self.root.rglob("*") if path.is_file())
        return {str(path.relative_to(self.root)): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


def rehearsed(root: Path, *faults: str, hours: int | None = None) -> Phase:
    return Phase(root, *rehearse_phase(root, Asked(1, 7, faults, hours=hours), lambda _: None))


@pytest.fixture(scope="module")
def well(tmp_path_factory: pytest.TempPathFactory) -> Phase:
    return rehearsed(tmp_path_factory.mktemp("well") / "root")


@pytest.fixture(scope="module")
def ill(tmp_path_factory: pytest.TempPathFactory) -> Phase:
    return rehearsed(tmp_path_factory.mktemp("ill") / "root", *FAULTS)


def test_the_gates_open_in_the_order_of_the_runbook(well: Phase) -> None:
    assert [gate.name for gate in well.found.gates] == [
        "preflight, dry-run",
        "acceptance, 24h",
        "live gate",
        "preflight, live-paper",
        "live gate",
        "preflight, live-paper",
        "stop-check, at the end",
    ]
    assert {gate.outcome for gate in well.found.gates} == {Outcome.PASS}


def test_a_phase_without_faults_has_no_alarm_and_ends_with_0(well: Phase) -> None:
    assert not well.found.alarms
    assert well.found.exit_code == 0


def test_live_paper_begins_with_a_single_candle(well: Phase) -> None:
    started = [event.what for event in well.found.events if event.what.startswith("the runner is started")]
    assert started == [f"the runner is started: {how}" for how in ("dry-run", "live-paper, one candle", "live-paper")]


def test_live_paper_orders_stand_in_the_journal_and_the_exchange_has_filled_as_many(well: Phase) -> None:
    book = read_journal(well.host.settings.log_dir).book
    assert [order.label for order in book.orders.values()] == [Kind.ACKED]
    assert book.submitted == len(well.host.sandbox.account.fills) > 0


def test_every_paper_of_the_phase_is_a_file(well: Phase) -> None:
    settings = well.host.settings
    assert len(list((settings.log_dir / "snapshots").glob("snapshot_*Z.txt"))) >= 5
    (receipt,) = settings.log_dir.glob("acceptance_receipt_*.json")
    assert json.loads(receipt.read_text("utf-8"))["verdict"] == "PASS"
    assert settings.summary_file(settings.phase_start).is_file()


def test_the_same_seed_gives_the_same_bytes_in_every_file(well: Phase) -> None:
    before = well.files()
    shutil.rmtree(well.root)
    assert rehearsed(well.root).files() == before
    assert len(before) > 15


def test_every_fault_is_noticed_by_who_is_to_notice_it_and_in_time(ill: Phase) -> None:
    assert [(fault.name, fault.noticed and fault.noticed.by) for fault in ill.found.faults] == [
        ("disk-low", "preflight disk-space"),
        ("runner-killed", "preflight runner-process"),
        ("second-runner", "preflight runner-process"),
    ]
    assert not ill.found.alarms


def test_the_operator_mends_what_was_noticed_and_starts_the_runner_again(ill: Phase) -> None:
    done = {fault.name: [event.what for event in fault.done] for fault in ill.found.faults}
    assert done == {
        "disk-low": ["room is made"],
        "runner-killed": ["the runner is started again", "the runner is started: dry-run"],
        "second-runner": ["it is ended"],
    }
    assert sum(event.what.startswith("the runner is started") for event in ill.found.events) == 4


def test_the_screen_tells_what_happened_who_noticed_it_and_what_was_done(ill: Phase) -> None:
    page = Page(80, unicode=True)
    drawn = lines(ill.found, (Place("root", "here"),), page)
    text = "\n".join("".join(span.text for span in line) for line in drawn)
    assert max(map(len, text.splitlines())) <= 80
    text = " ".join(text.split())
    assert "✓ 04 Feb 16:03 runner-killed: The runner ends without a word." in text
    assert re.search(r"after \w+ by preflight runner-process: FAIL", text)
    assert "3 of 3 faults noticed in time, no false alarm" in text


def test_a_phase_can_be_broken_off_after_so_many_hours(tmp_path: Path) -> None:
    _, found = rehearse_phase(tmp_path / "root", Asked(1, 7, hours=1), lambda _: None)
    assert 350 < found.polls < 370


def test_the_whole_timeline_is_a_file_in_the_order_of_time(ill: Phase) -> None:
    lines = (ill.root / TIMELINE).read_text("utf-8").splitlines()
    assert lines == sorted(lines, key=lambda line: line[:19])
    assert "2026-02-04 16:03:20  ! runner-killed: The runner ends without a word." in lines
    assert len(lines) == len(ill.found.events)


def test_the_root_that_is_left_names_no_real_server(ill: Phase) -> None:
    settings = load({"root": ill.root}, {}, None).settings
    assert settings.api_url == settings.exchange_url == "http://127.0.0.1:9"


def test_a_second_runner_writes_into_the_log(ill: Phase) -> None:
    log = (ill.host.settings.log_dir / "runner_20260204.log").read_text("utf-8")
    assert log.count("Heartbeat: evaluations=0, orders=0, last_candle_ts=None\n") >= 2


def test_a_red_preflight_is_a_gate_that_is_asked_again_until_it_opens_and_only_then_a_snapshot_is_taken(
    tmp_path: Path,
) -> None:
    found = rehearsed(tmp_path / "root", "health-error@0s+1h", hours=1).found
    gates = [gate for gate in found.gates if gate.name == "preflight, dry-run"]
    assert [gate.outcome for gate in gates] == [Outcome.FAIL, Outcome.PASS]
    first = next(event for event in found.events if event.what.startswith("snapshot_"))
    assert first.at_ms == gates[1].at_ms


def test_no_acceptance_is_asked_for_while_preflight_has_not_passed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(campaign, "_ACCEPTANCE_MS", 20 * MINUTE_MS)
    found = rehearsed(tmp_path / "root", "clock-ahead", hours=1).found
    assert [gate.name for gate in found.gates] == ["preflight, dry-run", "stop-check, at the end"]


def test_what_has_nothing_to_act_on_is_told_and_ends_nothing(tmp_path: Path) -> None:
    faults = ("duplicate-candle@8m", "state-deleted@2m", "state-deleted@3m", "state-corrupt@4m", "log-moved@5m")
    found = rehearsed(tmp_path / "root", *faults, "log-moved@6m", "runner-killed@7m", hours=1).found
    told = {(each.name, each.could_not) for each in found.faults if each.could_not}
    assert told == {
        ("duplicate-candle", "no candle was announced yet"),
        ("state-deleted", "there is no state"),
        ("state-corrupt", "there is no state"),
        ("log-moved", "there is no log"),
        ("runner-killed", "no runner runs"),
    }


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        ("runner-killed@3d", "the phase ends"),
        ("feed-down@99999d", "the phase ends"),
        ("dry-run-order@25h", "belongs into the dry-run"),
        ("submit-lost@2h+3h", "takes an order"),
        ("journal-damaged@2h", "takes an order"),
    ],
)
def test_a_fault_that_cannot_happen_in_this_phase_is_refused_before_anything_is_written(
    tmp_path: Path, fault: str, why: str
) -> None:
    with pytest.raises(UsageRefused, match=why):
        rehearsed(tmp_path / "root", fault)
    assert not (tmp_path / "root").exists()


def test_chance_needs_a_phase_that_has_time_for_it() -> None:
    with pytest.raises(UsageRefused, match="too few"):
        require_possible(Asked(2, 7, chaos=True))
    require_possible(Asked(3, 7, chaos=True))
    assert all(by_chance(seed, 0, 3) for seed in range(50))


@pytest.mark.parametrize("width", [80, 45])
def test_no_line_of_the_screen_is_wider_than_the_page(ill: Phase, width: int) -> None:
    long = Gate(0, "live gate", Outcome.FAIL, "refused " * 30)
    fault = ill.found.faults[0]._replace(what="word " * 40)
    found = ill.found._replace(gates=(long,), faults=(fault,))
    drawn = lines(found, (), Page(width, unicode=True))
    whole = ["".join(span.text for span in line) for line in drawn]
    assert max(map(len, whole)) <= width


def test_a_fault_that_is_unknown_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(UsageRefused):
        rehearsed(tmp_path / "root", "nothing-such@1h")
    assert not (tmp_path / "root").exists()


def test_a_root_that_holds_something_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").touch()
    with pytest.raises(Refused):
        rehearsed(tmp_path)
