"""Run everything: broker, worker, dispatcher, web, mail sink, a simulated day, the scoreboard.

The day begins in the middle of a wave: the hours before `begins` are loaded at once, the rest
passes at `speed`. The simulator tells nobody what will happen; the truth is looked at only
after the end, to say how good the warnings were.
"""

import asyncio
import os
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.live import Live

from models.base import millis
from streams.admin import ensure_topics
from streams.config import Settings
from streams.demo.board import WHOLE_MAIL_FROM, board, clock_text
from streams.demo.watch import Watch
from streams.embedded import EmbeddedBroker
from streams.errors import TowerError
from streams.mailsink import MailSink
from streams.pacing import PublishOptions
from streams.publishing import publish
from streams.simulate import Day, DaySpec, day
from streams.simulate.lines import said
from streams.stopping import told_to_stop

PARTITIONS = 4
STOP_SECONDS = 12.0
LAST_WORDS_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Show:
    """What to show: the day's seed and size, the pace, how long (None: until Ctrl-C)."""

    seed: int
    seconds: float | None = None
    speed: float = 60.0
    orders: int = 900
    couriers: int = 30

    @property
    def begins(self) -> datetime:
        """Return when the show begins: today at 14:00 UTC, with the couriers on their way."""
        return datetime.now(UTC).replace(hour=14, minute=0, second=0, microsecond=0)


async def show(what: Show, console: Console) -> None:
    """Run the demo; everything it started has ended when it returns."""
    console.print(f"Simulating a day with seed {what.seed} ...")
    simulated = day(DaySpec(what.orders, what.couriers, what.seed, what.begins, "demo"))
    console.print("Starting Kafka ...")
    stop = told_to_stop()
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tower-demo-")))
        broker = await asyncio.to_thread(EmbeddedBroker, say=console.print)
        stack.callback(broker.close)
        await asyncio.to_thread(broker.start)
        watch = Watch(PARTITIONS)
        sink = MailSink(folder / "mail.jsonl", seen=watch.mails.append)
        await sink.start()
        stack.push_async_callback(sink.stop)
        env = _environment(broker.bootstrap, sink.port, folder)
        settings = Settings(brokers=broker.bootstrap, clock="feed", partitions=PARTITIONS)
        await ensure_topics(settings.kafka, settings)
        addresses = {"Kafka": broker.bootstrap, "mail sink": f"smtp://127.0.0.1:{sink.port}"}
        for name in ("dispatcher", "worker", "web"):
            addresses[name] = await stack.enter_async_context(_process(name, env, folder))
        for name, where in addresses.items():
            console.print(f"{name}: {where}")
        await _play(what, simulated, settings, watch, stop, addresses, console)
        console.print("Stopping ...")
    _last_words(what, simulated, watch, console)


async def _play(  # noqa: PLR0913, PLR0917 - everything that takes part
    what: Show,
    simulated: Day,
    settings: Settings,
    watch: Watch,
    stop: asyncio.Event,
    addresses: dict[str, str],
    console: Console,
) -> None:
    """Feed the day and draw the board until time is up or somebody stops it."""
    options = PublishOptions(speed=what.speed, pace_from=millis(what.begins))
    feeding = asyncio.create_task(
        publish(said(simulated.events), options, settings, contacts=said(simulated.contacts))
    )
    following = asyncio.create_task(watch.follow(settings))
    halt = asyncio.create_task(stop.wait())
    heading = f"Seed {what.seed}, {what.speed:g} times the pace of the day"
    ends: float | None = None
    loop = asyncio.get_running_loop()
    try:
        with Live(
            console=console, refresh_per_second=2, transient=not console.is_terminal
        ) as live:
            while not halt.done() and not feeding.done() and not following.done():
                if ends is None and watch.clock >= millis(what.begins):
                    ends = loop.time() + (what.seconds or float("inf"))
                if ends is not None and loop.time() >= ends:
                    break
                if console.is_terminal:
                    live.update(board(watch, heading, addresses, console.height))
                await asyncio.wait({halt, feeding, following}, timeout=0.5)
        if not halt.done():
            await asyncio.wait({halt}, timeout=LAST_WORDS_SECONDS)  # mails on their way
    finally:
        for task in (feeding, following, halt):
            task.cancel()
        results = await asyncio.gather(feeding, following, halt, return_exceptions=True)
    for result in results[:2]:
        if isinstance(result, Exception):
            raise result


def _environment(brokers: str, smtp_port: int, folder: Path) -> dict[str, str]:
    return os.environ | {
        "TOWER_BROKERS": brokers,
        "TOWER_NAMESPACE": "tower",
        "TOWER_CLOCK": "feed",
        "TOWER_PARTITIONS": str(PARTITIONS),
        "TOWER_METRICS_HOST": "127.0.0.1",
        "TOWER_METRICS_PORT": "0",
        "TOWER_PREDICT": "true",
        "TOWER_WEB_HOST": "127.0.0.1",
        "TOWER_WEB_PORT": "0",
        "TOWER_SMTP_HOST": "127.0.0.1",
        "TOWER_SMTP_PORT": str(smtp_port),
        "TOWER_SMTP_TLS": "none",
        "TOWER_CLAIMS": str(folder / "claims.sqlite"),
        "TOWER_SESSION_TIMEOUT_SECONDS": "10",
        "PYTHONUNBUFFERED": "1",
    }


@asynccontextmanager
async def _process(name: str, env: dict[str, str], folder: Path) -> AsyncIterator[str]:
    """Run a process of the tower; yield the address it prints."""
    with (folder / f"{name}.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", "from streams.cli.main import main; main()", name,
            env=env, stdout=subprocess.PIPE, stderr=log, start_new_session=True,
        )  # fmt: skip
    try:
        address = await _address(process)
        if address is None:
            said = (folder / f"{name}.log").read_text(errors="replace").strip().splitlines()
            raise TowerError(f"The {name} did not start: {said[-1] if said else 'no reason'}")
        yield address
    finally:
        if process.returncode is None:
            process.terminate()
            try:
                await asyncio.wait_for(process.wait(), STOP_SECONDS)
            except TimeoutError:
                process.kill()
                await process.wait()


async def _address(process: asyncio.subprocess.Process) -> str | None:
    """Return the address a process prints first, None if it ends without one."""
    out = process.stdout
    line = b"" if out is None else await out.readline()
    return next((word for word in line.decode().split() if "://" in word), None)


def _last_words(what: Show, simulated: Day, watch: Watch, console: Console) -> None:
    """Print the numbers, the warnings and, only now, what truly became of the warned."""
    report = watch.report()
    if report is None:
        console.print("The tower had no time to publish anything.")
        return
    console.print(board(watch, f"At the end, seed {what.seed}", {}, height=WHOLE_MAIL_FROM))
    truth = {each["order_id"]: each for each in simulated.truth}
    told = [each for each in watch.told_at if each in watch.predicted]
    timely = [each for each in told if watch.told_at[each] < watch.predicted[each].promise_end]
    late = [each for each in timely if truth[each]["outcome"] in {"late", "failed"}]
    console.print(
        f"{len(watch.predicted)} delays predicted; {len(told)} customers told in "
        f"{len(watch.mails)} mails, {len(timely)} of them before their promise had passed; "
        f"by the ground truth {len(late)} of these orders were late."
    )
    for order_id in sorted(late, key=lambda each: truth[each]["handover"] is None)[:1]:
        handover = truth[order_id]["handover"]
        end = f"handed over at {_clock(handover)}" if handover else "not handed over"
        console.print(
            f"For example {order_id}: told at {clock_text(watch.told_at[order_id])}, promised "
            f"by {clock_text(watch.predicted[order_id].promise_end)}, {end}."
        )


def _clock(text: str) -> str:
    at = datetime.fromisoformat(text)
    return f"{clock_text(millis(at))} on {at:%d %B}"


def run(what: Show, say: Callable[[], Console] = Console) -> None:
    """Run the demo to its end."""
    with suppress(KeyboardInterrupt):
        asyncio.run(show(what, say()))
