"""One `tower web` process: reads the topics, serves operations, writes what they say."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from prometheus_client import CollectorRegistry

from streams.admin import describe_topics, ensure_topics
from streams.config import Settings
from streams.domain.judgement import Judgement
from streams.engine.reader import close, group_less, patiently
from streams.explaining.ruled import Places
from streams.http import add_routes, listening, say_version
from streams.metrics import Names
from streams.publishing import durable_producer
from streams.rules import RulesFile, shipped
from streams.topics import DESK, KPI_CELLS, named
from streams.web.access import access
from streams.web.answers import RefusalError, application
from streams.web.api import Api
from streams.web.desk import Desk
from streams.web.following import FOLLOWED, Following, RowReader
from streams.web.metrics import RiskCollector
from streams.web.mirror import Mirror

TIDY_SECONDS = 3_600.0
ANSWER_SECONDS = 10.0


class Topics:
    """The topics as the API sees them (`Log`)."""

    def __init__(
        self,
        settings: Settings,
        following: Following,
        rows: RowReader,
        producer: AIOKafkaProducer,
    ) -> None:
        self.feed = settings.clock == "feed"
        self._namespace = settings.namespace
        self._following = following
        self._producer = producer
        self.fetch = rows.row

    @property
    def heard_seconds(self) -> float:
        """Return for how long nothing came."""
        return self._following.heard_seconds

    @property
    def complete(self) -> bool:
        """Tell whether all that was there at the start has been read."""
        return self._following.complete

    async def write(self, topic: str, key: bytes, value: bytes | None) -> None:
        """Send a record; return once it is durable.

        Raises:
            RefusalError: the broker is away; it may still be sent.
        """
        full = named(self._namespace, topic)
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await self._producer.send_and_wait(full, value, key=key)
        except (KafkaError, TimeoutError) as error:
            why = "Kafka does not answer: look whether it was kept before you say it again."
            raise RefusalError(503, why) from error


async def serve(
    settings: Settings, said: RulesFile, stop: asyncio.Event, say: Callable[[str], None]
) -> None:
    """Serve until `stop` is set.

    Raises:
        TowerError: no broker, no tokens where they are needed, or a port that is taken.
    """
    who = access(settings.web_host, settings.web_tokens_file)
    await ensure_topics(settings.kafka, settings)
    names = {named(settings.namespace, each): each for each in FOLLOWED}
    there = await describe_topics(settings.kafka, list(names))
    partitions = {names[full]: found.partitions for full, found in there.items()}
    judgement = Judgement(said.rules)
    mirror, desk = Mirror(judgement, partitions[KPI_CELLS]), Desk()
    following = Following(settings, mirror, desk)
    registry = CollectorRegistry()
    say_version(registry, settings.commit)
    registry.register(RiskCollector(Names(judgement.rules.carriers), mirror))
    async with (
        group_less(settings.kafka, "tower.web") as consumer,
        group_less(settings.kafka, "tower.web.rows") as one_row,
        _producing(settings) as producer,
    ):
        topics = Topics(settings, following, RowReader(settings, one_row), producer)
        api = Api(mirror, desk, Places(said, *shipped()), topics)
        app = application(api, who)
        add_routes(app, registry, lambda: following.complete)
        async with listening(app, settings.web_host, settings.web_port, "The API") as port:
            say(f"operations on http://{settings.web_host}:{port}/api/v1/openapi.json")
            await _until(stop, following.run(consumer, partitions), _tidied(desk, topics))


@asynccontextmanager
async def _producing(settings: Settings) -> AsyncIterator[AIOKafkaProducer]:
    producer = durable_producer(settings.kafka)
    await patiently(producer.start)
    try:
        yield producer
    finally:
        await close(producer)


async def _tidied(desk: Desk, topics: Topics) -> None:
    """Delete, now and then, what nobody asks for any more."""
    while True:
        await asyncio.sleep(TIDY_SECONDS)
        with contextlib.suppress(RefusalError):  # an hour later is soon enough
            for key in desk.forgets(time.time_ns() // 1_000_000):
                await topics.write(DESK, key, None)


async def _until(stop: asyncio.Event, *jobs: Any) -> None:  # noqa: ANN401
    """Run jobs until one fails or `stop` is set."""
    running = [asyncio.ensure_future(job) for job in (*jobs, stop.wait())]
    try:
        done, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
        for each in done:
            each.result()
    finally:
        for each in running:
            each.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(*running, return_exceptions=True)
