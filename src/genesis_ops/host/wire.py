"""Named tuples as JSON and back: what comes from outside has every field, of its type, or is refused."""

import types
from collections.abc import Mapping
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

T = TypeVar("T")
_TOO_LARGE = 1 << 53
"""What JSON's readers agree on ends here (RFC 8259); no number at all is beyond it, too."""


def document(value: Any) -> Any:
    """Give what JSON can hold; a field whose name Python keeps for itself (``from_``) loses its last sign."""
    if hasattr(value, "_asdict"):
        return {name.rstrip("_"): document(each) for name, each in value._asdict().items()}
    return [document(each) for each in value] if isinstance(value, tuple) else value


def read(kind: type[T], found: Any) -> T:
    """Make a named tuple of a JSON object.

    Raises:
        ValueError: a field is missing or foreign, or not of its type.
    """
    made: T = _read(kind, found, kind.__name__)
    return made


def _read(kind: Any, found: Any, where: str) -> Any:
    if get_origin(kind) is tuple:
        return _tuple(get_args(kind), found, where)
    if get_origin(kind) is types.UnionType:  # a value or nothing
        return None if found is None else _read(get_args(kind)[0], found, where)
    if hasattr(kind, "_fields"):
        return _record(kind, found, where)
    if type(found) is not kind or (kind in {int, float} and not abs(found) < _TOO_LARGE):
        raise _unfit(f"{where} is not {kind.__name__}")
    return found


def _tuple(kinds: tuple[Any, ...], found: Any, where: str) -> tuple[Any, ...]:
    if not isinstance(found, list):
        raise _unfit(f"{where} is not a list")
    each = kinds[:1] * len(found) if kinds[-1] is Ellipsis else kinds
    if len(each) != len(found):
        raise _unfit(f"{where} has not {len(each)} members")
    return tuple(_read(kind, member, where) for kind, member in zip(each, found, strict=True))


def _record(kind: Any, found: Any, where: str) -> Any:
    if not isinstance(found, Mapping):
        raise _unfit(f"{where} is not an object")
    kinds = {name.rstrip("_"): each for name, each in get_type_hints(kind).items() if name in kind._fields}
    if missing := kinds.keys() ^ found.keys():
        raise _unfit(f"{where} and {', '.join(sorted(map(str, missing)))} do not fit each other")
    return kind(*(_read(each, found[name], f"{where}.{name}") for name, each in kinds.items()))


def _unfit(why: str) -> ValueError:
    return ValueError(why)
