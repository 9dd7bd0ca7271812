"""Every order of a file with all it adds to the report: lives that ended, lives that go on."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from models.base import Millis
from models.rules import Rules
from streams.domain.cells import Contribution
from streams.domain.order import Order
from streams.domain.row import Closed
from streams.replay import Replay


@dataclass(frozen=True, slots=True)
class Life:
    """One life of an order id as it stood at `at` (epoch milliseconds), and what it counted.

    `number` counts the lives of the id in the file, from 1.
    """

    order_id: str
    number: int
    order: Order
    at: Millis
    counted: Contribution


class Lives:
    """A file judged whole, order by order: iterating yields the lives by id, then in time."""

    def __init__(
        self, lines: Iterable[bytes], rules: Rules, as_of: Millis | None = None
    ) -> None:
        self._lives: dict[str, list[Life]] = {}
        self.replay = Replay(rules)
        self.replay.orders.ended = self._closed
        self.replay.run(lines, as_of)
        clock = self.replay.as_of
        for key, row in self.replay.orders.rows.decoded():
            if row.order is not None:
                self._note(key, row.order, clock, row.contribution(clock))

    def __iter__(self) -> Iterator[Life]:
        for order_id in sorted(self._lives):
            yield from self._lives[order_id]

    def _closed(self, key: bytes, closed: Closed) -> None:
        self._note(key, closed.order, closed.at, closed.contribution)

    def _note(self, key: bytes, order: Order, at: Millis, counted: Contribution) -> None:
        order_id = key.decode()
        lives = self._lives.setdefault(order_id, [])
        lives.append(Life(order_id, len(lives) + 1, order, at, counted))
