"""Every part of the benchmarks runs, small, and finds the counts it must; nothing is timed."""

import math
import re

import pytest

from tests.bench.latency import Load, latency, steady
from tests.bench.positions import couriers
from tests.bench.profile import owner
from tests.bench.recovery import recovery
from tests.bench.replaying import replaying
from tests.bench.speed import speed

PEERS_AT_HAND = ("bare", "validated", "worker", "faust")
PARTS = {
    "speed": lambda brokers: speed(brokers, 500, 1, PEERS_AT_HAND),
    "recovery": lambda brokers: recovery(brokers, 200, 1),
    "latency": lambda brokers: latency(brokers, 1, 8, rates=(60,)),
    "couriers": lambda brokers: couriers(brokers, 500, 1),
    "replay": lambda _: replaying(500, 1),
}


@pytest.mark.slow
@pytest.mark.timeout(180)
@pytest.mark.kafka
@pytest.mark.parametrize("part", PARTS)
async def test_a_part_yields_a_table(broker, part):
    found = await PARTS[part](broker.bootstrap)
    title, nothing, head, rule, *rows, last = found.split("\n")
    assert title.startswith("### ")
    assert (nothing, last) == ("", "")
    assert rows
    assert {line.count("|") for line in (head, rule, *rows)} == {head.count("|")}
    assert all(re.search(r"[1-9]", row) for row in rows)


def test_a_steady_load_overlaps_orders_and_keeps_each_in_order():
    events = steady(rate=200, seconds=12, run=3)
    assert len(events) == 2_400
    kinds = {}
    for place, (key, raw) in enumerate(events):
        kind = re.search(rb'"kind":"(\w+)"', raw)[1]
        kinds.setdefault(key, []).append((place, kind))
        assert key in raw
    lives = [life for life in kinds.values() if life[-1][1] == b"delivered"]
    assert all(life[0][1] == b"order_promised" for life in lives)
    # nine events with eight pauses of 5/9 s, or ten with nine: 889 or 1,000 events at 200 a
    # second; the first orders, before the load is steady, have less between them
    spans = [life[-1][0] - life[0][0] for life in lives if life[0][0] > 1_000]
    assert spans
    assert all(abs(span - 889) < 30 or abs(span - 1_000) < 30 for span in spans)


def test_latency_leaves_out_the_first_seconds_and_forgets_no_missing_fact():
    appended = {"early": 1_000.0} | {f"{each}": 5_000.0 + each for each in range(100)}
    read = {order: at + 40 for order, at in appended.items()} | {"early": 9_000.0}
    load = Load(appended, read, sent_rate=99.0, last_sent=8_500.0)
    assert load.latency(0.50) == load.latency(0.99) == 40
    assert load.kept(100)
    assert not load.kept(102)
    del load.read["50"], load.read["51"]
    assert (load.latency(0.97), load.latency(0.99)) == (40, math.inf)
    assert not load.kept(100)


@pytest.mark.parametrize(
    ("stack", "component"),
    [
        ("main (tower:3);fold (streams/ingest.py:9);decode_order (streams/codec.py:80)",
         "ingest: decode and validate"),
        ("fold (streams/orders.py:9);load_order (streams/codec.py:99)",
         "orders: read an event of the inbox"),
        ("fold (streams/ingest.py:9);dumps (json/__init__.py:231);encode (json/encoder.py:1)",
         "ingest: re-key and count"),
        ("run (somewhere/else.py:1)", "everything else"),
    ],
)  # fmt: skip
def test_a_sample_belongs_to_the_innermost_module_of_the_table(stack, component):
    assert owner(stack.split(";"))[0] == component
