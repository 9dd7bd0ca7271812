"""The order rows of one partition, decoded: read when first asked for, put after a fold.

Over the engine's rows in a worker; with none, as in a replay, everything stays in memory. A
row that ended leaves a dead marker, which is deleted once a durable partition row has passed
it (docs/protocol.md, section 4).
"""

from collections import OrderedDict
from collections.abc import Callable, Iterator

from streams.domain.judgement import Judgement
from streams.domain.row import Row
from streams.engine.api import Rows
from streams.rowcodec import Standing, decode_row, encode_row

CACHED_ROWS = 3_000  # decoded rows kept in memory for each partition, some 12 KB each
CROWD = 1_000  # decoded beyond that before they are put in the middle of a record

# How a row stands, for the next recovery; None where that has to be found out anew.
Stand = Callable[[bytes, Row], Standing | None]


class OrderRows:
    """Rows by order id in UTF-8; `rows` None keeps all of them decoded and puts none."""

    def __init__(
        self,
        judgement: Judgement,
        rows: Rows | None = None,
        forgotten: Callable[[bytes, Row], None] | None = None,
    ) -> None:
        """Tell `forgotten` of a decoded row before it has to be read again."""
        self._judgement = judgement
        self._forgotten = forgotten
        self._rows = rows
        self._decoded: OrderedDict[bytes, Row] = OrderedDict()
        self._written: dict[bytes, int] = {}
        self._first: dict[bytes, int] = {}
        self._dead: list[bytes] = []
        self._dying: list[bytes] = []

    def get(self, key: bytes) -> Row:
        """Return the row of an order id, an empty one where there is none."""
        row = self._decoded.get(key)
        if row is None:
            payload = None if self._rows is None else self._rows.get(key)
            row = self._decoded[key] = decode_row(payload, self._judgement)
        elif self._rows is not None:
            self._decoded.move_to_end(key)
        return row

    def decoded(self) -> Iterator[tuple[bytes, Row]]:
        """Yield the rows that are in memory; in a replay that is all of them."""
        yield from self._decoded.items()

    def holds(self, key: bytes, offset: int) -> bool:
        """Tell whether a row includes a record already (it was recovered ahead)."""
        return self._rows is not None and self._rows.recovered_off(key) >= offset

    def archived(self, key: bytes, offset: int) -> bool:
        """Tell whether an archive row holds what a record adds, as it was recovered."""
        return self._rows is not None and self._rows.recovered_off(key) >= offset

    def changed(self, key: bytes, offset: int) -> None:
        """Note that a row includes the record at `offset` now."""
        self._written[key] = offset

    def archive_changed(self, key: bytes, offset: int) -> None:
        """Note that an archive row includes the record at `offset` now."""
        self._first[key] = offset

    def marked_dead(self, key: bytes) -> None:
        """Note a dead marker that was recovered."""
        self._dead.append(key)

    def put(self, stand: Stand, archive_row: Callable[[bytes], bytes]) -> None:
        """Put what changed, archive rows first, then forget the rows decoded longest ago."""
        written, self._written = self._written, {}
        first, self._first = self._first, {}
        if self._rows is None:
            return
        for key, offset in first.items():
            self._rows.put(key, archive_row(key), offset, first=True)
        for key, offset in written.items():
            row = self._decoded[key]  # it is forgotten below at the earliest
            payload = encode_row(row, stand(key, row))
            self._rows.put(key, payload, offset)
            if not payload:
                self._dead.append(key)
        self.evict()

    def evict(self) -> None:
        """Forget the rows decoded longest ago; what they hold has been put."""
        while len(self._decoded) > CACHED_ROWS:
            key, row = self._decoded.popitem(last=False)
            if self._forgotten is not None:
                self._forgotten(key, row)

    @property
    def crowded(self) -> bool:
        """Whether many more rows are decoded than are kept."""
        return self._rows is not None and len(self._decoded) > CACHED_ROWS + CROWD

    def bury(self) -> None:
        """Delete the dead markers that a durable partition row has passed."""
        for key in self._dying:
            if self._rows is not None and self._rows.get(key) == b"":
                self._rows.delete(key)
                self._decoded.pop(key, None)
        self._dying, self._dead = self._dead, []
