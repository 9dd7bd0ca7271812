"""The Faust application around the engine, and the life of a worker process.

Faust keeps the application, the agents, the timers and their supervision. Its consumer,
conductor, fetcher, tables and web server never start (reference: streams/engine/README.md).
"""

import asyncio
import contextlib
import logging
import signal
import sys
import tempfile
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import faust
from faust.app.base import BootStrategy

from streams import collector, wire
from streams.config import Settings
from streams.engine.engine import Engine
from streams.errors import TowerError

log = logging.getLogger(__name__)

Beside = Callable[[], AbstractAsyncContextManager[Any]]

STOP_SECONDS = 9.0


class _AgentsOnly(BootStrategy):
    """Start agents and sensors; leave Kafka and HTTP to others."""

    enable_kafka = False
    enable_kafka_consumer = False
    enable_kafka_producer = False
    enable_web = False


class TowerApp(faust.App):
    """A Faust application with an engine in place of Faust's own transport."""

    BootStrategy = _AgentsOnly
    logger = logging.getLogger("faust.app")
    engine: Engine | None = None

    async def on_first_start(self) -> None:
        """Make no data directory: nothing is kept on disk."""


def create_app(settings: Settings) -> TowerApp:
    """Return an application that talks to nobody until an engine is put on it."""
    return TowerApp(
        f"{settings.namespace}.worker",
        broker=f"kafka://{settings.brokers}",
        store="memory://",
        datadir=Path(tempfile.gettempdir()) / f"{settings.namespace}.worker",
        web_enabled=False,
        web_bind="127.0.0.1",
        agent_supervisor="mode.CrashingSupervisor",
        stream_wait_empty=False,
    )


def run(app: TowerApp, beside: Beside | None = None) -> int:
    """Work until SIGTERM or SIGINT (0) or a failure (1); return the exit code.

    `beside` makes a context that is entered before work begins and left after it ends.
    """
    for noisy in ("aiokafka", "faust", "mode"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    logging.getLogger("aiokafka.consumer.group_coordinator").addFilter(_is_news)
    wire.install()
    collector.relax()
    try:
        return asyncio.run(_with(app, beside))
    except TowerError as error:
        sys.stderr.write(f"tower: {error}\n")
        return 1


def _is_news(record: logging.LogRecord) -> bool:
    """Tell whether a line is no mere try again: a new broker has no coordinator for a while."""
    return not record.getMessage().startswith("Group Coordinator Request failed")


async def _with(app: TowerApp, beside: Beside | None) -> int:
    async with contextlib.nullcontext() if beside is None else beside():
        return await _work(app)


async def _work(app: TowerApp) -> int:
    engine = app.engine
    if engine is None:
        raise TowerError("an application without an engine has nothing to do")
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await app.start()
    await app.agents.wait_until_agents_started()
    app.flow_control.resume()
    starting = asyncio.create_task(engine.start())
    await _first(stop.wait(), starting, engine.failed.wait(), app.wait_until_stopped())
    if starting.done() and starting.exception() is None:
        await _first(stop.wait(), engine.failed.wait(), app.wait_until_stopped())
    starting.cancel()
    stopped = False
    try:
        async with asyncio.timeout(STOP_SECONDS):
            await engine.stop()
            await app.stop()
            stopped = True
    except TimeoutError:
        log.warning("did not stop within %.0f s, ending anyway", STOP_SECONDS)
    if starting.done() and not starting.cancelled():
        starting.result()
    if isinstance(engine.failure, TowerError):
        raise engine.failure
    return 0 if stopped and engine.failure is None and app.crash_reason is None else 1


async def _first(*waits: Any) -> None:  # noqa: ANN401
    """Return when one of several waits is over; the others are cancelled, tasks are not."""
    tasks = [
        wait if isinstance(wait, asyncio.Task) else asyncio.create_task(wait) for wait in waits
    ]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task, wait in zip(tasks, waits, strict=True):
        if task is not wait:
            task.cancel()
