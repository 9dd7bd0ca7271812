"""One order's row as the fold keeps it: copies, cuts with their instants, contribution."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
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
    Cells,
    Copy,
    Measures,
    add,
)

NEVER = 10**9


@dataclass(frozen=True)
class Row:
    """`phase` none (the dead marker), life or stub; `clock`: settled up to there."""

    off: int = -1
    clock: int = -1
    phase: str = "none"
    copies: tuple[Copy, ...] = ()
    frozen: tuple[int, str, int] | None = None
    last: int = -NEVER
    closed: int = 0


@dataclass(frozen=True)
class Cut:
    """What becomes irreversible at `at`, judged on what was received before it."""

    at: int
    kind: str
    promise: Copy | None = None


@dataclass(frozen=True)
class Act:
    """An executed cut: what it adds to the archive and the fact that tells of it."""

    cells: Cells
    fact: tuple[object, ...]


class View:
    """What the events say, from the least copy of each."""

    def __init__(self, copies: Iterable[Copy], *, first_wins: bool = False) -> None:
        self.copies = tuple(copies)
        self.events: dict[str, Copy] = {}
        for copy in self.copies:
            have = self.events.get(copy.event.id)
            if have is None or (copy.age < have.age and not first_wins):
                self.events[copy.event.id] = copy
        withdrawn = {c.event.text for c in self.events.values() if c.event.kind == "withdraw"}
        self.lively = sorted(
            (
                c
                for c in self.events.values()
                if c.event.kind in LIFE and c.event.id not in withdrawn
            ),
            key=lambda c: c.order,
        )
        self.points = sum(
            c.event.number
            for c in self.events.values()
            if c.event.kind == "answer" and c.event.id not in withdrawn
        )
        self.promise = next((c for c in self.lively if c.event.kind == "promise"), None)
        self.end = NEVER if self.promise is None else self.promise.event.number
        self.done: Copy | None = None
        self.reversed = 0
        for copy in self.lively:
            self._step(copy)

    def _step(self, copy: Copy) -> None:
        kind = copy.event.kind
        if kind == "change" and self.promise and copy.at < self.promise.event.number:
            self.end = copy.event.number
        elif kind == "done" and not self.done:
            self.done = copy
        elif kind == "scan" and self.done and copy.at - self.done.at >= VOID:
            self.done, self.reversed = None, 1

    @property
    def last(self) -> int:
        return max((c.at for c in self.lively), default=-NEVER)

    @property
    def outcome(self) -> tuple[str, int]:
        if self.done and self.done.at <= self.end:
            return "on_time", 0
        return "late", self.done.at - self.end if self.done and self.promise else 0

    @property
    def closes(self) -> int:
        """The instant from which this evidence wants the row closed."""
        if self.done:
            return self.done.received + ENDED
        latest = max(c.received for c in self.events.values())
        return SILENT + (max(latest, self.end) if self.promise else latest)

    @property
    def cell(self) -> str:
        if self.promise is None:
            return "unknown/-1"
        return f"{self.promise.event.text}/{self.promise.event.number // 64}"

    def contribution(self, row: Row, clock: int, *, ended: bool) -> Measures:
        """Return the measures of a life; those that are zero may be there."""
        counts = {
            "accepted": len(self.events),
            "duplicate": len(self.copies) - len(self.events),
            "conflict": sum(c.event != self.events[c.event.id].event for c in self.copies),
            "answers": self.points,
        }
        due = bool(self.promise) and clock > self.end
        verdict = row.frozen[1:] if row.frozen else self.outcome
        if row.frozen or (due and self.lively):
            counts |= {"due": 1, verdict[0]: 1, "lateness": verdict[1]}
        if not self.lively:
            return counts
        if due:
            counts |= {"r_due": 1, f"r_{self.outcome[0]}": 1, "r_lateness": self.outcome[1]}
        counts |= {"orders": 1, "changed": self.reversed}
        if self.done is None:
            counts |= {"ended_silent": 1} if ended else {"open": 1, "overdue": int(due)}
        return counts


@lru_cache(maxsize=4096)
def view(copies: tuple[Copy, ...], *, first_wins: bool) -> View:
    """Return the view of these copies."""
    return View(copies, first_wins=first_wins)


class Orders:
    """The rules of one order; `off` names the rule that a mutant leaves out."""

    def __init__(self, mutant: str = "") -> None:
        self.mutant = mutant
        self.first = mutant == "first-copy-wins"

    def view(self, copies: Iterable[Copy]) -> View:
        return view(tuple(copies), first_wins=self.first)

    def before(self, row: Row, instant: int) -> tuple[Copy, ...]:
        """Return the copies received before an instant."""
        if self.mutant == "no-parking":
            return row.copies
        return tuple(c for c in row.copies if c.received < instant)

    def cut(self, row: Row) -> Cut | None:
        """Return the next cut that what is known demands."""
        if row.phase == "stub":
            return self._stub_cut(row)
        if row.phase == "none":
            return None
        instants = sorted({c.received for c in row.copies})
        for received, following in zip(instants, [*instants[1:], NEVER], strict=True):
            if following < row.clock:
                continue
            found = self._demand(row, received)
            if found and found.at <= following:
                return found
        return None

    def _stub_cut(self, row: Row) -> Cut | None:
        first = min((c.received + 1 for c in row.copies), default=NEVER)
        if self.mutant == "refused-on-sight" and row.copies:
            return Cut(row.clock, "judge")
        expires = row.closed + STUB
        return Cut(first, "judge") if first <= expires else Cut(expires, "expire")

    def _demand(self, row: Row, received: int) -> Cut | None:
        seen = self.view(self.before(row, received + 1))
        arrivals = sorted(seen.lively, key=lambda c: c.arrival)
        latest = -NEVER
        for copy in arrivals:
            fresh = copy.event.kind == "promise" and copy.received == received
            if fresh and latest > -NEVER and copy.at - latest >= GAP:
                return Cut(received + 1, "reopen", copy)
            latest = max(latest, copy.at)
        soonest = received + 1
        if seen.promise and not row.frozen:
            return Cut(max(soonest, seen.end + MATURITY + 1), "freeze")
        frozen_at = row.frozen[0] if row.frozen else 0
        return Cut(max(soonest, seen.closes, frozen_at), "close")

    def settle(self, row: Row, clock: int) -> tuple[Row, list[Act]]:
        """Execute every cut the clock has reached."""
        acts: list[Act] = []
        if row.phase == "none" and row.copies:
            row = replace(row, phase="life")
        while (cut := self.cut(row)) and cut.at <= clock:
            row = self._execute(row, cut, acts)
        return replace(row, clock=clock), acts

    def _execute(self, row: Row, cut: Cut, acts: list[Act]) -> Row:
        row = replace(row, clock=cut.at)
        known = self.before(row, cut.at)
        if cut.kind == "freeze":
            verdict = (cut.at, *self.view(known).outcome)
            acts.append(Act({}, ("frozen", *verdict)))
            return replace(row, frozen=verdict)
        rest = tuple(c for c in row.copies if c.received >= cut.at)
        if self.mutant == "no-parking":
            rest = ()
        if cut.kind == "close":
            acts.append(self._archived(row, known, cut.at))
            last = self.view(known).last
            return replace(
                row, phase="stub", copies=rest, last=last, closed=cut.at, frozen=None
            )
        if cut.kind == "reopen":
            old, new = self._split(known, cut)
            acts.append(self._archived(row, old, cut.at))
            return replace(row, copies=(*new, *rest), frozen=None)
        if cut.kind == "expire":
            return replace(row, phase="life" if rest else "none", copies=rest)
        return self._judge(row, cut, acts)

    def _archived(self, row: Row, copies: tuple[Copy, ...], at: int) -> Act:
        seen = self.view(copies)
        return Act({seen.cell: seen.contribution(row, at, ended=True)}, ("closed", at))

    def _split(
        self, known: tuple[Copy, ...], cut: Cut
    ) -> tuple[tuple[Copy, ...], tuple[Copy, ...]]:
        events = self.view(known).events
        assert cut.promise
        start = cut.promise.arrival
        old = tuple(c for c in known if events[c.event.id].arrival < start)
        return old, tuple(c for c in known if events[c.event.id].arrival >= start)

    def _judge(self, row: Row, cut: Cut, acts: list[Act]) -> Row:
        now = tuple(c for c in row.copies if c.received < cut.at)
        if self.mutant == "refused-on-sight":
            now = row.copies
        later = tuple(c for c in row.copies if c not in now)
        events = self.view(now).events
        kept: set[str] = set()
        for copy in sorted(events.values(), key=lambda c: c.order):
            opens = copy.event.kind == "promise" and copy.at - row.last >= GAP
            if opens or kept:
                kept.add(copy.event.id)
        refused = [c for c in now if c.event.id not in kept]
        if refused:
            counts = {REFUSED: {"order_closed": len(refused)}}
            acts.append(Act(counts, ("refused", refused[0].received, len(refused))))
        if not kept:
            return replace(row, copies=later)
        life = tuple(c for c in now if c.event.id in kept)
        return replace(row, phase="life", copies=(*life, *later), frozen=None)

    def contribution(self, row: Row) -> Cells:
        """Return what a row adds to the cells at the clock it was settled to."""
        cells: Cells = {}
        if not row.copies:
            return cells
        if row.phase == "stub":
            add(cells, PARKED, {"parked": len(row.copies)})
            return cells
        cut = self.cut(row)
        shown = row.copies
        if cut and self.mutant != "no-parking":
            shown = self.before(row, cut.at)
            if cut.kind == "reopen":
                shown, _ = self._split(shown, cut)
        if len(shown) < len(row.copies):
            add(cells, PARKED, {"parked": len(row.copies) - len(shown)})
        if shown:
            seen = self.view(shown)
            add(cells, seen.cell, seen.contribution(row, row.clock, ended=False))
        return cells

    def deadlines(self, row: Row) -> Iterator[int]:
        """Yield the later instants at which the clock alone changes something."""
        cut = self.cut(row)
        if cut:
            yield cut.at
        if row.phase == "life":
            shown = self.before(row, cut.at) if cut else row.copies
            if cut and cut.kind == "reopen":
                shown, _ = self._split(shown, cut)
            seen = self.view(shown)
            if seen.promise:
                yield seen.end + 1
