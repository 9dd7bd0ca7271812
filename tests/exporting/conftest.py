"""One tower for the tests of this folder: it lived on the wall clock, and stands still now."""

import asyncio
import threading
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import pytest

from streams import mailsink
from streams.config import Settings
from streams.livereport import live_report
from tests.equality.wall import now
from tests.exporting import day
from tests.processes import Towers, until


class Sink:
    """A mail server of this process, in a thread of its own."""

    def __init__(self):
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self._sink = mailsink.MailSink()
        self.port = asyncio.run_coroutine_threadsafe(self._sink.start(), self._loop).result(10)

    @property
    def ids(self):
        """The Message-IDs of all mails so far."""
        return [mail.message_id for mail in self._sink.mails]

    def close(self):
        asyncio.run_coroutine_threadsafe(self._sink.stop(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


@dataclass
class Lived:
    """A tower that has stopped: its namespace, its report, the mails it sent."""

    towers: Towers
    namespace: str
    folder: Path
    rules: Path
    sink: Sink
    report: dict = field(default_factory=dict)
    moving: tuple[int, str] = (-1, "")  # an export taken while it ran, replayed
    sent: list[str] = field(default_factory=list)


def live(lived, bootstrap):
    """Let the tower live a short day, export it in the middle, and stop it in good order."""
    towers, folder = lived.towers, lived.folder
    said = towers.run("publish", "/dev/null", "--contacts", str(day.contacts(folder)))
    assert said[0] == 0, said
    workers = [towers.start("worker") for _ in range(2)]
    dispatcher = towers.start("dispatcher")
    towers.ready([*workers, dispatcher])
    telling = threading.Thread(target=lambda: asyncio.run(day.tell(bootstrap, lived.namespace)))
    telling.start()
    until(lambda: towers.events()["accepted"] > 50, 30, towers.says)
    moving = folder / "moving.jsonl"
    assert towers.run("export", "--output", str(moving))[0] == 0, towers.says()
    telling.join()
    lived.moving = towers.run("replay", str(moving), "--rules", str(lived.rules))
    report(towers, wait=now())
    until(lambda: not waiting(towers), 20, towers.says)
    for process in workers:
        process.signal()
    assert [process.ended(30) for process in workers] == [0, 0], towers.says()
    dispatcher.signal()
    assert dispatcher.ended(30) == 0, towers.says()
    lived.report = report(towers)
    lived.sent = lived.sink.ids


def report(towers, wait=None):
    """Return a tower's report, once its clocks have passed `wait` (epoch milliseconds)."""
    settings = Settings(brokers=towers.bootstrap, namespace=towers.namespace)
    return asyncio.run(live_report(settings, wait))


def waiting(towers):
    """Return how many notices the orders have not heard the end of."""
    return report(towers)["total"].get("notices", {"waiting": 1})["waiting"]


@pytest.fixture(scope="module")
def lived(broker, tmp_path_factory):
    """A tower that lived a day and stopped, with its rules, its claims and its mails."""
    folder = tmp_path_factory.mktemp("lived")
    namespace = f"t{uuid4().hex[:12]}"
    rules, sink = day.rules(folder), Sink()
    towers = Towers(broker.bootstrap, namespace, folder, rules=rules, smtp_port=sink.port)
    one = Lived(towers, namespace, folder, rules, sink)
    try:
        live(one, broker.bootstrap)
        yield one
    finally:
        towers.close()
        sink.close()
