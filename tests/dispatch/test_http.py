"""The operations listener."""

import aiohttp
import pytest
from prometheus_client import CollectorRegistry, Counter

from streams.errors import TowerError
from streams.http import serving


async def ask(port, path, **headers):
    async with (
        aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session,
        session.get(path, headers=headers) as answer,
    ):
        return answer.status, answer.headers["Content-Type"], await answer.text()


async def test_metrics_in_both_formats_and_readiness():
    registry = CollectorRegistry()
    Counter("tower_things", "Things.", registry=registry).inc()
    ready = False
    async with serving("127.0.0.1", 0, registry, lambda: ready) as port:
        status, kind, text = await ask(port, "/metrics", Accept="text/plain")
        assert (status, kind.split(";")[0]) == (200, "text/plain")
        assert "\ntower_things_total 1.0\n" in text
        status, kind, text = await ask(
            port, "/metrics", Accept="application/openmetrics-text; version=1.0.0"
        )
        assert (status, kind.split(";")[0]) == (200, "application/openmetrics-text")
        assert text.endswith("# EOF\n")
        assert (await ask(port, "/healthz"))[0] == 200
        assert (await ask(port, "/readyz"))[0] == 503
        ready = True
        assert (await ask(port, "/readyz"))[0] == 200
        assert (await ask(port, "/table/orders"))[0] == 404
        with pytest.raises(TowerError, match="cannot be served"):
            async with serving("127.0.0.1", port, registry, lambda: True):
                pass
