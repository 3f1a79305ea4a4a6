"""What must be in order before a runner starts; each refusal says what to type next."""

import json
import os
import shlex

from genesis_ops.errors import Refused, typed
from genesis_ops.settings import Settings
from genesis_ops.state.latch import Latch, read_latch

_USUAL_LOG_DIR = "logs/paper_trading"


def require_champion(settings: Settings) -> None:
    """Make sure that the champion's file is there and holds ``merged_config`` (runbook, Prerequisites).

    Raises:
        Refused: it is absent, unreadable, no JSON object, or without that key.
    """
    path, shown = settings.champion_file, settings.shown(settings.champion_file)
    try:
        champion = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise _no_champion(settings, f"there is no champion {shown}") from None
    except OSError as error:
        raise _no_champion(settings, f"the champion {shown} cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise _no_champion(settings, f"the champion {shown} is not JSON: {error}") from None
    if not isinstance(champion, dict) or not isinstance(champion.get("merged_config"), dict):
        raise _no_champion(settings, f"the champion {shown} holds no merged_config")


def _no_champion(settings: Settings, message: str) -> Refused:
    folder = settings.champion_file.parent
    others = sorted(p.name for p in folder.glob("*.json")) if folder.is_dir() else []
    notes = (f"the folder holds {', '.join(others)}",) if others else (f"the root is {settings.root}",)
    return Refused(
        message, notes=notes, next_command=f"git -C {typed(settings.root)} status -- {settings.shown(folder)}"
    )


def require_environment_file(settings: Settings) -> None:
    """Make sure that ``.env``, if there is one, is a file, because systemd would start the API without its keys.

    Raises:
        Refused: it is a directory or something else that is not a file.
    """
    path = settings.root / ".env"
    if os.path.lexists(path) and not path.is_file():
        what = "a directory" if path.is_dir() else "not a regular file"
        raise Refused(f"{path} is {what}, so no key in it can be loaded", next_command=f"ls -ld {typed(path)}")


def require_no_latch(settings: Settings) -> None:
    """Make sure that nobody has stopped the phase (runbook, "STOP if FAIL").

    Raises:
        Refused: the stop latch is set, with each reason.
    """
    if (latch := read_latch(settings.log_dir)) is not None:
        raise stopped_by(latch, settings)


def stopped_by(latch: Latch, settings: Settings) -> Refused:
    """Say why nothing runs, and how a person who has looked into it allows it again."""
    shown = settings.shown(settings.log_dir)
    where = "" if shown == _USUAL_LOG_DIR else f" --log-dir {shlex.quote(shown)}"
    return Refused(
        "the stop latch is set: no runner starts until somebody clears it",
        notes=latch.lines(),
        next_command=f'genesis-ops resume{where} --reason "..."',
    )
