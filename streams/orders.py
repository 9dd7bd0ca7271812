"""The orders fold: one inbox partition, record by record, deadline by deadline.

Live worker and replay run this same code; only where rows and outputs go differs. The order of
things within a record is that of docs/protocol.md: origin, clamp, the row's own offset, event,
settling, facts, notices, next deadline.
"""

import json
import logging
from collections.abc import Callable, Mapping, Sequence

import msgspec

from models.base import Millis
from models.estimates import CourierEta
from models.facts import Fact
from models.notices import NoticeCommand, NoticeReceipt, NoticeTick
from streams import facts, letters, topics
from streams.asking import Asking
from streams.cellbook import ARCHIVE, CellBook
from streams.cellposts import CellPosts
from streams.clocks import Origin, Watermarks, parse_origin
from streams.codec import load_order
from streams.deadlines import Deadlines, next_deadline
from streams.domain import notices
from streams.domain.arrivals import Arrived
from streams.domain.estimated import note
from streams.domain.judgement import Judgement
from streams.domain.ledger import settle
from streams.domain.order import NEVER, Order
from streams.domain.parcels import LEGS, QUIET, waits
from streams.domain.presence import Presence, Question
from streams.domain.row import REFUSED, Closed, Forgotten, Refused, Row, Settlement
from streams.engine.api import Beat, Outputs, Record, Rows
from streams.estimates import ESTIMATE, decode_estimate, estimated
from streams.facts import correction, encoded, news, predicted, settled, sla_news
from streams.forecasting import Forecasting
from streams.grouplog import GroupLog
from streams.orderrows import OrderRows
from streams.questions import CONCLUSION, decode_conclusion
from streams.rowcodec import Standing, standing_of

log = logging.getLogger(__name__)

FIRST_WORD = "delay_predicted"
KIND, TICK, RECEIPT = "kind", b"tick", b"receipt"


class OrdersFold:
    """The orders of one inbox partition: rows, deadlines, cells, notices.

    `observe` sees every fact that goes out; with `facts` off nobody reads them and none are
    made. `expected` hears the carrier and the author of every ETA. `group_logs` is how many
    partitions of `group-log` are told the time. A fold that was never recovered keeps its rows
    in memory and puts none (replay). `ended` is told of every life that ends, by the order's
    key. With `forecasting` orders are predicted.
    """

    def __init__(  # noqa: PLR0913 - each names one of its surroundings
        self,
        partition: int,
        upstreams: Sequence[str],
        judgement: Judgement,
        observe: Callable[[Fact], None] | None = None,
        *,
        facts: bool = True,
        group_logs: int = 0,
        expected: Callable[[str, str], None] | None = None,
        forecasting: Forecasting | None = None,
    ) -> None:
        self.partition = partition
        self.upstreams = upstreams
        self.judgement = judgement
        self.observe = observe
        self.expected = expected
        self.facts = facts
        self.group_logs = group_logs
        self.forecasting = forecasting
        self.ended: Callable[[bytes, Closed], None] | None = None
        self._reset(None)

    def _reset(self, rows: Rows | None) -> None:
        self.marks = Watermarks(self.upstreams)
        self.clock: Millis = 0
        self.book = CellBook()
        self.rows = OrderRows(self.judgement, rows, self._forgotten)
        self._deadlines = Deadlines()
        self._changed: dict[bytes, bytes | None] = {}  # packed; None: to be found out
        self._deferred: set[bytes] = set()
        self._asking = Asking(self.partition, sum(map(_of_couriers, self.upstreams)))
        self._posts = CellPosts(f"orders/{self.partition}/", self.partition)
        self._group_log = GroupLog(self.partition, self.group_logs)
        self._told_clock: Millis = 0

    # -- recovery ------------------------------------------------------------------------

    def recover(self, meta: bytes | None, rows: Rows, published: Mapping[bytes, bytes]) -> None:
        """Rebuild clock, deadlines and cells from what is durable."""
        self._reset(rows)
        if meta is not None:
            stored = json.loads(meta)
            self.marks.decode(stored["marks"])
            self.clock = stored["clock"]
            self._warn_of_other_rules(stored["rules"])
        self.book.load_archive(rows.items())
        for key, payload in rows.items():
            if key.startswith(ARCHIVE):
                continue
            if not payload:
                self.rows.marked_dead(key)
                continue
            self._recover_row(key, payload)
            if rows.recovered_off(key) >= 0:
                self._changed[key] = None  # it is of a later clock than the partition
        self.book.all_changed(self._posts.own(published))

    def _recover_row(self, key: bytes, payload: bytes) -> None:
        """Take up one row as it stands; fold it only where that is not written in it."""
        standing = standing_of(payload, self.judgement)
        if standing is None:
            row = self.rows.get(key)
            self.book.replace(key, self._packed(row))
            if row.ledger.deferred:
                self._deferred.add(key)
            self._asking.recovered(key, row)
            self._arm(key, row, self.clock)
            self.rows.evict()
        else:
            self.book.replace(key, bytes(standing.contribution))
            self._deadlines.set(key, standing.due)

    def _warn_of_other_rules(self, before: str) -> None:
        if before != self.judgement.id:
            log.warning(
                "partition %d was judged by the rules %s and goes on by %s: orders under way"
                " are judged anew, what has ended stays as it was judged",
                self.partition,
                before,
                self.judgement.id,
            )

    # -- records -------------------------------------------------------------------------

    def fold(self, records: Sequence[Record], out: Outputs) -> None:
        """Apply records in order, then put the rows they changed."""
        self._asking.again(self.rows, out)
        for record in records:
            self._record(record, out)
        self._tell_clock(out)
        self._put()

    def beat(self, beat: Beat, out: Outputs) -> None:
        """Time is an event here: nothing but ticks moves the clock."""

    def meta(self) -> bytes:
        """Return clock, watermarks and the rules in force."""
        stored = {"marks": self.marks.encode(), "clock": self.clock, "rules": self.judgement.id}
        return json.dumps(stored).encode()

    def publish(self, out: Outputs) -> None:
        """Publish the cells that changed, then the clock they are of; tell groups the time."""
        self.rows.bury()
        self.settle_cells()
        said = {
            "clock": self.clock, "rules": self.judgement.id,
            "unanswered": self._asking.unanswered,
        }  # fmt: skip
        self._posts.publish(self.book, said, out)
        self._group_log.tick(self._asking.done_to(self.clock), out)

    def order(self, order_id: str) -> Order | None:
        """Return the present life of an order, None if there is none."""
        return self.rows.get(order_id.encode()).order

    def row(self, order_id: str) -> Row:
        """Return all that is kept under an order id."""
        return self.rows.get(order_id.encode())

    def settle_cells(self) -> None:
        """Bring the cells up to the rows that changed."""
        for key, packed in self._changed.items():
            self.book.replace(key, packed or self._packed(self.rows.get(key)))
        self._changed.clear()

    def _record(self, record: Record, out: Outputs) -> None:
        headers = dict(record.headers)
        kind = headers.get(KIND)
        if kind == TICK:
            self.marks.tick(record.value or b"{}", caught_up=headers.get("caught_up") == b"1")
            self.advance(self.marks.clock, record.offset, out)
        elif kind == RECEIPT:
            self._receipt(record, out)
        else:
            upstream, origin = parse_origin(headers["origin"])
            if self.marks.repeats(upstream, origin):
                return
            key, canonical = record.key or b"", record.value or b""
            if self.rows.holds(key, record.offset):
                return
            if kind == CONCLUSION:
                question, presence, forgotten = decode_conclusion(canonical)
                self.learn(key, question, presence, record.offset, out, forgotten=forgotten)
                return
            if kind == ESTIMATE:
                self.expect(key, decode_estimate(canonical), record.offset, out)
                return
            received_at = self.marks.clamp(upstream, int(headers["received_at"]))
            arrived = Arrived(
                load_order(canonical), received_at, canonical, unknown="unknown" in headers
            )
            self.take(key, arrived, record.offset, out, (upstream, origin))

    def take(
        self,
        key: bytes,
        arrived: Arrived,
        offset: int,
        out: Outputs,
        origin: tuple[str, Origin] = ("", (0, 0)),
    ) -> None:
        """Take one event into its order's row."""
        row = self.rows.get(key)
        if self.forecasting is not None:
            self._foresee_before(self.forecasting, key, row, arrived, offset, out)
        kind = arrived.event.kind
        leg = kind in LEGS and waits(row.order, arrived.key)
        quiet = (leg or kind in QUIET) and not row.parked and not row.knows(arrived)
        if not row.add(arrived):
            upstream, (record, index) = origin
            letter = letters.encoded(letters.no_room(arrived, upstream, record, index))
            out.send(topics.DEAD_LETTERS, f"{upstream}/{record}".encode(), letter)
        elif self.expected is not None and arrived.event.kind == "eta_updated":
            carrier = "unknown" if row.order is None else row.order.track.carrier
            self.expected(carrier, arrived.event.by)
        at = max(self.clock, arrived.received_at)
        quiet = quiet and (not leg or waits(row.order))
        self._act(key, row, offset, out, at, quiet=quiet)

    def _foresee_before(
        self, forecasting: Forecasting, key: bytes, row: Row, arrived: Arrived, offset: int,
        out: Outputs,
    ) -> None:  # fmt: skip
        """Predict an order as it stood at a horizon, before it takes what came after."""
        while (at := forecasting.due_before(row, arrived.received_at)) is not None:
            forecasting.look(key, row, at, offset, out)

    def learn(
        self, key: bytes, question: Question, presence: Presence, offset: int, out: Outputs,
        *, forgotten: bool = False,
    ) -> None:  # fmt: skip
        """Take the answer to a question of an order, the first or a later one."""
        row = self.rows.get(key)
        if self._asking.answer(key, row, question, presence, forgotten=forgotten):
            self._act(key, row, offset, out, self.clock, quiet=True)

    def expect(self, key: bytes, said: CourierEta, offset: int, out: Outputs) -> None:
        """Take an ETA of the tower's own for an open order; no deadline depends on it."""
        row = self.rows.get(key)
        order = row.order
        if order is None or not order.track.open:
            return
        if said.stage != "left":
            note(row.told.estimates, estimated(said))
            if self.expected is not None:
                self.expected(order.track.carrier, said.by)
        if self.facts:
            self._fact(facts.estimated(row, order, said), out)
        self.rows.changed(key, offset)

    def advance(self, clock: Millis, offset: int, out: Outputs) -> None:
        """Move the clock and do, in order, what fell due."""
        if clock > self.clock:
            self.clock = clock
            for at, key in self._deadlines.pass_until(clock):
                if self.rows.holds(key, offset):  # then it has done so, at a clock no lower
                    self._changed[key] = None
                    self._arm(key, self.rows.get(key), self.clock)
                else:
                    self._act(key, self.rows.get(key), offset, out, at, quiet=True)
                    self._put_if_crowded()
        if self._deferred and self.marks.caught_up:
            waiting, self._deferred = sorted(self._deferred), set()
            for key in waiting:
                if self.rows.holds(key, offset):
                    self._deferred.add(key)
                else:
                    row = self.rows.get(key)
                    self._plan_now(key, row, self.clock, offset, out)
                    self._changed_at(key, row, offset, self.clock)
                    self._put_if_crowded()

    def _receipt(self, record: Record, out: Outputs) -> None:
        key = record.key or b""
        if self.rows.holds(key, record.offset):
            return
        receipt = NoticeReceipt.model_validate_json(record.value or b"")
        row = self.rows.get(key)
        if row.order is not None and settle(row.ledger, receipt):
            self._fact(settled(row, row.order, receipt, self.clock), out)
            self._act(key, row, record.offset, out, self.clock, quiet=True)

    def _act(
        self, key: bytes, row: Row, offset: int, out: Outputs, at: Millis, *, quiet: bool
    ) -> None:
        """Draw the consequences for one order at one instant, and set its next deadline.

        `quiet`: nothing that its group or customer should know has happened, unless it settles.
        """
        until = min(at, self.clock)
        if row.order is None or row.order.closes_at <= until or row.parked:
            quiet = False
            for settlement in row.settle(until):
                self._settle(key, settlement, offset, out)
        self._asking.ask(key, row, out)
        if self.forecasting is not None:
            self.forecasting.look(key, row, at, offset, out)
        elif (foreseen := row.told.foreseen) is not None and foreseen.next_at <= self.clock:
            foreseen.next_at = NEVER  # who predicted it does so no more
        self._say(key, row, out)
        if not quiet:
            self._group_log.tell(key, row.order, row.ledger, row.told, offset, out)
        if self.marks.caught_up or not _to_be_planned(row):
            self._plan_now(key, row, at, offset, out)
        else:
            row.ledger.deferred = True
            self._deferred.add(key)
        self._changed_at(key, row, offset, at)

    def _say(self, key: bytes, row: Row, out: Outputs) -> None:
        """Say what is new about an order."""
        if self.facts:
            for fact in news(row, key, self.clock):
                self._fact(fact, out)
        if (levels := self.judgement.levels) is not None:
            for fact in sla_news(row, levels, key, self.clock):
                if self.facts:  # noted where no facts are wanted, too
                    self._fact(fact, out)

    def _plan_now(self, key: bytes, row: Row, at: Millis, offset: int, out: Outputs) -> None:
        row.ledger.deferred = False
        self._deferred.discard(key)
        first_at = row.ledger.first_at
        self._plan(key, row, at, out)
        if row.ledger.first_at != first_at:
            self._group_log.tell(key, row.order, row.ledger, row.told, offset, out)

    def _changed_at(self, key: bytes, row: Row, offset: int, planned: Millis) -> None:
        self.rows.changed(key, offset)
        self._changed[key] = None
        self._arm(key, row, planned)

    def _plan(self, key: bytes, row: Row, at: Millis, out: Outputs) -> None:
        """Ask for the notices that are due, or take back what is on its way."""
        order = row.order
        if order is None:
            return
        for asked in notices.plan(row.ledger, order, key.decode(), at):
            if self.facts and isinstance(asked, NoticeCommand) and asked.kind == FIRST_WORD:
                self._fact(predicted(row, order, asked), out)
            out.send(topics.NOTICE_COMMANDS, key, asked.model_dump_json().encode())

    def _settle(self, key: bytes, settlement: Settlement, offset: int, out: Outputs) -> None:
        def admits(row: bytes) -> bool:
            return not self.rows.archived(row, offset)

        match settlement:
            case Closed(counted, order, ledger, told, at):
                if self.ended is not None:
                    self.ended(key, settlement)
                if self.forecasting is not None:
                    self.forecasting.closed(key, settlement, offset, out)
                keys = self.book.archive_all(counted, admits)
                self._group_log.tell(key, order, ledger, told, offset, out, closed=at)
            case Refused(arrived, carrier):
                keys = self.book.archive_all(REFUSED, admits)
                self._fact(correction(arrived, carrier, self.clock, self.judgement.id), out)
            case Forgotten():
                keys = []
        for each in keys:
            self.rows.archive_changed(each, offset)

    # -- deadlines and what is put --------------------------------------------------------

    def _put(self) -> None:
        self.rows.put(self._standing, self.book.archive_row)

    def _put_if_crowded(self) -> None:
        """Put what one leap of the clock changed before it fills the memory."""
        if self.rows.crowded:
            self._put()

    def _arm(self, key: bytes, row: Row, planned: Millis) -> None:
        """Set the next deadline of a row whose notices were looked at as of `planned`."""
        self._deadlines.set(key, next_deadline(row, self.clock, planned))

    def _standing(self, key: bytes, row: Row) -> Standing | None:
        """Return how a row stands until its deadline, for the next recovery.

        None of a row that will soon be written again, or that is quickly read: one whose plan
        waits, a stub, and what is parked, which is judged anew by every clock. And none of
        one that waits for an answer, which is then asked for again.
        """
        if row.order is None or row.parked or row.asked or row.ledger.deferred:
            return None
        packed = self._changed[key] = self._packed(row)
        return Standing(self.judgement.id, self._deadlines.of(key), msgspec.Raw(packed))

    def _forgotten(self, key: bytes, row: Row) -> None:
        """Find out what a row counts while it is at hand; parked or asking it may change."""
        if self._changed.get(key, b"") is None and not row.parked and not row.asked:
            self._changed[key] = self._packed(row)

    def _packed(self, row: Row) -> bytes:
        """Return what a row counts as of the clock, packed."""
        return self.book.pack(row.contribution(self.clock))

    # -- outputs -------------------------------------------------------------------------

    def _fact(self, fact: Fact, out: Outputs) -> None:
        out.send(topics.ORDER_FACTS, fact.order_id.encode(), encoded(fact))
        if self.observe is not None:
            self.observe(fact)

    def _tell_clock(self, out: Outputs) -> None:
        """Pass the clock on to the dispatcher."""
        self._asking.tell(self.clock, out)
        if self.clock > self._told_clock:
            tick = NoticeTick(partition=self.partition, at=self.clock)
            out.send(
                topics.NOTICE_COMMANDS, None, tick.model_dump_json().encode(),
                partition=self.partition,
            )  # fmt: skip
            self._told_clock = self.clock


def _of_couriers(upstream: str) -> bool:
    return upstream.startswith("couriers/")


def _to_be_planned(row: Row) -> bool:
    """Tell whether there may be a notice to ask for, or one to take back."""
    return row.order is not None and notices.concerns(row.ledger, row.order)
