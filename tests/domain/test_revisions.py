"""Revisions: outcomes that changed as events were received, until the freeze (L18, L24)."""

from itertools import permutations
from typing import Any

import pytest

from streams.domain.order import Order
from streams.domain.row import Row
from streams.rowcodec import decode_row, encode_row
from tests.domain.given import (
    DAYS,
    JUDGEMENT,
    MS,
    WEEK_LATER,
    arrivals,
    at,
    kpi,
    order_of,
    outcome,
)
from tests.story import (
    asked,
    changed,
    decided,
    delivered,
    eta,
    failed,
    picked_up,
    promised,
    turned,
    withdrawn,
)

Event = dict[str, Any]

END = 540
MADE = promised(0, window=(300, END))
SCAN = delivered(400, observed=600)  # an hour after the window a scan from inside it
FREEZE = END + 7 * DAYS


def revisions(*events: Event, as_of: float = WEEK_LATER) -> int:
    """Return what a replay counts event by event; a set that is read whole counts the same."""
    found = kpi(*events, as_of=as_of)
    counted: int = found["delivery_time"]["revisions"]
    if outcome(found) is not None:
        order = Order(JUDGEMENT)
        order.load([each for each in arrivals(*events) if each.received_at <= at(as_of)], ())
        assert order.revisions(at(as_of)) == counted
    return counted


@pytest.mark.parametrize(
    ("events", "count"),
    [
        ([], 0),  # late as time passes: no change
        ([delivered(400)], 0),
        ([delivered(700)], 0),  # late, and late it is
        ([SCAN], 1),  # late, on time
        ([SCAN, withdrawn(700, SCAN)], 2),
        ([SCAN, turned("lost", 700)], 2),
        ([SCAN, turned("lost", 700), turned("damaged", 800)], 2),
        ([turned("cancelled", 400, observed=600)], 1),
        ([decided(600, "early"), decided(700, "failed")], 2),
        ([failed(330, observed=600)], 0),  # only the accountable view has changed
        ([eta(600, 700), asked(650)], 0),
    ],
)
def test_changes_of_the_raw_outcome(events, count):
    assert revisions(MADE, *events) == count


@pytest.mark.parametrize(("received", "count"), [(END, 0), (END + MS, 1), (END + 2 * MS, 1)])
def test_what_had_not_fallen_due_was_no_outcome(received, count):
    # Late from the first millisecond after the window: what is received then came too late.
    assert revisions(MADE, delivered(400, observed=received)) == count


@pytest.mark.parametrize(("received", "count"), [(FREEZE, 1), (FREEZE + MS, 0)])
def test_until_the_freeze(received, count):
    # Maturity itself still counts, as it does for the frozen verdict.
    events = MADE, delivered(400, observed=received)
    assert revisions(*events, as_of=8 * DAYS) == count
    more = turned("lost", FREEZE + 10), withdrawn(FREEZE + 20, events[1])
    assert revisions(*events, *more, as_of=8 * DAYS) == count


def test_what_is_received_together_is_one_step():
    assert revisions(MADE, SCAN, decided(600, "failed")) == 1
    assert revisions(MADE, SCAN, decided(600, "late")) == 0


def test_what_is_known_long_before_the_end_counts_like_the_rest():
    # A day and more before the end nothing can be late; excluded an order can be.
    made = promised(0, window=(300 + 3 * DAYS, END + 3 * DAYS))
    later = made | {"observed_at": "2026-03-03T10:00:00Z"}
    scan = delivered(400 + 3 * DAYS)
    assert revisions(picked_up(5), later, scan) == 1
    assert revisions(made, picked_up(5), asked(9), scan) == 0
    again = promised(1, window=(300 + 3 * DAYS, END + 3 * DAYS), observed=430)
    taken = picked_up(5), withdrawn(410, made), asked(420)
    assert revisions(made, *taken, again, scan) == 1  # excluded from 410 to 430
    # Handed over before there was a promise, so none counts: excluded all the time.
    assert revisions(delivered(-60, observed=3), made, asked(9), asked(20)) == 0
    # Handed over before the promise, as it seems for a while: none counts, it is excluded.
    gone, void = delivered(-60, observed=50), turned("lost", -30, observed=70)
    assert revisions(made, gone, asked(60), void, scan) == 1
    # Tracked without a promise, then there is one.
    assert revisions(promised(0), asked(5), made | {"observed_at": later["observed_at"]}) == 1


def test_a_wish_that_moves_the_deadline_on_is_a_change_once_it_is_due_again():
    moved = changed(200, window=(300 + DAYS, END + DAYS), observed=700)
    events = MADE, moved, delivered(400 + DAYS)
    assert revisions(*events, as_of=700) == 0
    assert revisions(*events, as_of=END + DAYS) == 0
    assert revisions(*events, as_of=END + DAYS + MS) == 1
    # Late, not due, late again: nothing changed.
    assert revisions(MADE, moved, asked(800), delivered(700 + DAYS)) == 0


def test_without_a_promise_an_order_is_excluded_and_without_life_none():
    promise = MADE | {"observed_at": "2026-03-03T09:10:00Z"}
    assert revisions(picked_up(5), promise, delivered(400)) == 1
    assert revisions(eta(5, 400), promise, delivered(400)) == 0
    # Taken back and made again after a handover that had been known: excluded for a while.
    again = promised(1, window=(300, END), observed=430)
    assert revisions(MADE, withdrawn(410, MADE), delivered(0.5, observed=420), again) == 0
    assert revisions(MADE, delivered(400), withdrawn(410, MADE), again) == 1


def test_the_way_to_the_set_does_not_matter():
    events = arrivals(
        MADE, SCAN, failed(330, observed=650), withdrawn(700, SCAN), eta(800, 900)
    )
    clock = at(7 * DAYS)
    for some in permutations(events):
        order = Order(JUDGEMENT)
        for arrived in some:
            order.add(arrived)
        assert order.revisions(clock) == 2


def test_a_row_that_is_read_again_has_the_same():
    row = Row(JUDGEMENT)
    for arrived in arrivals(MADE, SCAN, withdrawn(700, SCAN)):
        assert row.add(arrived)
    read = decode_row(encode_row(row), JUDGEMENT)
    assert read.order is not None
    assert read.order.revisions(at(7 * DAYS)) == 2
    read.add(*arrivals(delivered(401, observed=900)))
    assert read.order.revisions(at(7 * DAYS)) == 3


def test_an_order_that_is_told_more_counts_on():
    order, clock = order_of([MADE]), at(7 * DAYS)
    counts = []
    for each in arrivals(SCAN, turned("lost", 700), delivered(800), decided(900, "early")):
        order.add(each)
        counts.append(order.revisions(clock))
    # late, on time, failed, late, early
    assert counts == [1, 2, 3, 4]
