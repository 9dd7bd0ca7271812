"""How good what was told was: held against the true handovers of a city."""

from itertools import pairwise
from typing import NamedTuple

from streams.domain.courier.knowledge import Knowledge
from tests.city.city import OUTLIERS, City, Drive, day
from tests.city.telling import (
    Series,
    by_mean_speed,
    by_oracle,
    by_straight_line,
    by_tower,
    in_force,
)

WITHIN_SECONDS = 600
HORIZONS = (120, 60, 30, 15)
MAIN = 30
MINUTE = 60


class Score(NamedTuple):
    """Of the handovers with an ETA so many minutes before; minutes, shares 0 to 1.

    `covers` is the share inside the 80 % range, None for who gives none.
    """

    n: int
    told: int
    within: float
    late: float
    off: float
    covers: float | None
    width: float | None


class Churn(NamedTuple):
    """Of an order: how often it was told an ETA, and by how many minutes that moved in all."""

    told: float
    moved: float


class Result(NamedTuple):
    """Scores by forecaster and horizon in minutes, and the churn of the tower's ETAs."""

    scores: dict[tuple[str, int], Score]
    churn: Churn


def run(
    seed: int,
    *,
    days: int = 4,
    couriers: int = 10,
    stops: int = 90,
    outliers: float = OUTLIERS,
    oracles: tuple[int, ...] = HORIZONS,
) -> Result:
    """Live some days of a city; the first teaches, the others count.

    `oracles` are the horizons at which it is asked what could be known.
    """
    city, knowledge = City(seed), Knowledge()
    held: dict[tuple[str, int], list[tuple[Drive, Series]]] = {}
    told: list[Series] = []
    for number in range(days):
        drives = day(city, number, couriers, stops, outliers=outliers)
        tower = by_tower(drives, knowledge)
        if number == 0:
            continue
        told.append(tower)
        for drive in drives:
            for horizon in HORIZONS:
                held.setdefault(("tower", horizon), []).append((drive, tower))
            for horizon in oracles:
                oracle = by_oracle(city, drive, horizon * MINUTE)
                held.setdefault(("oracle", horizon), []).append((drive, oracle))
            for name, forecaster in _NAIVE.items():
                said = forecaster(drive, MAIN * MINUTE)
                held.setdefault((name, MAIN), []).append((drive, said))
    scores = {key: _score(parts, key[1] * MINUTE) for key, parts in held.items()}
    return Result(scores, _churn(told))


_NAIVE = {"straight line": by_straight_line, "mean speed": by_mean_speed}


def _score(parts: list[tuple[Drive, Series]], horizon: float) -> Score:
    n, off, widths, inside = 0, [], [], 0
    for drive, series in parts:
        for visit in drive.visits:
            if visit.went - horizon < drive.visits[0].left:
                continue  # the courier was not yet on the way
            n += 1
            said = in_force(series, visit.order_id, visit.went - horizon)
            if said is not None:
                off.append(visit.went - said.eta)
                if said.low is not None and said.high is not None:
                    widths.append(said.high - said.low)
                    inside += said.low <= visit.went <= said.high
    told = len(off)
    return Score(
        n,
        told,
        sum(abs(each) <= WITHIN_SECONDS for each in off) / told,
        sum(off) / told / MINUTE,
        sum(map(abs, off)) / told / MINUTE,
        inside / len(widths) if widths else None,
        sum(widths) / len(widths) / MINUTE if widths else None,
    )


def _churn(told: list[Series]) -> Churn:
    all_told = [said for series in told for said in series.values()]
    moved = sum(abs(b.eta - a.eta) for said in all_told for a, b in pairwise(said))
    orders = len(all_told)
    return Churn(sum(map(len, all_told)) / orders, moved / orders / MINUTE)
