"""A text from a template that a team may have written: rendered in a sandbox, its errors with line and column.

What is put in is Markdown already: every text is escaped on its way, so that no template has to think of it.
"""

import re
from collections.abc import Mapping, Sized
from types import TracebackType
from typing import TYPE_CHECKING, Any

from genesis_ops.report.markdown import escaped

if TYPE_CHECKING:
    from jinja2 import Environment
    from jinja2.runtime import Context

_LARGEST = 1 << 21
_TAG = re.compile(r"\{[{%].*?(?:[}%]\}|$)")
_AT = re.compile(r"unexpected char .* at (\d+)$")
_NAME = "<template>"
_ENDS = {"end of statement block": r"[-+]?%\}", "end of print statement": r"-?\}\}"}
"""What jinja calls the end of a tag, and how it is written."""


class Ready(str):
    """A text that is Markdown already, made by the house itself."""

    __slots__ = ()


class TemplateBroken(Exception):
    """A template cannot be read or filled in; line and column count from 1, and are None where nobody knows them."""

    def __init__(self, why: str, line: int | None = None, column: int | None = None) -> None:
        super().__init__(why)
        self.why = why
        self.line = line
        self.column = column


def rendered(source: str, facts: Mapping[str, Any]) -> str:
    """Fill in a template; every text among the facts is escaped unless it is ready.

    What it writes and what it multiplies is bounded; how long loops run that write nothing is not, and whoever waits
    for them can interrupt.

    Raises:
        TemplateBroken: the template is wrong, asks for what is not there, or writes or multiplies beyond all measure.
    """
    from jinja2 import TemplateError, TemplateSyntaxError

    environment = _environment()
    source = re.sub(r"\r\n?", "\n", source)
    try:
        return _collected(environment.from_string(source).generate(_ready(facts)))
    except TemplateSyntaxError as error:
        why = error.message or "a syntax error"
        raise TemplateBroken(_AT.sub(r"unexpected character", why), *_place(source, why, error.lineno)) from None
    except TemplateError as error:
        why = error.message or type(error).__name__
        raise TemplateBroken(why, *_place(source, why, _line_of(error.__traceback__))) from None
    except TemplateBroken as error:
        line = _line_of(error.__traceback__)
        raise TemplateBroken(error.why, *_place(source, error.why, line)) from None
    except Exception as error:  # noqa: BLE001 - a team's template can raise whatever an expression can
        why = f"{type(error).__name__}: {error}"
        raise TemplateBroken(why, *_place(source, why, _line_of(error.__traceback__))) from None


def _environment() -> "Environment":
    from jinja2 import StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    class Bounded(ImmutableSandboxedEnvironment):
        """A sandbox in which no product is larger than a whole summary may be."""

        intercepted_binops = frozenset(("*", "**"))

        def call_binop(self, context: "Context", operator: str, left: Any, right: Any) -> Any:
            if _is_huge(operator, left, right):
                raise TemplateBroken(f"'{operator}' would make more than {_LARGEST >> 20} MiB")
            return super().call_binop(context, operator, left, right)

    return Bounded(
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # that would be HTML's; the facts are escaped for Markdown
    )


def _is_huge(operator: str, left: Any, right: Any) -> bool:
    """Whether a product or a power of numbers, texts or lists would fill the memory."""
    sizes = [value.bit_length() if isinstance(value, int) else 0 for value in (left, right)]
    if operator == "**":
        return sizes[0] > 1 and isinstance(right, int) and sizes[0] * right > _LARGEST
    lengths = [(len(a), b) for a, b in ((left, right), (right, left)) if isinstance(a, Sized) and isinstance(b, int)]
    return sum(sizes) > _LARGEST or any(length * times > _LARGEST for length, times in lengths)


def _collected(pieces: Any) -> str:
    found: list[str] = []
    size = 0
    for piece in pieces:
        size += len(piece)
        if size > _LARGEST:
            raise TemplateBroken(f"it writes more than {_LARGEST >> 20} MiB; does a loop end?")
        found.append(piece)
    return "".join(found)


def _ready(value: Any) -> Any:
    """Escape every text in nested facts, keys aside, which are the house's own."""
    if isinstance(value, Ready):
        return str(value)
    if isinstance(value, str):
        return escaped(value)
    if isinstance(value, Mapping):
        return {name: _ready(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_ready(inner) for inner in value]
    return value


def _line_of(traceback: TracebackType | None) -> int | None:
    """Find the template's own line in a traceback, which jinja writes as if it were Python's."""
    line = None
    while traceback is not None:
        if traceback.tb_frame.f_code.co_filename == _NAME:
            line = traceback.tb_lineno
        traceback = traceback.tb_next
    return line


def _place(source: str, why: str, line: int | None) -> tuple[int | None, int | None]:
    """Find the column of what an error names: jinja tells the line alone."""
    if found := _AT.search(why):
        before = source[: int(found[1])]
        return before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1
    lines = source.split("\n")
    if "nd of template" in why:
        return len(lines), len(lines[-1]) + 1
    if line is None or not 1 <= line <= len(lines):
        return line, None
    text = lines[line - 1]
    tags = [(found.start(), found[0]) for found in _TAG.finditer(text)]
    for name in reversed(re.findall(r"'([^']+)'", why)):
        sign = _ENDS.get(name) or rf"(?<!\w){re.escape(name)}(?!\w)"
        for start, tag in tags or [(0, text)]:
            if found := re.search(sign, tag):
                return line, start + found.start() + 1
    return line, tags[0][0] + 1 if len(tags) == 1 else None
