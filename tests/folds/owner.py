"""One owner of one partition: the real fold in the real `Partition`, over logs in memory."""

import asyncio
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from random import Random

from streams.engine.api import Beat, Record
from streams.engine.changelog import Tail
from streams.engine.failpoints import Failpoint
from streams.engine.partition import Partition
from streams.engine.rows import PARTITION_KEY, PartitionRows, merge, off_of, unpack
from streams.engine.source import Source
from streams.engine.writer import Outgoing, Sending
from streams.partitioner import partition_of

from .history import PARTITIONS

Place = tuple[str, int]


class Logs:
    """Every log of the namespace, by topic and partition; what is in them survives."""

    def __init__(self) -> None:
        self.logs: dict[Place, list[Record]] = {}

    def __getitem__(self, place: Place) -> list[Record]:
        return self.logs.setdefault(place, [])

    def append(self, place: Place, record: Outgoing) -> None:
        key, value, headers = record
        log = self[place]
        log.append(Record(len(log), 0, key, value, tuple(headers)))

    def latest(self, topic: str, partition: int) -> dict[bytes, bytes]:
        """Return a compacted topic's partition as a reader sees it."""
        found: dict[bytes, bytes] = {}
        for record in self[topic, partition]:
            if record.value is None:
                found.pop(record.key or b"", None)
            else:
                found[record.key or b""] = record.value
        return found

    def rows(self, table: str, partition: int) -> dict[bytes, bytes]:
        """Return what a changelog holds, read to its end."""
        found: dict[bytes, bytes] = {}
        for record in self[table, partition]:
            merge(found, record.key or b"", record.value)
        return found


class Wire:
    """What one owner sent and nobody acknowledged yet (stands for streams.engine.writer).

    To every partition of a topic goes a chain of batches, one behind the other. Records land
    one by one, whichever chain is next; rows of one batch in any order.
    """

    def __init__(self, logs: Logs, rng: Random) -> None:
        self.logs, self.rng = logs, rng
        self.chains: dict[Place, deque[tuple[deque[Outgoing], asyncio.Future[None]]]] = {}
        self.tail: Tail | None = None

    def put(
        self, place: Place, records: Iterable[Outgoing], *, shuffled: bool = False
    ) -> asyncio.Future[None]:
        batch = list(records)
        if shuffled:
            self.rng.shuffle(batch)
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.chains.setdefault(place, deque()).append((deque(batch), done))
        return done

    def land(self) -> None:
        """Let one record become durable, or one batch be acknowledged."""
        if not self.chains:
            return
        place = self.rng.choice(sorted(self.chains))
        records, done = self.chains[place][0]
        if records:
            if self.tail is not None and place[0].endswith("changelog"):
                self.tail.acknowledged(len(self.logs[place]), 1)
            self.logs.append(place, records.popleft())
        if not records:
            self.chains[place].popleft()
            if not self.chains[place]:
                del self.chains[place]
            if not done.done():
                done.set_result(None)

    async def post(self, sendings: Mapping[str, Sequence[Sending]]) -> None:
        lanes: dict[Place, list[Outgoing]] = {}
        for topic, ones in sendings.items():
            for record, partition in ones:
                keyed = partition_of(record[0] or b"", PARTITIONS)
                place = topic, keyed if partition is None else partition
                lanes.setdefault(place, []).append(record)
        await asyncio.gather(*(self.put(place, lane) for place, lane in lanes.items()))

    def private_lane(self, topic: str, partition: int, _: object) -> "_Lane":
        return _Lane(self, (topic, partition))


class _Lane:
    def __init__(self, wire: Wire, place: Place) -> None:
        self.wire, self.place = wire, place

    def put(self, records: Iterable[Outgoing]) -> asyncio.Future[None]:
        return self.wire.put(self.place, records, shuffled=True)

    def drop(self) -> None:
        """Nothing to do: a dead owner's wire is cut."""


class Owner:
    """One incarnation of one partition of one source, until it is killed."""

    def __init__(self, source: Source, number: int, logs: Logs, rng: Random) -> None:
        self.source, self.number, self.logs, self.rng = source, number, logs, rng
        self.wire = Wire(logs, rng)
        self.carrier: asyncio.Task[None] | None = None
        self.at_barrier = False
        self.settled = False  # a barrier was taken since the last fold or beat
        self.barriers = 0
        self.publications = 0
        self.partition = self._recover()

    def _recover(self) -> Partition:
        table = self.source.table, self.number
        rows = self.logs.rows(*table)
        packed = rows.pop(PARTITION_KEY, None)
        applied, meta = (-1, None) if packed is None else unpack(packed)
        cells = {}
        if self.source.published is not None:
            cells = self.logs.latest(self.source.published, self.number)
        held = PartitionRows(rows, applied)
        self.recovered = applied
        fold = self.source.fold(self.number)
        fold.recover(meta, held, cells)
        self.wire.tail = Tail("changelog", len(self.logs[table]))
        return Partition(
            self.source, self.number, fold, held,
            expected=applied + 1, tail=self.wire.tail, writer=self.wire,  # type: ignore[arg-type]
            failpoint=Failpoint(None), read_foreign=self._foreign, barrier_seconds=1.0,
        )  # fmt: skip

    async def _foreign(self, ranges: Sequence[tuple[int, int]]) -> Mapping[bytes, bytes | None]:
        rows: dict[bytes, bytes | None] = {}
        for begin, end in ranges:
            for record in self.logs[self.source.table, self.number][begin:end]:
                key, value = record.key or b"", record.value
                before = rows.get(key)
                if value is None or before is None or off_of(before) <= off_of(value):
                    rows[key] = value
        return rows

    @property
    def log(self) -> list[Record]:
        return self.logs[self.source.topic, self.number]

    @property
    def caught_up(self) -> bool:
        return self.partition.order.expected == len(self.log)

    @property
    def quiet(self) -> bool:
        return self.caught_up and self.settled and self.carrier is None and not self.wire.chains

    def read(self) -> None:
        """Fold the next records, a batch of any size."""
        begin = self.partition.order.expected
        if self.rng.random() < 0.05:
            begin = max(0, begin - self.rng.randint(0, 3))
        batch = tuple(self.log[begin : begin + self.rng.choice((1, 1, 2, 5, 20))])
        if batch and self.partition.open:
            self.partition.apply(batch)
            self.settled = False

    def beat(self, beat: Beat) -> None:
        if self.partition.open:
            self.partition.beat(beat)
            self.settled = False

    def carry(self, *, barrier: bool | None = None) -> None:
        """Begin a flush or a barrier, if none is under way."""
        if self.carrier is None:
            self.at_barrier = self.rng.random() < 0.4 if barrier is None else barrier
            if self.at_barrier:
                self.settled = True
                self.carrier = asyncio.ensure_future(self.partition.barrier())
            else:
                self.carrier = asyncio.ensure_future(self.partition.flush())

    def check(self) -> bool:
        """Take note of what ended; raise what it raised; return whether it was a barrier."""
        if self.carrier is None or not self.carrier.done():
            return False
        carrier, self.carrier = self.carrier, None
        carrier.result()
        self.barriers += self.at_barrier
        return self.at_barrier

    async def die(self) -> None:
        """End here and now: what did not land is gone."""
        self.partition.close()
        if self.carrier is not None:
            self.carrier.cancel()
            await asyncio.gather(self.carrier, return_exceptions=True)
        for chain in self.wire.chains.values():
            for _, done in chain:
                done.cancel()
        self.wire.chains.clear()
        await asyncio.sleep(0)
