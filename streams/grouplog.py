"""What the orders of one partition tell their groups and customers, on `group-log`.

A message is the absolute state of one life of an order (streams/domain/parcels.py) and says
which record of the inbox it follows from, so one sent twice is known. The clock goes behind
what was told up to it: `orders/p` is an upstream of every partition of `group-log`.
"""

from models.base import Millis
from streams import topics
from streams.clocks import origin_header, send_ticks
from streams.domain import parcels
from streams.domain.ledger import Ledger
from streams.domain.order import Order
from streams.domain.row import Told
from streams.engine.api import Outputs


class GroupLog:
    """The way of one inbox partition to `group-log`, which has so many partitions."""

    def __init__(self, partition: int, partitions: int) -> None:
        self._upstream = f"orders/{partition}"
        self._partitions = partitions
        self._last: tuple[int, int] = (-1, 0)
        self._clock: Millis = 0

    def tell(  # noqa: PLR0913, PLR0917 - a life of an order, and where and when
        self,
        key: bytes,
        order: Order | None,
        ledger: Ledger,
        told: Told,
        offset: int,
        out: Outputs,
        closed: Millis | None = None,
    ) -> None:
        """Tell whom it concerns how an order stands, if that is news to them."""
        if not told.belongs and (order is None or not order.joined):
            return
        for whose, said in parcels.news(key.decode(), order, ledger, told.belongs, closed):
            headers = (("origin", self._origin(offset)),)
            out.send(topics.GROUP_LOG, whose.encode(), said, headers)

    def tick(self, clock: Millis, out: Outputs) -> None:
        """Pass the clock on."""
        if clock > self._clock:
            send_ticks(
                out, topics.GROUP_LOG, self._partitions, self._upstream, clock, caught_up=True
            )
            self._clock = clock

    def _origin(self, offset: int) -> bytes:
        last, index = self._last
        self._last = offset, index + 1 if offset == last else 0
        return origin_header(self._upstream, *self._last)
