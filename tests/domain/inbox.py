"""One inbox partition told from several upstreams: any interleaving, ticks, crashes.

Every upstream tells its events as they were received and promises honestly, by ticks, what it
will still tell. A crash keeps what had been put as far as it got, and goes on behind the last
barrier, as the engine does.
"""

import json
from collections.abc import Iterator
from random import Random
from typing import Any

from streams.codec import Rejected, decode_order
from streams.domain.judgement import Judgement
from streams.engine.api import Headers, Record
from streams.orders import OrdersFold
from tests.oracle import Event, received

UPSTREAMS = ("order-events/0", "order-events/1", "couriers/0")


class Nowhere:
    """Outputs that nobody reads."""

    def send(
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        headers: Headers = (),
        partition: int | None = None,
    ) -> None:
        pass


class Shelf:
    """Rows in memory; `written` are those of the flush under way, in order."""

    def __init__(self, stored: dict[bytes, tuple[bytes, int]], applied: int) -> None:
        self.stored = stored
        self.ahead = {key: off for key, (_, off) in stored.items() if off > applied}
        self.before = dict(stored)
        self.written: list[tuple[bytes, bytes, int, bool]] = []

    def get(self, key: bytes) -> bytes | None:
        return self.stored.get(key, (None, -1))[0]

    def off(self, key: bytes) -> int:
        return self.stored.get(key, (None, -1))[1]

    def recovered_off(self, key: bytes) -> int:
        return self.ahead.get(key, -1)

    def put(self, key: bytes, payload: bytes, off: int, *, first: bool = False) -> None:
        self.stored[key] = (payload, off)
        self.written.append((key, payload, off, first))

    def delete(self, key: bytes) -> None:
        self.stored.pop(key, None)

    def items(self) -> Iterator[tuple[bytes, bytes]]:
        return iter([(key, payload) for key, (payload, _) in self.stored.items()])

    def flushed(self) -> None:
        self.written, self.before = [], dict(self.stored)

    def torn(self, rng: Random) -> dict[bytes, tuple[bytes, int]]:
        """Return what is durable after a crash within a flush: archive rows go first."""
        archive = [each for each in self.written if each[3]]
        others = [each for each in self.written if not each[3]]
        rng.shuffle(archive)
        rng.shuffle(others)
        for key, payload, off, _ in (archive + others)[: rng.randint(0, len(self.written))]:
            self.before[key] = (payload, off)
        return self.before


def log(events: list[Event], as_of: int, rng: Random) -> list[Record]:
    """Return events as the records of an inbox: interleaved, some told twice, with ticks."""
    queues: dict[str, list[tuple[int, tuple[int, int], Event]]] = {u: [] for u in UPSTREAMS}
    for event in sorted(events, key=received):
        queue = queues[rng.choice(UPSTREAMS)]
        queue.append((received(event), (len(queue), 0), event))
    told: list[tuple[bytes | None, bytes, Headers]] = []
    sent = dict.fromkeys(UPSTREAMS, 0)
    while any(sent[u] < len(queues[u]) for u in UPSTREAMS):
        upstream = rng.choice(UPSTREAMS)
        queue, at = queues[upstream], sent[upstream]
        if rng.random() < 0.3:
            promised = queue[at][0] if at < len(queue) else as_of
            told.append(_tick(upstream, promised - rng.choice((0, 0, 1, 3_600_000)), rng))
        elif at < len(queue):
            told.append(_event(upstream, *queue[at]))
            sent[upstream] += 1
        elif queue and rng.random() < 0.2:
            told.append(_event(upstream, *rng.choice(queue)))  # a repeat, by its origin
    told += [_tick(upstream, as_of, rng) for upstream in rng.sample(UPSTREAMS, 3)]
    return [Record(offset, 0, *each) for offset, each in enumerate(told)]


def _tick(upstream: str, at: int, rng: Random) -> tuple[None, bytes, Headers]:
    caught_up = b"1" if rng.random() < 0.7 else b"0"
    value = f'{{"{upstream}": {at}}}'.encode()
    return None, value, (("kind", b"tick"), ("caught_up", caught_up))


def _event(
    upstream: str, at: int, origin: tuple[int, int], event: Event
) -> tuple[bytes, bytes, Headers]:
    decoded = decode_order(json.dumps(event).encode())
    assert not isinstance(decoded, Rejected)
    headers = [
        ("received_at", str(at).encode()),
        ("origin", f"{upstream}/{origin[0]}/{origin[1]}".encode()),
    ]
    if decoded.unknown:
        headers.append(("unknown", b"1"))
    return event["order_id"].encode(), decoded.canonical, tuple(headers)


def fold(records: list[Record], judgement: Judgement, rng: Random) -> OrdersFold:
    """Fold a log with flushes anywhere and a few crashes; return the fold at its end."""
    shelf, meta, applied = Shelf({}, -1), None, -1
    orders = OrdersFold(0, UPSTREAMS, judgement)
    orders.recover(meta, shelf, {})
    at, crashes = 0, rng.choice((0, 1, 2, 3))
    while at < len(records):
        batch = records[at : at + rng.choice((1, 1, 2, 3, 8))]
        orders.fold(batch, Nowhere())
        at = batch[-1].offset + 1
        if crashes and rng.random() < 0.2:
            crashes -= 1
            shelf = Shelf(shelf.torn(rng), applied)
            orders = OrdersFold(0, UPSTREAMS, judgement)
            orders.recover(meta, shelf, {})
            at = applied + 1
            continue
        shelf.flushed()
        if rng.random() < 0.3:
            meta, applied = orders.meta(), at - 1
            if rng.random() < 0.5 and applied >= max(shelf.ahead.values(), default=-1):
                orders.publish(Nowhere())
    return orders


def cells(orders: OrdersFold) -> dict[Any, dict[str, int]]:
    """Return the cells without what may depend on interleaving (design decision 5)."""
    orders.settle_cells()
    kept = {
        cell: {
            name: count
            for name, count in measures.items()
            if count
            and not name.startswith(("notices.", "revisions"))
            and "notified" not in name
        }
        for cell, measures in orders.book.totals.items()
    }
    return {cell: measures for cell, measures in kept.items() if measures}
