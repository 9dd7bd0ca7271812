"""Hostile messages by a seed: whatever an outsider may send, each with its verdict.

They come from the catalogue of `hostile_items` and from the little stories below, which need
more than one message. A record without a value and without a tick's header is refused as
`bad_json`: the inbound topics are not compacted, nothing can be meant by it. Verdicts hold
where the tower's clock is near `at`, for an event of an order nobody knows that happened
long before the tower reads it is `order_closed`.
"""

import copy
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count, islice
from random import Random
from typing import Any, Literal

from streams.simulate.examples import COURIER_EXAMPLES, ORDER_EXAMPLES, After
from streams.simulate.hostile_items import (
    ACCEPTED,
    BAD_JSON,
    BAD_TIME,
    BAD_VALUE,
    BODIES,
    DUPLICATE,
    FOREIGN_TICK,
    MISSING_FIELD,
    ORDER_CLOSED,
    REMOVED,
    ROWS,
    SCHEMA_VERSION,
    TOO_LARGE,
    UNKNOWN_KIND,
    Raw,
    Row,
)

Topic = Literal["order-events", "courier-events"]
DEFAULT_AT = datetime(2026, 6, 15, 8, 0, tzinfo=UTC)
LIMIT = 262_144


@dataclass(frozen=True, slots=True)
class Hostile:
    """One record to send, the item of the catalogue it is, and what must become of it.

    `expect` is accepted, duplicate or the reason of its dead letter. A duplicate and its
    original have the same key, so that the original comes first.
    """

    topic: Topic
    key: bytes | None
    value: bytes | None
    item: str
    expect: str
    headers: tuple[tuple[str, bytes], ...] = ()


def hostile(
    seed: int, n: int, *, at: datetime = DEFAULT_AT, clock: Literal["wall", "feed"] = "wall"
) -> Iterator[Hostile]:
    """Yield n hostile messages, all items in turn before any comes again.

    `at` is about when the events happen; pass the present for a tower in wall time. With
    the clock `feed` there are no foreign ticks, because there a tick is no mistake.
    """
    pen = _Pen(Random(seed), seed, at)  # noqa: S311 (no secret)
    items = [_of_row(row) for row in ROWS] + [_of_body(*body) for body in BODIES]
    items += [story for story in _STORIES if clock == "wall" or story is not _foreign_tick]
    return islice(_in_turn(pen, items), n)


Item = Callable[["_Pen"], Iterator[Hostile]]


def _in_turn(pen: "_Pen", items: list[Item]) -> Iterator[Hostile]:
    while True:
        pen.random.shuffle(items)
        for item in items:
            yield from item(pen)


@dataclass(slots=True)
class _Pen:
    """Writes events with fresh ids."""

    random: Random
    seed: int
    at: datetime
    serial: Iterator[int] = field(default_factory=count)

    def event(self, kind: str, **changes: Any) -> dict[str, Any]:  # noqa: ANN401 (any JSON value)
        """Return the example of a kind, as of about `at`, with fresh ids."""
        fresh = f"{self.seed}-{next(self.serial)}"
        common: dict[str, Any] = {
            "event_id": f"event-{fresh}",
            "kind": kind,
            "occurred_at": After(timedelta(seconds=self.random.randrange(600))).of(self.at),
            "source": "hostile",
        }
        if kind in ORDER_EXAMPLES:
            own = {"order_id": f"hostile-{fresh}"} | ORDER_EXAMPLES[kind]
        else:
            own = {
                "courier_id": f"hostile-{fresh}",
                "carrier": "hostile-express",
            } | COURIER_EXAMPLES[kind]
        event: dict[str, Any] = self._dated(common | copy.deepcopy(own)) | changes
        return event

    def _dated(self, value: Any) -> Any:  # noqa: ANN401 (any JSON value)
        if isinstance(value, After):
            return value.of(self.at)
        if isinstance(value, dict):
            return {name: self._dated(part) for name, part in value.items()}
        return value

    def put(self, event: dict[str, Any], place: str, value: object) -> bytes:
        """Return the event as JSON, the value put at a place of it."""
        *way, last = place.split(".")
        part: Any = event
        for step in way:
            part = part[int(step) if step.isdecimal() else step]
        index = int(last) if last.isdecimal() else last
        if value is REMOVED:
            part.pop(index, None)
        elif place:
            part[index] = "@raw@" if isinstance(value, Raw) else self._dated(value)
        written = _json(event)
        return written.replace(b'"@raw@"', value.octets) if isinstance(value, Raw) else written

    def record(
        self, item: str, expect: str, event: dict[str, Any], value: bytes | None = None
    ) -> Hostile:
        """Return an event as a record under its natural key."""
        topic = _topic(event["kind"])
        key = str(event["order_id" if topic == "order-events" else "courier_id"]).encode()
        return Hostile(topic, key, _json(event) if value is None else value, item, expect)

    def any_key(self) -> bytes | None:
        """Return what a producer without manners may use as a key."""
        return self.random.choice((None, b"", b"dhl", b"\xff\xfe", self.random.randbytes(8)))


def _json(event: dict[str, Any]) -> bytes:
    return json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()


def _topic(kind: str) -> Topic:
    return "courier-events" if kind in COURIER_EXAMPLES else "order-events"


def _of_row(row: Row) -> Item:
    def write(pen: _Pen) -> Iterator[Hostile]:
        value = pen.put(pen.event(row.kind), row.place, row.value)
        yield Hostile(_topic(row.kind), pen.any_key(), value, row.item, row.expect)

    return write


def _of_body(item: str, value: bytes | None, expect: str) -> Item:
    def write(pen: _Pen) -> Iterator[Hostile]:
        for topic in ("order-events", "courier-events"):
            yield Hostile(topic, pen.any_key(), value, item, expect)

    return write


def _foreign_tick(pen: _Pen) -> Iterator[Hostile]:
    after = int(pen.at.timestamp() * 1_000) + pen.random.randrange(10**12)
    tick = (("tower-tick", str(after).encode()),)
    for topic in ("order-events", "courier-events"):
        yield Hostile(topic, None, b"", "7.foreign_tick", FOREIGN_TICK, tick)


def _at_the_limit(pen: _Pen) -> Iterator[Hostile]:
    for item, size, expect in (
        ("5.at_the_limit", LIMIT, ACCEPTED),
        ("5.over_the_limit", LIMIT + 1, TOO_LARGE),
    ):
        event = pen.event("order_promised")
        yield pen.record(item, expect, event, _json(event).ljust(size))


def _said_twice(pen: _Pen) -> Iterator[Hostile]:
    for kind in ("order_promised", "feedback_given", "position_reported", "shift_started"):
        event = pen.event(kind)
        yield pen.record("6.same_id_same_body", ACCEPTED, event)
        yield pen.record("6.same_id_same_body", DUPLICATE, event)
        respelt = json.dumps(event, indent=2, sort_keys=True).encode()
        yield pen.record("6.same_id_same_content", DUPLICATE, event, respelt)


def _said_otherwise(pen: _Pen) -> Iterator[Hostile]:
    for kind, changes in (
        ("feedback_given", {"csat": 1}),
        ("order_promised", {"carrier": "another"}),
        ("position_reported", {"lat": -33.0}),
    ):
        event = pen.event(kind)
        yield pen.record("6.same_id_other_body", ACCEPTED, event)
        yield pen.record("6.same_id_other_body", DUPLICATE, event | changes)


def _two_sources(pen: _Pen) -> Iterator[Hostile]:
    event = pen.event("order_promised")
    yield pen.record("6.two_sources_same_id", ACCEPTED, event)
    yield pen.record("6.two_sources_same_id", ACCEPTED, event | {"source": "another"})


def _id_of_another_order(pen: _Pen) -> Iterator[Hostile]:
    event = pen.event("order_promised")
    yield pen.record("6.same_id_other_order", ACCEPTED, event)
    order_id = event["order_id"].swapcase()
    yield pen.record("6.order_id_case", ACCEPTED, event | {"order_id": order_id})
    yield pen.record(
        "6.order_id_homoglyph", ACCEPTED, event | {"order_id": order_id + "\u0430"}
    )


def _carriers(pen: _Pen) -> Iterator[Hostile]:
    for _ in range(3):
        carrier = f"carrier {pen.random.getrandbits(48):x}"
        yield pen.record(
            "6.unknown_carrier", ACCEPTED, pen.event("order_promised", carrier=carrier)
        )


def _life(pen: _Pen) -> list[dict[str, Any]]:
    promised = pen.event("order_promised")
    kinds = ("picked_up", "in_transit", "out_for_delivery", "attempt_failed", "delivered")
    return [promised] + [
        pen.event(
            kind,
            order_id=promised["order_id"],
            occurred_at=After(timedelta(minutes=20 * hour)).of(pen.at),
        )
        for hour, kind in enumerate(kinds, 1)
    ]


def _life_shuffled(pen: _Pen) -> Iterator[Hostile]:
    life = _life(pen)
    for event in pen.random.sample(life, len(life)):
        yield pen.record("7.life_shuffled", ACCEPTED, event)


def _life_twice(pen: _Pen) -> Iterator[Hostile]:
    for event in _life(pen):
        yield pen.record("7.life_twice", ACCEPTED, event)
        yield pen.record("7.life_twice", DUPLICATE, event)


def _life_with_gaps(pen: _Pen) -> Iterator[Hostile]:
    promised, *_, delivered = _life(pen)
    yield pen.record("7.gap", ACCEPTED, promised)
    yield pen.record("7.gap", ACCEPTED, delivered)
    position = pen.event("position_reported", courier_id=delivered["courier_id"])
    yield pen.record("3.position_after_delivery", ACCEPTED, position)


def _late_scans(pen: _Pen) -> Iterator[Hostile]:
    for item, days, expect in (
        ("7.scan_after_3_days", 3, ACCEPTED),
        ("7.scan_after_100_days", 100, ORDER_CLOSED),
    ):
        happened = After(timedelta(days=-days)).of(pen.at)
        observed = After(timedelta(0)).of(pen.at)
        event = pen.event("in_transit", occurred_at=happened, observed_at=observed)
        yield pen.record(item, expect, event)


def _jump(pen: _Pen) -> Iterator[Hostile]:
    start = pen.event("position_reported", occurred_at=After(timedelta(0)).of(pen.at))
    yield pen.record("3.jump_500_km", ACCEPTED, start)
    moved = pen.event(
        "position_reported",
        courier_id=start["courier_id"],
        occurred_at=After(timedelta(minutes=1)).of(pen.at),
        lat=48.14,
        lon=11.58,
    )
    yield pen.record("3.jump_500_km", ACCEPTED, moved)


def _keys(pen: _Pen) -> Iterator[Hostile]:
    for item, key in (("7.key_null", None), ("7.key_of_another_order", b"A-1")):
        value = _json(pen.event("order_promised"))
        yield Hostile("order-events", key, value, item, ACCEPTED)


def _several_faults(pen: _Pen) -> Iterator[Hostile]:
    """Yield events with ever fewer faults: the first in the order of checks must win."""
    bad_value = {"carrier": 7, "schema_version": 0}
    bad_time = bad_value | {"occurred_at": "2026-05-04T10:00:00"}
    missing = bad_time | {"event_id": REMOVED}
    broken = b"\xff" + _json(pen.event("order_promised"))
    for expect, changes in (
        (SCHEMA_VERSION, missing | {"kind": "x", "schema_version": 2}),
        (UNKNOWN_KIND, missing | {"kind": "x"}),
        (MISSING_FIELD, missing),
        (MISSING_FIELD, missing | {"kind": 7}),
        (MISSING_FIELD, bad_time | {"kind": REMOVED}),
        (BAD_TIME, bad_time),
        (BAD_TIME, bad_time | {"kind": 7}),
        (BAD_VALUE, bad_value),
    ):
        event = pen.event("order_promised") | changes
        value = _json({name: part for name, part in event.items() if part is not REMOVED})
        yield Hostile("order-events", None, value, "5.several_faults", expect)
    for expect, value in ((BAD_JSON, broken), (TOO_LARGE, broken.ljust(LIMIT + 1))):
        yield Hostile("order-events", None, value, "5.several_faults", expect)


_STORIES: list[Item] = [
    _foreign_tick, _at_the_limit, _said_twice, _said_otherwise, _two_sources,
    _id_of_another_order, _carriers, _life_shuffled, _life_twice, _life_with_gaps,
    _late_scans, _jump, _keys, _several_faults,
]  # fmt: skip
