"""The same tower in one process, with no broker: a file of events in, the report out.

Every event meets the same code as in a worker: decode, the folds of orders, couriers and
groups.
Events are taken in the order in which they arrived; an event that arrived after `as_of` is
read and accepted but not applied (kpis 2.12 L15).
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from models.base import Millis
from models.rules import Rules
from streams import topics
from streams.codec import Rejected, decode_courier, decode_order
from streams.couriers import CouriersFold
from streams.domain.arrivals import Arrived
from streams.domain.cells import Measures, add
from streams.domain.forecast.learner import Said
from streams.domain.judgement import Judgement
from streams.domain.report import report
from streams.domain.scoring.labels import decode as label_of
from streams.domain.scoring.model import Model
from streams.domain.scoring.said import Foreseen
from streams.engine.api import Headers
from streams.feed import EARLIEST, Arrival, in_order_of_arrival
from streams.forecasting import Forecasting, line
from streams.groups import GroupsFold, Passing
from streams.orders import OrdersFold
from streams.questions import ASKS, decode_question
from streams.watching import Asked


@dataclass(slots=True)
class Sent:
    """Outputs that nobody sends: kept, or with `keep` off forgotten.

    `asked` are the questions about couriers that wait for an answer; `model` learns at once
    what there is to learn.
    """

    keep: bool = False
    model: Model | None = None
    messages: list[tuple[str, bytes | None, bytes | None]] = field(default_factory=list)
    asked: list[bytes] = field(default_factory=list[bytes])

    def send(
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        headers: Headers = (),
        partition: int | None = None,
    ) -> None:
        """Take an output."""
        del partition
        if topic == topics.COURIER_LOG:
            if headers == ASKS and value is not None:
                self.asked.append(value)
        elif topic == topics.TRAINING:
            if self.model is not None and value is not None:
                self.model.learn(label_of(value))
        elif self.keep:
            self.messages.append((topic, key, value))


class Replay:
    """A replay under way; `events` counts what was read, `orders` holds the orders' rows.

    `latest` is when the last line arrived, also where `as_of` is earlier; `predictions` are
    those made, in their order, with `predict` on.
    """

    def __init__(
        self, rules: Rules, *, keep_outputs: bool = False, predict: bool = False
    ) -> None:
        self.judgement = Judgement(rules)
        self.model = Model() if predict else None
        self.predictions: list[dict[str, Any]] = []
        self.orders = OrdersFold(
            0, (), self.judgement, facts=keep_outputs, forecasting=self._forecasting()
        )
        self.couriers = CouriersFold(0, (), 0)
        self.groups = GroupsFold(0, ())
        self.out = Sent(keep_outputs, self.model)
        self._passing = Passing(self.out, [self.groups])
        self.events: Measures = {}
        self.as_of: Millis = EARLIEST
        self.latest: Millis = EARLIEST
        self._offset = 0
        self._unapplied: dict[tuple[str, str, str], tuple[Millis, bytes, bool]] = {}

    def run(self, lines: Iterable[bytes], as_of: Millis | None = None) -> None:
        """Take every line, in the order of arrival, then let time pass until `as_of`."""
        taken = in_order_of_arrival(lines)
        self.latest = taken[-1].received_at if taken else EARLIEST
        self.as_of = self.latest if as_of is None else as_of
        for arrival in taken:
            self.take(arrival)
        self.advance(self.as_of)

    def advance(self, clock: Millis) -> None:
        """Let time pass: what falls due is done, and what is asked meanwhile answered."""
        self.orders.advance(clock, self._offset, self._passing)
        self._answer()

    def report(self) -> dict[str, Any]:
        """Return the report as of the end."""
        self.groups.advance(self.as_of, self._offset)
        self.orders.settle_cells()
        events = dict(self.events)
        add(events, self.couriers.counts())
        cells = self.orders.book.totals | self.groups.book.totals
        return report(cells, events, self.as_of, self.judgement.id)

    def _forecasting(self) -> Forecasting | None:
        model = self.model
        if model is None:
            return None
        return Forecasting(0, lambda: model, self._predicted, customers=True)

    def _predicted(self, order_id: str, said: Said, foreseen: Foreseen) -> None:
        self.predictions.append(line(order_id, said, foreseen))

    def take(self, arrival: Arrival) -> None:
        """Take one line; lines come in the order of their arrival."""
        self._offset += 1
        self._count("read")
        if arrival.topic == topics.COURIER_EVENTS:
            self._take_courier(arrival)
            return
        decoded = decode_order(arrival.raw)
        if isinstance(decoded, Rejected):
            self._count(f"rejected.{decoded.reason}")
            return
        arrived = Arrived(
            decoded.event, arrival.received_at, decoded.canonical, unknown=decoded.unknown
        )
        if arrival.received_at > self.as_of:
            self.advance(self.as_of)
            self._accept_unapplied(arrived)
            return
        self.advance(arrival.received_at)
        key = arrived.event.order_id.encode()
        self.orders.take(key, arrived, self._offset, self._passing)
        self._answer()

    def _take_courier(self, arrival: Arrival) -> None:
        decoded = decode_courier(arrival.raw)
        if isinstance(decoded, Rejected):
            self._count(f"rejected.{decoded.reason}")
            return
        received_at = arrival.received_at
        self.advance(min(received_at, self.as_of))
        if received_at > self.as_of:
            self.couriers.sightings.take(decoded, received_at, self._offset, received_at)
            return
        answers, etas = self.couriers.take(decoded, received_at, self._offset, received_at)
        for asked in answers:
            self._learn(asked)
        for eta in etas:
            key = eta.order_id.encode()
            self.orders.expect(key, eta, self._offset, self._passing)
        self._answer()

    def _answer(self) -> None:
        """Answer what orders asked, and what they ask when they hear it."""
        while self.out.asked:
            order_id, question = decode_question(self.out.asked.pop(0))
            self._learn(self.couriers.ask(order_id, question, self._offset))

    def _learn(self, asked: Asked) -> None:
        key = asked.order_id.encode()
        self.orders.learn(key, asked.question, asked.said, self._offset, self._passing)

    def _accept_unapplied(self, arrived: Arrived) -> None:
        """Count an event that arrived after `as_of`, and nothing else of it."""
        identity = (arrived.event.order_id, *arrived.identity)
        held = self.orders.order(arrived.event.order_id)
        least = self._unapplied.get(identity)
        if least is None and held is not None and arrived.identity in held.arrivals:
            self._count("duplicate")
            return
        self._count("accepted" if least is None else "duplicate")
        if least is None or arrived.precedence < least:
            self._unapplied[identity] = arrived.precedence
            odd = arrived.unknown - (least is not None and least[2])
            add(self.events, {"unknown_fields": odd})

    def _count(self, name: str) -> None:
        self.events[name] = self.events.get(name, 0) + 1
