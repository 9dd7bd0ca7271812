"""The book of everything said in the simulated world, in the order it is received.

An event is noted with its true time; how and when a source tells of it (a slow scanner, a
clock that runs ahead, an export without zones) is decided here and nowhere else.
"""

from collections.abc import Iterator
from random import Random

from streams.simulate.city import Place, written
from streams.simulate.fleet import Courier
from streams.simulate.parcel import DAY, HOUR, Json, Parcel

NO_LIFE = frozenset(
    {
        "eta_updated",
        "event_withdrawn",
        "feedback_given",
        "customer_asked",
        "intervention_made",
        "verdict_decided",
    }
)
"""Kinds that say nothing of where the parcel is (kpis L8)."""
LATE_SCANS = 0.012
"""Share of couriers' scans that are uploaded hours or days later."""


class Book:
    """The events noted so far, each with the instant it is received (epoch seconds)."""

    def __init__(self, rng: Random, noise: float, days: int) -> None:
        self._rng = rng
        self._noise = noise
        self._days = days
        self._entries: list[tuple[int, Json]] = []

    def note(
        self, parcel: Parcel, kind: str, at: int, source: str = "", **told: object
    ) -> Json:
        """Note an event of an order as a punctual source tells it; return it."""
        event = self._event(parcel, kind, at, source or f"{parcel.carrier.name}.hub", told)
        if self._rng.random() < 0.3:  # noqa: PLR2004 - some sources say when they wrote it down
            self._enter(event, at + self._rng.randint(1, 45), observed=True)
        else:
            self._enter(event, at)
        return event

    def scan(
        self, parcel: Parcel, courier: Courier, kind: str, at: int, **told: object
    ) -> Json:
        """Note a courier's scan as the device tells it, sooner or later; return it."""
        event = self._event(parcel, kind, at, f"{parcel.carrier.name}.app", told)
        if courier.ahead:
            event["occurred_at"] = written(at + courier.ahead)
            self._enter(event, at, observed=True)
        elif self._rng.random() < LATE_SCANS * self._noise:
            self._enter(event, at + self._delay(), observed=True)
        else:
            self._enter(event, at + self._rng.randint(0, 20), observed=True)
        return event

    def export(self, parcel: Parcel, kind: str, at: int, quality: str, **told: object) -> Json:
        """Note an event from an export that lost its zone: local wall time written as UTC."""
        event = self._event(parcel, kind, at, f"{parcel.carrier.name}.export", told)
        event["occurred_at"] = written(at, parcel.city.tz)[:19] + "Z"
        event["time_quality"] = quality
        self._enter(event, at + 3 * HOUR + self._rng.randint(0, 2 * HOUR), observed=True)
        return event

    def courier(self, courier: Courier, kind: str, at: int, **told: object) -> None:
        """Note an event of a courier."""
        courier.said += 1
        event: Json = {
            "event_id": f"{courier.courier_id}.{courier.said}",
            "kind": kind,
            "occurred_at": written(at + courier.ahead),
            "source": f"{courier.carrier.name}.app",
            "courier_id": courier.courier_id,
            "carrier": courier.carrier.name,
            **told,
        }
        self._enter(event, at, observed=courier.ahead > 0)

    def position(self, courier: Courier, at: int, place: Place, speed: float) -> None:
        """Note where a courier's device believes it is; one fix in seventy is a bad one."""
        rng = self._rng
        bad = rng.random() < 1 / 70
        accuracy = rng.uniform(300, 1500) if bad else rng.uniform(4, 14)
        lat = place[0] + rng.gauss(0, accuracy / 2) / 111_195
        lon = place[1] + rng.gauss(0, accuracy / 2) / 70_000
        self.courier(
            courier, "position_reported", at, lat=round(lat, 6), lon=round(lon, 6),
            accuracy_m=round(accuracy, 1), speed_mps=round(max(0.0, rng.gauss(speed, 0.6)), 1),
        )  # fmt: skip

    def stray(self, event: Json, at: int) -> None:
        """Enter an event that nothing here explains."""
        self._enter(event | {"occurred_at": written(at)}, at)

    def blemish(self) -> None:
        """Send some events again, a few with other content, and add fields nobody knows."""
        rng, noise = self._rng, self._noise
        for at, event in list(self._entries):
            chance = rng.random()
            if chance < 0.004 * noise:
                self._entries.append((at, dict(event)))
            elif chance < 0.008 * noise:
                self._enter(dict(event), at + rng.randint(20, 5 * HOUR), observed=True)
            elif chance < 0.010 * noise and "order_id" in event:
                other = {"stops": 1, "location": "sent again", "reason": "sent again"}
                changed = {name: other[name] for name in other if name in event} or {
                    "schema_version": 1,
                    "time_quality": "offset",
                }
                self._enter(event | changed, at + rng.randint(20, HOUR), observed=True)
            elif chance > 1 - 0.002 * noise:
                event["carrier_note"] = rng.choice(("left lift", "ring twice", "gate 4"))

    def events(self) -> Iterator[tuple[int, Json]]:
        """Yield all events in the order they are received; ties as they were noted."""
        yield from sorted(self._entries, key=lambda entry: entry[0])

    def _delay(self) -> int:
        """Return the seconds a late scan is late by; in a long file also beyond maturity."""
        chance = self._rng.random()
        if self._days > 1 and chance < 0.3:  # noqa: PLR2004
            return self._rng.randint(8 * DAY, 20 * DAY)
        longest = 8 * HOUR if chance < 0.7 else 3 * DAY  # noqa: PLR2004
        return self._rng.randint(HOUR, longest)

    def _event(
        self, parcel: Parcel, kind: str, at: int, source: str, told: dict[str, object]
    ) -> Json:
        parcel.said += 1
        if kind not in NO_LIFE:
            parcel.last_life = max(parcel.last_life, at)
        life = "" if parcel.life == 1 else f".{parcel.life}"
        zone = parcel.city.tz if source.endswith(".hub") else None
        return {
            "event_id": f"{parcel.order_id}{life}.{parcel.said}",
            "kind": kind,
            "occurred_at": written(at, zone),
            "source": source,
            "order_id": parcel.order_id,
            **{name: value for name, value in told.items() if value is not None},
        }

    def _enter(self, event: Json, received: int, *, observed: bool = False) -> None:
        if observed:
            event["observed_at"] = written(received)
        self._entries.append((received, event))
