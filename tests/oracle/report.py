"""The report of the contract, summed from cases one number at a time."""

from collections import Counter, defaultdict
from functools import cached_property
from itertools import groupby
from typing import Any

from tests.oracle.couriers import Couriers
from tests.oracle.etas import HORIZONS, SNAPSHOTS
from tests.oracle.events import COURIER_KINDS, INSTRUMENTS, PARTY, Event, Pairs
from tests.oracle.figures import mean, quantile, ratio
from tests.oracle.judging import Verdict, charged
from tests.oracle.lives import Case, lives_of
from tests.oracle.order import Order
from tests.oracle.rules import RULES
from tests.oracle.times import MINUTE
from tests.oracle.together import groups, loyalty
from tests.oracle.visits import Doubt, doubt

Json = dict[str, Any]
OUTCOMES = ("on_time", "early", "late", "failed", "indeterminate", "excluded")


class Judged:
    """All cases of some events as of an instant, and what became of the events."""

    def __init__(self, pairs: Pairs, as_of: int, rules: Json) -> None:
        self.as_of = as_of
        mine = [pair for pair in pairs if pair[1]["kind"] in COURIER_KINDS]
        told = Couriers(mine)
        self.couriers = Couriers([pair for pair in mine if pair[0] <= as_of])
        self.counts: Counter[str] = Counter(told.counts)
        orders = [pair for pair in pairs if pair[1]["kind"] not in COURIER_KINDS]
        self.cases: list[Case] = []
        for _, one in groupby(sorted(orders, key=_by_order), key=_by_order):
            for life in lives_of(list(one), as_of, rules, self.counts):
                case = life.case(as_of, self.couriers)
                if case.order.is_order:
                    self.cases.append(case)

    @cached_property
    def report(self) -> Json:
        forward = [case for case in self.cases if not case.order.is_return]
        return {
            "events": dict(self.counts),
            "total": self.kpi(forward),
            "carriers": self._split(forward, "carrier"),
            "by": {name: self._split(forward, name) for name in ("service", "region")},
            "returns": self.kpi([case for case in self.cases if case.order.is_return]),
            "groups": groups(forward),
            "loyalty": loyalty(forward, self.as_of),
        }

    def _split(self, cases: list[Case], name: str) -> Json:
        keys = {getattr(case.order, name) for case in cases}
        return {
            key: self.kpi([case for case in cases if getattr(case.order, name) == key])
            for key in sorted(keys)
        }

    def kpi(self, cases: list[Case]) -> Json:
        """Return the block of some cases."""
        return {
            "orders": len(cases),
            "open": sum(case.is_open for case in cases),
            "overdue": sum(case.overdue for case in cases),
            "ended_silent": sum(case.silent for case in cases),
            "delivery_time": _delivery_time(cases),
            "first_attempt": self._first_attempt(cases),
            "eta_deviation": {name: _deviation(cases, name) for name in SNAPSHOTS},
            "eta_deviation_by": {
                "tower": {
                    name: _deviation(cases, name, by_tower=True) for name in SNAPSHOTS[2:]
                }
            },
            "promise": _promise(cases),
            "feedback": _feedback(cases),
        }

    def doubt(self, case: Case) -> Doubt:
        """Return what is to be thought of the first attempt by all evidence."""
        return doubt(case.order, self.couriers, case.clock)

    def _first_attempt(self, cases: list[Case]) -> Json:
        orders = [case.order for case in cases]
        visits = [order.first for order in orders if order.first]
        failed = [visit for visit in visits if visit.reason is not None]
        won = len(visits) - len(failed)
        doubted = [self.doubt(case).suspect for case in cases]
        theirs = sum(
            charged(order, doubted=doubt) for order, doubt in zip(orders, doubted, strict=True)
        )
        return {
            "concluded": len(visits),
            "succeeded": won,
            "implicit_failures": sum(visit.implicit for visit in failed),
            "suspect": sum(doubted),
            "no_attempt_return": sum(order.no_attempt_return for order in orders),
            "success": ratio(won, len(visits)),
            "reasons": dict(Counter(visit.reason for visit in failed)),
            **_companions(orders),
            "accountable": {
                "concluded": theirs, "succeeded": won, "success": ratio(won, theirs),
            },
        }  # fmt: skip


def _companions(orders: list[Order]) -> Json:
    """Return the numbers beside the first attempt (kpis 2.3)."""
    handed_over = [order for order in orders if order.handover]
    second = [order.visits[1] for order in orders if len(order.visits) > 1]
    won = sum(visit.reason is None for visit in second)
    waited = [
        order.handover[0][0] - order.visits[0].at
        for order in orders
        if order.handover and order.visits[0].delivery is not order.handover[1]
    ]
    attempts = [len(order.visits) for order in handed_over]
    failures: dict[str, Counter[str]] = defaultdict(Counter)
    for order in orders:
        for reason in (visit.reason for visit in order.visits if visit.reason):
            failures[PARTY.get(reason, "carrier")][reason] += 1
    return {
        "attempts_per_delivery": {"n": len(attempts), "mean": mean(attempts)},
        "second_success": ratio(won, len(second)),
        "first_attempt_to_delivery": {
            "n": len(waited),
            "mean": mean(waited, 1000),
            "median": quantile(waited, 0.5),
            "p90": quantile(waited, 0.9),
        },
        "failures": {party: dict(codes) for party, codes in failures.items()},
    }


def report(pairs: Pairs, as_of: int, rules: Json = RULES) -> Json:
    """Return the compared part of the report over all pairs, as known at `as_of`."""
    return Judged(pairs, as_of, rules).report


def _by_order(pair: tuple[int, Event]) -> str:
    return str(pair[1]["order_id"])


def _delivery_time(cases: list[Case]) -> Json:
    return {
        **_outcomes([case.judged for case in cases]),
        "accountable": _outcomes([case.charged for case in cases]),
        "restated": {
            **_outcomes([case.restated for case in cases]),
            "accountable": _outcomes([case.charged_restated for case in cases]),
        },
        "delivered_then_changed": sum(
            bool(case.order.voided) for case in cases if case.restated.outcome is not None
        ),
        "revisions": sum(case.revisions for case in cases),
    }


def _outcomes(verdicts: list[Verdict]) -> Json:
    counts = Counter(each.outcome for each in verdicts)
    due = sum(counts[name] for name in OUTCOMES[:4])
    return {
        "due": due,
        **{name: counts[name] for name in OUTCOMES},
        "early_days": sum(each.early_day for each in verdicts),
        "accuracy": ratio(counts["on_time"], due),
        "otd": ratio(counts["on_time"] + counts["early"], due),
    }


def _deviation(cases: list[Case], name: str, *, by_tower: bool = False) -> Json:
    found = [case.deviations[by_tower] for case in cases]
    values = [each[name] for each in found if name in each]
    sizes = [abs(value) for value in values]
    n = len(values)
    told = {
        "n": n,
        "coverage": ratio(n, sum(case.order.handover is not None for case in cases)),
        "median": quantile(values, 0.5),
        "mean": mean(values, 1000),
        "mae": mean(sizes, 1000),
        **{f"p{q}_abs": quantile(sizes, q / 100) for q in (50, 80, 90, 95)},
        **{
            f"within_{within}min": ratio(sum(size <= within * MINUTE for size in sizes), n)
            for within in (5, 10, 15, 30)
        },
        "earlier_than_15min": ratio(sum(value < -15 * MINUTE for value in values), n),
        "later_than_15min": ratio(sum(value > 15 * MINUTE for value in values), n),
    }
    if name in HORIZONS:
        told["stale"] = sum(name in case.stale[by_tower] for case in cases)
    return told


def _promise(cases: list[Case]) -> Json:
    orders = [case.order for case in cases]
    slack = [
        order.latest.end - order.original.end
        for order in orders
        if order.latest and order.original
    ]
    return {
        "coverage": ratio(len(slack), len(orders)),
        "changed_by_carrier": sum(
            event["kind"] == "promise_changed" and event["by"] == "carrier"
            for order in orders
            for _, event in order.events
        ),
        "slack_median": quantile(slack, 0.5),
        "slack_p90": quantile(slack, 0.9),
    }


def _answers(case: Case) -> dict[str, int]:
    """Return the last answer to each instrument."""
    last: dict[str, int] = {}
    for _, event in case.order.events:
        if event["kind"] == "feedback_given":
            last |= {name: event[name] for name in INSTRUMENTS if event.get(name) is not None}
    return last


def _feedback(cases: list[Case]) -> Json:
    answers = [_answers(case) for case in cases]
    found: Json = {"answered": sum(bool(each) for each in answers)}
    for name in INSTRUMENTS:
        values = [each[name] for each in answers if name in each]
        found[name] = {"n": len(values), "mean": mean(values)}
        if name == "nps":
            better = sum(value >= 9 for value in values) - sum(value <= 6 for value in values)
            found[name] = {
                "n": len(values), "score": 100 * better / len(values) if values else None,
            }  # fmt: skip
        if name == "csat":
            found[name]["top2"] = ratio(sum(value >= 4 for value in values), len(values))
        if name == "ces":
            found[name]["top3"] = ratio(sum(value >= 5 for value in values), len(values))
    return found
