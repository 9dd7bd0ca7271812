"""What the events of one order say, folded one by one in the order of a life (L8).

`Track.advance` is the incremental step and `derive` the whole: the same function over a
sorted list, so the two agree by construction wherever an event sorts last.
"""

from collections.abc import Callable, Iterable
from typing import Any, ClassVar

from models.base import Millis, millis
from models.events import (
    AttemptFailed,
    CustomerAsked,
    Delivered,
    EtaUpdated,
    FeedbackGiven,
    Money,
    OrderPromised,
    OutForDelivery,
    Point,
    Promise,
    PromiseChanged,
    Turned,
    VerdictDecided,
)
from streams.domain import lifecycle, reasons
from streams.domain.arrivals import Arrived, LifeKey
from streams.domain.attempts import Attempts
from streams.domain.judgement import Judgement
from streams.domain.marks import Decision, Hold, Said, Wish

INSTRUMENTS = (
    "csat", "nps", "ces", "courier_communication", "courier_professionalism", "parcel_care",
)  # fmt: skip


_START: LifeKey = (-(1 << 62), 0, 0, "", "")


class Track:
    """The state of one order; every field is a function of the events folded so far.

    Instants are epoch milliseconds of event time. `etas` holds what was said in order;
    `consignee` the consignee's wishes; `failing` the first event after
    which no handover was to be expected; `doors` when a courier arrived, `door_known_at` when
    the destination was received; `moved_by` the last event that touched the parcel; `holds`
    every hold
    and when it ended; `decided` the last word in a dispute.
    """

    __slots__ = (
        "announced_at",
        "answers",
        "asked",
        "attempts",
        "cancelled",
        "carrier",
        "carrier_changes",
        "changed_mind",
        "consignee",
        "customer_id",
        "damaged",
        "decided",
        "destination",
        "direction",
        "door_known_at",
        "doors",
        "etas",
        "failing",
        "group_id",
        "handover",
        "holds",
        "is_order",
        "judgement",
        "last",
        "last_failed",
        "last_life_at",
        "latest",
        "moved_at",
        "moved_by",
        "original",
        "out_at",
        "region",
        "sent_back",
        "service",
        "status",
        "timezone",
        "value",
    )  # fmt: skip

    def __init__(self, judgement: Judgement) -> None:
        self.judgement = judgement
        self.last = _START
        self.is_order = False
        self.announced_at: Millis | None = None
        self.carrier = "unknown"
        self.service: str | None = None
        self.region: str | None = None
        self.direction = "forward"
        self.timezone: str | None = None
        self.customer_id: str | None = None
        self.group_id: str | None = None
        self.value: Money | None = None
        self.destination: Point | None = None
        self.door_known_at: Millis = 0
        self.original: Promise | None = None
        self.latest: Promise | None = None
        self.consignee: list[Wish] = []
        self.carrier_changes = 0
        self.handover: Arrived | None = None
        self.failing: Arrived | None = None
        self.last_failed: Arrived | None = None
        self.doors: tuple[Millis, ...] = ()
        self.holds: tuple[Hold, ...] = ()
        self.cancelled: Arrived | None = None
        self.sent_back = False
        self.damaged = False
        self.changed_mind = 0
        self.attempts = Attempts()
        self.out_at: Millis | None = None
        self.etas: list[Said] = []
        self.answers: dict[str, int] = {}
        self.asked: tuple[Millis, ...] = ()
        self.decided: Decision | None = None
        self.last_life_at: Millis | None = None
        self.moved_at: Millis | None = None
        self.moved_by: Arrived | None = None
        self.status = "unknown"

    @property
    def ending(self) -> Arrived | None:
        """Return the event that ended the order, None while it is open (L7)."""
        return self.handover or self.failing or self.cancelled

    @property
    def open(self) -> bool:
        """Tell whether the order still waits: not handed over, failed or cancelled."""
        return self.ending is None

    def advance(self, arrived: Arrived) -> None:
        """Fold one event that sorts after all folded before."""
        kind = arrived.event.kind
        self.last = arrived.key
        if kind in lifecycle.LIFE:
            self._live(arrived)
        step = self._STEPS.get(kind)
        if step is not None:
            step(self, arrived.event, arrived)

    def _live(self, arrived: Arrived) -> None:
        """Note what any life event means: the order lives, moves, or its handover is void."""
        event, at = arrived.event, arrived.at
        kind = event.kind
        self.is_order = True
        self.last_life_at = at
        if kind in lifecycle.MOVES:
            self.moved_at, self.moved_by = at, arrived
            self.status = kind
            if self.holds and kind != "held":
                self.holds = tuple(
                    hold if hold.until is not None else Hold(hold.by, at) for hold in self.holds
                )
        if self.handover is not None and (
            kind in lifecycle.UNDOES
            or (
                kind in lifecycle.REOPENS
                and at - self.handover.at >= lifecycle.REOPENS_AFTER_MS
            )
        ):
            self.handover = None
            self.changed_mind += 1
            self.attempts.undo(arrived)
        if self.handover is None and self.failing is None and _fails(event):
            self.failing = arrived

    def _promise(self, event: OrderPromised, arrived: Arrived) -> None:
        if self.announced_at is None:
            self.announced_at = arrived.at
            self.carrier, self.direction = event.carrier, event.direction
        self.service = self.service or event.service
        self.region = self.region or event.region
        self.timezone = self.timezone or event.timezone
        self.customer_id = self.customer_id or event.customer_id
        self.group_id = self.group_id or event.group_id
        self.value = self.value or event.value
        if self.destination is None and event.destination is not None:
            self.destination, self.door_known_at = event.destination, arrived.received_at
        if event.promise is not None and self.handover is None:
            if self.original is None:
                self.original = event.promise
            self.latest = event.promise

    def _change(self, event: PromiseChanged, arrived: Arrived) -> None:
        if event.by == "carrier":
            self.carrier_changes += 1
        if self.handover is not None:
            return
        if event.by == "consignee":
            self.consignee.append(Wish(arrived.at, event.promise, arrived))
        if self.original is not None:
            self.latest = event.promise

    def _out(self, event: OutForDelivery, arrived: Arrived) -> None:
        if self.handover is None:
            self.sent_back = False
            self.out_at = arrived.at
            self.attempts.out_for_delivery(arrived, event.courier_id)

    def _back(self, _: object, arrived: Arrived) -> None:
        self.attempts.back_at_depot(arrived)

    def _arrive(self, _: object, arrived: Arrived) -> None:
        self.doors += (arrived.at,)
        self.attempts.arrive()

    def _fail(self, event: AttemptFailed, arrived: Arrived) -> None:
        if self.handover is None:
            self.last_failed = arrived
            reason = reasons.canonical(event.reason)
            self.attempts.fail(arrived, reason, event.courier_id)

    def _expect(self, event: EtaUpdated, arrived: Arrived) -> None:
        self.etas.append((arrived.at, millis(event.eta), event.by == "tower", event))

    def _answer(self, event: FeedbackGiven, _: Arrived) -> None:
        for instrument in INSTRUMENTS:
            if (answer := getattr(event, instrument)) is not None:
                self.answers[instrument] = answer

    def _ask(self, event: CustomerAsked, arrived: Arrived) -> None:
        if event.topic == "where_is_my_order":
            self.asked += (arrived.at,)

    def _decide(self, event: VerdictDecided, arrived: Arrived) -> None:
        self.decided = Decision(event.verdict, arrived)

    def _turn(self, event: Turned, arrived: Arrived) -> None:
        if event.kind == "cancelled":
            if self.handover is None and self.cancelled is None:
                self.cancelled = arrived
            return
        if event.kind in lifecycle.BACK_TO_SENDER:
            self.sent_back = True
        if event.kind == "damaged":
            self.damaged = True
        if event.kind == "held":
            self.holds += (Hold(arrived),)
        if event.kind in lifecycle.ENDS_ATTEMPT and self.attempts.waiting:
            self.attempts.fail(arrived, reasons.canonical(event.reason), implicit=True)

    def _deliver(self, event: Delivered, arrived: Arrived) -> None:
        """Take a handover; a second one and the sender's receipt are none (L4, L5)."""
        if self.handover is not None or self.sent_back:
            return
        self.handover, self.failing = arrived, None
        if self.cancelled is not None and _by_carrier(self.cancelled):
            self.cancelled = None
        if (
            event.to in lifecycle.AT_HOME
            or event.consented is True
            or (
                event.to == "neighbour"
                and self.judgement.tolerance(self.carrier).neighbour_counts
            )
        ):
            self.attempts.succeed(arrived)
        else:
            self.attempts.fail(arrived, "diverted", event.courier_id)

    # What a kind changes beside being life; a kind that is not here changes nothing.
    _STEPS: ClassVar[dict[str, Callable[["Track", Any, Arrived], None]]] = {
        "order_promised": _promise,
        "promise_changed": _change,
        "arrived_depot": _back,
        "out_for_delivery": _out,
        "courier_arrived": _arrive,
        "attempt_failed": _fail,
        "delivered": _deliver,
        "eta_updated": _expect,
        "feedback_given": _answer,
        "customer_asked": _ask,
        "verdict_decided": _decide,
        **dict.fromkeys(lifecycle.TURNS, _turn),
    }


def derive(arrivals: Iterable[Arrived], judgement: Judgement) -> Track:
    """Fold a set of events, whatever the order it comes in, leaving out what was withdrawn.

    A source takes back only its own events, and no withdrawal (L10).
    """
    ordered = sorted(arrivals, key=_life_key)
    gone = {
        (each.event.source, each.event.withdraws)
        for each in ordered
        if each.event.kind == "event_withdrawn"
    }
    track = Track(judgement)
    for arrived in ordered:
        if gone and arrived.identity in gone and arrived.event.kind != "event_withdrawn":
            continue
        track.advance(arrived)
    return track


def _life_key(arrived: Arrived) -> LifeKey:
    return arrived.key


def _by_carrier(cancelled: Arrived) -> bool:
    return getattr(cancelled.event, "by", None) == "carrier"


def cancelled_by_carrier(track: Track) -> bool:
    """Tell whether it was the carrier that called the order off (L3)."""
    return track.cancelled is not None and _by_carrier(track.cancelled)


def _fails(event: object) -> bool:
    """Tell whether an event says that the parcel will not come (L4)."""
    kind = getattr(event, "kind", "")
    if kind in lifecycle.FAILS:
        return True
    reason = getattr(event, "reason", None)
    return isinstance(reason, str) and kind in lifecycle.FAILING_REASONS.get(reason, ())
