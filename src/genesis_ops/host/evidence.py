"""What shows why a step failed: its own words, the last lines of the units' journals, and what the API says."""

import json
from collections.abc import Iterator
from typing import Any

from genesis_ops.clients.health import health_of
from genesis_ops.clients.plain import NoReply, Question
from genesis_ops.clients.units import UNITS, last_lines
from genesis_ops.durable import read_whole
from genesis_ops.host.execute import Ended
from genesis_ops.settings import Settings
from genesis_ops.words import visible

_LINES = 20
_WIDTH = 300
_DETAIL = 160
_HEALTH_SECONDS = 2.0
_MOST_BYTES = 1 << 20


class Clean:
    """Takes what is secret out of texts: what the root's ``.env`` files hold, and what looks like a key."""

    def __init__(self, settings: Settings) -> None:
        from genesis_ops.redact.scrub import Scrubber
        from genesis_ops.redact.secrets import secrets_in

        self._scrubber = Scrubber(secrets_in(_env_files(settings), []))

    def __call__(self, raw: bytes) -> bytes:
        """Give a text without what is secret."""
        self._scrubber.new_file()
        return self._scrubber.scrub(raw)


def told(ended: Ended) -> str:
    """Say in one line what a step came to."""
    if ended.trouble:
        return visible(ended.trouble)[:_DETAIL]
    if report := _report(ended.out):
        return " ".join([report[0], ", ".join(name for name, _ in report[1])]).strip()[:_DETAIL]
    said = _lines(ended.out) if ended.well else _lines(ended.err) or _lines(ended.out)
    line = (said[-1] if ended.well else said[0]) if said else ""
    return (line.removeprefix("genesis-ops: ") or ("" if ended.well else f"exit code {ended.code}"))[:_DETAIL]


def gathered(settings: Settings, step: str, ended: Ended | None, clean: Clean) -> Iterator[tuple[str, str]]:
    """Look at what may tell why a step failed, before the way back changes it; each with its name."""
    if ended is not None and (said := _said(ended)):
        yield f"{step}, its output", _last(clean(said))
    for unit in UNITS:
        lines, trouble = last_lines(unit, _LINES)
        yield f"{unit}, its last lines", _last(clean(lines.encode())) if not trouble else visible(trouble)
    yield "GET /health", _last(clean(health(settings.api_url)[1].encode()))


def health(api_url: str) -> tuple[bool, str]:
    """Ask the API how it is: whether well, and its reply or why there is none."""
    try:
        reply = Question(api_url, "/health", _HEALTH_SECONDS).answer()
    except NoReply as failure:
        return False, failure.message
    found = health_of(reply.status, reply.body)
    return found.answer == "ok", f"{found.answer}: {found.told}" if found.told else found.answer.value


def _env_files(settings: Settings) -> Iterator[bytes]:
    for path in sorted(settings.root.glob(".env*")):
        try:
            yield read_whole(path, _MOST_BYTES)
        except OSError:
            continue  # what this user may not read, the steps that it runs may not tell either


def _lines(raw: bytes) -> list[str]:
    lines = (visible(line.strip()) for line in raw.decode("utf-8", "backslashreplace").splitlines())
    return [line for line in lines if line]


def _last(raw: bytes) -> str:
    lines = raw.decode("utf-8", "backslashreplace").splitlines()
    return "\n".join(visible(line.rstrip())[:_WIDTH] for line in lines[-_LINES:])


def _said(ended: Ended) -> bytes:
    """Give what a step said: of a report the checks that are not PASS, of anything else all of it."""
    if report := _report(ended.out):
        return "\n".join(f"{name}: {detail}" for name, detail in report[1]).encode("utf-8", "backslashreplace")
    return ended.err + b"\n" + ended.out if ended.err else ended.out


def _report(out: bytes) -> tuple[str, list[tuple[str, str]]] | None:
    """Read a report that a step printed: its verdict, and the checks that are not PASS with what they say."""
    if not out.startswith(b"{"):
        return None
    try:
        found: Any = json.loads(out)
        poor = [check for check in found["checks"] if check["outcome"] in {"FAIL", "UNKNOWN", "WARN"}]
        told = [
            (visible(str(check["id"])), visible(f"{check['outcome']}  {check.get('detail', '')}")) for check in poor
        ]
        return visible(str(found["verdict"])), told
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
