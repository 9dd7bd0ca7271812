"""The table of edge cases as one feed, and each edge's expectations on a running tower.

Every replay that an edge asks for becomes a scene: its events under ids and a carrier of its
own, its rules as those of that carrier. Told to the tower in the order of their `as_of`, the
scenes are looked at when the clock is there, and the edge is asked again with what the tower
then said.
"""

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import product
from typing import Any
from unittest.mock import patch

from models.rules import Rules
from streams import topics
from streams.domain.order import Order
from streams.domain.row import Row
from streams.feed import in_order_of_arrival
from streams.replay import Replay
from tests.domain import given, test_edges
from tests.story import Event, story

Json = dict[str, Any]
OWN = ("order_id", "carrier", "group_id", "customer_id")  # what is told apart by scenes
RULED = ("defaults", "carriers")  # what of a scene's rules can be one carrier's


@dataclass
class Scene:
    """One replay that an edge asked for, and what the tower said of it."""

    name: str
    replay: Replay
    events: list[Event]
    rules: Rules
    said: Json = field(default_factory=dict)
    rows: dict[str, Row] = field(default_factory=dict)
    facts: list[tuple[str, bytes | None, bytes | None]] = field(default_factory=list)

    @property
    def as_of(self) -> int:
        return self.replay.as_of

    @property
    def carrier(self) -> str:
        """Return the one carrier of the scene, as the edge calls it."""
        (only,) = {event["carrier"] for event in self.events if "carrier" in event} or {""}
        return str(only)

    def orders_told(self) -> list[str]:
        return sorted({self.named(event["order_id"]) for event in self.events})

    def named(self, own: str) -> str:
        return f"{self.name}-{own}"

    def lines(self) -> list[bytes]:
        """Return the events received up to `as_of`, as those of this scene."""
        mine = [
            event
            | {name: self.named(event[name]) for name in OWN if name in event}
            | ({"carrier": self.name} if "carrier" in event else {})
            for event in self.events
        ]
        arrivals = in_order_of_arrival(story(*mine))
        return [each.raw for each in arrivals if each.received_at <= self.as_of]

    def carrier_rules(self) -> Json:
        """Return the scene's rules as those of its carrier."""
        shipped = Rules().model_dump(by_alias=True)
        told = self.rules.model_dump(by_alias=True)
        assert {n: v for n, v in told.items() if n not in RULED} == {
            n: v for n, v in shipped.items() if n not in RULED
        }, self.name
        own = {
            name: value
            for name, value in told["defaults"].items()
            if value != shipped["defaults"][name]
        }
        for carrier in told["carriers"].values():
            own |= {name: value for name, value in carrier.items() if value is not None}
        return own


class Living:
    """A scene's tower, to an edge that knows a replay."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self.orders = self
        self.out = self

    @property
    def messages(self) -> list[tuple[str, bytes | None, bytes | None]]:
        return self._scene.facts

    def order(self, own: str) -> Order | None:
        return self._scene.rows[self._scene.named(own)].order

    def report(self) -> Json:
        """Return the report with the numbers of this scene as the tower told them.

        Which events were read, and the rules' id, it tells of all scenes together.
        """
        scene, alone = self._scene, self._scene.replay.report()
        nothing = Replay(Rules()).report()["total"]
        carriers = scene.said["carriers"]
        mine = {scene.carrier: carriers[scene.name]} if scene.name in carriers else {}
        returned = scene.said["returns"] if alone["returns"]["orders"] else nothing
        own = {"total": mine.get(scene.carrier, nothing), "carriers": mine, "returns": returned}
        return alone | own


def edges() -> Iterator[tuple[str, Callable[[], None]]]:
    """Yield every edge with each of its parameters, under a name."""
    for name, edge in inspect.getmembers(test_edges, inspect.isfunction):
        if not name.startswith("test_edge"):
            continue
        sets = [_told(mark) for mark in getattr(edge, "pytestmark", [])]
        for number, chosen in enumerate(product(*sets)):
            words = {key: value for part in chosen for key, value in part.items()}
            yield f"{name}[{number}]", lambda edge=edge, words=words: edge(**words)


def _told(mark: Any) -> list[Json]:
    names, values = mark.args
    if isinstance(names, str):
        names = [each.strip() for each in names.split(",")]
    return [
        dict(zip(names, value if len(names) > 1 else [value], strict=True)) for value in values
    ]


def scenes() -> dict[str, list[Scene]]:
    """Return the scenes of every edge, in the order in which it asks for them."""
    found: dict[str, list[Scene]] = {}
    count = 0
    real = given.replayed
    for name, edge in edges():
        asked = found[name] = []

        def tell(*events: Event, rules: Rules = given.RULES, **how: Any) -> Replay:
            nonlocal count
            count += 1
            replay = real(*events, rules=rules, **how)
            asked.append(Scene(f"scene-{count}", replay, list(events), rules))  # noqa: B023
            return replay

        with patch.object(given, "replayed", tell), patch.object(test_edges, "replayed", tell):
            edge()
    return found


def ask_again(name: str, edge: Callable[[], None], asked: list[Scene]) -> None:
    """Ask an edge again with what the tower said of its scenes in place of replays."""
    living = iter([Living(scene) for scene in asked])

    def tell(*_: Event, **__: Any) -> Living:
        return next(living)

    with patch.object(given, "replayed", tell), patch.object(test_edges, "replayed", tell):
        edge()
    assert next(living, None) is None, f"{name} asks otherwise of a tower than of a replay"


def facts_of(scene: Scene, records: list[Any]) -> None:
    """Give a scene the facts about its orders."""
    mine = {each.encode() for each in scene.orders_told()}
    scene.facts = [
        (topics.ORDER_FACTS, each.key, each.value) for each in records if each.key in mine
    ]
