"""Ingest: what is passed on, what is set aside, what is counted, and how far the clock is."""

import base64
import json

import pytest

from streams import topics
from streams.clocks import parse_origin
from streams.engine.api import Beat, Record
from streams.ingest import COURIERS, ORDERS, IngestFold
from tests.story import DAY, delivered, picked_up, story

T = 1_772_000_000_000  # some day of 2026, epoch milliseconds


class Sent:
    """What a fold put out, in order."""

    def __init__(self):
        self.all = []

    def send(self, topic, key, value, headers=(), partition=None):
        self.all.append((topic, key, value, dict(headers), partition))

    def to(self, topic):
        return [each for each in self.all if each[0] == topic]

    def ticks(self, topic=topics.ORDER_LOG):
        return [
            (partition, *json.loads(value).values(), headers["caught_up"] == b"1")
            for _, _, value, headers, partition in self.to(topic)
            if headers.get("kind") == b"tick"
        ]

    def passed_on(self, topic=topics.ORDER_LOG):
        return [each for each in self.to(topic) if "kind" not in each[3]]


def fold(*, feed=False, inbound=ORDERS, meta=None):
    found = IngestFold(inbound, 3, 2, feed=feed)
    found.recover(meta, None, {})
    return found


def record(offset, value, timestamp=T, key=b"any", **headers):
    named = tuple((name.replace("_", "-"), each) for name, each in headers.items())
    return Record(offset, timestamp, key, value, named)


(EVENT,) = story(picked_up(5))


def test_an_event_goes_on_under_its_orders_key_with_where_it_came_from():
    ingest, out = fold(), Sent()
    ingest.fold([record(1234, EVENT)], out)
    ((_, key, value, headers, partition),) = out.passed_on()
    assert (key, json.loads(value), partition) == (b"A-1", json.loads(EVENT), None)
    assert headers == {"received_at": str(T).encode(), "origin": b"order-events/3/1234/0"}
    assert parse_origin(headers["origin"]) == ("order-events/3", (1234, 0))
    assert ingest.counts == {"read": 1}


def test_what_was_read_is_told_with_how_old_it_was():
    heard = []
    ingest = IngestFold(
        ORDERS, 3, 2, feed=False,
        observe=lambda topic, results, delays: heard.append((topic, {**results}, [*delays])),
    )  # fmt: skip
    ingest.recover(None, None, {})
    happened = round((DAY.timestamp() + 5 * 60) * 1_000)
    ingest.fold([record(0, EVENT, happened + 1_500), record(1, b"{")], Sent())
    ingest.fold([record(2, EVENT, happened + 2_000)], Sent())
    kind = ("accepted", "picked_up")
    assert heard == [
        ("order-events", {kind: 1, ("bad_json", ""): 1}, [1.5]),
        ("order-events", {kind: 1}, [2.0]),
    ]


def test_unknown_fields_are_told_and_left_behind():
    ingest, out = fold(), Sent()
    ingest.fold([record(0, EVENT[:-1] + b',"colour":"red"}')], out)
    ((_, _, value, headers, _),) = out.passed_on()
    assert headers["unknown"] == b"1"
    assert b"colour" not in value


def test_courier_events_go_to_their_log():
    event = {
        "kind": "position_reported", "event_id": "p1", "source": "app", "courier_id": "K 7",
        "carrier": "nordpost", "occurred_at": "2026-03-03T09:00:00Z", "lat": 1.0, "lon": 2.0,
    }  # fmt: skip
    ingest, out = fold(inbound=COURIERS), Sent()
    ingest.fold([record(7, json.dumps(event).encode()), record(8, EVENT)], out)
    ((topic, key, _, headers, _),) = out.passed_on(topics.COURIER_LOG)
    assert (topic, key, headers["origin"]) == (
        topics.COURIER_LOG, b"K 7", b"courier-events/3/7/0",
    )  # fmt: skip
    assert ingest.counts == {"read": 2, "rejected.unknown_kind": 1}


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"{", "bad_json"),
        (None, "bad_json"),
        (b"[]", "not_an_object"),
        (b"{}", "missing_field"),
    ],
)
def test_what_cannot_be_read_is_set_aside_whole(raw, reason):
    ingest, out = fold(), Sent()
    ingest.fold([record(9, raw, X_trace=b"\xff\x00"), record(10, EVENT)], out)
    ((_, key, value, _, partition),) = out.to(topics.DEAD_LETTERS)
    letter = json.loads(value)
    assert (key, partition) == (b"order-events/3/9", None)
    assert (letter["reason"], letter["topic"], letter["partition"]) == (
        reason, topics.ORDER_EVENTS, 3,
    )  # fmt: skip
    assert (letter["offset"], letter["index"], letter["received_at"]) == (9, 0, T)
    assert letter["raw"] == (None if raw is None else base64.b64encode(raw).decode())
    assert base64.b64decode(letter["headers"]["X-trace"]) == b"\xff\x00"
    # The neighbour is unharmed.
    assert len(out.passed_on()) == 1
    assert ingest.counts == {"read": 2, f"rejected.{reason}": 1}


# -- wall time -------------------------------------------------------------------------------


def test_in_wall_time_the_broker_says_when():
    ingest, out = fold(), Sent()
    ingest.fold([record(0, EVENT, T), record(1, EVENT, T + 5)], out)
    assert [each[3]["received_at"] for each in out.passed_on()] == [
        str(T).encode(), str(T + 5).encode(),
    ]  # fmt: skip
    assert out.ticks() == []  # only the beat speaks of time


def test_while_behind_the_clock_is_at_what_was_read():
    ingest, out = fold(), Sent()
    ingest.fold([record(0, EVENT, T)], out)
    ingest.beat(Beat(T + 60_000, caught_up=False, safe_at=None), out)
    assert out.ticks() == [(0, T, False), (1, T, False)]


def test_caught_up_it_is_at_the_last_answer_less_the_margin():
    ingest, out = fold(), Sent()
    ingest.fold([record(0, EVENT, T)], out)
    ingest.beat(Beat(T + 9_000, caught_up=True, safe_at=T + 5_000), out)
    ingest.beat(Beat(T + 9_500, caught_up=True, safe_at=T - 5_000), out)
    assert out.ticks() == [(partition, T + 5_000, True) for partition in (0, 1)] * 2


def test_the_clock_never_falls_and_no_record_is_received_before_it():
    ingest, out = fold(), Sent()
    ingest.beat(Beat(T, caught_up=True, safe_at=T), out)
    ingest.fold([record(0, EVENT, T - 1_000)], out)
    assert out.passed_on()[0][3]["received_at"] == str(T).encode()
    ingest.beat(Beat(T + 1, caught_up=True, safe_at=T - 500), out)
    assert ingest.clock == T


def test_before_anything_is_known_no_tick_is_sent():
    ingest, out = fold(), Sent()
    ingest.beat(Beat(T, caught_up=False, safe_at=None), out)
    assert out.all == []


@pytest.mark.parametrize("value", [str(T).encode(), b"soon", None])
def test_a_tick_from_outside_is_foreign_in_wall_time(value):
    ingest, out = fold(), Sent()
    ingest.fold([record(0, b"", tower_tick=value)], out)
    assert ingest.counts == {"read": 1, "rejected.foreign_tick": 1}
    assert json.loads(out.to(topics.DEAD_LETTERS)[0][2])["reason"] == "foreign_tick"
    ingest.beat(Beat(T, caught_up=False, safe_at=None), out)
    assert ingest.clock == 0


def test_the_arrival_a_stranger_states_is_not_believed_in_wall_time():
    ingest, out = fold(), Sent()
    ingest.fold([record(0, EVENT, T, tower_received_at=b"946684800000")], out)
    assert out.passed_on()[0][3]["received_at"] == str(T).encode()


# -- feed time -------------------------------------------------------------------------------


def test_in_feed_time_everything_comes_with_the_data():
    ingest, out = fold(feed=True), Sent()
    ingest.beat(Beat(T + 10**9, caught_up=True, safe_at=T + 10**9), out)
    assert out.all == []
    ingest.fold([
        record(0, EVENT, T + 10**9, tower_received_at=str(T).encode()),
        record(1, b"", T + 10**9, tower_tick=str(T + 5).encode()),
    ], out)  # fmt: skip
    assert out.passed_on()[0][3]["received_at"] == str(T).encode()
    assert out.ticks() == [(0, T + 5, True), (1, T + 5, True)]
    assert ingest.counts == {"read": 1}  # a tick is not read


def test_in_feed_time_the_quiet_moves_nothing_and_news_are_told_once():
    ingest, out = fold(feed=True), Sent()
    ingest.fold([record(0, b"", tower_tick=str(T).encode())], out)
    ingest.fold([record(1, EVENT, tower_received_at=str(T + 1).encode())], out)
    assert out.ticks() == [(0, T, False), (1, T, False)]
    ingest.beat(Beat(T, caught_up=True, safe_at=T + 99), out)
    ingest.beat(Beat(T, caught_up=True, safe_at=T + 99), out)
    assert out.ticks()[2:] == [(0, T, True), (1, T, True)]


@pytest.mark.parametrize("stated", [b"", b"soon", b"12", b"99999999999999", None])
def test_without_a_believable_arrival_it_is_that_of_the_record_before(stated):
    ingest, out = fold(feed=True), Sent()
    ingest.fold([
        record(0, EVENT, tower_received_at=str(T).encode()),
        record(1, EVENT, tower_received_at=stated),
        record(2, EVENT),
    ], out)  # fmt: skip
    arrivals = {each[3]["received_at"] for each in out.passed_on()}
    assert arrivals == {str(T).encode()}


@pytest.mark.parametrize("tick", [b"", b"soon", b"12", b"4102444800000", None])
def test_a_tick_without_an_instant_is_foreign_in_feed_time_too(tick):
    ingest, out = fold(feed=True), Sent()
    ingest.fold([record(0, b"", tower_tick=tick)], out)
    assert ingest.counts == {"read": 1, "rejected.foreign_tick": 1}
    assert ingest.clock == 0


def test_a_tick_never_falls():
    ingest, out = fold(feed=True), Sent()
    for offset, at in enumerate((T + 5, T)):
        ingest.fold([record(offset, b"", tower_tick=str(at).encode())], out)
    assert ingest.clock == T + 5
    ingest.fold([record(2, EVENT, tower_received_at=str(T).encode())], out)
    assert out.passed_on()[0][3]["received_at"] == str(T + 5).encode()


# -- what is remembered and published --------------------------------------------------------


def test_counts_and_clock_survive():
    ingest, out = fold(), Sent()
    ingest.fold([record(0, EVENT, T), record(1, b"{", T + 1)], out)
    ingest.beat(Beat(T + 9, caught_up=True, safe_at=T + 5), out)
    again = fold(meta=ingest.meta())
    assert (again.counts, again.clock) == (ingest.counts, ingest.clock)
    assert again.meta() == ingest.meta()
    assert not again.caught_up


def test_events_without_an_arrival_on_the_feed_clock_are_warned_of_once(caplog):
    ingest = fold(feed=True)
    ingest.fold([record(0, EVENT), record(1, EVENT)], Sent())
    (said,) = [each.getMessage() for each in caplog.records]
    assert said.startswith(
        "order-events partition 3: an event without the header tower-received-at"
    )


def test_counts_are_published_when_they_change():
    ingest, out = fold(), Sent()
    ingest.publish(out)
    ingest.publish(out)
    ingest.fold([record(0, EVENT, T)], out)
    ingest.publish(out)
    cells = out.to(topics.KPI_CELLS)
    assert [(key, partition) for _, key, _, _, partition in cells] == [
        (b"ingest/order-events/3", 3)
    ] * 2
    assert [json.loads(value) for _, _, value, _, _ in cells] == [
        {"counts": {}, "clock": 0, "time": "wall"},
        {"counts": {"read": 1}, "clock": 0, "time": "wall"},
    ]


def test_whoever_takes_a_partition_over_publishes_it_anew():
    ingest, out = fold(), Sent()
    ingest.publish(out)
    ingest.recover(ingest.meta(), None, {})
    ingest.publish(out)
    assert len(out.to(topics.KPI_CELLS)) == 2


def test_read_is_what_was_passed_on_and_what_was_set_aside():
    ingest, out = fold(), Sent()
    values = [EVENT, b"{", None, b"[]", *story(delivered(9)), b'{"kind":"x"}']
    ingest.fold([record(offset, value) for offset, value in enumerate(values)], out)
    rejected = sum(n for name, n in ingest.counts.items() if name.startswith("rejected."))
    assert ingest.counts["read"] == len(values) == len(out.passed_on()) + rejected
    assert rejected == len(out.to(topics.DEAD_LETTERS))
