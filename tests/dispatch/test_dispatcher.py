"""The whole dispatcher, as a process, against a real Kafka and a real mail server."""

import asyncio
import json
import os
import signal
import sys
import time
import urllib.request
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from models.contacts import ContactUpdate
from models.notices import NoticeReceipt, NoticeTick
from streams import mailsink
from streams.admin import ensure_topics
from streams.config import Settings
from streams.dispatch.vault import open_vault
from streams.erasing import erase
from streams.partitioner import by_key, partition_of
from tests.dispatch.given import at, command, contact, ending

pytestmark = pytest.mark.kafka

PARTITIONS = 2


class World:
    """A namespace with its topics, a mail sink, and dispatchers that may be killed."""

    def __init__(self, settings, sink, producer, folder):
        self.settings = settings
        self.sink = sink
        self.producer = producer
        self.folder = folder
        self.process = None
        self.processes = []
        self.metrics = ""

    async def start(self, **more):
        given = {
            "TOWER_BROKERS": self.settings.brokers,
            "TOWER_NAMESPACE": self.settings.namespace,
            "TOWER_SMTP_PORT": str(self.sink.port),
            "TOWER_SMTP_TIMEOUT_SECONDS": "1",
            "TOWER_CLAIMS": str(self.folder / "claims.sqlite"),
            "TOWER_METRICS_PORT": "0",
            "TOWER_SESSION_TIMEOUT_SECONDS": "2",
            "TOWER_HEARTBEAT_SECONDS": "0.5",
        }
        log = (self.folder / "dispatcher.log").open("ab")
        self.process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            "from streams.cli.main import main; main()",
            "dispatcher",
            env=os.environ | given | more,
            stdout=asyncio.subprocess.PIPE,
            stderr=log,
        )
        log.close()
        self.processes.append(self.process)
        first = (await self.process.stdout.readline()).decode()
        self.metrics = first.rpartition(" ")[2].strip()

    def check_privacy(self):
        """Nothing that was printed or kept on this machine says whom a notice went to."""
        for file in self.folder.iterdir():
            assert b"example.org" not in file.read_bytes(), file.name

    async def end(self, number=signal.SIGTERM):
        """Return the exit code and how many seconds the end took."""
        began = time.monotonic()
        if self.process.returncode is None:
            self.process.send_signal(number)
        await asyncio.wait_for(self.process.wait(), 15)
        return self.process.returncode, time.monotonic() - began

    async def say(self, *messages):
        for each in messages:
            if isinstance(each, NoticeTick):
                await self.send("notice-commands", None, each, partition=each.partition)
            elif isinstance(each, ContactUpdate):
                await self.send("contact-updates", each.customer_id, each)
            else:
                await self.send("notice-commands", each.order_id, each)

    async def send(self, topic, key, value, partition=None):
        raw = value.model_dump_json(exclude_none=True) if hasattr(value, "at") else value
        if hasattr(raw, "model_dump_json"):
            raw = raw.model_dump_json()
        await self.producer.send_and_wait(
            f"{self.settings.namespace}.{topic}",
            raw.encode() if isinstance(raw, str) else raw,
            key=None if key is None else key.encode(),
            partition=partition,
        )

    async def read(self, topic, count, within=15):
        """Return `count` records of a topic, or fewer after `within` seconds."""
        consumer = AIOKafkaConsumer(
            f"{self.settings.namespace}.{topic}",
            bootstrap_servers=self.settings.brokers,
            auto_offset_reset="earliest",
        )
        await consumer.start()
        records = []
        try:
            async with asyncio.timeout(within):
                while len(records) < count:
                    for batch in (await consumer.getmany(timeout_ms=200)).values():
                        records += batch
        except TimeoutError:
            pass
        finally:
            await consumer.stop()
        return records

    async def receipts(self, count, within=15):
        records = await self.read("order-log", count, within)
        return [NoticeReceipt.model_validate_json(each.value) for each in records]

    async def results(self, count, within=15):
        found = await self.receipts(count, within)
        return {each.notice_id: (each.result, each.reason) for each in found}

    async def counted(self, text):
        """Return once the metrics hold a text."""
        while text not in await self.scrape():  # noqa: ASYNC110 (another process)
            await asyncio.sleep(0.1)

    async def scrape(self):
        def get():
            with urllib.request.urlopen(self.metrics) as answer:  # noqa: S310
                return answer.read().decode()

        text = await asyncio.to_thread(get)
        assert "example.org" not in text
        return text


@asynccontextmanager
async def sending(brokers):
    producer = AIOKafkaProducer(bootstrap_servers=brokers, partitioner=by_key, acks="all")
    await producer.start()
    try:
        yield producer
    finally:
        await producer.stop()


@pytest.fixture
async def world(broker, namespace, tmp_path):
    settings = Settings(brokers=broker.bootstrap, namespace=namespace, partitions=PARTITIONS)
    await ensure_topics(broker.bootstrap, settings)
    async with mailsink.running() as sink, sending(broker.bootstrap) as producer:
        made = World(settings, sink, producer, tmp_path)
        yield made
        for each in made.processes:
            if each.returncode is None:
                each.kill()
            await each.communicate()
        made.check_privacy()


@contextmanager
def environment(settings):
    """Let commands find the broker and the namespace of a test."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TOWER_BROKERS", settings.brokers)
        patch.setenv("TOWER_NAMESPACE", settings.namespace)
        yield


async def tower(*words):
    """Run a command; return its exit code and all that it printed."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", "from streams.cli.main import main; main()", *words,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    told, _ = await process.communicate()
    return process.returncode, told.decode()


def ticks(when):
    return [NoticeTick(partition=each, at=when) for each in range(PARTITIONS)]


async def test_from_command_to_mail_and_receipt(world):
    """One mail and a receipt; nothing to the muted, nothing too late, nothing unreadable."""
    await world.start()
    await world.say(
        contact(), contact(customer_id="bo", muted=("delay_predicted",)), *ticks(at(13, 21))
    )
    await world.send("contact-updates", "eve", '{"customer_id": "eve"}')
    await world.send("notice-commands", "A-1", b"\xff\x00 no command")
    await world.say(
        command(),
        command(),
        command(notice_id="m", order_id="M", customer_id="bo"),
        command(notice_id="x", order_id="X", expires_at=at(13, 21)),
        command(notice_id="o", order_id="O", decided_at=at(13, 10)),
        command(notice_id="n", order_id="N", customer_id=None),
    )
    assert await world.results(5) == {
        "A-1/delay_predicted/1": ("sent", None),
        "m": ("suppressed", "muted"),
        "x": ("suppressed", "expired"),
        "o": ("suppressed", "stale_replay"),
        "n": ("suppressed", "no_contact"),
    }
    [mail] = world.sink.mails
    assert mail.recipient == "ann@example.org"
    assert mail.message_id == "<A-1/delay_predicted/1.email@tower.invalid>"
    assert "Expected:  Tuesday, 24 November, 14:10–15:10" in mail.text

    for record in await world.read("order-log", 5):
        assert record.partition == partition_of(record.key, PARTITIONS)
        assert record.headers == (("kind", b"receipt"),)
    letters = [json.loads(each.value) for each in await world.read("dead-letters", 2)]
    assert {(each["topic"], each["reason"]) for each in letters} == {
        ("contact-updates", "missing_field"),
        ("notice-commands", "bad_json"),
    }
    text = await world.scrape()
    for line in (
        'tower_notifications_requested_total{kind="delay_predicted"} 6.0',
        'tower_notifications_sent_total{channel="email",kind="delay_predicted"} 1.0',
        'tower_notifications_suppressed_total{kind="delay_predicted",reason="duplicate"} 1.0',
        'tower_notifications_dead_lettered_total{channel="none",kind="unknown"} 1.0',
        "tower_notifications_waiting 0.0",
        'tower_notification_delay_seconds_count{channel="email",kind="delay_predicted"} 1.0',
    ):
        assert line in text
    code, seconds = await world.end()
    assert (code, seconds < 10) == (0, True)


@pytest.mark.slow
async def test_contacts_outlive_the_process_and_an_erased_one_is_gone(world):
    await world.start()
    await world.say(contact(), contact(customer_id="bo"), *ticks(at(13, 21)))
    await world.read("contacts", 2)
    await world.send("contact-updates", "bo", None)
    kept = await world.read("contacts", 3)
    assert [(each.key, each.value is None) for each in kept if each.key == b"bo"] == [
        (b"bo", False),
        (b"bo", True),
    ]
    assert not any(b"example.org" in (each.value or b"") for each in kept)
    assert (await world.end())[0] == 0
    await world.start()
    await world.say(command(), command(notice_id="b", order_id="B", customer_id="bo"))
    assert await world.results(2) == {
        "A-1/delay_predicted/1": ("sent", None),
        "b": ("suppressed", "no_contact"),
    }


async def test_an_ending_read_later_in_the_backlog_comes_first(world):
    """Command, then ending, both there before the dispatcher: nothing is said."""
    await world.say(contact(), *ticks(at(13, 21)), command())
    await world.say(*[command(notice_id=f"{n}", order_id=f"o{n}") for n in range(50)])
    await world.say(*[ending(1, at(13, 20), f"o{n}") for n in range(50)], ending(1, at(13, 20)))
    await world.start()
    results = await world.results(51)
    assert set(results.values()) == {("suppressed", "superseded")}
    assert world.sink.mails == []


async def test_a_server_that_refuses_and_then_accepts(world):
    world.sink.behaviour = "close"
    await world.start()
    await world.say(contact(), *ticks(at(13, 21)), command())
    await world.counted("tower_notifications_retried_total{")
    world.sink.behaviour = "accept"
    assert await world.results(1, within=20) == {"A-1/delay_predicted/1": ("sent", None)}
    assert [mail.message_id for mail in world.sink.mails] == [
        "<A-1/delay_predicted/1.email@tower.invalid>"
    ]


@pytest.mark.parametrize(
    ("failpoint", "mails"), [("dispatcher.claimed", 1), ("dispatcher.tried", 2)]
)
async def test_killed_around_the_send(world, failpoint, mails):
    """Killed between claim and send: one mail. Between send and record: again, the same id."""
    await world.start(TOWER_FAILPOINT=failpoint)
    await world.say(contact(), *ticks(at(13, 21)), command())
    await asyncio.wait_for(world.process.wait(), 15)
    assert world.process.returncode == -signal.SIGKILL
    assert len(world.sink.mails) == mails - 1
    await world.start()
    assert await world.results(1) == {"A-1/delay_predicted/1": ("sent", None)}
    assert len(world.sink.mails) == mails
    assert {mail.message_id for mail in world.sink.mails} == {
        "<A-1/delay_predicted/1.email@tower.invalid>"
    }
    assert 'tower_notifications_maybe_total{channel="email"} 1.0' in await world.scrape()


@pytest.mark.slow
@pytest.mark.timeout(180)
async def test_a_silent_server(world):
    world.sink.behaviour = "hang"
    await world.start()
    await world.say(contact(), *ticks(at(13, 21)), command())
    await world.counted("tower_notifications_retried_total{")
    world.sink.behaviour = "accept"
    assert await world.results(1, within=60) == {"A-1/delay_predicted/1": ("sent", None)}
    assert len(world.sink.mails) == 1


@pytest.mark.slow
@pytest.mark.timeout(180)
async def test_thirty_seconds_without_a_broker(broker, world):
    await world.start()
    await world.say(contact(), *ticks(at(13, 21)), command())
    assert await world.results(1) == {"A-1/delay_predicted/1": ("sent", None)}
    await asyncio.to_thread(broker.kill)
    await asyncio.sleep(30)
    await asyncio.to_thread(broker.start)
    await world.say(command(notice_id="after", order_id="B"))
    assert (await world.results(2, within=60))["after"] == ("sent", None)
    assert len(world.sink.mails) == 2
    assert world.process.returncode is None


@pytest.mark.slow
@pytest.mark.timeout(180)
async def test_stopped_while_the_broker_is_away(broker, world):
    await world.start()
    await world.say(contact())
    await world.read("contacts", 1)
    await asyncio.to_thread(broker.kill)
    try:
        await asyncio.sleep(3)
        code, seconds = await world.end()
    finally:
        await asyncio.to_thread(broker.start)
    assert (code, seconds < 10) == (0, True)


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_killed_again_and_again(world):
    """200 notices, five kills: every one sent and reported, repeats only under the same id."""
    await world.say(contact(), *ticks(at(13, 21)))
    said = [command(notice_id=f"n{n}", order_id=f"o{n}") for n in range(200)]
    for kill in range(5):
        await world.start()
        await world.say(*said[kill * 40 : (kill + 1) * 40])
        await asyncio.sleep(0.3 * kill + 0.4)
        await world.end(signal.SIGKILL)
    await world.start()
    found = await world.results(10_000, within=30)
    assert found == {each.notice_id: ("sent", None) for each in said}
    ids = [mail.message_id for mail in world.sink.mails]
    assert set(ids) == {f"<n{n}.email@tower.invalid>" for n in range(200)}
    # At each kill at most the sends under way are in doubt.
    assert len(ids) <= 200 + 5 * 20


@pytest.mark.slow
async def test_an_erased_customer_is_told_nothing_and_no_copy_can_be_read(world):
    """The key is destroyed by the command, while the dispatcher runs; what waits is dropped."""
    world.sink.behaviour = "close"
    await world.start()
    await world.say(contact(), *ticks(at(13, 21)), command())
    await world.counted("tower_notifications_retried_total{")
    claims = str(world.folder / "claims.sqlite")
    settings = world.settings.model_copy(update={"claims": Path(claims)})
    assert await erase(settings, "ann")
    await world.read("contacts", 2)
    world.sink.behaviour = "accept"
    assert await world.results(1, within=20) == {
        "A-1/delay_predicted/1": ("suppressed", "no_contact")
    }
    assert world.sink.mails == []
    vault = await open_vault(settings)
    copies = [each.value for each in await world.read("contacts", 2) if each.value]
    assert [vault.opened("ann", each) for each in copies] == [None]
    await vault.close()
    assert not await erase(settings, "ann")


@pytest.mark.slow
async def test_of_two_dispatchers_the_second_goes_on_where_the_first_was_killed(
    world, database
):
    """Claims in a database: both send, one is killed, nothing is lost or said twice."""
    shared = {"TOWER_CLAIMS_DATABASE": database, "TOWER_FAILPOINT": "dispatcher.claiming:8"}
    await world.start(**shared)
    first = world.process
    await world.start(**shared | {"TOWER_FAILPOINT": ""})
    await world.say(contact(), *ticks(at(13, 21)))
    said = [command(notice_id=f"n{n}", order_id=f"o{n}") for n in range(40)]
    await world.say(*said)
    assert await world.results(40, within=30) == {f"n{n}": ("sent", None) for n in range(40)}
    assert first.returncode == -signal.SIGKILL
    ids = [mail.message_id for mail in world.sink.mails]
    assert sorted(ids) == sorted(f"<n{n}.email@tower.invalid>" for n in range(40))


async def test_the_kill_switch_holds_within_seconds_and_after_a_restart(world):
    """Stopped, nothing is sent; started again, what comes then is; the log says who."""
    with environment(world.settings):
        stopping = ("--kind", "delay_predicted", "--by", "ann", "--why", "wrong ETAs")
        assert await tower("notices", "stop", *stopping) == (0, "Stopped: delay_predicted.\n")
    await world.start()
    await world.say(contact(), *ticks(at(13, 21)), command())
    assert await world.results(1) == {"A-1/delay_predicted/1": ("suppressed", "stopped")}
    with environment(world.settings):
        assert (await tower("notices", "start", *stopping))[0] == 0
        await asyncio.sleep(1.5)  # a poll of the log and a little
        await world.say(command(notice_id="b", order_id="B"))
        assert (await world.results(2))["b"] == ("sent", None)
        code, told = await tower("notices", "list")
    assert (code, len(world.sink.mails)) == (0, 1)
    assert [line.partition("  ")[2] for line in told.splitlines()[:2]] == [
        "ann stopped delay_predicted: wrong ETAs", "ann started delay_predicted: wrong ETAs",
    ]  # fmt: skip
    assert told.endswith("Stopped: nothing.\n")


async def test_a_switch_says_what_it_is_about(world):
    with environment(world.settings):
        for scope in ((), ("--all", "--kind", "near")):
            code, said = await tower("notices", "stop", *scope, "--by", "ann", "--why", "x")
            assert (code, "Say what" in said) == (1, True)
