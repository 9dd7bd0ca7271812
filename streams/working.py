"""One worker process from start to end: topics, application, metrics on a port."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from typing import TYPE_CHECKING, cast

from prometheus_client import CollectorRegistry

from streams.admin import check_topics, ensure_topics
from streams.app import worker
from streams.cellmetrics import CellCollector
from streams.clockmode import refuse_another_clock
from streams.config import Settings
from streams.couriermetrics import CourierCollector
from streams.domain.judgement import Judgement
from streams.engine.app import run
from streams.errors import TowerError
from streams.health import HealthCollector, View
from streams.http import say_version, serving
from streams.metrics import Metrics
from streams.modelfeed import Models, following
from streams.predictionmetrics import ModelCollector

if TYPE_CHECKING:
    from streams.engine.engine import Engine


def work(settings: Settings, judgement: Judgement) -> int:
    """Run a worker until it is told to stop; return the process's exit code.

    Raises:
        TowerError: no broker, topics that would lose or misdate events, or a namespace
            whose workers are on the other clock.
    """
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # our sentence says it
    asyncio.run(_prepare(settings))
    metrics = Metrics(CollectorRegistry(), judgement.rules.carriers, judgement.rules.sla)
    say_version(metrics.registry, settings.commit)
    models = Models()
    app = worker(settings, judgement, metrics, models)
    engine = cast("Engine", app.engine)
    view = View(engine)
    metrics.registry.register(
        CellCollector(metrics, view.cells, view.clock, view.duplicates, judgement.rules)
    )
    metrics.registry.register(ModelCollector(models.current))
    metrics.registry.register(CourierCollector(metrics.names, view.couriers))
    metrics.registry.register(HealthCollector(engine, view, feed=settings.clock == "feed"))

    @asynccontextmanager
    async def observed() -> AsyncIterator[None]:
        host, port = settings.metrics_host, settings.metrics_port
        async with (
            following(settings, models) if settings.predict else nullcontext(),
            serving(host, port, metrics.registry, lambda: engine.ready) as bound,
        ):
            print(f"metrics on http://{host}:{bound}/metrics", flush=True)  # noqa: T201
            yield

    return run(app, observed)


async def _prepare(settings: Settings) -> None:
    await ensure_topics(settings.kafka, settings)
    findings = await check_topics(settings.kafka, settings)
    if findings:
        raise TowerError(" ".join(findings))
    await refuse_another_clock(settings, "This worker does not start.")
