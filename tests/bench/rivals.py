"""What predictions are held against: naive answers, and LightGBM refitted week by week.

Each knows at a moment what the tower knew then: the labels received before it.
"""

import heapq
import subprocess
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from streams.domain.zones import DAY_MS
from tests.bench.contestants import beside

PRIOR = 10.0  # orders whose share of late ones is that of all, beside those of the route


@dataclass(frozen=True, slots=True)
class Asked:
    """One horizon's predictions in the order made, and what became of the orders.

    `at` and `known` (ms) are when each was made and when its label was received; `slack` is how
    long the promise had still to run, `point` where in it a handover is expected and
    `deviation` where it was (s, of its end); `routes` are carrier and region.
    """

    at: np.ndarray
    known: np.ndarray
    slack: np.ndarray
    point: np.ndarray
    deviation: np.ndarray
    numbers: np.ndarray
    routes: list[tuple[str, str]]


@dataclass(slots=True)
class _Route:
    orders: int = 0
    late: int = 0
    duration: float = 0.0
    last: float = 0.0  # deviation of the last one from where it was expected


def naive(asked: Asked, bar: float) -> dict[str, np.ndarray]:
    """Return `mean speed`, `last deviation` (s) and `late share` of carrier and route."""
    routes: dict[object, _Route] = defaultdict(_Route)
    found = {
        name: np.zeros(len(asked.at)) for name in ("mean speed", "last deviation", "late share")
    }
    for place, news in _news(asked):
        for one in news:
            for key in (asked.routes[one], None):
                _take(routes[key], asked, one, bar)
        own, every = routes[asked.routes[place]], routes[None]
        like = own if own.orders else every
        mean = like.duration / like.orders if like.orders else asked.slack[place]
        share = (every.late + 0.5) / (every.orders + 1)
        found["mean speed"][place] = mean - asked.slack[place]
        found["last deviation"][place] = asked.point[place] + own.last
        found["late share"][place] = (own.late + PRIOR * share) / (own.orders + PRIOR)
    return found


def _take(route: _Route, asked: Asked, one: int, bar: float) -> None:
    route.orders += 1
    route.late += bool(asked.deviation[one] > bar)
    route.duration += asked.slack[one] + asked.deviation[one]
    route.last = asked.deviation[one] - asked.point[one]


def _news(asked: Asked) -> Iterator[tuple[int, list[int]]]:
    """Yield each prediction with the labels that were received since the one before."""
    waiting: list[tuple[float, int]] = []
    for place, at in enumerate(asked.at):
        news = []
        while waiting and waiting[0][0] < at:
            news.append(heapq.heappop(waiting)[1])
        yield place, news
        heapq.heappush(waiting, (asked.known[place], place))


def boosted(asked: Asked, first: int, bar: float, days: int) -> dict[str, np.ndarray]:
    """Return what LightGBM says of the predictions from `first` on, refitted every so often."""
    with tempfile.TemporaryDirectory() as folder:
        given, out = Path(folder) / "in.npz", Path(folder) / "out.npz"
        np.savez(
            given, numbers=asked.numbers, at=asked.at, known=asked.known,
            deviation=asked.deviation, first=first, bar=bar, every=days * DAY_MS,
        )  # fmt: skip
        words = ["-m", "tests.bench.peers.boosted", str(given), str(out)]
        subprocess.run([beside("python"), *words], check=True)
        return dict(np.load(out))
