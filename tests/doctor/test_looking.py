"""Looking never raises and never reads more than it must."""

import asyncio
import json

import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.errors import NodeNotReadyError

from streams.admin import ensure_topics
from streams.config import Settings
from streams.doctor.look import tried
from streams.doctor.seen import Unseen
from streams.engine.reader import bounds, group_less
from streams.errors import TowerError
from streams.published import TAIL, Published, clock_keys
from streams.topics import named


async def failing(error):
    raise error


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (NodeNotReadyError("away"), "did not do as asked (NodeNotReadyError('away'))"),
        (TowerError("No login."), "No login."),
        (OSError("reset"), "did not do as asked (OSError('reset'))"),
        (ValueError("no JSON"), "did not do as asked (ValueError('no JSON'))"),
        (TimeoutError(), "did not answer in time"),
    ],
)
async def test_what_goes_wrong_is_a_sentence(error, words):
    found = await tried(failing(error), 1)
    assert isinstance(found, Unseen)
    assert words in found.why


async def test_what_is_slow_is_given_up():
    assert await tried(asyncio.Event().wait(), 0.01, "Too slow.") == Unseen("Too slow.")


@pytest.mark.kafka
async def test_a_clock_is_found_behind_many_newer_cells_and_news_are_heard(broker, namespace):
    settings = Settings(brokers=broker.bootstrap, namespace=namespace, partitions=1)
    await ensure_topics(broker.bootstrap, settings)
    topic = named(namespace, "kpi-cells")
    tp = TopicPartition(topic, 0)
    producer = AIOKafkaProducer(bootstrap_servers=broker.bootstrap)
    await producer.start()
    async with group_less(broker.bootstrap, "test") as consumer:

        async def say(key, at):
            value = json.dumps({"clock": at, "time": "wall", "rules": "r"}).encode()
            await producer.send_and_wait(topic, value, key.encode(), partition=0)

        keys = clock_keys(0)
        for at in (1, 2):
            await say(keys[0], at)
        for _ in range(2 * TAIL):
            await producer.send(topic, b"{}", b"orders/0/a cell", partition=0)
        for key in keys[1:]:
            await say(key, 3)
        published = Published()
        await published.read(consumer, await bounds(consumer, [tp]))
        assert published.clocks() == dict(zip(keys, (2, 3, 3, 3, 3), strict=True))
        assert published.words("rules") == {"r"}

        await say(keys[0], 4)
        await published.read(consumer, await bounds(consumer, [tp]))
        assert published.clocks() == dict(zip(keys, (4, 3, 3, 3, 3), strict=True))
    await producer.stop()
