"""What has come of a fault: when it is looked for, and who has noticed it."""

import pytest

from genesis_ops.rehearsal.mishaps import MISHAPS, Scheduled
from genesis_ops.rehearsal.trouble import Trouble
from genesis_ops.report.campaign import Notice


def trouble(name: str) -> Trouble:
    return Trouble(Scheduled(MISHAPS[name], 0, None))


@pytest.mark.parametrize(
    ("name", "soon"), [("feed-down", True), ("feed-500", True), ("submit-lost", False), ("evaluate-500", False)]
)
def test_what_waits_for_an_order_or_a_summary_does_not_show_soon(name: str, soon: bool) -> None:
    assert trouble(name).shows_soon() is soon


def test_what_was_noticed_by_anybody_shows() -> None:
    lost = trouble("submit-lost")
    lost.take(Notice("preflight no-fatal", 5, "FAIL", ""))
    assert lost.shows_soon()
    assert not lost.seen


def test_a_fault_is_seen_once_who_is_to_notice_it_has() -> None:
    lost = trouble("submit-lost")
    for by in ("log OrderUnknown", "preflight no-fatal"):
        lost.take(Notice(by, 5, "FAIL", ""))
    assert lost.seen
