"""Two workers and a dispatcher that have read a simulated day, and a Prometheus over them."""

import asyncio
import json
import uuid
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from streams.cli.main import main
from streams.domain.zones import instant
from streams.feed import in_order_of_arrival, read_lines
from streams.mailsink import MailSink
from streams.simulate.carriers import CARRIERS
from tests.processes import Process, Towers, towers
from tests.prometheus.server import Prometheus, scraping

LONGEST = "\U0001f69a" * 64

# What was agreed with the carriers of the simulated day: boards compare with it.
AGREED = {
    "schema": 1,
    "carriers": {
        each.name: {"objectives": {"on_time": 0.9, "first_attempt": 0.9}} for each in CARRIERS
    },
    "sla": [{"name": "promise", "metric": "handover", "target": {"window_end": True}}],
}

# Spread over scrapes: Prometheus sees no growth of a counter that appears with its last value.
PUBLISHED_SECONDS = 8


@dataclass(frozen=True)
class Scene:
    """What was read, what the report says of it, and whom to ask."""

    tower: Towers
    workers: list[Process]
    dispatcher: Process
    report: dict[str, Any]
    prometheus: Prometheus


def longest(file: Path) -> dict[str, object]:
    """Return a promise of a carrier whose name is as long as names can be, in bytes."""
    promised: dict[str, object] = next(
        event
        for event in map(json.loads, read_lines(file))
        if event["kind"] == "order_promised" and event.get("promise")
    )
    changes = {"event_id": "longest", "order_id": "longest", "carrier": LONGEST}
    return promised | changes


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
    words = f"simulate --orders 400 --couriers 12 --seed {seed}"
    with pytest.raises(SystemExit):
        main([*words.split(), "--out", str(file), "--contacts", str(contacts)])
    promised = longest(file)
    refused = promised | {"event_id": "no reason", "kind": "attempt_failed"}
    with file.open("ab") as lines:
        for line in (promised, refused):
            lines.write(json.dumps(line, ensure_ascii=False).encode() + b"\n")
    rules = folder / "rules.yaml"
    rules.write_text(json.dumps(AGREED))
    namespace = f"p{uuid.uuid4().hex[:12]}"
    with towers(broker.bootstrap, namespace, folder, clock="feed", rules=rules) as tower:
        workers = tower.workers(2)
        dispatcher = tower.start("dispatcher", smtp_port=mail_port)
        tower.ready([dispatcher])
        addresses = [each.address() for each in workers]
        with scraping(
            tmp_path_factory.mktemp("prometheus"),
            tower_worker=addresses,
            tower_dispatcher=[dispatcher.address()],
        ) as prometheus:
            arrivals = in_order_of_arrival(read_lines(file))
            pace = str(len(arrivals) / PUBLISHED_SECONDS)
            code, says = tower.run(
                "publish", str(file), "--contacts", str(contacts), "--rate", pace
            )
            assert code == 0, says
            report = tower.report(instant(arrivals[-1].received_at).isoformat())
            yield Scene(tower, workers, dispatcher, report, prometheus)
