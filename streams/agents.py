"""The agents: thin Faust agents over the engine's batches. No rule lives here."""

import time

from faust import App, StreamT

from streams import topics
from streams.engine.api import RecordBatch
from streams.engine.engine import Engine
from streams.metrics import Metrics


def add_agents(app: App, engine: Engine, metrics: Metrics) -> None:
    """Put the agents of a worker on an application."""

    async def fold(agent: str, batches: StreamT[RecordBatch]) -> None:
        async for batch in batches:
            began = time.perf_counter()
            await engine.apply(batch)
            metrics.worked(agent, len(batch.records), time.perf_counter() - began)

    @app.agent(engine.channel(topics.ORDER_EVENTS))
    async def ingest_orders(batches: StreamT[RecordBatch]) -> None:
        """Pass on what shops and carriers say of orders, re-keyed; set aside the rest."""
        await fold("ingest_orders", batches)

    @app.agent(engine.channel(topics.COURIER_EVENTS))
    async def ingest_couriers(batches: StreamT[RecordBatch]) -> None:
        """Pass on what couriers' apps say, re-keyed; set aside the rest."""
        await fold("ingest_couriers", batches)

    @app.agent(engine.channel(topics.COURIER_LOG))
    async def follow_couriers(batches: StreamT[RecordBatch]) -> None:
        """Keep each courier's position, route and shift."""
        await fold("follow_couriers", batches)

    @app.agent(engine.channel(topics.GROUP_LOG))
    async def weigh_groups(batches: StreamT[RecordBatch]) -> None:
        """Count whole orders of several parcels, and customers who order again."""
        await fold("weigh_groups", batches)

    @app.agent(engine.channel(topics.TRAINING))
    async def learn_lateness(batches: StreamT[RecordBatch]) -> None:
        """Learn from orders that are over, and publish what was learnt."""
        await fold("learn_lateness", batches)

    @app.agent(engine.channel(topics.ORDER_LOG))
    async def track_orders(batches: StreamT[RecordBatch]) -> None:
        """Fold each order's events into its row, its facts, its cells and its notices."""
        await fold("track_orders", batches)
