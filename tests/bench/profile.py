"""Where the microseconds of a worker go, by component: py-spy looks 200 times a second.

A sample belongs to the innermost frame of a module in the table; what libraries and C do is
thus put down to who called them. py-spy reads the process from outside and never stops it.
"""

import signal
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from streams.config import Settings
from streams.errors import TowerError
from tests.bench.contestants import PEERS_PYTHON
from tests.bench.day import END, day
from tests.bench.table import table
from tests.bench.topic import held
from tests.bench.towers import work

RATE = 200

# Part of a path, beginning of a function's name (empty: any), component; the first that fits.
COMPONENTS: tuple[tuple[str, str, str], ...] = (
    ("streams/codec.py", "load_", "orders: read an event of the inbox"),
    ("streams/codec.py", "", "ingest: decode and validate"),
    ("streams/ingest.py", "", "ingest: re-key and count"),
    ("streams/clocks.py", "", "clocks and origins"),
    ("streams/rowcodec.py", "", "orders: encode and decode rows"),
    ("streams/orderrows.py", "", "orders: keep rows"),
    ("streams/cellbook.py", "", "orders: cells"),
    ("streams/facts.py", "", "orders: facts"),
    ("models/facts.py", "", "orders: facts"),
    ("streams/deadlines.py", "", "orders: deadlines"),
    ("domain/contribution.py", "", "orders: contributions"),
    ("domain/report.py", "", "orders: contributions"),
    ("domain/notices.py", "", "orders: notices and outlook"),
    ("domain/prediction.py", "", "orders: notices and outlook"),
    ("domain/verdicts.py", "", "orders: promises and verdicts"),
    ("domain/promises.py", "", "orders: promises and verdicts"),
    ("domain/judgement.py", "", "orders: promises and verdicts"),
    ("streams/domain/", "", "orders: track"),
    ("streams/orders.py", "", "orders: the fold around these"),
    ("streams/couriers.py", "", "couriers"),
    ("streams/metrics.py", "", "Prometheus"),
    ("streams/cellmetrics.py", "", "Prometheus"),
    ("prometheus_client/", "", "Prometheus"),
    ("engine/writer.py", "", "engine: produce"),
    ("aiokafka/producer/", "", "engine: produce"),
    ("streams/partitioner.py", "", "engine: produce"),
    ("engine/feed.py", "", "engine: consume"),
    ("aiokafka/consumer/", "", "engine: consume"),
    ("engine/partition.py", "", "engine: flush and barrier"),
    ("engine/changelog.py", "", "engine: flush and barrier"),
    ("engine/rows.py", "", "engine: flush and barrier"),
    ("streams/engine/", "", "engine: the rest"),
    ("faust/", "", "Faust: channels and agents"),
    ("mode/", "", "Faust: channels and agents"),
    ("streams/agents.py", "", "Faust: channels and agents"),
    ("aiokafka/", "", "network and event loop"),
    ("asyncio/", "", "network and event loop"),
)


async def profile(brokers: str, events: int) -> str:
    """Return the table of one run of a worker over so many events."""
    made = day(events)
    settings = Settings(brokers=brokers, namespace="profile", clock="feed")
    topic = await held(settings, made.lines, END)
    with tempfile.NamedTemporaryFile() as file:
        path = Path(file.name)
        run = await work(settings, topic, watch=lambda pid: _watched(pid, path))
        samples = _by_component(path)
    each = run.cpu / len(made.lines) * 1e6
    total = sum(samples.values())
    rows = [
        [name, f"{count / total:.1%}", f"{count / total * each:.1f}"]
        for name, count in samples.most_common()
    ]
    rows.append(["all", "100.0%", f"{each:.1f}"])
    title = f"Where a worker's time goes ({len(made.lines):,} events, {total:,} samples)"
    return table(title, ["component", "share", "CPU us an event"], rows)


@contextmanager
def _watched(pid: int, to: Path) -> Iterator[None]:
    """Sample a process until the end of the block."""
    py_spy = PEERS_PYTHON.with_name("py-spy")
    if not py_spy.exists():
        raise TowerError(f"There is no {py_spy}: `make bench` makes it.")
    words = ["--nonblocking", "--format", "raw", "--rate", str(RATE), "--output", to]
    child = subprocess.Popen(
        [py_spy, "record", *words, "--pid", str(pid)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield
        child.send_signal(signal.SIGINT)
        child.wait(60)
    finally:
        child.kill()
        child.wait()


def _by_component(stacks: Path) -> Counter[str]:
    """Return how many samples each component has.

    A line of the file is frames, the outermost first, and how often they were seen.
    """
    samples: Counter[str] = Counter()
    for line in stacks.read_text().splitlines():
        frames, _, count = line.rpartition(" ")
        samples[component(frames.split(";"))] += int(count)
    return samples


def component(frames: list[str]) -> str:
    """Return to whom a stack of frames, `function (path:line)` each, belongs."""
    for frame in reversed(frames):
        function, _, where = frame.partition(" (")
        for path, beginning, name in COMPONENTS:
            if path in where and function.startswith(beginning):
                return name
    return "everything else"
