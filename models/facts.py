"""Facts: what the tower concluded, on `order-facts`, append-only, each with a stable id.

A fact repeated after a crash carries the same `fact_id`; readers who count keep the last of
an id. Instants are epoch milliseconds, deviations milliseconds with positive for late.
"""

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from models.base import Millis, Model
from models.estimates import CourierStage
from models.notices import NoticeCause, NoticeKind, NoticeResult
from models.sla import Metric, Severity, View


class FactBase(Model):
    """What every fact says: which order, whose parcel, when concluded, under which rules."""

    schema_version: int = 1
    fact_id: str
    order_id: str
    carrier: str
    at: Millis
    rules: str


class DeliveryOutcome(FactBase):
    """The verdict by all evidence; a higher `revision` replaces a lower one.

    `outcome` is that of the raw view, `accountable` that of the accountable one; `fault` the
    party a raw outcome that is not on time is due to; `evidence` the events that decided
    either, as (source, event_id).
    """

    kind: Literal["delivery_outcome"] = "delivery_outcome"
    service: str
    outcome: str
    previous: str | None
    revision: int
    deadline: Millis | None
    handover: Millis | None
    rule: str
    accountable: str | None = None
    accountable_rule: str | None = None
    fault: str | None = None
    evidence: tuple[tuple[str, str], ...] = ()


class AttemptConcluded(FactBase):
    """The first attempt came to an end; `reason` is why it failed, as it was said.

    `suspect`: that is not believed, and the carrier answers for the failure.
    """

    kind: Literal["attempt_concluded"] = "attempt_concluded"
    service: str
    succeeded: bool
    reason: str | None
    implicit: bool
    revision: int
    suspect: bool = False


class EtaDeviation(FactBase):
    """Handover minus the ETA in force at each snapshot, of outsiders and of the tower's own.

    `lateness` is the handover minus the end of the promise it is judged by, None without one.
    """

    kind: Literal["eta_deviation"] = "eta_deviation"
    deviations: dict[str, Millis]
    by_tower: dict[str, Millis] = Field(default_factory=dict[str, Millis])
    lateness: Millis | None = None
    revision: int


class SlaFact(FactBase):
    """A service level: `rule` is its name in the rules file, a higher `revision` is newer.

    `deadline` is what is due, with stops and grace; None where the rule fell away.
    """

    service: str
    rule: str
    metric: Metric
    view: View
    severity: Severity
    deadline: Millis | None
    ended: Millis | None
    revision: int


class SlaBreached(SlaFact):
    """A deadline passed before what was agreed was done.

    `elapsed` is how long the clock had run by then, business time; `lag` from the deadline to
    `at`; `derived` marks a deadline where nothing was promised.
    """

    kind: Literal["sla_breached"] = "sla_breached"
    started: Millis
    elapsed: Millis
    lag: Millis
    derived: bool


class SlaReversed(SlaFact):
    """A breach that was said is none by later evidence."""

    kind: Literal["sla_reversed"] = "sla_reversed"


class DelayPredicted(FactBase):
    """A delay is expected, said before the promise passed."""

    kind: Literal["delay_predicted"] = "delay_predicted"
    cause: NoticeCause
    eta: Millis | None
    promise_end: Millis
    notice_id: str


class PredictionScored(FactBase):
    """What became of a prediction frozen at a horizon; a higher `revision` is newer.

    Probabilities are integers of a millionth: `probability` that it comes late, `base` the
    late share of carrier and service by then, `threshold` from which on it was an alert. `low`,
    `middle`, `high` are the P10, P50 and P90 of the handover. `late` is the frozen verdict
    (failed is late), None where it counts no more; `rescheduled`: the promise was changed
    since, and nothing is scored. `lead` is from the order's first alert to its deadline, of an
    alert that came true. `model` says how many orders had been learnt from, `fallback` that the
    base rate was said because it was not to be believed; `reasons` what moved the expected
    handover most: name, value and seconds.
    """

    kind: Literal["prediction_scored"] = "prediction_scored"
    service: str
    region: str
    direction: str
    horizon: str
    predicted_at: Millis
    model: int
    fallback: bool
    probability: int
    base: int
    threshold: int
    deadline: Millis
    low: Millis
    middle: Millis
    high: Millis
    late: bool | None
    intervened: bool
    rescheduled: bool
    handover: Millis | None
    lead: Millis | None
    reasons: tuple[tuple[str, float, float], ...]
    revision: int


class ForecastTurned(FactBase):
    """A horizon's model is not believed any more, or is again; the order is the deciding one.

    `skill` is that of the last window, `model` how many orders had been learnt from.
    """

    kind: Literal["forecast_turned"] = "forecast_turned"
    horizon: str
    believed: bool
    skill: float
    model: int


class NoticeSettled(FactBase):
    """What became of a notice."""

    kind: Literal["notice_settled"] = "notice_settled"
    notice_id: str
    notice: NoticeKind
    result: NoticeResult
    reason: str | None


class EtaEstimated(FactBase):
    """The tower expects the handover at `eta`, by a courier's positions and route.

    Between `low` and `high` four times out of five; `halts_ahead` doors are served before.
    `stage` `left`: the courier came at `low` and went at `eta`. `at` is when the fix was taken
    that said so.
    """

    kind: Literal["eta_estimated"] = "eta_estimated"
    courier_id: str
    stage: CourierStage
    halts_ahead: int
    eta: Millis
    low: Millis
    high: Millis


class Correction(FactBase):
    """An event came for an order whose row had ended; kept here, counted nowhere else."""

    kind: Literal["correction"] = "correction"
    event: str


Fact = Annotated[
    DeliveryOutcome
    | AttemptConcluded
    | EtaDeviation
    | SlaBreached
    | SlaReversed
    | DelayPredicted
    | PredictionScored
    | ForecastTurned
    | NoticeSettled
    | EtaEstimated
    | Correction,
    Field(discriminator="kind"),
]

FACT: TypeAdapter[Fact] = TypeAdapter(Fact)
