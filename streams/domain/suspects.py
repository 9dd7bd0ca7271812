"""Failed first attempts that are not believed (kpis 2.3, 2.12 T5, L5).

Pure over the order's own events and what couriers' positions and shifts answered; `asks` says
which of those answers an order needs.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from models.base import Millis
from streams.domain.arrivals import Arrived
from streams.domain.attempts import Attempt
from streams.domain.geo import metres_between
from streams.domain.presence import EVIDENCE_MS, Presence, Question
from streams.domain.promises import place
from streams.domain.tracking import Track
from streams.domain.zones import day_bounds, instant, local_day, zone

if TYPE_CHECKING:
    from models.events import Fix
    from streams.domain.order import Order

Answers = Mapping[Question, Presence]

FAR_M = 150.0  # a scan farther from the door than this, or than
FAR_ACCURACIES = 3  # so many times its own accuracy, was not made there


class Suspicion(NamedTuple):
    """Why an attempt is not believed: the rule in words, and the order's events it rests on.

    `metres` is how far from the door the attempt was recorded, where that decided, `allowed`
    how far it may be.
    """

    rule: str
    because: tuple[Arrived, ...]
    metres: float | None = None
    allowed: float | None = None


def suspicion(track: Track, answers: Answers) -> Suspicion | None:
    """Return why the first attempt is suspect; None if it is not, or did not fail."""
    first = track.attempts.first
    if first is None or first.succeeded:
        return None
    if first.undone_by is not None:
        return Suspicion("the delivery was void", (first.by, first.undone_by))
    distance = _distance(first, track)
    if distance is not None:
        metres, allowed = distance
        if metres > allowed:
            return Suspicion("recorded far from the door", (first.by,), metres, allowed)
        return None
    if not answers or _was_at_door(first, track):
        return None
    question = _question(first, track)
    answer = None if question is None else answers.get(question)
    if answer is None:
        return None
    if answer.near is False:
        return Suspicion("the courier's positions were not at the door", (first.by,))
    if answer.on_shift is False:
        return Suspicion("outside the courier's shift", (first.by,))
    return None


def asks(order: "Order") -> list[Question]:
    """Return what only the courier's positions and shifts can answer, mostly nothing.

    What is frozen at maturity may ask the same, but of what was received by then (L2).
    """
    asked, frozen = _asked(order.track), order.frozen
    if asked is None and frozen is order.track:
        return []
    wanted = [] if asked is None else [asked]
    if frozen is not order.track:
        asked = _asked(frozen)
    if asked is not None:
        wanted.append(_by_maturity(asked, order.matures_at))
    return list(dict.fromkeys(wanted))


def frozen_answers(answers: Answers, mature: Millis | None) -> Answers:
    """Return what was answered by maturity, as answers to the questions of any time."""
    return {
        whole: answer
        for question, answer in answers.items()
        if _by_maturity(whole := question._replace(known_by=_last_word(question.until)), mature)
        == question
    }


def _by_maturity(question: Question, mature: Millis | None) -> Question:
    if mature is None or mature >= question.known_by:
        return question
    return question._replace(known_by=mature)


def _last_word(until: Millis) -> Millis:
    """Return the last receipt that says something about a local day."""
    return until + EVIDENCE_MS - 1


def _asked(track: Track) -> Question | None:
    first = track.attempts.first
    if first is None or first.succeeded or first.undone_by is not None:
        return None
    if _distance(first, track) is not None or _was_at_door(first, track):
        return None
    return _question(first, track)


def _distance(first: Attempt, track: Track) -> tuple[float, float] | None:
    """Return how far from the door the attempt was recorded, and how far is allowed, metres.

    None if nobody knows: few kinds of events have a position.
    """
    position: Fix | None = getattr(first.by.event, "position", None)
    door = track.destination
    if position is None or door is None:
        return None
    metres = metres_between(position.lat, position.lon, door.lat, door.lon)
    return metres, max(FAR_M, FAR_ACCURACIES * (position.accuracy_m or 0.0))


def _was_at_door(first: Attempt, track: Track) -> bool:
    """Tell whether a courier arrived at the door on the local day of the attempt."""
    if not track.doors:
        return False
    since, until = _day(first.at, track)
    return any(since <= at < until for at in track.doors)


def _question(first: Attempt, track: Track) -> Question | None:
    if first.courier is None:
        return None
    since, until = _day(first.at, track)
    known_by = _last_word(until)
    if first.by.received_at > known_by:
        return None  # nobody remembers that day any more
    door = track.destination if track.door_known_at <= known_by else None
    lat, lon = (None, None) if door is None else (door.lat, door.lon)
    return Question(first.courier, since, until, first.at, lat, lon, known_by)


def _day(at: Millis, track: Track) -> tuple[Millis, Millis]:
    """Return the bounds of a local day by the zones of P3; without any promise UTC's."""
    tolerance = track.judgement.tolerance(track.carrier)
    if track.original is not None:
        where = place(track.original, track.timezone, tolerance)
    else:
        where = zone(track.timezone or tolerance.timezone or "UTC")
    since, _, until = day_bounds(local_day(instant(at), where), where, "24:00")
    return since, until
