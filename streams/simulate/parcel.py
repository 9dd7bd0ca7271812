"""One parcel of the simulated world: what was promised of it and what truly becomes of it."""

from dataclasses import dataclass, field
from typing import Any

from streams.simulate.carriers import Carrier
from streams.simulate.city import City, Place

Json = dict[str, Any]
MINUTE = 60
HOUR = 3_600
DAY = 86_400


@dataclass(frozen=True)
class Promise:
    """A promise; `start` and `end` are epoch seconds, a date is the local day of `end`."""

    end: int
    start: int | None
    precision: str


@dataclass(frozen=True)
class Attempt:
    """A visit, or what counts as one, on the leg of that out_for_delivery."""

    at: int
    leg: int
    succeeded: bool


@dataclass
class Parcel:
    """A parcel and its true life; instants are epoch seconds.

    `day` is the day (0 is the first) of its next visit, `leg` counts its departures, `off_at`
    is when a fate takes it off the route, `planned_at` when the plan brings it.
    """

    order_id: str
    life: int
    carrier: Carrier
    fate: str
    promised_as: str
    day: int
    district: str
    place: Place
    depot: Place
    stop_type: str
    customer_id: str | None
    group_id: str | None
    direction: str
    told: Json
    zoned: bool = True
    original: Promise | None = None
    effective: Promise | None = None
    promised_at: int = 0
    planned_at: int = 0
    off_at: int | None = None
    leg: int = 0
    left_at: int | None = None
    first_out: int | None = None
    visits: int = 0
    attempts: list[Attempt] = field(default_factory=list)
    handover: int | None = None
    failed_at: int | None = None
    cancelled_at: int | None = None
    closed: bool = False
    last_life: int = 0
    eta: int | None = None
    eta_error: float = 0.0
    warned_at: int | None = None
    said: int = 0
    reused: bool = False

    @property
    def city(self) -> City:
        return self.carrier.city

    def attempt(self, at: int, *, succeeded: bool) -> None:
        """Remember a visit, or a failure that counts as one."""
        self.attempts.append(Attempt(at, self.leg, succeeded))

    def fail(self, at: int) -> None:
        """End this life without a handover."""
        self.failed_at, self.closed = at, True
