"""The couriers fold: where each courier is, the route to come, and what was said twice.

One courier-log partition. A courier's latest position, route and shift are one row; the ids
of its events are rows of an hour each, known for two days, so that a repeated event counts as
a duplicate. Counts of ended hours go to one archive row.
"""

import json
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any

from models.base import Millis, millis
from models.events import CourierEvent, PositionReported, RoutePlanned, ShiftChanged
from streams import topics
from streams.clocks import Watermarks, parse_origin, send_ticks
from streams.codec import load_courier
from streams.domain.order import content_of
from streams.engine.api import Beat, Outputs, Record, Rows

HOUR_MS = 3_600_000
KNOWN_MS = 48 * HOUR_MS
ARCHIVE = b"\x01counts"
COURIER, HOUR = b"c/", b"h/"
# Of one courier in one hour; a row has its bounds. Beyond, a repeated event is another one.
IDS_KNOWN = 10_000

# An hour's row: {"ids": {digest of id: [received_at, digest of content]}, "counts": {...}}
HourRow = dict[str, Any]
# When an event first came, epoch milliseconds, and the digest of its content.
Known = tuple[Millis, str]


class CouriersFold:
    """The couriers of one partition; its clock is an upstream of every inbox partition."""

    def __init__(self, partition: int, upstreams: Sequence[str], inboxes: int) -> None:
        self.partition = partition
        self.upstreams = upstreams
        self.inboxes = inboxes
        self.upstream = f"couriers/{partition}"
        self._reset()

    def _reset(self) -> None:
        self.marks = Watermarks(self.upstreams)
        self.couriers: dict[bytes, dict[str, Any]] = {}
        self.hours: dict[bytes, HourRow] = {}
        self.known: dict[str, dict[str, Known]] = {}
        self.archived: dict[str, int] = {}
        self.rows: Rows | None = None
        self._dirty: dict[bytes, int] = {}
        self._dead: list[bytes] = []
        self._dying: list[bytes] = []
        self._told: tuple[Millis, bool] = (0, False)
        self._published = b""

    def recover(self, meta: bytes | None, rows: Rows, published: Mapping[bytes, bytes]) -> None:
        """Rebuild memory from rows."""
        del published
        self._reset()
        self.rows = rows
        if meta is not None:
            self.marks.decode(json.loads(meta))
        for key, payload in rows.items():
            if not payload:
                self._dead.append(key)
            elif key == ARCHIVE:
                self.archived = json.loads(payload)
            elif key.startswith(HOUR):
                self.hours[key] = json.loads(payload)
            else:
                self.couriers[key] = json.loads(payload)
        for key in sorted(self.hours, key=_hour_of):  # of an id that came again, the last
            known = self.known.setdefault(_courier_of(key), {})
            known.update({name: tuple(each) for name, each in self.hours[key]["ids"].items()})

    def fold(self, records: Sequence[Record], out: Outputs) -> None:
        """Apply records in order, put the rows they changed, pass the clock on."""
        for record in records:
            headers = dict(record.headers)
            if headers.get("kind") == b"tick":
                caught_up = headers.get("caught_up") == b"1"
                self.marks.tick(record.value or b"{}", caught_up=caught_up)
                self._forget_hours(record.offset)
                continue
            upstream, origin = parse_origin(headers["origin"])
            if not self.marks.repeats(upstream, origin):
                received_at = self.marks.clamp(upstream, int(headers["received_at"]))
                self.take(
                    record.value or b"",
                    received_at,
                    record.offset,
                    unknown="unknown" in headers,
                )
        self._put_rows()
        self._tell(out)

    def beat(self, beat: Beat, out: Outputs) -> None:
        """Time is an event here: the clock moves with the ticks of ingest alone."""

    def meta(self) -> bytes:
        """Return the watermarks."""
        return json.dumps(self.marks.encode()).encode()

    def publish(self, out: Outputs) -> None:
        """Publish the counts and the clock of this partition if they changed."""
        for key in self._dying:
            if self.rows is not None and self.rows.get(key) == b"":
                self.rows.delete(key)
        self._dying, self._dead = self._dead, []
        value = json.dumps(
            {"counts": self.counts(), "clock": self.marks.clock}, sort_keys=True
        ).encode()
        if value != self._published:
            key = f"couriers/{self.partition}".encode()
            out.send(topics.KPI_CELLS, key, value, partition=self.partition)
            self._published = value

    def counts(self) -> dict[str, int]:
        """Return how many events were accepted, came twice, or carried unknown fields."""
        total = dict(self.archived)
        for hour in self.hours.values():
            _add(total, hour["counts"])
        return total

    def take(
        self, canonical: bytes, received_at: Millis, offset: int, *, unknown: bool
    ) -> None:
        """Take one event: count it, and keep what is newest of its courier."""
        event = load_courier(canonical)
        hour_key = _hour_key(event.courier_id, received_at)
        courier_key = COURIER + event.courier_id.encode()
        known = self._known(event, received_at)
        if not self._holds(hour_key, offset):
            self._count(hour_key, event, received_at, known, unknown=unknown)
            self._dirty[hour_key] = offset
        if not self._holds(courier_key, offset):
            before = self.couriers.get(courier_key, {})
            after = _newest(before, event)
            if after != before:
                self.couriers[courier_key] = after
                self._dirty[courier_key] = offset

    def _count(
        self,
        hour_key: bytes,
        event: CourierEvent,
        received_at: Millis,
        known: Known | None,
        *,
        unknown: bool,
    ) -> None:
        hour = self.hours.setdefault(hour_key, {"ids": {}, "counts": {}})
        digest = content_of(event).hex()
        if known is None:
            if len(hour["ids"]) < IDS_KNOWN:
                name = _id(event)
                hour["ids"][name] = [received_at, digest]
                self.known.setdefault(event.courier_id, {})[name] = (received_at, digest)
            _add(hour["counts"], {"accepted": 1, "unknown_fields": int(unknown)})
        else:
            _add(hour["counts"], {"duplicate": 1, "id_conflict": int(known[1] != digest)})

    def _known(self, event: CourierEvent, received_at: Millis) -> Known | None:
        """Return what is known of an event's id: when it first came, and its content."""
        known = self.known.get(event.courier_id, {}).get(_id(event))
        if known is None or abs(received_at - known[0]) >= KNOWN_MS:
            return None
        return known

    def _forget_hours(self, offset: int) -> None:
        """Move the counts of hours that are no longer asked for to the archive."""
        horizon = (self.marks.clock - KNOWN_MS) // HOUR_MS - 1
        if horizon <= 0:
            return
        for key in [key for key in self.hours if _hour_of(key) < horizon]:
            if self._holds(key, offset):
                continue
            hour = self.hours.pop(key)
            self._forget_ids(_courier_of(key), hour["ids"])
            counts = hour["counts"]
            if self.rows is None or self.rows.recovered_off(ARCHIVE) < offset:
                _add(self.archived, counts)
                self._dirty[ARCHIVE] = offset
            self._dirty[key] = offset

    def _forget_ids(self, courier_id: str, ids: Mapping[str, list[Any]]) -> None:
        known = self.known.get(courier_id, {})
        for name, (received_at, _) in ids.items():
            if known.get(name, (None,))[0] == received_at:
                del known[name]
        if not known:
            self.known.pop(courier_id, None)

    def _holds(self, key: bytes, offset: int) -> bool:
        return self.rows is not None and self.rows.off(key) >= offset

    def _put_rows(self) -> None:
        rows, dirty = self.rows, self._dirty
        self._dirty = {}
        if rows is None:
            return
        if ARCHIVE in dirty:
            rows.put(
                ARCHIVE, json.dumps(self.archived).encode(), dirty.pop(ARCHIVE), first=True
            )
        for key, offset in dirty.items():
            row = self.hours.get(key) or self.couriers.get(key)
            payload = b"" if row is None else json.dumps(row).encode()
            rows.put(key, payload, offset)
            if not payload:
                self._dead.append(key)

    def _tell(self, out: Outputs) -> None:
        now = (self.marks.clock, self.marks.caught_up)
        if now[0] and now != self._told:
            send_ticks(
                out, topics.ORDER_LOG, self.inboxes, self.upstream, now[0], caught_up=now[1]
            )
            self._told = now


def _newest(row: dict[str, Any], event: CourierEvent) -> dict[str, Any]:
    """Return a courier's row with what the event says, unless something newer is known."""
    at = millis(event.occurred_at)
    match event:
        case PositionReported():
            name = "position"
            said: dict[str, Any] = {"lat": event.lat, "lon": event.lon, "m": event.accuracy_m}
        case RoutePlanned():
            name = "route"
            said = {"stops": [[stop.order_id, stop.lat, stop.lon] for stop in event.stops]}
        case ShiftChanged():
            name = "shift"
            said = {"on": event.kind == "shift_started"}
    if at < row.get(name, {"at": at})["at"]:
        return row
    return row | {"carrier": event.carrier, name: said | {"at": at}}


def _id(event: CourierEvent) -> str:
    """Return a digest of what names an event of a courier, short however long the name is."""
    name = f"{event.source} {event.event_id}"
    return blake2b(name.encode(), digest_size=12).hexdigest()


def _hour_key(courier_id: str, received_at: Millis) -> bytes:
    return HOUR + f"{received_at // HOUR_MS} {courier_id}".encode()


def _courier_of(key: bytes) -> str:
    return key[len(HOUR) :].split(b" ", 1)[1].decode()


def _hour_of(key: bytes) -> int:
    return int(key[len(HOUR) :].split(b" ", 1)[0])


def _add(total: dict[str, int], more: Mapping[str, int]) -> None:
    for name, count in more.items():
        if count:
            total[name] = total.get(name, 0) + count
