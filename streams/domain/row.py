"""All the tower keeps under one order id: the life that goes on, what is parked, the stub.

What cannot be taken back (closing a life, refusing an event, beginning another life) happens
at F, the first instant at which the events received before it demand it, and only when the
clock has reached F; until then an event received at or after F waits in `parked` (design
decision 3). So the clock's pace and the order of arrival cannot change what is counted.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import msgspec

from models.base import Millis
from streams.domain.arrivals import Arrived, by_receipt
from streams.domain.cells import EVENTS, Contribution, add
from streams.domain.contribution import contribution
from streams.domain.estimated import Estimated
from streams.domain.judgement import Judgement
from streams.domain.ledger import Ledger
from streams.domain.order import NEVER, NEW_LIFE_MS, Order
from streams.domain.presence import Presence, Question
from streams.domain.scoring.said import Foreseen
from streams.domain.suspects import asks

ROW_LIMIT = 262_144  # encoded bytes of one row; beyond it events are refused
EVENT_OVERHEAD = 32

REFUSED: Contribution = {EVENTS: {"rejected.order_closed": 1}}


class Stub(msgspec.Struct, frozen=True):
    """What remains of a life that ended: enough to refuse events and to know a new one."""

    life: int
    last_life_at: Millis | None
    expires_at: Millis


@dataclass(frozen=True, slots=True)
class Closed:
    """A life ended at an instant: its last contribution, to be archived, and what it was."""

    contribution: Contribution
    order: Order
    ledger: Ledger
    told: "Told"
    at: Millis


@dataclass(frozen=True, slots=True)
class Refused:
    """An event came for a life that had ended, or never began (L21)."""

    arrived: Arrived
    carrier: str = "unknown"


@dataclass(frozen=True, slots=True)
class Forgotten:
    """The stub has served its time; the row may go."""


Settlement = Closed | Refused | Forgotten


class Told(msgspec.Struct, omit_defaults=True):
    """What was said of the present life on `order-facts`, so that only changes are said.

    A reason that is not believed ends with an exclamation mark in `attempt`.
    `sla` counts, by rule, the breaches and reversals said in turn; it also is what the report
    knows of reversals, so that it is kept where no facts are wanted.
    `belongs` is what its group and its customer were told on `group-log` (parcels.news).
    `foreseen` is what was predicted, kept without facts too; `scored` the state of the order
    its predictions were scored by last, told `scorings` times. `estimates` are the tower's own
    ETAs by couriers' positions, kept without facts too.
    """

    outcome: str | None = None
    revisions: int = 0
    attempt: str | None = None
    attempts: int = 0
    deviations: int = 0
    handover: Millis | None = None
    accountable: str | None = None
    sla: dict[str, int] = {}
    belongs: dict[str, bytes] = {}
    foreseen: Foreseen | None = None
    scored: str | None = None
    scorings: int = 0
    estimates: list[Estimated] = []


@dataclass(slots=True)
class Row:
    """The row of one order id; `too_large` counts events refused for want of room.

    `presence` is what couriers' positions and shifts answered in the present life; the last
    answer to a question is the one that counts. `asked` are the questions sent and not yet
    answered.
    """

    judgement: Judgement
    order: Order | None = None
    stub: Stub | None = None
    parked: list[Arrived] = field(default_factory=list[Arrived])
    ledger: Ledger = field(default_factory=Ledger)
    told: Told = field(default_factory=Told)
    too_large: int = 0
    presence: dict[Question, Presence] = field(default_factory=dict[Question, Presence])
    asked: tuple[Question, ...] = ()

    # -- taking events in ------------------------------------------------------------

    def add(self, arrived: Arrived) -> bool:
        """Take an event; False if the row has no room for it (`order_too_large`)."""
        if self.size + len(arrived.canonical) + EVENT_OVERHEAD > ROW_LIMIT:
            self.too_large += 1
            return False
        order = self.order
        if (
            order is not None
            and not self.parked
            and order.latest < arrived.receipt
            and arrived.received_at < order.closes_at
            and not order.begins_another(arrived)
        ) or (order is not None and not self.parked and order.stays_one(arrived)):
            order.add(arrived)
        else:
            held = () if order is None else order.held()
            self._place([*held, *self.parked, arrived])
        return True

    def knows(self, arrived: Arrived) -> bool:
        """Tell whether the present life has an event of this identity."""
        return self.order is not None and arrived.identity in self.order.arrivals

    @property
    def size(self) -> int:
        """Return about how many bytes the row takes when encoded."""
        order = self.order
        held = 0 if order is None else order.size + EVENT_OVERHEAD * order.came
        if self.parked:
            held += sum(len(each.canonical) + EVENT_OVERHEAD for each in self.parked)
        return held

    def _place(self, arrivals: list[Arrived]) -> None:
        """Divide events, as received, into those of the present life and those to park."""
        self.order, self.parked = None, []
        for each in arrivals:
            if each.event.time_quality == "local_as_z":
                each.place(None)  # its life says where it is read, and that is open again
        arrivals.sort(key=by_receipt)
        for number, arrived in enumerate(arrivals):
            if self.order is None:
                if not self._begins(arrived):
                    self.parked = arrivals[number:]
                    break
                self.order = Order(self.judgement, self.presence, self.told.estimates)
            elif arrived.received_at >= self.order.closes_at or self.order.begins_another(
                arrived
            ):
                self.parked = arrivals[number:]
                break
            self.order.add(arrived)

    def _begins(self, arrived: Arrived) -> bool:
        """Tell whether an event begins a life here (L12, L21, L22a)."""
        promised = arrived.event.kind == "order_promised"
        if self.stub is None:
            return promised or arrived.received_at - arrived.at <= self.judgement.silent
        if arrived.received_at >= self.stub.expires_at:
            return False  # by then nothing is known of the lives before
        last = self.stub.last_life_at
        return promised and (last is None or arrived.at >= last + NEW_LIFE_MS)

    # -- what time does --------------------------------------------------------------

    @property
    def settles_at(self) -> Millis:
        """Return F: the next instant at which something here becomes irreversible."""
        if self.order is not None:
            at = self.order.closes_at
            if self.parked and self.parked[0].received_at < at:
                at = self.parked[0].received_at + 1
            return at
        expires_at = NEVER if self.stub is None else self.stub.expires_at
        return min(expires_at, self.parked[0].received_at + 1) if self.parked else expires_at

    def settle(self, clock: Millis, *, waits: bool = True) -> Iterator[Settlement]:
        """Do what is irreversible up to the clock, in order; what is parked moves up.

        A row that `waits` for an answer does nothing yet: what is decided is decided by F,
        also if it is done later.
        """
        while (at := self.settles_at) <= clock and not (waits and self._wants_an_answer()):
            if self.order is not None:
                yield self._close(self.order, at)
            elif self.parked and self.parked[0].received_at < at:
                refused, *rest = self.parked
                yield Refused(refused)
                self._place(rest)
            else:
                self.stub, self.ledger = None, Ledger()
                self._place(self.parked)
        if self.order is None and self.stub is None and not self.parked:
            yield Forgotten()

    def _wants_an_answer(self) -> bool:
        return self.order is not None and not self.presence.keys() >= set(asks(self.order))

    def _close(self, order: Order, at: Millis) -> Closed:
        counted = contribution(
            order, at, self.ledger, self.told.sla, self.told.foreseen, ended_silent=True
        )
        self._count_refusals(counted)
        closed = Closed(counted, order, self.ledger, self.told, at)
        life = self.ledger.life
        self.stub = Stub(life, order.track.last_life_at, at + self.judgement.stub)
        self.order, self.too_large = None, 0
        self.ledger, self.told, self.presence = Ledger(life=life + 1), Told(), {}
        self._place(self.parked)
        return closed

    # -- what it counts --------------------------------------------------------------

    def contribution(self, clock: Millis) -> Contribution:
        """Return what the row adds to the KPIs as of the clock, archived lives left out."""
        if self.parked:
            return self._if_nothing_more_comes(clock)
        if self.order is None:
            counted: Contribution = {}
        else:
            counted = contribution(
                self.order, clock, self.ledger, self.told.sla, self.told.foreseen
            )
        self._count_refusals(counted)
        return counted

    def _count_refusals(self, counted: Contribution) -> None:
        if self.too_large:
            refused = {"rejected.order_too_large": self.too_large}
            counted[EVENTS] = counted.get(EVENTS, {}) | refused

    def _if_nothing_more_comes(self, clock: Millis) -> Contribution:
        """Judge what is parked as if every event received up to the clock were here."""
        twin = Row(self.judgement, None, self.stub, [], self.ledger, self.told, self.too_large)
        twin.presence = self.presence
        held = () if self.order is None else self.order.held()
        twin._place([*held, *self.parked])
        counted: Contribution = {}
        for settlement in twin.settle(clock + 1, waits=False):
            _sum(counted, _of(settlement))
        if not twin.parked:
            _sum(counted, twin.contribution(clock))
            return counted
        live = Row(self.judgement, twin.order, twin.stub, [], twin.ledger, twin.told)
        live.presence = twin.presence
        live.too_large = twin.too_large
        _sum(counted, live.contribution(clock))
        _sum(counted, {EVENTS: {"accepted": len(twin.parked)}})
        return counted


def _of(settlement: Settlement) -> Contribution:
    if isinstance(settlement, Closed):
        return settlement.contribution
    return REFUSED if isinstance(settlement, Refused) else {}


def _sum(total: Contribution, more: Contribution) -> None:
    for cell, measures in more.items():
        add(total.setdefault(cell, {}), measures)
