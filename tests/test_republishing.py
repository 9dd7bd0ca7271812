"""What an old owner's late record covered is published again, though nothing changed."""

from typing import Any

from models.rules import Rules
from streams.cellbook import archive_key
from streams.couriers import CouriersFold
from streams.domain.cells import Cell, encode_cell
from streams.domain.judgement import Judgement
from streams.engine.rows import PartitionRows, pack
from streams.ingest import ORDERS, IngestFold
from streams.orders import OrdersFold
from streams.republishing import EVERY

UPSTREAMS = ["order-events/0", "couriers/0"]


class Sent:
    """The keys of what was published."""

    def __init__(self) -> None:
        self.keys: list[bytes] = []

    def send(self, _topic: str, key: bytes, *_more: Any, **_named: Any) -> None:
        self.keys.append(key)


def published(fold: Any, rows: dict[bytes, bytes] | None = None) -> list[list[bytes]]:
    """Return the keys of a few publications after the first and around the one that is due."""
    fold.recover(None, PartitionRows(rows or {}, -1), {})
    each = []
    for _ in range(EVERY + 1):
        sent = Sent()
        fold.publish(sent)
        each.append(sent.keys)
    return [each[0], each[1], each[EVERY - 2], each[EVERY - 1], each[EVERY]]


def test_counts_of_ingest_and_couriers() -> None:
    # The first publication is a change and not counted; of the others the 600th holds all.
    ingest = [b"ingest/order-events/0"]
    assert published(IngestFold(ORDERS, 0, 1, feed=True)) == [ingest, [], [], [], ingest]
    couriers = [b"couriers/0"]
    fold = CouriersFold(0, ["courier-events/0"], 1)
    assert published(fold) == [couriers, [], [], [], couriers]


def test_cells_of_orders() -> None:
    # A cell in the archive and the clock of the partition.
    cell = Cell("swift", "day", "unknown", "forward", "2026-03-03")
    archived = {archive_key(cell): pack(0, b'{"orders":1}')}
    both = [f"orders/0/{encode_cell(cell)}".encode(), b"orders/0/~partition"]
    fold = OrdersFold(0, UPSTREAMS, Judgement(Rules()))
    assert published(fold, archived) == [both, [], [], both, []]
