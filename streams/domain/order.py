"""One life of an order: the set of its accepted events, and what follows from the set.

Arrival order cannot matter: of several copies the least is the event, an event that sorts
last is folded on top, any other folds the whole set again (design decision 2). What is
judged in the end is judged on what had been received by then: `frozen` (kpis 2.12 L2).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType

from models.base import Millis, millis
from streams.domain.agreements import Agreement, agreements
from streams.domain.arrivals import Arrived, Receipt, by_receipt, content_of
from streams.domain.cells import Cell, Measures
from streams.domain.estimated import Estimated
from streams.domain.freezing import freeze
from streams.domain.judgement import Judgement, Tolerance
from streams.domain.presence import EVIDENCE_MS, Presence, Question
from streams.domain.promises import Resolved, place
from streams.domain.revisions import UNKNOWN, Revised, outcome_of, revised
from streams.domain.suspects import asks, frozen_answers, suspicion
from streams.domain.tracking import Track, derive
from streams.domain.verdicts import effective, latest, original
from streams.domain.zones import DAY_MS, day_text

Identity = tuple[str, str]
NEW_LIFE_MS = 90 * DAY_MS  # an id promised again that late is another order (L12)
NEVER: Millis = 1 << 62
NOBODY: frozenset[Identity] = frozenset()  # one for all orders: nearly none has withdrawals
LONGEST_ANSWER_MS = EVIDENCE_MS + 2 * DAY_MS  # an attempt's day ends within two days of it
COPY_OVERHEAD = 16  # encoded bytes of a copy beside what it says
FIRST_RECEIPT: Receipt = (-NEVER, (-NEVER, 0, 0, "", ""), b"")
LAST_RECEIPT: Receipt = (NEVER, (NEVER, 0, 0, "", ""), b"")
NOTHING_KNOWN: Mapping[Question, Presence] = MappingProxyType({})


class Order:
    """The accepted events of one life and the caches that follow from them.

    `copies` holds for each event that came more than once the other copies, whole: a life may
    turn out to have ended before one of them was received. `earliest` and `latest` are the
    first and the last receipt, copies among them, `promised` the last of an `order_promised`;
    `joined` is by `g/<group_id>` and `c/<customer_id>` when the first was received that names
    it, whether it counts or not;
    `with_unknown_fields` counts the events that carried fields the tower does not know;
    `presence` and `estimates` are the row's: what is known of couriers, by what was asked, and
    what their positions said of the handover. `expected` and
    `looked_through` are kept for the contribution: measures that only the next event changes.
    """

    __slots__ = (
        "_agreements", "_cell", "_closes_at", "_frozen", "_moved", "_promise", "_revised",
        "arrivals", "copies", "earliest", "earliest_end", "estimates", "expected", "joined",
        "judgement", "last_receipt", "latest", "looked_through",
        "presence", "promised", "size", "track", "with_unknown_fields", "withdrawn",
    )  # fmt: skip

    def __init__(
        self,
        judgement: Judgement,
        presence: Mapping[Question, Presence] = NOTHING_KNOWN,
        estimates: Sequence[Estimated] = (),
    ) -> None:
        self.judgement = judgement
        self.presence = presence
        self.estimates = estimates
        self.arrivals: dict[Identity, Arrived] = {}
        self.copies: dict[Identity, list[Arrived]] = {}
        self.withdrawn: frozenset[Identity] = NOBODY
        self.track = Track(judgement)
        self.size = 0
        self.earliest_end = NEVER
        self.with_unknown_fields = 0
        self.last_receipt = self.latest = self.promised = FIRST_RECEIPT
        self.earliest = LAST_RECEIPT
        self.joined: dict[str, Millis] = {}
        self._revised: Revised | None = UNKNOWN
        self._forget()

    def _forget(self) -> None:
        self._frozen: tuple[Track, Millis | None] | None = None
        self._promise: tuple[Resolved | None] | None = None
        self._moved: tuple[Millis | None] | None = None
        self._closes_at: Millis | None = None
        self._cell: Cell | None = None
        self._agreements: tuple[bool, tuple[Agreement, ...]] | None = None
        self.expected: tuple[Millis | None, Measures] | None = None
        self.looked_through: Measures | None = None

    # -- taking events in ------------------------------------------------------------

    def add(self, arrived: Arrived) -> None:
        """Take an event or a copy of one; the result does not depend on the order of calls."""
        receipt = arrived.receipt
        self._note_receipt(arrived)
        known = self.arrivals.get(arrived.identity)
        if known is not None and known.precedence <= arrived.precedence:
            self._copy(arrived)
            return
        self.arrivals[arrived.identity] = arrived
        self.size += len(arrived.canonical)
        self.with_unknown_fields += arrived.unknown
        if known is not None:
            self._become_copy(known)
        if known is None and receipt > self.last_receipt and self._sorts_last(arrived):
            self._revised = self._revised_until(arrived.received_at)
            frozen = None if arrived.received_at == self.last_received else self._frozen
            self.last_receipt = receipt
            self._advance(arrived, frozen)
        else:
            self.rebuild()

    def load(self, arrivals: Iterable[Arrived], copies: Iterable[Arrived]) -> None:
        """Take a stored set whole."""
        self.arrivals = {each.identity: each for each in arrivals}
        self.size = sum(len(each.canonical) for each in self.arrivals.values())
        self.with_unknown_fields = sum(each.unknown for each in self.arrivals.values())
        for each in copies:
            self._copy(each)
        self.rebuild()
        for each in self.held():
            self._note_receipt(each)

    def _note_receipt(self, arrived: Arrived) -> None:
        receipt = arrived.receipt
        self.latest = max(self.latest, receipt)
        self.earliest = min(self.earliest, receipt)
        event = arrived.event
        if event.kind == "order_promised":
            self.promised = max(self.promised, receipt)
            if event.group_id is not None:
                self._join(f"g/{event.group_id}", arrived.received_at)
            if event.customer_id is not None:
                self._join(f"c/{event.customer_id}", arrived.received_at)

    def _join(self, key: str, at: Millis) -> None:
        self.joined[key] = min(at, self.joined.get(key, at))

    def standing(self) -> Iterator[Arrived]:
        """Yield the events that were not withdrawn, and the withdrawals, in no order."""
        for identity, arrived in self.arrivals.items():
            if identity not in self.withdrawn or arrived.event.kind == "event_withdrawn":
                yield arrived

    def held(self) -> Iterator[Arrived]:
        """Yield everything that came, events and copies."""
        yield from self.arrivals.values()
        for copies in self.copies.values():
            yield from copies

    def _copy(self, arrived: Arrived) -> None:
        """Keep a copy; one that is sent again word for word takes next to no room."""
        event = self.arrivals[arrived.identity]
        if arrived.canonical == event.canonical:
            arrived.share(event)
        self.size += _room(arrived, event)
        self.copies.setdefault(arrived.identity, []).append(arrived)

    def _become_copy(self, known: Arrived) -> None:
        """Let what was the event be a copy of another, as its own copies are."""
        copies = self.copies.pop(known.identity, [])
        self.size -= len(known.canonical) + sum(_room(each, known) for each in copies)
        self.with_unknown_fields -= known.unknown
        for each in (*copies, known):
            self._copy(each)

    def _sorts_last(self, arrived: Arrived) -> bool:
        event = arrived.event
        return (
            arrived.key > self.track.last
            and event.kind != "event_withdrawn"
            and arrived.identity not in self.withdrawn
            and event.time_quality != "local_as_z"
            and (event.kind != "order_promised" or len(self.arrivals) == 1)
        )

    def _advance(self, arrived: Arrived, frozen: tuple[Track, Millis | None] | None) -> None:
        """Fold an event on top; `frozen` is the evidence frozen before it was received."""
        promise, moved, cell, held_to = self._promise, self._moved, self._cell, self._agreements
        self._forget()
        self.track.advance(arrived)
        self._note_promise(arrived)
        if arrived.event.kind not in {"order_promised", "promise_changed"}:
            self._moved = moved
            if not self.track.consignee:
                self._promise, self._cell = promise, cell  # nobody wished otherwise
            if arrived.event.kind == "eta_updated":
                self._agreements = held_to  # what is expected is no evidence
        if frozen is not None and frozen[0] is not self.track:
            self._frozen = frozen  # evidence received later cannot change it

    def rebuild(self) -> None:
        """Fold the whole set again."""
        self._forget()
        self._revised = None
        self.last_receipt = max(by_receipt(each) for each in self.arrivals.values())
        self.earliest_end = NEVER
        for each in self.arrivals.values():
            self._note_promise(each)
        gone = {
            (each.event.source, each.event.withdraws)
            for each in self.arrivals.values()
            if each.event.kind == "event_withdrawn"
        }
        self.withdrawn = frozenset(gone) if gone else NOBODY
        local = [a for a in self.arrivals.values() if a.event.time_quality == "local_as_z"]
        for each in local:
            each.place(None)  # the zone may have gone with the promise that named it
        self.track = derive(self.arrivals.values(), self.judgement)
        if local:
            name = self.track.timezone or self._tolerance.timezone
            for each in local:
                each.place(name)
            self.track = derive(self.arrivals.values(), self.judgement)

    def _note_promise(self, arrived: Arrived) -> None:
        """Keep the earliest end that any promise names."""
        event = arrived.event
        if event.kind == "order_promised" or event.kind == "promise_changed":  # noqa: PLR1714
            promise = event.promise
            if promise is not None:
                self.earliest_end = min(self.earliest_end, millis(promise.end))

    # -- what follows ----------------------------------------------------------------

    @property
    def last_received(self) -> Millis:
        """Return when the last of the events was received; copies of them say nothing."""
        return self.last_receipt[0]

    @property
    def _tolerance(self) -> Tolerance:
        return self.judgement.tolerance(self.track.carrier)

    @property
    def promise(self) -> Resolved | None:
        """Return the effective promise by all evidence."""
        if self._promise is None:
            self._promise = (effective(self.track, self.judgement),)
        return self._promise[0]

    @property
    def agreements(self) -> tuple[Agreement, ...]:
        """Return the service levels whose clocks have started, by all evidence."""
        doubt = suspicion(self.track, self.presence) is not None
        if self._agreements is None or self._agreements[0] is not doubt:
            self._agreements = doubt, agreements(self, doubt=doubt)
        return self._agreements[1]

    @property
    def cell(self) -> Cell:
        """Return where the order counts: by the local day its promise ends (kpis 2.0)."""
        if self._cell is None:
            track = self.track
            self._cell = Cell(
                track.carrier,
                track.service or "unknown",
                track.region or "unknown",
                track.direction,
                self._cohort_day(),
            )
        return self._cell

    def _cohort_day(self) -> str:
        promise, first = self.promise, self.track.original
        if promise is None or first is None:
            return "none"
        where = place(first, self.track.timezone, self._tolerance)
        last = promise.end - 1 if promise.precision == "date" else promise.end
        return day_text(last, where)

    @property
    def promise_moved(self) -> Millis | None:
        """Return how much later the last promise ends than the first, None without one."""
        if self._moved is None:
            first = original(self.track, self.judgement)
            last = latest(self.track, self.judgement)
            moved = None if first is None or last is None else last.end - first.end
            self._moved = (moved,)
        return self._moved[0]

    @property
    def frozen_promise(self) -> Resolved | None:
        """Return the effective promise as of maturity."""
        frozen = self.frozen
        return self.promise if frozen is self.track else effective(frozen, self.judgement)

    @property
    def frozen(self) -> Track:
        """Return the track as of maturity: what `delivery_time` is judged on (L2)."""
        return self._freeze()[0]

    @property
    def matures_at(self) -> Millis | None:
        """Return the last instant whose evidence counts in the frozen verdict."""
        return self._freeze()[1]

    @property
    def frozen_presence(self) -> Mapping[Question, Presence]:
        """Return what is known of couriers by what had been received at maturity."""
        return (
            frozen_answers(self.presence, self.matures_at) if self.presence else self.presence
        )

    def _freeze(self) -> tuple[Track, Millis | None]:
        if self._frozen is None:
            self._frozen = freeze(self)
        return self._frozen

    @property
    def due_no_sooner(self) -> Millis:
        """Return an instant before which no promise of this life can have been missed."""
        return self.earliest_end - DAY_MS

    def revisions(self, clock: Millis) -> int:
        """Return how often the frozen verdict changed as events were received (L18)."""
        if self._revised is None:
            self._revised = revised(self)
        outcome = outcome_of(self.frozen, self.frozen_promise, clock)
        return self._revised.then(outcome).changes

    def _revised_until(self, received_at: Millis) -> Revised | None:
        """Return how the verdict had changed before an event is received after all others."""
        so_far, promise = self._revised, self.promise
        if so_far is None or received_at == self.last_received:
            return so_far
        if promise is not None and (
            received_at < promise.late_from or received_at > (self.matures_at or received_at)
        ):
            return so_far
        return so_far.then(outcome_of(self.track, promise, received_at))

    @property
    def closes_at(self) -> Millis:
        """Return the instant at which this life ends if nothing more is received (L13).

        It is later than every receipt: what is received together is judged together. What was
        asked about a courier can be answered until then.
        """
        if self._closes_at is None:
            at = max(self._closing(), self.last_received + 1)
            if at < self.last_received + LONGEST_ANSWER_MS:
                at = max([at, *(each.known_by + 1 for each in asks(self))])
            self._closes_at = at
        return self._closes_at

    def _closing(self) -> Millis:
        ending, promise, mature = self.track.ending, self.promise, self.matures_at
        final = -NEVER if mature is None else mature + 1
        if ending is not None:
            return max(ending.received_at + self.judgement.ended, final)
        last = self.last_received
        if promise is not None:
            last = max(last, promise.end)
        return max(last + self.judgement.silent, final)

    def stays_one(self, arrived: Arrived) -> bool:
        """Tell whether an event that came late for its receipt plainly belongs to this life.

        It does not begin it; nothing here was received long enough after the first receipt for
        a life to have ended; and no promise was received after it that could be another's.
        """
        receipt = arrived.receipt
        return (
            self.earliest < receipt
            and self.promised < receipt
            and arrived.event.kind != "order_promised"
            and max(self.latest, receipt)[0] < self.earliest[0] + self.judgement.shortest_life
        )

    def begins_another(self, arrived: Arrived) -> bool:
        """Tell whether an event is the promise of another order under the same id (L12).

        A copy of an event of this life is a duplicate, whatever it promises (L11).
        """
        last = self.track.last_life_at
        return (
            arrived.event.kind == "order_promised"
            and arrived.identity not in self.arrivals
            and last is not None
            and arrived.at >= last + NEW_LIFE_MS
        )

    @property
    def forgotten_from(self) -> Millis:
        """Return the first instant at which nobody has touched what was announced for a day.

        NEVER of an order that somebody touched, that has ended, or that nobody announced.
        """
        track = self.track
        if track.announced_at is None or track.moved_at is not None or not track.open:
            return NEVER
        return track.announced_at + DAY_MS + 1

    # -- what is counted of the events themselves ------------------------------------

    @property
    def came(self) -> int:
        """Return how many events and copies came."""
        return len(self.arrivals) + self.duplicates

    @property
    def duplicates(self) -> int:
        """Return how many copies came beside the events."""
        return sum(map(len, self.copies.values())) if self.copies else 0

    @property
    def conflicts(self) -> int:
        """Return how many copies say something else than their event (L11)."""
        if not self.copies:
            return 0
        return sum(
            content_of(copy.event) != own
            for identity, copies in self.copies.items()
            for own in (content_of(self.arrivals[identity].event),)
            for copy in copies
        )


def _room(copy: Arrived, event: Arrived) -> int:
    """Return about how many encoded bytes a copy of an event takes."""
    return COPY_OVERHEAD + (0 if copy.canonical == event.canonical else len(copy.canonical))
