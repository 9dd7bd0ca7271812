"""How often random worlds came to each rule, outcome, reason and kind of event."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from tests.oracle.events import COURIER_KINDS, IMPLICIT, KINDS, PARTY, Event
from tests.oracle.judging import came_too_soon
from tests.oracle.lives import Case
from tests.oracle.report import OUTCOMES, Judged

PRECISIONS = ("window", "date", "instant")
VIEWS = ("judged", "restated", "charged", "charged_restated")
BOTH = ("no promise", "to come", "decided", "cancelled", "readings differ", "nothing",
        *(f"handover, {each}" for each in PRECISIONS))  # fmt: skip
RAW = (*BOTH, "failed", "called off")
ACCOUNTABLE = (
    *BOTH, "ended, the carrier's", "ended, not the carrier's", "held", "asked to come again",
    *(f"first attempt, {each}" for each in PRECISIONS),
)  # fmt: skip
DOUBTS = (
    "no failed attempt", "its delivery was void", "scanned at the door",
    "scanned far from the door", "arrived that day", "by whom is not known",
    "nobody remembers that day",
    "fixes at the door", "fixes elsewhere", "outside the shift", "nothing speaks against it",
)  # fmt: skip
LIFE = (
    "withdrawn", "local_as_z", "assumed", "skew", "voided by out_for_delivery",
    "voided by attempt_failed", "voided by returning", "voided by lost", "sender's receipt",
    "delivered after failing", "wish that counts", "wish that does not", "moved by carrier",
    "no_attempt_return", "implicit", "too soon, the carrier's", "ended silent", "second life",
    "return", "group", "customer", "frozen differs", "frozen differs, accountable",
    "revised", "revised twice", "early day", "neighbour", "locker",
)  # fmt: skip
COUNTS = ("accepted", "duplicate", "id_conflict", "unknown_fields", "order_closed")

# Everything that has to occur; reasons of attempts include the tower's own `diverted`.
EVERYTHING = frozenset({
    *(("kind", each) for each in (*KINDS, *COURIER_KINDS)),
    *((view, each) for view in VIEWS[:2] for each in RAW),
    *((view, each) for view in VIEWS[2:] for each in ACCOUNTABLE),
    *((f"{view} is", each) for view in VIEWS for each in OUTCOMES),
    *(("doubt", each) for each in DOUBTS),
    *(("reason", each) for each in (*PARTY, "diverted")),
    *(("implicit by", each) for each in (*IMPLICIT, "out_for_delivery", "arrived_depot")),
    *(("life", each) for each in LIFE),
    *(("events", each) for each in COUNTS),
    *(("loyalty", each) for each in ("on_time", "late", "failed", "again")),
    *(("groups", each) for each in ("whole", "not whole")),
})  # fmt: skip


class Census:
    """What has occurred so far."""

    def __init__(self) -> None:
        self.found: Counter[tuple[str, str]] = Counter()
        self.lives = 0

    def take(self, events: Iterable[Event], judged: Judged) -> None:
        """Count one world."""
        self.found.update(("kind", event["kind"]) for event in events)
        self.found.update({("events", name): n for name, n in judged.counts.items()})
        for case in judged.cases:
            self.lives += 1
            self.found.update(_of(case))
            self.found["doubt", judged.doubt(case).why] += 1
        ids = Counter(case.order_id for case in judged.cases)
        self.found["life", "second life"] += sum(n > 1 for n in ids.values())
        self._together(judged.report)

    def _together(self, report: dict[str, Any]) -> None:
        otif = report["groups"]["otif"]
        self.found["groups", "whole"] += otif["k"]
        self.found["groups", "not whole"] += otif["n"] - otif["k"]
        for experience, found in report["loyalty"].items():
            self.found["loyalty", experience] += found["customers"]
            self.found["loyalty", "again"] += found["repeat_30d"]["k"]

    def missing(self, least: int = 1) -> list[tuple[str, str]]:
        """Return what has not occurred so often."""
        return sorted(each for each in EVERYTHING if self.found[each] < least)


def _of(case: Case) -> Iterator[tuple[str, str]]:
    order, first = case.order, case.order.first
    for view in VIEWS:
        verdict = getattr(case, view)
        yield view, verdict.rule
        if verdict.outcome is not None:
            yield f"{view} is", verdict.outcome
    if first and first.reason is not None:
        yield "reason", first.reason
    for visit in order.visits:
        if visit.implicit:
            yield "implicit by", visit.scan["kind"]
    yield from (("life", each) for each in _life(case))


def _life(case: Case) -> Iterator[str]:
    order = case.order
    said = [event for _, event in order.events]
    signs = {
        "withdrawn": any(event["kind"] == "event_withdrawn" for event in said),
        "local_as_z": any(event.get("time_quality") == "local_as_z" for event in said),
        "assumed": bool(order.handover) and order.handover[1].get("time_quality") == "assumed",
        "skew": any(key[0] == key[2] for key, _ in order.events),
        "sender's receipt": any(
            event["kind"] == "delivered" and event not in order.standing for event in said
        ),
        "delivered after failing": bool(order.handover)
        and any(event["kind"] in {"lost", "damaged"} for event in said),
        "wish that counts": order.effective is not order.original,
        "wish that does not": bool(order.wishes) and order.effective is order.original,
        "moved by carrier": any(event.get("by") == "carrier" for event in said),
        "no_attempt_return": order.no_attempt_return > 0,
        "implicit": bool(order.first) and order.first.implicit,
        "too soon, the carrier's": came_too_soon(order),
        "ended silent": case.silent,
        "return": order.is_return,
        "group": order.group is not None,
        "customer": order.customer is not None,
        "frozen differs": case.judged != case.restated,
        "frozen differs, accountable": case.charged != case.charged_restated,
        "revised": case.revisions == 1,
        "revised twice": case.revisions > 1,
        "early day": case.judged.early_day,
        "neighbour": any(event.get("to") == "neighbour" for event in order.standing),
        "locker": any(event.get("to") == "locker" for event in order.standing),
    }
    yield from (name for name, is_so in signs.items() if is_so)
    yield from (f"voided by {kind}" for kind in order.voided_by)
