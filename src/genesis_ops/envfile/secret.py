"""A text that does not print itself."""

_MASK = "***"


class Secret:
    """A value that shows ``***`` wherever it is printed, formatted or logged; ``reveal`` gives the text."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Give the text itself, for the one place that needs it."""
        return self._text

    def __repr__(self) -> str:
        return _MASK

    def __format__(self, specification: str) -> str:
        return format(_MASK, specification)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._text == other._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __reduce__(self) -> str:
        raise TypeError("a secret is not written anywhere")
