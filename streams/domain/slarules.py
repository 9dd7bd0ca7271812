"""Which service levels an order is held to: the most specific rules of its scope, dated.

The rules of a scope (carrier, service, region) are looked up once and kept. Which of them is in
force an order says itself, by the start of its clock (kpis edge 42).
"""

from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from models.base import Millis
from models.rules import Rules
from models.sla import Metric, SlaRule
from streams.domain.calendars import LocalCalendar
from streams.domain.reasons import CODES
from streams.domain.zones import MINUTE_MS, zone

# Customs and authorities, an address that must be asked for, a payment that is due, a wish.
USUAL_STOPS = frozenset({
    *CODES["authority"], "wrong_address_given", "unpaid_cod", "consignee_rescheduled",
})  # fmt: skip

# A clock stops only with a reason: these codes say that none was given.
NO_REASON = frozenset({"unknown", "no_reason_given"})


@dataclass(frozen=True, slots=True)
class Level:
    """A rule ready for use; `number` is its place in the file's list, from 0.

    `stops` are the codes that stop the clock; `grace` and `amount` milliseconds, the amount
    None where the target is in business days or the promise's.
    """

    rule: SlaRule
    number: int
    stops: frozenset[str]
    grace: Millis
    amount: Millis | None

    @property
    def excuses_late_handover(self) -> bool:
        """Tell whether a parcel handed in after the cut-off starts the clock anew (edge 39)."""
        rule = self.rule
        return (
            rule.view == "accountable"
            and rule.target.cut_off is not None
            and rule.starts_with == "order_promised"
            and rule.metric != "pickup"
        )

    @classmethod
    def of(cls, rule: SlaRule, number: int) -> "Level":
        """Return the level of a rule."""
        usual = frozenset[str]() if rule.view == "raw" else USUAL_STOPS
        target = rule.target
        minutes = target.hours * 60 if target.hours is not None else target.minutes
        return cls(
            rule=rule,
            number=number,
            stops=usual if rule.clock_stops is None else frozenset(rule.clock_stops),
            grace=round(rule.grace_minutes * MINUTE_MS),
            amount=None if minutes is None else round(minutes * MINUTE_MS),
        )

    @property
    def dated(self) -> bool:
        """Tell whether the rule holds only for some time."""
        return self.rule.valid_from is not None or self.rule.valid_until is not None

    def holds_on(self, day: date) -> bool:
        """Tell whether the rule is in force for a clock that starts on a day."""
        rule = self.rule
        return (rule.valid_from is None or rule.valid_from <= day) and (
            rule.valid_until is None or day <= rule.valid_until
        )


class ServiceLevels:
    """The service levels of a rule set; `of` gives those of a scope, metric by metric.

    Those of a metric stand most specific first, of one scope the older first.
    """

    def __init__(self, rules: Rules) -> None:
        self.levels = [Level.of(rule, number) for number, rule in enumerate(rules.sla)]
        self.named = {level.rule.name: level for level in self.levels}
        self._calendars = rules.calendars
        self.of = lru_cache(maxsize=4_096)(self._of)
        self._local = lru_cache(maxsize=1_024)(self._calendar_in)

    def _of(
        self, carrier: str, service: str | None, region: str | None
    ) -> tuple[tuple[Level, ...], ...]:
        found: dict[Metric, list[Level]] = {}
        for level in self.levels:
            if _covers(level.rule, (carrier, service, region)):
                found.setdefault(level.rule.metric, []).append(level)
        return tuple(tuple(sorted(each, key=_precedence)) for each in found.values())

    def zone_of(self, level: Level, otherwise: str | None) -> str:
        """Return the zone whose days a level counts."""
        name = level.rule.target.calendar
        own = None if name is None else self._calendars[name].timezone
        return own or otherwise or "UTC"

    def calendar(self, level: Level, where: str) -> LocalCalendar | None:
        """Return the calendar of a level in a zone, None if all time counts."""
        name = level.rule.target.calendar
        return None if name is None else self._local(name, where)

    def _calendar_in(self, name: str, where: str) -> LocalCalendar:
        return LocalCalendar(self._calendars[name], zone(where))


def _covers(rule: SlaRule, scope: tuple[str | None, ...]) -> bool:
    return all(own is None or own == its for own, its in zip(rule.scope, scope, strict=True))


def _precedence(level: Level) -> tuple[int, date]:
    return -_specificity(level.rule), level.rule.valid_from or date.min


def _specificity(rule: SlaRule) -> int:
    return sum(each is not None for each in rule.scope)


def overlap(one: SlaRule, other: SlaRule) -> bool:
    """Tell whether two rules can claim one metric of one order, and neither gives way."""
    return (
        one.metric == other.metric
        and _specificity(one) == _specificity(other)
        and all(
            its is None or own is None or its == own
            for own, its in zip(one.scope, other.scope, strict=True)
        )
        and (one.valid_from or date.min) <= (other.valid_until or date.max)
        and (other.valid_from or date.min) <= (one.valid_until or date.max)
    )
