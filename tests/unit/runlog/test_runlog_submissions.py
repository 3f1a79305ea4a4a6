"""Which lines of orders a journal has to account for."""

from pathlib import Path

from genesis_ops.runlog.files import log_files
from genesis_ops.runlog.submissions import own_submissions, submissions

HEAD = "2026-02-04 13:0{}:00 - paper_trading_runner - INFO - {}\n"
BANNER, VERSION, ORDER = "Paper Trading Runner Started", "Version: genesis-ops 0.1.0", "Submitting LONG order..."


def count(logs: Path, *messages: str) -> int:
    (logs / "runner_20260204.log").write_text("".join(HEAD.format(n, text) for n, text in enumerate(messages)))
    return len(own_submissions(log_files(logs)))


def test_the_orders_of_this_projects_runs_count_and_those_of_the_older_runner_do_not(tmp_path: Path) -> None:
    assert count(tmp_path, BANNER, VERSION, ORDER, ORDER) == 2
    assert count(tmp_path, BANNER, ORDER, ORDER) == 0
    assert count(tmp_path, BANNER, ORDER, BANNER, VERSION, ORDER, BANNER, ORDER) == 1


def test_an_order_of_a_run_whose_start_is_not_in_the_log_counts(tmp_path: Path) -> None:
    assert count(tmp_path, ORDER, BANNER, ORDER) == 1


def test_what_the_reading_met_is_told(tmp_path: Path) -> None:
    (tmp_path / "runner_20260204.log.gz").write_bytes(b"no gzip")
    notes = submissions(log_files(tmp_path)).notes
    assert notes.unreadable or notes.damaged


def test_the_older_runners_are_told_apart_from_them(tmp_path: Path) -> None:
    count(tmp_path, BANNER, ORDER, BANNER, VERSION, ORDER, BANNER, ORDER)
    found = submissions(log_files(tmp_path))
    assert (len(found.own), len(found.older)) == (1, 2)
