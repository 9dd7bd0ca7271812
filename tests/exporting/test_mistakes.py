"""What a user can do wrong with exports: one sentence on standard error, exit 1."""

import asyncio
from pathlib import Path
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from streams.admin import ensure_topics
from streams.config import Settings
from streams.domain.judgement import Judgement
from streams.exporting.files import opened
from streams.exporting.judging import Judging
from streams.exporting.taking import untaken_contacts
from streams.publishing import durable_producer
from streams.rules import load
from streams.topics import named
from tests.exporting.test_files import header, written

NOWHERE = "127.0.0.1:1"


@pytest.fixture
def ran(tower, tmp_path, monkeypatch):
    """A function that runs `tower` in an empty folder, where no broker is unless named."""
    for name in ("NAMESPACE", "CLOCK", "PARTITIONS", "RULES"):
        monkeypatch.delenv(f"TOWER_{name}", raising=False)
    monkeypatch.setenv("TOWER_BROKERS", NOWHERE)
    monkeypatch.chdir(tmp_path)
    return tower


def refused(ended, says):
    assert ended.code == 1
    assert ended.err.startswith("tower: ")
    assert ended.err.count("\n") == 1
    assert says in ended.err


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("export", "No Kafka broker answers at 127.0.0.1:1"),
        ("export --after nowhere.jsonl", "The file nowhere.jsonl could not be read"),
        ("export --after events.jsonl", "events.jsonl is not an export"),
        ("rebuild whole.jsonl --namespace new", "No Kafka broker answers at 127.0.0.1:1"),
        ("rebuild nowhere.jsonl --namespace new", "nowhere.jsonl could not be read"),
        ("rebuild events.jsonl --namespace new", "events.jsonl is not an export"),
        ("rebuild cut.jsonl --namespace new", "cut.jsonl is cut off after 1 records"),
        ("rebuild late.jsonl --namespace new", "2 earlier records of order-log are missing"),
        ("rebuild - --namespace new", "it has to be a file"),
        ("rebuild whole.jsonl --namespace Tower", "The setting TOWER_NAMESPACE is wrong"),
        (
            "publish whole.jsonl --clock feed",
            "whole.jsonl is the export of a tower, no file of events",
        ),
        ("explain A-1 --file whole.jsonl", "whole.jsonl is the export of a tower, no file"),
        ("replay cut.jsonl", "cut.jsonl is cut off after 1 records"),
        ("replay whole.jsonl events.jsonl", "events.jsonl is not an export, others are"),
        ("replay whole.jsonl whole.jsonl", "does not continue whole.jsonl"),
        ("replay whole.jsonl --as-of 2026-01-01T00:00:00Z", "--as-of is for files of events"),
    ],
)
def test_a_mistake_is_one_sentence(ran, tmp_path, command, says):
    written(tmp_path / "whole.jsonl", header(judged=0, end=0), [])
    lines = written(tmp_path / "cut.jsonl").read_bytes().splitlines(keepends=True)
    (tmp_path / "cut.jsonl").write_bytes(b"".join(lines[:2]))
    written(tmp_path / "late.jsonl", header(begin=2))
    (tmp_path / "events.jsonl").write_text('{"kind":"in_transit"}\n')
    refused(ran(*command.split()), says)


@pytest.mark.parametrize("command", ["rebuild", "rebuild whole.jsonl", "export extra"])
def test_wrong_usage_is_exit_2(ran, command):
    assert ran(*command.split()).code == 2


@pytest.mark.parametrize("command", ["export", "rebuild"])
def test_the_commands_explain_themselves_with_an_example(ran, command):
    ended = ran(command, "--help")
    assert (ended.code, ended.err) == (0, "")
    assert "Example:" in ended.out
    assert f"tower {command}" in ended.out


def test_a_report_that_is_not_the_towers_is_a_finding(ran, tmp_path):
    head = header(judged=0, end=0, rules=[Judgement(load(None)).id])
    file = written(tmp_path / "a.jsonl", head, [])
    report = Judging(opened([file]), load(None)).report()
    written(file, head, [], report=report)
    ended = ran("replay", "a.jsonl", "--report", "b.json")
    assert (ended.code, ended.err.count("\n")) == (0, 1)
    assert "Every field is as the tower had published it" in ended.err
    ended = ran("compare", "a.jsonl", "b.json")
    assert (ended.code, ended.err) == (0, "")
    refused(
        ran("compare", "b.json", written(tmp_path / "c.jsonl", head, [])), "holds no report"
    )
    written(file, head, [], report=report | {"as_of": "never"})
    ended = ran("replay", "a.jsonl", "--report", "b.json")
    refused(ended, f"1 fields differ: as_of was 'never' and is '{report['as_of']}'.")


@pytest.fixture
async def empty(ran, broker, monkeypatch):
    """A namespace with its topics, one partition each, in which no worker has run."""
    monkeypatch.setenv("TOWER_BROKERS", broker.bootstrap)
    where = Settings(brokers=broker.bootstrap, namespace=f"t{uuid4().hex[:12]}", partitions=1)
    await ensure_topics(broker.bootstrap, where)
    return where.namespace


@pytest.mark.kafka
async def test_a_namespace_without_a_tower_has_nothing_to_export(ran, empty, tmp_path):
    elsewhere = await asyncio.to_thread(ran, "export", "--namespace", "nobody")
    refused(elsewhere, "no worker has run in this namespace")
    refused(
        await asyncio.to_thread(ran, "export", "--namespace", empty, "--output", "a.jsonl"),
        f"No worker has remembered anything in the namespace {empty} yet",
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.kafka
async def test_a_report_that_waits_gives_up_and_says_for_whom(ran, empty):
    words = ("--namespace", empty, "--wait", "2026-11-24T18:00:00Z", "--timeout", "0")
    ended = await asyncio.to_thread(ran, "report", *words)
    refused(ended, "After 0 s the clock of couriers/0 is still unknown")


@pytest.mark.kafka
async def test_a_namespace_in_use_is_not_built_upon(ran, empty, broker, tmp_path):
    head = header(judged=0, end=0, partitions=2)
    written(tmp_path / "two.jsonl", head, [])
    words = ("rebuild", "two.jsonl", "--namespace", empty)
    refused(await asyncio.to_thread(ran, *words), "has 1 partitions, the export 2")
    written(tmp_path / "one.jsonl", header(judged=0, end=0), [])
    async with durable_producer(broker.bootstrap) as producer:
        await producer.send_and_wait(named(empty, "order-events"), b"{}")
        words = ("rebuild", "one.jsonl", "--namespace", empty)
        ended = await asyncio.to_thread(ran, *words)
        assert ended.code == 0, ended.err  # an event that waits for the new tower is no use
        refused(await asyncio.to_thread(ran, *words), f"The namespace {empty} is in use")


@pytest.fixture
def kept(tmp_path):
    """A file under four names, that nothing may be written over."""
    file = tmp_path / "x.jsonl"
    file.write_text("kept")
    (tmp_path / "symlink").symlink_to(file)
    (tmp_path / "hardlink").hardlink_to(file)
    yield
    assert file.read_text() == "kept"


NAMES = pytest.mark.parametrize("name", ["x.jsonl", "./x.jsonl", "symlink", "hardlink"])


@pytest.mark.usefixtures("kept")
@NAMES
def test_an_export_is_not_continued_into_itself(ran, name):
    ended = ran("export", "--after", "x.jsonl", "--output", name)
    refused(ended, "cannot be continued into itself")


@pytest.mark.usefixtures("kept")
@NAMES
@pytest.mark.parametrize("other", ["--output", "--after"])
def test_addresses_do_not_take_the_place_of_an_export(ran, name, other):
    ended = ran("export", other, "x.jsonl", "--contacts", name)
    refused(ended, f"{other} and --contacts are both {Path(name)}: name two files.")


def test_two_files_that_are_not_there_yet_are_told_apart(ran, tmp_path):
    ended = ran("export", "--output", "new.jsonl", "--contacts", "./new.jsonl")
    refused(ended, "--output and --contacts are both new.jsonl: name two files.")
    ended = ran("export", "--output", "new.jsonl", "--contacts", "contacts.jsonl")
    refused(ended, "No Kafka broker answers at 127.0.0.1:1")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.kafka
async def test_contacts_that_no_dispatcher_has_taken_are_counted(empty, broker):
    where = Settings(brokers=broker.bootstrap, namespace=empty)
    assert await untaken_contacts(where) == 0
    topic = named(empty, "contact-updates")
    async with durable_producer(broker.bootstrap) as producer:
        for customer in (b"a", b"b", b"c"):
            await producer.send_and_wait(topic, b"{}", customer, partition=0)
    assert await untaken_contacts(where) == 3
    dispatcher = AIOKafkaConsumer(
        bootstrap_servers=broker.bootstrap,
        group_id=f"{empty}.dispatcher",
        enable_auto_commit=False,  # at its end it would commit where it stands: after all three
    )
    await dispatcher.start()
    try:
        taken = TopicPartition(topic, 0)
        dispatcher.assign([taken])
        await dispatcher.commit({taken: 2})
    finally:
        await dispatcher.stop()
    assert await untaken_contacts(where) == 1
