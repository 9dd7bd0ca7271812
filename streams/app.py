"""The composition root of a worker: settings in, a Faust application with its agents out."""

from streams import topics
from streams.agents import add_agents
from streams.config import Settings
from streams.couriers import CouriersFold
from streams.domain.judgement import Judgement
from streams.engine.app import TowerApp, create_app
from streams.engine.engine import Engine
from streams.engine.source import Source
from streams.forecasting import Forecasting
from streams.groups import GroupsFold
from streams.ingest import COURIERS, ORDERS, IngestFold
from streams.learner import BARRIER_SECONDS, LearnerFold, pressing
from streams.metrics import Metrics
from streams.modelfeed import Models
from streams.orders import OrdersFold


def worker(
    settings: Settings, judgement: Judgement, metrics: Metrics, models: Models
) -> TowerApp:
    """Return a worker's application: all its agents over one engine."""
    app = create_app(settings)
    app.engine = Engine(app, settings, sources(settings, judgement, metrics, models))
    add_agents(app, app.engine, metrics)
    return app


def sources(
    settings: Settings, judgement: Judgement, metrics: Metrics, models: Models | None = None
) -> list[Source]:
    """Return what the worker's agents read, and the fold of each partition.

    Orders are predicted by the newest of `models` where the settings say so; without any
    nothing is learnt, either. Else the learner is there whatever they say, as others of the
    group may predict.
    """
    count = settings.partitions
    feed = settings.clock == "feed"
    inbox_upstreams = [f"{ORDERS.upstream}/{p}" for p in range(count)]
    inbox_upstreams += [f"couriers/{p}" for p in range(count)]
    group_upstreams = [f"orders/{p}" for p in range(count)]
    courier_upstreams = [f"{COURIERS.upstream}/{p}" for p in range(count)]
    received = metrics.received
    current = models.current if models is not None and settings.predict else None
    learning = [] if models is None else [_learner(judgement, metrics)]
    return [
        Source(
            "ingest-orders",
            topics.ORDER_EVENTS,
            "ingest-order-events-changelog",
            lambda p: IngestFold(ORDERS, p, count, feed=feed, observe=received),
        ),
        Source(
            "ingest-couriers",
            topics.COURIER_EVENTS,
            "ingest-courier-events-changelog",
            lambda p: IngestFold(COURIERS, p, count, feed=feed, observe=received),
        ),
        Source(
            "couriers",
            topics.COURIER_LOG,
            "couriers-changelog",
            lambda p: CouriersFold(p, courier_upstreams, count),
        ),
        Source(
            "groups",
            topics.GROUP_LOG,
            "groups-changelog",
            lambda p: GroupsFold(p, group_upstreams),
            published=topics.KPI_CELLS,
        ),
        *learning,
        Source(
            "orders",
            topics.ORDER_LOG,
            "orders-changelog",
            lambda p: OrdersFold(
                p,
                inbox_upstreams,
                judgement,
                metrics.observe,
                group_logs=count,
                expected=metrics.expected,
                forecasting=None if current is None else Forecasting(p, current),
            ),
            published=topics.KPI_CELLS,
        ),
    ]


def _learner(judgement: Judgement, metrics: Metrics) -> Source:
    return Source(
        "learner",
        topics.TRAINING,
        topics.MODEL,
        lambda _: LearnerFold(judgement.id, metrics.observe),
        barrier_seconds=BARRIER_SECONDS,
        presses=pressing,
    )
