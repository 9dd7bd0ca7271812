"""Copies, rows and lives: which events an order consists of, and what became of each."""

from collections import Counter, defaultdict
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

from tests.oracle.couriers import Couriers
from tests.oracle.etas import deviations, stale
from tests.oracle.events import (
    RANK,
    Copy,
    Event,
    Pairs,
    canonical,
    content,
    name_of,
    precedence,
    unknown_fields,
)
from tests.oracle.judging import Verdict, accountable, revisions, verdict
from tests.oracle.order import Order
from tests.oracle.times import DAY, FAR_FUTURE, FAR_PAST, event_time, instant

Copies = dict[tuple[str, str], list[Copy]]


@dataclass
class Case:
    """One life as of the end: what happened by all evidence, and how it was judged."""

    order_id: str
    order: Order
    clock: int
    judged: Verdict
    restated: Verdict
    charged: Verdict
    charged_restated: Verdict
    damaged: bool
    revisions: int
    silent: bool

    @property
    def is_open(self) -> bool:
        return self.order.ended_at is None and not self.silent

    @cached_property
    def deviations(self) -> dict[bool, dict[str, float]]:
        """Return how far ETAs were off: those from outside (False) and the tower's own."""
        return {own: deviations(self.order, by_tower=own) for own in (False, True)}

    @cached_property
    def stale(self) -> dict[bool, list[str]]:
        """Return the horizons of both whose ETA was old."""
        return {own: stale(self.order, by_tower=own) for own in (False, True)}

    @property
    def overdue(self) -> bool:
        due = self.order.effective
        return self.is_open and due is not None and self.clock >= due.late_from


class Life:
    """One life of an id: its copies, when it froze and when its row ended."""

    def __init__(self, rules: dict[str, Any]) -> None:
        self.rules = rules
        self.copies: Copies = defaultdict(list)
        self.mature: int | None = None
        self.closed_at: int | None = None
        self.silent = False

    def add(self, at: int, event: Event) -> None:
        self.copies[name_of(event)].append((at, canonical(event), event))

    def order(self, known_by: int = FAR_FUTURE) -> Order:
        """Return the order by what had been received up to an instant."""
        known = [[c for c in copies if c[0] <= known_by] for copies in self.copies.values()]
        events = [(at, event) for at, _, event in (min(c, key=precedence) for c in known if c)]
        return Order(events, self.rules)

    def last_received(self) -> int:
        return max(min(copies, key=precedence)[0] for copies in self.copies.values())

    def settle(self, clock: int) -> None:
        """Freeze and end what the events received so far demand before or at `clock`."""
        if self.closed_at is not None or not self.copies:
            return
        order = self.order()
        first = self.last_received() + 1  # a demand is never older than what makes it
        if self.mature is None and order.matures is not None:
            at = max(order.matures + 1, first)
            if at <= clock:
                self.mature = order.matures
        at, silent = self._end(order)
        if max(at, first) <= clock:
            self.closed_at, self.silent = max(at, first), silent

    def _end(self, order: Order) -> tuple[int, bool]:
        mature = order.matures if self.mature is None else self.mature
        final = FAR_PAST if mature is None else mature + 1
        if order.ended_at is not None:
            return max(order.ended_at + self.rules["ended_days"] * DAY, final), False
        last = max([self.last_received(), *([order.effective.end] if order.effective else [])])
        return max(last + self.rules["silent_days"] * DAY, final), True

    def case(self, as_of: int, couriers: Couriers) -> Case:
        clock = as_of if self.closed_at is None else self.closed_at
        order = self.order()
        if self.mature is None and order.matures is not None and order.matures < clock:
            self.mature = order.matures
        known_by = FAR_FUTURE if self.mature is None else self.mature
        frozen = self.order(known_by)
        judged = verdict(frozen, clock)
        return Case(
            order_id=next(iter(self.copies.values()))[0][2]["order_id"],
            order=order,
            clock=clock,
            judged=judged,
            restated=verdict(order, clock),
            charged=accountable(frozen, clock, couriers, known_by),
            charged_restated=accountable(order, clock, couriers, clock),
            damaged=any(event["kind"] == "damaged" for _, event in frozen.events),
            revisions=self._revisions(min(clock, known_by)) if judged.outcome else 0,
            silent=self.silent,
        )

    def _revisions(self, until: int) -> int:
        """Count how often the outcome changed up to an instant, as events were received."""
        receipts = {each[0] for copies in self.copies.values() for each in copies}
        moments = [*sorted(at for at in receipts if at <= until), until]
        changes: list[Verdict] = []
        for at, following in pairwise(moments):
            order = self.order(at)
            if order.is_order:
                changes += [verdict(order, at), verdict(order, following)]
        return revisions(changes)


def lives_of(  # noqa: C901 - one step per thing that can become of an event
    pairs: Pairs, as_of: int, rules: dict[str, Any], counts: Counter[str]
) -> list[Life]:
    """Return the lives of one id and count what became of every event of it."""
    lives: list[Life] = []
    row: Life | None = None
    stub: tuple[int, int] | None = None  # until when, time of the last life event
    late: set[tuple[str, str]] = set()
    applied = [pair for pair in pairs if pair[0] <= as_of]
    unapplied = [pair for pair in pairs if pair[0] > as_of]
    by_time = sorted(
        unapplied, key=lambda pair: precedence((pair[0], canonical(pair[1]), pair[1]))
    )
    for at, event in [*sorted(applied, key=_as_received), *by_time]:
        if row is not None:
            row.settle(min(at, as_of))
            if row.closed_at is not None:
                stub, row = _stub(row), None
        counts["read"] += 1
        if at > as_of:  # read and accepted, not applied (L15)
            known = name_of(event) in late or (row is not None and name_of(event) in row.copies)
            late.add(name_of(event))
            counts["duplicate" if known else "accepted"] += 1
            counts["unknown_fields"] += not known and bool(unknown_fields(event))
            continue
        if stub is not None and stub[0] <= at:
            stub = None
        if row is not None and _opens(at, event, row):
            row.closed_at = at + 1
            row.silent = row.order().ended_at is None
            stub, row = _stub(row), None
        if row is None and _refused(at, event, stub, rules):
            counts["order_closed"] += 1
            continue
        if row is None:
            row, stub = Life(rules), None
            lives.append(row)
        row.add(at, event)
    if row is not None:
        row.settle(as_of)
    for life in lives:
        _count(life, counts)
    return lives


def _as_received(pair: tuple[int, Event]) -> tuple[Any, ...]:
    at, event = pair
    happened = event_time(at, event, None)
    return at, happened, RANK[event["kind"]], name_of(event), canonical(event)


def _stub(row: Life) -> tuple[int, int]:
    assert row.closed_at is not None
    return row.closed_at + row.rules["stub_days"] * DAY, row.order().last_life_at


def _opens(at: int, event: Event, row: Life) -> bool:
    """Tell whether an event is a fresh order_promised that begins a new life (L11, L12)."""
    last = row.order().last_life_at
    return last > FAR_PAST and name_of(event) not in row.copies and _is_new(at, event, last)


def _is_new(at: int, event: Event, last: int) -> bool:
    return event["kind"] == "order_promised" and event_time(at, event, None) >= last + 90 * DAY


def _refused(
    at: int, event: Event, stub: tuple[int, int] | None, rules: dict[str, Any]
) -> bool:
    """Tell whether an event that meets no row makes none (L21)."""
    if stub is not None:
        return not _is_new(at, event, stub[1])
    return (
        event["kind"] != "order_promised"
        and at - instant(event["occurred_at"]) > rules["silent_days"] * DAY
    )


def _count(life: Life, counts: Counter[str]) -> None:
    for copies in life.copies.values():
        winner, *others = sorted(copies, key=precedence)
        counts["accepted"] += 1
        counts["unknown_fields"] += bool(unknown_fields(winner[2]))
        counts["duplicate"] += len(others)
        counts["id_conflict"] += sum(content(each[2]) != content(winner[2]) for each in others)
