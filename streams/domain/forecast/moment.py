"""What is known of an open order at the moment its handover is predicted."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from models.base import Millis

Kind = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Moment:
    """An order as it stands at `at`; instants are epoch milliseconds of the tower's clock.

    `stage` is the horizon the prediction is frozen at; `end` the resolved end of the effective
    promise and `point` where in it a handover is expected; `eta` the ETA in force and `eta_at`
    when it was said; `distance` from origin to destination in kilometres; `before` how many
    stops come before this one.
    """

    stage: str
    at: Millis
    precision: str
    carrier: str
    service: str
    region: str
    promised_at: Millis
    end: Millis
    point: Millis
    zone: str | None = None
    customer: str | None = None
    picked_at: Millis | None = None
    out_at: Millis | None = None
    eta: Millis | None = None
    eta_at: Millis | None = None
    attempts: int = 0
    changes: int = 0
    distance: float | None = None
    before: int | None = None
    attributes: Mapping[str, float | str] = field(default_factory=dict[str, float | str])

    @property
    def kind(self) -> Kind:
        """Return whom to ask: horizon, kind of promise, how far the parcel came."""
        if self.out_at is not None:
            phase = "out"
        else:
            phase = "waiting" if self.picked_at is None else "picked"
        return (self.stage, self.precision, phase)
