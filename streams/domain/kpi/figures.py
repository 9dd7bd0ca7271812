"""Figures of the report: ratios with their interval, means and quantiles (kpis 2.12 F1).

Means are exact sums over counts; quantiles come from sketches and are within 1 % of the order
statistic of nearest rank. Milliseconds in, seconds out, positive is late.
"""

from math import sqrt
from typing import Any

from streams.domain import sketch
from streams.domain.cells import Measures

Json = dict[str, Any]

Z = 1.959963984540054  # the normal quantile of 97.5 % (kpis 2.12 F1)


def ratio(k: int, n: int) -> Json:
    """Return k of n with its Wilson score interval of 95 %."""
    if n == 0:
        return {"value": None, "k": k, "n": n, "low": 0.0, "high": 1.0}
    p = k / n
    spread = Z * sqrt(p * (1 - p) / n + Z * Z / (4 * n * n))
    centre, scale = p + Z * Z / (2 * n), 1 + Z * Z / n
    low, high = (centre - spread) / scale, (centre + spread) / scale
    # In floating point the interval of 84 of 84 would end a hair below 1.
    return {
        "value": p,
        "k": k,
        "n": n,
        "low": max(0.0, min(low, p)),
        "high": min(1.0, max(high, p)),
    }


def part(m: Measures, prefix: str) -> dict[str, int]:
    """Return the measures whose names begin with a prefix, without it."""
    return {
        name.removeprefix(prefix): count for name, count in m.items() if name.startswith(prefix)
    }


def bins(m: Measures, name: str) -> dict[int, int]:
    """Return the sketch that a measure's bins are."""
    return {int(key): count for key, count in part(m, f"{name}:").items()}


def quantile(m: Measures, name: str, q: float) -> float | None:
    """Return a quantile of a measure's sketch, seconds; None of nothing."""
    return seconds(sketch.quantile(bins(m, name), q))


def seconds(value: float | None) -> float | None:
    """Return milliseconds as seconds."""
    return None if value is None else value / 1_000


def interval(n: int, total: int, squares: int, scale: tuple[int, int]) -> Json:
    """Return the interval of 95 % of a mean by the sum and the sum of squares of n values.

    It is the normal one of the sample's variance, cut off at the ends of the scale; of fewer
    than two values there is none.
    """
    if n < 2:  # noqa: PLR2004 - one value has no variance
        return {"low": None, "high": None}
    spread = Z / n * sqrt((n * squares - total * total) / (n - 1))
    least, most = scale
    return {"low": max(least, total / n - spread), "high": min(most, total / n + spread)}
