"""The order of arrival changes nothing: the set of events, the clock and the rules decide.

Random lives of one order: every kind of event, copies, withdrawals, assumed and local times,
receipts out of order. Adding event by event must come to the same as folding the whole set,
and a row settled now and then to the same as one settled once.
"""

from copy import copy
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.domain import cells
from streams.domain.arrivals import Arrived
from streams.domain.contribution import contribution
from streams.domain.ledger import Ledger
from streams.domain.order import Order
from streams.domain.row import Closed, Forgotten, Refused, Row
from streams.rowcodec import decode_row, encode_row
from tests.domain.given import DAYS, JUDGEMENT, arrivals, at, order_of
from tests.story import (
    changed,
    decided,
    delivered,
    eta,
    event,
    failed,
    feedback,
    out,
    picked_up,
    promised,
    turned,
    withdrawn,
)

MINUTES = (0, 60, 119, 120, 300, 400, 460, 540, 541, 1_500, 3_000)
ZONES = (None, "Europe/Berlin", "America/New_York")


def minutes() -> Any:
    return st.sampled_from(MINUTES)


@st.composite
def told(draw: Any) -> dict[str, Any]:
    """Draw one event of an order that was promised for the afternoon."""
    when = draw(minutes())
    quality = draw(st.sampled_from((None, None, "assumed", "local_as_z")))
    more = {"time_quality": quality, "source": draw(st.sampled_from(("hub", "shop")))}
    match draw(st.integers(0, 9)):
        case 0:
            zone = draw(st.sampled_from(ZONES))
            return promised(when, window=(300, 540), timezone=zone, **more)
        case 1:
            return promised(when, date=draw(minutes()), carrier="other", **more)
        case 2:
            by = draw(st.sampled_from(("consignee", "carrier")))
            return changed(when, window=(900, 1_000), by=by, **more)
        case 3:
            return out(when, **more)
        case 4:
            return failed(when, draw(st.sampled_from(("not_home", "refused"))), **more)
        case 5:
            return delivered(when, draw(st.sampled_from((None, "neighbour"))), **more)
        case 6:
            kind = draw(st.sampled_from(("returning", "lost", "held", "cancelled", "damaged")))
            return turned(kind, when, by=draw(st.sampled_from((None, "carrier"))), **more)
        case 7:
            return eta(when, draw(minutes()), **more)
        case 8:
            return draw(
                st.sampled_from((feedback(when, csat=3), decided(when, "late"), event(
                    draw(st.sampled_from(("arrived_depot", "courier_arrived"))), when, **more
                )))
            )  # fmt: skip
        case _:
            return draw(st.sampled_from((out(when), delivered(when), failed(when))))


@st.composite
def lives(draw: Any, most: int = 9) -> list[dict[str, Any]]:
    """Draw events with receipts of their own, copies of some, withdrawals of some."""
    events = draw(st.lists(told(), min_size=1, max_size=most))
    events += [each | {"comment": "x"} for each in events if draw(st.integers(0, 5)) == 0]
    events += [
        withdrawn(draw(minutes()), each) for each in events if draw(st.integers(0, 6)) == 0
    ]
    late = st.sampled_from((0, 0, 0, 1, 50, 700, 5 * DAYS, 8 * DAYS, 9 * DAYS))
    observed = [at(each["occurred_at"]) + draw(late) * 60_000 for each in events]
    return [
        {"received": received, **each} for each, received in zip(events, observed, strict=True)
    ]


def received(life: list[dict[str, Any]]) -> list[Any]:
    """Return fresh arrivals of a life, in the order drawn."""
    found = arrivals(*({**each, "received": None} for each in life))
    return [when(arrived, each["received"]) for arrived, each in zip(found, life, strict=True)]


def when(arrived: Arrived, received_at: int) -> Arrived:
    """Return the event as if it had been received then."""
    return Arrived(arrived.event, received_at, arrived.canonical, unknown=arrived.unknown)


def counted(order: Order, clock: int) -> Any:
    return contribution(order, clock, Ledger()), order.closes_at, order.size, order.frozen.last


CLOCK = at(20 * DAYS)


@settings(max_examples=80, deadline=None)
@given(life=lives(), data=st.data())
def test_adding_in_any_order_comes_to_the_same_as_folding_the_set(life, data):
    whole = Order(JUDGEMENT)
    for arrived in received(life):
        whole.add(arrived)
    whole.rebuild()
    shuffled = Order(JUDGEMENT)
    for arrived in data.draw(st.permutations(received(life))):
        shuffled.add(arrived)
    sorted_last = Order(JUDGEMENT)
    for arrived in sorted(received(life), key=lambda each: (each.received_at, each.key)):
        sorted_last.add(arrived)
    for clock in (at(540), CLOCK):
        assert counted(shuffled, clock) == counted(whole, clock)
        assert counted(sorted_last, clock) == counted(whole, clock)


def test_every_order_of_a_small_life():
    life = [
        promised(0, window=(300, 540), timezone="Europe/Berlin"),
        out(240),
        failed(330, time_quality="local_as_z"),
        delivered(400),
        withdrawn(500, failed(330, time_quality="local_as_z")),
        feedback(600, csat=4),
    ]
    expected = None
    for each in permutations(range(len(life))):
        order = Order(JUDGEMENT)
        given_events = arrivals(*life)
        for index in each:
            order.add(given_events[index])
        found = counted(order, CLOCK)
        expected = expected or found
        assert found == expected


def drained(row: Row, clock: int) -> cells.Contribution:
    """Settle a row and return what it archived."""
    archived: cells.Contribution = {}
    for settlement in row.settle(clock):
        match settlement:
            case Closed(more):
                pass
            case Refused():
                more = {cells.EVENTS: {"rejected.order_closed": 1}}
            case Forgotten():
                more = {}
        for cell, measures in more.items():
            cells.add(archived.setdefault(cell, {}), measures)
    return archived


def total(archived: cells.Contribution, row: Row, clock: int) -> cells.Contribution:
    merged = cells.merge([*archived.items(), *row.contribution(clock).items()])
    return {cell: measures for cell, measures in merged.items() if measures}


@st.composite
def long_lives(draw: Any) -> list[dict[str, Any]]:
    """Draw lives with gaps, so that rows end, ids come again and strangers are refused."""
    life = draw(lives(5))
    for number in range(draw(st.integers(0, 4))):
        gap = draw(st.sampled_from((29, 31, 60, 89, 90, 91, 120, 200))) * DAYS
        again = draw(st.sampled_from((
            promised(gap, window=(gap + 60, gap + 120)), delivered(gap + 90), out(gap),
        )))  # fmt: skip
        again["event_id"] += f"-{number}"
        late = draw(st.sampled_from((0, 1, 40 * DAYS, 95 * DAYS)))
        life.append({"received": at(gap + late), **again})
    return life


@settings(max_examples=80, deadline=None)
@given(life=long_lives(), data=st.data())
def test_settling_now_and_then_or_once_comes_to_the_same(life, data):
    end = (
        max(each["received"] for each in life)
        + data.draw(st.sampled_from((0, 10, 40, 100, 500))) * DAYS * 60_000
    )
    in_order = sorted(received(life), key=lambda each: (each.received_at, each.key))

    patient = Row(JUDGEMENT)
    for arrived in in_order:
        patient.add(arrived)
    archived = drained(patient, end)
    expected = total(archived, patient, end)

    busy, kept = Row(JUDGEMENT), cells.Contribution()
    for arrived in map(copy, in_order):
        # The clock is somewhere up to what is received next.
        if data.draw(st.booleans()):
            _merge(kept, drained(busy, arrived.received_at))
        if data.draw(st.booleans()):
            busy = decode_row(encode_row(busy), JUDGEMENT)
        busy.add(arrived)
    _merge(kept, drained(busy, end))
    assert total(kept, busy, end) == expected


@settings(max_examples=80, deadline=None)
@given(life=long_lives(), data=st.data())
def test_a_row_that_no_clock_has_settled_takes_events_in_any_order(life, data):
    end = max(each["received"] for each in life) + 40 * DAYS * 60_000
    ordered, shuffled = Row(JUDGEMENT), Row(JUDGEMENT)
    for arrived in sorted(received(life), key=lambda each: (each.received_at, each.key)):
        ordered.add(arrived)
    for arrived in data.draw(st.permutations(received(life))):
        shuffled.add(arrived)
        if data.draw(st.booleans()):
            shuffled = decode_row(encode_row(shuffled), JUDGEMENT)
    assert shuffled.settles_at == ordered.settles_at
    expected = total(drained(ordered, end), ordered, end)
    assert total(drained(shuffled, end), shuffled, end) == expected


@settings(max_examples=80, deadline=None)
@given(life=long_lives(), data=st.data())
def test_between_two_deadlines_a_contribution_is_constant(life, data):
    row = Row(JUDGEMENT)
    start = max(each["received"] for each in life)
    for arrived in received(life):
        row.add(arrived)
    drained(row, start)
    order = row.order
    until = row.settles_at
    if order is not None and order.promise is not None and order.promise.late_from > start:
        until = min(until, order.promise.late_from)
    if order is not None and order.forgotten_from > start:
        until = min(until, order.forgotten_from)
    now = row.contribution(start)
    later = data.draw(st.integers(start, max(start, min(until - 1, start + 10**10))))
    assert row.contribution(later) == now


def test_a_copy_received_between_others_is_counted_once():
    late = event("arrived_depot", 60)
    row = Row(JUDGEMENT)
    for events, minute in ((late, 60), (late, 90), (out(100), 100), (late, 70)):
        (arrived,) = arrivals(events)
        row.add(when(arrived, at(minute)))
    assert row.order is not None
    assert (len(row.order.arrivals), row.order.duplicates) == (2, 2)


def test_an_order_keeps_its_size_whatever_the_way():
    (scan,), (again,) = arrivals(delivered(400)), arrivals(delivered(400))
    row = Row(JUDGEMENT)
    row.add(scan)
    row.add(again)
    assert row.order is not None
    assert decode_row(encode_row(row), JUDGEMENT).size == row.size


@pytest.mark.parametrize("clock", [at(0), at(60), at(30 * DAYS), at(500 * DAYS)])
def test_nothing_settles_to_nothing(clock):
    row = Row(JUDGEMENT)
    assert list(row.settle(clock)) == [Forgotten()]
    assert row.contribution(clock) == {}


def _merge(total_so_far: cells.Contribution, more: cells.Contribution) -> None:
    for cell, measures in more.items():
        cells.add(total_so_far.setdefault(cell, {}), measures)


def test_a_promise_that_comes_later_gives_local_times_their_zone():
    life = [
        delivered(60, time_quality="local_as_z"),
        promised(90, window=(300, 540), timezone="Europe/Berlin"),
    ]
    order = order_of(life)
    assert order.track.handover is not None
    assert order.track.handover.at == at(0)  # 10:00 in Berlin
    order.add(arrivals(withdrawn(100, life[1]))[0])
    assert order.track.handover.at == at(60)


def test_what_is_received_after_the_end_waits_and_counts_as_accepted():
    row = Row(JUDGEMENT)
    life = promised(0, instant=60), delivered(60), feedback(60 + 40 * DAYS, csat=5)
    for arrived in arrivals(*life):
        row.add(arrived)
    assert len(row.parked) == 1
    assert row.settles_at == at(60 + 30 * DAYS)
    before = row.contribution(at(10 * DAYS))
    assert before[cells.EVENTS] == {"accepted": 3}
    assert sum(each.get("orders", 0) for each in before.values()) == 1
    # Once the clock is there it is as if the row had been settled: ended, then refused.
    after = row.contribution(at(60 + 40 * DAYS))
    assert after[cells.EVENTS] == {"accepted": 2, "rejected.order_closed": 1}
    settled = drained(row, at(60 + 40 * DAYS) + 1)
    assert total(settled, row, at(60 + 40 * DAYS) + 1) == after


@pytest.mark.parametrize(
    "again", [picked_up(396 * DAYS), promised(396 * DAYS, instant=397 * DAYS)]
)
def test_when_a_stub_has_served_its_time_the_id_begins_from_nothing(again):
    row = Row(JUDGEMENT)
    for arrived in arrivals(promised(0, instant=60), delivered(60)):
        row.add(arrived)
    drained(row, at(60 + 31 * DAYS))
    (late,) = arrivals(again)  # the stub expired at 395 days and an hour
    row.add(late)
    assert (row.order, row.settles_at) == (None, at(60 + 395 * DAYS))
    assert drained(row, at(396 * DAYS)) == {}
    assert row.order is not None
    assert (row.stub, row.ledger.life) == (None, 1)


def test_a_strangers_old_news_is_refused_one_by_one():
    row = Row(JUDGEMENT)
    for number, event_told in enumerate((picked_up(0), out(1))):
        (arrived,) = arrivals(event_told)
        row.add(when(arrived, at(91 * DAYS) + number))
    assert row.contribution(at(91 * DAYS) + 1) == {cells.EVENTS: {"rejected.order_closed": 2}}
    assert [type(each) for each in row.settle(at(91 * DAYS) + 1)] == [Refused]
    assert [type(each) for each in row.settle(at(91 * DAYS) + 2)] == [Refused, Forgotten]
