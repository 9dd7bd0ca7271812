"""What one parcel is made of: events, bytes, memory and ticks; no clock on a wall matters.

    python -m tests.bench.weighing

prints the rows of the table of figures in docs/scaling.md that come from here. Sizes are exact
for the simulated day; the tick is processor time.
"""

import gc
import json
import statistics
import time
import tracemalloc
from collections import Counter
from collections.abc import Sequence

from models.base import Millis
from streams import topics
from streams.clocks import TICK
from streams.domain.judgement import Judgement
from streams.engine.api import Record
from streams.engine.rows import PartitionRows, pack
from streams.engine.writer import Outbox
from streams.feed import Arrival, in_order_of_arrival
from streams.orders import OrdersFold
from streams.replay import Replay
from streams.rowcodec import encode_row
from streams.rules import load
from streams.simulate import DaySpec, day
from streams.simulate.lines import said

DAY_MS = 86_400_000
ORDERS = 2_000
COURIERS = 60
COPIES = (11, 15)  # of every row: more than a partition keeps decoded in any case
UPSTREAMS = 128  # of an inbox partition where there are 64 partitions
TICKS = 20_000


def figures() -> dict[str, float]:
    """Return all figures by name; bytes, microseconds and counts a parcel."""
    live, stubs, found = _weighed()
    found["row_memory_bytes"] = memory_of(live)
    found["stub_memory_bytes"] = memory_of(stubs)
    found["tick_us"] = tick_us()
    return found


def sizes() -> dict[str, float]:
    """Return the figures that take no measuring, only counting."""
    return _weighed()[2]


def _weighed() -> tuple[dict[bytes, bytes], dict[bytes, bytes], dict[str, float]]:
    arrivals = in_order_of_arrival(list(said(day(DaySpec(ORDERS, COURIERS, 7)).events)))
    found = _inbound(arrivals)
    ended = arrivals[-1].received_at
    live, replay = rows_as_of(arrivals, ended)
    stubs, _ = rows_as_of(arrivals, ended + 45 * DAY_MS)
    facts = [value for topic, _, value in replay.out.messages if topic == topics.ORDER_FACTS]
    found["facts_a_parcel"] = len(facts) / ORDERS
    found["fact_bytes"] = statistics.mean(len(value or b"") for value in facts)
    found["row_bytes"] = statistics.mean(map(len, live.values()))
    found["stub_bytes"] = statistics.mean(map(len, stubs.values()))
    return live, stubs, found


def _inbound(arrivals: Sequence[Arrival]) -> dict[str, float]:
    found: dict[str, float] = {}
    for name, topic in (
        ("order_event", topics.ORDER_EVENTS),
        ("courier_event", topics.COURIER_EVENTS),
    ):
        sizes = [len(each.raw) for each in arrivals if each.topic == topic]
        found[f"{name}s_a_parcel"] = len(sizes) / ORDERS
        found[f"{name}_bytes"] = statistics.mean(sizes)
    hours = Counter(each.received_at // 3_600_000 for each in arrivals)
    found["peak_hour_share"] = max(hours.values()) / len(arrivals)
    return found


def rows_as_of(arrivals: Sequence[Arrival], as_of: Millis) -> tuple[dict[bytes, bytes], Replay]:
    """Return the rows of all orders at an instant as their changelog has them."""
    replay = Replay(load(None), keep_outputs=True)
    replay.run([each.raw for each in arrivals], as_of)
    rows = {}
    for key, row in replay.orders.rows.decoded():
        payload = encode_row(row, replay.orders._standing(key, row))
        if payload:
            rows[key] = pack(0, payload)
    return rows, replay


def memory_of(rows: dict[bytes, bytes]) -> float:
    """Return the bytes of memory that one more row takes in a worker that recovered it."""
    less, more = (_memory_of(rows, copies) for copies in COPIES)
    return (more - less) / (len(rows) * (COPIES[1] - COPIES[0]))


def _memory_of(rows: dict[bytes, bytes], copies: int) -> int:
    gc.collect()
    tracemalloc.start()
    many = {
        key + b"-%d" % number: bytes(bytearray(row))
        for key, row in rows.items()
        for number in range(copies)
    }
    fold = OrdersFold(0, ("order-events/0",), Judgement(load(None)))
    fold.recover(None, PartitionRows(many, 0), {})
    del many
    gc.collect()
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return used


def tick_us() -> float:
    """Return the microseconds of processor time in which an inbox partition takes a tick."""
    upstreams = [f"order-events/{number}" for number in range(UPSTREAMS)]
    fold = OrdersFold(0, upstreams, Judgement(load(None)))
    fold.recover(None, PartitionRows({}, -1), {})
    headers = (*TICK, ("caught_up", b"1"))
    ticks = [
        Record(
            number,
            0,
            None,
            json.dumps({upstreams[number % UPSTREAMS]: number}).encode(),
            headers,
        )
        for number in range(TICKS)
    ]
    out = Outbox()
    begun = time.process_time()
    for at in range(0, TICKS, UPSTREAMS):
        fold.fold(ticks[at : at + UPSTREAMS], out)
    return (time.process_time() - begun) / TICKS * 1e6


def main() -> None:
    """Print the rows of the table."""
    for name, value in figures().items():
        shown = (
            f"{value:.3f}" if value < 1 else f"{value:.1f}" if value < 100 else f"{value:.0f}"
        )
        print(f"| `{name}` | {shown} |")


if __name__ == "__main__":
    main()
