"""A tower that lived on the wall clock, with real workers and real mails: audit and rebuild.

It told customers of delays, was exported while it ran and once it had stopped. Whatever is
made of the exports must come to what it had published, in every field, and tell nobody twice.
"""

import asyncio
import json
import sqlite3
from contextlib import closing
from uuid import uuid4

import pytest

from streams.embedded import EmbeddedBroker
from streams.publishing import durable_producer
from tests.equality.comparing import without_predictions
from tests.equality.wall import now
from tests.exporting import day
from tests.exporting.conftest import report
from tests.exporting.day import instant
from tests.processes import towers as settled
from tests.processes import until

pytestmark = [pytest.mark.kafka, pytest.mark.slow, pytest.mark.timeout(180)]

SAME = "Every field is as the tower had published it as of"


@pytest.fixture(scope="module")
def export(lived):
    """The export of the stopped tower."""
    file = lived.folder / "stopped.jsonl.gz"
    code, said = lived.towers.run("export", "--output", str(file))
    assert code == 0, said
    return file


def test_the_day_held_what_an_export_must_keep(lived):
    events, total = lived.report["events"], lived.report["total"]
    assert events["rejected"] == {"bad_json": 1, "unknown_kind": 1}
    assert events["duplicate"] == 50  # every position, one promise, one attempt
    assert events["unknown_fields"] == 24
    assert total["delivery_time"]["on_time"] == 12
    assert total["delivery_time"]["late"] == 36
    assert total["notices"]["sent"] == len(lived.sent) > 0


def test_the_export_of_a_running_tower_is_what_it_had_published(lived):
    code, said = lived.moving
    assert code == 0, said
    assert SAME in said


def test_the_export_of_a_stopped_tower_is_its_report(lived, export):
    file = lived.folder / "again.json"
    words = ("--rules", str(lived.rules), "--report", str(file))
    code, said = lived.towers.run("replay", str(export), *words)
    assert code == 0, said
    assert SAME in said
    assert json.loads(file.read_text()) == lived.report


def test_the_same_state_is_the_same_file(lived, export):
    other = lived.folder / "other.jsonl.gz"
    assert lived.towers.run("export", "--output", str(other))[0] == 0
    assert other.read_bytes() == export.read_bytes()


def test_an_export_continues_an_earlier_one(lived):
    first, second = lived.folder / "moving.jsonl", lived.folder / "rest.jsonl"
    words = ("--output", str(second), "--after", str(first))
    assert lived.towers.run("export", *words)[0] == 0
    file = lived.folder / "both.json"
    words = ("--rules", str(lived.rules), "--report", str(file))
    code, said = lived.towers.run("replay", str(first), str(second), *words)
    assert code == 0, said
    assert json.loads(file.read_text()) == lived.report


async def send(bootstrap, namespace, *events):
    async with durable_producer(bootstrap) as producer:
        for each in events:
            value = json.dumps(each).encode()
            await producer.send_and_wait(f"{namespace}.order-events", value, key=b"any")


def notices(records):
    """The ids of the notices asked for, in the order in which they were."""
    said = [json.loads(record.value) for record in records]
    return [each["notice_id"] for each in said if each["type"] == "notice"]


async def test_a_new_tower_is_the_old_one_and_tells_nobody_twice(lived, export, read_topic):
    towers, bootstrap = lived.towers, lived.towers.bootstrap
    name = f"t{uuid4().hex[:12]}"
    code, said = await asyncio.to_thread(
        towers.run, "rebuild", str(export), "--namespace", name
    )
    assert code == 0, said
    assert "is the old one in every field" in said
    folder = lived.folder / "new"
    folder.mkdir()
    with settled(bootstrap, name, folder, rules=lived.rules, smtp_port=lived.sink.port) as new:
        assert await asyncio.to_thread(report, new) == lived.report
        await asyncio.to_thread(go_on, lived, new, folder)
    asked = notices(await read_topic(f"{name}.notice-commands"))
    assert asked == ["new-1/1/delay_predicted/1"]
    assert lived.sink.ids[: len(lived.sent)] == lived.sent
    assert len(lived.sink.ids) == len(set(lived.sink.ids)) == len(lived.sent) + 1
    assert await asyncio.to_thread(report, towers) == lived.report  # the old is as it was


def go_on(lived, new, folder):
    """Let the new tower work, with a dispatcher that remembers nothing of the old one."""
    contacts = folder / "contacts.jsonl"
    words = ("--output", "/dev/null", "--contacts", str(contacts))
    assert lived.towers.run("export", *words)[0] == 0
    assert contacts.read_text().count("\n") == day.ORDERS
    assert new.run("publish", "/dev/null", "--contacts", str(contacts))[0] == 0
    new.ready([new.start("worker"), new.start("dispatcher")])
    begin = now()
    promise = {"start": instant(begin), "end": instant(begin + day.PROMISE_MS)}
    events = [
        day.event(2, "delivered", begin),
        day.event(
            1, "order_promised", begin, name="new",
            carrier="north", promise=promise, customer_id="customer-1",
        ),
    ]  # fmt: skip
    asyncio.run(send(new.bootstrap, new.namespace, *events))
    until(lambda: len(lived.sink.ids) > len(lived.sent), 30, new.says)
    after = report(new, wait=now())
    before = lived.report["events"]
    assert after["events"] == before | {
        "read": before["read"] + 2, "accepted": before["accepted"] + 2,
    }  # fmt: skip
    assert after["total"]["open"] == lived.report["total"]["open"]
    file = folder / "new.jsonl"
    assert new.run("export", "--output", str(file))[0] == 0
    code, said = new.run("replay", str(file), "--rules", str(lived.rules))
    assert (code, SAME in said) == (0, True), said


def test_a_backup_is_restored_to_an_empty_cluster(lived, export, tmp_path):
    """The drill of docs/operations.md, command by command; the first cluster plays no part."""
    contacts, claims = tmp_path / "contacts.jsonl", tmp_path / "claims.sqlite"
    words = ("--output", "/dev/null", "--contacts", str(contacts))
    assert lived.towers.run("export", *words)[0] == 0
    with (
        closing(sqlite3.connect(lived.folder / "claims.sqlite")) as kept,
        closing(sqlite3.connect(claims)) as copied,
    ):
        kept.backup(copied)
    sent = lived.sink.ids
    with (
        EmbeddedBroker() as empty,
        settled(
            empty.bootstrap, lived.namespace, tmp_path,
            rules=lived.rules, smtp_port=lived.sink.port, claims=claims,
        ) as restored,
    ):  # fmt: skip
        code, said = restored.run("rebuild", str(export), "--namespace", lived.namespace)
        assert code == 0, said
        assert "is the old one in every field" in said
        assert restored.run("publish", "/dev/null", "--contacts", str(contacts))[0] == 0
        assert without_predictions(report(restored)) == without_predictions(lived.report)
        restored.ready([restored.start("worker"), restored.start("dispatcher")])
        after = report(restored, wait=now())
        assert after["events"] == lived.report["events"]
        assert after["total"]["notices"] == lived.report["total"]["notices"]
        assert after["total"]["orders"] == lived.report["total"]["orders"] == day.ORDERS
    assert lived.sink.ids == sent
