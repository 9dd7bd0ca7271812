"""The report's predictions, computed again from the facts alone, by other code."""

import json
from fractions import Fraction
from itertools import groupby
from math import fsum

import pytest

from models.facts import FACT, PredictionScored
from models.rules import Rules
from streams import topics
from streams.replay import Replay
from streams.simulate import DaySpec, day
from tests.story import event, promise, story


@pytest.fixture(scope="module")
def replay():
    """A simulated day with interventions and wishes, its facts kept."""
    events = [*day(DaySpec(seed=11, orders=400, couriers=12)).events]
    first = {}
    for each in events:
        first.setdefault(each.get("order_id"), each["occurred_at"])
    for number, (name, at) in enumerate(list(first.items())[1:80]):
        if number % 3 == 0:
            said = {"action": "called", "by": "support"}
            events.append(event("intervention_made", at, order=name, **said))
        elif number % 3 == 1:
            wish = promise(window=("2026-03-03T16:00:00Z", "2026-03-03T18:00:00Z"))
            said = {"by": "consignee", "promise": wish}
            events.append(event("promise_changed", at, order=name, **said))
    replay = Replay(Rules(), keep_outputs=True, predict=True)
    replay.run(story(*events))
    return replay


@pytest.fixture(scope="module")
def facts(replay):
    """The last word on every order, life and horizon."""
    found = {}
    for topic, _, value in replay.out.messages:
        if topic == topics.ORDER_FACTS:
            fact = FACT.validate_json(value)
            if isinstance(fact, PredictionScored):
                order, life = fact.fact_id.split("/")[:2]
                known = found.get((order, life, fact.horizon))
                if known is None or known.revision <= fact.revision:
                    found[order, life, fact.horizon] = fact
    return list(found.values())


def recomputed(facts):
    """Return the section of some facts: exact where the report is, by pairs and by sorting."""
    found = {}
    for horizon, some in groupby(sorted(facts, key=lambda f: f.horizon), lambda f: f.horizon):
        every = [each for each in some if each.late is not None]
        if every:
            without = [each for each in every if not each.intervened]
            found[horizon] = {**horizon_of(without), "with_intervened": horizon_of(every)}
    return found


def horizon_of(every):
    some = [each for each in every if not each.rescheduled]
    n, late = len(some), [each for each in some if each.late]
    alerts = [each for each in some if each.probability >= each.threshold]
    hits = [each for each in alerts if each.late]
    handed = [each for each in some if each.handover is not None]
    inside = [each for each in handed if each.low <= each.handover <= each.high]

    def brier(value):
        off = [(Fraction(value(e), 10**6) - e.late) ** 2 for e in some]
        return float(sum(off) / n) if n else None

    width = sum(each.high - each.low for each in handed)
    own, base = brier(lambda e: e.probability), brier(lambda e: e.base)
    return {
        "n": n,
        "late": len(late),
        "rescheduled": len(every) - n,
        "brier": own,
        "brier_reference": base,
        "precision": (len(hits), len(alerts)),
        "recall": (len(hits), len(late)),
        "recall_30min": (sum(e.lead >= 1_800_000 for e in hits), len(late)),
        "interval_coverage": (len(inside), len(handed)),
        "interval_width": float(Fraction(width, 1_000 * len(handed))) if handed else None,
        "auc": auc(some),
        "average_precision": average_precision(some),
        "calibration": calibration(some),
    }


def tie(fact):
    """The bin of a probability; those of one are told apart by nobody."""
    return min(fact.probability // 1_000, 999)


def auc(some):
    pairs = [
        Fraction(1, 2) if tie(a) == tie(b) else Fraction(tie(a) > tie(b))
        for a in some if a.late for b in some if not b.late
    ]  # fmt: skip
    return float(sum(pairs) / len(pairs)) if pairs else None


def average_precision(some):
    at = []
    for each in some:
        if each.late:
            above = [other for other in some if tie(other) >= tie(each)]
            at.append(sum(other.late for other in above) / len(above))
    return fsum(at) / len(at) if at else None


def calibration(some):
    """A bin goes whole to a group; a group ends when another tenth of all has been reached."""
    groups, current = [], []
    done = 0
    for _, tied in groupby(sorted(some, key=tie), tie):
        together = list(tied)
        current += together
        reached = (done + len(together)) * 10 // len(some)
        if reached > done * 10 // len(some):
            groups.append(current)
            current = []
        done += len(together)
    return [
        {
            "p": float(Fraction(sum(2 * tie(e) + 1 for e in group), 2_000 * len(group))),
            "observed": sum(e.late for e in group) / len(group),
            "n": len(group),
        }
        for group in groups
    ]


def shown(block):
    """What of the report's block is computed again; ratios as k and n."""
    return {
        name: (value["k"], value["n"]) if isinstance(value, dict) and "k" in value else value
        for name, value in block.items()
    }


def agree(reported, facts):
    again = recomputed(facts)
    assert reported.keys() == again.keys()
    for horizon, block in again.items():
        both = (block, reported[horizon]), (
            block["with_intervened"], reported[horizon]["with_intervened"]
        )  # fmt: skip
        for mine, reported_block in both:
            theirs = shown(reported_block)
            for name, value in mine.items():
                if name == "average_precision":  # added up in another order
                    assert theirs[name] == pytest.approx(value, rel=1e-12)
                elif name != "with_intervened":
                    assert theirs[name] == value, (horizon, name)


def test_the_report_is_what_the_facts_say(replay, facts):
    report = replay.report()
    forward = [fact for fact in facts if fact.direction == "forward"]
    assert {fact.horizon for fact in forward} >= {"created", "picked_up", "ofd", "d60"}
    assert any(fact.intervened for fact in forward)
    assert any(fact.rescheduled for fact in forward)
    agree(report["total"]["predictions"], forward)
    for carrier, block in report["carriers"].items():
        agree(
            block.get("predictions", {}), [fact for fact in forward if fact.carrier == carrier]
        )


def test_the_same_file_gives_the_same_bytes(replay):
    events = [*day(DaySpec(seed=5, orders=60, couriers=3)).events]
    again = []
    for lines in (story(*events), story(*events)):
        one = Replay(Rules(), predict=True)
        one.run(lines)
        again.append((json.dumps(one.predictions), json.dumps(one.report(), sort_keys=True)))
    assert again[0] == again[1]
