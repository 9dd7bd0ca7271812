"""Work on a database in a thread of its own: whatever waits meanwhile shares one commit.

A commit on a disk takes milliseconds, a statement microseconds; so five hundred claims a
second cost some dozens of commits, and each is durable when its caller goes on.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol, TypeVar

T = TypeVar("T")
Row = tuple[Any, ...]


class Database(Protocol):
    """A connection, used by one thread. Statements mark their values with `?`."""

    def begin(self) -> None:
        """Begin a transaction that no other writer's overlaps."""

    def commit(self) -> None:
        """Make it durable."""

    def roll_back(self) -> None:
        """Leave no trace of it."""

    def run(self, statement: str, values: Sequence[Any] = ()) -> int:
        """Run a statement; return how many rows it changed."""

    def rows(self, statement: str, values: Sequence[Any] = ()) -> list[Row]:
        """Return the rows of a query."""

    def now(self) -> int:
        """Return the time by the clock that all who share the database go by, epoch ms."""

    def close(self) -> None:
        """Let go of it."""


class Turns:
    """Runs pieces of work one after the other, as many as wait in one transaction."""

    def __init__(self, database: Database, thread: ThreadPoolExecutor) -> None:
        self._database = database
        self._thread = thread
        self._waiting: list[tuple[Callable[[Database], Any], asyncio.Future[Any]]] = []
        self._running: asyncio.Task[None] | None = None

    async def do(self, work: Callable[[Database], T]) -> T:
        """Return what `work` returns, once that is committed."""
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._waiting.append((work, future))
        if self._running is None:
            self._running = asyncio.create_task(self._run())
        return await future

    async def alone(self, work: Callable[[Database], T]) -> T:
        """Return what `work` returns, done outside of any transaction."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, work, self._database)

    async def close(self) -> None:
        """Finish what waits and close the database."""
        if self._running is not None:
            await asyncio.gather(self._running, return_exceptions=True)
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._thread, self._database.close)
        self._thread.shutdown()

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while self._waiting:
                batch, self._waiting = self._waiting, []
                works = [work for work, _ in batch]
                try:
                    results = await loop.run_in_executor(self._thread, self._together, works)
                except Exception as error:  # noqa: BLE001 (it belongs to those who wait)
                    for _, future in batch:
                        if not future.done():
                            future.set_exception(error)
                    continue
                for (_, future), result in zip(batch, results, strict=True):
                    if not future.done():
                        future.set_result(result)
        finally:
            self._running = None

    def _together(self, works: Sequence[Callable[[Database], Any]]) -> list[Any]:
        self._database.begin()
        try:
            results = [work(self._database) for work in works]
        except BaseException:
            self._database.roll_back()
            raise
        self._database.commit()
        return results
