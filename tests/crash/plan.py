"""What a run is to be, all of it from one seed: the feed, the workers, the faults and when.

Kinds of faults are dealt like cards: runs with consecutive seeds take consecutive kinds, so
that a few runs meet all of them; what else is random about a fault begins at its `chance`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

DEALT, DRAWN = 5, 2  # faults a run takes in its turn, and faults drawn besides
FIRST_SECONDS, ROOM_SECONDS = 1.0, 1.2  # before the first fault; between two of them
KEYS = ("order", "carrier", "random")


@dataclass(frozen=True)
class Strike:
    """One fault of a run: `at` seconds after publishing began."""

    at: float
    kind: str
    chance: int


@dataclass(frozen=True)
class Plan:
    """One run: a feed of so many orders, sent within so many seconds, and its faults.

    `longest` bounds, in seconds, how long a fault may keep the broker silent.
    """

    seed: int
    orders: int
    couriers: int
    hostile: int
    keys: str
    seconds: float
    workers: int
    longest: float
    strikes: tuple[Strike, ...]


def plan_of(seed: int, kinds: Sequence[str], *, short: bool = False) -> Plan:
    """Return the run of a seed; `short` keeps the broker silent for a few seconds at most."""
    rng = Random(seed)  # noqa: S311 - chance is to be repeated here
    dealt = [kinds[(seed * DEALT + turn) % len(kinds)] for turn in range(DEALT)]
    dealt += [rng.choice(kinds) for _ in range(DRAWN)]
    rng.shuffle(dealt)
    strikes, at = [], FIRST_SECONDS
    for kind in dealt:
        strikes.append(Strike(round(at, 2), kind, rng.getrandbits(32)))
        at += ROOM_SECONDS * rng.uniform(0.4, 1.6)
    return Plan(
        seed=seed,
        orders=rng.randint(200, 350),
        couriers=rng.randint(4, 8),
        hostile=rng.randint(50, 250),
        keys=rng.choice(KEYS),
        seconds=round(at + ROOM_SECONDS, 2),
        workers=rng.choice((1, 2, 2)),
        longest=5.0 if short else rng.choice((5.0, 5.0, 10.0, 30.0)),
        strikes=tuple(strikes),
    )
