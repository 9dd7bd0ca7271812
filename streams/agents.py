"""The agents: thin Faust agents over the engine's batches. No rule lives here."""

from faust import App, StreamT

from streams import topics
from streams.engine.api import RecordBatch
from streams.engine.engine import Engine


def add_agents(app: App, engine: Engine) -> None:
    """Put the agents of a worker on an application."""

    @app.agent(engine.channel(topics.ORDER_EVENTS))
    async def ingest_orders(batches: StreamT[RecordBatch]) -> None:
        """Pass on what shops and carriers say of orders, re-keyed; set aside the rest."""
        await _fold(batches, engine)

    @app.agent(engine.channel(topics.COURIER_EVENTS))
    async def ingest_couriers(batches: StreamT[RecordBatch]) -> None:
        """Pass on what couriers' apps say, re-keyed; set aside the rest."""
        await _fold(batches, engine)

    @app.agent(engine.channel(topics.COURIER_LOG))
    async def follow_couriers(batches: StreamT[RecordBatch]) -> None:
        """Keep each courier's position, route and shift."""
        await _fold(batches, engine)

    @app.agent(engine.channel(topics.GROUP_LOG))
    async def weigh_groups(batches: StreamT[RecordBatch]) -> None:
        """Count whole orders of several parcels, and customers who order again."""
        await _fold(batches, engine)

    @app.agent(engine.channel(topics.ORDER_LOG))
    async def track_orders(batches: StreamT[RecordBatch]) -> None:
        """Fold each order's events into its row, its facts, its cells and its notices."""
        await _fold(batches, engine)


async def _fold(batches: StreamT[RecordBatch], engine: Engine) -> None:
    async for batch in batches:
        await engine.apply(batch)
