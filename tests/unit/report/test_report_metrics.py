"""What a host exports for Prometheus: every figure that is known, and no figure that is not."""

import math
import re
import shutil
import subprocess
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from metrics_samples import BLIND, CLOSED, EXPORT, NOTHING, NOW, WELL
from report_samples import HOSTILE, TEXTS

from genesis_ops import __version__
from genesis_ops.checks.evidence import OrderDoubt, OrdersFound
from genesis_ops.checks.model import Place
from genesis_ops.checks.status import Balances, Ordered, Status
from genesis_ops.clients.health import Answer, Health
from genesis_ops.report.metrics import NAMES, SOURCES, Export, render
from genesis_ops.state.latch import Latch
from genesis_ops.words import DAY_MS, Mode

_SAMPLE = re.compile(
    r'genesis_ops_([a-z_]+)\{market="((?:[^"\\\n]|\\\\|\\")*)"((?:,[a-z]+="(?:[^"\\\n]|\\\\|\\")*")*)\} (\S+)'
)


def samples(*exports: Export) -> dict[str, float]:
    """Read an export; a sample is named as it is written, without the prefix and the market."""
    lines = [line for line in render(exports).splitlines() if not line.startswith("#")]
    found = [_SAMPLE.fullmatch(line) for line in lines]
    assert None not in found, lines
    return {f"{each[1]}{{{each[3].lstrip(',')}}}".removesuffix("{}"): float(each[4]) for each in found if each}


def of(**changes: Any) -> dict[str, float]:
    return samples(EXPORT._replace(status=WELL._replace(**changes)))


def test_a_host_on_which_all_is_well_in_figures() -> None:
    found = samples(EXPORT)
    plain = {name: value for name, value in found.items() if "{" not in name}
    assert plain == {
        "export_timestamp_seconds": NOW / 1000,
        "phase_running": 1,
        "phase_day": 16,
        "runner_up": 1,
        "runner_start_timestamp_seconds": (NOW - 15 * DAY_MS) / 1000,
        "api_up": 1,
        "closes_total": 388,
        "evaluations_total": 387,
        "closes_today": 1,
        "closes_expected_today": 1,
        "orders_submitted_total": 3,
        "orders_would_be": 4,
        "orders_unresolved": 0,
        "latch_set": 0,
        "wallet_changed": 1,
    }


def test_times_are_those_at_which_it_happened_and_not_ages_that_stay_young_in_a_file() -> None:
    moments = {name: value for name, value in samples(EXPORT).items() if name.startswith("last_timestamp")}
    told = {"close": CLOSED, "evaluation": CLOSED + 5000, "feed": NOW - 44_000, "heartbeat": NOW - 41_000}
    told |= {"state": NOW - 9000, "log": NOW - 8000}
    assert moments == {f'last_timestamp_seconds{{of="{name}"}}': ms / 1000 for name, ms in told.items()}


def test_an_evaluation_whose_line_was_not_read_is_told_by_the_heartbeat() -> None:
    assert of(evaluation=None)['last_timestamp_seconds{of="evaluation"}'] == (NOW - 41_000 - 2_835_000) / 1000


def test_a_limit_leaves_room_for_a_candle_a_heartbeat_an_export_and_a_scrape() -> None:
    found = {name: value for name, value in samples(EXPORT).items() if name.startswith("age_limit")}
    limits = {"close": 3900, "evaluation": 3900, "feed": 400, "heartbeat": 300, "state": 300}
    assert found == {f'age_limit_seconds{{of="{name}"}}': limit for name, limit in limits.items()}


def test_every_name_is_exported_where_everything_is_known() -> None:
    text = render((EXPORT,))
    assert [name for name in NAMES if f"\n{name}{{" not in text] == []


def test_what_nobody_knows_has_no_sample_and_is_said_to_be_unknown() -> None:
    found = samples(EXPORT._replace(status=BLIND, counted=None))
    unknown = [name for name, value in found.items() if name.startswith("known{") and value == 0]
    figures = ("close", "evaluation", "feed", "heartbeat", "state", "log", "runner_up", "runner_mode")
    assert unknown == [f'known{{figure="{name}"}}' for name in (*figures, "orders_submitted", "wallet_changed")]
    absent = (
        "last_timestamp",
        "runner_up",
        "runner_mode",
        "runner_start",
        "orders_submitted",
        "wallet",
        "closes_total",
    )
    assert [name for name in found if name.startswith(absent)] == []


def test_a_phase_of_which_nobody_knows_whether_it_has_begun_is_said_to_be_unknown() -> None:
    found = samples(EXPORT._replace(running=None))
    assert found['known{figure="phase_running"}'] == 0
    assert "phase_running" not in found


def test_a_runner_of_which_nothing_could_be_looked_at_has_its_sources_down_and_no_figure() -> None:
    found = samples(NOTHING)
    assert {name for name in found if not name.startswith(("known", "source_up"))} == {
        f'build_info{{version="{__version__}"}}',
        "export_timestamp_seconds",
    }
    assert {value for name, value in found.items() if name.startswith(("known", "source_up"))} == {0}


@pytest.mark.parametrize("failed", SOURCES)
def test_a_source_that_failed_is_told_beside_those_that_did_not(failed: str) -> None:
    found = samples(EXPORT._replace(failed=frozenset({failed})))
    assert [found[f'source_up{{source="{name}"}}'] for name in SOURCES] == [int(name != failed) for name in SOURCES]


_DOUBT = OrderDoubt("20260205-1300", "nobody knows", Place("journal", 3, ""), "")
_HIDDEN = Latch(0, (), "", "permission denied", hidden=True)


@pytest.mark.parametrize(
    ("changes", "sample", "expected"),
    [
        ({"api": Health(Answer.ERROR, "")}, "api_up", 0),
        ({"orders": Ordered(found=OrdersFound((_DOUBT, _DOUBT)))}, "orders_unresolved", 2),
        ({"orders": Ordered(found=OrdersFound(trouble="not readable"))}, "orders_unresolved", None),
        ({"orders": Ordered(submitted=7)}, "orders_submitted_total", 7),
        ({"latch": _HIDDEN}, "latch_set", None),
        ({"latch": _HIDDEN._replace(hidden=False)}, "latch_set", 1),
        ({"wallet": WELL.wallet._replace(moved={})}, "wallet_changed", 0),
        ({"wallet": WELL.wallet._replace(moved=None)}, "wallet_changed", None),
        ({"wallet": WELL.wallet._replace(trouble="HTTP 500")}, "wallet_changed", None),
        ({"wallet": WELL.wallet._replace(trouble="HTTP 500")}, 'wallet_balance{currency="TESTUSD"}', None),
        ({"runner": WELL.runner._replace(ended=True)}, "runner_up", 0),
        ({"runner": WELL.runner._replace(mode=Mode.LIVE_PAPER)}, 'runner_mode{mode="live-paper"}', 1),
        ({"runner": WELL.runner._replace(mode=Mode.LIVE_PAPER)}, 'runner_mode{mode="dry-run"}', 0),
    ],
)
def test_a_figure_says_what_was_seen(changes: dict[str, Any], sample: str, expected: float | None) -> None:
    assert of(**changes).get(sample) == expected


def test_several_runners_share_each_family_and_differ_in_their_market() -> None:
    text = render((EXPORT, EXPORT._replace(market="tETHUSD 1h"), NOTHING._replace(market="tXRPUSD 1h")))
    explained = re.findall(r"^# TYPE (\S+)", text, re.MULTILINE)
    assert len(explained) == len(set(explained))
    assert re.findall(r'^genesis_ops_source_up\{market="(\S+) 1h",source="status"\} (\d)$', text, re.MULTILINE) == [
        ("tBTCUSD", "1"),
        ("tETHUSD", "1"),
        ("tXRPUSD", "0"),
    ]


def _hostile(text: str, amount: float) -> Status:
    return WELL._replace(wallet=WELL.wallet._replace(now=Balances(NOW, {text: amount}, text)))


@given(text=TEXTS, amount=st.floats())
def test_whatever_a_currency_is_called_it_is_one_line_and_one_number(text: str, amount: float) -> None:
    (written,) = (
        line for line in render((EXPORT._replace(status=_hostile(text, amount)),)).split("\n") if "_balance{" in line
    )
    found = _SAMPLE.fullmatch(written)
    assert found is not None
    assert found[4] in {"NaN", "+Inf", "-Inf"} or (math.isfinite(amount) and float(found[4]) == amount)


def test_two_currencies_that_look_alike_once_they_can_be_shown_are_one_series() -> None:
    now = Balances(NOW, {"\x1b": 1.0, "\\x1b": 2.0}, "API")
    text = render((EXPORT._replace(status=WELL._replace(wallet=WELL.wallet._replace(now=now))),))
    assert text.count("_balance{") == 1


@pytest.mark.parametrize(
    "exports", [(EXPORT,), (EXPORT, NOTHING), (EXPORT._replace(status=_hostile(HOSTILE, math.inf)),)]
)
def test_promtool_accepts_the_export_without_a_word(exports: tuple[Export, ...]) -> None:
    tool = shutil.which("promtool")
    if tool is None:
        pytest.skip("promtool (Debian package prometheus) is not installed")
    given = render(exports).encode()
    done = subprocess.run([tool, "check", "metrics"], input=given, capture_output=True, check=False, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
