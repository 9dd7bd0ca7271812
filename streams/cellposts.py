"""How the cells of one partition of one fold get to `kpi-cells`, and which of them are its own.

They are absolute values; the last record of a publication is the clock they are of.
"""

import json
from collections.abc import Mapping

import msgspec

from streams import topics
from streams.cellbook import CellBook
from streams.domain.cells import Cell, decode_cell, encode_cell
from streams.engine.api import Outputs
from streams.republishing import Republishing

CLOCK = "~partition"

_sorted_json = msgspec.json.Encoder(order="sorted").encode


class CellPosts:
    """Publishes the cells that changed under a prefix such as `orders/3/`."""

    def __init__(self, prefix: str, partition: int) -> None:
        self._prefix = prefix
        self._partition = partition
        self._said = b""
        self._again = Republishing()

    def own(self, published: Mapping[bytes, bytes]) -> list[Cell]:
        """Return the cells that were published under the prefix, whoever did it."""
        prefix = self._prefix.encode()
        names = (key[len(prefix) :].decode() for key in published if key.startswith(prefix))
        return [decode_cell(name) for name in names if name != CLOCK]

    def publish(self, book: CellBook, said: Mapping[str, object], out: Outputs) -> None:
        """Send the cells that changed, all if that is due, then what they are as of."""
        if self._again.due():
            book.all_changed(())
            self._said = b""
        changed = list(book.take_changed())
        for cell, measures in changed:
            value = _sorted_json(measures) if measures else None
            self._send(encode_cell(cell), value, out)
        clock = json.dumps(said, sort_keys=True).encode()
        if changed or clock != self._said:
            self._send(CLOCK, clock, out)
            self._said = clock

    def _send(self, name: str, value: bytes | None, out: Outputs) -> None:
        key = f"{self._prefix}{name}".encode()
        out.send(topics.KPI_CELLS, key, value, partition=self._partition)
