"""The phase's commands on a rehearsed host: the same functions in the same order as in ``cli/``, without a process."""

from datetime import timedelta
from pathlib import Path

from genesis_ops.checks.model import Outcome, Report
from genesis_ops.checks.preflight import preflight as judge_preflight
from genesis_ops.collect.certificate import certify
from genesis_ops.collect.day import judge_day, today
from genesis_ops.collect.host import look
from genesis_ops.collect.judgement import (
    Asked,
    day_zero_ms,
    judge_acceptance,
    judge_stop,
    phase_end_ms,
    standing_reasons,
)
from genesis_ops.collect.known_secrets import known_secrets
from genesis_ops.collect.phase import judge_phase
from genesis_ops.collect.snapshot import Seen, see
from genesis_ops.collect.where import source
from genesis_ops.enforce.act import enforce
from genesis_ops.enforce.steps import Enforced
from genesis_ops.keep import snapshot as snapshots
from genesis_ops.keep import summary as summaries
from genesis_ops.keep.clean import Cleaner, cleaned
from genesis_ops.rehearsal.hands import RehearsedHands
from genesis_ops.rehearsal.host import Host
from genesis_ops.report.phase_facts import PhaseFacts, facts
from genesis_ops.words import DAY_MS


def preflight(host: Host) -> Report:
    """Judge the host as ``genesis-ops preflight`` does."""
    host.date_files()
    return judge_preflight(look(host.settings, host.clock, around=host.around))


def stop_check(host: Host) -> tuple[Report, Enforced | None]:
    """Judge the phase so far as ``genesis-ops stop-check --enforce`` does, and act on it."""
    host.date_files()
    settings, now_ms = host.settings, host.clock.now_ms()
    start_ms = day_zero_ms(settings)
    with source(settings, None) as where:
        asked = Asked(start_ms, min(now_ms, max(start_ms, phase_end_ms(settings))), now_ms)
        report = judge_stop(settings, where, asked).report
        reasons = standing_reasons(settings, where, asked) if report.verdict is Outcome.FAIL else ()
    if not reasons:
        return report, None
    return report, enforce(settings, reasons, RehearsedHands(host), host.clock)


def acceptance(host: Host) -> tuple[Report, Path | None]:
    """Judge the last 24 hours as ``genesis-ops acceptance`` does; PASS writes the receipt."""
    now_ms = host.clock.now_ms()
    with source(host.settings, None) as where:
        judgement = judge_acceptance(host.settings, where, Asked(now_ms - DAY_MS, now_ms, now_ms), host.clock)
    return judgement.report, None if judgement.report.exit_code else certify(host.settings, judgement)


def snapshot(host: Host) -> tuple[Seen, Path]:
    """Keep the runtime state as ``genesis-ops snapshot`` does, and give what was seen."""
    host.date_files()
    seen = see(host.settings, host.clock, host.around)
    known = known_secrets(host.settings)  # no environment of the processes outside is looked at
    return seen, snapshots.keep(snapshots.snapshot_of(seen, known), known, host.settings.log_dir)


def summary(host: Host, days_ago: int, seen: Seen | None = None) -> Report:
    """Write a day's summary as ``genesis-ops daily-summary`` does; ``seen`` is what a snapshot saw in this moment."""
    host.date_files()
    settings = host.settings
    of = today(host.clock.now_ms()) - timedelta(days=days_ago)
    known_host = None if seen is None else seen.host
    day = judge_day(settings, of, host.clock, around=host.around, host=known_host)
    known = known_secrets(settings)
    clean = Cleaner(known.secrets)
    evidence = day.evidence._replace(preflight=clean.facts(day.evidence.preflight))
    form = summaries.template_in_force(settings)
    text = summaries.composed(evidence, clean.facts(day.report), form, lambda raw: cleaned(raw, known, "the summary"))
    summaries.keep(settings.summary_file(of), text)
    return day.report


def phase_report(host: Host) -> PhaseFacts:
    """Judge the whole phase as ``genesis-ops phase-report`` does."""
    host.date_files()
    now_ms = host.clock.now_ms()
    found = judge_phase(host.settings, now_ms, now_ms, strict=False)
    return facts(found.report, found.evidence)
