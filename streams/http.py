"""What every process serves: `/metrics`, `/healthz`, `/readyz`."""

import asyncio
import importlib.metadata
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiohttp import web
from prometheus_client import CollectorRegistry, Info, Metric, disable_created_metrics
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from streams.errors import TowerError

# Otherwise every counter brings a series that says when it began.
disable_created_metrics()  # type: ignore[no-untyped-call]


@dataclass(frozen=True, slots=True)
class _Gathered(Collector):
    """Metrics as of one moment."""

    metrics: list[Metric]

    def collect(self) -> list[Metric]:
        return self.metrics


def say_version(registry: CollectorRegistry, commit: str) -> None:
    """Let a process expose which version it is."""
    about = {"version": importlib.metadata.version("tower"), "commit": commit}
    Info("tower_build", "Version of the tower.", registry=registry).info(about)


@asynccontextmanager
async def serving(
    host: str, port: int, registry: CollectorRegistry, ready: Callable[[], bool]
) -> AsyncIterator[int]:
    """Serve while the context lasts; yield the port, a free one where `port` is 0."""
    app = web.Application()
    add_routes(app, registry, ready)
    async with listening(app, host, port, "Metrics") as bound:
        yield bound


def add_routes(
    app: web.Application, registry: CollectorRegistry, ready: Callable[[], bool]
) -> None:
    """Let an application answer what every process of the tower answers."""
    app.router.add_get("/metrics", _metrics(registry))
    app.router.add_get("/healthz", _alive)
    app.router.add_get("/readyz", _readiness(ready))


@asynccontextmanager
async def listening(
    app: web.Application, host: str, port: int, what: str
) -> AsyncIterator[int]:
    """Listen while the context lasts; yield the port, a free one where `port` is 0.

    Raises:
        TowerError: the address cannot be had; `what` begins the sentence.
    """
    runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError as error:
        await runner.cleanup()
        raise TowerError(
            f"{what} cannot be served on {host}:{port}: {error.strerror}."
        ) from error
    try:
        yield int(runner.addresses[0][1])
    finally:
        await runner.cleanup()


def _metrics(
    registry: CollectorRegistry,
) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def metrics(request: web.Request) -> web.Response:
        """Answer in the text format, or in OpenMetrics to whoever accepts that.

        The series are gathered at once, between two turns of the loop; writing them out takes
        longest and does not hold the loop up.
        """
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        gathered = _Gathered(list(registry.collect()))
        body = await asyncio.to_thread(encode, gathered)
        return web.Response(body=body, headers={"Content-Type": content_type})

    return metrics


async def _alive(_: web.Request) -> web.Response:
    return web.Response(text="alive\n")


def _readiness(
    ready: Callable[[], bool],
) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def readiness(_: web.Request) -> web.Response:
        """Answer 200 once the process has recovered and consumes, 503 before."""
        return (
            web.Response(text="ready\n")
            if ready()
            else web.Response(text="not ready\n", status=503)
        )

    return readiness
