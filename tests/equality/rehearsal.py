"""The folds of a worker on logs in memory: every interleaving and every crash the seed wants.

What a broker test meets once a month happens here in every run: upstreams far apart, flushes
cut off after their outputs or in the middle of their rows, owners that begin anew from what
was durable. Folds, rows, outbox and partitioner are the worker's own.
"""

from random import Random

from prometheus_client import CollectorRegistry

from models.rules import Rules
from streams import topics
from streams.app import sources
from streams.config import Settings
from streams.domain.judgement import Judgement
from streams.engine.api import Beat, Record
from streams.engine.rows import PARTITION_KEY, PartitionRows, merge, pack, unpack
from streams.engine.writer import Outbox
from streams.livereport import summed
from streams.metrics import Metrics
from streams.pacing import PublishOptions, Tick, schedule
from streams.partitioner import partition_of
from streams.publishing import RECEIVED_AT, TICK

PARTITIONS = 2
SHIPPED = Rules()


class Logs:
    """All topics in memory."""

    def __init__(self):
        self.records = {}

    def of(self, topic, partition):
        return self.records.setdefault((topic, partition), [])

    def append(self, topic, partition, key, value, headers):
        log = self.of(topic, partition)
        log.append(Record(len(log), 0, key, value, tuple(headers)))

    def published(self):
        cells = {}
        for (topic, _), log in self.records.items():
            if topic == topics.KPI_CELLS:
                for record in log:
                    if record.value is None:
                        cells.pop(record.key, None)
                    else:
                        cells[record.key] = record.value
        return cells


class Place:
    """One partition of one source: its fold, its rows, and what of them is durable."""

    def __init__(self, source, number, logs):
        self.source, self.number, self.logs = source, number, logs
        self.durable = {}
        self.recover()

    @property
    def log(self):
        return self.logs.of(self.source.topic, self.number)

    @property
    def behind(self):
        return len(self.log) - self.expected

    def recover(self):
        rows = dict(self.durable)
        stored = rows.pop(PARTITION_KEY, None)
        applied, meta = (-1, None) if stored is None else unpack(stored)
        self.expected = applied + 1
        self.rows = PartitionRows(rows, applied)
        self.outbox = Outbox()
        self.remembered = (applied, meta)
        self.fold = self.source.fold(self.number)
        self.fold.recover(meta, self.rows, self.logs.published())

    def apply(self, count):
        records = self.log[self.expected : self.expected + count]
        if records:
            self.fold.fold(records, self.outbox)
            self.expected += len(records)

    def beat(self):
        self.fold.beat(Beat(0, self.behind == 0, None), self.outbox)

    def send(self, sendings, rng, *, cut):
        """Append outputs to their logs; with `cut` only as much of each as chance allows."""
        lanes = {}
        for topic, ones in sendings.items():
            for record, partition in ones:
                where = partition_of(record[0], PARTITIONS) if partition is None else partition
                lanes.setdefault((topic, where), []).append(record)
        for (topic, where), records in lanes.items():
            kept = rng.randint(0, len(records)) if cut else len(records)
            for key, value, headers in records[:kept]:
                self.logs.append(topic, where, key, value, headers)

    def flush(self, rng, cut=""):
        """Send what waits; return False where the flush was cut off."""
        sendings, changes = self.outbox.take(), self.rows.take()
        self.send(sendings, rng, cut=cut == "outputs")
        if cut in ("outputs", "after-outputs"):
            return False
        for rows, step in ((changes.first, "first"), (changes.rest, "rest")):
            keys = list(rows)
            if cut == step:
                keys = rng.sample(keys, rng.randint(0, len(keys)))
            for key in keys:
                merge(self.durable, key, rows[key])
            if cut == step:
                return False
        return True

    def barrier(self, rng, cut=""):
        cells = Outbox()
        if self.expected - 1 >= self.rows.highest_recovered:
            self.fold.publish(cells)
        now = (self.expected - 1, self.fold.meta())
        if not self.flush(rng, cut):
            return False
        self.send(cells.take(), rng, cut=cut == "cells")
        if cut in ("cells", "before-partition-row"):
            return False
        self.durable[PARTITION_KEY] = pack(*now)
        self.remembered = now
        return True


CUTS = ("outputs", "after-outputs", "first", "rest", "cells", "before-partition-row")


def rehearse(arrivals, seed, *, crashes=True, tick_seconds=900.0, rules=SHIPPED):
    """Return the live report of a feed after a random run of the folds over it."""
    rng = Random(seed)  # noqa: S311
    settings = Settings(partitions=PARTITIONS, clock="feed")
    logs = Logs()
    metrics = Metrics(CollectorRegistry())
    places = [
        Place(source, number, logs)
        for source in sources(settings, Judgement(rules), metrics)
        for number in range(PARTITIONS)
    ]
    share = rng.choice((0.0, 0.02, 0.1)) if crashes else 0.0
    most = rng.choice((1, 5, 50))
    for item in schedule(arrivals, PublishOptions(tick_seconds=tick_seconds)):
        arrive(item, logs, rng)
        for _ in range(rng.choice((0, 0, 1, 3))):
            step(rng.choice(places), rng, share, most)
    settle(places, rng)
    return summed(logs.published())


def arrive(item, logs, rng):
    """Put a line on some inbound partition, a tick on all of them."""
    if isinstance(item, Tick):
        for topic in (topics.ORDER_EVENTS, topics.COURIER_EVENTS):
            for number in range(PARTITIONS):
                logs.append(topic, number, None, b"", [(TICK, b"%d" % item.at)])
    else:
        headers = [(RECEIVED_AT, b"%d" % item.received_at)]
        logs.append(item.topic, rng.randrange(PARTITIONS), b"", item.raw, headers)


def step(place, rng, share, most):
    """Let one place do a little; with probability `share` it dies on the way."""
    place.apply(rng.randint(0, most))
    if rng.random() < 0.3:
        place.beat()
    if rng.random() < 0.6:
        cut = rng.choice(CUTS) if rng.random() < share else ""
        done = place.barrier(rng, cut) if rng.random() < 0.4 else place.flush(rng, cut)
        if not done:
            place.recover()
    elif rng.random() < share:
        place.recover()


def settle(places, rng):
    """Let everything be read, applied, flushed and published."""
    while True:
        busy = False
        for place in places:
            while place.behind:
                place.apply(100)
                busy = True
            place.beat()
            place.barrier(rng)
        if not busy:
            return
