"""A time still to pass of which a mean and a variance are known: times to come, added up.

Legs and stays are lognormal: nothing takes less than no time, and now and then something takes
long. A sum of such is taken as lognormal again, with the mean and the variance of the sum.
"""

from math import erf, exp, log, sqrt
from typing import NamedTuple

P10, P50, P90 = -1.2815515655446004, 0.0, 1.2815515655446004  # of a standard normal
_LAST = 1 - 1e-9


class Spread(NamedTuple):
    """Seconds to pass: mean and variance."""

    mean: float
    variance: float

    def then(self, other: "Spread") -> "Spread":
        """Return the time of one after the other, each as long as it is whatever the other."""
        return Spread(self.mean + other.mean, self.variance + other.variance)

    def quantiles(self) -> tuple[float, float, float]:
        """Return P10, P50 and P90 in seconds."""
        if self.mean <= 0:
            return 0.0, 0.0, 0.0
        sigma2 = log(1 + self.variance / self.mean**2)
        middle, sigma = log(self.mean) - sigma2 / 2, sqrt(sigma2)
        return exp(middle + P10 * sigma), exp(middle), exp(middle + P90 * sigma)


def lognormal(middle: float, sigma: float) -> Spread:
    """Return a lognormal time by its median in seconds and the deviation of its logarithm."""
    mean = middle * exp(sigma * sigma / 2)
    return Spread(mean, mean * mean * (exp(sigma * sigma) - 1))


def remaining(middle: float, sigma: float, elapsed: float) -> Spread:
    """Return what is left of a lognormal time that has lasted so long already.

    The longer it lasts, the longer it will: mean and variance of the part beyond `elapsed`.
    """
    if elapsed <= 0:
        return lognormal(middle, sigma)
    place = (log(elapsed) - log(middle)) / sigma
    beyond = 1 - min(_cdf(place), _LAST)
    mean = _moment(middle, sigma, place, 1) / beyond
    square = _moment(middle, sigma, place, 2) / beyond
    left = max(mean - elapsed, 0.05 * middle)
    return Spread(left, max(square - mean * mean, 0.0025 * middle * middle))


def _moment(middle: float, sigma: float, place: float, order: int) -> float:
    """Return the part beyond a place of the first or second moment of a lognormal time."""
    whole = middle**order * exp(order * order * sigma * sigma / 2)
    return whole * max(1 - _cdf(place - order * sigma), 1e-12)


def _cdf(place: float) -> float:
    return (1 + erf(place / sqrt(2))) / 2
