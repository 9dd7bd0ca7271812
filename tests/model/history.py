"""Random histories: what two skewed upstream partitions received, by seed."""

import random
from collections.abc import Callable
from typing import NamedTuple

from .events import GAP, Copy, Event

END = 300  # the last instant at which something may be received
MARGIN = 2  # how far the broker's clock may be behind the reader's


class Arrival(NamedTuple):
    """A record of a source partition, to be seen there from `visible` on."""

    visible: int
    order: str
    copy: Copy


def _life(rng: random.Random, start: int, name: str) -> list[Event]:
    end = start + rng.randint(15, 60)
    carrier = rng.choice("ab")
    events: list[Event] = []

    def put(kind: str, at: int, text: str = "", number: int = 0) -> None:
        events.append(Event(f"{name}{len(events)}", kind, at, text, number))

    if rng.random() < 0.9:
        put("promise", start, carrier, end)
    if rng.random() < 0.25:
        return events  # nothing follows: the next life may begin while this one is open
    _course(rng, put, start, end)
    if events and rng.random() < 0.45:
        victim = rng.choice(events)
        put("withdraw", victim.at + rng.randint(0, 50), victim.id)
    return events


def _course(rng: random.Random, put: Callable[..., None], start: int, end: int) -> None:
    for _ in range(rng.randint(0, 3)):
        put("scan", start + rng.randint(1, 40))
    if rng.random() < 0.35:
        put("change", start + rng.randint(1, 45), number=end + rng.randint(-30, 25))
    if rng.random() < 0.2:
        put("promise", start + rng.randint(0, 30), rng.choice("ab"), end + rng.randint(-5, 30))
    for _ in range(rng.choice((0, 1, 1, 1, 2))):
        put("done", end + rng.randint(-15, 15))
    if rng.random() < 0.3:
        put("answer", end + rng.randint(0, 60), number=rng.randint(1, 10))
    if rng.random() < 0.5:
        put("scan", end + rng.randint(10, 90))


def history(rng: random.Random, upstreams: int) -> list[list[Arrival]]:
    """Return the records of each source partition, as they were appended."""
    sources: list[list[Arrival]] = [[] for _ in range(upstreams)]
    grid = rng.choice((1, 5, 10))
    for number in range(rng.randint(2, 4)):
        order = f"o{number}"
        start = rng.randint(1, 60)
        for life in range(rng.choice((1, 1, 2, 3))):
            same = rng.random() < 0.5
            for event in _life(rng, start, "e" if same else "efgh"[life]):
                for _ in range(rng.choice((1, 1, 1, 1, 2, 3))):
                    _arrive(rng, sources, order, event, grid)
            start += rng.choice((GAP, GAP + 30, 100, 130)) + rng.randint(-5, 30)
    for source in sources:
        source.sort(key=lambda a: (a.copy.received, rng.random()))
    return sources


def _arrive(
    rng: random.Random, sources: list[list[Arrival]], order: str, event: Event, grid: int
) -> None:
    if rng.random() < 0.2:
        event = event._replace(number=event.number + rng.randint(0, 3), at=event.at + 1)
    lag = rng.choice((0, 0, 1, 3, 8, 25, 60)) + rng.randint(-1, 2)
    received = max(1, (event.at + lag) // grid * grid)
    if received <= END:
        visible = received + rng.randint(0, MARGIN)
        source = sources[min(rng.randrange(3), len(sources) - 1)]
        source.append(Arrival(visible, order, Copy(received, event)))


def disturb(rng: random.Random, sources: list[list[Arrival]]) -> bool:
    """Let append times fall back now and then, as after a broker's clock was set."""
    moved = False
    for source in sources:
        for place, arrival in enumerate(source):
            if rng.random() < 0.1:
                received = max(1, arrival.copy.received - rng.randint(4, 30))
                source[place] = arrival._replace(copy=arrival.copy._replace(received=received))
                moved = True
    return moved
