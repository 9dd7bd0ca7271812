"""Shares with their interval, means and quantiles (F1)."""

from collections.abc import Sequence
from math import ceil, sqrt
from typing import Any


def ratio(k: int, n: int) -> dict[str, Any]:
    """Return a share with its Wilson interval of 95 %."""
    if n == 0:
        return {"value": None, "k": k, "n": n, "low": 0.0, "high": 1.0}
    z, p = 1.959963984540054, k / n
    centre = p + z * z / (2 * n)
    spread = z * sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    low, high = (centre - spread) / (1 + z * z / n), (centre + spread) / (1 + z * z / n)
    return {"value": p, "k": k, "n": n, "low": low, "high": high}


def quantile(values: Sequence[float], q: float) -> float | None:
    """Return the value of nearest rank, milliseconds in, seconds out."""
    return sorted(values)[ceil(q * len(values)) - 1] / 1000 if values else None


def mean(values: Sequence[float], unit: int = 1) -> float | None:
    """Return the mean in units."""
    return sum(values) / len(values) / unit if values else None
