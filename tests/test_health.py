"""A worker's own sensor: what it says of an engine, and what a real worker says of itself."""

import asyncio
from types import SimpleNamespace

import pytest
from aiokafka import AIOKafkaProducer

from streams.admin import ensure_topics
from streams.config import Settings
from streams.engine.rows import pack
from streams.health import HealthCollector
from streams.topics import named
from tests.hostile.exposition import families
from tests.processes import towers, until

CLOCK = 1_800_000_000_000


def engine(**changes):
    """Return an engine with two partitions of which one is 7 records behind."""
    said = {
        "lag": lambda: {("order-log", 0): 7, ("order-log", 1): 0},
        "commit_ages": lambda: {("order-log", 0): 2.5, ("order-log", 1): 0.5},
        "commit_age": lambda: 2.5,
        "flushes_in_flight": 2, "paused": 1, "holes": 3, "recovering": None,
        "recovered_seconds": 1.5, "recovered_rows": 40, "kept_rows": 20, "rebalances": 4,
        "flushes": 90,
    }  # fmt: skip
    return SimpleNamespace(**said | changes)


def scraped(clock=CLOCK, now=CLOCK + 3_500, *, feed=False, behind=False, **changes):
    """Return the samples of a scrape by their names and labels."""
    view = SimpleNamespace(clock=lambda: clock, behind=lambda: behind, ingests=list)
    collector = HealthCollector(engine(**changes), view, feed=feed, wall=lambda: now)
    return {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in collector.collect()
        for sample in family.samples
    }


def test_partitions_are_told_apart():
    found = scraped()
    first, second = ((("partition", number), ("topic", "order-log")) for number in ("0", "1"))
    assert found["tower_consumer_lag_records", *first] == 7
    assert found["tower_consumer_lag_records", *second] == 0
    assert found["tower_partition_commit_age_seconds", *first] == 2.5
    assert found["tower_partition_commit_age_seconds", *second] == 0.5
    assert found["tower_commit_age_seconds",] == 2.5


def test_what_the_engine_counts_is_passed_on():
    found = scraped()
    assert [
        found[f"tower_{name}",]
        for name in (
            "flushes_in_flight", "partitions_paused", "holes", "recovery_seconds",
            "recovered_rows_total", "kept_rows_total", "rebalances_total", "flushes_total",
        )
    ] == [2, 1, 3, 1.5, 40, 20, 4, 90]  # fmt: skip


def test_the_distance_to_the_present_has_a_value_on_the_wall_clock_alone():
    assert scraped()["tower_clock_lag_seconds",] == 3.5
    assert ("tower_clock_lag_seconds",) not in scraped(feed=True)
    assert ("tower_clock_lag_seconds",) not in scraped(clock=0)  # no clock yet


def test_a_recovery_says_how_far_it_has_come():
    def progress(recovering):
        found = scraped(recovering=recovering)
        return [found[f"tower_recovery_offsets_{part}",] for part in ("read", "wanted")]

    assert progress(None) == [0, 0]
    assert progress((30, 400)) == [30, 400]


def test_a_backlog_is_told_from_good_health():
    assert scraped()["tower_replay_in_progress",] == 0
    assert scraped(behind=True)["tower_replay_in_progress",] == 1


ROWS = 300_000


async def filled(bootstrap, namespace):
    """Leave many rows for the ingest of one partition, which has one event to read."""
    settings = Settings(brokers=bootstrap, namespace=namespace, partitions=1)
    await ensure_topics(bootstrap, settings)
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, linger_ms=20)
    await producer.start()
    try:
        await producer.send_and_wait(named(namespace, "order-events"), b"{}")
        changelog = named(namespace, "ingest-order-events-changelog")
        for number in range(ROWS):
            await producer.send(changelog, pack(0, b"row"), b"%d" % number)
    finally:
        await producer.stop()


def value(process, name):
    """Return the value of a series without labels."""
    [family] = [each for each in families(process.metrics()) if each.name == name]
    [sample] = family.samples
    return sample.value


@pytest.mark.kafka
@pytest.mark.slow
@pytest.mark.timeout(120)
def test_a_worker_is_not_ready_while_it_recovers(broker, namespace, tmp_path):
    asyncio.run(filled(broker.bootstrap, namespace))
    with towers(broker.bootstrap, namespace, tmp_path, partitions=1) as tower:
        worker = tower.start("worker")
        until(lambda: "metrics on" in worker.says(), 30, worker.says)
        seen = []

        def ready():
            status = worker.get("readyz")[0]
            assert worker.get("healthz")[0] == 200
            seen.append((status, value(worker, "tower_recovery_offsets_wanted")))
            return status == 200

        until(ready, 60, worker.says, pause=0.01)
        recovering = [status for status, wanted in seen if wanted >= ROWS]
        assert recovering, seen
        assert set(recovering) == {503}
        assert seen[-1] == (200, 0)
        assert value(worker, "tower_recovered_rows") == ROWS
