"""The instants where a verdict may turn, and how to say them without rounding.

A boundary belongs to one side: what happens a thousandth of a second beyond it is told as
after (or before) the boundary, and by more than the span up to it.
"""

from collections.abc import Iterator

from models.base import Millis
from streams.domain.arrivals import Arrived
from streams.domain.promises import Resolved
from streams.wording import Face, exactly

_LAST_MS = 999  # of a second: what is due until then is due before the next second


def marks(event: Arrived, promise: Resolved) -> Iterator[tuple[Millis, str]]:
    """Yield the instants where a verdict may turn, and on which side of a boundary they lie."""
    if event.event.kind != "cancelled":
        yield promise.last_good, "by"
        yield promise.late_from, "after"
        if promise.first_good is not None:
            yield promise.first_good, "from"
            yield promise.first_good - 1, "before"
    yield promise.deadline, "from"
    yield promise.deadline - 1, "before"


def shifted(was: Millis, at: Millis, word: str) -> str:
    """Return how far an event is moved, exactly: beyond a boundary it is more than up to it."""
    far = "earlier" if at < was else "later"
    mark = _boundary(word, at)
    if mark == at:
        return f"{exactly(at - was)} {far}"
    return f"more than {exactly(mark - was)} {far}" if mark != was else f"any {far}"


def _boundary(word: str, at: Millis) -> Millis:
    """Return the boundary that an instant lies at, or a thousandth of a second beside."""
    if word == "after":
        return at - 1 if at % 1_000 else at
    last = word == "by" and at % 1_000 == _LAST_MS
    return at + 1 if word == "before" or last else at


def bound(word: str, at: Millis, face: Face) -> str:
    """Say a boundary: what is due by 23:59:59.999 is due before midnight."""
    mark = _boundary(word, at)
    if word == "by" and mark != at:
        word = "before"
    if word == "after" and mark == at:
        word = "from"
    said = face.words(mark)
    return f"{word} midnight, {said}" if " 00:00 " in said else f"{word} {said}"
