"""Service levels as data: how fast, counted by which clock, for whom, and from when on."""

from datetime import date
from typing import Annotated, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)


def _no_truth(said: object) -> object:
    """Refuse true and false, which would count as 1 and 0."""
    if isinstance(said, bool):
        raise ValueError("must be a number, not true or false")  # noqa: TRY004 - pydantic's way
    return said


NoTruth = BeforeValidator(_no_truth)

DayEnd = Annotated[str, StringConstraints(pattern=r"^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$")]
Minutes = Annotated[float, Field(ge=0, le=527_040), NoTruth]  # a leap year
SomeMinutes = Annotated[float, Field(gt=0, le=527_040), NoTruth]
SomeHours = Annotated[float, Field(gt=0, le=8_784), NoTruth]  # a leap year
BusinessDays = Annotated[int, Field(ge=0, le=366), NoTruth]
Title = Annotated[str, StringConstraints(min_length=1, max_length=64)]

Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
Metric = Literal["handover", "first_attempt", "transit", "pickup", "response"]
View = Literal["raw", "accountable"]
Severity = Literal["minor", "major", "critical"]
ClockStart = Literal[
    "order_promised",
    "picked_up",
    "in_transit",
    "arrived_depot",
    "out_for_delivery",
    "attempt_failed",
    "held",
    "available_for_pickup",
    "customer_asked",
]

# What starts the clock of a metric when the rule does not say.
USUAL_START: dict[Metric, ClockStart] = {
    "handover": "order_promised",
    "first_attempt": "order_promised",
    "transit": "picked_up",
    "pickup": "order_promised",
    "response": "customer_asked",
}


class RulesPart(BaseModel):
    """A part of the rules file; an unknown name in it is a mistake."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class WorkingHours(RulesPart):
    """From when to when work is done on a business day, local time; 24:00 is midnight."""

    opens: DayEnd
    closes: DayEnd

    @model_validator(mode="after")
    def _opens_first(self) -> Self:
        if self.opens >= self.closes:
            raise ValueError("opens must be before closes")
        return self


class Calendar(RulesPart):
    """Which days are business days: all but the weekend, public holidays and days off.

    `country` is a code of ISO 3166-1 and `subdivision` its part by ISO 3166-2, without the
    country; without a country there are no holidays. Without `timezone` days are those of the
    order's zone, else of its carrier's, else of UTC. Without `hours` work never rests on a
    business day.
    """

    country: str | None = None
    subdivision: str | None = None
    timezone: str | None = None
    weekend: tuple[Weekday, ...] = ("saturday", "sunday")
    extra_days_off: tuple[date, ...] = ()
    hours: WorkingHours | None = None

    @model_validator(mode="after")
    def _is_a_calendar(self) -> Self:
        if self.subdivision is not None and self.country is None:
            raise ValueError("a subdivision needs its country")
        if len(set(self.weekend)) == 7:  # noqa: PLR2004 - days of a week
            raise ValueError("a week without a business day")
        return self


class Target(RulesPart):
    """How fast: exactly one of business days, hours, minutes, or the end of the promise.

    Business days end at `day_end` of the last one; a clock that starts after `cut_off`, or on
    no business day, starts with the next one. Hours and minutes run on when no `calendar`
    says otherwise.
    """

    business_days: BusinessDays | None = None
    hours: SomeHours | None = None
    minutes: SomeMinutes | None = None
    window_end: Literal[True] | None = None
    cut_off: DayEnd | None = None
    day_end: DayEnd | None = None
    calendar: str | None = None

    @model_validator(mode="after")
    def _is_one_target(self) -> Self:
        given = [self.business_days, self.hours, self.minutes, self.window_end]
        if sum(each is not None for each in given) != 1:
            raise ValueError("give exactly one of business_days, hours, minutes, window_end")
        if self.business_days is None and (self.cut_off or self.day_end):
            raise ValueError("cut_off and day_end belong to business_days")
        if self.business_days is not None and self.calendar is None:
            raise ValueError("business_days need a calendar")
        if self.window_end and self.calendar is not None:
            raise ValueError("window_end needs no calendar")
        return self


class SlaRule(RulesPart):
    """One service level: whom it covers, what is measured, and until when it must be done.

    `carrier`, `service`, `region` that are left out match any. `clock_stops` are reason codes;
    left out they are the usual ones of the accountable view (docs/rules.md), and none in the
    raw view, whose clock never stops. The rule holds for clocks that start from the day
    `valid_from` to the day `valid_until`, both included.
    """

    name: Title
    carrier: Title | None = None
    service: Title | None = None
    region: Title | None = None
    metric: Metric
    clock_start: ClockStart | None = None
    target: Target
    grace_minutes: Minutes = 0
    clock_stops: tuple[str, ...] | None = None
    view: View = "accountable"
    severity: Severity = "major"
    valid_from: date | None = None
    valid_until: date | None = None

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if self.view == "raw" and self.clock_stops:
            raise ValueError("the clock of the raw view never stops: leave out clock_stops")
        if self.valid_from and self.valid_until and self.valid_from > self.valid_until:
            raise ValueError("valid_from must not be after valid_until")
        return self

    @property
    def starts_with(self) -> ClockStart:
        """Return the kind of event that starts the clock."""
        return self.clock_start or USUAL_START[self.metric]

    @property
    def scope(self) -> tuple[str | None, str | None, str | None]:
        """Return carrier, service and region, None for any."""
        return self.carrier, self.service, self.region
