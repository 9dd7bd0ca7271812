"""Hostile messages among good ones: the good ones count, the others are set aside, in order.

`--seed N` chooses both. Every hostile message must come to the end the catalogue commits to:
accepted, a duplicate, or a dead letter under its origin with that reason and its raw bytes.
"""

import asyncio
import json
from datetime import datetime

import pytest

from models.base import millis
from streams.admin import ensure_topics
from streams.config import Settings
from streams.domain.zones import instant
from streams.topics import DEAD_LETTERS, ORDER_FACTS, named
from tests.equality.comparing import differences
from tests.hostile.exposition import checked
from tests.hostile.judging import (
    Letters,
    expected_report,
    facts_of,
    judged,
    lags,
    timed_as_sent,
)
from tests.hostile.mixing import good, in_feed_time, intruders, mixed, now, produce
from tests.processes import towers, until

pytestmark = pytest.mark.kafka
PARTITIONS = 4
# Ticks of the clock go there for ever in wall time.
LOGS = ("order-log", "courier-log", "group-log")


@pytest.mark.parametrize(
    ("clock", "number"),
    [
        ("wall", 500),
        pytest.param("feed", 500, marks=pytest.mark.slow),
        pytest.param("wall", 10_000, marks=[pytest.mark.slow, pytest.mark.timeout(400)]),
        pytest.param("feed", 10_000, marks=[pytest.mark.slow, pytest.mark.timeout(400)]),
    ],
)
def test_the_good_ones_count_and_the_others_are_set_aside(  # noqa: PLR0917
    broker, namespace, tmp_path, seed, clock, number, read_topic
):
    at = now()
    good_ones = good(seed, number, at)
    stream = mixed(seed, good_ones, intruders(seed, number, at, clock))
    assert len(stream) == 2 * number
    settings = Settings(brokers=broker.bootstrap, namespace=namespace, partitions=PARTITIONS)
    asyncio.run(ensure_topics(broker.bootstrap, settings))
    with towers(broker.bootstrap, namespace, tmp_path, clock=clock) as tower:
        workers = tower.workers(2)
        told = in_feed_time(stream) if clock == "feed" else stream
        sent = asyncio.run(produce(broker.bootstrap, namespace, PARTITIONS, told))
        if clock == "feed":
            sent = timed_as_sent(sent)
        as_of = max(each.timestamp for each in sent) + (clock == "wall")
        report = tower.report(instant(as_of).isoformat(), seconds=200)
        assert [each.code for each in workers] == [None, None], tower.says()
        until(lambda: _read_up(broker, namespace, clock), 30, lambda: str(tower.says()))
        for worker in workers:
            checked(worker)

    letters = Letters()
    for record in asyncio.run(read_topic(named(namespace, DEAD_LETTERS))):
        letters.add(record.key, record.value)
    assert judged(sent, letters) == []
    facts = facts_of(asyncio.run(read_topic(named(namespace, ORDER_FACTS))))
    closed = [each.message for each in sent if each.message.expect == "order_closed"]
    assert closed or number < 1_000
    assert all(facts[json.loads(each.value)["order_id"], "correction"] for each in closed)

    replayed = expected_report(sent, millis(datetime.fromisoformat(report["as_of"])))
    assert differences(report, replayed) == []
    assert report["total"]["orders"] > number / 20
    assert report["events"]["read"] == 2 * number


def _read_up(broker, namespace, clock):
    behind = asyncio.run(lags(broker.bootstrap, namespace))
    return all(
        lag == 0 or (clock == "wall" and topic in LOGS and lag < 100)
        for topic, lag in behind.items()
    )
