"""Ticks between the lines of a feed: never ahead of a line, never needlessly many."""

from hypothesis import given
from hypothesis import strategies as st

from streams.feed import Arrival
from streams.pacing import PublishOptions, Tick, schedule

MINUTE = 60_000


def at(*minutes):
    return [Arrival(each * MINUTE, b"{}", "order-events", None, None) for each in minutes]


def shown(minutes, **options):
    """Return lines as their minute and ticks as a text of it."""
    return [
        f"tick {item.at // MINUTE}" if isinstance(item, Tick) else item.received_at // MINUTE
        for item in schedule(at(*minutes), PublishOptions(**options))
    ]


def test_a_tick_comes_first_then_every_quarter_of_an_hour_and_at_the_end():
    assert shown([0, 10, 15, 20, 29, 31]) == [
        "tick 0", 0, 10, "tick 15", 15, 20, 29, "tick 31", 31,
    ]  # fmt: skip


def test_one_tick_spans_a_gap():
    assert shown([0, 600]) == ["tick 0", 0, "tick 600", 600]


def test_lines_of_one_instant_make_no_further_tick():
    assert shown([5, 5, 5]) == ["tick 5", 5, 5, 5]


def test_the_last_tick_is_the_instant_asked_for():
    assert shown([0, 5], as_of=90 * MINUTE) == ["tick 0", 0, 5, "tick 90"]


def test_no_tick_passes_the_instant_asked_for():
    assert shown([0, 30, 60], as_of=40 * MINUTE) == ["tick 0", 0, "tick 30", 30, 60, "tick 40"]


def test_a_paced_feed_ticks_through_a_gap():
    assert shown([0, 3], speed=60.0) == ["tick 0", 0, "tick 1", "tick 2", "tick 3", 3]


def test_a_slow_paced_feed_ticks_once_a_real_second():
    # at twice the pace a real second is two seconds of event time: 30 ticks a minute
    ticks = [item for item in shown([0, 1], speed=2.0) if isinstance(item, str)]
    assert len(ticks) == 31


def test_what_came_before_the_pace_has_one_tick_a_gap():
    assert shown([0, 100, 202], speed=60.0, pace_from=200 * MINUTE) == [
        "tick 0", 0, "tick 100", 100, "tick 200", "tick 201", "tick 202", 202,
    ]  # fmt: skip


def test_an_empty_feed_has_no_tick_unless_one_is_asked_for():
    assert shown([]) == []
    assert shown([], as_of=7 * MINUTE) == ["tick 7"]


@given(
    minutes=st.lists(st.integers(0, 500)).map(sorted),
    as_of=st.none() | st.integers(0, 600),
    speed=st.none() | st.sampled_from([30.0, 600.0]),
    pace_from=st.none() | st.integers(0, 500),
)
def test_no_tick_is_ahead_of_a_line_and_ticks_only_rise(minutes, as_of, speed, pace_from):
    options = PublishOptions(
        speed=speed,
        pace_from=None if pace_from is None else pace_from * MINUTE,
        as_of=None if as_of is None else as_of * MINUTE,
    )
    items = list(schedule(at(*minutes), options))
    assert [item for item in items if isinstance(item, Arrival)] == at(*minutes)
    ticks = [item.at for item in items if isinstance(item, Tick)]
    assert ticks == sorted(set(ticks))
    for index, item in enumerate(items):
        if isinstance(item, Tick):
            later = [each.received_at for each in items[index:] if isinstance(each, Arrival)]
            assert all(item.at <= each for each in later)
    if as_of is not None:
        assert ticks[-1] == as_of * MINUTE or ticks[-1] >= max(minutes, default=0) * MINUTE
    elif minutes:
        assert ticks[-1] == minutes[-1] * MINUTE
