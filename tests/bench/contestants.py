"""Who takes part in the comparison, what each does in words, and how its process is started."""

import hashlib
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from streams.config import Settings
from streams.embedded.jars import Jar, cache_folder, fetch, fetch_one
from streams.errors import TowerError
from streams.topics import ORDER_EVENTS, named
from tests.bench.contest import Run, contest

PEERS = Path(__file__).with_name("peers")
STREAMS_JARS = (
    Jar(
        "org.apache.kafka",
        "kafka-streams",
        "4.3.1",
        "bd73f3805e116f711e8456ee89a8a5b43ff5dcf5a5bb865afae29deae89e7c4b",
    ),
    Jar(
        "org.rocksdb",
        "rocksdbjni",
        "10.1.3",
        "e7f925287d9fe2574fb7c7a86f7facaa9b8ab602a2eed0e598bf633528121498",
    ),
)


@dataclass(frozen=True, slots=True)
class Contestant:
    """A name, what it does, how it runs over so many events; None runs workers of the tower.

    `needs` raises TowerError where something it needs is not there.
    """

    name: str
    does: str
    run: Callable[[Settings, int], Run] | None
    counts_carriers: bool = True
    needs: Callable[[], object] = lambda: None


def _bare(settings: Settings, events: int) -> Run:
    return _python("bare", settings, events)


def _validated(settings: Settings, events: int) -> Run:
    return _python("bare", settings, events, "validated")


def _faust(settings: Settings, events: int) -> Run:
    with tempfile.TemporaryDirectory() as folder:
        return _python("stock_faust", settings, events, f"{settings.namespace}.faust", folder)


def _quix(settings: Settings, events: int) -> Run:
    group = f"{settings.namespace}.quix"
    with tempfile.TemporaryDirectory() as folder:
        return _python("quix", settings, events, group, folder, python=beside("python"))


def beside(program: str) -> Path:
    """Return a program of the environment that the peers have of their own."""
    path = Path(sys.prefix) / "bench" / "bin" / program
    if not path.exists():
        raise TowerError(f"There is no {path}: `make bench` makes it.")
    return path


def _python(
    peer: str, settings: Settings, events: int, *more: str, python: str | Path = sys.executable
) -> Run:
    topic = named(settings.namespace, ORDER_EVENTS)
    words = ["-m", f"tests.bench.peers.{peer}", settings.brokers, topic, str(events), *more]
    return contest([python, *words])


def _kafka_streams(settings: Settings, events: int) -> Run:
    path = ":".join(map(str, _jars()))
    topic, group = named(settings.namespace, ORDER_EVENTS), f"{settings.namespace}.streams"
    quiet = "-Dorg.slf4j.simpleLogger.defaultLogLevel=error"
    with tempfile.TemporaryDirectory() as folder:
        words = [settings.brokers, topic, str(events), group, folder]
        return contest([_java(), "-cp", path, quiet, PEERS / "OrdersJob.java", *words])


def _java() -> str:
    java = shutil.which("java")
    if java is None or shutil.which("javac") is None:
        raise TowerError("Kafka Streams needs a Java development kit: `java` and `javac`.")
    return java


def _jars() -> list[Path]:
    """Return the jars of Kafka and those of Kafka Streams, which are fetched once."""
    paths = list(fetch(cache_folder(), lambda _: None))
    repository = cache_folder() / "maven"
    for jar in STREAMS_JARS:
        path = jar.below(repository)
        if not path.exists() or hashlib.sha256(path.read_bytes()).hexdigest() != jar.sha256:
            fetch_one(jar, repository)
        paths.append(path)
    return paths


WORKER = Contestant("worker", "the tower, **the whole job**", None)
CONTESTANTS: tuple[Contestant, ...] = (
    Contestant("bare", "aiokafka, a bare count", _bare, counts_carriers=False),
    Contestant("validated", "aiokafka, each checked", _validated, counts_carriers=False),
    WORKER,
    Contestant("streams", "Kafka Streams, RocksDB, reduced job", _kafka_streams, needs=_java),
    Contestant(
        "quix", "Quix Streams, RocksDB, reduced job", _quix, needs=lambda: beside("python")
    ),
    Contestant("faust", "stock Faust, in memory, reduced job", _faust),
)
