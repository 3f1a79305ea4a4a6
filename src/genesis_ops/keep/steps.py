"""What led to a bundle, and how to see it again, as a page for whoever gets it (runbook: steps to reproduce)."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from genesis_ops import __version__
from genesis_ops.checks.model import Outcome, Report
from genesis_ops.collect.judgement import day_zero_ms
from genesis_ops.collect.snapshot import Seen
from genesis_ops.report.markdown import code, escaped
from genesis_ops.runlog.files import log_files
from genesis_ops.runlog.runs import Run, runs
from genesis_ops.runlog.sieve import Sieve
from genesis_ops.state.operations import read
from genesis_ops.words import iso, stamp

_MOST_RUNS = 40


def steps(seen: Seen, reports: Sequence[Report], name: str, day_end_ms: int, logs: Path) -> str:
    """Write the page: what is wrong, what was run and done by the copied logs, and the commands that judge them.

    ``day_end_ms`` (UTC) is where the day ends that acceptance judged.
    """
    parts = (_found(reports), _history(seen, logs), _again(seen, name, day_end_ms))
    return "\n\n".join("\n".join(part) for part in parts) + "\n"


def _found(reports: Sequence[Report]) -> Iterator[str]:
    yield "# What was found"
    yield ""
    for report in reports:
        yield f"- {escaped(report.command)}: **{report.verdict}**, {escaped(report.subject)}"
        for judged in report.checks:
            if judged.outcome not in {Outcome.PASS, Outcome.SKIP}:
                yield f"  - {escaped(judged.id)} {judged.outcome}: {escaped(judged.detail)}"


def _history(seen: Seen, logs: Path) -> Iterator[str]:
    """Tell the runs and what people did, in order: what has to be done again to get there."""
    settings = seen.host.settings
    yield "# What led to it"
    yield ""
    champion = seen.host.champion.fingerprint
    sum_ = "unknown" if champion is None else champion.sha256
    yield f"- champion {code(settings.shown(settings.champion_file))}, SHA-256 {sum_}"
    yield f"- API: {code(seen.host.health.reply or seen.host.health.told)}"
    told = [(run.first_ms, _run(run)) for run in _runs(seen, logs)]
    told += [
        (done.at_ms, f"{escaped(done.action)} by {escaped(done.by)}: {escaped('; '.join(done.reasons))}")
        for done in read(logs).found
    ]
    for at_ms, sentence in sorted(told)[-_MOST_RUNS:]:
        yield f"- {stamp(at_ms)} UTC: {sentence}"


def _runs(seen: Seen, logs: Path) -> tuple[Run, ...]:
    with suppress(OSError):
        settings = seen.host.settings
        return runs(Sieve(log_files(logs), day_zero_ms(settings), seen.host.now_ms))
    return ()


def _run(run: Run) -> str:
    what = f"a run began: {run.mode or 'mode unknown'}, {escaped(run.symbol)} {escaped(run.timeframe)}"
    ended = f"; it ended with {code(run.ended.message)}" if run.ended else ""
    fatal = f"; fatal: {code(run.fatal[0].message)}" if run.fatal else ""
    return f"{what}, {len(run.closes)} closes until {stamp(run.last_ms)}{fatal}{ended}"


def _again(seen: Seen, name: str, day_end_ms: int) -> Iterator[str]:
    settings = seen.host.settings
    yield "# How to see it again"
    yield ""
    yield f"With genesis-ops {__version__} on any machine, in the folder of the archive:"
    yield ""
    yield "```sh"
    yield f"genesis-ops snapshot verify {name}"
    market = f"GENESIS_SYMBOL={settings.symbol} GENESIS_TIMEFRAME={settings.timeframe}"
    window = f"--since {settings.phase_start} --until {iso(seen.host.now_ms)}"
    yield f"{market} genesis-ops stop-check --from {name} {window}"
    yield f"{market} genesis-ops acceptance --from {name} --window 24h --until {iso(day_end_ms)}"
    yield "```"
    yield ""
    yield "The same runner, dry, against a simulated exchange: `genesis-ops sandbox serve`, then the `run` line that it"
    yield "prints; `genesis-ops sandbox faults` lists what can be made to go wrong there."
