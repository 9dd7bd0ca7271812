"""Lanes: what one order's customer is told, one notice after the other; orders side by side.

A lane is a task while there is something to do and nothing but a queue and a timer while its
next notice waits, so that ten thousand waiting notices hold nobody up.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Iterable

from jinja2 import TemplateError

from models.notices import NoticeReceipt, NoticeResult
from streams.dispatch.claims import Claim, Ledger, Taken
from streams.dispatch.decide import Decision, Moment, Send, Suppress, Wait, decide
from streams.dispatch.email import Channel
from streams.dispatch.intake import ContactBook
from streams.dispatch.metrics import DispatchMetrics
from streams.dispatch.outcomes import Outcome, backoff_ms
from streams.dispatch.text import NO_LINKS, Links, write

log = logging.getLogger(__name__)

PARALLEL = 20
# So often is a notice sent again whose earlier send the server took in silence.
MAYBE_RESENDS = 3
_UNSENDABLE = (TemplateError, ValueError, OverflowError)


def wall_ms() -> int:
    """Return the wall clock, epoch milliseconds."""
    return time.time_ns() // 1_000_000


class Clocks:
    """The tower's clock by partition and how far the partitions are read, as of the last read.

    A partition is current once everything appended to it so far has been read, and the
    contact updates with it.
    """

    def __init__(self, towers: dict[int, int]) -> None:
        self._towers = dict(towers)
        self._current: frozenset[int] = frozenset()

    def tick(self, partition: int, at: int) -> None:
        """Move a clock on; it never goes back."""
        self._towers[partition] = max(at, self._towers.get(partition, at))

    def read_up(self, partitions: Iterable[int]) -> bool:
        """Say which partitions are current; return whether one of them was not before."""
        before, self._current = self._current, frozenset(partitions)
        return not self._current <= before

    def moment(self, partition: int) -> Moment:
        """Return now, as the partition has it."""
        return Moment(self._towers.get(partition), wall_ms(), partition in self._current)


class Lanes:
    """All lanes of a dispatcher; receipts of settled notices go to `settled`."""

    def __init__(  # noqa: PLR0913 (what a notice meets on its way, each once)
        self,
        ledger: Ledger,
        channel: Channel,
        book: ContactBook,
        clocks: Clocks,
        metrics: DispatchMetrics,
        settled: Callable[[NoticeReceipt], None],
        *,
        passing: Callable[[str], None] = lambda _: None,
        links: Links = NO_LINKS,
    ) -> None:
        self._ledger = ledger
        self._channel = channel
        self._book = book
        self._clocks = clocks
        self._metrics = metrics
        self._settled = settled
        self._passing = passing
        self._links = links
        self._slots = asyncio.Semaphore(PARALLEL)
        self._queues: dict[str, deque[Taken]] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._again: set[str] = set()
        self._held: set[str] = set()
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._stopping = False
        self.failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def add(self, taken: Iterable[Taken]) -> None:
        """Put notices at the ends of their orders' lanes and let these run."""
        for each in taken:
            order_id = each.command.order_id
            self._queues.setdefault(order_id, deque()).append(each)
            self._metrics.waiting.inc()
            self.wake(order_id)

    def wake(self, order_id: str) -> None:
        """Have an order's next notice decided anew."""
        if order_id not in self._queues or self._stopping:
            return
        timer = self._timers.pop(order_id, None)
        if timer is not None:
            timer.cancel()
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
        """Have those decided anew whose next notice has expired."""
        for order_id, queue in list(self._queues.items()):
            now = self._clocks.moment(queue[0].partition).tower if queue else None
            if now is not None and now >= queue[0].command.expires_at:
                self.wake(order_id)

    async def stop(self, within: float) -> None:
        """Begin nothing new; let sends under way end within so many seconds."""
        self._stopping = True
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
            wait = await self._advance(queue[0])
            if wait is None:
                queue.popleft()
                self._metrics.waiting.dec()
            elif order_id not in self._again:
                self._sleep(order_id, wait)
                return
        if not queue:
            del self._queues[order_id]

    def _sleep(self, order_id: str, wait: Wait) -> None:
        if wait.until is None:
            self._held.add(order_id)
        elif not self._stopping:
            seconds = max(wait.until - wall_ms(), 0) / 1_000
            loop = asyncio.get_running_loop()
            self._timers[order_id] = loop.call_later(seconds, self.wake, order_id)

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

    async def _advance(self, taken: Taken) -> Wait | None:
        """Take a notice as far as it goes now; None: it is settled."""
        while not self._stopping:
            decision = await self._decision(taken)
            if isinstance(decision, Send):
                async with self._slots:
                    # A last look: waiting for the slot may have taken a while.
                    decision = await self._decision(taken)
                    if isinstance(decision, Send):
                        done, wait = await self._send(taken, decision.address)
                        if done or wait is not None:
                            return wait
                        continue
            if isinstance(decision, Wait):
                return decision
            if isinstance(decision, Suppress):
                await self._suppress(taken, decision)
                return None
        return Wait(None)

    async def _decision(self, taken: Taken) -> Decision:
        command = taken.command
        known = await self._ledger.known(command)
        contact = self._book.find(command.customer_id)
        return decide(command, contact, known, self._clocks.moment(taken.partition))

    async def _suppress(self, taken: Taken, decision: Suppress) -> None:
        command = taken.command
        if (await self._ledger.known(command)).doubtful:
            await self._fail(taken, "maybe_sent")
            return
        await self._settle(taken, "suppressed", decision.reason, None)
        self._metrics.suppressed.labels(command.kind, decision.reason).inc()

    async def _send(self, taken: Taken, address: str) -> tuple[bool, Wait | None]:
        """Claim, try once; (True, None): settled, (False, wait): later, else decide again."""
        claim = await self._ledger.claim(taken.command, self._channel.name)
        if claim is Claim.ENDED:
            return False, None
        if claim is Claim.SETTLED:
            return True, None
        if claim is Claim.DOUBTFUL:
            self._metrics.maybe.labels(self._channel.name).inc()
        self._passing("dispatcher.claimed")
        outcome = await self._try(taken, address)
        self._passing("dispatcher.tried")
        if outcome.kind == "accepted":
            await self._succeed(taken)
            return True, None
        if outcome.kind == "permanent":
            await self._fail(taken, outcome.reason)
            return True, None
        wait = await self._postpone(taken, outcome)
        return wait is None, wait

    async def _try(self, taken: Taken, address: str) -> Outcome:
        command = taken.command
        contact = self._book.find(command.customer_id)
        try:
            text = write(command, contact, self._links)
        except _UNSENDABLE:
            return Outcome("permanent", "content")
        return await self._channel.send(command.notice_id, address, text)

    async def _succeed(self, taken: Taken) -> None:
        kind, channel = taken.command.kind, self._channel.name
        accepted_at = wall_ms()
        await self._settle(taken, "sent", None, channel)
        self._metrics.sent.labels(kind, channel).inc()
        delay = max(accepted_at - taken.asked_at, 0) / 1_000
        self._metrics.delay.labels(kind, channel).observe(delay)

    async def _fail(self, taken: Taken, reason: str) -> None:
        await self._settle(taken, "failed", reason, self._channel.name)
        self._metrics.failed.labels(taken.command.kind, self._channel.name, reason).inc()

    async def _postpone(self, taken: Taken, outcome: Outcome) -> Wait | None:
        """Put off the next try; a notice in doubt too often is given up (None)."""
        command, channel = taken.command, self._channel.name
        attempts = (await self._ledger.known(command)).attempts + 1
        until = wall_ms() + backoff_ms(attempts)
        doubtful = outcome.kind == "maybe"
        if outcome.kind == "misconfigured":
            log.error("%s is misconfigured: %s", channel, outcome.reason)
        doubts = await self._ledger.postpone(
            command.notice_id, channel, until, doubtful=doubtful
        )
        if doubtful and doubts >= MAYBE_RESENDS:
            await self._fail(taken, "maybe_sent")
            return None
        self._metrics.retried.labels(command.kind, channel, outcome.reason).inc()
        return Wait(until)

    async def _settle(
        self, taken: Taken, result: NoticeResult, reason: str | None, channel: str | None
    ) -> None:
        command = taken.command
        now = self._clocks.moment(taken.partition)
        receipt = NoticeReceipt(
            notice_id=command.notice_id,
            order_id=command.order_id,
            kind=command.kind,
            version=command.version,
            result=result,
            reason=reason,
            channel=channel,
            eta=command.eta,
            at=now.wall if now.tower is None else now.tower,
        )
        await self._ledger.settle(receipt)
        self._settled(receipt)
