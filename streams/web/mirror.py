"""What the compacted topics say, held in memory and followed.

Open orders are kept as `Open` (streams/web/risks.py), all others as the place of their row in
the log, about 200 bytes each. Rows are judged a few at a time, so that requests get their turn.
"""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec
from aiokafka import TopicPartition

from models.base import Millis
from streams.cellbook import ARCHIVE
from streams.couriers import COURIER
from streams.domain.judgement import Judgement
from streams.engine.rows import PARTITION_KEY, merge, unpack
from streams.errors import TowerError
from streams.livereport import Shown, furthest_behind, summed
from streams.rowcodec import decode_row
from streams.topics import KPI_CELLS
from streams.web.risks import Open, open_order

ORDERS, COURIERS = "orders-changelog", "couriers-changelog"

Json = dict[str, Any]


class Place(NamedTuple):
    """Where the newest row of an order lies: its partition, its offset, what it includes."""

    partition: int
    offset: int
    includes: int


class Mirror:
    """The orders, couriers and numbers of one namespace of so many partitions."""

    def __init__(self, judgement: Judgement, partitions: int) -> None:
        self.judgement = judgement
        self.partitions = partitions
        self.open: dict[bytes, Open] = {}
        self.places: dict[bytes, Place] = {}
        self.shown = Shown()
        self._couriers: dict[bytes, bytes] = {}
        self._unread: dict[bytes, bytes] = {}

    # -- what is heard -------------------------------------------------------------------

    def heard(
        self, topic: str, partition: int, offset: int, key: bytes, value: bytes | None
    ) -> None:
        """Take a record; `topic` is its name without the namespace."""
        if topic == KPI_CELLS:
            self.shown.heard(TopicPartition(topic, partition), key, value)
        elif topic == COURIERS:
            if key.startswith(COURIER):
                merge(self._couriers, key, value)
        elif key != PARTITION_KEY and not key.startswith(ARCHIVE):
            self._order(partition, offset, key, value)

    def _order(self, partition: int, offset: int, key: bytes, value: bytes | None) -> None:
        if value is None:
            self._forget(key)
            return
        includes, payload = unpack(value)
        known = self.places.get(key)
        if known is not None and known.includes > includes:
            return
        if not payload:
            self._forget(key)
            return
        self.places[key] = Place(partition, offset, includes)
        self._unread[key] = payload

    def _forget(self, key: bytes) -> None:
        for each in (self.places, self._unread, self.open):
            each.pop(key, None)

    # -- what follows --------------------------------------------------------------------

    @property
    def unread(self) -> int:
        """Return how many orders have rows that were not looked at yet."""
        return len(self._unread)

    @property
    def clock(self) -> Millis:
        """Return the least clock of all partitions (epoch ms), 0 while one is unknown."""
        return furthest_behind(self.shown.published, self.partitions)[0]

    def clock_of(self, partition: int) -> Millis:
        """Return the clock of one partition of orders (epoch ms), 0 while it is unknown."""
        said = self.shown.published.get(f"orders/{partition}/~partition".encode())
        return 0 if said is None else int(json.loads(said)["clock"])

    def look(self, most: int) -> None:
        """Look at so many rows that came."""
        clock = self.clock
        for _ in range(min(most, len(self._unread))):
            key = next(iter(self._unread))
            self._look(key, self._unread.pop(key), clock)

    def _look(self, key: bytes, payload: bytes, clock: Millis) -> None:
        try:
            row = decode_row(payload, self.judgement)
        except (msgspec.MsgspecError, ValueError) as error:
            raise TowerError(
                f"The row of the order {key!r} is not readable: {error}"
            ) from error
        found = open_order(key.decode(), row, clock)
        if found is None:
            self.open.pop(key, None)
        else:
            self.open[key] = found

    # -- what is asked -------------------------------------------------------------------

    def report(self) -> Json:
        """Return the report (contract section 3).

        Raises:
            TowerError: nothing was published yet.
        """
        return summed(self.shown.published)

    def couriers(self, carrier: str | None = None) -> Iterator[Json]:
        """Yield what is known of couriers: carrier, position, shift, how many stops to go."""
        for key, row in self._couriers.items():
            said = json.loads(unpack(row)[1] or b"{}")
            if not said or (carrier is not None and said.get("carrier") != carrier):
                continue
            yield {
                "courier_id": key.removeprefix(COURIER).decode(),
                "carrier": said.get("carrier"),
                "position": said.get("position"),
                "on_shift": said.get("shift", {}).get("on"),
                "stops": len(said.get("route", {}).get("stops", ())),
            }
