"""Rules of the real code left out, each by one patch."""

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

from streams import orderrows, sightings
from streams.cellposts import CellPosts
from streams.clocks import Watermarks
from streams.domain import loyalty, order, row, suspects
from streams.engine.partition import Partition
from streams.engine.rows import PARTITION_KEY, PartitionRows, pack
from streams.engine.writer import Outbox
from streams.orderrows import OrderRows
from streams.sightings import Sightings

from .history import ASKED_FOR, DAY, EVIDENCE, GAP, HOUR, KEPT, KNOWN


@contextmanager
def short_times(cached: int) -> Any:
    """Let ids be another order's, and be forgotten, within hours; keep few rows decoded."""
    with ExitStack() as stack:
        for where, name, value in (
            (order, "NEW_LIFE_MS", GAP), (row, "NEW_LIFE_MS", GAP),
            (sightings, "KNOWN_MS", KNOWN), (orderrows, "CACHED_ROWS", cached),
            (suspects, "EVIDENCE_MS", EVIDENCE), (sightings, "ASKED_FOR_MS", ASKED_FOR),
            (orderrows, "CROWD", 0), (suspects, "_day", _day),
        ):  # fmt: skip
            stack.enter_context(patch.object(where, name, value))
        stack.enter_context(patch.dict(loyalty.WINDOWS, {"30d": HOUR, "90d": KEPT}))
        yield


def _day(at: int, _: Any) -> tuple[int, int]:
    """Return a day of two hours: the last word on it is said before an id is another's."""
    return at // DAY * DAY, at // DAY * DAY + DAY


def _never(*_: Any) -> bool:
    return False


def _published_early() -> AbstractContextManager[Any]:
    made = PartitionRows.__init__

    def init(self: PartitionRows, rows: dict[bytes, bytes], applied: int) -> None:
        made(self, rows, applied)
        self.highest_recovered = applied

    return patch.object(PartitionRows, "__init__", init)


def _maximum(self: Watermarks) -> int:
    return max(self.entries.values(), default=0)


def _none_first() -> AbstractContextManager[Any]:
    put = PartitionRows.put

    def anyhow(self: PartitionRows, key: bytes, payload: bytes, off: int, **_: bool) -> None:
        put(self, key, payload, off)

    return patch.object(PartitionRows, "put", anyhow)


async def _rows_before_outputs(self: Partition) -> None:
    sendings, changes = self._outbox.take(), self.rows.take()
    if changes:
        await self._write(changes)
    if sendings:
        await self._writer.post(sendings)


async def _partition_row_first(self: Partition) -> None:
    cells = Outbox()
    if self.applied >= self.rows.highest_recovered:
        self.fold.publish(cells)
    applied, meta = self.applied, self.fold.meta()
    await self._lane.put([(PARTITION_KEY, pack(applied, meta), ())])
    self.durable, self._remembered = applied, meta
    await self._flush()
    await self._rows_acknowledged()
    await self._writer.post(cells.take())


def _lag_forgotten() -> AbstractContextManager[Any]:
    decode = Watermarks.decode

    def forgetful(self: Watermarks, stored: dict[str, Any]) -> None:
        decode(self, {**stored, "behind": self.upstreams})

    return patch.object(Watermarks, "decode", forgetful)


MUTANTS: dict[str, Callable[[], AbstractContextManager[Any]]] = {
    "no-origin-vector": lambda: patch.object(Watermarks, "repeats", _never),
    "no-row-guard": lambda: patch.object(OrderRows, "holds", _never),
    "no-row-guard-of-couriers": lambda: patch.object(Sightings, "_holds", _never),
    "no-archive-guard": lambda: patch.object(PartitionRows, "recovered_off", lambda *_: -1),
    "clock-is-max": lambda: patch.object(Watermarks, "clock", property(_maximum)),
    "no-clamp": lambda: patch.object(Watermarks, "clamp", lambda _, __, at: at),
    "published-early": _published_early,
    "takeover-leaves-cells": lambda: patch.object(CellPosts, "own", lambda *_: []),
    "archive-not-first": _none_first,
    "outputs-after-rows": lambda: patch.object(Partition, "_flush", _rows_before_outputs),
    "partition-row-first": lambda: patch.object(Partition, "_barrier", _partition_row_first),
    "lag-forgotten": _lag_forgotten,
}
