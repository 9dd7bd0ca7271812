"""One stage's predictor: a regression, what it erred by, an offset for each bar.

The regression is believed as far as what it had said before came true, so that the tower is no
worse than the promise where nothing can be learnt.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from math import exp, log, sqrt

import numpy as np

from streams.domain.forecast.caution import begun, note
from streams.domain.forecast.regression import ROBUST, Floats, Regression
from streams.domain.forecast.residuals import ATOM, EDGES, Residuals

LEAST = 1e-4  # no probability is nearer to 0 or 1
STEP, KEEP = 0.05, 0.9995  # of AdaGrad
ENDS = (0.1, 0.9)
DISBELIEF = 0.9  # share of a distribution that is known to be wrong, from which it is left
LATELY = 0.003  # weight of the newest loss
MARGIN = 0.02  # how much less the history has to err than the regression
RECALL = 0.998  # how far back the trust in the regression looks
DOUBTFUL = 0.3  # trust at which the regression is not listened to
PROOF = 50  # shifts of the usual size that it takes to be half trusted

Keys = Sequence[Hashable]


@dataclass(frozen=True, slots=True)
class Forecast:
    """A handover as a distribution: seconds after the end of the promise.

    `late` maps a bar in seconds to P(handover later than end + bar); `shift` (s) is what the
    regression said, before it was weighed; `middles` are the medians with it and without.
    """

    p10: float
    p50: float
    p90: float
    late: dict[int, float]
    shift: float
    middles: tuple[float, float]


class Predictor:
    """Learns how far after a point of the promise the handovers of one stage are (s)."""

    def __init__(self, scale: float, bars: Sequence[int]) -> None:
        """`scale` (s) is how far off a promise is taken to be before the first label.

        `bars` (s after the end) rise.
        """
        self.regression = Regression()
        self.residuals = Residuals(scale, half_life=2_000, own_half_life=350)
        self.history = Residuals(scale, half_life=2_000, own_half_life=350)
        self.losses = [0.0, 0.0]
        self.offsets = dict.fromkeys(bars, 0.0)
        self._gradients = dict.fromkeys(bars, 0.0)
        self.ends, self._pulls = [0.0, 0.0], [0.0, 0.0]
        self.tried = begun()
        self._agreed, self._said = 0.0, PROOF * scale * scale

    @property
    def trust(self) -> float:
        """Return which part of the regression's shifts came true, as said before."""
        found = min(max(self._agreed / (self._said + 1e-9), 0.0), 1.0)
        return found if found > DOUBTFUL else 0.0

    def predict(
        self, x: Floats, keys: Keys, point: float, after: float, usual: float
    ) -> Forecast:
        """Return the forecast of a handover that is later than `after` for sure.

        `point` is where the promise expects it; where the model hardly believes `after`, it is
        expected at `usual`. All are seconds after the end of the promise.
        """
        shift = self.regression.value(x)
        centre = point + self.trust * shift
        learnt = _Law(self.residuals.shares(keys), centre, after, usual)
        plain = _Law(self.history.shares(keys), point, after, usual)
        law = plain if self._plain else learnt
        late: dict[int, float] = {}
        least = 1.0
        for (
            bar,
            offset,
        ) in self.offsets.items():  # each by itself, and none above the one before
            if bar > after:
                least = min(least, _shifted(law.beyond(bar), offset))
            late[bar] = least
        low, high = law.range(
            *(_shifted(q, end) for q, end in zip(ENDS, self.ends, strict=True))
        )
        middle = max(point + self.tried["part"][0] * (law.middle - point), after)
        middles = learnt.middle, plain.middle
        return Forecast(min(low, middle), middle, max(high, middle), late, shift, middles)

    def moved(self, x: Floats) -> Floats:
        """Return by how many seconds each number moves what is expected."""
        return (0.0 if self._plain else self.trust) * self.regression.parts(x)

    @property
    def _plain(self) -> bool:
        """Whether the history of the like erred less lately than the regression."""
        return self.losses[1] < (1 - MARGIN) * self.losses[0]

    def learn(
        self, x: Floats, keys: Keys, said: Forecast, point: float, deviation: float
    ) -> None:
        """Take what happened, `deviation` seconds after the end, of what was said once."""
        off = deviation - point
        bound = ROBUST * self.regression.error or abs(off)
        shift, came = (min(max(each, -bound), bound) for each in (said.shift, off))
        self._agreed = RECALL * self._agreed + shift * came
        self._said = RECALL * self._said + shift * shift
        for way, middle in enumerate(said.middles):
            self.losses[way] += LATELY * (abs(deviation - middle) - self.losses[way])
        note(self.tried, point, said.middles[self._plain], deviation)
        self.history.add(keys, off)
        self.residuals.add(keys, off - self.trust * self.regression.value(x))
        self.regression.learn(x, off)
        for end, below in enumerate((deviation < said.p10, deviation <= said.p90)):
            self._move(end, below - ENDS[end])
        for bar, p in said.late.items():
            wrong = p - (deviation > bar)
            gradients = self._gradients[bar] = KEEP * self._gradients[bar] + wrong * wrong
            self.offsets[bar] -= STEP * wrong / sqrt(gradients + 1e-9)

    def _move(self, end: int, wrong: float) -> None:
        """Move an end of the range, beyond which too many or too few came."""
        self._pulls[end] = KEEP * self._pulls[end] + wrong * wrong
        self.ends[end] -= STEP * wrong / sqrt(self._pulls[end] + 1e-9)


class _Law:
    """A distribution of handovers that is cut at what is known: later than `after`."""

    def __init__(self, shares: Floats, centre: float, after: float, usual: float) -> None:
        self.shares = shares
        self.cumulated = np.zeros(len(EDGES))
        np.cumsum(shares, out=self.cumulated[1:])
        self.centre, self.gone = centre, self._below(after - centre)
        if self.gone > DISBELIEF:
            self.centre = max(after, usual)
            self.gone = self._below(after - self.centre)
        self.middle = self.centre + float(np.interp(self._mark(0.5), self.cumulated, EDGES))

    def beyond(self, bar: float) -> float:
        """Return P(later than a bar)."""
        return (1 - self._below(bar - self.centre)) / (1 - self.gone)

    def range(self, first: float, last: float) -> tuple[float, float]:
        """Return two quantiles; a value that comes again and again belongs to the range."""
        marks = [self._mark(first), self._mark(last)]
        low, high = np.interp(marks, self.cumulated, EDGES).tolist()
        if self.shares.max() > ATOM:
            least, most = np.searchsorted(self.cumulated[1:], marks, side="right")
            if least < len(self.shares) and self.shares[least] > ATOM:
                low = float(EDGES[least])
            if most < len(self.shares) and self.shares[most] > ATOM:
                high = float(EDGES[most + 1])
        return self.centre + low, self.centre + high

    def _mark(self, share: float) -> float:
        """Return how much of the whole lies below a quantile of what is left."""
        return self.gone + share * (1 - self.gone)

    def _below(self, residual: float) -> float:
        return float(np.interp(residual, EDGES, self.cumulated))


def _shifted(p: float, offset: float) -> float:
    p = min(max(p, LEAST), 1 - LEAST)
    shifted = 1 / (1 + exp(-(log(p / (1 - p)) + offset)))
    return min(max(shifted, LEAST), 1 - LEAST)
