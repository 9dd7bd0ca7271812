"""Arrivals and departures out of fixes that may be wrong, and the route as halts."""

from streams.domain.courier.knowledge import Stay
from streams.domain.courier.progress import Came, Progress, Went
from streams.domain.courier.route import Stop, halts
from streams.domain.visits import Fix
from tests.domain.test_visits import METRES_A_DEGREE

T = 1_728_036_000_000  # 2024-10-04T10:00:00Z
# Doors on a line to the north: at 1,000 m, 2,000 m, 3,000 m.
ROUTE = halts([Stop(f"A-{n}", 52 + n * 1_000 / METRES_A_DEGREE, 13.0) for n in (1, 2, 3)])


def fix(seconds, metres, accuracy=10.0, east=0.0):
    """Return a fix so many metres north of the line's beginning."""
    lat, lon = 52 + metres / METRES_A_DEGREE, 13.0 + east / (METRES_A_DEGREE * 0.6157)
    return Fix(T + seconds * 1_000, T, lat, lon, accuracy)


def happens(*fixes, progress=None):
    progress = progress or Progress()
    return [each for one in fixes for each in progress.take(one, ROUTE) or []]


def seconds(found):
    """Return what happened, instants as seconds."""
    return [(type(each).__name__, each.halt, (each.at - T) / 1_000) for each in found]


def test_two_fixes_at_the_door_are_an_arrival_and_two_away_a_departure():
    found = happens(
        fix(0, 800),
        fix(30, 990),
        fix(60, 1_010),
        fix(90, 1_000),
        fix(120, 1_180),
        fix(150, 1_350),
    )
    # 200 m before the door at 5 m/s: 40 s after the fix at 0; but 10 m off the door at 30,
    # so there by 32. Left when the first fix away, 180 m off, must have been at the door:
    # 36 s before it, but not before the last fix at the door.
    assert seconds(found) == [("Came", 0, 32.0), ("Went", 0, 90.0)]
    assert found[1] == Went(0, T + 32_000, T + 90_000, None)


def test_the_next_leg_begins_where_the_last_stay_ended():
    progress = Progress()
    happens(
        fix(0, 800), fix(30, 1_000), fix(60, 1_000), fix(180, 1_150), fix(210, 1_300),
        progress=progress,
    )  # fmt: skip
    found = happens(
        fix(330, 1_950), fix(360, 2_000), fix(480, 2_130), fix(500, 2_250), progress=progress
    )
    (went,) = [each for each in found if isinstance(each, Went)]
    assert went.left is not None
    assert (went.left.lat, went.left.lon) == (ROUTE[0].lat, ROUTE[0].lon)
    assert went.left.at == T + 150_000  # 150 m at 5 m/s before 180


def test_one_wrong_fix_makes_no_arrival_and_no_departure():
    progress = Progress()
    assert (
        happens(fix(0, 300), fix(30, 1_000), fix(60, 600), fix(90, 700), progress=progress)
        == []
    )
    happens(fix(150, 1_000), fix(180, 1_000), progress=progress)
    assert progress.here == 0
    assert happens(fix(210, 1_120), fix(240, 1_000), fix(270, 1_010), progress=progress) == []
    assert happens(fix(300, 1_500), fix(330, 1_000), progress=progress) == []  # there and back
    assert progress.here == 0


def test_fixes_that_cannot_be_right_do_not_count():
    progress = Progress()
    progress.take(fix(0, 0), ROUTE)
    assert progress.take(fix(10, 0, accuracy=201), ROUTE) is None
    assert progress.take(fix(10, 600), ROUTE) is None  # 216 km/h
    assert progress.take(fix(0, 0), ROUTE) is None  # not later
    assert progress.take(fix(10, 50), ROUTE) == []
    for number in range(3):
        assert progress.take(fix(11 + number, 90_000), ROUTE) is None
    # Whoever is far away for so long is there: the fix before was the wrong one.
    assert progress.take(fix(14, 90_000), ROUTE) is not None


def test_between_the_radii_a_courier_stays_where_he_is():
    progress = Progress()
    happens(fix(0, 800), fix(30, 1_000), fix(60, 1_000), progress=progress)
    assert happens(fix(90, 1_100), fix(120, 1_105), fix(150, 1_110), progress=progress) == []
    assert progress.here == 0  # 110 m: out at 112.5
    assert [type(e) for e in happens(fix(180, 1_115), fix(210, 1_116), progress=progress)] == [
        Went
    ]


def test_a_bad_accuracy_widens_the_door():
    progress = Progress()
    found = happens(
        fix(0, 700), fix(30, 880, accuracy=150), fix(60, 890, accuracy=150), progress=progress
    )
    assert [type(each) for each in found] == [Came]


def test_who_only_passes_a_later_door_has_not_been_there():
    progress = Progress()
    found = happens(
        fix(0, 2_800), fix(10, 2_950), fix(20, 3_040), fix(40, 3_200), progress=progress
    )
    assert found == []
    found = happens(
        fix(100, 3_020), fix(130, 3_000), fix(165, 3_000), fix(200, 3_000), progress=progress
    )
    assert [(type(each), each.halt) for each in found] == [(Came, 2)]  # a minute: out of turn
    assert list(progress.next_halts(ROUTE)) == []  # nobody waits for what was passed over


def test_a_stay_of_seconds_is_none():
    progress = Progress()
    found = happens(
        fix(0, 800),
        fix(20, 950),
        fix(25, 1_000),
        fix(40, 1_120),
        fix(55, 1_240),
        progress=progress,
    )
    assert [type(each) for each in found] == [Came]
    assert list(progress.next_halts(ROUTE)) == [0, 1, 2]


def test_far_from_both_ends_of_the_leg_twice_is_off_the_route():
    progress = Progress()
    happens(
        fix(0, 900), fix(30, 1_000), fix(60, 1_000), fix(120, 1_200), fix(150, 1_300),
        progress=progress,
    )  # fmt: skip
    progress.stray(ROUTE)
    assert not progress.off_route
    # Both ends are more than 2,000 m away: 1.5 legs and a kilometre, less half a leg.
    for at, east in ((400, 1_000.0), (600, 2_200.0), (650, 2_300.0), (700, 2_400.0)):
        progress.take(fix(at, 1_500, east=east), ROUTE)
        progress.stray(ROUTE)
    assert progress.off_route


def test_stops_at_one_door_are_one_halt():
    near = 52 + 40 / METRES_A_DEGREE
    far = 52 + 200 / METRES_A_DEGREE
    found = halts(
        [
            Stop("A", 52, 13, 60.0),
            Stop("B", near, 13, 30.0),
            Stop("C", far, 13),
            Stop("D", far, 13, 9),
        ]
    )
    assert [(halt.orders, halt.stay) for halt in found] == [
        (("A", "B"), Stay(2, 90.0)),
        (("C", "D"), Stay(2, None)),  # of C the plan says nothing
    ]
