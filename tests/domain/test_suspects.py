"""First attempts that are not believed: distance, then the door, positions, shifts (T5, L5)."""

from datetime import datetime
from math import pi
from typing import Any

import pytest

from models.base import millis
from models.rules import Rules
from streams.domain.geo import metres_between
from streams.domain.judgement import Judgement
from streams.domain.order import Order
from streams.domain.presence import Presence, Question
from streams.domain.suspects import asks, suspicion
from tests.domain.given import DAYS, JUDGEMENT, at, order_of
from tests.story import arrived, at_depot, delivered, failed, out, promised, turned

AFTERNOON = (300, 540)
DOOR = {"lat": 52.52, "lon": 13.40}
METRES_A_DEGREE = 6_371_000 * pi / 180  # along a meridian
MADE = promised(0, window=AFTERNOON, destination=DOOR)

# 3 March 2026 in UTC: nobody named a zone, and the promise is written with "Z".
MIDNIGHT, NEXT = (
    millis(datetime.fromisoformat(f"2026-03-{day}T00:00:00Z")) for day in ("03", "04")
)
# What is received within two days of the end of that day says something about it.
LAST_WORD = NEXT + 2 * 86_400_000 - 1


def away(metres: float, accuracy: float | None = None) -> dict[str, float]:
    """Return a position so many metres north of the door."""
    place = {"lat": DOOR["lat"] + metres / METRES_A_DEGREE, "lon": DOOR["lon"]}
    return place if accuracy is None else {**place, "accuracy_m": accuracy}


def why(order: Order, answers: dict[Question, Presence] | None = None) -> str | None:
    found = suspicion(order.track, answers or {})
    return None if found is None else found.rule


def answered(order: Order, *, near: bool | None, on_shift: bool | None) -> str | None:
    (question,) = asks(order)
    return why(order, {question: Presence(near, on_shift)})


# -- distance --------------------------------------------------------------------------------


def test_a_degree_along_a_meridian_and_along_the_equator():
    assert metres_between(0, 0, 1, 0) == pytest.approx(METRES_A_DEGREE)
    assert metres_between(0, 179.5, 0, -179.5) == pytest.approx(METRES_A_DEGREE)
    assert metres_between(90, 0, -90, 0) == pytest.approx(6_371_000 * pi)
    assert metres_between(52.52, 13.4, 52.52, 13.4) == 0
    # At 60 degrees of latitude a degree of longitude is half as long, less what the great
    # circle cuts off: 2 asin(cos 60 sin 0.5) = 0.99999048 x half a degree.
    assert metres_between(60, 0, 60, 1) == pytest.approx(METRES_A_DEGREE / 2, rel=2e-5)


@pytest.mark.parametrize(
    ("position", "suspect"),
    [
        (away(0), False),
        (away(149.9), False),
        (away(150.1), True),
        (away(150.1, 50), True),  # three times 50 is 150
        (away(179.9, 60), False),
        (away(180.1, 60), True),
        (away(2_000, 10), True),
    ],
)
def test_distance_alone_decides_where_it_is_known(position, suspect):
    order = order_of([MADE, out(240, courier_id="C"), failed(330, position=position)])
    assert why(order) == ("recorded far from the door" if suspect else None)
    assert asks(order) == []
    told = order_of([MADE, arrived(329), failed(330, position=position)])
    assert why(told) == why(order)  # not even an arrival clears it


def test_exactly_three_times_the_accuracy_is_near_enough():
    place = away(300)
    metres = metres_between(place["lat"], place["lon"], DOOR["lat"], DOOR["lon"])
    assert 3 * (metres / 3) == metres  # this distance can be said in floating point
    assert why(order_of([MADE, failed(330, position=away(300, metres / 3))])) is None
    assert why(order_of([MADE, failed(330, position=away(300, metres / 3.001))])) is not None


def test_a_suspicion_names_its_event_and_distance():
    scan = failed(330, position=away(2_000))
    found = suspicion(order_of([MADE, scan]).track, {})
    assert found is not None
    assert [each.identity for each in found.because] == [("carrier.hub", scan["event_id"])]
    assert found.metres == pytest.approx(2_000)


def test_only_the_first_visit_and_only_a_failure_is_suspected():
    far = away(2_000)
    assert why(order_of([MADE])) is None
    assert why(order_of([MADE, delivered(400, position=far)])) is None
    assert why(order_of([MADE, failed(330), failed(600, position=far)])) is None
    assert why(order_of([MADE, failed(330, position=far), delivered(340)])) is None
    # Within one visit the scan whose reason stands is the one that is looked at.
    both = [MADE, failed(330, position=away(0)), failed(340, position=far)]
    assert why(order_of(both)) is None


def test_a_void_delivery_is_suspect_wherever_it_was():
    scan, gone = delivered(400, position=away(0)), turned("lost", 500)
    order = order_of([MADE, scan, gone])
    found = suspicion(order.track, {})
    assert found is not None
    assert found.rule == "the delivery was void"
    assert [each.identity[1] for each in found.because] == [scan["event_id"], gone["event_id"]]
    assert asks(order) == []


# -- what only couriers can answer -----------------------------------------------------------


def asked(*events: dict[str, Any], judgement: Judgement = JUDGEMENT) -> list[Question]:
    return asks(order_of(events, judgement))


def test_without_a_distance_the_courier_is_asked_about_that_day_and_moment():
    lat, lon = DOOR["lat"], DOOR["lon"]
    expected = Question("C", MIDNIGHT, NEXT, at(330), lat, lon, LAST_WORD)
    assert asked(MADE, out(240, courier_id="C"), failed(330)) == [expected]
    assert asked(MADE, out(240, courier_id="B"), failed(330, courier_id="C")) == [expected]
    nowhere = promised(0, window=AFTERNOON)
    far = failed(330, position=away(2_000), courier_id="C")
    assert asked(nowhere, far) == [expected._replace(lat=None, lon=None)]


def test_nobody_is_asked_where_nobody_is_known_or_nothing_failed():
    assert asked(MADE) == []
    assert asked(MADE, out(240), failed(330)) == []
    assert asked(MADE, out(200, courier_id="C"), out(240), failed(330)) == []  # the last one
    assert asked(MADE, out(240, courier_id="C")) == []
    assert asked(MADE, out(240, courier_id="C"), delivered(330)) == []
    assert asked(MADE, out(240, courier_id="C"), failed(330), delivered(340)) == []
    void = failed(330), delivered(340), turned("lost", 400)
    assert asked(MADE, out(240, courier_id="C"), *void) == []


@pytest.mark.parametrize(
    ("minute", "clears"), [(-540, True), (-541, False), (899, True), (900, False)]
)
def test_an_arrival_at_the_door_on_that_local_day_clears_it(minute, clears):
    # The story's zero is 09:00, so its day runs from minute -540 to before minute 900.
    order = order_of([MADE, out(240, courier_id="C"), failed(330), arrived(minute)])
    assert (asks(order) == []) is clears
    plain = order_of([MADE, out(240, courier_id="C"), failed(330)])
    known = {question: Presence(near=False, on_shift=False) for question in asks(plain)}
    assert (why(order, known) is None) is clears


def test_an_implicit_failure_is_asked_about_too_and_of_who_was_out_then():
    made = promised(0, window=(DAYS, DAYS + 60), destination=DOOR)
    again = out(240 + DAYS + 1, courier_id="B")
    (question,) = asked(made, out(240, courier_id="A"), again)
    assert (question.courier_id, question.at) == ("A", at(240 + DAYS + 1))
    (question,) = asked(MADE, out(240, courier_id="A"), turned("held", 300))
    assert (question.courier_id, question.at) == ("A", at(300))
    back = [out(240, courier_id="A"), arrived(-900), arrived(250), at_depot(260)]
    assert asked(MADE, *back) == []


@pytest.mark.parametrize(
    ("zone", "carriers", "end", "since"),
    [
        ("Asia/Tokyo", "America/New_York", "2026-03-03T18:00:00+02:00", "2026-03-02T15:00:00Z"),
        (None, "America/New_York", "2026-03-03T18:00:00+02:00", "2026-03-03T05:00:00Z"),
        (None, None, "2026-03-03T18:00:00+02:00", "2026-03-02T22:00:00Z"),
        ("Asia/Tokyo", None, None, "2026-03-02T15:00:00Z"),
        (None, "America/New_York", None, "2026-03-03T05:00:00Z"),
        (None, None, None, "2026-03-03T00:00:00Z"),
    ],
)
def test_the_local_day_is_that_of_the_order_the_carrier_the_promise(zone, carriers, end, since):
    rules = Rules.model_validate({"carriers": {"nordpost": {"timezone": carriers}}})
    promise = None if end is None else {"end": end}
    made = promised(0, timezone=zone, destination=DOOR) | {"promise": promise}
    # Minute 330 is 14:30 UTC: 23:30 in Tokyo, 09:30 in New York, 16:30 as written.
    (question,) = asked(made, failed(330, courier_id="C"), judgement=Judgement(rules))
    assert question.since == millis(datetime.fromisoformat(since))
    assert question.until == question.since + 24 * 3_600_000


@pytest.mark.parametrize(
    ("near", "on_shift", "rule"),
    [
        (False, True, "the courier's positions were not at the door"),
        (False, None, "the courier's positions were not at the door"),
        (False, False, "the courier's positions were not at the door"),
        (True, False, "outside the courier's shift"),
        (None, False, "outside the courier's shift"),
        (True, True, None),
        (True, None, None),
        (None, True, None),
        (None, None, None),
    ],
)
def test_what_positions_and_shifts_say(near, on_shift, rule):
    order = order_of([MADE, out(240, courier_id="C"), failed(330)])
    assert answered(order, near=near, on_shift=on_shift) == rule


def test_an_answer_to_another_question_says_nothing():
    order = order_of([MADE, out(240, courier_id="C"), failed(330)])
    (question,) = asks(order)
    absent = Presence(near=False, on_shift=False)
    assert why(order, {question._replace(at=question.at + 1): absent}) is None
    nobody = order_of([MADE, failed(330)])
    assert why(nobody, {question: absent}) is None


AT_ONCE = Judgement(Rules.model_validate({"defaults": {"maturity_days": 0}}))
MATURE = at(AFTERNOON[1])  # the end of the promise, nothing added


def test_what_is_frozen_asks_its_own_question():
    # Known only after maturity: that the visit was an hour earlier.
    earlier = failed(270, observed=541)
    order = order_of([MADE, out(240, courier_id="C"), failed(330), earlier], AT_ONCE)
    assert [(each.at, each.known_by) for each in asks(order)] == [
        (at(270), LAST_WORD), (at(330), MATURE),
    ]  # fmt: skip
    cleared = arrived(265, observed=541)
    order = order_of([MADE, out(240, courier_id="C"), failed(330), cleared], AT_ONCE)
    assert [(each.at, each.known_by) for each in asks(order)] == [(at(330), MATURE)]


def test_what_is_frozen_is_answered_by_what_was_received_by_then():
    events = [MADE, out(240, courier_id="C"), failed(330)]
    assert len(asked(*events)) == 1  # a week later nothing more is said of that day
    order = order_of(events, AT_ONCE)
    whole, early = asks(order)
    assert (whole, early) == (early._replace(known_by=LAST_WORD), early)
    order.presence = {whole: Presence(near=True, on_shift=None)}
    assert order.frozen_presence == {}
    order.presence |= {early: Presence(near=False, on_shift=None)}
    assert order.frozen_presence == {whole: Presence(near=False, on_shift=None)}
    assert suspicion(order.frozen, order.frozen_presence) is not None
    assert suspicion(order.track, order.presence) is None


def test_nobody_remembers_a_day_two_days_after_it():
    last = (LAST_WORD - at(0)) / 60_000  # in minutes
    in_time = failed(330, observed=last, courier_id="C")
    assert [each.lat for each in asked(MADE, in_time)] == [DOOR["lat"]]
    late = failed(330, observed=last + 1, courier_id="C")
    assert asked(MADE, late) == []
    # A door nobody knew of by then is no door.
    told = promised(0, window=AFTERNOON, destination=DOOR, observed=last + 1)
    assert [each.lat for each in asked(told, in_time)] == [None]


def test_a_life_goes_on_until_what_it_asks_can_be_answered():
    rules = Judgement(Rules.model_validate(
        {"defaults": {"maturity_days": 0}, "retention": {"ended_days": 1, "silent_days": 1}}
    ))  # fmt: skip
    refused = failed(330, reason="refused", courier_id="C")
    assert order_of([MADE, refused], rules).closes_at == LAST_WORD + 1
    unasked = failed(330, reason="refused")
    assert order_of([MADE, unasked], rules).closes_at == at(330) + DAYS * 60_000
