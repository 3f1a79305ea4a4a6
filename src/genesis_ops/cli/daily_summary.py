"""genesis-ops daily-summary: a day of the phase as a file that people add to, from cron."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from genesis_ops.cli.judging import OutputFormat, Quiet, Strict, end, show, write
from genesis_ops.cli.options import load_settings
from genesis_ops.cli.patience import patience
from genesis_ops.errors import GenesisError, UsageRefused
from genesis_ops.report.formats import Format
from genesis_ops.words import Exit, visible

if TYPE_CHECKING:
    from genesis_ops.checks.model import Report
    from genesis_ops.collect.day import Day
    from genesis_ops.settings import Settings

_EXAMPLE = "genesis-ops daily-summary --date yesterday"


def daily_summary(  # noqa: PLR0913 - one parameter an option (contract §6)
    ctx: typer.Context,
    *,
    of: Annotated[str, typer.Option("--date", help="Which day (UTC): today, yesterday or YYYY-MM-DD.")] = "today",
    stdout: Annotated[bool, typer.Option("--stdout", help="Print the summary, and write no file.")] = False,
    ping: Annotated[
        str | None, typer.Option(help="A dead-man's switch to tell of start and end, as healthchecks.io has it.")
    ] = None,
    quiet: Quiet = False,
    log_dir: Annotated[str | None, typer.Option(help="Where the logs are.")] = None,
    state_file: Annotated[str | None, typer.Option(help="Where the state is kept.")] = None,
    api_url: Annotated[str | None, typer.Option(help="The Genesis API.")] = None,
    exchange_url: Annotated[str | None, typer.Option(help="The exchange's public API.")] = None,
    output: OutputFormat = Format.TEXT,
    strict: Strict = False,
    show_template: Annotated[
        bool, typer.Option("--show-template", help="Print the template in force, to start one's own from.")
    ] = False,
) -> None:
    """Write a day's summary, or update its own parts in it; the exit code is the day's verdict (runbook)."""
    with _watched(ping) as ended:
        if quiet and stdout:
            raise UsageRefused("--quiet prints nothing where all is well, and --stdout prints", next_command=_EXAMPLE)
        flags = {"log_dir": log_dir, "state_file": state_file, "api_url": api_url, "exchange_url": exchange_url}
        settings = load_settings(ctx, **flags).settings
        if show_template:
            _show_template(settings)
            ended("the template was shown", Exit.PASS)
            return
        if quiet and _is_early(of, settings):
            ended("the phase has not begun", Exit.PASS)
            return
        gc.disable()  # a judgement is over before there is anything worth collecting
        day = _judged(settings, of, strict=strict)
        if stdout:
            write(_composed(day))
            report = day.report
        else:
            report = _kept(settings, day, output, quiet=quiet)
        ended(_told(report), report.exit_code)
    end(report, Format.TEXT if stdout else output)


def _show_template(settings: "Settings") -> None:
    from genesis_ops.keep.summary import template_in_force

    write(template_in_force(settings).text)


def _judged(settings: "Settings", of: str, *, strict: bool) -> "Day":
    from genesis_ops.clients.host_clock import HostClock
    from genesis_ops.collect.day import judge_day, today

    clock = HostClock()
    asked = _date(of, today(clock.now_ms()), settings)
    with patience("reading the log"):
        return judge_day(settings, asked, clock, strict=strict)


def _is_early(of: str, settings: "Settings") -> bool:
    """Whether cron asks for a day before the phase, as it does until the day after Day 0."""
    from genesis_ops.clients.host_clock import HostClock
    from genesis_ops.collect.day import today

    days = {"today": 0, "yesterday": 1}
    return of in days and today(HostClock().now_ms()) - timedelta(days=days[of]) < settings.phase_start


def _date(text: str, today: date, settings: "Settings") -> date:
    """Read the day that is asked for.

    Raises:
        UsageRefused: it is none, lies before the phase or has not begun.
    """
    known = {"today": today, "yesterday": today - timedelta(days=1)}
    try:
        asked = known[text] if text in known else date.fromisoformat(text)
    except ValueError:
        message = f"flag --date: '{visible(text)}' is not today, yesterday or a day such as 2026-02-19"
        raise UsageRefused(message, next_command=_EXAMPLE) from None
    phase = f"the phase goes from {settings.phase_start} to {settings.phase_end}"
    if asked < settings.phase_start:
        raise UsageRefused(f"flag --date: {asked} lies before the phase", notes=(phase,), next_command=_EXAMPLE)
    if asked > today:
        message = f"flag --date: {asked} lies in the future; today is {today} (UTC)"
        raise UsageRefused(message, notes=(phase,), next_command=_EXAMPLE)
    return asked


def _composed(day: "Day") -> str:
    from genesis_ops.collect.known_secrets import known_secrets
    from genesis_ops.keep.clean import Cleaner, cleaned
    from genesis_ops.keep.summary import composed, template_in_force

    settings = day.evidence.settings
    known = known_secrets(settings)
    clean = Cleaner(known.secrets)  # what is cut before it is clean can hold half a secret
    evidence = day.evidence._replace(preflight=clean.facts(day.evidence.preflight))
    return composed(
        evidence, clean.facts(day.report), template_in_force(settings), lambda text: cleaned(text, known, "the summary")
    )


def _kept(settings: "Settings", day: "Day", output: Format, *, quiet: bool) -> "Report":
    """Write the file, and print the report whatever becomes of that.

    Raises:
        GenesisError: the file was not written.
    """
    from genesis_ops.keep.summary import keep

    path = settings.summary_file(day.evidence.date)
    failure: GenesisError | None = None
    try:
        keep(path, _composed(day))
    except GenesisError as error:
        failure = error
    closing = "summary: not written" if failure else f"summary: {settings.shown(path)}"
    report = day.report._replace(closing=closing, overruled=None if failure is None else failure.exit_code)
    show(report, output, quiet=quiet)
    if failure is not None and output is not Format.NAGIOS:
        raise failure
    if failure is not None:
        typer.echo(f"genesis-ops: {visible(failure.message)}", err=True)
    return report


def _told(report: "Report") -> str:
    from genesis_ops.report.sentence import ending, sentence

    return f"{report.command} {report.subject}: {report.verdict}, {sentence(report)}, {ending(report)}"


class _Ended:
    """How the command ended, as a switch is to hear it; an error that nobody foresaw is no success."""

    def __init__(self) -> None:
        self.verdict = "daily-summary ended with an error"
        self.well = False

    def __call__(self, verdict: str, code: int) -> None:
        """Take the verdict; only an exit code of 0 is a success."""
        self.verdict, self.well = verdict, code == Exit.PASS


@contextmanager
def _watched(url: str | None) -> Iterator[_Ended]:
    """Tell a dead-man's switch of the start and, whatever happens, of the end."""
    ended = _Ended()
    if url is None:
        yield ended
        return
    from genesis_ops.clients.ping import Ping
    from genesis_ops.collect.where import ended_by_term

    switch = Ping(url, lambda line: typer.echo(f"genesis-ops: {line}", err=True))
    with ended_by_term():
        try:
            switch.start()
            yield ended
        finally:
            (switch.success if ended.well else switch.fail)(ended.verdict)
