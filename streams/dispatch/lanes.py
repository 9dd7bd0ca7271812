"""Lanes: what one order's customer is told, one notice after the other; orders side by side.

A lane is a task while there is something to do and nothing but a queue and a timer while its
next notice waits, so that ten thousand waiting notices hold nobody up.
"""

import asyncio
from collections import deque
from collections.abc import Collection, Iterable

from streams.dispatch.claims import Taken
from streams.dispatch.clocks import wall_ms
from streams.dispatch.decide import Wait
from streams.dispatch.metrics import DispatchMetrics
from streams.dispatch.sending import Sending


class Lanes:
    """All lanes of a dispatcher, each notice taken on by `sending`."""

    def __init__(self, sending: Sending, metrics: DispatchMetrics) -> None:
        self._sending = sending
        self._clocks = sending.clocks
        self._metrics = metrics
        self._queues: dict[str, deque[Taken]] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._again: set[str] = set()
        self._held: set[str] = set()
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._due: dict[str, int] = {}  # by the tower's clock
        self._stopping = False
        self.failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def add(self, taken: Iterable[Taken]) -> None:
        """Put notices at the ends of their orders' lanes and let these run."""
        for each in taken:
            order_id = each.command.order_id
            self._queues.setdefault(order_id, deque()).append(each)
            self._metrics.waiting.inc()
            self.wake(order_id)

    def keep(self, partitions: Collection[int], pending: Iterable[Taken]) -> None:
        """Have lanes for what waits on these partitions alone; what is under way goes on."""
        for order_id, queue in list(self._queues.items()):
            first = 1 if order_id in self._tasks else 0
            for each in list(queue)[first:]:
                if each.partition not in partitions:
                    queue.remove(each)
                    self._metrics.waiting.dec()
            if not queue and not first:
                del self._queues[order_id]
                self._held.discard(order_id)
                self._rouse(order_id)
        here = {each.command.notice_id for queue in self._queues.values() for each in queue}
        self.add(each for each in pending if each.command.notice_id not in here)

    def wake(self, order_id: str) -> None:
        """Have an order's next notice decided anew."""
        if order_id not in self._queues or self._stopping:
            return
        self._rouse(order_id)
        if order_id in self._tasks:
            self._again.add(order_id)
            return
        task = asyncio.create_task(self._run(order_id))
        self._tasks[order_id] = task
        task.add_done_callback(lambda done: self._ended(order_id, done))

    def wake_held(self) -> None:
        """Have those decided anew that wait for their partition to be read up."""
        held, self._held = self._held, set()
        for order_id in held:
            self.wake(order_id)

    def wake_expired(self) -> None:
        """Have those decided anew whose next notice has expired, or whose quiet hours ended."""
        for order_id, queue in list(self._queues.items()):
            now = self._clocks.moment(queue[0].partition).tower if queue else None
            if now is None:
                continue
            until = queue[0].command.expires_at
            if now >= min(self._due.get(order_id, until), until):
                self.wake(order_id)

    async def stop(self, within: float) -> None:
        """Begin nothing new; let sends under way end within so many seconds."""
        self._stopping = self._sending.stopping = True
        for timer in self._timers.values():
            timer.cancel()
        tasks = list(self._tasks.values())
        if tasks:
            await asyncio.wait(tasks, timeout=within)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self, order_id: str) -> None:
        queue = self._queues[order_id]
        while queue and not self._stopping:
            self._again.discard(order_id)
            wait = await self._sending.advance(queue[0])
            if wait is None:
                queue.popleft()
                self._metrics.waiting.dec()
            elif order_id not in self._again:
                self._sleep(order_id, wait)
                return
        if not queue:
            del self._queues[order_id]

    def _sleep(self, order_id: str, wait: Wait) -> None:
        if wait.tower is not None:
            self._due[order_id] = wait.tower
        elif wait.until is None:
            self._held.add(order_id)
        elif not self._stopping:
            seconds = max(wait.until - wall_ms(), 0) / 1_000
            loop = asyncio.get_running_loop()
            self._timers[order_id] = loop.call_later(seconds, self.wake, order_id)

    def _rouse(self, order_id: str) -> None:
        """Have a lane wait neither for the tower's clock nor for ours."""
        self._due.pop(order_id, None)
        timer = self._timers.pop(order_id, None)
        if timer is not None:
            timer.cancel()

    def _ended(self, order_id: str, task: asyncio.Task[None]) -> None:
        self._tasks.pop(order_id, None)
        if task.cancelled():
            return
        error = task.exception()
        if error is None:
            if order_id in self._again:
                self.wake(order_id)
        elif not self.failed.done():
            self.failed.set_exception(error)
