"""Random lines of a few orders and couriers, and how they lie in the source partitions.

Rules with retentions of hours, so that within two days rows close, stubs refuse, ids come
again and markers die. Times are epoch milliseconds on a coarse grid: boundaries are hit.
"""

import json
from datetime import UTC, datetime
from random import Random
from typing import Any, NamedTuple

from models.rules import Rules
from streams.engine.api import Record
from streams.feed import Arrival, in_order_of_arrival
from streams.pacing import PublishOptions, Tick, schedule
from streams.publishing import RECEIVED_AT, TICK
from streams.topics import COURIER_EVENTS, ORDER_EVENTS

PARTITIONS = 2
MINUTE = 60_000
HOUR = 60 * MINUTE
START = 1_772_445_600_000  # 2026-03-02T10:00Z
GAP = 6 * HOUR  # stands for the 90 days after which an id promised again is another order
KEPT = 2 * HOUR  # stands for the 97 days in which closed parcels are still asked for
KNOWN = 4 * HOUR  # stands for the two days in which a courier's repeated id is known
DAY = 2 * HOUR  # stands for the local day of an attempt
EVIDENCE = 2 * HOUR  # stands for the two days in which something is still said of a day
ASKED_FOR = EVIDENCE + 2 * DAY  # from the receipt of a position to the last question of it

RULES = Rules.model_validate(
    {
        "defaults": {"maturity_days": 1 / 12},
        "carriers": {"swift": {"maturity_days": 1 / 48}},
        "retention": {"ended_days": 1 / 8, "silent_days": 5 / 24, "stub_days": 7 / 24},
        "notices": {"hold_minutes": 5, "clear_hold_minutes": 5, "cooldown_minutes": 10},
    }
)
DOOR = {"lat": 52.5, "lon": 13.4}

Line = dict[str, Any]
KINDS = (
    "in_transit", "out_for_delivery", "out_for_delivery", "attempt_failed", "delivered",
    "delivered", "eta_updated", "eta_updated", "promise_changed", "returning", "cancelled",
    "feedback_given", "verdict_decided", "courier_arrived", "order_promised",
)  # fmt: skip


class History(NamedTuple):
    """What was said, and the source logs it lies in by (topic, partition)."""

    arrivals: list[Arrival]
    sources: dict[tuple[str, int], list[Record]]
    places: dict[tuple[str, int, int], Arrival]
    as_of: int
    feed: bool


def iso(at: int) -> str:
    return datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="milliseconds")


class _Teller:
    def __init__(self, rng: Random) -> None:
        self.rng = rng
        self.grid = rng.choice((MINUTE, 10 * MINUTE, 30 * MINUTE))
        self.number = 0
        self.lines: list[Line] = []

    def at(self, low: int, high: int) -> int:
        return self.rng.randint(low // self.grid, high // self.grid) * self.grid

    def say(self, kind: str, at: int, subject: Line, **more: Any) -> Line:
        rng = self.rng
        self.number += 1
        line = {
            "kind": kind, "event_id": f"e{self.number}", "source": rng.choice("ab"),
            "occurred_at": iso(at), **subject, **more,
        }  # fmt: skip
        if rng.random() < 0.1:
            line["colour"] = "red"
        lag = rng.choice((0, 0, 0, 1, MINUTE, 20 * MINUTE, HOUR, 3 * HOUR, 7 * HOUR))
        self.arrive(line, at + lag)
        return line

    def arrive(self, line: Line, at: int) -> None:
        seen = START + max(0, at - START) // self.grid * self.grid
        self.lines.append(line | {"observed_at": iso(seen + self.rng.choice((0, 0, 0, 1)))})

    def copies(self, line: Line, at: int, *, most: int) -> None:
        rng = self.rng
        for _ in range(rng.choice((0, 0, 0, 0, 1, 1, 2))):
            other = dict(line)
            if rng.random() < 0.4:
                other["occurred_at"] = iso(at + rng.choice((0, 1, MINUTE)))
            if rng.random() < 0.2:
                other["colour"] = "blue"
            if line["kind"] == "order_promised" and rng.random() < 0.5:
                other |= self.fields("order_promised", at)
            self.arrive(other, at + self.at(0, most))

    def order(self, name: str) -> None:
        rng = self.rng
        at = START + self.at(0, 6 * HOUR)
        for _ in range(rng.choice((1, 1, 2, 3))):
            at = self.life({"order_id": name}, at)
            at += rng.choice((0, 2 * HOUR, GAP - MINUTE, GAP, GAP + HOUR, 12 * HOUR, 20 * HOUR))

    def life(self, subject: Line, start: int) -> int:
        rng = self.rng
        last = start
        told: list[tuple[Line, int]] = []
        if rng.random() < 0.9:
            line = self.say(
                "order_promised", start, subject, **self.fields("order_promised", start)
            )
            told.append((line, start))
        for _ in range(rng.randint(0, 6)):
            kind, at = rng.choice(KINDS), start + self.at(0, 5 * HOUR)
            told.append((self.say(kind, at, subject, **self.fields(kind, at)), at))
            last = max(last, at)
        for line, at in told:
            self.copies(line, at, most=8 * HOUR)
            if rng.random() < 0.1:
                self.say(
                    "event_withdrawn", at + self.at(0, 2 * HOUR), subject,
                    withdraws=line["event_id"], source=line["source"],
                )  # fmt: skip
        return last

    def promise(self, end: int) -> Line:
        precision = self.rng.choice(("window", "instant", "instant", "date"))
        start = {"start": iso(end - HOUR)} if precision == "window" else {}
        return {"end": iso(end), "precision": precision, **start}

    def fields(self, kind: str, at: int) -> Line:
        rng = self.rng
        match kind:
            case "order_promised":
                return {
                    "carrier": rng.choice(("swift", "slow")),
                    "promise": self.promise(at + self.at(HOUR, 4 * HOUR)),
                    "service": rng.choice(("next", "same")), "timezone": "Europe/Berlin",
                    "destination": rng.choice((None, DOOR, DOOR)),
                    **self.belonging(),
                }  # fmt: skip
            case "attempt_failed":
                reason = rng.choice(("not_home", "refused", "weather"))
                return {"reason": reason, "courier_id": rng.choice((None, "c0", "c0", "c1"))}
            case "out_for_delivery":
                return {"courier_id": rng.choice((None, "c0", "c0", "c1"))}
            case "eta_updated":
                return {
                    "eta": iso(at + self.at(0, 3 * HOUR)),
                    "by": rng.choice(("carrier", "tower")),
                }
            case "promise_changed":
                end = at + self.at(-HOUR, 3 * HOUR)
                by = rng.choice(("consignee", "carrier", "merchant"))
                return {"promise": self.promise(end), "by": by}
            case "feedback_given":
                return {"csat": rng.randint(1, 5), "nps": rng.randint(0, 10)}
            case "verdict_decided":
                return {"verdict": "on_time", "by": "court", "reason": "proof"}
            case "delivered" if rng.random() < 0.2:
                return {"time_quality": rng.choice(("assumed", "local_as_z"))}
        return {}

    def belonging(self) -> Line:
        rng = self.rng
        said = {
            "group_id": rng.choice((None, None, "g1", "g2")),
            "customer_id": rng.choice((None, "c1", "c1", "c2")),
            "value": rng.choice((None, {"amount": rng.randint(0, 90), "currency": "EUR"})),
            "direction": rng.choice((*["forward"] * 9, "return")),
        }
        return {name: value for name, value in said.items() if value is not None}

    def courier(self, name: str) -> None:
        rng = self.rng
        begin = rng.choice((0, self.at(0, 24 * HOUR)))
        for _ in range(rng.randint(1, 16)):
            at = START + begin + self.at(0, 4 * HOUR)
            subject = {"courier_id": name, "carrier": "swift"}
            if rng.random() < 0.2:
                kind = rng.choice(("shift_started", "shift_ended"))
                line = self.say(kind, at, subject)
            else:
                # At the door, at 111 m, at 1.1 km, and out of reach.
                north = rng.choice((0.0, 0.0, 0.0, 0.001, 0.01, 1.0))
                metres = rng.choice((None, None, 30.0, 120.0, 250.0))
                line = self.say(
                    "position_reported", at, subject,
                    lat=DOOR["lat"] + north, lon=DOOR["lon"], accuracy_m=metres,
                )  # fmt: skip
            at = int(datetime.fromisoformat(self.lines[-1]["observed_at"]).timestamp() * 1000)
            self.copies(line, at, most=KNOWN - 10 * MINUTE)


def history(rng: Random) -> History:
    """Return lines and where they lie."""
    teller = _Teller(rng)
    for number in range(rng.randint(1, 4)):
        teller.order(f"o{number}")
    for number in range(rng.randint(0, 3)):
        teller.courier(f"c{number}")
    rng.shuffle(teller.lines)
    lines = [json.dumps(line).encode() for line in teller.lines]
    lines += [rng.choice((b"{", b'{"kind":"teleported"}')) for _ in range(rng.randint(0, 2))]
    arrivals = in_order_of_arrival(lines or [b"{"])
    latest = arrivals[-1].received_at
    as_of = latest + rng.choice((0, 0, 1, 3 * HOUR, 9 * HOUR, 30 * HOUR))
    feed = rng.random() < 0.6
    sources, places = (_fed if feed else _appended)(rng, arrivals, as_of)
    return History(arrivals, sources, places, as_of, feed)


Laid = tuple[dict[tuple[str, int], list[Record]], dict[tuple[str, int, int], Arrival]]


def _empty() -> Laid:
    topics = (ORDER_EVENTS, COURIER_EVENTS)
    return {(topic, p): [] for topic in topics for p in range(PARTITIONS)}, {}


def _fed(rng: Random, arrivals: list[Arrival], as_of: int) -> Laid:
    sources, places = _empty()
    seconds = rng.choice((1.0, 600.0, 3 * 3600.0))
    for item in schedule(arrivals, PublishOptions(tick_seconds=seconds, as_of=as_of)):
        if isinstance(item, Tick):
            for log in sources.values():
                log.append(Record(len(log), 0, None, b"", ((TICK, b"%d" % item.at),)))
            continue
        headers = ((RECEIVED_AT, b"%d" % item.received_at),)
        _lay(rng, sources, places, item, 0, headers)
    return sources, places


def _appended(rng: Random, arrivals: list[Arrival], as_of: int) -> Laid:
    del as_of
    sources, places = _empty()
    for item in arrivals:
        _lay(rng, sources, places, item, item.received_at, ())
    return sources, places


def _lay(
    rng: Random, sources: dict[tuple[str, int], list[Record]],
    places: dict[tuple[str, int, int], Arrival], item: Arrival, timestamp: int,
    headers: tuple[tuple[str, bytes], ...],
) -> None:  # fmt: skip
    partition = rng.randrange(PARTITIONS)
    log = sources[item.topic, partition]
    places[item.topic, partition, len(log)] = item
    log.append(Record(len(log), timestamp, None, item.raw, headers))
