"""A provider over HTTP for tests: keeps every call and answers as it is told."""

import asyncio
import ssl
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web


@dataclass
class Call:
    """One call as it came in."""

    path: str
    headers: dict
    body: bytes


@dataclass
class HttpSink:
    """`behave` is what the next calls meet; `calls` are those that came."""

    port: int = 0
    status: int = 200
    answer: bytes = b"{}"
    headers: dict = field(default_factory=dict)
    behaviour: str = "answer"
    delay: float = 0.0
    calls: list = field(default_factory=list)
    released: asyncio.Event = field(default_factory=asyncio.Event)

    async def take(self, request):
        body = await request.read()
        self.calls.append(Call(request.path_qs, dict(request.headers), body))
        await asyncio.sleep(self.delay)
        match self.behaviour:
            case "silent":
                await self.released.wait()
            case "drop":
                request.transport.abort()
            case "drip":
                return await self._drip(request)
            case "huge":
                return web.Response(status=self.status, body=b"x" * 10_000_000)
        return web.Response(status=self.status, body=self.answer, headers=self.headers)

    async def _drip(self, request):
        response = web.StreamResponse(status=self.status)
        await response.prepare(request)
        await response.write(b"{")
        await self.released.wait()
        return response


@asynccontextmanager
async def running(tls: ssl.SSLContext | None = None):
    sink = HttpSink()
    app = web.Application(client_max_size=2**20)
    app.router.add_route("*", "/{any:.*}", sink.take)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
    sink.port = runner.addresses[0][1]
    try:
        yield sink
    finally:
        sink.released.set()
        await runner.cleanup()
