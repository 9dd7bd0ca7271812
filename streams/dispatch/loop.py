"""The dispatcher: reads what the tower wants said, remembers it, has it said, reports back.

Read, make durable, commit; then the lanes. An offset is committed once the claims file holds
what the record asked for, so a crash at any moment repeats at most a send under the same id.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from streams.config import Settings
from streams.dispatch.claims import Ledger
from streams.dispatch.clocks import Clocks
from streams.dispatch.contacts import Contacts
from streams.dispatch.intake import (
    Batch,
    dead_letters,
    sort,
)
from streams.dispatch.kafka import Letter, Reader, Sender
from streams.dispatch.lanes import Lanes
from streams.dispatch.metrics import DispatchMetrics
from streams.dispatch.routes import Routes
from streams.dispatch.sending import Sending
from streams.dispatch.switches import follow
from streams.dispatch.text import Links
from streams.dispatch.vault import Vault
from streams.dispatch.wholetopic import Follower
from streams.refusal import kept_out
from streams.rules import load
from streams.topics import (
    CONTACT_UPDATES,
    NOTICE_COMMANDS,
    NOTICE_SWITCHES,
    ORDER_LOG,
    named,
)

if TYPE_CHECKING:
    from models.notices import NoticeReceipt

log = logging.getLogger(__name__)

RECEIPT_HEADERS = (("kind", b"receipt"),)
SENDS_END_SECONDS = 4.0
CLOSE_SECONDS = 1.5
EXPIRY_SECONDS = 1.0
TOPICS_SECONDS = 2.0  # after which a topic that is not there is worth a line


class Dispatcher:
    """One dispatcher over a ledger; `run` lasts until `stop` is set."""

    def __init__(
        self,
        settings: Settings,
        ledger: Ledger,
        vault: Vault,
        routes: Routes,
        metrics: DispatchMetrics,
        passing: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._settings = settings
        self._quiet = load(settings.rules).notices.quiet_hours
        self._passing = passing
        self._ledger = ledger
        self._routes = routes
        self._metrics = metrics
        self._namespace = settings.namespace
        self._commands = named(self._namespace, NOTICE_COMMANDS)
        self._updates = named(self._namespace, CONTACT_UPDATES)
        self._sender = Sender(settings)
        self._reader = Reader(
            settings, f"{self._namespace}.dispatcher", (self._commands, self._updates)
        )
        self._contacts = Contacts(settings, self._sender, vault, ledger)
        self._heard: Follower | None = None
        self._assignments = 0
        self._owed: asyncio.Queue[NoticeReceipt] = asyncio.Queue()
        self._looked_for_expired = 0.0
        self._ready = False

    @property
    def ready(self) -> bool:
        """Return whether contacts are read and every partition has been read to its end."""
        return self._ready

    async def run(self, stop: asyncio.Event) -> None:
        """Dispatch until `stop` is set; then let sends under way end. `close` comes after."""
        clocks = Clocks(await self._ledger.clocks(), self._routes.channels, self._quiet)
        sending = Sending(
            self._ledger,
            self._routes,
            self._contacts.book,
            clocks,
            self._metrics,
            self._owed.put_nowait,
            passing=self._passing,
            links=Links(self._settings.feedback_url, self._settings.preferences_url),
        )
        lanes = Lanes(sending, self._metrics)
        work = asyncio.create_task(self._work(lanes, clocks))
        halt = asyncio.create_task(stop.wait())
        refused = asyncio.create_task(kept_out(self._settings.kafka, self._reader.silent))
        try:
            first: set[asyncio.Future[Any]] = {work, halt, refused, lanes.failed}
            done, _ = await asyncio.wait(first, return_when=asyncio.FIRST_COMPLETED)
            for each in done - {halt}:
                each.result()
        finally:
            halt.cancel()
            await _cancelled(refused)
            await _cancelled(work)
            await self._end(lanes)

    async def _work(self, lanes: Lanes, clocks: Clocks) -> None:
        await self._sender.start()
        aside = [asyncio.create_task(self._report())]
        try:
            partitions = await self._topics(self._contacts.topic)
            await self._contacts.load(partitions)
            if self._ledger.shared:
                updates = await self._sender.partitions(self._updates)
                self._heard = Follower(self._settings, self._updates, updates)
                aside.append(asyncio.create_task(self._heard.follow(self._contacts.hear)))
                await self._heard.reach_end()
            following = asyncio.create_task(follow(self._settings, clocks.switch))
            aside.append(following)
            told = asyncio.create_task(clocks.switched.wait())
            await asyncio.wait({told, following}, return_when=asyncio.FIRST_COMPLETED)
            await self._reader.start()
            if not self._ledger.shared:
                await self._resume(lanes, clocks, None)
            log.info("dispatching; %d contacts", len(self._contacts.book))
            while not any(each.done() for each in aside):
                await self._turn(lanes, clocks)
            for each in aside:
                if each.done():
                    each.result()
        finally:
            for each in aside:
                await _cancelled(each)

    async def _resume(
        self, lanes: Lanes, clocks: Clocks, partitions: frozenset[int] | None
    ) -> None:
        """Go on with what was left waiting or owed, on some partitions or (None) on all."""
        for partition, at in (await self._ledger.clocks()).items():
            clocks.tick(partition, at)
        for receipt in await self._ledger.owed(partitions):
            self._owed.put_nowait(receipt)
        pending = await self._ledger.pending(partitions)
        if partitions is None:
            lanes.add(pending)
        else:
            lanes.keep(partitions, pending)

    async def _topics(self, contacts: str) -> set[int]:
        """Return the partitions of the contacts once every topic of ours is there."""
        others = (named(self._namespace, each) for each in (ORDER_LOG, NOTICE_SWITCHES))
        wanted = (self._commands, self._updates, *others, contacts)
        saying = asyncio.get_running_loop().call_later(
            TOPICS_SECONDS,
            log.warning,
            "waiting for the topics of the namespace %s (%s): a worker creates them",
            self._namespace,
            ", ".join(wanted),
        )
        try:
            return [await self._sender.partitions(each) for each in wanted][-1]
        finally:
            saying.cancel()

    async def _turn(self, lanes: Lanes, clocks: Clocks) -> None:
        """Read once, keep it, commit, and set the lanes going."""
        records = await self._reader.read()
        batch = sort(self._namespace, records)
        await self._sender.send(dead_letters(self._namespace, batch))
        await self._contacts.keep(batch.contacts)
        if self._heard is not None and batch.intake.commands:
            await self._heard.reach_end()
        assignments, ours = self._reader.share(self._commands)
        if self._ledger.shared and assignments != self._assignments:
            self._assignments = assignments
            await self._resume(lanes, clocks, ours)
        intake = batch.intake
        fresh = []
        if intake.commands or intake.endings or intake.ticks:
            fresh = await self._ledger.take(intake)
        if records:
            await self._reader.commit()
        self._count(batch, {each.command.notice_id for each in fresh})
        for tick in intake.ticks:
            clocks.tick(tick.partition, tick.at)
        await self._look_around(lanes, clocks)
        lanes.add(fresh)
        for ending in intake.endings:
            lanes.wake(ending.order_id)

    async def _look_around(self, lanes: Lanes, clocks: Clocks) -> None:
        """See how far everything is read, and wake the lanes for which that or time matters."""
        lags = await self._reader.lags()
        for (topic, partition), lag in lags.items():
            short = topic.removeprefix(f"{self._namespace}.")
            self._metrics.lag.labels(short, str(partition)).set(lag or 0)
        heard = all(lag == 0 for (topic, _), lag in lags.items() if topic == self._updates)
        current = {
            partition
            for (topic, partition), lag in lags.items()
            if topic == self._commands and lag == 0 and heard
        }
        if lags and all(lag == 0 for lag in lags.values()):
            self._ready = True
        if clocks.read_up(current):
            lanes.wake_held()
        now = time.monotonic()
        if now - self._looked_for_expired >= EXPIRY_SECONDS:
            self._looked_for_expired = now
            lanes.wake_expired()

    def _count(self, batch: Batch, fresh: set[str]) -> None:
        metrics = self._metrics
        metrics.contacts.inc(len(batch.contacts))
        for letter in batch.letters:
            if letter.topic == CONTACT_UPDATES:
                metrics.rejected.labels(letter.topic, letter.reason.value).inc()
            else:
                metrics.dead_lettered.labels("unknown", "none").inc()
        for taken in batch.intake.commands:
            metrics.requested.labels(taken.command.kind).inc()
            if taken.command.notice_id in fresh:
                fresh.remove(taken.command.notice_id)
            else:
                metrics.suppressed.labels(taken.command.kind, "duplicate").inc()

    async def _report(self) -> None:
        """Bring receipts to their orders; after a crash some may arrive twice."""
        topic = named(self._namespace, ORDER_LOG)
        while True:
            receipts = [await self._owed.get()]
            while not self._owed.empty():
                receipts.append(self._owed.get_nowait())
            await self._sender.send(
                Letter(
                    topic,
                    each.order_id.encode(),
                    each.model_dump_json().encode(),
                    RECEIPT_HEADERS,
                )
                for each in receipts
            )
            await self._ledger.delivered(receipts)
            for _ in receipts:
                self._owed.task_done()

    async def _end(self, lanes: Lanes) -> None:
        await lanes.stop(SENDS_END_SECONDS)
        last = asyncio.create_task(self._report())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._owed.join()
        await _cancelled(last)

    async def close(self) -> None:
        """Close the clients, which are there whether or not work ever began."""
        await self._reader.stop(CLOSE_SECONDS)
        await self._sender.stop(CLOSE_SECONDS)


async def _cancelled(task: "asyncio.Task[None]") -> None:
    """Cancel a task and wait until it has ended."""
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
