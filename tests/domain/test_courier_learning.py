"""What is learnt of legs and stays: back-off, robustness, traffic; times added up."""

from math import exp, log
from random import Random
from statistics import NormalDist, mean, pvariance

import pytest

from streams.domain.courier.knowledge import (
    MOST_KEYS,
    SERVICE_SECONDS,
    Effects,
    Knowledge,
    Learnt,
    Leg,
    Stay,
)
from streams.domain.courier.spread import Spread, lognormal, remaining

T = 1_728_036_000_000  # a Friday, 10:00 UTC
MINUTE = 60_000
HOUR = 60 * MINUTE
LONE = Stay(1, None)


def leg(at=T, metres=1_000.0, lat=52.51, lon=13.41):
    return Leg(at, metres, lat, lon)


def taught(times, *, at=T, every=MINUTE, metres=1_000.0, seconds=400.0, **where):
    """Return knowledge of one leg driven so often, the last one at `at`."""
    knowledge = Knowledge()
    for number in range(times):
        when = at - (times - 1 - number) * every
        knowledge.learn(Learnt(when, leg(when, metres, **where), seconds, LONE, 240.0))
    return knowledge


def test_of_nothing_learnt_a_plain_guess_is_made():
    assert Knowledge().leg_seconds(leg(), T) == pytest.approx(200)  # 5 m/s
    assert Knowledge().stay_seconds(Stay(2, None)) == pytest.approx(2 * SERVICE_SECONDS)
    assert Knowledge().stay_seconds(Stay(2, 100.0)) == pytest.approx(100)  # as planned


def test_what_legs_and_stays_take_is_learnt():
    knowledge = taught(300, every=20 * HOUR)
    assert knowledge.leg_seconds(leg(), T) == pytest.approx(400, rel=0.03)
    assert knowledge.stay_seconds(LONE) == pytest.approx(240, rel=0.03)


def test_another_zone_hour_and_distance_start_at_what_all_legs_say():
    knowledge = taught(300, every=24 * HOUR)
    elsewhere = leg(T + 5 * HOUR, 5_000.0, 48.1, 11.5)
    assert knowledge.leg_seconds(elsewhere, T) == pytest.approx(5 * 400, rel=0.1)


def test_a_slow_zone_is_told_from_a_quick_one():
    knowledge = Knowledge()
    for number in range(400):
        at = T - (400 - number) * 7 * HOUR
        for lat, seconds in ((52.51, 300.0), (52.91, 150.0)):
            knowledge.learn(Learnt(at, leg(at, lat=lat), seconds, LONE, 0.0))
    later = T + 9 * HOUR
    assert knowledge.leg_seconds(leg(later), later) == pytest.approx(300, rel=0.1)
    assert knowledge.leg_seconds(leg(later, lat=52.91), later) == pytest.approx(150, rel=0.1)


def test_one_wild_leg_moves_little():
    knowledge = taught(100, every=20 * HOUR)
    before = knowledge.leg_seconds(leg(T + HOUR), T + 24 * HOUR)
    knowledge.learn(Learnt(T, leg(), 400_000.0, LONE, 0.0))
    assert knowledge.leg_seconds(leg(T + HOUR), T + 24 * HOUR) == pytest.approx(
        before, rel=0.02
    )


def test_traffic_of_the_last_half_hour_counts_now_and_fades():
    knowledge = taught(200, at=T - 24 * HOUR, every=20 * HOUR)
    usual = knowledge.leg_seconds(leg(), T)
    for minutes in range(30):
        at = T - (30 - minutes) * MINUTE
        knowledge.learn(Learnt(at, leg(at), 600.0, LONE, 0.0))
    now, soon, later = (
        knowledge.leg_seconds(leg(T + ahead), T) for ahead in (0, HOUR, 6 * HOUR)
    )
    assert now > 1.2 * usual
    assert usual < later < soon < now
    assert knowledge.leg_seconds(leg(T + 12 * HOUR), T + 12 * HOUR) < soon


def test_keys_are_bounded_and_the_least_known_go_first():
    effects = Effects()
    for _ in range(3):
        effects.learn(["", "often"], 1.0, 0.5)
    for number in range(MOST_KEYS + 50):
        effects.learn(["", f"once {number}"], 1.0, 0.5)
    assert len(effects.means) == MOST_KEYS
    assert {"", "often"} <= effects.means.keys()


def test_areas_are_bounded_and_where_nobody_drove_for_longest_goes_first():
    knowledge = Knowledge()
    for number in range(MOST_KEYS + 50):  # an area is half a degree, so each is another
        when, where = T + number * MINUTE, leg(T + number * MINUTE, lon=13.41 + number / 2)
        knowledge.learn(Learnt(when, where, 400.0, LONE, 240.0))
    assert len(knowledge.traffic) == MOST_KEYS
    assert min(since for _, _, since in knowledge.traffic.values()) == T + 50 * MINUTE


def test_times_to_pass_add_up():
    one = lognormal(100.0, 0.5)
    assert one.mean == pytest.approx(100 * exp(0.125))
    low, middle, high = one.quantiles()
    assert middle == pytest.approx(100)
    edge = NormalDist().inv_cdf(0.9) * 0.5
    assert (log(low / 100), log(high / 100)) == (pytest.approx(-edge), pytest.approx(edge))
    both = one.then(lognormal(50.0, 0.5))
    assert both.mean == pytest.approx(150 * exp(0.125))
    assert Spread(0.0, 0.0).quantiles() == (0.0, 0.0, 0.0)


@pytest.mark.parametrize("elapsed", [0.0, 60.0, 180.0, 600.0])
def test_what_is_left_of_a_stay_is_that_of_stays_that_lasted_so_long(elapsed):
    chance = Random(5)  # noqa: S311
    stays = [180 * exp(chance.gauss(0, 0.6)) for _ in range(400_000)]
    left = [each - elapsed for each in stays if each > elapsed]
    found = remaining(180.0, 0.6, elapsed)
    assert found.mean == pytest.approx(mean(left), rel=0.03)
    assert found.variance == pytest.approx(pvariance(left), rel=0.12)


def test_what_lasts_for_ever_still_has_an_end():
    found = remaining(180.0, 0.6, 1e9)
    assert 0 < found.mean < 1e10
    assert found.variance > 0
