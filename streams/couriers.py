"""The couriers fold: where each courier is, what came twice, and what orders ask about them.

One courier-log partition. A courier's latest position, route and shift are one row, with how
far along the route that is (streams/courierrows.py); what came lately are rows of ten minutes
(streams/sightings.py), open questions rows of their own (streams/watching.py). Answers leave
before the tick that covers what they rest on, and what stops are told of arrivals after them.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from models.base import Millis
from models.estimates import CourierEta
from models.events import CourierEvent
from streams import courierrows, topics
from streams.clocks import Watermarks, origin_header, parse_origin, send_ticks
from streams.codec import Decoded, load_courier
from streams.courierrows import CourierRows
from streams.domain.arrivals import SKEW_MS
from streams.domain.presence import Question
from streams.engine.api import Beat, Outputs, Record, Rows
from streams.estimates import ESTIMATES, encode_estimate
from streams.questions import CONCLUDES, QUESTION, decode_question, encode_conclusion
from streams.republishing import Republishing
from streams.sightings import ARCHIVE, ASKED_FOR_MS, SPAN, Counts, Sightings
from streams.watching import ASKED, Asked, Watching

COURIER = courierrows.COURIER


class Concluded(NamedTuple):
    """What follows from an event: answers that changed, and ETAs to be told."""

    answers: list[Asked]
    etas: list[CourierEta]


NOTHING = Concluded([], [])


class CouriersFold:
    """The couriers of one partition; its clock is an upstream of every inbox partition.

    `asking` are the clocks of the inboxes: before one of them no question of it is to come, so
    that what couriers said can be forgotten. They move nothing else.
    """

    def __init__(self, partition: int, upstreams: Sequence[str], inboxes: int) -> None:
        self.partition = partition
        self.upstreams = upstreams
        self.inboxes = inboxes
        self.upstream = f"couriers/{partition}"
        self._reset(None)

    def _reset(self, rows: Rows | None) -> None:
        self.marks = Watermarks(self.upstreams)
        self.asking = Watermarks(f"orders/{number}" for number in range(self.inboxes))
        self.rows = rows
        self.known = CourierRows(self.upstream, rows)
        self.sightings = Sightings(rows)
        self.watching = Watching(self.sightings, rows)
        self._ahead = -1  # the highest offset of a recovered row: what was said is said
        self._dead: list[bytes] = []
        self._dying: list[bytes] = []
        self._told: tuple[Millis, bool] = (0, False)
        self._published = b""
        self._again = Republishing()

    def recover(self, meta: bytes | None, rows: Rows, published: Mapping[bytes, bytes]) -> None:
        """Rebuild memory from rows."""
        del published
        self._reset(rows)
        if meta is not None:
            stored = json.loads(meta)
            self.marks.decode(stored)
            self.asking.entries = stored.get("asking", {})
        questions: list[bytes] = []
        for key, payload in rows.items():
            self._ahead = max(self._ahead, rows.recovered_off(key))
            if key.startswith(SPAN) or key == ARCHIVE:
                self.sightings.load(key, payload)
            elif key.startswith(ASKED):
                questions.append(payload)
            else:
                self.known.load(key, payload)
        for payload in questions:
            self.watching.load(payload)
        self.watching.resume()

    def fold(self, records: Sequence[Record], out: Outputs) -> None:
        """Apply records in order, put the rows they changed, pass the clock on."""
        for record in records:
            if 0 <= self._ahead < record.offset:
                self._ahead = -1
                self.watching.resume()
            concluded = self._record(record)
            for asked in concluded.answers:
                if self._ahead < 0:
                    self._conclude(asked, record.offset, out)
            if concluded.etas:
                self._expect(concluded.etas, record.offset, out)
        self._put_rows()
        self._tell(out)

    def beat(self, beat: Beat, out: Outputs) -> None:
        """Time is an event here: the clock moves with the ticks of ingest alone."""

    def meta(self) -> bytes:
        """Return the watermarks."""
        return json.dumps(self.marks.encode() | {"asking": self.asking.entries}).encode()

    def publish(self, out: Outputs) -> None:
        """Publish the counts and the clock of this partition if they changed."""
        self._forget()
        value = json.dumps(
            {"counts": self.counts(), "clock": self.marks.clock}, sort_keys=True
        ).encode()
        if value != self._published or self._again.due():
            key = f"couriers/{self.partition}".encode()
            out.send(topics.KPI_CELLS, key, value, partition=self.partition)
            self._published = value

    def counts(self) -> Counts:
        """Return how many events were accepted, came twice, or carried unknown fields."""
        return self.sightings.counts()

    def take(
        self,
        decoded: Decoded[CourierEvent],
        received_at: Millis,
        offset: int,
        passed: Millis,
    ) -> Concluded:
        """Take one event: count it, keep what is newest; return what follows from it.

        From now on nothing is received before `passed`.
        """
        event = decoded.event
        before, after = self.sightings.take(decoded, received_at, offset, passed)
        etas = self.known.take(event, received_at, offset)
        return Concluded(list(self.watching.changed(event.courier_id, before, after)), etas)

    def ask(self, order_id: str, question: Question, offset: int) -> Asked:
        """Take a question of an order; return it with what is known so far."""
        asked = self.watching.ask(order_id, question, offset, self.marks.clock)
        asked.forgotten = self.asking.clock > question.since - SKEW_MS + ASKED_FOR_MS
        return asked

    def _record(self, record: Record) -> Concluded:
        """Apply a record; return the answers it gives or changes, and the ETAs."""
        headers = dict(record.headers)
        kind = headers.get("kind")
        if kind == b"tick":
            self._tick(record, caught_up=headers.get("caught_up") == b"1")
            return NOTHING
        if kind == QUESTION:
            order_id, question = decode_question(record.value or b"")
            return Concluded([self.ask(order_id, question, record.offset)], [])
        upstream, origin = parse_origin(headers["origin"])
        if self.marks.repeats(upstream, origin):
            return NOTHING
        received_at = self.marks.clamp(upstream, int(headers["received_at"]))
        canonical = record.value or b""
        decoded = Decoded(load_courier(canonical), canonical, "unknown" in headers)
        return self.take(decoded, received_at, record.offset, self.marks.clock)

    def _tick(self, record: Record, *, caught_up: bool) -> None:
        value = record.value or b"{}"
        self.marks.tick(value, caught_up=caught_up)
        self.asking.tick(value, caught_up=caught_up)
        self.sightings.end(self.marks.clock, record.offset)
        self._dead += self.watching.close(self.marks.clock)

    def _conclude(self, asked: Asked, offset: int, out: Outputs) -> None:
        value = encode_conclusion(
            asked.order_id, asked.question, asked.said, forgotten=asked.forgotten
        )
        origin = origin_header(self.upstream, offset, asked.number)
        headers = (*CONCLUDES, ("origin", origin))
        out.send(topics.ORDER_LOG, asked.order_id.encode(), value, headers)

    def _expect(self, etas: Sequence[CourierEta], offset: int, out: Outputs) -> None:
        """Tell orders when they will be handed over.

        The index of an answer is the offset of its question, so these come after all of them.
        """
        for number, eta in enumerate(etas):
            origin = origin_header(self.upstream, offset, offset + 1 + number)
            headers = (*ESTIMATES, ("origin", origin))
            out.send(topics.ORDER_LOG, eta.order_id.encode(), encode_estimate(eta), headers)

    def _forget(self) -> None:
        """Delete the rows that nothing needs and that a durable partition row has passed."""
        for key in self._dying:
            if key.startswith(SPAN):
                self.sightings.forget(key)
            elif self.rows is not None:
                self.rows.delete(key)
        gone, self._dead = self._dead, []
        self._dying = gone + self.sightings.unasked(self.asking.clock)

    @property
    def couriers(self) -> Mapping[bytes, dict[str, Any]]:
        """Return what each courier said last, by key of the row."""
        return self.known.said()

    def _put_rows(self) -> None:
        self.sightings.put()
        self.known.put()

    def _tell(self, out: Outputs) -> None:
        now = (self.marks.clock, self.marks.caught_up)
        if now[0] and now != self._told:
            send_ticks(
                out, topics.ORDER_LOG, self.inboxes, self.upstream, now[0], caught_up=now[1]
            )
            self._told = now
