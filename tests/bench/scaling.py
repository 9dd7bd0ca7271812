"""Two workers against one, on the same machine and events."""

import statistics

from streams.config import Settings
from tests.bench.contest import Run
from tests.bench.day import END, day
from tests.bench.table import spread, table, whole
from tests.bench.topic import held, remove
from tests.bench.towers import counted, work

WORKERS = (1, 2)


async def scaling(brokers: str, events: int, rounds: int) -> str:
    """Return the table: each round one worker, then two, over topics of their own."""
    made = day(events)
    runs: dict[int, list[Run]] = {count: [] for count in WORKERS}
    for number in range(rounds):
        for count in WORKERS:
            name = f"scaling{number}x{count}"
            settings = Settings(brokers=brokers, namespace=name, clock="feed")
            run = await work(settings, await held(settings, made.lines, END), count)
            assert counted(run.counts) == made.counts
            runs[count].append(run)
            await remove(settings)
    return _table(runs, len(made.lines))


def _table(runs: dict[int, list[Run]], events: int) -> str:
    rows = []
    for count, mine in runs.items():
        ratios = [one.seconds / run.seconds for one, run in zip(runs[1], mine, strict=True)]
        cpu = statistics.median(run.cpu for run in mine) / events * 1e6
        peak = statistics.median(run.peak for run in mine) / 2**20
        speeds = spread([events / run.seconds for run in mine], whole)
        ratio = f"{statistics.median(ratios):.2f} x"
        rows.append([f"{count}", speeds, ratio, f"{cpu:.1f}", whole(peak)])
    head = ["workers", "events/s", "of one", "CPU us an event", "peak MiB, all"]
    return table(f"Workers ({events:,} events, {len(runs[1])} rounds)", head, rows)
