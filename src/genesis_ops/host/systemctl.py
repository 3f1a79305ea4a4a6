"""What this host's systemd is told to do, and what it says of itself in UTC."""

from collections.abc import Sequence
from typing import NamedTuple

from genesis_ops.clients.machine_program import ask
from genesis_ops.errors import Unreachable
from genesis_ops.words import visible

_ENVIRONMENT = {"SYSTEMD_COLORS": "0", "SYSTEMD_PAGER": "", "TZ": "UTC"}
_WITHOUT_SYSTEMD = ("has not been booted with systemd", "Failed to connect to bus")
_SECONDS = 60.0


class Answer(NamedTuple):
    """What systemd said, or why it did not; ``absent`` is whether there is none here."""

    out: str = ""
    trouble: str = ""
    absent: bool = False


def systemctl(*words: str) -> Answer:
    """Have systemd do or tell something, within a minute."""
    said = ask(("systemctl", *words), _SECONDS, _ENVIRONMENT)
    if said.trouble:
        return Answer(trouble=said.trouble, absent=said.absent)
    if said.code:
        why = visible(f"systemctl {words[0]} ended with {said.code}: {said.first_words}")
        return Answer(trouble=why, absent=any(sign in why for sign in _WITHOUT_SYSTEMD))
    return Answer(said.out.decode("utf-8", "backslashreplace"))


def require(*words: str) -> str:
    """Have systemd do something.

    Raises:
        Unreachable: it did not.
    """
    answer = systemctl(*words)
    if answer.trouble:
        raise Unreachable(answer.trouble, next_command="systemctl status --no-pager")
    return answer.out


def shown(properties: Sequence[str], units: Sequence[str]) -> tuple[dict[str, dict[str, str]], Answer]:
    """Give properties of units by the units' names, and the answer itself for who asks why there are none."""
    wanted = ",".join(dict.fromkeys(("Id", *properties)))
    answer = systemctl("show", "--no-pager", f"--property={wanted}", "--", *units) if units else Answer()
    blocks = (block.splitlines() for block in answer.out.split("\n\n"))
    found = [{name: value for name, _, value in (line.partition("=") for line in block)} for block in blocks]
    return {each["Id"]: each for each in found if "Id" in each}, answer
