"""What only several orders tell: whole purchases (L19) and repeat custom (L20)."""

from collections import defaultdict
from typing import Any

from tests.oracle.figures import ratio
from tests.oracle.lives import Case
from tests.oracle.times import DAY

Json = dict[str, Any]


def groups(cases: list[Case]) -> Json:
    """Return how many groups of two or more parcels are due, and how many came whole."""
    members: dict[str, list[Case]] = defaultdict(list)
    for case in cases:
        if case.order.group:
            members[case.order.group].append(case)
    whole = [
        all(case.judged.outcome == "on_time" and not case.damaged for case in due)
        for parcels in members.values()
        if len(parcels) > 1
        for due in [[each for each in parcels if each.judged.outcome != "excluded"]]
        if due and all(case.judged.outcome is not None for case in due)
    ]
    return {"n": len(whole), "otif": ratio(sum(whole), len(whole))}


def loyalty(cases: list[Case], as_of: int) -> Json:
    """Return how many customers came again after an experience; late is not told apart.

    Whether a late one had been warned depends on notices, of which this implementation knows
    nothing.
    """
    promised: dict[str, list[tuple[int, Case]]] = defaultdict(list)
    ended: dict[str, dict[str, list[tuple[int, Case]]]] = defaultdict(lambda: defaultdict(list))
    for case in cases:
        customer, order = case.order.customer, case.order
        if customer is None:
            continue
        if order.promised_at is not None:
            promised[customer].append((order.promised_at, case))
        if order.ended_when is not None and case.judged.outcome in {
            "on_time",
            "late",
            "failed",
        }:
            ended[case.judged.outcome][customer].append((order.ended_when, case))
    return {
        experience: _repeats(
            [(customer, min(ends, key=lambda end: end[0])) for customer, ends in by.items()],
            promised,
            as_of,
        )
        for experience, by in ended.items()
    }


def _repeats(
    firsts: list[tuple[str, tuple[int, Case]]],
    promised: dict[str, list[tuple[int, Case]]],
    as_of: int,
) -> Json:
    found: Json = {"customers": len(firsts)}
    for days in (30, 90):
        observed = [first for first in firsts if as_of >= first[1][0] + days * DAY]
        again = sum(
            any(
                end < at <= end + days * DAY and other is not case
                for at, other in promised[customer]
            )
            for customer, (end, case) in observed
        )
        found[f"repeat_{days}d"] = ratio(again, len(observed))
    return found
