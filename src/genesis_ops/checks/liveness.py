"""Does a runner trade: its log, its verification, its heartbeat, its last words and its process (runbook Day 0 step 2).

Day 0 was lost to an API that answered with no runner behind it (blocker report), so each of them is asked for itself.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from shlex import quote

from genesis_ops.checks.host import Host
from genesis_ops.checks.journal import with_doubts
from genesis_ops.checks.limits import FUTURE_MS, HEARTBEAT_POLLS, STALE_SECONDS, heartbeat_limit, log_limit
from genesis_ops.checks.model import Outcome, Place, Result
from genesis_ops.clients.health import Answer
from genesis_ops.clients.process import Process, Trader
from genesis_ops.errors import typed
from genesis_ops.runlog.reader import Line, LogLine
from genesis_ops.state.hidden import HIDDEN, look_as_owner
from genesis_ops.words import Mode, clock_time, duration, stamp, visible

_VERIFIES_WITHIN_MS = 60_000
_OPENS_WITHIN_MS = 60_000
_WAIT = "genesis-ops preflight --wait 3m"
_BLOCKER = "the API answers, but no process trades"


def runner_log(host: Host) -> Result:
    """Ask whether the log grows, by the time of its own newest line."""
    log, shown = host.log, visible(host.settings.shown(host.settings.log_dir))
    if log.newest is None:
        if log.trouble:
            return Result(Outcome.UNKNOWN, log.trouble, remedy=f"ls -l {typed(host.settings.log_dir)}")
        return Result(Outcome.FAIL, _blocked(host, f"there is no runner log in {shown}"), remedy=_remedy(host))
    age_ms = host.now_ms - log.newest_ms
    limit = log_limit(host.interval)
    if age_ms < -FUTURE_MS:
        detail = f"the newest line lies {duration(-age_ms / 1000)} in the future: a clock was set, or is wrong"
        return Result(Outcome.FAIL, detail, age_ms // 1000, limit, (log.newest,), "timedatectl status")
    if age_ms > limit * 1000:
        return _silent(host, log.newest, age_ms, limit)
    detail = f"last line {duration(age_ms / 1000)} ago, at {clock_time(log.newest_ms)}"
    if zone := _zone(host):
        remedy = "stop the runner and start it with TZ=UTC, or run genesis-ops run, which always writes UTC"
        return Result(Outcome.WARN, f"{detail}{zone}", age_ms // 1000, limit, (log.newest,), remedy)
    return Result(Outcome.PASS, detail, age_ms // 1000, limit)


def _zone(host: Host) -> str:
    """Say how far a log in local time is from UTC (contract §9); empty for one that is in UTC."""
    minutes = 0 if host.log.run is None else host.log.run.zone_minutes
    if not minutes:
        return ""
    return f"; written in local time, {duration(abs(minutes) * 60)} {'ahead of' if minutes > 0 else 'behind'} UTC"


def _silent(host: Host, newest: LogLine, age_ms: int, limit: int) -> Result:
    log = host.log
    detail = f"silent for {duration(age_ms / 1000)}, since {stamp(log.newest_ms)}{_zone(host)}"
    if log.written_ms is not None and abs(log.written_ms - log.newest_ms) > STALE_SECONDS * 1000:
        detail += f", though the file was written at {stamp(log.written_ms)}"
    writers = [trader.process for trader in host.traders if trader.writes]
    evidence: tuple[Line | Place, ...] = (newest, *_processes(host, writers, "has it open for writing:"))
    if not writers:
        detail += "; nobody seen has it open"
    sure = writers or [trader.process for trader in host.traders if trader.here]
    hidden = [trader.process for trader in host.traders if trader.here is None]
    if sure:
        remedy = f"kill -TERM {sure[0].pid}      then: {_run(host)}"
    else:
        remedy = _as_its_user(hidden) if hidden else _remedy(host)
    return Result(Outcome.FAIL, _blocked(host, detail), age_ms // 1000, limit, evidence, remedy)


def _blocked(host: Host, detail: str) -> str:
    """Say it in plain words where the blocker of day 0 is back."""
    somebody = _starting(host) or any(trader.here is not False for trader in host.traders)
    alone = host.health.answer is Answer.OK and not somebody
    return f"{_BLOCKER}: {detail}" if alone else detail


def _remedy(host: Host) -> str:
    if host.latch is not None and not host.latch.hidden:
        return 'genesis-ops resume --reason "..."      and then genesis-ops run'
    return f"{_run(host)}      or: sudo systemctl start genesis-runner"


def _run(host: Host) -> str:
    """Name the command that starts a runner in the mode of the last one, or dry where there was none."""
    run = host.log.run
    return f"genesis-ops run --{Mode.DRY_RUN if run is None or run.mode is None else run.mode}"


def _processes(host: Host, processes: Iterable[Process], lead: str) -> tuple[Place, ...]:
    where = visible(host.settings.shown(host.settings.log_dir))
    return tuple(Place(where, 0, f"{lead} {process.told()}") for process in processes)


def champion_verified(host: Host) -> Result:
    """Ask whether the newest run has verified at its own start that the champion would trade."""
    run = host.log.run
    if run is None:
        return Result(Outcome.UNKNOWN, "no run in the log, so nothing has verified the champion", remedy=_remedy(host))
    if run.not_loaded:
        detail = f"the fallback would trade: {_message(run.not_loaded[0].text)}"
        remedy = f"head -c 300 {typed(host.settings.champion_file)}      then restart the API, then the runner"
        return Result(Outcome.FAIL, detail, "not loaded", "verified", run.not_loaded, remedy)
    if run.verified is not None:
        over = "" if run.ended is None else ", by a run that has ended"
        detail = f"verified at {stamp(host.log.utc(run.verified))}{over}"
        return Result(Outcome.PASS, detail, "verified", "verified")
    since_ms = host.now_ms - host.log.utc(run.started)
    if since_ms <= _VERIFIES_WITHIN_MS and run.ended is None:
        detail = f"still verifying, {duration(since_ms / 1000)} after the start"
        return Result(
            Outcome.UNKNOWN, detail, "verifying", "verified", (run.started,), "genesis-ops preflight --wait 3m"
        )
    detail = f"not verified {duration(since_ms / 1000)} after the start"
    evidence = (run.started,) if host.log.newest is None else (run.started, host.log.newest)
    return Result(Outcome.FAIL, detail, "verifying", "verified", evidence, "see runner-log, api-health and clock")


def _message(line: str) -> str:
    return visible(line.split(" - ", 3)[-1])


def state_heartbeat(host: Host) -> Result:
    """Ask whether the state's heartbeat is younger than three of its turns."""
    state, shown = host.state, visible(host.settings.shown(host.settings.state_file))
    limit = heartbeat_limit(host.interval)
    if state.fault.endswith(HIDDEN):
        remedy = look_as_owner("preflight", host.settings.state_file)
        return Result(Outcome.UNKNOWN, state.fault, "hidden", limit, remedy=remedy)
    if state.fault:
        remedy = "genesis-ops stop-check      never delete it: a runner without it would trade its last candle again"
        return Result(Outcome.FAIL, state.fault, "unreadable", limit, remedy=remedy)
    beat_ms = None if state.heartbeat is None else _ms(state.heartbeat)
    if beat_ms is not None and host.now_ms - beat_ms <= limit * 1000:
        return _fresh(host, beat_ms, limit)
    if age := _young(host, limit):
        detail = f"no heartbeat of this run yet, {age} after its start; the first comes after {HEARTBEAT_POLLS} polls"
        return Result(Outcome.UNKNOWN, detail, None, limit, remedy="genesis-ops preflight --wait 3m")
    if beat_ms is None:
        detail = f"{shown} has never seen a heartbeat" if state.present else f"there is no {shown}"
        return Result(Outcome.FAIL, detail, None, limit, remedy=_remedy(host))
    age_seconds = (host.now_ms - beat_ms) // 1000
    detail = f"last heartbeat {duration(age_seconds)} ago, at {stamp(beat_ms)}; it may be {duration(limit)} old"
    return Result(Outcome.FAIL, detail, age_seconds, limit, _state_evidence(host), _remedy(host))


def _fresh(host: Host, beat_ms: int, limit: int) -> Result:
    age_ms = host.now_ms - beat_ms
    if age_ms < -FUTURE_MS:
        detail = f"the last heartbeat lies {duration(-age_ms / 1000)} in the future"
        return Result(Outcome.FAIL, detail, age_ms // 1000, limit, _state_evidence(host), "timedatectl status")
    detail = f"last heartbeat {duration(age_ms / 1000)} ago, at {stamp(beat_ms)}"
    return Result(Outcome.PASS, detail, age_ms // 1000, limit)


def _state_evidence(host: Host) -> tuple[Place, ...]:
    return (Place(host.settings.shown(host.settings.state_file), 0, f"last_heartbeat: {host.state.heartbeat}"),)


def _young(host: Host, limit: int) -> str:
    """Tell the age of a living run that cannot have written its first heartbeat yet; empty for any other."""
    run = host.log.run
    if run is None or run.ended is not None or run.fatal:
        return ""
    age_ms = host.now_ms - host.log.utc(run.started)
    return duration(age_ms / 1000) if 0 <= age_ms <= limit * 1000 else ""


def _ms(text: str) -> int:
    at = datetime.fromisoformat(text)
    return int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1000)


def no_fatal(host: Host) -> Result:
    """Ask whether the newest run has met nothing that is fatal, and no order is in doubt, of whichever run it is."""
    return with_doubts(_nothing_fatal(host), host.orders)


def _nothing_fatal(host: Host) -> Result:
    run, former = host.log.run, host.log.former
    if run is None:
        return Result(Outcome.UNKNOWN, "no run in the log, so there is nothing to look through", remedy=_remedy(host))
    if run.fatal:
        detail = f"{len(run.fatal)} fatal since {stamp(host.log.utc(run.started))}: {_message(run.fatal[0].text)}"
        remedy = "genesis-ops stop-check      mend the cause before the next start (runbook: FATAL Errors in Log)"
        return Result(Outcome.FAIL, detail, len(run.fatal), 0, run.fatal, remedy)
    detail = f"none since {stamp(host.log.utc(run.started))}"
    if former is not None and former.fatal:
        detail += f"; the run before ended with {_message(former.fatal[-1].text)}"
    return Result(Outcome.PASS, detail, 0, 0)


def runner_process(host: Host) -> Result:
    """Ask whether exactly one process trades into this log; where none does, since when and how it ended."""
    sure = [trader for trader in host.traders if trader.here]
    hidden = [trader for trader in host.traders if trader.here is None]
    if len(sure) > 1:
        evidence = _processes(host, (trader.process for trader in sure), "writes here:")
        newest = max(sure, key=lambda trader: trader.process.since_ms or 0)
        remedy = f"kill -TERM {newest.process.pid}      one market has one runner"
        return Result(Outcome.FAIL, f"{len(sure)} processes trade into one log", len(sure), 1, evidence, remedy)
    if hidden:
        return _unseen(host, sure, hidden)
    if starting := _starting(host):
        evidence = _processes(host, starting, "starts:")
        detail = f"starting: {starting[0].told()} has not opened its log yet"
        return Result(Outcome.UNKNOWN, detail, None, 1, evidence, _WAIT)
    if sure:
        run = host.log.run
        mode = "" if run is None or run.mode is None or run.ended is not None else f"{run.mode}, "
        return Result(Outcome.PASS, f"{mode}{sure[0].process.told()}", 1, 1)
    strangers = _processes(host, (trader.process for trader in host.traders), "trades elsewhere:")
    detail, evidence = _gone(host)
    if host.health.answer is Answer.OK:
        detail = f"{_BLOCKER}: {detail}"
    return Result(Outcome.FAIL, detail, 0, 1, (*evidence, *strangers), _remedy(host))


def _unseen(host: Host, sure: Sequence[Trader], hidden: Sequence[Trader]) -> Result:
    """Leave open what runners do whose files this user may not see; a young one may still name itself in a lock."""
    seen = [trader.process for trader in (*sure, *hidden)]
    evidence, count = _processes(host, seen, "may trade here:"), len(seen)
    if count > 1:
        detail = f"{count} runners on this host, and this user cannot see what they write"
    else:
        detail = f"a runner that may belong to another root: {seen[0].told()}; cannot see its files: run as that user"
    young = not sure and all(_young_process(host, trader.process) for trader in hidden)
    return Result(Outcome.UNKNOWN, detail, None if young else count, 1, evidence, _as_its_user(seen))


def _as_its_user(processes: Sequence[Process]) -> str:
    """Name the command that sees what these processes write: as their user, or as root where they have several."""
    users = {process.user for process in processes}
    name = users.pop() if len(users) == 1 else ""
    return f"sudo -u {quote(name)} genesis-ops preflight" if name else "sudo genesis-ops preflight"


def _starting(host: Host) -> list[Process]:
    """Find this root's own runners in the moment between their start and their log."""
    return [
        trader.process
        for trader in host.traders
        if trader.here is False and trader.named and _young_process(host, trader.process)
    ]


def _young_process(host: Host, process: Process) -> bool:
    return process.since_ms is None or abs(host.now_ms - process.since_ms) <= _OPENS_WITHIN_MS


def _gone(host: Host) -> tuple[str, tuple[Place, ...]]:
    """Say since when no runner runs, and how the last one ended."""
    run, newest, newest_ms = host.log.run, host.log.newest, host.log.newest_ms
    if newest is None:
        return "no runner process, and no log that there ever was one", ()
    line = newest if run is None else run.fatal[-1] if run.fatal else run.ended or newest
    place = Place(host.settings.shown(line.file.path), line.number, line.text)
    spoke = run is not None and (run.fatal or run.ended is not None)
    how = f"it ended with {_message(line.text)}" if spoke else "it ended without a word: killed, or the host went down"
    return f"no runner process since {stamp(newest_ms)} at the latest; {how}", (place,)
