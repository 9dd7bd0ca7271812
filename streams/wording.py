"""Words for people: instants in an order's zone, durations, promises and what events say.

Nothing here decides anything; every text that came from outside is made printable, so that
it cannot steer a terminal.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any

from models.base import Millis, millis
from models.events import OrderEvent, Promise
from streams.domain.promises import Resolved
from streams.domain.zones import instant

_WHOLE = len("2026-03-03T12:00:00+01:00")
_SECOND = 1_000
_UNITS = ((86_400_000, "d"), (3_600_000, "h"), (60_000, "min"), (_SECOND, "s"), (1, "ms"))


def printable(text: str) -> str:
    """Return text with everything that does not print shown escaped."""
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode() for each in text
    )


def plain(code: str) -> str:
    """Return a code (`out_for_delivery`) as words."""
    return printable(code).replace("_", " ")


def readable(iso: str) -> str:
    """Return an instant of RFC 3339 for reading; seconds only where there are any."""
    clock = iso[11:-6].removesuffix(":00") if len(iso) == _WHOLE else iso[11:-6]
    return f"{datetime.fromisoformat(iso):%a} {iso[:10]} {clock} {iso[-6:]}"


def duration(span: Millis) -> str:
    """Return a span in its two largest units, without its sign: `1 h 5 min`, `30 s`."""
    if abs(span) < _SECOND:
        return f"{abs(span)} ms"
    return " ".join([part for part in _parts(span) if not part.endswith(" ms")][:2])


def exactly(span: Millis) -> str:
    """Return a span in all its units, without its sign: `1 d 18 h 45 min`."""
    return " ".join(_parts(span)) or "0 ms"


def _parts(span: Millis) -> list[str]:
    parts, left = [], abs(span)
    for unit, name in _UNITS:
        count, left = divmod(left, unit)
        if count:
            parts.append(f"{count} {name}")
    return parts


def signed(span: Millis) -> str:
    """Return a deviation in words, positive is late."""
    if span == 0:
        return "to the moment"
    return f"{duration(span)} {'late' if span > 0 else 'early'}"


def beside(at: Millis, mark: Millis, name: str) -> str:
    """Say where an instant lies in relation to a mark."""
    if at == mark:
        return f"exactly at {name}"
    return f"{duration(at - mark)} {'after' if at > mark else 'before'} {name}"


@dataclass(frozen=True, slots=True)
class Face:
    """The face of a clock in one zone; `name` says which zone and why this one."""

    where: tzinfo
    name: str

    def iso(self, at: Millis) -> str:
        """Return an instant as RFC 3339 with the zone's offset."""
        fine = "milliseconds" if at % 1_000 else "seconds"
        return instant(at).astimezone(self.where).isoformat(timespec=fine)

    def words(self, at: Millis) -> str:
        """Return an instant for reading: `Tue 2026-03-03 12:00 +01:00`."""
        return readable(self.iso(at))

    def day(self, at: Millis) -> str:
        """Return the local day of an instant: `Tue 2026-03-03`."""
        return f"{instant(at).astimezone(self.where):%a %Y-%m-%d}"

    def promised(self, promise: Resolved) -> str:
        """Return a resolved promise in words."""
        if promise.precision == "date":
            return f"the day {self.day(promise.end - 1)}, until {self.words(promise.end)}"
        return self.between(promise.start, promise.end)

    def between(self, start: Millis | None, end: Millis) -> str:
        """Return a window, or the instant by which something is due."""
        if start is None:
            return f"by {self.words(end)}"
        first, last = self.words(start), self.words(end)
        if (first[:14], first[-6:]) == (last[:14], last[-6:]):
            return f"{first[:-7]} to {last[15:]}"
        return f"{first} to {last}"


def says(event: OrderEvent, face: Face) -> str:
    """Return what an event says beside its kind; no coordinates and no comments."""
    tell = _SAYS.get(event.kind, _usual)
    return ", ".join(printable(part) for part in tell(event, face) if part)


# Each takes an event of its kind; parts that are empty are left out.
_Parts = list[str | None]


def _usual(event: Any, _: Face) -> _Parts:  # noqa: ANN401 - any event
    return [
        _own(event, "reason"),
        _own(event, "location"),
        _own(event, "by", "by "),
        _own(event, "courier_id", "courier "),
        _own(event, "raw_code", "code "),
    ]


def _own(event: Any, name: str, before: str = "") -> str | None:  # noqa: ANN401 - any event
    value = getattr(event, name, None)
    return None if value in (None, "") else f"{before}{value}"


def _promise_words(promise: Promise | None, face: Face) -> str:
    if promise is None:
        return "no promise"
    if promise.precision == "date":
        return f"the local day of {promise.end.isoformat()}"
    start = None if promise.start is None else millis(promise.start)
    return face.between(start, millis(promise.end))


def _promised(event: Any, face: Face) -> _Parts:  # noqa: ANN401 - by its kind
    return [
        event.carrier,
        _promise_words(event.promise, face),
        _own(event, "service", "service "),
        "a return" if event.direction == "return" else None,
    ]


def _changed(event: Any, face: Face) -> _Parts:  # noqa: ANN401 - by its kind
    return [_promise_words(event.promise, face), f"by {event.by}", event.reason]


def _eta(event: Any, face: Face) -> _Parts:  # noqa: ANN401 - by its kind
    between = None
    if event.eta_low is not None and event.eta_high is not None:
        between = face.between(millis(event.eta_low), millis(event.eta_high))
    return [f"expected {face.words(millis(event.eta))}", between, f"by {event.by}"]


def _out(event: Any, _: Face) -> _Parts:  # noqa: ANN401 - by its kind
    of = "" if event.stops is None else f" of {event.stops}"
    stop = None if event.stop is None else f"stop {event.stop}{of}"
    return [_own(event, "courier_id", "courier "), stop]


def _delivered(event: Any, _: Face) -> _Parts:  # noqa: ANN401 - by its kind
    agreed = {None: None, True: "as agreed", False: "not agreed"}[event.consented]
    return [
        None if event.to is None else f"to {plain(event.to)}",
        agreed,
        _own(event, "courier_id", "courier "),
    ]


def _withdrawn(event: Any, _: Face) -> _Parts:  # noqa: ANN401 - by its kind
    return [f"takes back {event.withdraws}"]


def _decided(event: Any, _: Face) -> _Parts:  # noqa: ANN401 - by its kind
    return [plain(event.verdict), f"by {event.by}", event.reason]


def _intervened(event: Any, _: Face) -> _Parts:  # noqa: ANN401 - by its kind
    return [event.action, f"by {event.by}", event.note]


_ANSWERS = (
    "csat", "nps", "ces", "courier_communication", "courier_professionalism", "parcel_care",
)  # fmt: skip


def _feedback(event: Any, _: Face) -> _Parts:  # noqa: ANN401 - by its kind
    given = [(name, getattr(event, name)) for name in _ANSWERS]
    answers = [f"{plain(name)} {value}" for name, value in given if value is not None]
    return [*answers, "with a comment" if event.comment else None]


def _asked(event: Any, _: Face) -> _Parts:  # noqa: ANN401 - by its kind
    return [plain(event.topic)]


_SAYS: dict[str, Callable[[Any, Face], _Parts]] = {
    "order_promised": _promised,
    "promise_changed": _changed,
    "eta_updated": _eta,
    "out_for_delivery": _out,
    "delivered": _delivered,
    "event_withdrawn": _withdrawn,
    "verdict_decided": _decided,
    "intervention_made": _intervened,
    "feedback_given": _feedback,
    "customer_asked": _asked,
}
