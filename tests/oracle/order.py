"""What one set of accepted events says happened to an order (L3 to L7, P1 to P3)."""

from datetime import UTC, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from tests.oracle.events import FAILING, NOT_LIFE, RANK, Event, Pairs, name_of
from tests.oracle.times import DAY, FAR_FUTURE, FAR_PAST, HOUR, Due, event_time
from tests.oracle.visits import Visit, Visits

Key = tuple[Any, ...]  # event time, rank of the kind, receipt, source, id


class Order:
    """Everything the definitions say of one set of accepted events, verdicts apart."""

    def __init__(self, accepted: Pairs, rules: dict[str, Any]) -> None:
        taken_back = {
            (event["source"], event["withdraws"])
            for _, event in accepted
            if event["kind"] == "event_withdrawn"
        }
        kept = [
            (at, event)
            for at, event in accepted
            if event["kind"] == "event_withdrawn" or name_of(event) not in taken_back
        ]
        self._name_by(kept, rules, None)  # by the times as written
        placed = self.zone  # where local times are read
        self._name_by(kept, rules, placed)  # by the times as read
        self.events: list[tuple[Key, Event]] = sorted(
            (
                (event_time(at, event, placed), RANK[event["kind"]], at, *name_of(event)),
                event,
            )
            for at, event in kept
        )
        life = [key[0] for key, event in self.events if event["kind"] not in NOT_LIFE]
        self.is_order = bool(life)
        self.last_life_at = max(life, default=FAR_PAST)
        self._walk()
        legs = Visits(self)
        self.first: Visit | None = legs.first
        self.visits = legs.visits
        self.no_attempt_return = legs.no_attempt_return
        self._promises()
        self._ending()

    def _name_by(self, kept: Pairs, rules: dict[str, Any], zone: ZoneInfo | None) -> None:
        told = sorted(
            ((event_time(at, event, zone), at, *name_of(event)), event)
            for at, event in kept
            if event["kind"] == "order_promised"
        )
        self.promised_at = told[0][0][0] if told else None
        first = told[0][1] if told else {}

        def said(name: str) -> Any:
            return next((event[name] for _, event in told if event.get(name)), None)

        self.carrier = first.get("carrier", "unknown")
        self.service = said("service") or "unknown"
        self.region = said("region") or "unknown"
        self.customer, self.group = said("customer_id"), said("group_id")
        self.door = said("destination")
        self.door_heard = next((key[1] for key, each in told if each.get("destination")), 0)
        self.is_return = first.get("direction") == "return"
        self.own = {**rules, **rules["carriers"].get(self.carrier, {})}
        self.own["grace_minutes"] = {**rules["grace_minutes"], **self.own["grace_minutes"]}
        name = said("timezone") or self.own.get("timezone")
        self.zone = ZoneInfo(name) if name else None

    def _walk(self) -> None:
        """Find the handover that stands, what failed and what was cancelled (L3 to L5)."""
        self.handover: tuple[Key, Event] | None = None
        self.voided: list[Event] = []
        self.voided_by: list[str] = []
        self.failing: tuple[Key, Event] | None = None
        self.cancel: tuple[Key, Event] | None = None
        self.silenced: set[tuple[str, str]] = set()  # said while a handover stood
        self.standing: list[Event] = []  # delivered events that were handovers at some time
        returning = False
        for key, event in self.events:
            kind = event["kind"]
            if self.handover and self._voids(key[0], kind):
                self.voided.append(self.handover[1])
                self.voided_by.append(kind)
                self.handover = self.failing = None
            if self.handover:
                self.silenced.add(name_of(event))
            if kind == "delivered" and not returning and not self.handover:
                self._hand_over(key, event)
            elif kind == "out_for_delivery" and not self.handover:
                returning = False
            elif kind == "cancelled" and not self.handover and not self.cancel:
                self.cancel = (key, event)
            returning = returning or kind in {"returning", "returned"}
            if self.failing is None and not self.handover and _fails(event):
                self.failing = (key, event)

    def _hand_over(self, key: Key, event: Event) -> None:
        self.handover = (key, event)
        self.standing.append(event)
        if self.cancel and self.cancel[1].get("by") == "carrier":
            self.cancel = None

    def _voids(self, at: int, kind: str) -> bool:
        assert self.handover
        later = at - self.handover[0][0] >= HOUR
        return kind in {"returning", "returned", "lost"} or (
            kind in {"out_for_delivery", "attempt_failed"} and later
        )

    def _promises(self) -> None:
        """Find the original, the effective and the latest promise (P1 to P3)."""
        shown = [
            (key, event)
            for key, event in self.heard
            if event.get("promise") and event["kind"] in {"order_promised", "promise_changed"}
        ]
        made = [(key, event) for key, event in shown if event["kind"] == "order_promised"]
        self.wishes = [
            (key[0], event)
            for key, event in shown
            if event["kind"] == "promise_changed" and event["by"] == "consignee"
        ]
        self.original: Due | None = None
        self.effective: Due | None = None
        self.latest: Due | None = None
        self.matures: int | None = None
        if not made:
            return
        self.original = self.effective = self._due(made[0][1])
        self.latest = self._due(shown[-1][1])
        until = self.first.at if self.first else FAR_FUTURE
        for at, event in self.wishes:
            if at < min(self.original.end, until):
                self.effective = self._due(event)
        self.matures = self.effective.end + self.own["maturity_days"] * DAY

    def _due(self, event: Event) -> Due:
        return Due(event["promise"], self.zone, self.own)

    @property
    def heard(self) -> list[tuple[Key, Event]]:
        """Return the events that were not said while a handover stood."""
        return [each for each in self.events if name_of(each[1]) not in self.silenced]

    @property
    def where(self) -> tzinfo:
        """Return the zone whose days are the order's (P3)."""
        return self.zone or (self.original.where if self.original else UTC)

    def _ending(self) -> None:
        """Find the event that ended the order; None while it is open (L7, L24)."""
        self.by_carrier = self.cancel is not None and self.cancel[1].get("by") == "carrier"
        ending = self.handover or self.failing or self.cancel
        self.ended_at: int | None = ending[0][2] if ending else None
        self.ended_when: int | None = ending[0][0] if ending else None


def _fails(event: Event) -> bool:
    """Tell whether an event says that the parcel will not come (L4)."""
    kind, reason = event["kind"], event.get("reason")
    return (
        kind in FAILING
        or (kind == "attempt_failed" and reason == "refused")
        or (
            kind not in NOT_LIFE
            and kind not in {"order_promised", "promise_changed"}
            and reason == "pickup_unclaimed"
        )
    )
