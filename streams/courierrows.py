"""The rows of couriers: what each said last, how far along the route, what was learnt of all.

A courier's row is JSON: position, route and shift as they were said last, `way` and `told`
what follows from them (streams/domain/courier). What changes seldom is kept encoded. What a
carrier's legs and stays take is a row of its own, learnt from this partition's couriers alone;
a crash may cost it the visits that ended in its last moments, and never counts one twice.
"""

import json
from dataclasses import dataclass, field
from typing import Any

import msgspec

from models.base import Millis, millis
from models.estimates import CourierEta
from models.events import CourierEvent
from streams.domain.arrivals import SKEW_MS
from streams.domain.courier.following import Following
from streams.domain.courier.knowledge import Knowledge, Learnt
from streams.domain.courier.route import Halt, Stop, halts
from streams.domain.courier.telling import Told
from streams.domain.visits import Fix
from streams.engine.api import Rows
from streams.estimates import estimate

COURIER = b"c/"
KNOWLEDGE = b"l/"

Json = dict[str, Any]

_json = msgspec.json.Encoder().encode
_knowledge = msgspec.json.Decoder(Knowledge).decode


class _Kept(msgspec.Struct):
    """A courier's row as it is written, but for what is only passed on."""

    way: Following | None = None
    told: dict[str, Told] = {}


_kept = msgspec.json.Decoder(_Kept).decode


@dataclass(slots=True)
class Courier:
    """One courier: `said` last of each kind, and the way along the route."""

    said: Json = field(default_factory=dict[str, Any])
    following: Following = field(default_factory=Following)
    halts: tuple[Halt, ...] = ()
    route: msgspec.Raw = field(default_factory=msgspec.Raw)
    told: msgspec.Raw = field(default_factory=msgspec.Raw)

    def plan(self) -> None:
        """Take the route that was said last."""
        self.halts = halts([Stop(*stop) for stop in self.said["route"]["stops"]])
        self.route = msgspec.Raw(_json(self.said["route"]))

    def encoded(self) -> bytes:
        """Return the row's payload."""
        if "route" not in self.said:
            return _json(self.said)
        way = msgspec.structs.replace(self.following, told={})
        return _json(self.said | {"route": self.route, "way": way, "told": self.told})


class CourierRows:
    """The couriers of one partition and what was learnt of them; `rows` None puts none."""

    def __init__(self, upstream: str, rows: Rows | None = None) -> None:
        self._upstream = upstream
        self._rows = rows
        self._couriers: dict[bytes, Courier] = {}
        self._knowledge: dict[str, Knowledge] = {}
        self._dirty: dict[bytes, int] = {}

    def said(self) -> dict[bytes, Json]:
        """Return what each courier said last, by key of the row."""
        return {key: courier.said for key, courier in self._couriers.items()}

    def load(self, key: bytes, payload: bytes) -> None:
        """Take up a row as it was recovered."""
        if key.startswith(KNOWLEDGE):
            self._knowledge[key[len(KNOWLEDGE) :].decode()] = _knowledge(payload)
            return
        said, kept = json.loads(payload), _kept(payload)
        said.pop("way", None)
        said.pop("told", None)
        courier = self._couriers[key] = Courier(said)
        if "route" in said:
            courier.plan()
            courier.told = msgspec.Raw(_json(kept.told))
            courier.following = kept.way or Following()
            courier.following.told = kept.told

    def put(self) -> None:
        """Put the rows that changed."""
        dirty, self._dirty = self._dirty, {}
        if self._rows is None:
            return
        for key, offset in dirty.items():
            if key.startswith(KNOWLEDGE):
                payload = _json(self._knowledge[key[len(KNOWLEDGE) :].decode()])
            else:
                payload = self._couriers[key].encoded()
            self._rows.put(key, payload, offset)

    def take(self, event: CourierEvent, received_at: Millis, offset: int) -> list[CourierEta]:
        """Take an event into its courier's row; return what orders are to be told."""
        key = COURIER + event.courier_id.encode()
        if self._rows is not None and self._rows.off(key) >= offset:
            return []
        courier = self._couriers.get(key)
        if courier is None:
            courier = self._couriers[key] = Courier()
        before = courier.said
        newest = _newest(before, event)
        if newest is before:
            return []
        self._dirty[key] = offset
        courier.said = newest
        if event.kind == "route_planned":
            if newest["route"] != before.get("route"):
                courier.plan()
                courier.following.plan(courier.halts)
                courier.told = msgspec.Raw(_json(courier.following.told))
            return []
        if event.kind != "position_reported" or not courier.halts or _off_shift(newest):
            return []
        return self._follow(courier, event, received_at, offset)

    def _follow(
        self, courier: Courier, event: CourierEvent, received_at: Millis, offset: int
    ) -> list[CourierEta]:
        carrier: str = courier.said["carrier"]
        knowledge = self._knowledge.get(carrier)
        if knowledge is None:
            knowledge = self._knowledge[carrier] = Knowledge()
        position = courier.said["position"]
        at = position["at"] if position["at"] <= received_at + SKEW_MS else received_at
        place = position["lat"], position["lon"], position["m"] or 0.0
        sayings, learnt = courier.following.take(
            Fix(at, received_at, *place), courier.halts, knowledge
        )
        if learnt:
            self._learn(carrier, knowledge, learnt, offset)
        if not sayings:
            return []
        courier.told = msgspec.Raw(_json(courier.following.told))
        return [
            estimate(saying, event.courier_id, f"{self._upstream}/{offset}/{number}")
            for number, saying in enumerate(sayings)
        ]

    def _learn(
        self, carrier: str, knowledge: Knowledge, learnt: list[Learnt], offset: int
    ) -> None:
        key = KNOWLEDGE + carrier.encode()
        if self._rows is None or self._rows.off(key) < offset:
            for each in learnt:
                knowledge.learn(each)
            self._dirty[key] = offset


def _off_shift(said: Json) -> bool:
    return "shift" in said and not said["shift"]["on"]


def _newest(row: Json, event: CourierEvent) -> Json:
    """Return a courier's row with what the event says, unless something newer is known."""
    at = millis(event.occurred_at)
    if event.kind == "position_reported":
        name = "position"
        said: Json = {"lat": event.lat, "lon": event.lon, "m": event.accuracy_m}
    elif event.kind == "route_planned":
        name = "route"
        said = {"stops": [_stop(stop) for stop in event.stops]}
    else:
        name = "shift"
        said = {"on": event.kind == "shift_started"}
    said["at"] = at
    known = row.get(name)
    if known is not None and (at < known["at"] or said == known):
        return row
    return row | {"carrier": event.carrier, name: said}


def _stop(stop: Any) -> list[Any]:  # noqa: ANN401 - the kept form of a stop
    if stop.service_seconds is None:
        return [stop.order_id, stop.lat, stop.lon]
    return [stop.order_id, stop.lat, stop.lon, stop.service_seconds]
