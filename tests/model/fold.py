"""The fold of one inbox partition, with a crash possible at every `yield`."""

import heapq
import random
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from .events import Cells, Copy, Measures, add
from .order import Orders, Row

START = -1  # the clock of an upstream never heard of


class Record(NamedTuple):
    """One record of an inbox partition: an event of an order, or a tick of its upstream."""

    upstream: int
    origin: int
    order: str
    copy: Copy | None
    tick: int = 0


@dataclass
class Logs:
    """What survives: the logs around one partition. Lists only ever grow."""

    inbox: list[Record] = field(default_factory=list)
    changelog: list[tuple[str, Any, int]] = field(default_factory=list)
    facts: list[tuple[object, ...]] = field(default_factory=list)
    cells: list[tuple[str, Measures]] = field(default_factory=list)
    committed: int = -1

    def published(self) -> Cells:
        """Return the cells as a reader sees them."""
        latest = dict(self.cells)
        return {cell: measures for cell, measures in latest.items() if measures}


class Fold:
    """One incarnation: recovers, then folds, flushes and publishes until it is dropped."""

    def __init__(
        self, logs: Logs, upstreams: int, rng: random.Random, mutant: str = ""
    ) -> None:
        self.logs, self.rng, self.mutant = logs, rng, mutant
        self.rules = Orders(mutant)
        self.entries = dict.fromkeys(range(upstreams), START)
        self.origins = dict.fromkeys(range(upstreams), -1)
        self.rows: dict[str, Row] = {}
        self.archive: dict[str, tuple[int, Measures]] = {}
        self.recovered: dict[str, int] = {}
        self.heap: list[tuple[int, str]] = []
        self.live: Cells = {}
        self.facts: list[tuple[object, ...]] = []
        self.dirty_rows: set[str] = set()
        self.dirty_archive: set[str] = set()
        self.pending: list[tuple[str, Any, int]] = []
        self.markers: dict[str, int] = {}
        self.last_published: Cells | None = None
        self.publications = 0
        self.haste = rng.choice((0.03, 0.1, 0.4))  # how often a flush is a barrier
        self.quiet = False
        self.keeps_markers = False
        self.hurry = False  # the end of the history is near: a barrier wherever it is idle
        self.fenced = False  # an owner without heartbeat publishes no cells
        self.applied = -1
        self.passed = -1
        self._recover()

    # -- time

    @property
    def clock(self) -> int:
        if self.mutant == "clock-is-max":
            return max(self.entries.values())
        return min(self.entries.values())

    # -- recovery

    def _recover(self) -> None:
        best = self._winners()
        meta, self.applied = best.pop("partition", (None, -1))
        if meta:
            self.entries, self.origins = dict(meta[0]), dict(meta[1])
        if self.mutant == "resume-from-commit":
            self.applied = self.logs.committed
        if self.mutant == "clock-not-restored":
            self.entries = dict.fromkeys(self.entries, START)
        if self.mutant == "origins-not-restored":
            self.origins = dict.fromkeys(self.origins, -1)
        for key, (value, off) in best.items():
            kind, _, name = key.partition(" ")
            self.passed = max(self.passed, off)
            if kind == "archive":
                self.archive[name] = off, dict(value)
                self.recovered[name] = off
                add(self.live, name, value)
            else:
                self.rows[name] = value
                self._count(value, 1)
                self._arm(name, value, self._since(value))
                if value.phase == "none":
                    self.markers[name] = off

    def _winners(self) -> dict[str, tuple[Any, int]]:
        """Return what the changelog holds: of two rows of a key the higher offset."""
        best: dict[str, tuple[Any, int]] = {}
        last = self.mutant == "last-row-wins"
        for key, value, off in self.logs.changelog:
            if value is None:
                best.pop(key, None)
            elif last or key not in best or off >= best[key][1]:
                best[key] = value, off
        return best

    def _since(self, row: Row) -> int:
        """Return the instant after which a recovered row's deadlines are still to come."""
        return self.clock if self.mutant == "deadlines-before-guard" else row.clock

    def _arm(self, name: str, row: Row, since: int) -> None:
        later = [at for at in self.rules.deadlines(row) if at > since]
        if later:
            heapq.heappush(self.heap, (min(later), name))

    def _count(self, row: Row, sign: int) -> None:
        for cell, measures in self.rules.contribution(row).items():
            add(self.live, cell, measures, sign)

    # -- one record

    def apply(self, off: int, record: Record) -> None:
        if record.copy is None:
            self._tick(off, record)
        else:
            self._event(off, record, record.copy)
        self.applied = off

    def _tick(self, off: int, record: Record) -> None:
        entry = self.entries[record.upstream]
        self.entries[record.upstream] = max(entry, record.tick)
        while self.heap and self.heap[0][0] <= self.clock:
            at, name = heapq.heappop(self.heap)
            row = self.rows.get(name)
            if row is None or not self._live_deadline(row, at, off):
                continue
            self._put(name, row, off, at)

    def _live_deadline(self, row: Row, at: int, off: int) -> bool:
        if self.mutant in ("deadlines-before-guard", "no-row-guard"):
            return True
        if self.mutant == "guard-stops-second-deadline":
            return row.off < off
        stale = at <= row.clock
        # A row ahead was settled past this instant; one of this very record may go on.
        return not stale and (row.off <= off)

    def _event(self, off: int, record: Record, copy: Copy) -> None:
        u = record.upstream
        if record.origin <= self.origins[u] and self.mutant != "no-origin-vector":
            return
        self.origins[u] = max(self.origins[u], record.origin)
        if self.mutant != "no-clamp":
            copy = copy._replace(received=max(copy.received, self.entries[u]))
        row = self.rows.get(record.order, Row())
        if row.off >= off and self.mutant != "no-row-guard":
            return
        self._put(record.order, replace(row, copies=(*row.copies, copy)), off, self.clock)

    def _put(self, name: str, row: Row, off: int, clock: int) -> None:
        if name in self.rows:
            self._count(self.rows[name], -1)
        row, acts = self.rules.settle(row, clock)
        row = replace(row, off=off)
        for act in acts:
            self.facts.append((name, *act.fact))
            for cell, measures in act.cells.items():
                self._archive(cell, measures, off)
        self.rows[name] = row
        self.dirty_rows.add(name)
        self.markers.pop(name, None)
        if row.phase == "none":
            self.markers[name] = off
        self._count(row, 1)
        self._arm(name, row, row.clock)

    def _archive(self, cell: str, measures: Measures, off: int) -> None:
        at, sums = self.archive.get(cell, (-1, {}))
        guard = self.recovered.get(cell, -1)
        if self.mutant == "archive-guard-current":
            guard = at
        if self.mutant == "no-archive-guard":
            guard = -1
        if off <= guard:
            return
        cells = {cell: dict(sums)} if sums else {}
        add(cells, cell, measures)
        self.archive[cell] = off, cells.get(cell, {})
        self.dirty_archive.add(cell)
        add(self.live, cell, measures)

    # -- durability

    def run(self) -> Iterator[None]:
        """Read, fold, flush, now and then a barrier; each yield is a chance to die."""
        while True:
            yield
            self._read()
            yield from self._flush()
            drained = self.hurry and self.applied == len(self.logs.inbox) - 1
            if drained or self.rng.random() < self.haste:
                yield from self._barrier()

    def _read(self) -> None:
        batch = self._fetch()
        if not batch:
            return
        self.quiet = False
        expected = self.applied + 1
        if self.mutant == "contiguity-at-batch-starts":
            if batch[0][0] == expected:
                for off, record in batch:
                    self.apply(off, record)
            return
        for off, record in batch:
            if off < self.applied + 1:
                continue
            if off > self.applied + 1:
                break
            self.apply(off, record)

    def _fetch(self) -> list[tuple[int, Record]]:
        """Return what the transport makes of the next records: it may drop, repeat, leap."""
        start = self.applied + 1
        if self.rng.random() < 0.05:
            start = max(0, start + self.rng.randint(-3, 2))
        end = start + self.rng.randint(1, 8)
        batch = list(enumerate(self.logs.inbox[start:end], start))
        if len(batch) > 2 and self.rng.random() < 0.05:
            batch.pop(self.rng.randrange(1, len(batch) - 1))
        return batch

    def _shuffled(self, rows: list[tuple[str, Any, int]]) -> list[tuple[str, Any, int]]:
        return self.rng.sample(rows, len(rows))

    def _flush(self) -> Iterator[None]:
        facts, self.facts = self.facts, []
        archive = [
            (f"archive {cell}", dict(self.archive[cell][1]), self.archive[cell][0])
            for cell in sorted(self.dirty_archive)
        ]
        orders = [
            (f"order {name}", self.rows[name], self.rows[name].off)
            for name in sorted(self.dirty_rows)
        ]
        self.dirty_archive, self.dirty_rows = set(), set()
        steps = [self._send_facts(facts), self._send_rows(archive)]
        if self.mutant == "stub-before-archive":
            steps.insert(0, self._send_rows(orders))
            orders = []
        if self.mutant == "outputs-after-rows":
            steps = [self._send_rows(archive), self._send_rows(orders), steps[0]]
            orders = []
        for step in steps:
            yield from step
        self.pending += orders
        for _ in range(self.rng.randint(0, len(self.pending))):
            yield from self._land()

    def _send_facts(self, facts: list[tuple[object, ...]]) -> Iterator[None]:
        for fact in self.rng.sample(facts, len(facts)):
            self.logs.facts.append(fact)
            yield

    def _send_rows(self, rows: list[tuple[str, Any, int]]) -> Iterator[None]:
        for row in self._shuffled(rows):
            self.logs.changelog.append(row)
            yield

    def _land(self) -> Iterator[None]:
        """Let one of the rows on their way become durable, whichever."""
        row = self.pending.pop(self.rng.randrange(len(self.pending)))
        self.logs.changelog.append(row)
        yield

    def _barrier(self) -> Iterator[None]:
        applied = self.applied
        meta = dict(self.entries), dict(self.origins)
        partition = ("partition", meta, applied)
        if self.mutant == "partition-row-before-rows":
            yield from self._send_rows([partition])
        if self.mutant == "resume-from-commit":
            self.logs.committed = applied
        if self.mutant == "tombstone-before-partition-row":
            yield from self._tombstones(applied)
        while self.pending:
            yield from self._land()
        yield from self._send_rows([partition])
        self.logs.committed = max(self.logs.committed, applied)
        yield from self._tombstones(applied)
        if applied >= self.passed or self.mutant == "published-early":
            yield from self._publish()
        self.quiet = True

    def _tombstones(self, applied: int) -> Iterator[None]:
        for name, off in sorted(self.markers.items()):
            # Late writers could bring back what a tombstone removed (docs/protocol.md, 4).
            if not self.keeps_markers and (
                off <= applied or self.mutant == "tombstone-before-partition-row"
            ):
                del self.markers[name]
                self._count(self.rows.pop(name), -1)
                self.logs.changelog.append((f"order {name}", None, off))
                yield

    def _publish(self) -> Iterator[None]:
        if self.fenced:
            return
        before = self.last_published
        if before is None:
            # The first time everything is written, and what nobody rebuilt is emptied.
            before = {cell: {"stale": 1} for cell in (*self.live, *self.logs.published())}
            if self.mutant == "takeover-leaves-cells":
                before = {cell: {"stale": 1} for cell in self.live}
        for cell in sorted({*before, *self.live}):
            measures = self.live.get(cell, {})
            if before.get(cell, {}) != measures:
                self.logs.cells.append((cell, dict(measures)))
                yield
        self.last_published = {cell: dict(measures) for cell, measures in self.live.items()}
        self.publications += 1
