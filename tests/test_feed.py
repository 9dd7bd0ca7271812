"""Where the lines of a feed go and when they arrive."""

import gzip
import json
from random import Random

import pytest

from streams.errors import TowerError
from streams.feed import arrivals, in_order_of_arrival, read_lines
from streams.topics import COURIER_EVENTS, ORDER_EVENTS

NINE = 1_704_099_600_000  # 2024-01-01T09:00Z


def line(**fields):
    return json.dumps(fields).encode()


def times(*lines):
    return [each.received_at - NINE for each in arrivals(lines)]


def test_a_line_arrives_when_it_was_observed_else_when_it_happened():
    assert times(
        line(occurred_at="2024-01-01T09:00:00Z"),
        line(occurred_at="2024-01-01T09:00:00Z", observed_at="2024-01-01T10:00:01.5Z"),
        line(occurred_at="2024-01-01T10:00:00+02:00"),
    ) == [0, 3_601_500, -3_600_000]


@pytest.mark.parametrize(
    "garbage",
    [
        b"\xff\xfe",
        b"{",
        b"[1, 2]",
        b'"\\ud800"',
        line(occurred_at="2024-01-01T11:00:00"),  # no offset
        line(occurred_at="1999-12-31T23:59:59.999Z"),
        line(occurred_at="2100-01-01T00:00:00Z"),
        line(occurred_at="0001-01-01T00:00:00+14:00"),
        line(occurred_at=1_704_099_600),
        line(kind={"a": 1}, observed_at=None),
    ],
)
def test_a_line_that_does_not_say_when_arrives_with_the_one_before(garbage):
    good = line(occurred_at="2024-01-01T09:00:00Z")
    later = line(occurred_at="2024-01-01T10:00:00Z")
    assert times(good, garbage, later, garbage) == [0, 0, 3_600_000, 3_600_000]


def test_at_the_top_of_a_file_garbage_arrives_with_the_first_line_that_says_when():
    good = line(occurred_at="2024-01-01T09:00:00Z")
    assert times(b"x", b"y", good) == [0, 0, 0]


def test_a_file_of_garbage_arrives_in_2000():
    assert [each.received_at for each in arrivals([b"x"])] == [946_684_800_000]


def test_lines_are_sorted_by_arrival_and_garbage_comes_after_what_says_when():
    late = line(occurred_at="2024-01-01T10:00:00Z")
    first = line(occurred_at="2024-01-01T09:00:00Z", n=1)
    second = line(occurred_at="2024-01-01T09:00:00Z", n=2)
    feed = [late, b"garbage", first, second]
    assert [each.raw for each in in_order_of_arrival(feed)] == [first, second, late, b"garbage"]


def test_lines_of_one_instant_stand_in_the_order_of_what_they_say_not_of_the_file():
    def told(kind, at="08:00", **more):
        day = "2024-01-01T"
        return line(
            kind=kind, occurred_at=f"{day}{at}:00Z", observed_at=f"{day}09:00:00Z", **more
        )

    expected = [
        told("shift_started", courier_id="z"),  # couriers first: what is asked of them is known
        told("in_transit", "07:59", order_id="a"),  # then order by order, by event time,
        told("order_promised", order_id="a"),  # by the place of the kind in a life,
        told("delivered", order_id="a", source="r", event_id="2"),  # by source and id,
        told(
            "delivered", order_id="a", source="s", event_id="1", to="b"
        ),  # by bytes, "," before "}"
        told("delivered", order_id="a", source="s", event_id="1"),
        told("order_promised", order_id="b"),
    ]
    for seed in range(20):
        lines = Random(seed).sample(expected, len(expected))  # noqa: S311 - no secret
        assert [each.raw for each in in_order_of_arrival(lines)] == expected


@pytest.mark.parametrize(
    "kind", ["position_reported", "route_planned", "shift_started", "shift_ended"]
)
def test_courier_kinds_go_to_the_courier_topic_under_their_courier(kind):
    (arrival,) = arrivals([line(kind=kind, courier_id="c1", order_id="o1", carrier="dpx")])
    assert (arrival.topic, arrival.subject, arrival.carrier) == (COURIER_EVENTS, "c1", "dpx")


@pytest.mark.parametrize("kind", ["delivered", "shift", None, ["shift_ended"]])
def test_everything_else_goes_to_the_order_topic_under_its_order(kind):
    (arrival,) = arrivals([line(kind=kind, courier_id="c1", order_id="o1")])
    assert (arrival.topic, arrival.subject, arrival.carrier) == (ORDER_EVENTS, "o1", None)


def test_lines_are_read_without_their_ends_and_blank_ones_not_at_all(tmp_path):
    content = b'{"a": 1} \r\n\n  \t\n\xff\x00\nlast'
    plain, packed = tmp_path / "feed.jsonl", tmp_path / "feed.jsonl.gz"
    plain.write_bytes(content)
    packed.write_bytes(gzip.compress(content))
    assert list(read_lines(plain)) == [b'{"a": 1} ', b"\xff\x00", b"last"]
    assert list(read_lines(packed)) == [b'{"a": 1} ', b"\xff\x00", b"last"]


@pytest.mark.parametrize("content", [b"not gzip", gzip.compress(b"a\n" * 9999, mtime=0)[:-9]])
def test_a_file_that_cannot_be_read_is_one_sentence(tmp_path, content):
    packed = tmp_path / "feed.gz"
    packed.write_bytes(content)
    with pytest.raises(TowerError, match=r"feed\.gz could not be read"):
        list(read_lines(packed))


def test_a_file_that_is_not_there_is_one_sentence(tmp_path):
    with pytest.raises(TowerError, match="No such file"):
        list(read_lines(tmp_path / "absent"))
