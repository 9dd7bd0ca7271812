"""Sources, ingests, folds and a scheduler that kills, stalls and doubles them by seed."""

import random
from collections.abc import Iterator
from typing import Any, NamedTuple

from .events import Cells, Copy
from .fold import START, Fold, Logs, Record
from .history import END, MARGIN, Arrival, disturb, history
from .oracle import judge

PARTITIONS = 2
PATIENCE = 30_000  # steps after which a history that does not end is called stuck


class Stored(NamedTuple):
    """The ingest row: where to go on, how many were read, the last tick sent."""

    position: int = 0
    read: int = 0
    tick: int = START


class Ingest:
    """One incarnation of the re-keying of one source partition."""

    def __init__(self, world: "World", upstream: int) -> None:
        self.world, self.upstream = world, upstream
        self.stored = world.ingest_rows[upstream]
        self.flying: tuple[int, Record] | None = None
        self.quiet = False

    def run(self) -> Iterator[None]:
        world, mutant = self.world, self.world.mutant
        previous: int | None = None
        while True:
            yield
            source = world.sources[self.upstream]
            place, size = self.stored.position, world.rng.randint(1, 6)
            batch = []
            for arrival in source[place : place + size]:
                if arrival.visible > world.now:
                    break
                batch.append(arrival)
            yield
            answered = world.now
            tick = self.stored.tick
            if batch:
                tick = max(tick, batch[-1].copy.received + (mutant == "tick-past-last"))
            margin = 0 if mutant == "no-margin" else MARGIN
            known = answered if mutant == "tick-of-this-answer" else previous
            if len(batch) < size and known is not None:
                tick = max(tick, known - margin)
            previous = answered
            yield from self._send(batch, tick)
            self.stored = Stored(place + len(batch), self.stored.read + len(batch), tick)
            world.ingest_rows[self.upstream] = max(
                world.ingest_rows[self.upstream], self.stored
            )
            self.quiet = self.stored.position == len(source) and tick >= END

    def _send(self, batch: list[Arrival], tick: int) -> Iterator[None]:
        events: list[list[Record]] = [[] for _ in range(PARTITIONS)]
        for number, arrival in enumerate(batch, self.stored.position):
            events[int(arrival.order[1:]) % PARTITIONS].append(
                Record(self.upstream, number, arrival.order, arrival.copy)
            )
        ticks: list[list[Record]] = [[] for _ in range(PARTITIONS)]
        if tick > self.stored.tick:
            ticks = [[Record(self.upstream, -1, "", None, tick)] for _ in range(PARTITIONS)]
        phases = [events, ticks]
        if self.world.mutant == "tick-before-records":
            phases.reverse()
        for chains in phases:
            yield from self._chains(chains)

    def _chains(self, chains: list[list[Record]]) -> Iterator[None]:
        """Send each chain in its order; a crash leaves a prefix of each."""
        rng = self.world.rng
        while open_chains := [p for p, chain in enumerate(chains) if chain]:
            target = rng.choice(open_chains)
            record = chains[target].pop(0)
            self.flying = target, record
            if self.world.mutant == "sends-past-a-failure" and rng.random() < 0.05:
                yield
                for late in chains[target]:
                    self.world.logs[target].inbox.append(late)
                self.world.fail(self)
                return
            yield
            self.world.logs[target].inbox.append(record)
            self.flying = None


class World:
    """One history, from its seed to its verdict."""

    def __init__(self, seed: int, mutant: str = "") -> None:
        self.rng = random.Random(seed)  # noqa: S311 - histories, not secrets
        self.mutant = mutant
        self.upstreams = self.rng.choice((2, 2, 3))
        self.sources = history(self.rng, self.upstreams)
        self.disturbed = self.rng.random() < 0.2 and disturb(self.rng, self.sources)
        self.doubles = self.rng.random() < 0.4  # late writers; then nothing is tombstoned
        self.now = 0
        self.kills = self.rng.randint(0, 20)
        self.ingest_rows = [Stored() for _ in range(self.upstreams)]
        self.logs = [Logs() for _ in range(PARTITIONS)]
        self.problems: list[str] = []
        self.late: list[tuple[list[Any], Any]] = []
        self.failed: list[Ingest] = []
        self.strays: list[tuple[Ingest | Fold, Iterator[None]]] = []
        self.ingests = [self._ingest(u) for u in range(self.upstreams)]
        self.folds = [self._fold(p) for p in range(PARTITIONS)]
        self.checked = [0] * PARTITIONS

    def _ingest(self, upstream: int) -> tuple[Ingest, Iterator[None]]:
        ingest = Ingest(self, upstream)
        return ingest, ingest.run()

    def _fold(self, partition: int) -> tuple[Fold, Iterator[None]]:
        fold = Fold(self.logs[partition], self.upstreams, self.rng, self.mutant)
        fold.keeps_markers = self.doubles
        return fold, fold.run()

    def fail(self, ingest: Ingest) -> None:
        """Note that an ingest died by itself."""
        self.failed.append(ingest)

    # -- the schedule

    def run(self) -> list[str]:
        """Play the history; return what differs from the oracle."""
        pace = [self.rng.choice((1, 3, 10)) for _ in range(self.upstreams + PARTITIONS)]
        rush = self.rng.choice((0.02, 0.1, 0.3))
        for _ in range(PATIENCE):
            if self.now >= END + 2 * MARGIN and self._done():
                break
            if self.rng.random() < rush and self.now < END + 10 * MARGIN:
                self.now += self.rng.randint(1, 8)
            self._step(self.rng.choices(range(len(pace)), pace)[0])
            self._disasters()
            if self.problems:
                return self.problems
        else:
            return ["stuck"]
        for partition in range(PARTITIONS):
            self._check(partition, final=True)
        self._check_sources()
        return self.problems

    def _done(self) -> bool:
        return (
            not self.strays
            and not self.late
            and all(ingest.quiet for ingest, _ in self.ingests)
            and all(
                fold.quiet and fold.applied == len(logs.inbox) - 1
                for (fold, _), logs in zip(self.folds, self.logs, strict=True)
            )
        )

    def _step(self, which: int) -> None:
        if which < self.upstreams:
            ingest, steps = self.ingests[which]
            next(steps, None)
            if ingest in self.failed:
                self.ingests[which] = self._ingest(which)
            return
        partition = which - self.upstreams
        fold, steps = self.folds[partition]
        before = fold.publications
        fold.hurry = self.now >= END + 2 * MARGIN
        next(steps)
        if fold.publications > before and (before == 0 or self.rng.random() < 0.15):
            self._check(partition, final=False)

    def _disasters(self) -> None:
        if self.late and self.rng.random() < 0.05:
            log, record = self.late.pop(0)
            log.append(record)
        if self.strays:
            stray = self.rng.choice(self.strays)
            next(stray[1], None)
            if self.rng.random() < 0.03:
                self.strays.remove(stray)
        if self.kills and self.rng.random() < 0.02:
            self.kills -= 1
            self._kill(self.upstreams + self.rng.randrange(PARTITIONS))
            if self.rng.random() < 0.3:
                self._kill(self.rng.randrange(self.upstreams))

    def _kill(self, which: int) -> None:
        """End an incarnation; it may live on unnoticed, or what it sent may land later."""
        lives_on = self.doubles and self.rng.random() < 0.3
        lands = self.doubles and self.rng.random() < 0.3
        if which < self.upstreams:
            ingest, steps = self.ingests[which]
            if lands and ingest.flying and not lives_on:
                target, record = ingest.flying
                self.late.append((self.logs[target].inbox, record))
            self.ingests[which] = self._ingest(which)
            self.strays += [(ingest, steps)] if lives_on else []
            return
        partition = which - self.upstreams
        fold, fold_steps = self.folds[partition]
        fold.fenced = True
        if lands and not lives_on:
            self.late += [(fold.logs.changelog, row) for row in fold.pending]
        self.folds[partition] = self._fold(partition)
        self.strays += [(fold, fold_steps)] if lives_on else []

    # -- the verdict

    def _check(self, partition: int, *, final: bool) -> None:
        logs, fold = self.logs[partition], self.folds[partition][0]
        orders, clock = effective(logs.inbox[: fold.applied + 1], self.upstreams)
        cells, facts = judge(orders, clock)
        if cells != logs.published():
            self.problems.append(
                f"cells of {partition} at {clock}: {_difference(cells, logs.published())}"
            )
        counted = sum(
            measures.get(name, 0)
            for measures in cells.values()
            for name in ("accepted", "duplicate", "order_closed", "parked")
        )
        if counted != sum(map(len, orders.values())):
            self.problems.append(f"{counted} copies counted in {partition} at {clock}")
        if final and facts != set(logs.facts):
            self.problems.append(
                f"facts of {partition}: {sorted(map(str, facts ^ set(logs.facts)))}"
            )

    def _check_sources(self) -> None:
        """Nothing read is missing in the inboxes, nor counted twice; ticks were honest."""
        for u, source in enumerate(self.sources):
            if self.ingest_rows[u].read != len(source):
                self.problems.append(f"ingest of {u} counted {self.ingest_rows[u].read}")
        seen: dict[tuple[int, int], int] = {}
        for logs in self.logs:
            entries = dict.fromkeys(range(self.upstreams), START)
            for record in logs.inbox:
                u = record.upstream
                if record.copy is None:
                    entries[u] = max(entries[u], record.tick)
                else:
                    seen.setdefault((u, record.origin), max(entries[u], record.copy.received))
        for u, source in enumerate(self.sources):
            for number, arrival in enumerate(source):
                received = seen.pop((u, number), None)
                honest = received == arrival.copy.received or self.disturbed
                if received is None or not honest:
                    self.problems.append(f"record {number} of {u}: received {received}")


def effective(inbox: list[Record], upstreams: int) -> tuple[dict[str, list[Copy]], int]:
    """Return each order's copies as they count, and the clock, by the inbox alone."""
    entries = dict.fromkeys(range(upstreams), START)
    orders: dict[str, list[Copy]] = {}
    seen: set[tuple[int, int]] = set()
    for record in inbox:
        u = record.upstream
        if record.copy is None:
            entries[u] = max(entries[u], record.tick)
        elif (u, record.origin) not in seen:
            seen.add((u, record.origin))
            received = max(record.copy.received, entries[u])
            orders.setdefault(record.order, []).append(record.copy._replace(received=received))
    return orders, min(entries.values())


def _difference(want: Cells, have: Cells) -> str:
    return "; ".join(
        f"{cell}: {have.get(cell)} instead of {want.get(cell)}"
        for cell in sorted({*want, *have})
        if want.get(cell) != have.get(cell)
    )
