"""The batch oracle: walks an order's life instant by instant, with all events at hand.

It shares the event type and the constants with the fold and nothing else: no deadlines are
computed, every instant asks whether the events received before it demand something.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache

from .events import (
    ENDED,
    GAP,
    LIFE,
    MATURITY,
    PARKED,
    REFUSED,
    SILENT,
    STUB,
    VOID,
    Cell,
    Cells,
    Copy,
    Measures,
    add,
)

Fact = tuple[object, ...]


class Evidence:
    """What a set of copies says."""

    def __init__(self, copies: tuple[Copy, ...]) -> None:
        self.copies = copies
        chosen: dict[str, Copy] = {}
        for copy in sorted(self.copies, key=lambda c: c.age):
            chosen.setdefault(copy.event.id, copy)
        self.chosen = chosen
        gone = {
            c.event.text
            for c in chosen.values()
            if c.event.kind == "withdraw"
            and not (c.event.text in chosen and chosen[c.event.text].event.kind == "withdraw")
        }
        self.valid = sorted(
            (c for c in chosen.values() if c.event.id not in gone), key=lambda c: c.order
        )
        self.life = [c for c in self.valid if c.event.kind in LIFE]
        promises = [c for c in self.valid if c.event.kind == "promise"]
        self.carrier, self.original, self.end = "unknown", None, None
        if promises:
            self.carrier = promises[0].event.text
            self.original = self.end = promises[0].event.number
            for change in self.valid:
                if change.event.kind == "change" and change.at < promises[0].event.number:
                    self.end = change.event.number
        self.handover: Copy | None = None
        self.changed = False
        for copy in self.valid:
            if copy.event.kind == "done" and self.handover is None:
                self.handover = copy
            if (
                copy.event.kind == "scan"
                and self.handover
                and copy.at >= self.handover.at + VOID
            ):
                self.handover, self.changed = None, True

    def verdict(self) -> tuple[str, int]:
        if self.handover is None or self.end is None:
            return "late", 0
        lateness = self.handover.at - self.end
        return ("late", lateness) if lateness > 0 else ("on_time", 0)

    def cell(self) -> Cell:
        return f"{self.carrier}/{-1 if self.original is None else self.original // 64}"

    def measures(self, at: int, frozen: tuple[str, int] | None, *, ended: bool) -> Measures:
        out = {
            "accepted": len(self.chosen),
            "duplicate": len(self.copies) - len(self.chosen),
            "conflict": sum(c.event != self.chosen[c.event.id].event for c in self.copies),
            "answers": sum(c.event.number for c in self.valid if c.event.kind == "answer"),
        }
        if self.life:
            due = self.end is not None and at > self.end
            first = frozen or (self.verdict() if due else None)
            if first:
                out |= {"due": 1, first[0]: 1, "lateness": first[1]}
            if due:
                outcome, lateness = self.verdict()
                out |= {"r_due": 1, f"r_{outcome}": 1, "r_lateness": lateness}
            is_open = self.handover is None
            out |= {
                "orders": 1,
                "changed": int(self.changed),
                "ended_silent": int(is_open and ended),
                "open": int(is_open and not ended),
                "overdue": int(is_open and not ended and due),
            }
        elif frozen:
            out |= {"due": 1, frozen[0]: 1, "lateness": frozen[1]}
        return out


@lru_cache(maxsize=4096)
def _evidence(copies: tuple[Copy, ...]) -> Evidence:
    return Evidence(copies)


@dataclass
class Walk:
    """The life of one order up to an instant."""

    name: str
    cells: Cells = field(default_factory=dict)
    facts: set[Fact] = field(default_factory=set)
    phase: str = "none"
    life: tuple[Copy, ...] = ()
    frozen: tuple[int, tuple[str, int]] | None = None
    last: int | None = None
    closed: int = 0

    def end_life(self, at: int, copies: tuple[Copy, ...]) -> None:
        evidence = _evidence(copies)
        frozen = self.frozen[1] if self.frozen else None
        add(self.cells, evidence.cell(), evidence.measures(at, frozen, ended=True))
        self.facts.add((self.name, "closed", at))

    def reopening(self, at: int) -> Copy | None:
        """Return the promise that opens a new life at this instant."""
        evidence = _evidence(self.life)
        received = sorted(evidence.life, key=lambda c: c.arrival)
        for place, copy in enumerate(received):
            if copy.event.kind == "promise" and copy.received == at - 1 and place:
                before = max(c.at for c in received[:place])
                if copy.at >= before + GAP:
                    return copy
        return None

    def split(self, promise: Copy) -> tuple[tuple[Copy, ...], tuple[Copy, ...]]:
        chosen = _evidence(self.life).chosen
        sides: tuple[list[Copy], list[Copy]] = ([], [])
        for copy in self.life:
            sides[chosen[copy.event.id].arrival >= promise.arrival].append(copy)
        return tuple(sides[0]), tuple(sides[1])

    def judge(self, arrived: tuple[Copy, ...]) -> None:
        """Let a stub look at what was received in one instant."""
        chosen = _evidence(arrived).chosen
        opened: int | None = None
        for place, copy in enumerate(sorted(chosen.values(), key=lambda c: c.order)):
            if copy.event.kind == "promise" and (
                self.last is None or copy.at >= self.last + GAP
            ):
                opened = place
                break
        ranked = [c.event.id for c in sorted(chosen.values(), key=lambda c: c.order)]
        kept = set() if opened is None else set(ranked[opened:])
        refused = [c for c in arrived if c.event.id not in kept]
        if refused:
            add(self.cells, REFUSED, {"order_closed": len(refused)})
            self.facts.add((self.name, "refused", refused[0].received, len(refused)))
        if kept:
            self.phase, self.frozen = "life", None
            self.life = tuple(c for c in arrived if c.event.id in kept)

    def demanded(self, at: int) -> str | None:
        """Say which cut the events received before this instant demand."""
        if self.phase == "stub":
            return "expire" if at >= self.closed + STUB else None
        if self.phase == "none":
            return None
        evidence = _evidence(self.life)
        if self.frozen is None and evidence.end is not None and at > evidence.end + MATURITY:
            return "freeze"
        if evidence.end is not None and self.frozen is None:
            return None
        if evidence.handover is not None:
            due = at >= evidence.handover.received + ENDED
        else:
            latest = max(c.received for c in evidence.chosen.values())
            due = at >= max(latest, evidence.end or 0) + SILENT
        return "close" if due else None

    def execute(self, cut: str, at: int) -> None:
        if cut == "freeze":
            verdict = _evidence(self.life).verdict()
            self.frozen = at, verdict
            self.facts.add((self.name, "frozen", at, *verdict))
        elif cut == "close":
            self.end_life(at, self.life)
            self.last = max((c.at for c in _evidence(self.life).life), default=None)
            self.phase, self.life, self.closed, self.frozen = "stub", (), at, None
        else:
            self.phase = "none"

    def instant(self, at: int, arrived: tuple[Copy, ...]) -> None:
        """Pass one instant: `arrived` was received right before it."""
        if arrived and self.phase == "stub":
            self.judge(arrived)
        elif arrived:
            self.phase = "life"
            self.life = (*self.life, *arrived)
        while arrived and self.phase == "life" and (promise := self.reopening(at)):
            old, new = self.split(promise)
            self.end_life(at, old)
            self.life, self.frozen = new, None
        while cut := self.demanded(at):
            self.execute(cut, at)

    def show(self, at: int, waiting: list[Copy]) -> None:
        """Add what is not yet decided: events up to the next cut, the rest as parked."""
        parked = waiting if self.phase == "stub" else []
        rest = sorted(waiting, key=lambda c: c.received) if self.phase != "stub" else []
        instants = sorted({c.received for c in rest})
        instant = at
        while rest and not parked:
            instant += 1
            arrived = [c for c in rest if c.received == instant - 1]
            if not arrived and not self.life:
                instant = max(instant, instants[0])
                continue
            self.life = (*self.life, *arrived)
            rest = [c for c in rest if c.received >= instant]
            self.phase = "life"
            promise = self.reopening(instant) if arrived else None
            if promise:
                self.life, late = self.split(promise)
                parked = [*late, *rest]
            elif self.demanded(instant):
                parked = rest
                break
        if parked:
            add(self.cells, PARKED, {"parked": len(parked)})
        if self.life:
            evidence = _evidence(self.life)
            frozen = self.frozen[1] if self.frozen else None
            add(self.cells, evidence.cell(), evidence.measures(at, frozen, ended=False))


def judge(orders: dict[str, list[Copy]], clock: int) -> tuple[Cells, set[Fact]]:
    """Return the cells and the facts of whole orders at a clock."""
    cells: Cells = {}
    facts: set[Fact] = set()
    for name, copies in orders.items():
        walk = Walk(name)
        _walk(walk, copies, clock)
        facts |= walk.facts
        for cell, measures in walk.cells.items():
            add(cells, cell, measures)
    return cells, facts


def _walk(walk: Walk, copies: Iterable[Copy], clock: int) -> None:
    by_instant: dict[int, list[Copy]] = {}
    for copy in copies:
        by_instant.setdefault(copy.received, []).append(copy)
    if by_instant:
        for at in range(min(by_instant) + 1, clock + 1):
            walk.instant(at, tuple(by_instant.get(at - 1, ())))
    walk.show(clock, [c for c in copies if c.received >= clock])
