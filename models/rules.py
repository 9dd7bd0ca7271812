"""The rules of judgement as data: tolerances, maturity, retention, carriers, SLA, notices."""

import operator
from collections.abc import Callable, Sized
from functools import partial
from typing import Annotated, Literal

from pydantic import Field

from models.sla import Calendar, DayEnd, Minutes, NoTruth, RulesPart, SlaRule

Truth = Annotated[bool, Field(strict=True)]
Share = Annotated[float, Field(ge=0, le=1), NoTruth]
Days = Annotated[float, Field(ge=0, le=36_600), NoTruth]  # a century
SomeDays = Annotated[float, Field(gt=0, le=36_600), NoTruth]


class GraceMinutes(RulesPart):
    """How long after the end of a promise a handover still counts as on time, minutes."""

    window: Minutes = 0
    instant: Minutes = 15
    date: Minutes = 0


class Tolerances(RulesPart):
    """How a promise is judged (kpis 2.2); `day_end` is local time, 24:00 is midnight."""

    grace_minutes: GraceMinutes = GraceMinutes()
    early_minutes: Minutes = 15
    day_end: DayEnd = "24:00"
    maturity_days: Days = 7
    neighbour_counts: Truth = False


class CarrierRules(RulesPart):
    """What differs for one carrier; None takes the default."""

    grace_minutes: GraceMinutes | None = None
    early_minutes: Minutes | None = None
    day_end: DayEnd | None = None
    maturity_days: Days | None = None
    neighbour_counts: Truth | None = None
    timezone: str | None = None
    objectives: dict[str, Share] = Field(default={"on_time": 0.95, "first_attempt": 0.92})


class Retention(RulesPart):
    """How long rows live, days (kpis 2.12 L13)."""

    ended_days: SomeDays = 30
    silent_days: SomeDays = 90
    stub_days: SomeDays = 365


class NoticeKinds(RulesPart):
    """What customers are told of at all: by default only what they may have to act on."""

    delay_predicted: Truth = True
    delay_worse: Truth = True
    delay_cleared: Truth = True
    out_for_delivery: Truth = False
    near: Truth = False
    attempt_failed: Truth = True
    action_needed: Truth = True
    available_for_pickup: Truth = True
    delivered: Truth = False
    feedback_request: Truth = False


class QuietPolicy(RulesPart):
    """The local hours without messages, for customers who named none; equal ends: none."""

    start: DayEnd = "21:00"
    end: DayEnd = "08:00"


def _is(usual: object) -> Callable[[object], bool]:
    """Return a test for what is left out of the normal form: older rule sets keep their id."""
    return partial(operator.eq, usual)


class NoticePolicy(RulesPart):
    """What a customer is told, and when; minutes.

    A delay has hysteresis: enter at 15, leave at 5, hold 10, cool down 30, tell again when 15
    worse, at most 3 (`at_most`). What an order's customer is told in all is capped by `in_all`.
    """

    enter_minutes: Minutes = 15
    leave_minutes: Minutes = 5
    hold_minutes: Minutes = 10
    clear_hold_minutes: Minutes = 10
    cooldown_minutes: Minutes = 30
    worse_minutes: Minutes = 15
    at_most: Annotated[int, Field(ge=0), NoTruth] = 3
    silent_before_minutes: Minutes = 60
    silent_date_at: DayEnd = "12:00"
    expire_minutes: Annotated[Minutes, Field(gt=0)] = 60
    in_all: Annotated[int, Field(ge=0), NoTruth] = Field(default=8, exclude_if=_is(8))
    near_minutes: Annotated[Minutes, Field(gt=0)] = Field(default=15, exclude_if=_is(15))
    feedback_after_minutes: Minutes = Field(default=60, exclude_if=_is(60))
    kinds: NoticeKinds = Field(default=NoticeKinds(), exclude_if=_is(NoticeKinds()))
    quiet_hours: QuietPolicy = Field(default=QuietPolicy(), exclude_if=_is(QuietPolicy()))


def _says_nothing(part: Sized) -> bool:
    """Tell what is left out of the normal form, so that older rule sets keep their id."""
    return not part


class Rules(RulesPart):
    """A whole rules file."""

    schema_: Literal[1] = Field(1, alias="schema")
    defaults: Tolerances = Tolerances()
    retention: Retention = Retention()
    carriers: dict[str, CarrierRules] = Field(default={})
    calendars: dict[str, Calendar] = Field(default={}, exclude_if=_says_nothing)
    sla: tuple[SlaRule, ...] = ()
    prediction: dict[str, object] = Field(default={})
    notices: NoticePolicy = NoticePolicy()
