"""Ingest: what outsiders send becomes records of our own logs, or a dead letter.

One fold for each inbound partition. It decodes, re-keys and counts; every record it passes on
says when it was received and where it came from. Its partition row is its count.
"""

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from models.base import Millis
from models.letters import DeadLetter, Reason
from streams import topics
from streams.clocks import origin_header, send_ticks
from streams.codec import Decoded, Rejected, decode_courier, decode_order
from streams.engine.api import Beat, Headers, Outputs, Record, Rows
from streams.letters import encoded, letter_headers
from streams.republishing import Republishing

log = logging.getLogger(__name__)

RECEIVED_AT = "tower-received-at"
FEED_TICK = "tower-tick"
EARLIEST: Millis = 946_684_800_000  # 2000-01-01
LATEST: Millis = 4_102_444_800_000  # 2100-01-01


@dataclass(frozen=True, slots=True)
class Inbound:
    """One inbound topic: how its events are read, and the log they go to."""

    topic: str
    log: str
    upstream: str


ORDERS = Inbound(topics.ORDER_EVENTS, topics.ORDER_LOG, "order-events")
COURIERS = Inbound(topics.COURIER_EVENTS, topics.COURIER_LOG, "courier-events")


# Called with the topic, how many of its records ended how (`accepted` or the reason, kind), and
# how many seconds ago the accepted ones had happened.
Observe = Callable[[str, Mapping[tuple[str, str], int], Sequence[float]], None]


class IngestFold:
    """The ingest of one inbound partition.

    `clock` is the promise to everybody downstream: later records were received at or after
    it. In `wall` time it follows the broker's append times, in `feed` time the ticks that
    come with the data.
    """

    def __init__(
        self,
        inbound: Inbound,
        partition: int,
        partitions: int,
        *,
        feed: bool,
        observe: Observe | None = None,
    ) -> None:
        self.inbound = inbound
        self.partition = partition
        self.partitions = partitions
        self.feed = feed
        self.observe = observe
        self.upstream = f"{inbound.upstream}/{partition}"
        self.counts: dict[str, int] = {}
        self.clock: Millis = 0
        self.newest: Millis = 0
        self.caught_up = False
        self.told: tuple[Millis, bool] = (0, False)
        self.published: bytes | None = None
        self._decode: Callable[[bytes | None], Decoded[Any] | Rejected] = (
            decode_order if inbound is ORDERS else decode_courier
        )
        self._results: dict[tuple[str, str], int] = {}
        self._delays: list[float] = []
        self._warned = False
        self._again = Republishing()

    def recover(self, meta: bytes | None, rows: Rows, published: Mapping[bytes, bytes]) -> None:
        """Take up the counts and the clock of the partition row."""
        del rows, published
        self.caught_up, self.told, self.published = False, (0, False), None
        stored: dict[str, Any] = (
            {"counts": {}, "clock": 0} if meta is None else json.loads(meta)
        )
        self.counts, self.clock = stored["counts"], stored["clock"]
        self.newest = self.clock

    def fold(self, records: Sequence[Record], out: Outputs) -> None:
        """Pass on what can be read, set aside the rest, then say how far the clock is."""
        for record in records:
            self._record(record, out)
        if self.observe is not None and self._results:
            self.observe(self.inbound.topic, self._results, self._delays)
        self._results.clear()
        self._delays.clear()
        if self.feed:
            self._tell(out)

    def beat(self, beat: Beat, out: Outputs) -> None:
        """In wall time, move the clock: with what was read, or with the quiet."""
        self.caught_up = beat.caught_up
        if not self.feed:
            at = self.newest if beat.safe_at is None else max(self.newest, beat.safe_at)
            self.clock = max(self.clock, at)
        self._tell(out)

    def meta(self) -> bytes:
        """Return counts and clock."""
        return json.dumps({"counts": self.counts, "clock": self.clock}).encode()

    def publish(self, out: Outputs) -> None:
        """Publish the counts of this partition if they changed, and where its time is from."""
        time = "feed" if self.feed else "wall"
        said = {"counts": self.counts, "clock": self.clock, "time": time}
        value = json.dumps(said).encode()
        if value != self.published or self._again.due():
            key = f"ingest/{self.inbound.topic}/{self.partition}".encode()
            out.send(topics.KPI_CELLS, key, value, partition=self.partition)
            self.published = value

    def _record(self, record: Record, out: Outputs) -> None:
        headers = dict(record.headers)
        if headers and FEED_TICK in headers:
            at = _instant(headers[FEED_TICK])
            if self.feed and at is not None:
                self.clock = max(self.clock, at)
                return
            self._count("read")
            detail = "a tick of the clock, in wall time" if at else "a tick without an instant"
            self._refuse(record, Rejected(Reason.FOREIGN_TICK, detail), out)
            return
        self._count("read")
        received_at = self._received_at(record, headers)
        self.newest = max(self.newest, received_at)
        decoded = self._decode(record.value)
        if isinstance(decoded, Rejected):
            self._refuse(record, decoded, out)
        else:
            self._pass_on(record, decoded, received_at, out)

    def _pass_on(
        self, record: Record, decoded: Decoded[Any], received_at: Millis, out: Outputs
    ) -> None:
        event = decoded.event
        self._result("accepted", event.kind)
        self._delays.append(received_at / 1_000 - event.occurred_at.timestamp())
        subject = event.order_id if self.inbound is ORDERS else event.courier_id
        headers: Headers = (
            ("received_at", b"%d" % received_at),
            ("origin", origin_header(self.upstream, record.offset)),
        )
        if decoded.unknown:
            headers = (*headers, ("unknown", b"1"))
        out.send(self.inbound.log, subject.encode(), decoded.canonical, headers)

    def _refuse(self, record: Record, rejected: Rejected, out: Outputs) -> None:
        self._count(f"rejected.{rejected.reason}")
        self._result(rejected.reason, "")
        letter = DeadLetter(
            reason=rejected.reason,
            detail=rejected.detail,
            topic=self.inbound.topic,
            partition=self.partition,
            offset=record.offset,
            received_at=self._received_at(record, dict(record.headers)),
            raw=record.value,
            headers=letter_headers(record.headers),
        )
        key = f"{self.inbound.topic}/{self.partition}/{record.offset}".encode()
        out.send(topics.DEAD_LETTERS, key, encoded(letter))

    def _received_at(self, record: Record, headers: Mapping[str, bytes]) -> Millis:
        """Return when a record arrived: the broker's time, or in a feed what came with it."""
        if not self.feed:
            return max(record.timestamp, self.clock)
        stated = _instant(headers.get(RECEIVED_AT, b""))
        if stated is None and not self._warned:
            self._warned = True
            log.warning(
                "%s partition %d: an event without the header %s on the clock `feed`; such"
                " events count as received with the one before them",
                self.inbound.topic, self.partition, RECEIVED_AT,
            )  # fmt: skip
        return max(self.newest if stated is None else stated, self.clock)

    def _tell(self, out: Outputs) -> None:
        now = (self.clock, self.caught_up)
        if self.clock and (now != self.told or not self.feed):
            send_ticks(
                out, self.inbound.log, self.partitions, self.upstream, self.clock,
                caught_up=self.caught_up,
            )  # fmt: skip
            self.told = now

    def _result(self, result: str, kind: str) -> None:
        key = (result, kind)
        self._results[key] = self._results.get(key, 0) + 1

    def _count(self, name: str) -> None:
        self.counts[name] = self.counts.get(name, 0) + 1


def _instant(header: bytes | None) -> Millis | None:
    """Return the epoch milliseconds a header holds, None if it holds none we can believe."""
    try:
        at = int(header or b"")  # Kafka knows headers without a value
    except ValueError:
        return None
    return at if EARLIEST <= at < LATEST else None
