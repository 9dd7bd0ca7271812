"""Random lives of a few orders, their times chosen to hit the boundaries of the definitions."""

import json
from datetime import UTC, datetime, timedelta, timezone
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from tests.oracle import DAY, HOUR, MINUTE, RULES, Event

# Days on which clocks move, at night, at midnight, by half an hour; and one plain day.
PLACES = (
    ("Europe/Berlin", (2026, 3, 28)),
    ("Europe/Berlin", (2026, 10, 24)),
    ("America/New_York", (2026, 3, 7)),
    ("Africa/Cairo", (2026, 4, 23)),
    ("Asia/Beirut", (2026, 3, 28)),
    ("America/Havana", (2026, 10, 31)),
    ("America/Santiago", (2026, 4, 4)),
    ("America/Santiago", (2026, 9, 5)),
    ("Australia/Lord_Howe", (2026, 4, 4)),
    ("Asia/Kathmandu", (2026, 6, 1)),
    ("Pacific/Apia", (2011, 12, 28)),
    ("UTC", (2026, 6, 1)),
)
EDGES = (
    0, 1, 2 * MINUTE, 15 * MINUTE, 20 * MINUTE, HOUR, 2 * HOUR, 6 * HOUR, DAY, 2 * DAY,
    7 * DAY, 30 * DAY, 37 * DAY, 90 * DAY, 97 * DAY, 365 * DAY,
)  # fmt: skip
WEIGHTS = (8, 4, 3, 6, 4, 8, 6, 5, 6, 3, 4, 2, 2, 3, 1, 1)
REASONS = (
    "not_home", "refused", "pickup_unclaimed", "weather", "damaged", "gremlins", "documents",
)  # fmt: skip
COMMON_KINDS = ("out_for_delivery", "attempt_failed", "delivered", "promise_changed")
KINDS = (
    "order_promised", "promise_changed", "promise_changed", "picked_up", "in_transit",
    "arrived_depot", "out_for_delivery", "out_for_delivery", "courier_arrived",
    "attempt_failed", "attempt_failed", "held", "released", "available_for_pickup",
    "delivered", "delivered", "delivered", "damaged", "lost", "returning", "returned",
    "cancelled", "cancelled", "eta_updated", "eta_updated", "eta_updated", "event_withdrawn",
    "event_withdrawn", "feedback_given", "customer_asked", "intervention_made",
    "verdict_decided",
)  # fmt: skip
OUTCOMES = ("on_time", "early", "late", "failed", "indeterminate", "excluded")

ODD: dict[str, Any] = {
    **RULES,
    "grace_minutes": {"window": 5, "instant": 10, "date": 30},
    "early_minutes": 20,
    "neighbour_counts": True,
    "carriers": {
        "hermes": {"timezone": "America/Havana", "day_end": "21:00", "maturity_days": 3},
        "fedup": {"grace_minutes": {"window": 0, "instant": 15, "date": 0}, "early_minutes": 0},
    },
}
RULE_SETS = (RULES, ODD)


def text(at: int, rng: Random | None = None) -> str:
    """Return an instant as text, with some offset."""
    zone = timezone(timedelta(minutes=rng.choice((0, 60, -300, 345)))) if rng else UTC
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=at)
    return moment.astimezone(zone).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Teller:
    """Tells the life of one order."""

    def __init__(self, rng: Random, order_id: str) -> None:
        self.rng = rng
        self.order_id = order_id
        self.zone, day = rng.choice(PLACES)
        noon = datetime(*day, 12, tzinfo=ZoneInfo(self.zone))
        self.start = int(noon.timestamp()) * 1000
        self.marks = [self.start]
        self.events: list[Event] = []
        self.now = self.start

    def life(self) -> list[Event]:
        rng = self.rng
        if rng.random() < 0.9:
            self.tell("order_promised")
        for _ in range(rng.randint(1, 9)):
            self.tell(rng.choice(COMMON_KINDS if rng.random() < 0.4 else KINDS))
        if rng.random() < 0.15:
            self.now += rng.choice((90 * DAY, 90 * DAY - 1, 40 * DAY, 130 * DAY, 460 * DAY))
            self.marks.append(self.now)
            self.tell("order_promised")
            for _ in range(rng.randint(0, 4)):
                self.tell(rng.choice(KINDS))
        for _ in range(rng.choice((0, 0, 1, 2))):
            self.copy()
        return self.events

    def when(self) -> int:
        """Return a time near something that happened, mostly not before the last event."""
        rng = self.rng
        if rng.random() < 0.25:
            return self.now
        if rng.random() < 0.5:
            return self.now + rng.choice(EDGES[:9]) + rng.choice((0, 0, 1, -1))
        if rng.random() < 0.1:
            return rng.choice(self.marks) - rng.choice(EDGES[:10])
        mark, edge = rng.choice(self.marks), rng.choices(EDGES, WEIGHTS)[0]
        return mark + edge + rng.choice((0, 0, 1, -1))

    def tell(self, kind: str) -> None:
        rng = self.rng
        at = self.when()
        if rng.random() < 0.85:
            self.now = max(self.now, at)
        event: Event = {
            "kind": kind,
            "order_id": self.order_id,
            "source": rng.choice(("a", "a", "b")),
            "event_id": f"e{len(self.events)}",
            "occurred_at": text(at, rng),
        }
        if rng.random() < 0.3:
            event["observed_at"] = text(self._seen(at), rng)
        if rng.random() < 0.04 and self.events:
            event["event_id"] = rng.choice(self.events)["event_id"]
        if rng.random() < 0.05:
            event["colour"] = "red"
        if rng.random() < 0.06:
            event["time_quality"] = rng.choice(("assumed", "local_as_z", "offset"))
        event.update(getattr(self, f"_{kind}", dict)())
        self.marks.append(at)
        self.events.append(event)

    def copy(self) -> None:
        rng = self.rng
        event = dict(rng.choice(self.events))
        choice = rng.random()
        if choice < 0.5:
            seen = rng.choice(self.marks) + rng.choice(EDGES) + rng.choice((0, 1, -1))
            event["observed_at"] = text(seen, rng)
        elif choice < 0.6:
            event["colour"] = "blue"
        elif choice < 0.8:
            event["occurred_at"] = text(self.when(), rng)
        elif choice < 0.9:
            event.update(getattr(self, f"_{event['kind']}", dict)())
        elif choice < 0.95:
            event = {"schema_version": 1, "time_quality": "offset", **event, "raw_code": None}
        self.events.append(event)

    def _seen(self, at: int) -> int:
        rng = self.rng
        if rng.random() < 0.25:
            return at - rng.choice((MINUTE, 2 * MINUTE, 2 * MINUTE + 1, HOUR))
        base = at if rng.random() < 0.6 else rng.choice(self.marks)
        return base + rng.choices(EDGES, WEIGHTS)[0] + rng.choice((0, 0, 1, -1))

    def _promise(self) -> Event:
        rng = self.rng
        end = self.now + rng.choice(EDGES[4:10]) * rng.choice((1, 1, 2))
        precision = rng.choice(("window", "window", "date", "date", "instant"))
        if precision == "date" and rng.random() < 0.5:
            end -= end % DAY
        made: Event = {"end": text(end, rng)}
        self.marks += [end, end + 7 * DAY]
        if precision == "date":
            local = datetime.fromtimestamp(end / 1000, ZoneInfo(self.zone))
            midnight = datetime(local.year, local.month, local.day, tzinfo=local.tzinfo)
            begins = int(midnight.timestamp()) * 1000
            ends = int((midnight + timedelta(days=1)).timestamp()) * 1000
            self.marks += [begins, ends, ends, ends + 7 * DAY]
        if precision == "window":
            start = end - rng.choice((HOUR, 2 * HOUR, 4 * HOUR, 0))
            self.marks += [start - 15 * MINUTE, start]
            made["start"] = text(start, rng)
            if rng.random() < 0.2:
                del made["start"]
                made["precision"] = "window"
        if precision == "date" or rng.random() < 0.1:
            made["precision"] = precision
        return made

    def _order_promised(self) -> Event:
        rng = self.rng
        told: Event = {"carrier": rng.choice(("hermes", "fedup", "dpd"))}
        if rng.random() < 0.92:
            told["promise"] = self._promise()
        if rng.random() < 0.7:
            told["timezone"] = self.zone
        if rng.random() < 0.7:
            told["service"] = rng.choice(("std", "next"))
        if rng.random() < 0.5:
            told["region"] = rng.choice(("north", "south"))
        if rng.random() < 0.1:
            told["direction"] = rng.choice(("return", "forward"))
        return told

    def _promise_changed(self) -> Event:
        by = self.rng.choice(("consignee", "consignee", "carrier", "merchant"))
        return {"promise": self._promise(), "by": by}

    def _eta_updated(self) -> Event:
        by = self.rng.choice(("carrier", "carrier", "carrier", "tower"))
        eta = self.now + self.rng.choice((0, 10, 15, 40, 120, -60)) * MINUTE
        return {"eta": text(eta + self.rng.choice((0, 1, 7_123))), "by": by}

    def _attempt_failed(self) -> Event:
        return {"reason": self.rng.choice(REASONS)}

    def _maybe_reason(self) -> Event:
        told: Event = {}
        if self.rng.random() < 0.5:
            told["reason"] = self.rng.choice(REASONS)
        if self.rng.random() < 0.3:
            told["by"] = self.rng.choice(("carrier", "merchant"))
        return told

    _held = _available_for_pickup = _returning = _returned = _maybe_reason
    _damaged = _lost = _cancelled = _maybe_reason

    def _released(self) -> Event:
        return {"reason": self.rng.choice(REASONS)} if self.rng.random() < 0.3 else {}

    def _delivered(self) -> Event:
        told: Event = {}
        if self.rng.random() < 0.4:
            told["to"] = self.rng.choice(("consignee", "neighbour", "locker", "pickup_point"))
        if self.rng.random() < 0.3:
            told["consented"] = self.rng.random() < 0.5
        return told

    def _event_withdrawn(self) -> Event:
        number = self.rng.randrange(len(self.events) + 2)
        if number < len(self.events):
            taken = self.events[number]
            return {"withdraws": taken["event_id"], "source": taken["source"]}
        return {"withdraws": f"e{number}"}

    def _feedback_given(self) -> Event:
        rng = self.rng
        scales = {"csat": (1, 5), "nps": (0, 10), "ces": (1, 7), "parcel_care": (1, 5)}
        told = {n: rng.randint(*s) for n, s in scales.items() if rng.random() < 0.5}
        return told or {"comment": "well"}

    def _customer_asked(self) -> Event:
        return {"topic": "other"}

    def _intervention_made(self) -> Event:
        return {"action": "called", "by": "ops"}

    def _verdict_decided(self) -> Event:
        return {"verdict": self.rng.choice(OUTCOMES), "by": "ops", "reason": "dispute"}


class Marksman(Teller):
    """Tells short lives whose every time lies on a boundary of something told before."""

    def life(self) -> list[Event]:
        self.tell("order_promised")
        for _ in range(self.rng.randint(1, 4)):
            self.tell(self.rng.choice(COMMON_KINDS if self.rng.random() < 0.7 else KINDS))
        return self.events

    def when(self) -> int:
        rng = self.rng
        edge = rng.choice((0, 0, 15 * MINUTE, HOUR, 2 * HOUR, DAY))
        return rng.choice(self.marks[-5:]) + edge + rng.choice((0, 0, 0, 1, -1))


def aimed(seed: int) -> tuple[list[Event], int, dict[str, Any]]:
    """Return a short life on the boundaries, an `as_of` after all, and rules."""
    teller = Marksman(Random(seed), "o")  # noqa: S311 - a seeded story, not a secret
    events = teller.life()
    return events, max(teller.marks) + 9 * DAY, RULE_SETS[seed % 4 == 0]


def history(seed: int) -> tuple[list[Event], int, dict[str, Any]]:
    """Return the events of a few orders out of order, an `as_of`, and rules."""
    rng = Random(seed)  # noqa: S311 - a seeded story, not a secret
    tellers = [Teller(rng, f"o{number}") for number in range(rng.choice((1, 1, 2, 3)))]
    events = [event for teller in tellers for event in teller.life()]
    rng.shuffle(events)
    marks = [mark for teller in tellers for mark in teller.marks]
    as_of = max(marks) + 400 * DAY
    if rng.random() < 0.7:
        edge = rng.choices(EDGES, WEIGHTS)[0]
        as_of = rng.choice(marks) + edge + rng.choice((0, 0, 1, -1))
    return events, as_of, rng.choice(RULE_SETS) if rng.random() < 0.5 else RULES


def lines(events: list[Event]) -> list[bytes]:
    """Return events as lines of a file."""
    return [json.dumps(event).encode() for event in events]
