"""When a row must be looked at again though nothing is received: one heap for a partition.

A row has one deadline at a time. Entries of the heap that no longer hold stay in it until they
come up, or until there are too many of them.
"""

import heapq
from collections.abc import Iterator

from models.base import Millis
from streams.domain import notices, sla
from streams.domain.order import NEVER
from streams.domain.row import Row

SLACK = 1_000  # entries that no longer hold, beyond as many as do, before they are dropped


class Deadlines:
    """The next deadline (epoch milliseconds) of every key that has one."""

    def __init__(self) -> None:
        self._due: dict[bytes, Millis] = {}
        self._heap: list[tuple[Millis, bytes]] = []

    def of(self, key: bytes) -> Millis:
        """Return a key's deadline, NEVER without one."""
        return self._due.get(key, NEVER)

    def set(self, key: bytes, at: Millis) -> None:
        """Let a key's deadline be this one, in place of any other; NEVER is none."""
        if at >= NEVER:
            self._due.pop(key, None)
        elif self._due.get(key) != at:
            self._due[key] = at
            heapq.heappush(self._heap, (at, key))
            if len(self._heap) > 2 * len(self._due) + SLACK:
                self._heap = [(due, each) for each, due in self._due.items()]
                heapq.heapify(self._heap)

    def pass_until(self, clock: Millis) -> Iterator[tuple[Millis, bytes]]:
        """Yield and forget, in order, what is due; deadlines set meanwhile are among it."""
        while self._heap and self._heap[0][0] <= clock:
            at, key = heapq.heappop(self._heap)
            if self._due.get(key) == at:
                del self._due[key]
                yield at, key


def next_deadline(row: Row, now: Millis, planned: Millis) -> Millis:
    """Return the least instant after now that matters to a row, else NEVER.

    One at or before now is returned only if the row has not settled what was due by then.
    `planned` is the instant as of which its notices were looked at last: that of a deadline
    lies behind the clock, the receipt of an event may be ahead of it. A plan that waits until
    nobody lags behind has no deadline.
    """
    at = row.settles_at
    if row.parked and now < at - 1:
        at -= 1  # what is parked is told as of the clock: from its receipt on as settled
    elif row.asked and at <= now:
        at = NEVER  # it goes on with the answer
    order = row.order
    if order is not None:
        promise, frozen = order.promise, order.frozen_promise
        if promise is not None and now < promise.late_from < at:
            at = promise.late_from
        if frozen is not promise and frozen is not None and now < frozen.late_from < at:
            at = frozen.late_from
        if now < order.forgotten_from < at:
            at = order.forgotten_from
        if order.judgement.levels is not None and (turn := sla.next_turn(order, now)):
            at = min(at, turn)
        foreseen = row.told.foreseen
        if foreseen is not None and foreseen.next_at < at:
            at = foreseen.next_at
        if not row.ledger.deferred:
            at = min(at, notices.next_look(row.ledger, order, planned))
    return at
