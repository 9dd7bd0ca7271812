"""Where a courier was on a day: fixes at known metres of a door, in a row or not; shifts."""

from itertools import pairwise, permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.domain.geo import metres_between
from streams.domain.presence import Presence, Question
from streams.domain.visits import Day, Fix, Path, Turn, on_shift, pairs_at_door

METRES_A_DEGREE = 111_194.926_644  # of latitude, on a sphere of 6,371 km
DOOR = (52.52, 13.40)
SECOND, MINUTE, HOUR = 1_000, 60_000, 3_600_000
NOON = 12 * HOUR
QUESTION = Question("C", 0, 24 * HOUR, NOON, *DOOR, 72 * HOUR)


def fix(seconds, metres, accuracy=0.0, received=None):
    """Return a fix so many seconds after noon, so many metres north of the door."""
    at = NOON + round(seconds * SECOND)
    place = DOOR[0] + metres / METRES_A_DEGREE
    return Fix(at, at if received is None else received, place, DOOR[1], accuracy)


def near(*fixes, question=QUESTION):
    day = Day()
    for each in fixes:
        day.add(each)
    day.ask(question)
    return day.answer(question).near


@pytest.mark.parametrize(
    ("metres", "accuracies", "there"),
    [
        ((0, 0), (0, 0), True),
        ((74.9, 74.9), (0, 0), True),
        ((75.1, 75.1), (0, 0), False),
        ((74.9, 75.1), (0, 0), False),
        ((75.1, 75.1), (76, 76), True),  # within its own accuracy
        ((75.1, 75.1), (76, 75), False),
        ((199.9, 199.9), (200, 200), True),
        ((0, 0), (200.1, 200.1), None),  # known too badly: no fix of that day
        ((0, 0), (0, 200.1), False),
        ((-60, 60), (0, 0), True),  # on both sides of the door
    ],
)
def test_two_fixes_in_a_row_within_75_metres_or_their_accuracy(metres, accuracies, there):
    pair = [fix(60 * n, *each) for n, each in enumerate(zip(metres, accuracies, strict=True))]
    assert near(*pair) is there


def test_one_fix_is_no_visit_and_no_fix_says_nothing():
    assert near() is None
    assert near(fix(0, 0)) is False
    assert near(fix(0, 0), fix(60, 400), fix(120, 0)) is False
    assert near(fix(0, 400), fix(60, 0), fix(600, 0), fix(660, 400)) is True


def test_in_a_row_is_by_the_fixes_own_time():
    late = fix(60, 400, received=NOON + 5 * HOUR)
    assert near(fix(0, 0), fix(120, 0), late) is False


def test_without_a_door_nobody_was_near_it_or_far():
    nowhere = QUESTION._replace(lat=None, lon=None)
    assert near(fix(0, 0), fix(60, 0), question=nowhere) is None


@pytest.mark.parametrize(("seconds", "there"), [(17.9, True), (18.1, False)])
def test_what_would_have_taken_more_than_200_kilometres_an_hour_is_no_fix(seconds, there):
    # 1,000 m in 18 s are 200 km/h: faster than that the fix between is dropped.
    assert near(fix(0, 0), fix(seconds, 1_000), fix(60, 0)) is there


def test_after_a_leap_a_fix_counts_again_once_it_can_have_been_reached():
    # Just under 10 km away 10 s later; 180 s later they can have been driven.
    path = Path()
    fixes = [fix(0, 0), *(fix(10 * n, 9_999) for n in range(1, 20))]
    for each in fixes:
        path.add(each)
    assert path.chain() == [fixes[0], *fixes[18:]]


def test_of_several_fixes_of_one_instant_the_first_received_counts():
    first, second = fix(0, 0), fix(0, 0, received=NOON + 1)
    assert near(second, first) is False
    away = fix(0, 400, received=NOON + 1)
    assert near(away, first, fix(60, 0)) is True


FIXES = [fix(0, 0), fix(30, 400), fix(60, 0), fix(70, 5_000), fix(90, 60), fix(90, 0, 120)]


@pytest.mark.parametrize("order", list(permutations(FIXES))[::7])
def test_the_order_in_which_fixes_come_says_nothing(order):
    path = Path()
    for each in order:
        path.add(each)
    straight = Path()
    for each in sorted(FIXES):
        straight.add(each)
    assert path.chain() == straight.chain() == [FIXES[0], FIXES[1], FIXES[2], FIXES[5]]


fixes = st.builds(
    fix,
    st.integers(0, 40).map(lambda n: n * 15),
    st.sampled_from((0, 50, 100, 400, 3_000, 20_000)),
    st.sampled_from((0.0, 30.0, 120.0, 300.0)),
)


@given(st.lists(fixes, max_size=25, unique=True), st.data())
def test_what_is_kept_up_to_date_is_what_a_look_at_the_whole_day_finds(said, data):
    """Fixes come and are taken back in any order; the second method walks the sorted day."""
    day = Day()
    day.ask(QUESTION)
    there = []
    for each in said:
        day.add(each)
        there.append(each)
        if data.draw(st.booleans()):
            gone = data.draw(st.sampled_from(there))
            there.remove(gone)
            day.remove(gone)
        kept = believed(there)
        assert day.path.chain() == kept
        assert day.asked[QUESTION] == pairs_at_door(kept, *DOOR)
        anywhere = [each for each in there if each.accuracy_m <= 200]
        answer = day.answer(QUESTION)
        assert answer.near == (were_there(kept) if anywhere else None)


def believed(there):
    kept = []
    for each in sorted(there):
        if each.accuracy_m > 200:
            continue
        if kept:
            hours = (each.at - kept[-1].at) / HOUR
            metres = metres_between(each.lat, each.lon, kept[-1].lat, kept[-1].lon)
            if hours == 0 or metres / 1_000 / hours > 200:
                continue
        kept.append(each)
    return kept


def were_there(kept):
    at_door = [metres_between(*each[2:4], *DOOR) <= max(75, each.accuracy_m) for each in kept]
    return any(one and other for one, other in pairwise(at_door))


def turn(hour, *, starts, received=None):
    return Turn(hour * HOUR, hour * HOUR if received is None else received, starts)


START_8, END_17 = turn(8, starts=True), turn(17, starts=False)


@pytest.mark.parametrize(
    ("turns", "hour", "known"),
    [
        ([], 12, None),
        ([START_8], 7.99, False),
        ([START_8], 8, True),
        ([START_8], 20, True),  # nobody says that it ended
        ([END_17], 12, True),  # what ends had begun
        ([END_17], 17, True),
        ([END_17], 17.01, False),
        ([START_8, END_17], 7, False),
        ([START_8, END_17], 12, True),
        ([START_8, END_17], 17, True),
        ([START_8, END_17], 18, False),
        ([END_17, turn(19, starts=True)], 18, False),
        ([END_17, turn(17, starts=True)], 17, True),
        ([START_8, turn(12, starts=False), turn(13, starts=True), END_17], 12.5, False),
        ([START_8, turn(12, starts=False), turn(13, starts=True), END_17], 13, True),
    ],
)
def test_a_shift_lies_between_what_starts_and_what_ends_it(turns, hour, known):
    for order in permutations(turns):
        assert on_shift(order, round(hour * HOUR)) is known


def test_a_day_answers_each_question_by_its_own_moment_and_door():
    day = Day()
    elsewhere = QUESTION._replace(lat=53.0, at=7 * HOUR)
    for question in (QUESTION, elsewhere):
        day.ask(question)
    for said in (fix(0, 0), START_8, fix(60, 0), END_17):
        day.add(said)
    assert day.answer(QUESTION) == Presence(near=True, on_shift=True)
    assert day.answer(elsewhere) == Presence(near=False, on_shift=False)
    day.remove(START_8)
    day.remove(fix(60, 0))
    assert day.answer(QUESTION) == Presence(near=False, on_shift=True)
    assert day.answer(elsewhere) == Presence(near=False, on_shift=True)
