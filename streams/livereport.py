"""The report of the running tower, read from `kpi-cells` and nothing else.

Every partition publishes absolute cells and, after them, the clock they are of: until that
has come too, they are half a picture and not shown. Summed over all partitions they are the
report; `wait` reads on until every clock has passed an instant.
"""

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any

from aiokafka import TopicPartition

from models.base import Millis
from streams import topics
from streams.admin import describe_topics
from streams.config import Settings
from streams.domain.cells import Contribution, Measures, add, decode_cell, merge
from streams.domain.report import report
from streams.domain.zones import instant
from streams.engine.reader import bounds, group_less, read
from streams.errors import TowerError
from streams.published import clock_keys
from streams.topics import named

PAUSE_SECONDS = 0.2

Published = dict[bytes, bytes]
Waiting = Callable[[Millis, str], None]
CLOCK_OF = b"~partition"


class Shown:
    """What the partitions published, each as of the end of a whole publication."""

    def __init__(self, published: Published | None = None) -> None:
        self.published: Published = {} if published is None else published
        self._coming: dict[tuple[bytes, bytes], dict[bytes, bytes | None]] = {}

    def heard(self, _: TopicPartition, key: bytes, value: bytes | None) -> None:
        """Take a record of `kpi-cells`, in the order of its partition."""
        kind, _, rest = key.partition(b"/")
        number, _, cell = rest.partition(b"/")
        if kind not in {b"orders", b"groups"}:
            self._show(key, value)
        elif cell != CLOCK_OF:
            self._coming.setdefault((kind, number), {})[key] = value
        else:
            for each, measures in self._coming.pop((kind, number), {}).items():
                self._show(each, measures)
            self._show(key, value)

    def _show(self, key: bytes, value: bytes | None) -> None:
        if value is None:
            self.published.pop(key, None)
        else:
            self.published[key] = value


async def live_report(
    settings: Settings,
    wait: Millis | None = None,
    told: Waiting | None = None,
    patience: float | None = None,
) -> dict[str, Any]:
    """Return the report of the running tower; with `wait` once every clock has passed it.

    And once what orders had asked about couriers by then is answered.

    While it waits `told` hears the least clock and the key of whose it is; `patience` is for
    how many seconds it waits at most.

    Raises:
        TowerError: there is no tower in this namespace, nothing was published yet, or a clock
            stayed behind for so long.
    """
    give_up = None if patience is None else time.monotonic() + patience
    topic = named(settings.namespace, topics.KPI_CELLS)
    there = await describe_topics(settings.kafka, [topic])
    if topic not in there:
        raise TowerError(f"There is no topic {topic}: no worker has run in this namespace.")
    count = there[topic].partitions
    partitions = [TopicPartition(topic, number) for number in range(count)]
    shown = Shown()
    async with group_less(settings.kafka, "tower.report") as consumer:
        read_to = dict.fromkeys(partitions, 0)
        while True:
            ends = await bounds(consumer, partitions)
            ranges = {tp: (max(read_to[tp], ends[tp][0]), ends[tp][1]) for tp in partitions}
            await read(consumer, ranges, shown.heard)
            read_to = {tp: ends[tp][1] for tp in partitions}
            least, whose = furthest_behind(shown.published, count)
            if wait is None or (least >= wait and not unanswered(shown.published)):
                return summed(shown.published)
            if told is not None:
                told(least, whose)
            if give_up is not None and time.monotonic() >= give_up:
                at = instant(least).isoformat(timespec="seconds") if least else "unknown"
                raise TowerError(
                    f"After {patience:g} s the clock of {whose} is still {at}:"
                    " `tower doctor` says what holds it back."
                )
            await asyncio.sleep(PAUSE_SECONDS)


def summed(published: Published) -> dict[str, Any]:
    """Return the report of what the partitions published.

    While workers judge by different rules it names all of them, joined by `+`.
    """
    events: Measures = {}
    cells = []
    clocks: list[Millis] = []
    rules: set[str] = set()
    for key, value in published.items():
        kind, _, rest = key.decode().partition("/")
        said = json.loads(value)
        name = rest.partition("/")[2]
        if kind not in {"orders", "groups"}:
            add(events, said["counts"])
        elif name != "~partition":
            cells.append((decode_cell(name), said))
        elif kind == "orders":
            clocks.append(said["clock"])
            rules.add(said["rules"])
    if not clocks:
        raise TowerError("No worker has published anything in this namespace yet.")
    totals: Contribution = merge(cells)
    return report(totals, events, min(clocks), "+".join(sorted(rules)))


def least_clock(published: Published, partitions: int) -> Millis:
    """Return the least clock of all partitions of all folds, 0 while one is missing."""
    return furthest_behind(published, partitions)[0]


def unanswered(published: Published) -> int:
    """Return how many orders wait to hear where a courier was."""
    return sum(
        json.loads(value).get("unanswered", 0)
        for key, value in published.items()
        if key.endswith(CLOCK_OF)
    )


def furthest_behind(published: Published, partitions: int) -> tuple[Millis, str]:
    """Return the least clock and the key of `kpi-cells` that says it or is missing (0)."""
    clocks = []
    for number in range(partitions):
        for key in clock_keys(number):
            value = published.get(key.encode())
            clocks.append((0 if value is None else int(json.loads(value)["clock"]), key))
    return min(clocks)
