"""When a delay would be told, by a threshold, and what telling it costs and gains.

The score says how likely an order is late; here is decided whether that is worth a notice. An
order is told once, at its first prediction that is at least as likely as the threshold, leaves
the customer enough time and is within the budget of its day (UTC).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from models.base import Millis
from streams.domain.zones import DAY_MS


@dataclass(frozen=True, slots=True)
class Foretold:
    """A prediction that was scored; `p` is P(late) in millionths, `late` what it became."""

    order_id: str
    carrier: str
    precision: str
    at: Millis
    deadline: Millis
    p: int
    late: bool


@dataclass(frozen=True, slots=True)
class Policy:
    """From which `threshold` (millionths) on a delay is told.

    `budget` is of notices a day, None without end; `lead` (ms) is what has to be left before
    the deadline.
    """

    threshold: int
    budget: int | None = None
    lead: Millis = 0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a policy comes to; `lead` (ms) is the median of notices that came true."""

    threshold: int
    orders: int
    late: int
    notices: int
    false: int
    missed: int
    lead: Millis | None


def told(predictions: Iterable[Foretold], policy: Policy) -> dict[str, Foretold]:
    """Return for each order of which a delay would be told the prediction that does it."""
    found: dict[str, Foretold] = {}
    spent: dict[int, int] = {}
    for each in sorted(predictions, key=lambda said: (said.at, -said.p, said.order_id)):
        day = each.at // DAY_MS
        left = policy.budget is None or spent.get(day, 0) < policy.budget
        soon = each.deadline - each.at < max(policy.lead, 1)
        if each.order_id in found or each.p < policy.threshold or soon or not left:
            continue
        found[each.order_id] = each
        spent[day] = spent.get(day, 0) + 1
    return found


def outcome(predictions: Sequence[Foretold], policy: Policy) -> Outcome:
    """Return what a policy comes to over orders that were predicted and judged."""
    late = {each.order_id: each.late for each in predictions}
    found = told(predictions, policy)
    leads = [each.deadline - each.at for each in found.values() if each.late]
    return Outcome(
        threshold=policy.threshold,
        orders=len(late),
        late=sum(late.values()),
        notices=len(found),
        false=len(found) - len(leads),
        missed=sum(late.values()) - len(leads),
        lead=round(median(leads)) if leads else None,
    )
