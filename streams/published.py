"""The clocks and rule sets on `kpi-cells`, read from the end backwards.

Whoever publishes says its clock about once a second, so the newest few thousand records hold
all of them; only for one that has long been silent is more read.
"""

import json
from collections.abc import Mapping
from typing import Any

from aiokafka import TopicPartition

from models.base import Millis
from streams import topics
from streams.engine.reader import read

TAIL = 2_000  # records of a partition that are read at first; each time after, ten times more

Ranges = Mapping[TopicPartition, tuple[int, int]]


def clock_keys(partition: int) -> tuple[str, ...]:
    """Return the keys under which a partition of `kpi-cells` holds clocks."""
    return (
        f"ingest/{topics.ORDER_EVENTS}/{partition}",
        f"ingest/{topics.COURIER_EVENTS}/{partition}",
        f"couriers/{partition}",
        f"orders/{partition}/~partition",
        f"groups/{partition}/~partition",
    )


class Published:
    """What was said last under the keys of clocks; read on from where it was."""

    def __init__(self) -> None:
        self._said: dict[str, bytes] = {}
        self._read_to: dict[TopicPartition, int] = {}

    async def read(self, consumer: Any, logs: Ranges) -> None:  # noqa: ANN401
        """Hear what is new; `logs` are [begin, end) of the topic's partitions."""
        ends = {tp: end for tp, (_, end) in logs.items()}
        if self._read_to:
            news = {tp: (self._read_to[tp], end) for tp, end in ends.items()}
            self._said |= await _clocks(consumer, news)
        else:
            await self._backwards(consumer, logs)
        self._read_to = ends

    async def _backwards(self, consumer: Any, logs: Ranges) -> None:  # noqa: ANN401
        upper = {tp: end for tp, (_, end) in logs.items()}
        window = TAIL
        while upper:
            part = {tp: (max(logs[tp][0], to - window), to) for tp, to in upper.items()}
            self._said = await _clocks(consumer, part) | self._said
            upper = {
                tp: at
                for tp, (at, _) in part.items()
                if at > logs[tp][0] and not self._said.keys() >= set(clock_keys(tp.partition))
            }
            window *= 10

    def clocks(self) -> dict[str, Millis]:
        """Return the clocks by their keys; who never spoke is missing."""
        return {key: int(json.loads(value)["clock"]) for key, value in self._said.items()}

    def words(self, field: str) -> frozenset[str]:
        """Return the different values of `time` (wall, feed) or `rules` (ids)."""
        said = (json.loads(value).get(field) for value in self._said.values())
        return frozenset(each for each in said if each)


async def _clocks(consumer: Any, ranges: Ranges) -> dict[str, bytes]:  # noqa: ANN401
    """Return the last value of each clock's key in the ranges."""
    wanted = {key.encode() for tp in ranges for key in clock_keys(tp.partition)}
    found: dict[str, bytes] = {}

    def heard(_: TopicPartition, key: bytes, value: bytes | None) -> None:
        if key in wanted and value is not None:
            found[key.decode()] = value

    await read(consumer, ranges, heard)
    return found
