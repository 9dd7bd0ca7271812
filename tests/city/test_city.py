"""Courier ETAs in the simulated city: good enough at T-30, better than naive, robust."""

import pytest

from tests.city.city import OUTLIERS, City, day
from tests.city.scoring import MAIN, run

SIZE = {"days": 2, "couriers": 7, "stops": 80}
BAR = 0.85


@pytest.fixture(scope="module")
def found():
    return run(1, **SIZE, oracles=(MAIN,))


def test_most_handovers_are_within_ten_minutes_half_an_hour_before(found):
    tower = found.scores["tower", MAIN]
    assert tower.n > 450
    assert tower.told / tower.n > 0.99
    assert tower.within >= BAR


def test_nobody_naive_comes_near_and_the_oracle_is_not_far(found):
    tower = found.scores["tower", MAIN].within
    for naive in ("straight line", "mean speed"):
        assert found.scores[naive, MAIN].within < tower - 0.2
    oracle = found.scores["oracle", MAIN].within
    assert tower <= oracle + 0.01  # what nobody can know limits both
    assert tower >= oracle - 0.04


def test_ranges_hold_what_they_promise(found):
    for horizon in (15, MAIN, 60):
        assert 0.75 <= found.scores["tower", horizon].covers <= 0.90


def test_an_order_is_told_a_dozen_times_at_most(found):
    assert found.churn.told <= 12


def test_twice_the_outliers_change_little(found):
    twice = run(1, **SIZE, outliers=2 * OUTLIERS, oracles=())
    assert abs(twice.scores["tower", MAIN].within - found.scores["tower", MAIN].within) < 0.02


def test_the_truth_does_not_hang_on_the_fixes():
    few, many = (day(City(1), 0, 2, 20, outliers=share) for share in (0.0, 0.5))
    assert [each.visits for each in few] == [each.visits for each in many]
    assert [each.fixes for each in few] != [each.fixes for each in many]
