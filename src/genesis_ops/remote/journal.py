"""A line of the journal there, shortened to its time and what was said."""

import re

_LINE = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)\S* \S+ [^\s:]+: (.*)")  # journalctl -o short-iso


def readable(line: str) -> str:
    """Leave out host and process, which are known; any other line stays as it is."""
    found = _LINE.fullmatch(line)
    return f"{found[1]} {found[2]}  {found[3]}" if found else line
