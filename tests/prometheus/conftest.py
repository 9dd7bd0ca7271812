"""Two workers and a dispatcher that have read a simulated day, and a Prometheus over them."""

import asyncio
import uuid
from dataclasses import dataclass
from threading import Thread
from typing import Any

import pytest

from streams.cli.main import main
from streams.domain.zones import instant
from streams.feed import in_order_of_arrival, read_lines
from streams.mailsink import MailSink
from tests.processes import Process, Towers, towers
from tests.prometheus.server import Prometheus, scraping


@dataclass(frozen=True)
class Scene:
    """What was read, what the report says of it, and whom to ask."""

    tower: Towers
    workers: list[Process]
    dispatcher: Process
    report: dict[str, Any]
    prometheus: Prometheus


@pytest.fixture(scope="session")
def mail_port():
    """The port of a mail server that takes everything."""
    loop = asyncio.new_event_loop()
    sink = MailSink()
    port = loop.run_until_complete(sink.start())
    thread = Thread(target=loop.run_forever)
    thread.start()
    yield port
    asyncio.run_coroutine_threadsafe(sink.stop(), loop).result(10)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


@pytest.fixture(scope="session")
def scene(broker, tmp_path_factory, request, mail_port):
    """One day in feed time, published by the command line."""
    folder = tmp_path_factory.mktemp("scene")
    seed = request.config.getoption("--seed")
    file, contacts = folder / "day.jsonl", folder / "contacts.jsonl"
    words = f"simulate --orders 400 --couriers 12 --seed {seed} --hostile 200"
    with pytest.raises(SystemExit):
        main([*words.split(), "--out", str(file), "--contacts", str(contacts)])
    namespace = f"p{uuid.uuid4().hex[:12]}"
    with towers(broker.bootstrap, namespace, folder, clock="feed") as tower:
        workers = tower.workers(2)
        dispatcher = tower.start("dispatcher", smtp_port=mail_port)
        tower.ready([dispatcher])
        code, says = tower.run("publish", str(file), "--contacts", str(contacts))
        assert code == 0, says
        last = in_order_of_arrival(read_lines(file))[-1].received_at
        report = tower.report(instant(last).isoformat())
        addresses = [each.address() for each in workers]
        with scraping(
            tmp_path_factory.mktemp("prometheus"),
            tower_worker=addresses,
            tower_dispatcher=[dispatcher.address()],
        ) as prometheus:
            yield Scene(tower, workers, dispatcher, report, prometheus)
