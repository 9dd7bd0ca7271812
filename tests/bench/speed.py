"""Events a second: the whole worker beside what else could read the same topic.

Every round publishes the same events to topics of its own; then each contestant has its turn,
one process each. All must count the same.
"""

import asyncio
import statistics
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from streams.config import Settings
from streams.topics import ORDER_EVENTS, named
from tests.bench.contest import Run, contest
from tests.bench.day import END, Counts, Day, day
from tests.bench.table import spread, table, whole
from tests.bench.topic import held, remove
from tests.bench.towers import counted, work


@dataclass(frozen=True, slots=True)
class Contestant:
    """A name, what it does in words, and how it runs over a topic with so many events."""

    name: str
    does: str
    run: Callable[[Settings, int], Run]
    counts_carriers: bool = True


def _bare(settings: Settings, events: int, *more: str) -> Run:
    topic = named(settings.namespace, ORDER_EVENTS)
    module = "tests.bench.peers.bare"
    return contest([sys.executable, "-m", module, settings.brokers, topic, str(events), *more])


def _validated(settings: Settings, events: int) -> Run:
    return _bare(settings, events, "validated")


OTHERS: tuple[Contestant, ...] = (
    Contestant("bare", "aiokafka counts records", _bare, counts_carriers=False),
    Contestant("validated", "the same, each checked", _validated, counts_carriers=False),
)
WORKER = Contestant("worker", "the tower: the whole job", lambda *_: NotImplemented)
CONTESTANTS = {each.name: each for each in (*OTHERS, WORKER)}


async def speed(brokers: str, events: int, rounds: int, names: Sequence[str] = ()) -> str:
    """Return the table of all contestants, or of those named."""
    taking_part = [CONTESTANTS[name] for name in names or CONTESTANTS]
    input_ = day(events)
    runs: dict[str, list[Run]] = {each.name: [] for each in taking_part}
    for number in range(rounds):
        settings = Settings(brokers=brokers, namespace=f"bench{number}", clock="feed")
        topic = await held(settings, input_.lines, END)
        if WORKER in taking_part:
            runs[WORKER.name].append(_checked(WORKER, await work(settings, topic), input_))
        else:
            await topic.show()
        for each in taking_part:
            if each is not WORKER:
                run = await asyncio.to_thread(each.run, settings, len(input_.lines))
                runs[each.name].append(_checked(each, run, input_))
        await remove(settings)
    return _table(taking_part, runs, len(input_.lines))


def _checked(contestant: Contestant, run: Run, wanted: Day) -> Run:
    """Return the run; fails where it counted something else."""
    found: Counts | int = counted(run.counts) if contestant is WORKER else run.counts
    right = wanted.counts if contestant.counts_carriers else len(wanted.lines)
    if found != right:
        raise AssertionError(f"{contestant.name} counted {found} instead of {right}")
    print(
        f"{contestant.name}: {len(wanted.lines) / run.seconds:,.0f} events/s", file=sys.stderr
    )
    return run


def _table(contestants: Sequence[Contestant], runs: dict[str, list[Run]], events: int) -> str:
    head = ["contestant", "events/s", "of bare", "CPU us an event", "peak MiB"]
    rows = []
    for each in contestants:
        mine = runs[each.name]
        speeds = [events / run.seconds for run in mine]
        ratio = "-"
        if "bare" in runs:
            of_bare = [
                b.seconds / run.seconds for b, run in zip(runs["bare"], mine, strict=True)
            ]
            ratio = f"{statistics.median(of_bare):.3f}"
        cpu = statistics.median(run.cpu for run in mine) / events * 1e6
        peak = statistics.median(run.peak for run in mine) / 2**20
        rows.append([each.does, spread(speeds, whole), ratio, f"{cpu:.1f}", whole(peak)])
    rounds = len(runs[contestants[0].name])
    return table(f"Speed ({events:,} events, medians of {rounds} rounds)", head, rows)
