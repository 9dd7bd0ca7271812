"""Narrow places of the rules: each fails where one sign or word of the program is another.

The other tests tell what is meant; these hold what `make mutate` could change unseen.
"""

import pytest

from models.rules import Rules
from streams.domain.accountable import fault
from streams.domain.judgement import Judgement
from streams.domain.order import Order
from streams.domain.presence import Presence
from streams.domain.sla import at_risk, changes, cleared, held_to
from streams.domain.suspects import asks
from streams.domain.verdicts import judge
from tests.domain.given import DAYS, JUDGEMENT, MS, at, kpi, order_of, outcome
from tests.story import changed, delivered, eta, failed, out, picked_up, promised, turned

AFTERNOON = (300, 540)  # 14:00 to 18:00
DOOR = {"lat": 52.52, "lon": 13.40}
TWO_DAYS = {"name": "level", "metric": "handover", "target": {"hours": 48}}
DUE = 2_880  # its last good minute, of an order promised at minute 0


def ruled(**said: object) -> Judgement:
    return Judgement(Rules.model_validate({"sla": [TWO_DAYS | said]}))


def absent(order: Order) -> Order:
    """Answer all an order asks: its courier was elsewhere."""
    order.presence = {each: Presence(near=False, on_shift=None) for each in asks(order)}
    return order


# -- verdicts --------------------------------------------------------------------------------


def test_a_doubtful_time_says_why_and_by_which_event():
    order = order_of([
        promised(0, window=AFTERNOON, timezone="America/New_York"),
        delivered(510, time_quality="assumed", observed=DAYS),
    ])  # fmt: skip
    found = judge(order.track, order.promise, at(2 * DAYS), JUDGEMENT)
    assert found.outcome == "indeterminate"
    assert found.rule == "the plausible time zones give different verdicts"
    assert found.because == (order.track.handover,)


# -- the accountable view ----------------------------------------------------------------------


def test_the_fault_of_a_refusal_before_the_window():
    order = order_of([promised(0, window=AFTERNOON), out(200), failed(270, "refused")])
    verdict = judge(order.track, order.promise, at(DAYS), JUDGEMENT)
    found = fault(order.track, order.promise, verdict, {})
    assert found == ("carrier", "attempted before the promised window", (order.track.failing,))


def test_the_fault_of_a_first_visit_after_the_promise():
    order = order_of([promised(0, window=AFTERNOON), out(200), failed(541)])
    verdict = judge(order.track, order.promise, at(DAYS), JUDGEMENT)
    first = order.track.attempts.first
    assert first is not None
    found = fault(order.track, order.promise, verdict, {})
    assert found == ("carrier", "first attempted after the promise", (first.by,))


def test_the_fault_of_a_visit_whose_courier_was_elsewhere():
    order = order_of([
        promised(0, window=AFTERNOON, destination=DOOR), out(200, courier_id="k"), failed(330),
    ])  # fmt: skip
    verdict = judge(order.track, order.promise, at(DAYS), JUDGEMENT)
    assert fault(order.track, order.promise, verdict, {}).party == "consignee"
    absent(order)
    assert fault(order.track, order.promise, verdict, order.presence).party == "carrier"


@pytest.mark.parametrize(
    ("visit", "wish", "excluded"),
    [
        (-540, -540 + MS, True),
        (-540 - MS, -540, False),
        (900 - 2 * MS, 900 - MS, True),
        (900 - MS, 900, False),
    ],
)
def test_a_wish_after_a_visit_on_the_promised_day(visit, wish, excluded):
    # The day is 3 March in UTC, from minute -540 to minute 900.
    order = promised(-DAYS, date=60, timezone="UTC")
    found = kpi(order, failed(visit), changed(wish, date=DAYS), delivered(2 * DAYS))
    assert (outcome(found, "accountable") == "excluded") is excluded


# -- service levels ----------------------------------------------------------------------------


def test_a_risk_ends_with_the_moment_of_the_breach():
    order = order_of([promised(0)], ruled())
    (agreement,) = held_to(order)
    assert at_risk(agreement, order, at(DUE))
    assert not at_risk(agreement, order, at(DUE) + 1)


@pytest.mark.parametrize(("expected", "risky"), [(DUE, False), (DUE + MS, True)])
@pytest.mark.parametrize("metric", ["handover", "first_attempt"])
def test_an_eta_a_moment_after_the_last_good_one_is_a_risk(metric, expected, risky):
    order = order_of([promised(0), eta(60, expected)], ruled(metric=metric))
    (agreement,) = held_to(order)
    assert at_risk(agreement, order, at(61)) is risky


def test_an_eta_of_before_the_consignees_wish_is_no_risk():
    told = [promised(0, window=AFTERNOON), eta(60, DUE + 60)]
    order = order_of(told, ruled())
    (agreement,) = held_to(order)
    assert at_risk(agreement, order, at(90))
    order = order_of([*told, changed(80, window=(600, 700))], ruled())
    (agreement,) = held_to(order)
    assert not at_risk(agreement, order, at(90))


def test_what_was_cleared_was_told_before():
    assert cleared({}) == cleared({"a": 0}) == cleared({"a": 1}) == 0
    assert cleared({"a": 2, "b": 3, "c": 4}) == 2


def test_a_breach_is_told_once_and_again_after_it_was_cleared():
    judgement = ruled()
    order = order_of([promised(0)], judgement)
    for said, news in ((0, True), (1, False), (2, True), (3, False), (4, True)):
        found = list(changes(order, judgement.levels, {"level": said}, at(DUE) + 1))
        assert [each.broken for each in found] == [True] * news


def test_a_breach_of_a_rule_that_fell_away_is_cleared():
    judgement = ruled()
    order = order_of([promised(0), turned("cancelled", 60, by="consignee")], judgement)
    assert not list(held_to(order))
    (found,) = changes(order, judgement.levels, {"level": 1}, at(DUE) + 1)
    assert (found.broken, found.agreement) == (False, None)
    assert list(changes(order, judgement.levels, {"level": 2}, at(DUE) + 1)) == []


@pytest.mark.parametrize(("minute", "counts"), [(60 - MS, False), (60, True)])
def test_called_off_at_the_moment_all_is_done_is_too_late(minute, counts):
    told = [promised(0), picked_up(60), turned("cancelled", minute, by="consignee")]
    order = order_of(told, ruled(metric="pickup"))
    assert bool(list(held_to(order))) is counts


@pytest.mark.parametrize(("minute", "counts"), [(DUE, False), (DUE + MS, True)])
def test_called_off_at_the_moment_of_the_breach_is_too_late(minute, counts):
    told = [promised(0), turned("cancelled", minute, by="consignee")]
    assert bool(list(held_to(order_of(told, ruled())))) is counts


def test_a_refusal_whose_courier_was_elsewhere_excuses_nobody():
    told = [promised(0, destination=DOOR), out(200, courier_id="k"), failed(300, "refused")]
    order = order_of(told, ruled())
    assert not list(held_to(order))
    assert list(held_to(absent(order)))
