"""Where the time of the running workers comes from, as they publish it beside their counts.

A file sent on one clock to workers on the other is judged by wrong instants or refused tick by
tick, and a worker on another clock than its group brings the instants of one into the other. So
whoever sends asks first, and a worker before it joins.
"""

import asyncio

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from streams import topics
from streams.admin import describe_topics, unreachable
from streams.config import Settings
from streams.engine.reader import bounds, group_less
from streams.errors import TowerError
from streams.published import Published
from streams.refusal import FORBIDDEN, forbidden
from streams.topics import named

ANSWER_SECONDS = 60.0  # for the broker to show the newest cells


async def worker_clocks(settings: Settings) -> frozenset[str]:
    """Return the clocks (`wall`, `feed`) that workers published; none before the first did."""
    topic = named(settings.namespace, topics.KPI_CELLS)
    there = await describe_topics(settings.kafka, [topic])
    if topic not in there:
        return frozenset()
    partitions = [TopicPartition(topic, each) for each in range(there[topic].partitions)]
    published = Published()
    try:
        async with (
            asyncio.timeout(ANSWER_SECONDS),
            group_less(settings.kafka, "tower.clock") as consumer,
        ):
            await published.read(consumer, await bounds(consumer, partitions))
    except FORBIDDEN as error:
        raise forbidden(settings.kafka, error) from error
    except (KafkaError, OSError, TimeoutError) as error:
        raise unreachable(settings.kafka) from error
    return published.words("time")


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


async def refuse_another_clock(settings: Settings, so: str) -> None:
    """Raise TowerError if workers are on another clock than the settings'; `so` ends it."""
    finding = await clock_finding(settings)
    if finding is not None:
        raise TowerError(f"{finding} {so}")
