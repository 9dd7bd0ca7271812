"""The report a second time, from the definitions alone: slow, literal, no state kept.

Written from the KPI definitions without a look at the tower, with the standard library only, so
that the two can be wrong independently. Everything of an order is recomputed from its sorted
events. Input are (received_at, event) pairs; times are epoch milliseconds, positive is late.
The numbers in brackets (L2, T1, P2) are the clarifications of kpis 2.12 that a line follows.
"""

import json
from collections import Counter, defaultdict
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock_time
from itertools import groupby
from math import ceil, sqrt
from typing import Any
from zoneinfo import ZoneInfo

MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
SKEW = 2 * MINUTE
FAR_PAST = -(10**18)

Event = dict[str, Any]
Pairs = list[tuple[int, Event]]

KINDS = (  # noqa: SIM905 - as a list of words it is read at a glance
    "order_promised promise_changed picked_up in_transit arrived_depot out_for_delivery "
    "courier_arrived attempt_failed held released available_for_pickup delivered damaged lost "
    "returning returned cancelled eta_updated event_withdrawn feedback_given customer_asked "
    "intervention_made verdict_decided"
).split()
RANK = {kind: place for place, kind in enumerate(KINDS)}
NOT_LIFE = {
    "eta_updated",
    "feedback_given",
    "customer_asked",
    "intervention_made",
    "verdict_decided",
    "event_withdrawn",
}
FAILING = {"returning", "returned", "lost", "damaged"}
IMPLICIT = {"held", "damaged", "lost", "returning", "returned", "available_for_pickup"}
OUTCOMES = ("on_time", "early", "late", "failed", "indeterminate", "excluded")
PRESENT = {None, "consignee", "household", "reception"}
REASONS = set(
    """
    not_home business_closed refused wrong_address_given access_restricted verification_failed
    unpaid_cod consignee_cancelled consignee_rescheduled safe_place_unavailable
    pickup_unclaimed not_enough_time vehicle_issue capacity missorted
    address_not_found_by_courier damaged lost no_reason_given suspect_attempt not_ready
    incorrect_data wrong_parcel packaging shipper_cancelled late_handover customs_delay
    documents duties_unpaid prohibited inspection security regulatory_hold weather
    natural_disaster strike road_closed unknown
    """.split()  # noqa: SIM905 - read at a glance
)
INSTRUMENTS = (
    "csat",
    "nps",
    "ces",
    "courier_communication",
    "courier_professionalism",
    "parcel_care",
)

RULES: dict[str, Any] = {
    "grace_minutes": {"window": 0, "instant": 15, "date": 0},
    "early_minutes": 15,
    "day_end": "24:00",
    "maturity_days": 7,
    "neighbour_counts": False,
    "ended_days": 30,
    "silent_days": 90,
    "stub_days": 365,
    "carriers": {},
}


def instant(text: str) -> int:
    """Return an instant of RFC 3339 in milliseconds, finer fractions cut."""
    return _ms(datetime.fromisoformat(text))


def received(event: Event) -> int:
    """Return when an event of a file was received: observed, else when it happened (L15)."""
    return instant(event.get("observed_at") or event["occurred_at"])


def report(pairs: Pairs, as_of: int, rules: dict[str, Any] = RULES) -> dict[str, Any]:
    """Return the compared part of the report over all pairs, as known at `as_of`."""
    counts: Counter[str] = Counter()
    lives: list[Life] = []
    for _, mine in groupby(sorted(pairs, key=_by_order), key=_by_order):
        lives += _lives(list(mine), as_of, rules, counts)
    cases = [life.case(as_of) for life in lives]
    cases = [case for case in cases if case["is_order"]]
    forward = [case for case in cases if not case["return"]]
    return {
        "events": dict(counts),
        "total": _kpi(forward),
        "carriers": _split(forward, "carrier"),
        "by": {name: _split(forward, name) for name in ("service", "region")},
        "returns": _kpi([case for case in cases if case["return"]]),
    }


def _by_order(pair: tuple[int, Event]) -> str:
    return str(pair[1]["order_id"])


def _ms(at: datetime) -> int:
    since = at - datetime(1970, 1, 1, tzinfo=UTC)
    return since.days * DAY + since.seconds * 1000 + since.microseconds // 1000


# Copies, rows and lives: which events an order consists of.


Copies = dict[tuple[str, str], list[tuple[int, bytes, Event]]]


class Life:
    """One life of an id: its copies, when it froze and when its row ended."""

    def __init__(self, rules: dict[str, Any]) -> None:
        self.rules = rules
        self.copies: Copies = defaultdict(list)
        self.mature: int | None = None
        self.evidence: Copies = {}
        self.closed_at: int | None = None
        self.silent = False

    def add(self, at: int, event: Event) -> None:
        self.copies[event["source"], event["event_id"]].append((at, _canonical(event), event))

    def order(self, copies: Copies | None = None) -> "Order":
        found = [copy for copy in (copies or self.copies).values() if copy]
        events = [(at, event) for at, _, event in (min(c, key=_precedence) for c in found)]
        return Order(events, self.rules)

    def last_received(self) -> int:
        return max(min(copies, key=_precedence)[0] for copies in self.copies.values())

    def settle(self, clock: int) -> None:
        """Freeze and end what the events received so far demand before or at `clock`."""
        if self.closed_at is not None or not self.copies:
            return
        order = self.order()
        first = self.last_received() + 1  # a demand is never older than what makes it
        if self.mature is None and order.matures is not None:
            at = max(order.matures + 1, first)
            if at <= clock:
                self._freeze(order.matures)
        at, silent = self._end(order)
        if max(at, first) <= clock:
            self.closed_at, self.silent = max(at, first), silent

    def _freeze(self, mature: int) -> None:
        """Keep what was received up to maturity (L2, L24)."""
        self.mature = mature
        self.evidence = {
            name: [copy for copy in copies if copy[0] <= mature]
            for name, copies in self.copies.items()
        }

    def _end(self, order: "Order") -> tuple[int, bool]:
        mature = order.matures if self.mature is None else self.mature
        final = FAR_PAST if mature is None else mature + 1
        if order.ended_at is not None:
            return max(order.ended_at + self.rules["ended_days"] * DAY, final), False
        last = max([self.last_received(), *([order.effective.end] if order.effective else [])])
        return max(last + self.rules["silent_days"] * DAY, final), True

    def case(self, as_of: int) -> dict[str, Any]:
        clock = as_of if self.closed_at is None else self.closed_at
        order = self.order()
        case = order.case(clock)
        verdict = order.verdict(clock)
        case["restated"] = verdict
        case["judged"] = verdict
        if self.mature is None and order.matures is not None and order.matures < clock:
            self._freeze(order.matures)
        if self.mature is not None:
            case["judged"] = self.order(self.evidence).verdict(clock)
        case["ended_silent"] = self.silent
        if self.silent:
            case["open"] = case["overdue"] = False
        return case


def _lives(  # noqa: C901 - one step per thing that can become of an event
    pairs: Pairs, as_of: int, rules: dict[str, Any], counts: Counter[str]
) -> list[Life]:
    """Return the lives of one id and count what became of every event of it."""
    lives: list[Life] = []
    row: Life | None = None
    stub: tuple[int, int] | None = None  # until when, time of the last life event
    late: set[tuple[str, str]] = set()
    applied = [pair for pair in pairs if pair[0] <= as_of]
    unapplied = [pair for pair in pairs if pair[0] > as_of]
    by_time = sorted(unapplied, key=lambda pair: pair[0])
    for at, event in [*sorted(applied, key=_as_received), *by_time]:
        if row is not None:
            row.settle(min(at, as_of))
            if row.closed_at is not None:
                stub, row = _stub(row), None
        counts["read"] += 1
        if at > as_of:  # read and accepted, not applied (L15)
            known = _id(event) in late or (row is not None and _id(event) in row.copies)
            late.add(_id(event))
            counts["duplicate" if known else "accepted"] += 1
            counts["unknown_fields"] += not known and bool(_unknown(event))
            continue
        if stub is not None and stub[0] <= at:
            stub = None
        if row is not None and _opens(at, event, row):
            row.closed_at = at + 1
            row.silent = row.order().ended_at is None
            stub, row = _stub(row), None
        if row is None and _refused(at, event, stub, rules):
            counts["order_closed"] += 1
            continue
        if row is None:
            row, stub = Life(rules), None
            lives.append(row)
        row.add(at, event)
    if row is not None:
        row.settle(as_of)
    for life in lives:
        _count(life, counts)
    return lives


def _as_received(pair: tuple[int, Event]) -> tuple[Any, ...]:
    at, event = pair
    return at, _event_time(at, event, None), RANK[event["kind"]], _id(event), _canonical(event)


def _stub(row: Life) -> tuple[int, int]:
    assert row.closed_at is not None
    return row.closed_at + row.rules["stub_days"] * DAY, row.order().last_life_at


def _opens(at: int, event: Event, row: Life) -> bool:
    """Tell whether an event is a fresh order_promised that begins a new life (L11, L12)."""
    last = row.order().last_life_at
    return last > FAR_PAST and _id(event) not in row.copies and _is_new(at, event, last)


def _is_new(at: int, event: Event, last: int) -> bool:
    return event["kind"] == "order_promised" and _event_time(at, event, None) >= last + 90 * DAY


def _refused(
    at: int, event: Event, stub: tuple[int, int] | None, rules: dict[str, Any]
) -> bool:
    """Tell whether an event that meets no row makes none (L21)."""
    if stub is not None:
        return not _is_new(at, event, stub[1])
    return (
        event["kind"] != "order_promised"
        and at - instant(event["occurred_at"]) > rules["silent_days"] * DAY
    )


def _count(life: Life, counts: Counter[str]) -> None:
    for copies in life.copies.values():
        winner, *others = sorted(copies, key=_precedence)
        counts["accepted"] += 1
        counts["unknown_fields"] += bool(_unknown(winner[2]))
        counts["duplicate"] += len(others)
        counts["id_conflict"] += sum(
            _content(copy[2]) != _content(winner[2]) for copy in others
        )


def _precedence(copy: tuple[int, bytes, Event]) -> tuple[int, bytes, bool]:
    return copy[0], copy[1], bool(_unknown(copy[2]))


COMMON = "event_id kind occurred_at source observed_at schema_version time_quality order_id"
OWN = {
    "order_promised": "carrier promise service region timezone origin destination customer_id "
    "group_id direction value attributes",
    "promise_changed": "promise by reason",
    "out_for_delivery": "courier_id stop stops",
    "eta_updated": "eta eta_low eta_high by",
    "courier_arrived": "courier_id",
    "attempt_failed": "reason courier_id position raw_code",
    "delivered": "to consented courier_id position",
    "released": "reason",
    "event_withdrawn": "withdraws",
    "intervention_made": "action by note",
    "verdict_decided": "verdict by reason",
    "feedback_given": "csat nps ces courier_communication courier_professionalism parcel_care "
    "about comment",
    "customer_asked": "topic",
    **dict.fromkeys(("picked_up", "in_transit", "arrived_depot"), "location raw_code"),
    **dict.fromkeys(
        ("available_for_pickup", *FAILING, "held", "cancelled"),
        "reason by",
    ),
}


def _unknown(event: Event) -> set[str]:
    return set(event) - set(COMMON.split()) - set(OWN[event["kind"]].split())


def _canonical(event: Event) -> bytes:
    absent = {name for name, value in event.items() if value is None}
    known = {n: v for n, v in event.items() if n not in _unknown(event) | absent}
    text = json.dumps(known, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode()


DEFAULTS = {"schema_version": 1, "time_quality": "offset", "direction": "forward"}


def _content(event: Event) -> dict[str, Any]:
    """Return what an event says once parsed: instants as such, defaults filled in."""
    content = {**DEFAULTS, **json.loads(_canonical(event)), "observed_at": None}
    for name in ("occurred_at", "eta", "eta_low", "eta_high"):
        if content.get(name):
            content[name] = instant(content[name])
    if promise := content.get("promise"):
        due = Due(promise, None, RULES)
        start = instant(promise["start"]) if promise.get("start") else None
        content["promise"] = (instant(promise["end"]), start, due.precision)
    return {name: value for name, value in content.items() if value is not None}


# Times and promises.


def _wall(wall: datetime, zone: ZoneInfo | None) -> int:
    """Return the first instant at which clocks of a zone show a wall time."""
    return _ms(wall.replace(tzinfo=zone, fold=0) if zone else wall)


def _event_time(at: int, event: Event, zone: ZoneInfo | None) -> int:
    written = datetime.fromisoformat(event["occurred_at"])
    happened = _ms(written)
    if event.get("time_quality") == "local_as_z":  # L17
        happened = _wall(written, zone)
    return at if happened > at + SKEW else happened  # L9


class Due:
    """A promise resolved: start, end, middle and the first millisecond that is late."""

    def __init__(self, promise: Event, zone: ZoneInfo | None, own: dict[str, Any]) -> None:
        end = datetime.fromisoformat(promise["end"])
        self.start = instant(promise["start"]) if promise.get("start") else None
        self.precision = promise.get("precision") or ("window" if self.start else "instant")
        grace = own["grace_minutes"][self.precision] * MINUTE
        if self.precision != "date":
            self.end = _ms(end)
            self.deadline = self.end + grace
            self.late_from = self.deadline + 1
            self.middle = self.end
            if self.precision == "window" and self.start is not None:
                self.middle = (self.start + self.end) / 2
            return
        local = end.astimezone(zone) if zone else end
        tz = zone or local.tzinfo
        day: date = local.date()
        midnight = clock_time(0, tzinfo=tz)
        self.start = _ms(datetime.combine(day, midnight))
        tomorrow = _ms(datetime.combine(day + timedelta(days=1), midnight))
        self.end = tomorrow
        if own["day_end"] != "24:00":
            hours, minutes = map(int, own["day_end"].split(":"))
            self.end = _ms(datetime.combine(day, clock_time(hours, minutes, tzinfo=tz)))
        self.deadline = self.late_from = self.end + grace
        self.middle = (self.start + tomorrow) / 2

    def outcome(self, at: int, early: int) -> str:
        if at >= self.late_from:
            return "late"
        begin = {"window": self.start, "instant": self.end, "date": None}[self.precision]
        return "early" if begin is not None and at < begin - early else "on_time"


Verdict = tuple[str | None, bool]  # outcome (None: not due), early day


class Order:
    """Everything the definitions say of one set of accepted events."""

    def __init__(self, accepted: Pairs, rules: dict[str, Any]) -> None:
        taken_back = {
            (event["source"], event["withdraws"])
            for _, event in accepted
            if event["kind"] == "event_withdrawn"
        }
        kept = [
            (at, event)
            for at, event in accepted
            if event["kind"] == "event_withdrawn"
            or (event["source"], event["event_id"]) not in taken_back
        ]
        self._name(kept, rules)
        self.events = sorted(
            (
                (_event_time(at, event, self.placed), RANK[event["kind"]], at, *_id(event)),
                event,
            )
            for at, event in kept
        )
        self.last_at = max((key[0] for key, _ in self.events), default=FAR_PAST)
        life = [key[0] for key, event in self.events if event["kind"] not in NOT_LIFE]
        self.is_order = bool(life)
        self.last_life_at = max(life, default=FAR_PAST)
        self._walk()
        self._attempts()
        self._promises()
        self._ending()

    def _name(self, kept: Pairs, rules: dict[str, Any]) -> None:
        self.zone: ZoneInfo | None = None
        self._name_by(kept, rules)  # by the times as written
        self.placed = self.zone  # where local times are read
        self._name_by(kept, rules)  # by the times as read

    def _name_by(self, kept: Pairs, rules: dict[str, Any]) -> None:
        told = sorted(
            ((_event_time(at, event, self.zone), at, *_id(event)), event)
            for at, event in kept
            if event["kind"] == "order_promised"
        )
        first = told[0][1] if told else {}

        def said(name: str) -> Any:
            return next((event[name] for _, event in told if event.get(name)), None)

        self.carrier = first.get("carrier", "unknown")
        self.service = said("service") or "unknown"
        self.region = said("region") or "unknown"
        self.is_return = first.get("direction") == "return"
        self.own = {**rules, **rules["carriers"].get(self.carrier, {})}
        self.own["grace_minutes"] = {**rules["grace_minutes"], **self.own["grace_minutes"]}
        zone = said("timezone") or self.own.get("timezone")
        self.zone = ZoneInfo(zone) if zone else None
        self.early = self.own["early_minutes"] * MINUTE

    def _walk(self) -> None:  # noqa: C901 - the life of an order, kind by kind
        """Find the handover that stands, what failed and what was cancelled (L3 to L5)."""
        self.handover: tuple[Any, Event] | None = None
        self.voided: list[Event] = []
        self.failed: int | None = None  # received_at of the failing event
        self.cancel: tuple[Any, Event] | None = None
        self.silenced: set[tuple[str, str]] = set()  # said while a handover stood
        self.standing: list[Event] = []  # delivered events that were handovers at some time
        returning = False
        for key, event in self.events:
            kind = event["kind"]
            if self.handover and self._voids(key[0], kind):
                self.voided.append(self.handover[1])
                self.handover = self.failed = None
            if self.handover:
                self.silenced.add(_id(event))
            if kind == "delivered":
                if not returning and not self.handover:
                    self.handover = (key, event)
                    self.standing.append(event)
                    if self.cancel and self.cancel[1].get("by") == "carrier":
                        self.cancel = None
            elif kind == "out_for_delivery" and not self.handover:
                returning = False
            elif kind == "cancelled" and not self.handover and not self.cancel:
                self.cancel = (key, event)
            if kind in {"returning", "returned"}:
                returning = True
            if self.failed is None and not self.handover and self._fails(event):
                self.failed = key[2]

    def _voids(self, at: int, kind: str) -> bool:
        assert self.handover
        later = at - self.handover[0][0] >= HOUR
        return kind in {"returning", "returned", "lost"} or (
            kind in {"out_for_delivery", "attempt_failed"} and later
        )

    @staticmethod
    def _fails(event: Event) -> bool:
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

    def _attempts(self) -> None:  # noqa: C901, PLR0912 - the same
        """Find the first attempt and count the legs without one (T1 to T4)."""
        visits: list[dict[str, Any]] = []
        leg: dict[str, Any] | None = None
        joinable = False
        self.no_attempt_return = 0

        def conclude(at: int, reason: str | None, *, implicit: bool) -> None:
            nonlocal leg, joinable
            visits.append({"at": at, "begun": at, "reason": reason, "implicit": implicit})
            leg, joinable = None, True

        for (at, *_), event in self.events:
            kind = event["kind"]
            reason = _reason(event)
            same = joinable and at - visits[-1]["begun"] < 2 * HOUR
            if _id(event) in self.silenced and event not in self.standing:
                continue
            if kind == "out_for_delivery":
                joinable = False
                if leg and at - leg["at"] > DAY:
                    conclude(at, "unknown", implicit=True)
                    joinable = False
                if leg is None:
                    leg = {"at": at, "arrived": False}
            elif kind == "courier_arrived" and leg:
                leg["arrived"] = True
            elif kind == "attempt_failed":
                if not same:
                    conclude(at, reason, implicit=False)
                leg = None
            elif kind == "delivered" and event in self.standing:
                if not same:
                    conclude(at, self._received_by(event), implicit=False)
                elif self._received_by(event) is None:
                    visits[-1].update(at=at, implicit=False)
                    if event not in self.voided:
                        visits[-1]["reason"] = None
                if event in self.voided and visits[-1]["reason"] is None:
                    visits[-1]["reason"] = "unknown"
                leg = None
            elif kind == "arrived_depot" and leg:
                if leg["arrived"]:
                    conclude(at, "unknown", implicit=True)
                else:
                    self.no_attempt_return += 1
                    leg = None
            elif kind in IMPLICIT and leg:
                conclude(at, reason, implicit=True)
        self.first = visits[0] if visits else None

    def _received_by(self, event: Event) -> str | None:
        """Return why a delivered event is a failed attempt; None is a success (T4)."""
        neighbour = event.get("to") == "neighbour" and self.own["neighbour_counts"]
        agreed = event.get("to") in PRESENT or event.get("consented") is True or neighbour
        return None if agreed else "diverted"

    def _promises(self) -> None:
        """Find the original, the effective and the latest promise (P1 to P3)."""
        shown = [
            (key, event)
            for key, event in self.events
            if event.get("promise")
            and event["kind"] in {"order_promised", "promise_changed"}
            and _id(event) not in self.silenced
        ]
        made = [(key, event) for key, event in shown if event["kind"] == "order_promised"]
        self.original = self.effective = self.latest = None
        if made:
            self.original = self.effective = self._due(made[0][1])
            self.latest = self._due(shown[-1][1])
            until = self.first["at"] if self.first else 10**18
            for key, event in shown:
                if (
                    event["kind"] == "promise_changed"
                    and event["by"] == "consignee"
                    and key[0] < min(self.original.end, until)
                ):
                    self.effective = self._due(event)
        self.matures = None
        if self.effective:
            self.matures = self.effective.end + self.own["maturity_days"] * DAY

    def _due(self, event: Event) -> Due:
        return Due(event["promise"], self.zone, self.own)

    def _ending(self) -> None:
        """Find when the order was known to have ended; None while it is open (L7, L24)."""
        self.by_carrier = self.cancel is not None and self.cancel[1].get("by") == "carrier"
        self.ended_at: int | None = self.failed
        if self.handover:
            self.ended_at = self.handover[0][2]
        elif self.cancel and self.failed is None:
            self.ended_at = self.cancel[0][2]

    def verdict(self, clock: int) -> Verdict:
        if self.effective is None:
            return "excluded", False
        if clock < self.effective.late_from:
            return None, False
        decided = [event for _, event in self.events if event["kind"] == "verdict_decided"]
        if decided:
            return decided[-1]["verdict"], False
        if self.cancel and not self.by_carrier and self.cancel[0][0] < self.effective.deadline:
            return "excluded", False
        if self.handover is None:
            lost = self.failed is not None or self.by_carrier
            return ("failed" if lost else "late"), False
        outcomes = {self.effective.outcome(at, self.early) for at in self._readings()}
        if len(outcomes) > 1:
            return "indeterminate", False
        outcome = outcomes.pop()
        early_day = (
            outcome == "on_time"
            and self.effective.precision == "date"
            and self.effective.start is not None
            and self.handover[0][0] < self.effective.start
        )
        return outcome, early_day

    def _readings(self) -> list[int]:
        """Return the plausible times of the handover (L17)."""
        assert self.handover
        key, event = self.handover
        if event.get("time_quality") != "assumed":
            return [key[0]]
        written = datetime.fromisoformat(event["occurred_at"])
        wall = written.replace(tzinfo=UTC)
        readings = [_ms(written), _ms(wall), _wall(written, self.zone)]
        return [at for at in readings if at <= key[2] + SKEW] or [key[0]]

    def _deviations(self) -> dict[str, float]:
        """Return handover minus the ETA of every snapshot there is, milliseconds (E1 to E3)."""
        if self.handover is None:
            return {}
        key = self.handover[0]
        found: dict[str, float] = {}
        if self.effective:
            found["promise"] = key[0] - self.effective.middle
        before = [
            (other, event)
            for other, event in self.events
            if other < key and _id(event) not in self.silenced
        ]
        etas = [
            (other[0], event)
            for other, event in self.events
            if event["kind"] == "eta_updated" and event["by"] != "tower"
        ]
        out = [other[0] for other, event in before if event["kind"] == "out_for_delivery"]
        shown = [eta for at, eta in etas if out and out[-1] <= at <= key[0]]
        if shown:
            found["ofd"] = key[0] - instant(shown[0]["eta"])
        changes = [
            other[0]
            for other, event in self.events
            if event["kind"] == "promise_changed"
            and event["by"] == "consignee"
            and _id(event) not in self.silenced
        ]
        for minutes in (120, 60, 30, 15):
            until = key[0] - minutes * MINUTE
            since = max((at for at in changes if at <= until), default=FAR_PAST)
            in_force = [eta for at, eta in etas if since <= at <= until]
            if in_force:
                found[f"t{minutes}"] = key[0] - instant(in_force[-1]["eta"])
        return found

    def case(self, clock: int) -> dict[str, Any]:
        is_open = self.ended_at is None
        answers: dict[str, int] = {}
        for _, event in self.events:
            if event["kind"] == "feedback_given":
                answers.update(
                    {name: event[name] for name in INSTRUMENTS if event.get(name) is not None}
                )
        return {
            "is_order": self.is_order,
            "carrier": self.carrier,
            "service": self.service,
            "region": self.region,
            "return": self.is_return,
            "open": is_open,
            "overdue": is_open
            and self.effective is not None
            and clock >= self.effective.late_from,
            "handed_over": self.handover is not None,
            "changed": bool(self.voided),
            "first": self.first,
            "no_attempt_return": self.no_attempt_return,
            "deviations": self._deviations(),
            "promised": self.original is not None,
            "by_carrier": sum(
                event["kind"] == "promise_changed" and event["by"] == "carrier"
                for _, event in self.events
            ),
            "slack": self.latest.end - self.original.end
            if self.original and self.latest
            else None,
            "answered": bool(answers),
            "answers": answers,
        }


def _id(event: Event) -> tuple[str, str]:
    return event["source"], event["event_id"]


def _reason(event: Event) -> str:
    reason = event.get("reason") or "unknown"
    return reason if reason in REASONS else "unknown"


# Figures.


def ratio(k: int, n: int) -> dict[str, Any]:
    """Return a share with its Wilson interval of 95 % (F1)."""
    if n == 0:
        return {"value": None, "k": k, "n": n, "low": 0.0, "high": 1.0}
    z, p = 1.959963984540054, k / n
    centre = p + z * z / (2 * n)
    spread = z * sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    low, high = (centre - spread) / (1 + z * z / n), (centre + spread) / (1 + z * z / n)
    return {"value": p, "k": k, "n": n, "low": low, "high": high}


def _quantile(values: list[float], q: float) -> float | None:
    return sorted(values)[ceil(q * len(values)) - 1] / 1000 if values else None


def _mean(values: list[Any], unit: int = 1) -> float | None:
    return sum(values) / len(values) / unit if values else None


def _split(cases: list[dict[str, Any]], name: str) -> dict[str, Any]:
    keys = {case[name] for case in cases}
    return {key: _kpi([case for case in cases if case[name] == key]) for key in sorted(keys)}


def _kpi(cases: list[dict[str, Any]]) -> dict[str, Any]:
    slack = [case["slack"] for case in cases if case["slack"] is not None]
    return {
        "orders": len(cases),
        **{
            name: sum(case[name] for case in cases)
            for name in ("open", "overdue", "ended_silent")
        },
        "delivery_time": {
            **_outcomes([case["judged"] for case in cases]),
            "restated": _outcomes([case["restated"] for case in cases]),
            "delivered_then_changed": sum(
                case["changed"] for case in cases if case["restated"][0] is not None
            ),
        },
        "first_attempt": _first(cases),
        "eta_deviation": {
            name: _deviation(cases, name)
            for name in ("promise", "ofd", "t120", "t60", "t30", "t15")
        },
        "promise": {
            "coverage": ratio(sum(case["promised"] for case in cases), len(cases)),
            "changed_by_carrier": sum(case["by_carrier"] for case in cases),
            "slack_median": _quantile(slack, 0.5),
            "slack_p90": _quantile(slack, 0.9),
        },
        "feedback": _feedback(cases),
    }


def _outcomes(verdicts: list[Verdict]) -> dict[str, Any]:
    counts = Counter(outcome for outcome, _ in verdicts)
    due = sum(counts[name] for name in OUTCOMES[:4])
    return {
        "due": due,
        **{name: counts[name] for name in OUTCOMES},
        "early_days": sum(early for _, early in verdicts),
        "accuracy": ratio(counts["on_time"], due),
        "otd": ratio(counts["on_time"] + counts["early"], due),
    }


def _first(cases: list[dict[str, Any]]) -> dict[str, Any]:
    visits = [case["first"] for case in cases if case["first"]]
    failed = [visit for visit in visits if visit["reason"] is not None]
    won = len(visits) - len(failed)
    return {
        "concluded": len(visits),
        "succeeded": won,
        "implicit_failures": sum(visit["implicit"] for visit in failed),
        "no_attempt_return": sum(case["no_attempt_return"] for case in cases),
        "success": ratio(won, len(visits)),
        "reasons": dict(Counter(visit["reason"] for visit in failed)),
    }


def _deviation(cases: list[dict[str, Any]], name: str) -> dict[str, Any]:
    values = [case["deviations"][name] for case in cases if name in case["deviations"]]
    sizes = [abs(value) for value in values]
    return {
        "n": len(values),
        "coverage": ratio(len(values), sum(case["handed_over"] for case in cases)),
        "median": _quantile(values, 0.5),
        "mean": _mean(values, 1000),
        "mae": _mean(sizes, 1000),
        "p80_abs": _quantile(sizes, 0.8),
        "p90_abs": _quantile(sizes, 0.9),
        "within_10min": ratio(sum(size <= 10 * MINUTE for size in sizes), len(sizes)),
        "within_15min": ratio(sum(size <= 15 * MINUTE for size in sizes), len(sizes)),
    }


def _feedback(cases: list[dict[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {"answered": sum(case["answered"] for case in cases)}
    for name in INSTRUMENTS:
        values = [case["answers"][name] for case in cases if name in case["answers"]]
        found[name] = {"n": len(values), "mean": _mean(values)}
        if name == "nps":
            better = sum(value >= 9 for value in values) - sum(value <= 6 for value in values)
            score = 100 * better / len(values) if values else None
            found[name] = {"n": len(values), "score": score}
        if name == "csat":
            found[name]["top2"] = ratio(sum(value >= 4 for value in values), len(values))
        if name == "ces":
            found[name]["top3"] = ratio(sum(value >= 5 for value in values), len(values))
    return found
