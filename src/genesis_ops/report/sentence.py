"""The verdict and the sums in sentences, in the same words in every format."""

from collections.abc import Iterable

from genesis_ops.checks.model import Judged, Outcome, Report, verdict

_FOUND = {Outcome.FAIL: "failed", Outcome.UNKNOWN: "could not tell"}
_CHAMPION = {Outcome.PASS: "Verified", Outcome.WARN: "Verified", Outcome.FAIL: "NOT VERIFIED"}
_SUMMARY = {
    "candles": "Candles processed",
    "evaluations": "Evaluations",
    "orders_submitted": "Orders submitted",
    "champion": "Champion",
    "fatal": "Fatal errors",
    "heartbeats": "Heartbeats",
}


def sentence(report: Report) -> str:
    """Say how many of the counted checks came to what, and what beside them went wrong."""
    counted = [judged for judged in report.checks if not judged.bonus]
    beside = [judged for judged in report.checks if judged.bonus]
    warnings = _number(Outcome.WARN, report.checks)
    parts = (
        _counted(counted),
        _beside(Outcome.FAIL, beside),
        _beside(Outcome.UNKNOWN, beside),
        f"{warnings} {'warning' if warnings == 1 else 'warnings'}" if warnings else "",
        f"{skipped} skipped" if (skipped := _number(Outcome.SKIP, report.checks)) else "",
    )
    return ", ".join(filter(None, parts))


def ending(report: Report) -> str:
    """Say what the process ends with, and why a warning is not 0."""
    strict = report.strict and report.verdict is Outcome.WARN
    return f"exit {report.exit_code.value}{' (strict)' if strict else ''}"


def sums(report: Report) -> tuple[str, ...]:
    """Give the runbook's summary, a sentence each, as far as the report has it (runbook, Day 1 step 1)."""
    if report.summary is None:
        return ()
    outcomes = {judged.id: judged.outcome for judged in report.checks}
    figures = {name: str(value) for name, value in report.summary.items()}
    if "orders_submitted" in figures and outcomes.get("no-orders") is Outcome.PASS:
        figures["orders_submitted"] += " (dry-run mode)"
    if "champion-loaded" in outcomes:
        figures["champion"] = _CHAMPION.get(outcomes["champion-loaded"], "could not be told")
    return tuple(f"{title}: {figures[name]}" for name, title in _SUMMARY.items() if name in figures)


def _counted(counted: list[Judged]) -> str:
    failed, unknown = _number(Outcome.FAIL, counted), _number(Outcome.UNKNOWN, counted)
    worst = verdict(judged.outcome for judged in counted)
    if worst is Outcome.FAIL:
        return f"{failed} of {len(counted)} checks failed" + (f", {unknown} could not tell" if unknown else "")
    if unknown:
        return f"{unknown} of {len(counted)} checks could not tell"
    return f"{_number(Outcome.PASS, counted)} of {len(counted)} checks passed"


def _beside(outcome: Outcome, beside: list[Judged]) -> str:
    found = [judged.id for judged in beside if judged.outcome is outcome]
    if not found:
        return ""
    return f"{found[0] if len(found) == 1 else f'{len(found)} others'} {_FOUND[outcome]}"


def _number(outcome: Outcome, checks: Iterable[Judged]) -> int:
    return sum(judged.outcome is outcome for judged in checks)
