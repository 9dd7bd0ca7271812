"""A time still to pass of which a mean and a variance are known: times to come, added up.

Legs and stays are lognormal: nothing takes less than no time, and now and then something takes
long. A sum of such is taken as lognormal again, with the mean and the variance of the sum.
"""

from math import erf, exp, log, sqrt
from typing import NamedTuple

P90 = 1.2815515655446004  # of a standard normal; P10 is as far below 0
_LAST = 1 - 1e-9


class Spread(NamedTuple):
    """Seconds to pass: mean and variance."""

    mean: float
    variance: float

    def then(self, other: "Spread") -> "Spread":
        """Return the time of one after the other, each as long as it is whatever the other."""
        return Spread(self.mean + other.mean, self.variance + other.variance)

    def with_common(self, variance: float) -> "Spread":
        """Return it with the variance of what all its parts have in common."""
        return Spread(self.mean, self.variance + variance)

    def quantiles(self) -> tuple[float, float, float]:
        """Return P10, P50 and P90 in seconds."""
        if self.mean <= 0:
            return 0.0, 0.0, 0.0
        sigma2 = log(1 + self.variance / self.mean**2)
        middle, wide = self.mean * exp(-sigma2 / 2), exp(P90 * sqrt(sigma2))
        return middle / wide, middle, middle * wide


NOTHING = Spread(0.0, 0.0)


class Spreading(NamedTuple):
    """Lognormal times of one deviation: mean of the median, variance of its square."""

    mean: float
    variance: float

    def of(self, middle: float) -> Spread:
        """Return the time with a median in seconds."""
        return Spread(middle * self.mean, middle * middle * self.variance)


def spreading(sigma: float) -> Spreading:
    """Return lognormal times by the deviation of their logarithm."""
    square = exp(sigma * sigma)
    return Spreading(sqrt(square), square * (square - 1))


def lognormal(middle: float, sigma: float) -> Spread:
    """Return a lognormal time by its median in seconds and the deviation of its logarithm."""
    return spreading(sigma).of(middle)


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
