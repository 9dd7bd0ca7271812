"""Watermarks: the least of what every upstream has promised, and what came before."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.clocks import Watermarks, origin_header, parse_origin, send_ticks

ONE, OTHER = "order-events/0", "couriers/0"


def marks(**entries):
    found = Watermarks((ONE, OTHER))
    for upstream, at in zip((ONE, OTHER), entries.values(), strict=False):
        tick(found, {upstream: at})
    return found


def tick(found, entries, *, caught_up=True):
    found.tick(json.dumps(entries).encode(), caught_up=caught_up)


def test_the_clock_stands_until_every_upstream_was_heard():
    found = marks()
    assert found.clock == 0
    tick(found, {ONE: 5})
    assert found.clock == 0
    tick(found, {OTHER: 3})
    assert found.clock == 3


def test_no_entry_falls_and_strangers_are_ignored():
    found = marks(one=5, other=7)
    tick(found, {ONE: 4, OTHER: 8, "order-events/9": 1})
    assert (found.entries, found.clock) == ({ONE: 5, OTHER: 8}, 5)


def test_caught_up_is_what_every_upstream_said_last():
    found = marks()
    assert not found.caught_up
    tick(found, {ONE: 1})
    assert not found.caught_up
    tick(found, {OTHER: 1})
    assert found.caught_up
    tick(found, {ONE: 2}, caught_up=False)
    assert not found.caught_up
    assert Watermarks(()).caught_up


@pytest.mark.parametrize(("received_at", "clamped"), [(4, 5), (5, 5), (6, 6)])
def test_a_record_is_never_received_before_its_upstreams_entry(received_at, clamped):
    found = marks(one=5)
    assert found.clamp(ONE, received_at) == clamped
    assert found.clamp(OTHER, received_at) == received_at


def test_repeats_are_known_by_the_highest_origin():
    found = marks()
    assert [found.repeats(ONE, each) for each in ((0, 0), (0, 0), (2, 1), (2, 0), (1, 9))] == [
        False, True, False, True, True,
    ]  # fmt: skip
    assert not found.repeats(OTHER, (0, 0))
    assert not found.repeats(ONE, (2, 2))


def test_what_is_remembered_is_everything():
    found = marks(one=5)
    found.repeats(ONE, (3, 1))
    again = Watermarks((ONE, OTHER))
    again.decode(json.loads(json.dumps(found.encode())))
    assert (again.entries, again.origins) == (found.entries, found.origins)
    assert again.repeats(ONE, (3, 1))
    assert again.caught_up == found.caught_up


@given(st.lists(st.tuples(st.sampled_from((ONE, OTHER)), st.integers(0, 99)), max_size=12))
def test_the_order_of_ticks_does_not_matter_and_the_clock_never_falls(ticks):
    found, clocks = marks(), []
    for upstream, at in ticks:
        tick(found, {upstream: at})
        clocks.append(found.clock)
    assert clocks == sorted(clocks)
    backwards = marks()
    for upstream, at in reversed(ticks):
        tick(backwards, {upstream: at})
    assert backwards.entries == found.entries


def test_origins_read_back():
    assert origin_header("order-events/3", 1234) == b"order-events/3/1234/0"
    assert parse_origin(b"order-events/3/1234/0") == ("order-events/3", (1234, 0))
    assert parse_origin(origin_header("couriers/0", 7, 2)) == ("couriers/0", (7, 2))


def test_a_tick_goes_to_every_partition():
    sent = []

    class Out:
        def send(self, topic, key, value, headers=(), partition=None):
            sent.append((topic, key, json.loads(value), dict(headers), partition))

    send_ticks(Out(), "order-log", 2, ONE, 5, caught_up=False)
    headers = {"kind": b"tick", "caught_up": b"0"}
    assert sent == [("order-log", None, {ONE: 5}, headers, partition) for partition in (0, 1)]
