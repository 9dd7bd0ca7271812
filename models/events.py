"""Events in: what shops, carriers, couriers and customers tell the tower.

The public promise is section 1 of the contract: one JSON object a message. Two closed
unions, one for each inbound topic, told apart by `kind`.
"""

from typing import Annotated, Any, Literal, Self, get_args

from pydantic import BeforeValidator, Field, ValidationInfo, model_validator

from models.base import (
    Count,
    Identifier,
    Instant,
    Label,
    Latitude,
    Longitude,
    Model,
    Name,
    NotNegative,
    OrderId,
    Source,
    Text,
    Zone,
    at_most,
    null_is,
)

SCHEMA_VERSION = 1

SchemaVersion = Annotated[int, Field(ge=1), null_is(1)]
TimeQuality = Literal["offset", "assumed", "local_as_z"]
Outcome = Literal["on_time", "early", "late", "failed", "indeterminate", "excluded"]
Precision = Literal["window", "date", "instant"]
Direction = Literal["forward", "return"]
Score5 = Annotated[int, Field(ge=1, le=5)]
Score7 = Annotated[int, Field(ge=1, le=7)]
Score10 = Annotated[int, Field(ge=0, le=10)]
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
Attributes = Annotated[dict[Name, float | Label], Field(max_length=16), at_most(16)]


class Point(Model):
    """A place on earth, WGS-84 degrees."""

    lat: Latitude
    lon: Longitude


class Fix(Point):
    """A measured place; `accuracy_m` is the radius in metres that holds it with 68 %."""

    accuracy_m: NotNegative | None = None


def _usual_precision(given: dict[str, Any]) -> Precision:
    return "instant" if given.get("start") is None else "window"


def _precision(value: object, info: ValidationInfo) -> object:
    return _usual_precision(info.data) if value is None else value


class Promise(Model):
    """What the customer was promised; for `date` the local day of `end`."""

    end: Instant
    start: Instant | None = None
    precision: Annotated[Precision, BeforeValidator(_precision)] = Field(
        default_factory=_usual_precision
    )

    @model_validator(mode="after")
    def _start_is_not_after_end(self) -> Self:
        if self.start is not None and self.start > self.end:
            raise ValueError("start should not be after end")
        return self


class Money(Model):
    """An amount in a currency of ISO 4217."""

    amount: NotNegative
    currency: Currency


class Event(Model):
    """What every event says of itself."""

    event_id: Identifier
    occurred_at: Instant
    source: Source
    observed_at: Instant | None = None
    schema_version: SchemaVersion = 1
    time_quality: Annotated[TimeQuality, null_is("offset")] = "offset"


class OrderEventBase(Event):
    """An event in the life of one order."""

    order_id: OrderId


class OrderPromised(OrderEventBase):
    """An order is known, with or without a promise to its customer."""

    kind: Literal["order_promised"]
    carrier: Name
    promise: Promise | None = None
    service: Name | None = None
    region: Name | None = None
    timezone: Zone | None = None
    origin: Point | None = None
    destination: Point | None = None
    customer_id: Identifier | None = None
    group_id: Identifier | None = None
    direction: Annotated[Direction, null_is("forward")] = "forward"
    value: Money | None = None
    attributes: Attributes | None = None


class PromiseChanged(OrderEventBase):
    """The promise moved; only a change by the consignee can move the verdict."""

    kind: Literal["promise_changed"]
    promise: Promise
    by: Literal["consignee", "carrier", "merchant"]
    reason: Text | None = None


class Moved(OrderEventBase):
    """The parcel moved on: picked up, in transit or at a depot."""

    kind: Literal["picked_up", "in_transit", "arrived_depot"]
    location: Text | None = None
    raw_code: Text | None = None


class OutForDelivery(OrderEventBase):
    """The parcel is on the vehicle that should bring it; `stop` of `stops`."""

    kind: Literal["out_for_delivery"]
    courier_id: Identifier | None = None
    stop: Count | None = None
    stops: Count | None = None


class EtaUpdated(OrderEventBase):
    """Somebody expects the handover at `eta`, between `eta_low` and `eta_high`."""

    kind: Literal["eta_updated"]
    eta: Instant
    eta_low: Instant | None = None
    eta_high: Instant | None = None
    by: Literal["carrier", "tower"]

    @model_validator(mode="after")
    def _low_is_not_after_high(self) -> Self:
        low, high = self.eta_low, self.eta_high
        if low is not None and high is not None and low > high:
            raise ValueError("eta_low should not be after eta_high")
        return self


class CourierArrived(OrderEventBase):
    """The courier is at the door."""

    kind: Literal["courier_arrived"]
    courier_id: Identifier | None = None


class AttemptFailed(OrderEventBase):
    """The courier was to hand over and did not; `reason` is a code of kpis 1.5."""

    kind: Literal["attempt_failed"]
    reason: Text
    courier_id: Identifier | None = None
    position: Fix | None = None
    raw_code: Text | None = None


class Turned(OrderEventBase):
    """The parcel's way took a turn: waiting, going back, broken, gone or called off."""

    kind: Literal[
        "available_for_pickup",
        "held",
        "returning",
        "returned",
        "damaged",
        "lost",
        "cancelled",
    ]
    reason: Text | None = None
    by: Text | None = None


class Delivered(OrderEventBase):
    """The parcel was handed over; `to` whom, and whether the consignee had agreed to that."""

    kind: Literal["delivered"]
    to: (
        Literal[
            "consignee",
            "household",
            "reception",
            "neighbour",
            "safe_place",
            "locker",
            "pickup_point",
        ]
        | None
    ) = None
    consented: bool | None = None
    courier_id: Identifier | None = None
    position: Fix | None = None


class Released(OrderEventBase):
    """A hold ended."""

    kind: Literal["released"]
    reason: Text | None = None


class EventWithdrawn(OrderEventBase):
    """The source takes back the event of its own with the id `withdraws`."""

    kind: Literal["event_withdrawn"]
    withdraws: Identifier


class InterventionMade(OrderEventBase):
    """Operations staff stepped in."""

    kind: Literal["intervention_made"]
    action: Literal["rerouted", "called", "expedited", "other"]
    by: Text
    note: Text | None = None


class VerdictDecided(OrderEventBase):
    """A dispute was decided by a person, with a reason."""

    kind: Literal["verdict_decided"]
    verdict: Outcome
    by: Text
    reason: Text


class FeedbackGiven(OrderEventBase):
    """What the customer thinks; every answer is optional, the last one of each counts."""

    kind: Literal["feedback_given"]
    csat: Score5 | None = None
    nps: Score10 | None = None
    ces: Score7 | None = None
    courier_communication: Score5 | None = None
    courier_professionalism: Score5 | None = None
    parcel_care: Score5 | None = None
    about: Text | None = None
    comment: Text | None = None


class CustomerAsked(OrderEventBase):
    """The customer asked before being told."""

    kind: Literal["customer_asked"]
    topic: Literal["where_is_my_order", "other"]


OrderEvent = Annotated[
    OrderPromised
    | PromiseChanged
    | Moved
    | OutForDelivery
    | EtaUpdated
    | CourierArrived
    | AttemptFailed
    | Turned
    | Delivered
    | Released
    | EventWithdrawn
    | InterventionMade
    | VerdictDecided
    | FeedbackGiven
    | CustomerAsked,
    Field(discriminator="kind"),
]


class CourierEventBase(Event):
    """An event of one courier."""

    courier_id: Identifier
    carrier: Name


class PositionReported(CourierEventBase):
    """Where the courier is; speed in metres a second."""

    kind: Literal["position_reported"]
    lat: Latitude
    lon: Longitude
    accuracy_m: NotNegative | None = None
    speed_mps: NotNegative | None = None


class Stop(Model):
    """One stop of a route; `service_seconds` is the time at the door."""

    order_id: OrderId
    lat: Latitude
    lon: Longitude
    service_seconds: NotNegative | None = None


class RoutePlanned(CourierEventBase):
    """The stops still to come, in order; replaces the route."""

    kind: Literal["route_planned"]
    stops: Annotated[
        tuple[Stop, ...], Field(max_length=1_000, strict=False, fail_fast=True), at_most(1_000)
    ]


class ShiftChanged(CourierEventBase):
    """The courier starts or ends a shift."""

    kind: Literal["shift_started", "shift_ended"]


CourierEvent = Annotated[
    PositionReported | RoutePlanned | ShiftChanged, Field(discriminator="kind")
]


def by_kind(union: Any) -> dict[str, type[Model]]:  # noqa: ANN401 - a special form
    """Return the models of one of the unions above by the kinds of event they read."""
    return {
        kind: model
        for model in get_args(get_args(union)[0])
        for kind in get_args(model.model_fields["kind"].annotation)
    }
