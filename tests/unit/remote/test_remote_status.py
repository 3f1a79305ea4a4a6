"""What a look at a host comes to, and how it is drawn."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genesis_ops import __version__
from genesis_ops.checks.model import Outcome, Report
from genesis_ops.errors import RemoteUnavailable
from genesis_ops.host.look import LOOK_SCHEMA, Look, OperationLook, ServerLook, UnitLook
from genesis_ops.remote.status import Seen
from genesis_ops.remote.status_checks import CHECKS, reports
from genesis_ops.remote.status_page import lines, rendered
from genesis_ops.report.cells import cells
from genesis_ops.report.text import Page

STABLE_MS = 300_000
NOW_MS = 1_770_297_000_000  # 2026-02-05 13:10
LOOPBACK = ServerLook(812, "genesis", "uvicorn core.server:app", "127.0.0.1")


def unit(name: str = "genesis-runner.service", **changes: Any) -> UnitLook:
    return UnitLook(name, "loaded", "active", "running", 930, 0, "2026-02-05T09:10:00Z", "success")._replace(**changes)


def look(**changes: Any) -> Look:
    return Look(
        schema=LOOK_SCHEMA,
        version=__version__,
        at="2026-02-05T13:10:00.000Z",
        host="we-vm",
        root="/opt/genesis/Genesis-Core",
        units=(unit("genesis-paper.service"), unit()),
        uvicorns=(LOOPBACK,),
        port=8000,
        listeners=(LOOPBACK,),
        head="3f7e1a6" + "0" * 33,
        branch="main",
        last_close="2026-02-05T13:00:00.000Z",
        mode="dry-run",
        operation=None,
        troubles=(),
    )._replace(**changes)


def judged(*seen: Seen) -> Report:
    return reports(seen, NOW_MS, STABLE_MS, "tBTCUSD 1h")


def drawn(*seen: Seen, width: int = 80, unicode: bool = True) -> list[str]:
    page = Page(width, unicode)
    return ["".join(span.text for span in line).rstrip() for line in lines(seen, judged(*seen), page)]


def test_a_host_in_order_is_four_lines_and_a_verdict() -> None:
    assert drawn(Seen("genesis-we", look())) == [
        "Remote status  genesis-we                                             tBTCUSD 1h",
        f"  ✓ genesis-we  main 3f7e1a6   dry-run   last close 13:00, 10m ago   {__version__}",
        "      genesis-paper   active (running)    pid 930     up 4h 0m    0 restarts",
        "      genesis-runner  active (running)    pid 930     up 4h 0m    0 restarts",
        "      uvicorn: 1    port 8000: 127.0.0.1",
        "",
        "PASS  7 of 7 checks passed     exit 0",
    ]


def test_a_long_state_of_a_unit_stands_apart_from_what_follows() -> None:
    waiting = unit("genesis-runner@eth.service", active="activating", sub="auto-restart", pid=812)
    shown = drawn(Seen("a", look(units=(waiting,))))
    assert any("genesis-runner@eth  activating (auto-restart)  pid 812" in line for line in shown)


STUCK = OperationLook("20260205_131002Z", "ops@laptop", "", "", "stuck", "preflight", "", ("genesis-ops host back x",))


@pytest.mark.parametrize(
    ("changes", "name", "outcome"),
    [
        ({"troubles": ("git does not answer",)}, "reached", Outcome.UNKNOWN),
        ({"version": "0.0.1"}, "version", Outcome.WARN),
        ({"units": ()}, "units", Outcome.UNKNOWN),
        ({"units": (unit(active="failed"),)}, "units", Outcome.FAIL),
        ({"units": (unit(load="not-found", active="inactive"),)}, "units", Outcome.FAIL),
        ({"units": (unit(restarts=3, since="2026-02-05T13:08:00Z"),)}, "restarts", Outcome.WARN),
        ({"units": (unit(restarts=3, since="2026-02-05T13:04:00Z"),)}, "restarts", Outcome.PASS),
        ({"units": (unit(restarts=0, since="2026-02-05T13:08:00Z"),)}, "restarts", Outcome.PASS),
        ({"uvicorns": ()}, "uvicorn", Outcome.FAIL),
        ({"uvicorns": (LOOPBACK, LOOPBACK._replace(pid=9))}, "uvicorn", Outcome.FAIL),
        ({"uvicorns": (), "port": None}, "uvicorn", Outcome.SKIP),
        ({"listeners": ()}, "port", Outcome.FAIL),
        ({"listeners": (LOOPBACK._replace(address="0.0.0.0"),)}, "port", Outcome.FAIL),
        ({"listeners": (LOOPBACK, LOOPBACK._replace(address="::"))}, "port", Outcome.FAIL),
        ({"listeners": (LOOPBACK._replace(address="[::1]"),)}, "port", Outcome.PASS),
        ({"operation": STUCK}, "operation", Outcome.FAIL),
        ({"operation": STUCK._replace(state="died")}, "operation", Outcome.FAIL),
        ({"operation": STUCK._replace(state="running")}, "operation", Outcome.PASS),
    ],
)
def test_what_is_not_as_it_should_be_is_found(changes: dict[str, Any], name: str, outcome: Outcome) -> None:
    found = {check.id: check.outcome for check in judged(Seen("a", look(**changes))).checks}
    assert found[name] is outcome


def test_a_host_that_is_away_skips_everything_and_ends_with_69() -> None:
    away = Seen("away", error=RemoteUnavailable("away cannot be reached", next_command="ssh away"))
    report = judged(away)
    assert [check.outcome for check in report.checks] == [Outcome.UNKNOWN, *[Outcome.SKIP] * (len(CHECKS) - 1)]
    assert report.exit_code == 69
    assert judged(away, Seen("b", look(uvicorns=()))).exit_code == 1


def test_several_hosts_have_their_names_before_their_checks() -> None:
    report = judged(Seen("a", look()), Seen("b", look()))
    assert [check.id for check in report.checks][:: len(CHECKS)] == ["a/reached", "b/reached"]
    document = json.loads(rendered((Seen("a", look()), Seen("b", look())), report))
    assert [(host["target"], host["verdict"], host["look"]["port"]) for host in document["hosts"]] == [
        ("a", "PASS", 8000),
        ("b", "PASS", 8000),
    ]


TEXTS = st.text(max_size=60)


@settings(max_examples=40)
@given(text=TEXTS, width=st.integers(40, 120), unicode=st.booleans())
def test_no_text_of_a_host_leaves_its_line_or_acts_on_the_terminal(text: str, width: int, unicode: bool) -> None:
    seen = look(
        units=(unit(text, active=text, sub=text, load="loaded", restarts=2, since=text),),
        uvicorns=(LOOPBACK._replace(user=text), LOOPBACK),
        listeners=(LOOPBACK._replace(address=text),),
        head=text, branch=text, last_close=text, mode=text, version=text, at=text, troubles=(text,),
        operation=STUCK._replace(id=text, state=text, owner=text, next=(text,)),
    )  # fmt: skip
    for line in drawn(Seen("a", seen), width=width, unicode=unicode):
        assert line.isprintable()
        assert cells(line) <= width
        assert unicode or line.isascii()
