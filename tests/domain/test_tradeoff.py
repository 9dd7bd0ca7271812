"""When a delay is told, by threshold, budget and lead; what that comes to."""

from streams.domain.tradeoff import DAY_MS, Foretold, Outcome, Policy, outcome, told
from streams.domain.zones import MINUTE_MS

NOON = 20_000 * DAY_MS + DAY_MS // 2


def foretold(order_id, minutes, percent, *, late=True):
    """Return a prediction so many minutes before its deadline, at noon."""
    at = NOON - minutes * MINUTE_MS
    return Foretold(order_id, "fast", "window", at, NOON, 10_000 * percent, late)


HISTORY = [
    foretold("A", 120, 20),
    foretold("A", 60, 60),
    foretold("A", 30, 90),
    foretold("B", 90, 70, late=False),
    foretold("C", 45, 30),
    foretold("D", 20, 10, late=False),
]


def test_an_order_is_told_once_at_its_first_prediction_that_reaches_the_threshold():
    found = told(HISTORY, Policy(600_000))
    assert {order: (NOON - each.at) // MINUTE_MS for order, each in found.items()} == {
        "B": 90,
        "A": 60,
    }


def test_a_threshold_is_notices_false_ones_and_missed_ones():
    # Of four orders two are late: A is told an hour before, C never; B was told for nothing.
    assert outcome(HISTORY, Policy(600_000)) == Outcome(
        600_000, orders=4, late=2, notices=2, false=1, missed=1, lead=60 * MINUTE_MS
    )
    # Lower: A two hours before, C three quarters of one, 82.5 min in the middle.
    assert outcome(HISTORY, Policy(200_000)) == Outcome(
        200_000, orders=4, late=2, notices=3, false=1, missed=0, lead=4_950_000
    )


def test_nobody_told_has_no_lead():
    assert outcome(HISTORY, Policy(950_000)) == Outcome(950_000, 4, 2, 0, 0, 2, None)


def test_a_notice_that_comes_too_late_to_act_is_not_sent():
    assert told(HISTORY, Policy(600_000, lead=61 * MINUTE_MS)).keys() == {"B"}
    after = Foretold("E", "fast", "window", NOON, NOON, 990_000, late=True)
    assert told([after], Policy(0)) == {}  # what is late already is no prediction


def test_the_budget_of_a_day_goes_to_who_is_first_and_of_those_to_the_likeliest():
    assert told(HISTORY, Policy(200_000, budget=2)).keys() == {"A", "B"}
    at_once = [foretold("F", 60, 50), foretold("G", 60, 80)]
    assert told(at_once, Policy(200_000, budget=1)).keys() == {"G"}
    tomorrow = Foretold(
        "H", "fast", "window", NOON + DAY_MS - 1, NOON + DAY_MS, 500_000, late=True
    )
    assert told([*at_once, tomorrow], Policy(200_000, budget=1)).keys() == {"G", "H"}
