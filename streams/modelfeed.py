"""The newest model at hand: read before a worker begins, followed while it works."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from streams import topics
from streams.config import Settings
from streams.domain.scoring.model import Model
from streams.domain.scoring.state import FormError, unpacked
from streams.engine.reader import bounds, group_less, read
from streams.engine.rows import PARTITION_KEY, merge
from streams.modelrows import whole
from streams.topics import named

log = logging.getLogger(__name__)

PAUSE_SECONDS = 1.0


class Models:
    """The newest model that was heard of, a new one before."""

    def __init__(self) -> None:
        self.newest = Model()
        self._rows: dict[bytes, bytes] = {}
        self._off = -1

    def current(self) -> Model:
        """Return the newest model."""
        return self.newest

    def heard(self, _: TopicPartition, key: bytes, value: bytes | None) -> None:
        """Take a record of the topic `model`."""
        if key != PARTITION_KEY:
            merge(self._rows, key, value)

    def adopt(self) -> None:
        """Take the newest model that is whole; one of another version is left alone."""
        found = whole(self._rows)
        if found is None or found[0] <= self._off:
            return
        self._off = found[0]
        try:
            self.newest = unpacked(found[1])
        except FormError:
            log.warning("a model of another version is not used")


@asynccontextmanager
async def following(settings: Settings, models: Models) -> AsyncIterator[None]:
    """Keep `models` up with the topic `model`; what is there now is read before it yields."""
    tp = TopicPartition(named(settings.namespace, topics.MODEL), 0)
    async with group_less(settings.kafka, f"{settings.namespace}.model") as consumer:
        at = 0

        async def on() -> None:
            nonlocal at
            begin, end = (await bounds(consumer, [tp]))[tp]
            if end == at:
                return
            await read(consumer, {tp: (max(at, begin), end)}, models.heard)
            at = end
            models.adopt()

        await on()
        task = asyncio.create_task(_again(on))
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


async def _again(on: Callable[[], Awaitable[None]]) -> None:
    while True:
        await asyncio.sleep(PAUSE_SECONDS)
        try:
            await on()
        except KafkaError as failure:
            log.info("the model could not be read: %s", failure)
