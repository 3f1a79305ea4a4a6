"""What a host exports of each of its runners: the same looks as status, stop-check and preflight take, once each.

The abort conditions are those that hold since an operator last resumed the phase, as ``--enforce`` takes them: one
that is known must not hide the next.
"""

import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from genesis_ops.checks.model import Report
from genesis_ops.checks.preflight import preflight
from genesis_ops.clients.clock import Clock
from genesis_ops.collect import host, status
from genesis_ops.collect.judgement import (
    Asked,
    day_zero_ms,
    has_begun,
    judge_stop,
    last_resume_ms,
    phase_end_ms,
)
from genesis_ops.collect.where import source
from genesis_ops.errors import GenesisError
from genesis_ops.report.metrics import SOURCES, Counted, Export
from genesis_ops.runlog.events import Evaluation
from genesis_ops.runlog.files import log_files
from genesis_ops.settings import Settings, load

T = TypeVar("T")
Told = Callable[[str], None]
"""Tells a person what could not be looked at."""

RUNNERS = Path("config", "runners")
"""Where a root has the settings of further runners, a file each."""


def exports(own: Settings, environ: Mapping[str, str], clock: Clock, told: Told) -> tuple[Export, ...]:
    """Look at every runner of a root: each that has settings of its own, and the root's own if that has ever run."""
    wanted: dict[str, Settings | None] = {}
    for path in further(own.root):
        settings = _filed(own.root, path, environ, told)
        market = path.stem.replace("-", " ") if settings is None else _market(settings)
        wanted[path.stem if market in wanted else market] = settings  # a series that came twice would spoil the file
    if not wanted or (_market(own) not in wanted and _has_run(own.log_dir)):
        wanted[_market(own)] = own
    with ThreadPoolExecutor(len(wanted)) as at_once:  # a dead server lets each of them wait
        return tuple(at_once.map(lambda name: _named(name, wanted[name], clock, told), wanted))


def _market(settings: Settings) -> str:
    return f"{settings.symbol} {settings.timeframe}"


def _has_run(log_dir: Path) -> bool:
    """Tell whether a runner has ever been there; where nobody can tell, it has: its series must not just end."""
    try:
        return any(name.startswith("runner") for name in os.listdir(log_dir))  # noqa: PTH208 - names only
    except OSError:
        return True


def further(root: Path) -> tuple[Path, ...]:
    """Name the settings files of the runners that have one of their own."""
    return tuple(sorted((root / RUNNERS).glob("*.toml")))


def _filed(root: Path, path: Path, environ: Mapping[str, str], told: Told) -> Settings | None:
    name = path.stem.replace("-", " ")
    return _tried(f"{name}: settings", lambda: load({"root": root}, environ, path).settings, told)


def _named(name: str, settings: Settings | None, clock: Clock, told: Told) -> Export:
    if settings is None:
        return Export(name, clock.now_ms(), frozenset(SOURCES))
    return export(settings, clock, told)._replace(market=name)


def export(settings: Settings, clock: Clock, told: Told) -> Export:
    """Look at one runner; what cannot be looked at is named, and hides nothing else."""
    market, now_ms = _market(settings), clock.now_ms()
    seen = _tried(f"{market}: status", lambda: status.look(settings, clock), told)
    stop = _tried(f"{market}: stop-check", lambda: _standing(settings, now_ms), told)
    ready = _tried(f"{market}: preflight", lambda: preflight(host.look(settings, clock)), told)
    found = {"status": seen, "stop-check": stop, "preflight": ready}
    return Export(
        market,
        now_ms,
        frozenset(name for name, made in found.items() if made is None),
        _running(settings, now_ms),
        seen,
        tuple(filter(None, (None if stop is None else stop[0], ready))),
        None if stop is None else stop[1],
    )


def _running(settings: Settings, now_ms: int) -> bool | None:
    """Tell whether the phase goes on; None on a Day 0 whose log is hidden from this user: it may have begun."""
    if has_begun(settings, now_ms):
        return now_ms < phase_end_ms(settings)
    return None if now_ms >= day_zero_ms(settings) and _is_hidden(settings.log_dir) else False


def _is_hidden(log_dir: Path) -> bool:
    try:
        return any(not os.access(file.path, os.R_OK) for file in log_files(log_dir))
    except NotADirectoryError:
        return False
    except OSError:
        return True


def _standing(settings: Settings, now_ms: int) -> tuple[Report, Counted]:
    """Judge by the abort conditions, and count, from the last resume on."""
    with source(settings, None) as where:
        start_ms = max(day_zero_ms(settings), last_resume_ms(where.log_dir, now_ms) or 0)
        end_ms = min(now_ms, max(start_ms, phase_end_ms(settings)))
        report, evidence = judge_stop(settings, where, Asked(start_ms, end_ms, now_ms))
    closes = evidence.log.closes
    asked = sum(isinstance(line.event, Evaluation) for close in closes for line in close.evaluations)
    return report, Counted(len({close.ts for close in closes}), asked)


def _tried(what: str, look: Callable[[], T], told: Told) -> T | None:
    try:
        return look()
    except GenesisError as error:
        told(f"{what}: {error.message}")
    except Exception as error:  # noqa: BLE001 - a defect in one look must not hide what the others see
        told(f"{what}: {type(error).__name__}: {error}")
    return None
