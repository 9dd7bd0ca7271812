"""The rules as the domain applies them: one carrier's tolerances in milliseconds."""

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property, lru_cache

from models.base import Millis
from models.rules import CarrierRules, NoticePolicy, Rules
from streams.domain.slarules import ServiceLevels
from streams.domain.zones import DAY_MS, MINUTE_MS


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How one carrier's promises are judged; durations in milliseconds."""

    grace: dict[str, Millis]
    early: Millis
    day_end: str
    maturity: Millis
    neighbour_counts: bool
    timezone: str | None


@dataclass(frozen=True, slots=True)
class NoticeTimes:
    """The notice policy with its durations in milliseconds; thresholds keep their fractions."""

    enter: float
    leave: float
    worse: float
    hold: Millis
    clear_hold: Millis
    cooldown: Millis
    expire: Millis
    silent_before: Millis
    at_most: int
    in_all: int
    near: Millis
    feedback_after: Millis

    @classmethod
    def of(cls, policy: NoticePolicy) -> "NoticeTimes":
        """Return the times of a policy."""
        return cls(
            enter=policy.enter_minutes * MINUTE_MS,
            leave=policy.leave_minutes * MINUTE_MS,
            worse=policy.worse_minutes * MINUTE_MS,
            hold=round(policy.hold_minutes * MINUTE_MS),
            clear_hold=round(policy.clear_hold_minutes * MINUTE_MS),
            cooldown=round(policy.cooldown_minutes * MINUTE_MS),
            expire=round(policy.expire_minutes * MINUTE_MS),
            silent_before=round(policy.silent_before_minutes * MINUTE_MS),
            at_most=policy.at_most,
            in_all=policy.in_all,
            near=round(policy.near_minutes * MINUTE_MS),
            feedback_after=round(policy.feedback_after_minutes * MINUTE_MS),
        )


class Judgement:
    """A rule set ready for use: its id, every carrier's tolerances, retention, notices.

    `levels` are its service levels, None if it has none; `told` the kinds of notices that are
    on.
    """

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.notices: NoticePolicy = rules.notices
        self.notice_times = NoticeTimes.of(rules.notices)
        self.told: frozenset[str] = frozenset(kind for kind, on in rules.notices.kinds if on)
        self.levels = ServiceLevels(rules) if rules.sla else None
        self.ended = round(rules.retention.ended_days * DAY_MS)
        self.silent = round(rules.retention.silent_days * DAY_MS)
        self.stub = round(rules.retention.stub_days * DAY_MS)
        self.shortest_life = min(self.ended, self.silent)  # from first receipt to the end
        days = [rules.defaults.maturity_days]
        own = [carrier.maturity_days for carrier in rules.carriers.values()]
        days += [each for each in own if each is not None]
        self.least_maturity = round(min(days) * DAY_MS)
        self.tolerance = lru_cache(maxsize=4_096)(self._tolerance)

    @cached_property
    def id(self) -> str:
        """Return the first 12 hex digits of the SHA-256 of the rules, defaults filled in."""
        return rules_id(self.rules)

    def _tolerance(self, carrier: str) -> Tolerance:
        base, own = self.rules.defaults, self.rules.carriers.get(carrier, CarrierRules())
        grace = own.grace_minutes or base.grace_minutes
        early = base.early_minutes if own.early_minutes is None else own.early_minutes
        mature = base.maturity_days if own.maturity_days is None else own.maturity_days
        neighbour = own.neighbour_counts
        return Tolerance(
            grace={kind: round(value * MINUTE_MS) for kind, value in grace},
            early=round(early * MINUTE_MS),
            day_end=own.day_end or base.day_end,
            maturity=round(mature * DAY_MS),
            neighbour_counts=base.neighbour_counts if neighbour is None else neighbour,
            timezone=own.timezone,
        )


def rules_id(rules: Rules) -> str:
    """Return a rule set's id: the same rules, however written, have the same id."""
    normal = json.dumps(
        rules.model_dump(mode="json", by_alias=True), sort_keys=True, separators=(",", ":")
    )
    return hashlib.sha256(normal.encode()).hexdigest()[:12]
