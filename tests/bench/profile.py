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
from tests.bench.contestants import beside
from tests.bench.day import END, day
from tests.bench.table import rows_only, table
from tests.bench.topic import held
from tests.bench.towers import work

RATE = 200
FUNCTIONS = 25  # listed, of those with the most samples

Owner = tuple[str, str]  # component, function

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
    ("domain/kpi/", "", "orders: contributions"),
    ("domain/cells.py", "", "orders: contributions"),
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
    ("engine/unpacking.py", "", "engine: consume"),
    ("engine/contiguity.py", "", "engine: consume"),
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
        samples = _owned(path)
    each = run.cpu / len(made.lines) * 1e6
    by_component: Counter[str] = Counter()
    for (component_, _), count in samples.items():
        by_component[component_] += count
    by_function = Counter({f"{where} ({of})": n for (of, where), n in samples.items()})
    title = (
        f"Where a worker's time goes ({len(made.lines):,} events, {samples.total():,} samples)"
    )
    head = ["component", "share", "CPU us an event"]
    whole = [*_rows(by_component, each), ["all", "100.0%", f"{each:.1f}"]]
    functions = _rows(by_function, each)[:FUNCTIONS]
    return table(title, head, whole) + "\n" + rows_only(["function", *head[1:]], functions)


def _rows(samples: Counter[str], each: float) -> list[list[str]]:
    total = samples.total()
    return [
        [name, f"{count / total:.1%}", f"{count / total * each:.1f}"]
        for name, count in samples.most_common()
    ]


@contextmanager
def _watched(pid: int, to: Path) -> Iterator[None]:
    """Sample a process until the end of the block."""
    words = ["--nonblocking", "--format", "raw", "--rate", str(RATE), "--output", to]
    child = subprocess.Popen(
        [beside("py-spy"), "record", *words, "--pid", str(pid)],
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


def _owned(stacks: Path) -> Counter[Owner]:
    """Return how many samples each component and function has.

    A line of the file is frames, the outermost first, and how often they were seen.
    """
    samples: Counter[Owner] = Counter()
    for line in stacks.read_text().splitlines():
        frames, _, count = line.rpartition(" ")
        samples[owner(frames.split(";"))] += int(count)
    return samples


def owner(frames: list[str]) -> Owner:
    """Return to whom a stack of frames, `function (path:line)` each, belongs."""
    for frame in reversed(frames):
        function, _, where = frame.partition(" (")
        for path, beginning, name in COMPONENTS:
            if path in where and function.startswith(beginning):
                return name, f"`{function}` of `{where.split(':')[0]}`"
    return "everything else", "anything"
