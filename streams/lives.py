"""Every order a fold has judged, with all it counts: lives that ended and lives that go on."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from models.base import Millis
from streams.domain.cells import Contribution
from streams.domain.order import Order
from streams.domain.row import Closed
from streams.orders import OrdersFold


@dataclass(frozen=True, slots=True)
class Life:
    """One life of an order id as it stood at `at` (epoch milliseconds), and what it counted.

    `number` counts the lives of the id, from 1.
    """

    order_id: str
    number: int
    order: Order
    at: Millis
    counted: Contribution


class Lives:
    """The lives of some folds that keep their rows in memory; made before they fold anything.

    Iterating, once they have, yields the lives by id, then in time.
    """

    def __init__(self, folds: Iterable[OrdersFold]) -> None:
        self._folds = tuple(folds)
        self._ended: list[tuple[str, Order, Millis, Contribution]] = []
        for fold in self._folds:
            fold.ended = self._end

    def __iter__(self) -> Iterator[Life]:
        found = self._ended.copy()
        for fold in self._folds:
            for key, row in fold.rows.decoded():
                if row.order is not None:
                    counted = row.contribution(fold.clock)
                    found.append((key.decode(), row.order, fold.clock, counted))
        found.sort(key=lambda each: each[0])  # stable: the lives of an id stay in time
        before, number = "", 0
        for order_id, order, at, counted in found:
            number = number + 1 if order_id == before else 1
            before = order_id
            yield Life(order_id, number, order, at, counted)

    def _end(self, key: bytes, closed: Closed) -> None:
        self._ended.append((key.decode(), closed.order, closed.at, closed.contribution))
