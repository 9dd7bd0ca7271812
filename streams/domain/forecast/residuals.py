"""How far predictions were off: decayed histograms per key, the special drawn to the general.

Bins are even in asinh(r / 1 min), a tenth of a unit each: six seconds wide around 0, a tenth of
the value far out. Residuals are seconds, positive is later than predicted.
"""

from collections.abc import Hashable, Sequence
from math import asinh, floor

import numpy as np

Floats = np.ndarray[tuple[int], np.dtype[np.float64]]

UNIT = 60.0  # seconds
PER_UNIT = 10
REACH = 165  # bins on either side of the one around 0: asinh(16.5) minutes is some 14 years
BINS = 2 * REACH + 1
EDGES: Floats = UNIT * np.sinh((np.arange(BINS + 1) - REACH - 0.5) / PER_UNIT)
PULL = 40.0  # how many residuals of its parent a key counts beside its own
SEED = 20.0  # residuals that stand for none yet
ATOM = 0.1  # a bin with more of the whole is one value again and again
MOST = 1e12  # weight of a newest residual at which a histogram is scaled down


def bin_of(residual: float) -> int:
    """Return the bin of a residual."""
    place = floor(asinh(residual / UNIT) * PER_UNIT + 0.5) + REACH
    return min(max(place, 0), BINS - 1)


class Histogram:
    """Counts of residuals by bin; older ones weigh less, as newer ones weigh more."""

    __slots__ = ("_growth", "bins", "newest", "total")

    def __init__(self, half_life: float, bins: Floats | None = None) -> None:
        self.bins: Floats = np.zeros(BINS) if bins is None else bins
        self.total = float(self.bins.sum())
        self.newest = 1.0
        self._growth = 2.0 ** (1 / half_life)

    def add(self, place: int) -> None:
        """Count a residual."""
        self.newest *= self._growth
        self.bins[place] += self.newest
        self.total += self.newest
        if self.newest > MOST:
            self.bins /= self.newest
            self.total, self.newest = self.total / self.newest, 1.0


class Residuals:
    """Histograms of residuals: one of all, and one per key."""

    def __init__(self, scale: float, half_life: float, own_half_life: float) -> None:
        """`scale` (s) of the Laplace law of the residuals that stand for none yet."""
        below = 0.5 * np.exp(-np.abs(EDGES) / scale)
        law = np.where(EDGES < 0, below, 1 - below)
        law[0], law[-1] = 0.0, 1.0
        self.all = Histogram(half_life, SEED * np.diff(law))
        self.keys: dict[Hashable, Histogram] = {}
        self._own_half_life = own_half_life

    def shares(self, keys: Sequence[Hashable]) -> Floats:
        """Return the share of each bin, for keys from general to special."""
        found = self.all.bins / self.all.total
        for key in keys:
            own = self.keys.get(key)
            if own is not None:
                pull = PULL * own.newest
                found = (own.bins + pull * found) / (own.total + pull)
        return found

    def add(self, keys: Sequence[Hashable], residual: float) -> None:
        """Add a residual to all and to its keys."""
        place = bin_of(residual)
        self.all.add(place)
        for key in keys:
            own = self.keys.get(key)
            if own is None:
                own = self.keys[key] = Histogram(self._own_half_life)
            own.add(place)
