"""A dispatcher put together from its settings, and run."""

import asyncio
import os
import signal
from collections.abc import Callable
from contextlib import AsyncExitStack

from streams import wire
from streams.admin import connected
from streams.config import Settings
from streams.dispatch.claims import Ledger
from streams.dispatch.loop import Dispatcher
from streams.dispatch.metrics import DispatchMetrics
from streams.dispatch.postgres import open_postgres
from streams.dispatch.providers import routes_of
from streams.dispatch.sqlite import open_sqlite
from streams.dispatch.vault import open_vault
from streams.http import say_version, serving


async def dispatch(settings: Settings, stop: asyncio.Event, say: Callable[[str], None]) -> None:
    """Run a dispatcher with its claims file, its channel and its metrics until `stop`."""
    wire.install()
    async with AsyncExitStack() as stack:
        routes = routes_of(settings)
        stack.push_async_callback(routes.close)
        async with connected(settings.kafka):
            pass  # one sentence at once; a broker that goes away later is waited for
        metrics = DispatchMetrics()
        say_version(metrics.registry, settings.commit)
        ledger = await _opened(settings)
        stack.push_async_callback(ledger.close)
        vault = await open_vault(settings)
        stack.push_async_callback(vault.close)
        metrics.watch(routes)
        dispatcher = Dispatcher(
            settings, ledger, vault, routes, metrics, failpoint(settings.failpoint)
        )
        stack.push_async_callback(dispatcher.close)
        host = settings.metrics_host
        port = await stack.enter_async_context(
            serving(host, settings.metrics_port, metrics.registry, lambda: dispatcher.ready)
        )
        say(f"dispatcher: metrics on http://{host}:{port}/metrics")
        await dispatcher.run(stop)


async def _opened(settings: Settings) -> Ledger:
    """Open the claims: a database that dispatchers share, or a file of one."""
    address = settings.claims_address
    if address is None:
        return await open_sqlite(settings.claims)
    return await open_postgres(address, round(1_000 * settings.claim_lease_seconds))


def failpoint(name: str | None) -> Callable[[str], None]:
    """Return what ends the process where a test wants it: at `place`, or the n-th `place:n`."""
    wanted, _, count = (name or "").partition(":")
    left = int(count or 1)

    def passing(place: str) -> None:
        nonlocal left
        if place != wanted:
            return
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    return passing
