"""The tables of the life of an order, row by row, and attempts to the millisecond."""

from typing import get_args

import pytest

from models.events import OrderEvent
from streams.domain import lifecycle, reasons
from streams.domain.arrivals import Arrived
from streams.domain.attempts import Attempts
from tests.domain.given import arrivals, order_of
from tests.story import event, moment, picked_up, promise, promised

HOUR = 3_600_000
LIFE = [
    "order_promised",
    "promise_changed",
    "picked_up",
    "in_transit",
    "arrived_depot",
    "out_for_delivery",
    "courier_arrived",
    "attempt_failed",
    "held",
    "released",
    "available_for_pickup",
    "delivered",
    "damaged",
    "lost",
    "returning",
    "returned",
    "cancelled",
]
WORDS = [
    "eta_updated",
    "event_withdrawn",
    "feedback_given",
    "customer_asked",
    "intervention_made",
    "verdict_decided",
]


def test_the_order_of_a_life_is_that_of_l8():
    assert list(lifecycle.RANK) == LIFE + WORDS
    assert list(lifecycle.RANK.values()) == list(range(23))


def test_every_kind_of_order_event_has_its_place():
    members = get_args(get_args(OrderEvent)[0])
    kinds = {
        kind for each in members for kind in get_args(each.model_fields["kind"].annotation)
    }
    assert kinds == set(lifecycle.RANK)


# kind: (makes an order, touches the parcel, ends an attempt, fails, undoes at once, reopens)
ROWS = {
    "order_promised":       (1, 0, 0, 0, 0, 0),
    "promise_changed":      (1, 0, 0, 0, 0, 0),
    "picked_up":            (1, 1, 0, 0, 0, 0),
    "in_transit":           (1, 1, 0, 0, 0, 0),
    "arrived_depot":        (1, 1, 0, 0, 0, 0),
    "out_for_delivery":     (1, 1, 0, 0, 0, 1),
    "courier_arrived":      (1, 1, 0, 0, 0, 0),
    "attempt_failed":       (1, 1, 0, 0, 0, 1),
    "held":                 (1, 1, 1, 0, 0, 0),
    "released":             (1, 1, 0, 0, 0, 0),
    "available_for_pickup": (1, 1, 1, 0, 0, 0),
    "delivered":            (1, 1, 0, 0, 0, 0),
    "damaged":              (1, 1, 1, 1, 0, 0),
    "lost":                 (1, 1, 1, 1, 1, 0),
    "returning":            (1, 1, 1, 1, 1, 0),
    "returned":             (1, 1, 1, 1, 1, 0),
    "cancelled":            (1, 1, 0, 0, 0, 0),
    **dict.fromkeys(WORDS,  (0, 0, 0, 0, 0, 0)),
}  # fmt: skip


@pytest.mark.parametrize("kind", lifecycle.RANK)
def test_what_each_kind_can_do(kind):
    tables = (
        lifecycle.LIFE, lifecycle.MOVES, lifecycle.ENDS_ATTEMPT, lifecycle.FAILS,
        lifecycle.UNDOES, lifecycle.REOPENS,
    )  # fmt: skip
    assert tuple(kind in table for table in tables) == ROWS[kind]


EXTRA = {
    "order_promised": {"carrier": "nordpost"},
    "promise_changed": {"promise": promise(instant=9), "by": "carrier"},
    "attempt_failed": {"reason": "not_home"},
    "eta_updated": {"eta": moment(9), "by": "carrier"},
    "event_withdrawn": {"withdraws": "nothing"},
    "customer_asked": {"topic": "other"},
    "intervention_made": {"action": "called", "by": "desk"},
    "verdict_decided": {"verdict": "late", "by": "desk", "reason": "photo"},
}
ENDS = {"delivered", "damaged", "lost", "returning", "returned", "cancelled"}


@pytest.mark.parametrize("kind", lifecycle.RANK)
def test_what_an_order_is_after_each_kind(kind):
    track = order_of([event(kind, 5, **EXTRA.get(kind, {}))]).track
    assert track.is_order == (kind in LIFE)
    assert track.open == (kind not in ENDS)
    assert track.status == (kind if ROWS[kind][1] else "unknown")
    assert (track.moved_at is not None) == ROWS[kind][1]
    assert (track.handover is not None) == (kind == "delivered")


PARTIES = {
    "consignee": "not_home business_closed refused wrong_address_given access_restricted "
    "verification_failed unpaid_cod consignee_cancelled consignee_rescheduled "
    "safe_place_unavailable pickup_unclaimed",
    "carrier": "not_enough_time vehicle_issue capacity missorted address_not_found_by_courier "
    "damaged lost no_reason_given suspect_attempt unknown diverted",
    "shipper": "not_ready incorrect_data wrong_parcel packaging shipper_cancelled "
    "late_handover",
    "authority": "customs_delay documents duties_unpaid prohibited inspection security "
    "regulatory_hold",
    "force_majeure": "weather natural_disaster strike road_closed",
}


def test_reasons_and_whom_each_charges():
    assert {party: " ".join(codes) for party, codes in reasons.CODES.items()} == PARTIES
    for party, codes in PARTIES.items():
        for code in codes.split():
            assert reasons.PARTY[code] == party
            # `diverted` is our own conclusion; nobody outside may claim it.
            assert reasons.canonical(code) == ("unknown" if code == "diverted" else code)
    assert reasons.canonical(None) == reasons.canonical("rain") == "unknown"


def test_facts_of_the_order_come_from_the_first_promise_that_has_them():
    track = order_of([
        promised(0, carrier="a", service="van"),
        promised(1, carrier="b", service="bike", region="north", direction="return"),
        promised(2, carrier="c", timezone="Asia/Tokyo", customer_id="C"),
    ]).track  # fmt: skip
    assert (track.carrier, track.service, track.region) == ("a", "van", "north")
    assert (track.direction, track.timezone, track.customer_id) == (
        "forward",
        "Asia/Tokyo",
        "C",
    )


# -- attempts --------------------------------------------------------------------------------


def scan(at: int) -> Arrived:
    """Return an event of that time, epoch milliseconds."""
    (arrival,) = arrivals(picked_up(0))
    arrival.at = at
    return arrival


def seen(attempts: Attempts) -> list[tuple[int, str | None, bool]]:
    return [(each.at, each.reason, each.implicit) for each in attempts.visits]


@pytest.mark.parametrize(("gap", "visits"), [(2 * HOUR - 1, 1), (2 * HOUR, 2)])
def test_two_failures_are_one_visit_within_two_hours(gap, visits):
    attempts = Attempts()
    attempts.fail(scan(0), "not_home")
    attempts.fail(scan(gap), "refused")
    assert len(attempts.visits) == visits
    assert attempts.visits[0].reason == "not_home"


def test_a_visit_is_measured_from_its_beginning():
    attempts = Attempts()
    for minute in (0, 90, 150):
        attempts.fail(scan(minute * 60_000), "not_home")
    assert [each.at for each in attempts.visits] == [0, 150 * 60_000]


def test_a_delivery_within_the_visit_makes_it_a_success_from_then():
    attempts = Attempts()
    attempts.fail(scan(0), "not_home")
    attempts.succeed(scan(2 * HOUR - 1))
    (visit,) = attempts.visits
    assert (visit.succeeded, visit.at, visit.implicit) == (True, 2 * HOUR - 1, False)


def test_a_new_leg_is_a_new_visit():
    attempts = Attempts()
    attempts.out_for_delivery(scan(0))
    attempts.fail(scan(1), "not_home")
    attempts.out_for_delivery(scan(2))
    attempts.succeed(scan(3))
    assert [each.succeeded for each in attempts.visits] == [False, True]


@pytest.mark.parametrize(
    ("gap", "expected"), [(24 * HOUR, []), (24 * HOUR + 1, [24 * HOUR + 1])]
)
def test_a_leg_still_waiting_after_a_day_has_failed_when_the_next_begins(gap, expected):
    attempts = Attempts()
    attempts.out_for_delivery(scan(0))
    attempts.out_for_delivery(scan(gap))
    assert seen(attempts) == [(when, "unknown", True) for when in expected]
    assert attempts.waiting


def test_the_day_is_counted_from_the_first_start_of_the_leg():
    attempts = Attempts()
    for start in (0, 20 * HOUR, 25 * HOUR):
        attempts.out_for_delivery(scan(start))
    assert seen(attempts) == [(25 * HOUR, "unknown", True)]
    assert attempts.leg_at == 25 * HOUR


def test_a_concluded_leg_does_not_fail_again():
    attempts = Attempts()
    attempts.out_for_delivery(scan(0))
    attempts.fail(scan(HOUR), "not_home")
    attempts.back_at_depot(scan(5 * HOUR))
    attempts.out_for_delivery(scan(48 * HOUR))
    assert seen(attempts) == [(HOUR, "not_home", False)]
    assert attempts.no_attempt_returns == 0


def test_back_at_the_depot():
    attempts = Attempts()
    attempts.back_at_depot(scan(0))  # never out: nothing happened
    attempts.arrive()  # nor was anybody at the door
    attempts.out_for_delivery(scan(1))
    attempts.back_at_depot(scan(2))
    assert (seen(attempts), attempts.no_attempt_returns) == ([], 1)
    attempts.out_for_delivery(scan(3))
    attempts.arrive()
    attempts.back_at_depot(scan(4))
    assert (seen(attempts), attempts.no_attempt_returns) == ([(4, "unknown", True)], 1)
    attempts.out_for_delivery(scan(5))  # the door of the last leg does not count for this one
    attempts.back_at_depot(scan(6))
    assert attempts.no_attempt_returns == 2


def test_after_a_leg_without_attempt_the_next_conclusion_is_a_visit_of_its_own():
    attempts = Attempts()
    attempts.fail(scan(0), "not_home")
    attempts.out_for_delivery(scan(1))
    attempts.back_at_depot(scan(2))
    attempts.succeed(scan(3))
    assert [each.succeeded for each in attempts.visits] == [False, True]


def test_a_void_delivery_is_a_failed_visit():
    attempts = Attempts()
    attempts.succeed(scan(0))
    attempts.undo(scan(9))
    (visit,) = attempts.visits
    assert (visit.succeeded, visit.reason, visit.undone) == (False, "unknown", True)
    attempts.fail(scan(4 * HOUR), "diverted")
    attempts.undo(scan(9))
    assert attempts.visits[1].reason == "diverted"


def test_a_success_after_a_failure_of_the_same_visit_fails_again_with_its_first_reason():
    attempts = Attempts()
    attempts.fail(scan(0), "not_home")
    attempts.succeed(scan(1))
    attempts.undo(scan(9))
    assert [each.reason for each in attempts.visits] == ["not_home"]
