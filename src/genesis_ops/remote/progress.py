"""How far an operation on another host is, pure: one event after the other in, what is known out."""

from collections.abc import Mapping
from typing import NamedTuple

from genesis_ops.host.record import FAILED, Begun, End, Event, Evidence, Told, WayBack

Steps = tuple[tuple[str, str], ...]
"""Id and title of each step, in order."""


class Progress(NamedTuple):
    """What is known of an operation; ``told`` has the last word of each step, ``back`` those of the way back."""

    begun: Begun | None = None
    told: Mapping[str, Told] = {}
    way_back: WayBack | None = None
    back: Mapping[str, Told] = {}
    evidence: tuple[Evidence, ...] = ()
    end: End | None = None
    news: Event | None = None
    """What came last."""
    lost: str = ""
    """Why nothing more is heard at the moment; empty while the connection stands."""

    @property
    def steps(self) -> Steps:
        """The steps of the operation, the way back left aside."""
        return self.begun.steps if self.begun is not None else ()

    @property
    def failed(self) -> Told | None:
        """The step that failed first."""
        return next((told for told in self.told.values() if told.state == FAILED), None)

    def title(self, step: str, *, back: bool) -> str:
        """Name a step as its operation does."""
        named = dict(self.way_back.steps if back and self.way_back is not None else self.steps)
        return named.get(step, step)


def taken(progress: Progress, event: Event) -> Progress:
    """Add an event."""
    progress = progress._replace(news=event, lost="")
    if isinstance(event, Begun):
        return Progress(begun=event, news=event)
    if isinstance(event, WayBack):
        return progress._replace(way_back=event)
    if isinstance(event, Evidence):
        return progress._replace(evidence=(*progress.evidence, event))
    if isinstance(event, End):
        return progress._replace(end=event)
    if progress.way_back is not None:
        return progress._replace(back={**progress.back, event.id: event})
    return progress._replace(told={**progress.told, event.id: event})
