"""Random worlds: orders of the same customers and groups, their couriers, every kind of event.

`histories` tells lives whose times hit the boundaries; here what is said hits them too: who is
charged, how far from the door, how near a courier was, what a customer does afterwards.
"""

from random import Random
from typing import Any

from tests.domain.histories import EDGES, RULE_SETS, Teller, text
from tests.oracle import DAY, HOUR, MINUTE, Event
from tests.oracle.events import PARTY

DOOR = {"lat": 52.5, "lon": 13.4}
METRES = 111_194.926_644_558_7  # of a degree of latitude on 6,371 km
COURIERS = ("kim", "lou")
REASONS = (*PARTY, "gremlins")
EXCUSES = ("not_home", "customs_delay", "weather", "not_ready", "business_closed", "documents")
BLAMES = ("no_reason_given", "missorted", "gremlins", "vehicle_issue")

# How orders go, told kind by kind; `?` stands for any kind, a second word for what is said.
COURSES = (
    "out fail out deliver",
    "out arrive fail deliver",
    "out fail change out deliver",
    "out fail change",
    "fail again",
    "out fail again out deliver",
    "arrive fail again again deliver",
    "doubtful",
    "out doubtful",
    "fail doubtful",
    "out fail fail out fail returning returned",
    "out fail lost",
    "out fail damaged",
    "out fail returning",
    "fail",
    "out fail",
    "out deliver",
    "out deliver",
    "out deliver out deliver",
    "out deliver fail",
    "deliver returning",
    "out depot out deliver",
    "out arrive depot out deliver",
    "out out deliver",
    "held released out deliver",
    "held deliver",
    "held out deliver",
    "held held deliver",
    "held change deliver",
    "out held deliver",
    "held",
    "out pickup deliver",
    "out pickup unclaimed",
    "cancelled",
    "cancelled deliver",
    "out cancelled",
    "out cancelled deliver",
    "lost",
    "lost deliver",
    "damaged",
    "damaged deliver",
    "returning deliver",
    "returning out deliver",
    "change change deliver",
    "slip deliver",
    "slip held",
    "out eta eta deliver feedback",
    "out towereta towereta deliver",
    "out deliver withdraw",
    "out fail withdraw deliver",
    "out fail decide",
    "deliver decide",
    "asked out intervene deliver asked feedback",
    "? ? ?",
    "out ? deliver ?",
    "out fail ? ?",
)
WORDS = {
    "out": "out_for_delivery", "arrive": "courier_arrived", "fail": "attempt_failed",
    "deliver": "delivered", "doubtful": "delivered", "change": "promise_changed",
    "again": "promise_changed", "slip": "promise_changed",
    "depot": "arrived_depot", "pickup": "available_for_pickup",
    "unclaimed": "available_for_pickup", "eta": "eta_updated", "towereta": "eta_updated",
    "feedback": "feedback_given", "withdraw": "event_withdrawn", "decide": "verdict_decided",
    "asked": "customer_asked", "intervene": "intervention_made",
}  # fmt: skip
ANY = (
    "held", "change", "cancelled", "pickup", "eta", "withdraw", "lost", "damaged", "returning",
    "arrive", "depot", "picked_up", "in_transit", "fail", "deliver", "asked",
)  # fmt: skip
SAID = {
    "again": {"by": "consignee"},
    "slip": {"by": "carrier"},
    "doubtful": {"time_quality": "assumed"},
    "unclaimed": {"reason": "pickup_unclaimed"},
    "towereta": {"by": "tower"},
}


class Chronicler(Teller):
    """Tells one order of a world: a course most of the time plausible, near its promise."""

    def __init__(self, rng: Random, order_id: str, start: int | None) -> None:
        super().__init__(rng, order_id)
        if start is not None:
            self.start = self.now = start
            self.marks = [start]
        self.visited: list[int] = []
        self.soon = False

    def life(self) -> list[Event]:
        rng = self.rng
        if rng.random() < 0.97:
            self.tell("order_promised")
        if rng.random() < 0.3:
            self.tell("picked_up")
        self.follow(rng.choice(COURSES))
        if rng.random() < 0.08:
            self.now += rng.choice((90, 91, 130)) * DAY
            self.marks = [self.now]
            self.tell("order_promised")
            self.follow(rng.choice(COURSES))
        for _ in range(rng.choice((0, 0, 0, 1))):
            self.copy()
        return self.events

    def follow(self, course: str) -> None:
        for word in course.split():
            self.say(self.rng.choice(ANY) if word == "?" else word)

    def say(self, word: str) -> None:
        kind = WORDS.get(word, word)
        self.soon = word == "again"
        self.tell(kind)
        self.events[-1] |= SAID.get(word, {})
        if kind in {"attempt_failed", "delivered"}:
            self.visited.append(self.marks[-1])

    def when(self) -> int:
        """Return a time not before the last event, mostly, and often near the promise."""
        rng = self.rng
        nudge = rng.choice((0, 0, 0, 1, -1))
        if self.soon:
            return self.now + rng.choice((0, MINUTE, 20 * MINUTE)) + nudge
        if rng.random() < 0.5:
            later = sorted(mark for mark in self.marks if mark + 15 * MINUTE >= self.now)
            if later:
                edge = rng.choice((0, 0, 0, -MINUTE, 5 * MINUTE, 15 * MINUTE, HOUR))
                return rng.choice(later[:3]) + edge + nudge
        return self.now + rng.choice((0, MINUTE, 20 * MINUTE, HOUR, 2 * HOUR, DAY)) + nudge

    def _order_promised(self) -> Event:
        rng = self.rng
        told = super()._order_promised()
        if rng.random() < 0.8:
            told["destination"] = DOOR
        if rng.random() < 0.6:
            told["customer_id"] = rng.choice(("ada", "bo"))
        if rng.random() < 0.5:
            told["group_id"] = rng.choice(("g", "g", "h"))
        if rng.random() < 0.3:
            told["value"] = {"amount": rng.choice((0, 12.5, 80)), "currency": "EUR"}
        return told

    def _out_for_delivery(self) -> Event:
        return {"courier_id": self.rng.choice(COURIERS)} if self.rng.random() < 0.8 else {}

    def _courier_arrived(self) -> Event:
        return {"courier_id": self.rng.choice(COURIERS)} if self.rng.random() < 0.5 else {}

    def _attempt_failed(self) -> Event:
        rng = self.rng
        told: Event = {"reason": rng.choice((rng.choice(REASONS), rng.choice(EXCUSES)))}
        if rng.random() < 0.5:
            told["courier_id"] = rng.choice(COURIERS)
        if rng.random() < 0.35:
            accuracy = rng.choice((None, 10, 50, 60, 100))
            told["position"] = near(rng, max(150, 3 * (accuracy or 0)))
            if accuracy is not None:
                told["position"]["accuracy_m"] = accuracy
        return told

    def _maybe_reason(self) -> Event:
        rng = self.rng
        told: Event = {}
        if rng.random() < 0.75:
            told["reason"] = rng.choice(EXCUSES if rng.random() < 0.6 else REASONS)
        if rng.random() < 0.5:
            told["by"] = rng.choice(("carrier", "merchant", "consignee"))
        return told

    _held = _available_for_pickup = _returning = _returned = _maybe_reason
    _damaged = _lost = _cancelled = _maybe_reason

    def _customer_asked(self) -> Event:
        return {"topic": self.rng.choice(("where_is_my_order", "other"))}

    def _intervention_made(self) -> Event:
        action = self.rng.choice(("rerouted", "called", "expedited", "other"))
        return {"action": action, "by": "ops"}

    def _feedback_given(self) -> Event:
        marks = {"courier_communication": (1, 5), "courier_professionalism": (1, 5)}
        told = super()._feedback_given()
        return told | {n: self.rng.randint(*s) for n, s in marks.items()}


class Fleet:
    """What couriers said around visits: shifts, fixes near a door and far from it."""

    def __init__(self, rng: Random) -> None:
        self.rng = rng
        self.events: list[Event] = []

    def say(self, courier: str, kind: str, at: int, **told: Any) -> None:
        event = {
            "kind": kind,
            "courier_id": courier,
            "carrier": "hermes",
            "source": "app",
            "event_id": f"c{len(self.events)}",
            "occurred_at": text(at, self.rng),
            **{name: value for name, value in told.items() if value is not None},
        }
        if self.rng.random() < 0.1:
            event["observed_at"] = text(at + self.rng.choice(EDGES[:11]))
        self.events.append(event)

    def shift(self, courier: str, at: int) -> None:
        """Tell a shift that begins or ends about when a visit was."""
        begins = at - self.rng.choice((0, 1, -1, HOUR, 5 * HOUR, -HOUR, DAY))
        self.say(courier, "shift_started", begins)
        if self.rng.random() < 0.7:
            ends = begins + self.rng.choice((0, HOUR, HOUR + 1, 8 * HOUR))
            self.say(courier, "shift_ended", ends)

    def fixes(self, courier: str, at: int) -> None:
        """Tell one to four fixes a minute apart around a visit."""
        for step in range(self.rng.choice((1, 2, 2, 3, 4))):
            accuracy = self.rng.choice((None, 20, 90, 90, 250))
            fix = near(self.rng, max(75, accuracy or 0)) if self.rng.random() < 0.5 else DOOR
            when = at + (step - 2) * MINUTE
            self.say(courier, "position_reported", when, **fix, accuracy_m=accuracy)


def near(rng: Random, metres: float) -> dict[str, float]:
    """Return a point about so far from the door."""
    metres += rng.choice((-40, -1, 1, 40, 2_000))
    return {"lat": DOOR["lat"] + metres / METRES, "lon": DOOR["lon"]}


def couriers(rng: Random, tellers: list[Chronicler]) -> list[Event]:
    """Return what was heard of couriers about the visits of some orders, some of it twice."""
    fleet = Fleet(rng)
    for at in (at for teller in tellers for at in teller.visited):
        courier = rng.choice(COURIERS)
        if rng.random() < 0.4:
            fleet.shift(courier, at)
        if rng.random() < 0.5:
            fleet.fixes(courier, at)
        if rng.random() < 0.2:
            stops = [{"order_id": teller.order_id, **DOOR} for teller in tellers]
            fleet.say(courier, "route_planned", at - HOUR, stops=stops)
    return fleet.events + [dict(each) for each in fleet.events if rng.random() < 0.05]


def world(seed: int) -> tuple[list[Event], int, dict[str, Any]]:
    """Return the events of a small world out of order, an `as_of`, and rules."""
    rng = Random(f"world {seed}")  # noqa: S311 - a seeded story, not a secret
    first = Chronicler(rng, "o0", None)
    tellers = [first]
    for number in range(1, rng.choice((1, 2, 3, 4))):
        later = rng.choice((0, 0, HOUR, 20 * DAY, 29 * DAY, 31 * DAY, 80 * DAY, 91 * DAY))
        tellers.append(Chronicler(rng, f"o{number}", first.start + later))
        tellers[-1].zone = first.zone
    events = [event for teller in tellers for event in teller.life()]
    events += couriers(rng, tellers)
    rng.shuffle(events)
    marks = [mark for teller in tellers for mark in teller.marks]
    as_of = max(marks) + rng.choice((DAY, 8 * DAY, 29 * DAY, 100 * DAY, 400 * DAY))
    if rng.random() < 0.3:
        as_of = rng.choice(marks) + rng.choice((0, 1, -1, HOUR, DAY, 7 * DAY))
    return events, as_of, rng.choice(RULE_SETS) if rng.random() < 0.4 else RULE_SETS[0]
