"""The couriers fold: where each courier is, the route to come, and what was said twice.

One courier-log partition. A courier's latest position, route and shift are one row; its
events are rows of an hour each, known for two days. All copies of an event stand where the
first came: the least is the event, the others are duplicates, in whatever order they came.
Counts of ended hours go to one archive row.
"""

import json
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any

from models.base import Millis, millis
from models.events import CourierEvent
from streams import topics
from streams.clocks import Watermarks, parse_origin, send_ticks
from streams.codec import load_courier
from streams.domain.arrivals import content_of
from streams.domain.cells import add
from streams.engine.api import Beat, Outputs, Record, Rows
from streams.republishing import Republishing

HOUR_MS = 3_600_000
KNOWN_MS = 48 * HOUR_MS
ARCHIVE = b"\x01counts"
COURIER, HOUR = b"c/", b"h/"
# Contents of one courier in one hour; a row has its bounds. Beyond, nothing is remembered.
MOST_KNOWN = 8_000

# An hour's row: {"ids": {digest of id: entry}, "held": how many contents,
#                 "more": counts of what was not remembered, "over": counts are archived}
HourRow = dict[str, Any]
# An entry: [offset and receipt of the first copy to come,
#            {digest of content: [how many, least receipt, unknown fields in that]}]
Entry = list[Any]
Counts = dict[str, int]


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
        self.known: dict[str, dict[str, list[bytes]]] = {}
        self.live: Counts = {}
        self.archived: Counts = {}
        self.rows: Rows | None = None
        self._by_hour: dict[int, set[bytes]] = {}
        self._horizon = 0
        self._dirty: dict[bytes, int] = {}
        self._dead: list[bytes] = []
        self._dying: list[bytes] = []
        self._told: tuple[Millis, bool] = (0, False)
        self._published = b""
        self._again = Republishing()

    def recover(self, meta: bytes | None, rows: Rows, published: Mapping[bytes, bytes]) -> None:
        """Rebuild memory from rows."""
        del published
        self._reset()
        self.rows = rows
        if meta is not None:
            self.marks.decode(json.loads(meta))
        for key, payload in rows.items():
            if key == ARCHIVE:
                self.archived = json.loads(payload)
            elif key.startswith(HOUR):
                self._load_hour(key, json.loads(payload))
            else:
                self.couriers[key] = json.loads(payload)

    def _load_hour(self, key: bytes, hour: HourRow) -> None:
        self.hours[key] = hour
        self._by_hour.setdefault(_hour_of(key), set()).add(key)
        known = self.known.setdefault(_courier_of(key), {})
        for name in hour["ids"]:
            known.setdefault(name, []).append(key)
        if hour["over"]:
            self._dead.append(key)
        else:
            add(self.live, _counts_of(hour))

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
                    load_courier(record.value or b""),
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
            self._forget(key)
        self._dying, self._dead = self._dead, []
        value = json.dumps(
            {"counts": self.counts(), "clock": self.marks.clock}, sort_keys=True
        ).encode()
        if value != self._published or self._again.due():
            key = f"couriers/{self.partition}".encode()
            out.send(topics.KPI_CELLS, key, value, partition=self.partition)
            self._published = value

    def counts(self) -> Counts:
        """Return how many events were accepted, came twice, or carried unknown fields."""
        total = dict(self.archived)
        add(total, self.live)
        return total

    def take(
        self, event: CourierEvent, received_at: Millis, offset: int, *, unknown: bool
    ) -> None:
        """Take one event: count it, and keep what is newest of its courier."""
        courier_key = COURIER + event.courier_id.encode()
        hour_key = self._place(event, received_at, offset)
        if not self._holds(hour_key, offset):
            self._note(hour_key, event, received_at, offset, unknown=unknown)
            self._dirty[hour_key] = offset
        if not self._holds(courier_key, offset):
            before = self.couriers.get(courier_key, {})
            after = _newest(before, event)
            if after != before:
                self.couriers[courier_key] = after
                self._dirty[courier_key] = offset

    def _place(self, event: CourierEvent, received_at: Millis, offset: int) -> bytes:
        """Return the hour's row an event belongs to: that of its first copy, else its own.

        Rows recovered ahead hold entries of later records; those are no copies yet.
        """
        name = _id(event)
        last: tuple[int, Millis, bytes] | None = None
        for key in self.known.get(event.courier_id, {}).get(name, ()):
            first, first_at, _ = self.hours[key]["ids"][name]
            if first <= offset and (last is None or first > last[0]):
                last = first, first_at, key
        if last is not None and abs(received_at - last[1]) < KNOWN_MS:
            return last[2]
        return _hour_key(event.courier_id, received_at)

    def _note(
        self,
        key: bytes,
        event: CourierEvent,
        received_at: Millis,
        offset: int,
        *,
        unknown: bool,
    ) -> None:
        hour = self.hours.get(key)
        if hour is None:
            hour = self.hours[key] = {"ids": {}, "held": 0, "more": {}, "over": False}
            self._by_hour.setdefault(_hour_of(key), set()).add(key)
        name, digest = _id(event), content_of(event).hex()
        entry = hour["ids"].get(name)
        if (entry is None or digest not in entry[2]) and hour["held"] >= MOST_KNOWN:
            lone = {"accepted": 1, "unknown_fields": int(unknown)}
            counts = lone if entry is None else {"duplicate": 1, "id_conflict": 1}
            add(hour["more"], counts)
            add(self.live, counts)
            return
        if entry is None:
            entry = hour["ids"][name] = [offset, received_at, {}]
            self.known.setdefault(event.courier_id, {}).setdefault(name, []).append(key)
        else:
            add(self.live, _counted(entry), -1)
        count, least, odd = entry[2].get(digest, (0, received_at, unknown))
        hour["held"] += count == 0
        least, odd = min((least, odd), (received_at, unknown))
        entry[2][digest] = [count + 1, least, odd]
        add(self.live, _counted(entry))

    def _forget_hours(self, offset: int) -> None:
        """Move the counts of hours that are no longer asked for to the archive.

        What came in them stays known until a partition row has passed this record: until
        then a crash may bring back records that are its copies.
        """
        horizon = (self.marks.clock - KNOWN_MS) // HOUR_MS - 1
        if horizon <= self._horizon:
            return
        self._horizon = horizon
        ended = [hour for hour in self._by_hour if hour < horizon]
        for key in sorted(key for each in ended for key in self._by_hour[each]):
            hour = self.hours[key]
            if hour["over"] or self._holds(key, offset):
                continue
            counts = _counts_of(hour)
            add(self.live, counts, -1)
            if self.rows is None or self.rows.recovered_off(ARCHIVE) < offset:
                add(self.archived, counts)
                self._dirty[ARCHIVE] = offset
            hour["over"] = True
            self._dirty[key] = offset
            self._dead.append(key)

    def _forget(self, key: bytes) -> None:
        """Forget an hour's row for good, and what came in it."""
        if self.rows is not None:
            self.rows.delete(key)
        hour, number = self.hours.pop(key), _hour_of(key)
        self._by_hour[number].remove(key)
        if not self._by_hour[number]:
            del self._by_hour[number]
        known = self.known[_courier_of(key)]
        for name in hour["ids"]:
            known[name].remove(key)
            if not known[name]:
                del known[name]
        if not known:
            del self.known[_courier_of(key)]

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
            row = self.hours[key] if key.startswith(HOUR) else self.couriers[key]
            rows.put(key, json.dumps(row, separators=(",", ":")).encode(), offset)

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
    if event.kind == "position_reported":
        name = "position"
        said: dict[str, Any] = {"lat": event.lat, "lon": event.lon, "m": event.accuracy_m}
    elif event.kind == "route_planned":
        name = "route"
        said = {"stops": [[stop.order_id, stop.lat, stop.lon] for stop in event.stops]}
    else:
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


def _counts_of(hour: HourRow) -> Counts:
    total = dict(hour["more"])
    for entry in hour["ids"].values():
        add(total, _counted(entry))
    return total


def _counted(entry: Entry) -> Counts:
    """Return what an event counts, its copies with it: the least of them is the event."""
    contents = entry[2]
    came = sum(count for count, _, _ in contents.values())
    _, event, unknown = min((least, each, odd) for each, (_, least, odd) in contents.items())
    return {
        "accepted": 1,
        "duplicate": came - 1,
        "id_conflict": came - contents[event][0],
        "unknown_fields": int(unknown),
    }
