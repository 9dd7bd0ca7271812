"""Where the time of the running workers comes from, as they publish it beside their counts.

A file sent on one clock to workers on the other is judged by wrong instants or refused tick by
tick, so whoever sends asks first.
"""

import json

from aiokafka import TopicPartition

from streams import topics
from streams.admin import describe_topics
from streams.config import Settings
from streams.engine.reader import bounds, group_less, read
from streams.errors import TowerError
from streams.topics import named


async def worker_clocks(settings: Settings) -> frozenset[str]:
    """Return the clocks (`wall`, `feed`) that workers published; none before the first did."""
    topic = named(settings.namespace, topics.KPI_CELLS)
    there = await describe_topics(settings.kafka, [topic])
    if topic not in there:
        return frozenset()
    partitions = [TopicPartition(topic, each) for each in range(there[topic].partitions)]
    said: dict[bytes, str] = {}

    def heard(_: TopicPartition, key: bytes, value: bytes | None) -> None:
        if key.startswith(b"ingest/") and value is not None:
            said[key] = json.loads(value).get("time", "")

    async with group_less(settings.kafka, "tower.clock") as consumer:
        await read(consumer, await bounds(consumer, partitions), heard)
    return frozenset(said.values()) - {""}


async def clock_finding(settings: Settings) -> str | None:
    """Return the sentence for workers on another clock than the settings', else None."""
    others = await worker_clocks(settings) - {settings.clock}
    if not others:
        return None
    other = min(others)
    return (
        f"The workers of the namespace {settings.namespace} are on the clock {other}, not"
        f" {settings.clock}: set TOWER_CLOCK={other} (tower publish --clock {other}), or start"
        f" the workers with TOWER_CLOCK={settings.clock} in a namespace of their own."
    )


async def refuse_another_clock(settings: Settings) -> None:
    """Raise TowerError if workers are on another clock than the settings'."""
    finding = await clock_finding(settings)
    if finding is not None:
        raise TowerError(f"{finding} Nothing was sent.")
