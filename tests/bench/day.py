"""A delivery day as order events, and what it must count: the input of every contestant.

Some hundred bytes an event, nine events an order and ten where the first attempt failed, in
the order in which they arrive. Same number and seed: same bytes. All orders live through the
same hours, so the events of one lie far apart in the topic, as they do in a week of a real
network: whoever keeps rows must keep them for nearly every event. Nobody is early, and nothing
is repeated, withdrawn or in doubt, so that a job with four counters a carrier must find what
the whole tower finds.
"""

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from models.base import Millis

CARRIERS = tuple(f"carrier-{letter}" for letter in "abcdefgh")
MINUTE = 60_000
WINDOW = 120 * MINUTE
EVENTS_PER_ORDER = 9
DAY = int(datetime(2026, 3, 3, tzinfo=UTC).timestamp()) * 1_000
END = DAY + 30 * 60 * MINUTE  # after every window and every second try

Counts = dict[str, dict[str, int]]


@dataclass(frozen=True, slots=True)
class Line:
    """One event: when it arrives (epoch milliseconds), whose it is, its bytes."""

    at: Millis
    order_id: bytes
    raw: bytes


@dataclass(frozen=True, slots=True)
class Day:
    """Events in the order of arrival, and orders, on time, late, first failed by carrier."""

    lines: list[Line]
    counts: Counts


def day(events: int, seed: int = 1) -> Day:
    """Return a day of at least so many events, whole orders only."""
    chance = random.Random(seed)  # noqa: S311 - no secret
    lines: list[Line] = []
    counts: Counts = {
        name: {"orders": 0, "on_time": 0, "late": 0, "first_failed": 0} for name in CARRIERS
    }
    number = 0
    while len(lines) < events:
        carrier = CARRIERS[number % len(CARRIERS)]
        lines += _life(number, carrier, counts[carrier], chance)
        number += 1
    lines.sort(key=lambda line: (line.at, line.order_id))
    return Day(lines, counts)


def _life(number: int, carrier: str, counted: dict[str, int], chance: random.Random):
    """Return the events of one order, and count it."""
    order_id = f"{carrier}-20260303-{number:07d}"
    window = DAY + (540 + chance.randrange(120)) * MINUTE
    failed = chance.random() < 0.06
    visit = window + chance.randrange(1, 90) * MINUTE
    handover = visit + chance.randrange(95, 300) * MINUTE if failed else visit
    if not failed and chance.random() < 0.08:
        handover = window + WINDOW + chance.randrange(1, 60) * MINUTE
    counted["orders"] += 1
    counted["late" if handover > window + WINDOW else "on_time"] += 1
    counted["first_failed"] += failed
    steps = _steps(order_id, carrier, window, visit if failed else None, handover, chance)
    for step, (at, kind, fields) in enumerate(steps, 1):
        arrived = at + chance.randrange(2_000, 40_000)
        event = {
            "event_id": f"{order_id}-{step:02d}-{chance.getrandbits(48):012x}",
            "kind": kind,
            "order_id": order_id,
            "occurred_at": instant(at),
            "observed_at": instant(arrived),
            "source": f"{carrier}.tracking-feed",
            "schema_version": 1,
            **fields,
        }
        raw = json.dumps(event, separators=(",", ":")).encode()
        yield Line(arrived, order_id.encode(), raw)


def _steps(
    order_id: str,
    carrier: str,
    window: Millis,
    failed_at: Millis | None,
    handover: Millis,
    chance: random.Random,
) -> Iterator[tuple[Millis, str, dict[str, object]]]:
    """Yield when, what and with which fields of its own, in the order of the order's life."""
    courier = {"courier_id": f"{carrier}-courier-{chance.randrange(400):04d}"}
    hub = f"Sorting centre {chance.randrange(40):02d}, gate {chance.randrange(90):02d}"
    lat, lon = 52.3 + chance.random() / 3, 13.1 + chance.random() / 2
    yield window - 720 * MINUTE, "order_promised", _promised(carrier, window, lat, lon, chance)
    yield window - 560 * MINUTE, "picked_up", {"location": hub, "raw_code": "PU-0012"}
    yield window - 400 * MINUTE, "arrived_depot", {"location": hub, "raw_code": "AR-0044"}
    out = {**courier, "stop": chance.randrange(1, 120), "stops": 120}
    yield window - 150 * MINUTE, "out_for_delivery", out
    expected = failed_at or min(handover, window + WINDOW - 5 * MINUTE)
    for ahead in (90, 30):
        yield window - ahead * MINUTE, "eta_updated", _eta(expected, chance)
    at_door = {"lat": round(lat, 6), "lon": round(lon, 6), "accuracy_m": 9.5}
    if failed_at is not None:
        missed = {"reason": "not_home", **courier, "position": at_door, "raw_code": "NA-0101"}
        yield failed_at, "attempt_failed", missed
        yield handover - 90 * MINUTE, "out_for_delivery", out
    else:
        yield handover - 25 * MINUTE, "eta_updated", _eta(handover, chance)
    yield handover - 8 * MINUTE, "courier_arrived", courier
    yield handover, "delivered", {"to": "consignee", **courier, "position": at_door}


def _promised(
    carrier: str, window: Millis, lat: float, lon: float, chance: random.Random
) -> dict[str, object]:
    return {
        "carrier": carrier,
        "promise": {"start": instant(window), "end": instant(window + WINDOW)},
        "service": chance.choice(("standard", "express")),
        "region": f"region-{chance.randrange(6)}",
        "timezone": "Europe/Berlin",
        "destination": {"lat": round(lat, 6), "lon": round(lon, 6)},
        "customer_id": f"customer-{chance.getrandbits(40):010x}",
        "attributes": {"stop_type": "house", "weight_kg": round(chance.random() * 20, 1)},
    }


def _eta(handover: Millis, chance: random.Random) -> dict[str, object]:
    eta = handover + chance.randrange(-15, 16) * MINUTE
    low, high = instant(eta - 30 * MINUTE), instant(eta + 30 * MINUTE)
    return {"eta": instant(eta), "eta_low": low, "eta_high": high, "by": "carrier"}


def instant(at: Millis) -> str:
    """Return epoch milliseconds as RFC 3339 in UTC."""
    return datetime.fromtimestamp(at / 1_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
