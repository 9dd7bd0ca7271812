"""Couriers who fall silent: how long ago they were heard, moving or standing, stops to come."""

import pytest

from streams.domain.silence import Place, arrived_at, silent_from
from tests.domain.test_visits import DOOR, METRES_A_DEGREE, MINUTE, NOON, SECOND, fix

STOP = Place(*DOOR)
ELSEWHERE = Place(DOOR[0] + 5_000 / METRES_A_DEGREE, DOOR[1])


def came(*fixes):
    at = arrived_at(fixes, STOP)
    return None if at is None else (at - NOON) / SECOND


@pytest.mark.parametrize(
    ("fixes", "seconds"),
    [
        ([], None),
        ([(0, 0)], None),
        ([(0, 0), (10, 0)], 0),
        ([(0, 400), (60, 0), (70, 74)], 60),
        ([(0, 74), (10, 76)], None),  # one fix in, one in the ring
        ([(0, 74), (19, 112), (20, 112)], 0),  # 20 s and not away: 1.5 x 75 m are 112.5 m
        ([(0, 74), (10, 112), (19.9, 112)], None),
        ([(0, 74), (10, 113), (20, 74)], None),  # away in between: it begins anew
        ([(0, 74), (10, 113), (20, 74), (30, 74)], 20),
        ([(0, 74), (10, 80), (15, 74)], None),  # neither in a row nor 20 s
        ([(0, 0), (60, 400)], None),
        ([(0, 130, 90), (10, 89, 90)], None),  # 1.5 x its accuracy of 90 m, but not in it
        ([(0, 89, 90), (25, 134, 90)], 0),
    ],
)
def test_an_arrival_is_two_fixes_in_a_row_or_20_seconds_not_away(fixes, seconds):
    assert came(*(fix(*each) for each in fixes)) == seconds


@pytest.mark.parametrize(
    ("fixes", "minutes"),
    [
        ([(0, 1_000)], 30),  # one fix does not move
        ([(0, 1_000), (60, 1_059)], 31),  # 59 m in 60 s is standing
        ([(0, 1_000), (60, 1_060.1)], 11),  # 1 m/s is not
        ([(0, 3_000), (60, 2_000)], 11),
    ],
)
def test_a_courier_is_silent_10_minutes_after_moving_30_after_standing(fixes, minutes):
    chain = [fix(*each) for each in fixes]
    assert silent_from(chain, [STOP]) == NOON + minutes * MINUTE


def test_who_has_no_stop_to_come_or_was_never_heard_is_not_silent():
    visit = [fix(0, 0), fix(30, 0)]
    assert silent_from(visit, [STOP]) is None
    assert silent_from(visit, [STOP, ELSEWHERE]) == NOON + 30 * SECOND + 30 * MINUTE
    assert silent_from([], [STOP]) is None
    assert silent_from(visit, []) is None
