"""Events a second: the whole worker beside what else could read the same topic.

Every round publishes the same events to topics of its own; then each contestant has its turn,
one process each. All must count the same.
"""

import asyncio
import statistics
import sys
from collections.abc import Sequence

from streams.config import Settings
from tests.bench.contest import Run
from tests.bench.contestants import CONTESTANTS, WORKER, Contestant
from tests.bench.day import END, Counts, Day, day
from tests.bench.table import spread, table, whole
from tests.bench.topic import held, remove
from tests.bench.towers import counted, work


async def speed(brokers: str, events: int, rounds: int, names: Sequence[str] = ()) -> str:
    """Return the table of all contestants, or of those named."""
    taking_part = [each for each in CONTESTANTS if not names or each.name in names]
    for each in taking_part:
        each.needs()
    input_ = day(events)
    runs: dict[str, list[Run]] = {each.name: [] for each in taking_part}
    for number in range(rounds):
        settings = Settings(brokers=brokers, namespace=f"bench{number}", clock="feed")
        topic = await held(settings, input_.lines, END)
        if WORKER in taking_part:  # first: it waits for the topic to be shown
            runs[WORKER.name].append(_checked(WORKER, await work(settings, topic), input_))
        else:
            await topic.show()
        for each in taking_part:
            if each.run is not None:
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
    head = ["", "events/s", "of bare", "the worker to it", "CPU us an event", "peak MiB"]
    rows = []
    for each in contestants:
        mine = runs[each.name]
        cpu = statistics.median(run.cpu for run in mine) / events * 1e6
        rows.append(
            [
                each.does,
                spread([events / run.seconds for run in mine], whole),
                _ratio(mine, runs.get("bare"), "{:.3f}"),
                _ratio(runs.get(WORKER.name), mine, "{:.2f} x"),
                f"{cpu:.1f}",
                whole(statistics.median(run.peak for run in mine) / 2**20),
            ]
        )
    rounds = len(runs[contestants[0].name])
    return table(f"Speed ({events:,} events, {rounds} rounds)", head, rows)


def _ratio(mine: list[Run] | None, other: list[Run] | None, shown: str) -> str:
    """Return how many times as fast as the other, the median over the rounds."""
    if not mine or not other:
        return "-"
    each = [theirs.seconds / ours.seconds for ours, theirs in zip(mine, other, strict=True)]
    return shown.format(statistics.median(each))
