"""Towers on logs in memory: stopped anywhere, exported, made anew, and told the rest."""

import asyncio
import json
from pathlib import Path
from random import Random

from prometheus_client import CollectorRegistry

from streams import topics
from streams.app import sources
from streams.config import Settings
from streams.domain.judgement import Judgement
from streams.engine.rows import PARTITION_KEY, merge
from streams.exporting.building import Building, copy, survey
from streams.exporting.files import ExportWriter, opened, writing
from streams.exporting.lines import line_from
from streams.exporting.standing import LOGS, Standing
from streams.exporting.taking import header_of
from streams.livereport import summed
from streams.metrics import Metrics
from streams.partitioner import partition_of
from tests.equality.rehearsal import PARTITIONS, Logs, Place, arrive, settle, step

NOW = 1_900_000_000_000  # what the broker of memory dates records with
TABLES = {
    topics.ORDER_EVENTS: "ingest-order-events-changelog",
    topics.COURIER_EVENTS: "ingest-courier-events-changelog",
    topics.COURIER_LOG: "couriers-changelog",
    topics.GROUP_LOG: "groups-changelog",
    topics.ORDER_LOG: "orders-changelog",
}


class Tower:
    """All folds of a worker over logs in memory, from what is durable in `rows`."""

    def __init__(self, rng, rules, logs=None, rows=None):
        self.rng, self.rules = rng, rules
        self.logs = Logs() if logs is None else logs
        settings = Settings(partitions=PARTITIONS, clock="feed")
        metrics = Metrics(CollectorRegistry())
        self.places = [
            Place(source, number, self.logs)
            for source in sources(settings, Judgement(rules), metrics)
            for number in range(PARTITIONS)
        ]
        for place in self.places:
            place.durable = {} if rows is None else rows[place.source.topic, place.number]
            place.recover()

    def live(self, items, share=0.0):
        """Take part of a feed, in steps as the seed wants them; it need not end read up."""
        for item in items:
            arrive(item, self.logs, self.rng)
            for _ in range(self.rng.choice((0, 0, 1, 3))):
                step(self.rng.choice(self.places), self.rng, share, 50)

    def attend(self, items):
        """Take part of a feed and be read up after every item, so that customers are told."""
        for item in items:
            arrive(item, self.logs, self.rng)
            self.settle()

    def hear(self, receipt):
        """Let a dispatcher's receipt arrive."""
        key = receipt.order_id.encode()
        where = partition_of(key, PARTITIONS)
        value = receipt.model_dump_json().encode()
        self.logs.append(topics.ORDER_LOG, where, key, value, [("kind", b"receipt")])

    def cells(self):
        """What is published, read, but for groups: these follow the orders at a distance."""
        return {
            key: json.loads(value)
            for key, value in self.logs.published().items()
            if not key.startswith(b"groups/")
        }

    def drain(self):
        """Read what has arrived and pass it on; the orders may still have it before them."""
        for _ in range(2):
            for place in self.places:
                if place.source.topic != topics.ORDER_LOG:
                    place.apply(len(place.log))
                    place.beat()
                place.barrier(self.rng)

    def settle(self):
        settle(self.places, self.rng)

    def report(self):
        return summed(self.logs.published())

    def standing(self):
        applied = {
            f"{place.source.topic}/{place.number}": place.remembered[0] + 1
            for place in self.places
            if PARTITION_KEY in place.durable
        }
        logs = {
            f"{log}/{number}": (0, len(self.logs.of(log, number)))
            for log in LOGS
            for number in range(PARTITIONS)
        }
        return Standing(PARTITIONS, applied, logs, self.logs.published())

    def notices(self):
        """The ids of all notices ever asked for."""
        said = [
            json.loads(record.value)
            for number in range(PARTITIONS)
            for record in self.logs.of(topics.NOTICE_COMMANDS, number)
        ]
        return [each["notice_id"] for each in said if each["type"] == "notice"]

    def export(self, path: Path, after=None, *, couriers=True):
        """Write what `tower export` would write now."""
        settings = Settings(namespace="memory", clock="feed")
        before = None if after is None else opened([after]).header
        header = header_of(settings, self.standing(), before, couriers=couriers)
        with writing(path) as file:
            writer = ExportWriter(file)
            writer.begin(header)
            for log, kept in header.logs.items():
                topic, _, number = log.rpartition("/")
                for record in self.logs.of(topic, int(number))[kept.begin : kept.end]:
                    writer.add(line_from(log, record))
            writer.close(self.report())
        return path


class Memory:
    """The target of a rebuild: its topics in memory."""

    def __init__(self):
        self.logs = Logs()
        self.rows = {(topic, n): {} for topic in TABLES for n in range(PARTITIONS)}
        self._topics = {table: topic for topic, table in TABLES.items()}

    async def send(self, topic, partition, key, value, headers=(), timestamp=None):
        where = partition_of(key, PARTITIONS) if partition is None else partition
        if topic in self._topics:
            merge(self.rows[self._topics[topic], where], key, value)
        else:
            self.logs.append(topic, where, key, value, headers)
            log = self.logs.of(topic, where)
            log[-1] = log[-1]._replace(timestamp=NOW if timestamp is None else timestamp)

    async def publish(self, said, which):
        for topic, sendings in said.take().items():
            if topic in which:
                for (key, value, headers), partition in sendings:
                    await self.send(topic, partition, key, value, headers)

    async def settle(self):
        pass

    async def must_hold(self, counts):
        for place, count in counts.items():
            topic, _, number = place.rpartition("/")
            assert len(self.logs.of(topic, int(number))) == count


def rebuild(paths, rules, seed):
    """Make a tower of exports, as `tower rebuild` does; return it with the report of it."""

    async def build():
        target, first = Memory(), opened(paths)
        found = survey(first)
        building = Building(opened(paths), found, rules)
        await building.state(target)
        await copy(opened(paths), found, target)
        return target, building.judging.report()

    target, report = asyncio.run(build())
    return Tower(Random(seed), rules, target.logs, target.rows), report  # noqa: S311
