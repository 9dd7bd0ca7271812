"""A new namespace made of an export: its records as they were, its state judged anew.

The folds of this version run over the records; what they keep becomes the changelogs and cells
of the new namespace, so its workers go on where the old tower stopped. What they would say of
the past is not said: no notice command is sent, since customers were told by the old tower.

Changelogs are written before the logs: of a namespace that was left half made, workers say that
its rows do not fit its logs, and refuse it.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field

from models.rules import Rules
from streams import topics
from streams.clocks import origin_header, parse_origin
from streams.domain.cells import add
from streams.engine.api import Headers, Record
from streams.engine.rows import PARTITION_KEY, PartitionRows, pack
from streams.engine.writer import Outbox
from streams.errors import TowerError
from streams.exporting.files import Exports
from streams.exporting.judging import Judging, batches
from streams.exporting.lines import Line, record_from
from streams.exporting.target import Target
from streams.ingest import COURIERS, ORDERS, IngestFold
from streams.sightings import ARCHIVE

CHANGELOGS = {
    topics.ORDER_EVENTS: "ingest-order-events-changelog",
    topics.COURIER_EVENTS: "ingest-courier-events-changelog",
    topics.COURIER_LOG: "couriers-changelog",
    topics.ORDER_LOG: "orders-changelog",
    topics.GROUP_LOG: "groups-changelog",
}
# What is said of the past: facts and cells, which are conclusions, and what groups are counted
# of. Not notices: they are acts.
SAID = frozenset({topics.ORDER_FACTS, topics.KPI_CELLS, topics.GROUP_LOG})


@dataclass(slots=True)
class Surveyed:
    """What a first reading of an export found: it is whole and undamaged, and how long it is.

    `counts` are the records of each log, `origins` the highest origin of each upstream.
    """

    counts: dict[str, int]
    origins: dict[str, int] = field(default_factory=dict)


def survey(exports: Exports) -> Surveyed:
    """Read an export to its end.

    Raises:
        TowerError: it is damaged, or does not hold the inbox of orders from its beginning.
    """
    missing = exports.missing(topics.ORDER_LOG)
    if missing:
        raise TowerError(
            f"{missing:,} earlier records of order-log are missing: what they led to cannot be"
            " made again. Name the exports before this one too, the earliest first."
        )
    found = Surveyed(dict.fromkeys(exports.header.logs, 0))
    for line in exports.lines():
        found.counts[line.log] += 1
        for name, said in line.headers:
            if name == "origin":
                upstream, (offset, _) = parse_origin(said.encode())
                found.origins[upstream] = max(offset, found.origins.get(upstream, offset))
    return found


class Moved:
    """Records as the new namespace has them: offsets from 0 on, origins below those to come.

    Inbound topics of the new namespace begin at 0 again, and what comes from there must not
    look like a repeat; so old origins are counted down from -1. The couriers' own upstream goes
    on where its copied log ends.
    """

    def __init__(self, exports: Exports, found: Surveyed) -> None:
        header = exports.header
        self._next = dict.fromkeys(header.logs, 0)
        self._shifts = {
            place: max(read.next, found.origins.get(place, -1) + 1)
            for place, read in header.inbound.items()
        }
        for number in range(header.partitions):
            place, upstream = f"{topics.COURIER_LOG}/{number}", f"couriers/{number}"
            kept = header.logs.get(place)
            end = 0 if kept is None else kept.end
            end = max(end, found.origins.get(upstream, -1) + 1)
            self._shifts[upstream] = end - found.counts.get(place, 0)

    def record(self, line: Line) -> Record:
        """Return the next record of a log; the lines of a log come in their order."""
        offset = self._next[line.log]
        self._next[line.log] = offset + 1
        record = record_from(line)
        return record._replace(offset=offset, headers=self._headers(record.headers))

    def _headers(self, headers: Headers) -> Headers:
        return tuple(
            (name, self._origin(value) if name == "origin" else value)
            for name, value in headers
        )

    def _origin(self, header: bytes) -> bytes:
        upstream, (offset, index) = parse_origin(header)
        return origin_header(upstream, offset - self._shifts[upstream], index)


class Building:
    """A new namespace under construction: state first, then the logs it is of."""

    def __init__(self, exports: Exports, found: Surveyed, rules: Rules) -> None:
        self.exports = exports
        self.judging = Judging(exports, rules)
        self._moved = Moved(exports, found)
        self._rows: dict[str, PartitionRows] = {}
        self._applied = dict.fromkeys(exports.header.logs, -1)
        for place, fold in self.judging.folds.by_place.items():
            self._rows[place] = PartitionRows({}, -1)
            fold.recover(None, self._rows[place], {})

    async def state(self, target: Target) -> None:
        """Fold what the old tower had applied, and write what the folds keep."""
        said = Outbox()
        passing = self.judging.folds.passing(said)
        for log, records in batches(self._judged()):
            self.judging.folds.by_place[log].fold(records, passing)
            self._applied[log] = records[-1].offset
            await target.publish(said, SAID)
        for place, fold in self.judging.folds.by_place.items():
            topic, _, number = place.rpartition("/")
            applied = self._applied.get(place, -1)
            if topic == topics.COURIER_LOG:
                self._count_the_missing(place, applied)
            elif topic == topics.GROUP_LOG:
                applied = passing.applied(int(number))
            fold.publish(passing)
            rows = self._rows[place]
            for key, payload in rows.items():
                row = pack(rows.off(key), payload)
                await target.send(CHANGELOGS[topic], int(number), key, row)
            row = pack(applied, fold.meta())
            await target.send(CHANGELOGS[topic], int(number), PARTITION_KEY, row)
            await target.publish(said, SAID)
        await self._ingest(target, said)
        await target.settle()

    async def _ingest(self, target: Target, said: Outbox) -> None:
        """Write counts and clocks of the inbound partitions, which begin anew."""
        header = self.exports.header
        feed = header.clock == "feed"
        for inbound in (ORDERS, COURIERS):
            for number in range(header.partitions):
                fold = IngestFold(inbound, number, header.partitions, feed=feed)
                read = header.inbound[fold.upstream]
                fold.counts, fold.clock = dict(read.counts), read.clock
                row = pack(-1, fold.meta())
                await target.send(CHANGELOGS[inbound.topic], number, PARTITION_KEY, row)
                fold.publish(said)
                await target.publish(said, SAID)

    def _count_the_missing(self, place: str, applied: int) -> None:
        """Count couriers' events of before the file: what the tower had less what it holds."""
        if self.judging.whole(place):
            return
        fold = self.judging.folds.couriers[place]
        stated = dict(self.judging.courier_counts(place))
        add(stated, fold.counts(), -1)
        add(fold.sightings.archived, stated)
        counts = json.dumps(fold.sightings.archived).encode()
        self._rows[place].put(ARCHIVE, counts, applied, first=True)

    def _judged(self) -> Iterator[tuple[str, Record]]:
        logs = self.exports.header.logs
        for line in self.exports.lines():
            record = self._moved.record(line)
            if line.offset < logs[line.log].judged:
                yield line.log, record


async def copy(exports: Exports, found: Surveyed, target: Target) -> None:
    """Write the logs: everything as it was, but for offsets and origins (`Moved`).

    What is still to be applied is dated now: of an old backup retention may delete the rest.
    """
    moved, logs = Moved(exports, found), exports.header.logs
    for line in exports.lines():
        record = moved.record(line)
        topic, _, number = line.log.rpartition("/")
        written = record.timestamp if line.offset < logs[line.log].judged else None
        await target.send(topic, int(number), record.key, record.value, record.headers, written)
    await target.settle()
    await target.must_hold(found.counts)
