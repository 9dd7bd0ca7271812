"""What every test may ask for: a real Kafka broker, and a namespace of its own on it."""

import uuid
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from xdist.scheduler import LoadScopeScheduling

from streams.admin import describe_topics
from streams.cli.main import main
from streams.embedded import EmbeddedBroker

SEED = 20_261_124

ReadTopic = Callable[[str], Awaitable[list[ConsumerRecord[bytes, bytes]]]]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let the command line say where chance begins."""
    parser.addoption("--seed", type=int, default=SEED, help="where the random tests begin")


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Print the seed, so that a failure can be had again."""
    terminalreporter.write_line(f"seed: {config.getoption('--seed')}")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Run the longest first: what is given most time takes most, and would run on alone."""
    if config.getoption("markexpr") == "slow":
        allowed = float(config.getini("timeout"))
        items.sort(key=lambda item: -_seconds_of(item, allowed))


class Scenes(LoadScopeScheduling):  # type: ignore[misc]
    """Tests of a folder that share a scene stay together, all others go where there is room."""

    shared = ("tests/prometheus/", "tests/exporting/", "tests/dashboards/", "tests/security/")

    def _split_scope(self, nodeid: str) -> str:
        return next((each for each in self.shared if nodeid.startswith(each)), nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling | None:
    """Spread tests by scenes where they are spread by scopes (`-n 3 --dist loadscope`)."""
    return Scenes(config, log) if config.getvalue("dist") == "loadscope" else None


def _seconds_of(item: pytest.Item, otherwise: float) -> float:
    """Return the seconds after which a test is ended."""
    mark = item.get_closest_marker("timeout")
    return otherwise if mark is None else float(mark.args[0])


@pytest.fixture
def seed(request: pytest.FixtureRequest) -> int:
    """The seed of the command line (`--seed N`)."""
    return int(request.config.getoption("--seed"))


@pytest.fixture(scope="session")
def broker() -> Iterator[EmbeddedBroker]:
    """One embedded Kafka for the whole session; its data goes with it."""
    with EmbeddedBroker() as running:
        yield running


@pytest.fixture
def namespace() -> str:
    """A namespace (prefix of topics and groups) that no other test uses."""
    return f"t{uuid.uuid4().hex[:12]}"


@pytest.fixture
def read_topic(broker: EmbeddedBroker) -> ReadTopic:
    """A function that returns all records of a topic (full name) by partition and offset."""

    async def read(topic: str) -> list[ConsumerRecord[bytes, bytes]]:
        there = (await describe_topics(broker.bootstrap, [topic]))[topic]
        consumer = AIOKafkaConsumer(
            bootstrap_servers=broker.bootstrap, auto_offset_reset="earliest"
        )
        await consumer.start()
        try:
            partitions = [TopicPartition(topic, each) for each in range(there.partitions)]
            consumer.assign(partitions)
            ends = await consumer.end_offsets(partitions)
            records = []
            while any([await consumer.position(each) < ends[each] for each in partitions]):
                batches = await consumer.getmany(timeout_ms=200)
                records += [record for batch in batches.values() for record in batch]
        finally:
            await consumer.stop()
        return sorted(records, key=lambda record: (record.partition, record.offset))

    return read


@dataclass(frozen=True)
class Ran:
    """What a command left behind."""

    code: int
    out: str
    err: str


@pytest.fixture
def tower(capsys: pytest.CaptureFixture[str]) -> Callable[..., Ran]:
    """A function that runs a `tower` command line in this process."""

    def run(*words: object) -> Ran:
        code = 0
        try:
            main([str(word) for word in words])
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
        said = capsys.readouterr()
        return Ran(code, said.out, said.err)

    return run
