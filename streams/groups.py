"""The groups fold: whole orders of several parcels, and what customers do after a delivery.

One partition of `group-log`. A row holds the parcels of one group (`g/<group_id>`) or of one
customer (`c/<customer_id>`) as their orders said last; what it counts follows from them and
the clock. Parcels of a run that is over (streams/domain/parcels.py) go to the archive: what
they count then is what they counted before, so it does not matter when that is done.
"""

import json
from collections.abc import Mapping, Sequence

import msgspec

from models.base import Millis
from streams import topics
from streams.cellbook import ARCHIVE, CellBook
from streams.cellposts import CellPosts
from streams.clocks import Watermarks, parse_origin
from streams.deadlines import Deadlines
from streams.domain import groups, loyalty
from streams.domain.cells import GROUPS, LOYALTY, Contribution, add
from streams.domain.order import NEVER
from streams.domain.parcels import KEPT_MS, Parcel, decode, runs
from streams.engine.api import Beat, Headers, Outputs, Record, Rows
from streams.partitioner import partition_of

# Parcels one row holds. That many at once are no order and no person (a shop may call all its
# customers `guest`): more are not taken, since every message costs as much as there are.
MOST_PARCELS = 500

# What is counted of a group and of a customer, by the first letter of the key.
_KINDS = {ord("g"): (GROUPS, groups), ord("c"): (LOYALTY, loyalty)}

Parcels = dict[str, Parcel]  # by name

_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(Parcels).decode


class GroupsFold:
    """The groups and customers of one partition; a fold without rows keeps all in memory."""

    def __init__(
        self, partition: int, upstreams: Sequence[str], kept: Millis = KEPT_MS
    ) -> None:
        self.partition = partition
        self.upstreams = upstreams
        self.kept = kept
        self._reset(None)

    def _reset(self, rows: Rows | None) -> None:
        self.marks = Watermarks(self.upstreams)
        self.clock: Millis = 0
        self.book = CellBook()
        self._rows = rows
        self._held: dict[bytes, Parcels] = {}  # decoded; in a worker only those that changed
        self._written: dict[bytes, int] = {}
        self._archived: dict[bytes, int] = {}
        self._deadlines = Deadlines()
        self._dead: list[bytes] = []
        self._dying: list[bytes] = []
        self._posts = CellPosts(f"groups/{self.partition}/", self.partition)

    def recover(self, meta: bytes | None, rows: Rows, published: Mapping[bytes, bytes]) -> None:
        """Rebuild clock, deadlines and cells from what is durable."""
        self._reset(rows)
        if meta is not None:
            self.marks.decode(json.loads(meta))
            self.clock = self.marks.clock
        self.book.load_archive(rows.items())
        for key, payload in rows.items():
            if key.startswith(ARCHIVE):
                continue
            if payload:
                self._count(key, _unpack(payload))
            else:
                self._dead.append(key)
        self.book.all_changed(self._posts.own(published))

    def fold(self, records: Sequence[Record], out: Outputs) -> None:
        """Apply records in order, then put the rows they changed."""
        del out
        for record in records:
            headers = dict(record.headers)
            if headers.get("kind") == b"tick":
                self.marks.tick(record.value or b"{}", caught_up=True)
                self.advance(self.marks.clock, record.offset)
            elif not self.marks.repeats(*parse_origin(headers["origin"])):
                self.take(record.key or b"", record.value or b"", record.offset)
        self._put()

    def beat(self, beat: Beat, out: Outputs) -> None:
        """Time is an event here: the clock moves with the ticks of the orders alone."""

    def meta(self) -> bytes:
        """Return the watermarks."""
        return json.dumps(self.marks.encode()).encode()

    def publish(self, out: Outputs) -> None:
        """Publish the cells that changed, then the clock they are of."""
        for key in self._dying:
            if self._rows is not None and self._rows.get(key) == b"":
                self._rows.delete(key)
        self._dying, self._dead = self._dead, []
        self._posts.publish(self.book, {"clock": self.clock}, out)

    def take(self, key: bytes, said: bytes, offset: int) -> None:
        """Take what an order says of itself to its group or customer."""
        if self._holds(key, offset):
            return
        parcel = decode(said)
        parcels = self._load(key)
        known = parcels.pop(f"{parcel.order_id}/{parcel.life}", None)
        if known is None and (parcel.joined is None or len(parcels) >= MOST_PARCELS):
            return
        if parcel.joined is not None:
            parcels[_name(parcel)] = parcel
        self._keep(key, self._left(key, parcels, offset), offset)

    def advance(self, clock: Millis, offset: int) -> None:
        """Move the clock and count again what changes with it."""
        if clock <= self.clock:
            return
        self.clock = clock
        for _, key in self._deadlines.pass_until(clock):
            parcels = self._load(key)
            left = parcels if self._holds(key, offset) else self._left(key, parcels, offset)
            if left is parcels:
                self._count(key, parcels)  # the row says what it said
            else:
                self._keep(key, left, offset)

    def _left(self, key: bytes, parcels: Parcels, offset: int) -> Parcels:
        """Archive what is over and return what is left, the same dict if that is all."""
        left: list[Parcel] = []
        for run, over in runs(parcels.values(), self.kept):
            if over > self.clock:
                left += run
                continue
            counted = self._counted(key, run)
            for row in self.book.archive_all(counted, lambda row: not self._holds(row, offset)):
                self._archived[row] = offset
        return {_name(each): each for each in left} if len(left) < len(parcels) else parcels

    def _keep(self, key: bytes, parcels: Parcels, offset: int) -> None:
        """Let a row hold these parcels as of a record."""
        self._held[key] = parcels
        self._written[key] = offset
        self._count(key, parcels)

    def _count(self, key: bytes, parcels: Parcels) -> None:
        """Bring the cells up to a row, and set when it counts otherwise by the clock alone."""
        counted: Contribution = {}
        next_at = NEVER
        kind = _KINDS[key[0]][1]
        for run, over in runs(parcels.values(), self.kept):
            for cell, measures in self._counted(key, run).items():
                add(counted.setdefault(cell, {}), measures)
            instants = (at for each in run for at in kind.instants(each))
            next_at = min(at for at in (next_at, over, *instants) if at > self.clock)
        self.book.replace(key, self.book.pack(counted))
        self._deadlines.set(key, next_at)

    def _counted(self, key: bytes, run: Sequence[Parcel]) -> Contribution:
        cell, kind = _KINDS[key[0]]
        measures = kind.count(run, self.clock)
        return {cell: measures} if measures else {}

    def _holds(self, key: bytes, offset: int) -> bool:
        """Tell whether a row includes a record already (it was recovered ahead)."""
        return self._rows is not None and self._rows.recovered_off(key) >= offset

    def _load(self, key: bytes) -> Parcels:
        held = self._held.get(key)
        if held is None:
            payload = None if self._rows is None else self._rows.get(key)
            held = _unpack(payload) if payload else {}
        return held

    def _put(self) -> None:
        written, self._written = self._written, {}
        archived, self._archived = self._archived, {}
        rows, held = self._rows, self._held
        if rows is None:
            return
        self._held = {}
        for key, offset in archived.items():
            rows.put(key, self.book.archive_row(key), offset, first=True)
        for key, offset in written.items():
            parcels = held[key]
            rows.put(key, _pack(parcels) if parcels else b"", offset)
            if not parcels:
                self._dead.append(key)


def _name(parcel: Parcel) -> str:
    """Return what names a parcel in its row.

    Of a closed one also when it closed, since lives may be counted from 1 again.
    """
    name = f"{parcel.order_id}/{parcel.life}"
    return name if parcel.closed is None else f"{name}@{parcel.closed}"


class Passing:
    """Outputs of which `group-log` is folded at once, by folds in the same process.

    All of it goes on to `out`, `group-log` too.
    """

    def __init__(self, out: Outputs, folds: Sequence[GroupsFold]) -> None:
        self._out = out
        self._folds = folds
        self._ends = [0] * len(folds)

    def applied(self, partition: int) -> int:
        """Return the offset of the last record of a partition, -1 without one."""
        return self._ends[partition] - 1

    def send(
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        headers: Headers = (),
        partition: int | None = None,
    ) -> None:
        """Take an output."""
        if topic == topics.GROUP_LOG:
            number = partition
            if number is None:
                number = partition_of(key or b"", len(self._folds))
            record = Record(self._ends[number], 0, key, value, headers)
            self._ends[number] += 1
            self._folds[number].fold((record,), self)
        self._out.send(topic, key, value, headers, partition)
