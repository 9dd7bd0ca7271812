"""Every order of a simulated day, blemishes and all, can be explained at any time."""

import json

import pytest

from models.rules import Rules
from streams.cli.explained import pages
from streams.domain.verdicts import judge
from streams.explaining import explain
from streams.feed import in_order_of_arrival
from streams.replay import Replay
from streams.simulate import DaySpec, day
from tests.explaining.test_explain import explained
from tests.story import changed, delivered, failed, promised, story


@pytest.fixture(scope="module", params=[0.5, 1.0])
def replayed(request):
    """A day as of its middle, and as of its end."""
    lines = story(*day(DaySpec(seed=11, orders=150, couriers=5)).events)
    taken = in_order_of_arrival(lines)
    first, last = taken[0].received_at, taken[-1].received_at
    replay = Replay(Rules())
    replay.run(lines, round(first + request.param * (last - first)))
    return replay


def ids(replay):
    return [key.decode() for key, row in replay.orders.rows.decoded() if row.order is not None]


def test_each_explanation_agrees_with_what_was_judged(replayed):
    outcomes = {}
    for order_id in ids(replayed):
        row = replayed.orders.row(order_id)
        told = explain(order_id, row, replayed.as_of)
        json.dumps(told)
        order = row.order
        assert len(told["timeline"]) == len(order.arrivals)
        verdict = judge(order.track, order.promise, replayed.as_of, order.judgement)
        assert told["verdict"]["restated"]["outcome"] == verdict.outcome
        effective = [each for each in told["promises"] if "effective" in each["roles"]]
        assert len(effective) == (order.promise is not None)
        for each in effective:
            assert each["end"] == told["verdict"]["restated"]["promise_end"]
            assert each["why"].startswith("counts")
        outcomes.setdefault(verdict.outcome, told)
    assert len(outcomes) > 2
    for told in outcomes.values():
        assert pages(told)


def test_a_wish_while_a_void_handover_stood_does_not_count():
    # the delivery at 100 is void by the failed attempt at 170; the wish fell in between
    told = explained(
        promised(-60, window=(60, 180)),
        delivered(100),
        changed(120, window=(300, 400)),
        failed(170),
        as_of=175,
    )
    assert told["promises"][1]["why"] == "does not count: said after the first attempt"


def test_a_change_of_no_promise_changes_nothing():
    told = explained(promised(0), changed(10, window=(60, 90)), as_of=20)
    assert told["promises"][0]["why"] == "does not count: there was no first promise to change"
