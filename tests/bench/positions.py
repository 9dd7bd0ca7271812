"""Positions of couriers a second: `courier-events` into rows of couriers, durable, counted."""

import json
import random
import statistics

from streams.config import Settings
from streams.topics import COURIER_EVENTS
from tests.bench.day import CARRIERS, DAY, END, Line, instant
from tests.bench.table import spread, table, whole
from tests.bench.topic import held, remove
from tests.bench.towers import work

COURIERS = 2_000
EVERY = 10_000  # milliseconds between two positions of a courier


def positions(count: int) -> list[Line]:
    """Return so many positions: each courier on the road says one every ten seconds."""
    chance = random.Random(1)  # noqa: S311 - no secret
    return [_position(number, chance) for number in range(count)]


def _position(number: int, chance: random.Random) -> Line:
    turn, courier = divmod(number, COURIERS)
    carrier = CARRIERS[courier % len(CARRIERS)]
    courier_id = f"{carrier}-courier-{courier:04d}"
    at = DAY + turn * EVERY + courier * EVERY // COURIERS
    event = {
        "event_id": f"{courier_id}-{turn:06d}",
        "kind": "position_reported",
        "courier_id": courier_id,
        "carrier": carrier,
        "occurred_at": instant(at),
        "observed_at": instant(at + 1_000),
        "source": f"{carrier}.app",
        "lat": round(52.3 + chance.random() / 3, 6),
        "lon": round(13.1 + chance.random() / 2, 6),
        "accuracy_m": round(3 + chance.random() * 20, 1),
        "speed_mps": round(chance.random() * 14, 1),
    }
    raw = json.dumps(event, separators=(",", ":")).encode()
    return Line(at + 1_000, courier_id.encode(), raw)


async def couriers(brokers: str, events: int, rounds: int) -> str:
    """Return the table of one worker."""
    lines = positions(events)
    runs = []
    for number in range(rounds):
        settings = Settings(brokers=brokers, namespace=f"couriers{number}", clock="feed")
        topic = await held(settings, lines, END, COURIER_EVENTS)
        run = await work(settings, topic)
        assert run.counts["events"]["accepted"] == len(lines)
        runs.append(run)
        await remove(settings)
    cpu = statistics.median(run.cpu for run in runs) / events * 1e6
    peak = statistics.median(run.peak for run in runs) / 2**20
    speeds = spread([events / run.seconds for run in runs], whole)
    head = ["", "positions/s", "CPU us a position", "peak MiB"]
    row = [f"{COURIERS:,} couriers", speeds, f"{cpu:.1f}", whole(peak)]
    return table(f"Couriers ({events:,} positions, {rounds} rounds)", head, [row])
