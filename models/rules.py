"""The rules of judgement as data: tolerances, maturity, retention, carriers, notices."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

DayEnd = Annotated[str, StringConstraints(pattern=r"^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$")]
Share = Annotated[float, Field(ge=0, le=1)]
Minutes = Annotated[float, Field(ge=0, le=527_040)]  # a leap year
Days = Annotated[float, Field(ge=0, le=36_600)]  # a century
SomeDays = Annotated[float, Field(gt=0, le=36_600)]


class _Part(BaseModel):
    """A part of the rules file; an unknown name in it is a mistake."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class GraceMinutes(_Part):
    """How long after the end of a promise a handover still counts as on time, minutes."""

    window: Minutes = 0
    instant: Minutes = 15
    date: Minutes = 0


class Tolerances(_Part):
    """How a promise is judged (kpis 2.2); `day_end` is local time, 24:00 is midnight."""

    grace_minutes: GraceMinutes = GraceMinutes()
    early_minutes: Minutes = 15
    day_end: DayEnd = "24:00"
    maturity_days: Days = 7
    neighbour_counts: bool = False


class CarrierRules(_Part):
    """What differs for one carrier; None takes the default."""

    grace_minutes: GraceMinutes | None = None
    early_minutes: Minutes | None = None
    day_end: DayEnd | None = None
    maturity_days: Days | None = None
    neighbour_counts: bool | None = None
    timezone: str | None = None
    objectives: dict[str, Share] = {"on_time": 0.95, "first_attempt": 0.92}


class Retention(_Part):
    """How long rows live, days (kpis 2.12 L13)."""

    ended_days: SomeDays = 30
    silent_days: SomeDays = 90
    stub_days: SomeDays = 365


class NoticePolicy(_Part):
    """When a customer is told of a delay; minutes.

    The numbers come from a simulation of hysteresis policies (reference notifications 3.7):
    enter at 15, leave at 5, hold 10, cool down 30, tell again when 15 worse, at most 3.
    """

    enter_minutes: Minutes = 15
    leave_minutes: Minutes = 5
    hold_minutes: Minutes = 10
    clear_hold_minutes: Minutes = 10
    cooldown_minutes: Minutes = 30
    worse_minutes: Minutes = 15
    at_most: Annotated[int, Field(ge=0)] = 3
    silent_before_minutes: Minutes = 60
    silent_date_at: DayEnd = "12:00"
    expire_minutes: Annotated[Minutes, Field(gt=0)] = 60


class Rules(_Part):
    """A whole rules file."""

    schema_: Literal[1] = Field(1, alias="schema")
    defaults: Tolerances = Tolerances()
    retention: Retention = Retention()
    carriers: dict[str, CarrierRules] = {}
    sla: tuple[dict[str, object], ...] = ()
    prediction: dict[str, object] = {}
    notices: NoticePolicy = NoticePolicy()
