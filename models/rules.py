"""The rules of judgement as data: tolerances, maturity, retention, carriers, notices."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

DayEnd = Annotated[str, StringConstraints(pattern=r"^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$")]
Share = Annotated[float, Field(ge=0, le=1)]


class _Part(BaseModel):
    """A part of the rules file; an unknown name in it is a mistake."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class GraceMinutes(_Part):
    """How long after the end of a promise a handover still counts as on time, minutes."""

    window: float = Field(0, ge=0)
    instant: float = Field(15, ge=0)
    date: float = Field(0, ge=0)


class Tolerances(_Part):
    """How a promise is judged (kpis 2.2); `day_end` is local time, 24:00 is midnight."""

    grace_minutes: GraceMinutes = GraceMinutes()
    early_minutes: float = Field(15, ge=0)
    day_end: DayEnd = "24:00"
    maturity_days: float = Field(7, ge=0)
    neighbour_counts: bool = False


class CarrierRules(_Part):
    """What differs for one carrier; None takes the default."""

    grace_minutes: GraceMinutes | None = None
    early_minutes: float | None = Field(None, ge=0)
    day_end: DayEnd | None = None
    maturity_days: float | None = Field(None, ge=0)
    neighbour_counts: bool | None = None
    timezone: str | None = None
    objectives: dict[str, Share] = {"on_time": 0.95, "first_attempt": 0.92}


class Retention(_Part):
    """How long rows live, days (kpis 2.12 L13)."""

    ended_days: float = Field(30, gt=0)
    silent_days: float = Field(90, gt=0)
    stub_days: float = Field(365, gt=0)


class NoticePolicy(_Part):
    """When a customer is told of a delay; minutes.

    The numbers come from a simulation of hysteresis policies (reference notifications 3.7):
    enter at 15, leave at 5, hold 10, cool down 30, tell again when 15 worse, at most 3.
    """

    enter_minutes: float = Field(15, ge=0)
    leave_minutes: float = Field(5, ge=0)
    hold_minutes: float = Field(10, ge=0)
    clear_hold_minutes: float = Field(10, ge=0)
    cooldown_minutes: float = Field(30, ge=0)
    worse_minutes: float = Field(15, ge=0)
    at_most: int = Field(3, ge=0)
    silent_before_minutes: float = Field(60, ge=0)
    silent_date_at: DayEnd = "12:00"
    expire_minutes: float = Field(60, gt=0)


class Rules(_Part):
    """A whole rules file."""

    schema_: Literal[1] = Field(1, alias="schema")
    defaults: Tolerances = Tolerances()
    retention: Retention = Retention()
    carriers: dict[str, CarrierRules] = {}
    sla: tuple[dict[str, object], ...] = ()
    prediction: dict[str, object] = {}
    notices: NoticePolicy = NoticePolicy()
