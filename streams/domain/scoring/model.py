"""All that was learnt so far: what orders are predicted by, and what learns from their ends.

One model learns (the learner agent); every worker predicts with a copy. Predicting changes
nothing, so a copy says what the model itself would have said.
"""

import numpy as np

from models.base import Millis
from streams.domain.forecast.attempts import AttemptLearner
from streams.domain.forecast.learner import Learner, Said
from streams.domain.forecast.moment import Moment
from streams.domain.forecast.predictor import Forecast
from streams.domain.scoring.drift import Watch
from streams.domain.scoring.labels import Attempted, Ended, Label, Reached
from streams.domain.scoring.reasons import reasons
from streams.domain.scoring.said import (
    MICRO,
    Prediction,
    attempt_again,
    moment_of,
    said_again,
)

PRIOR_LATE, PRIOR = 1, 2  # a late share begins at a half and weighs two orders (kpis 2.12 E5)


class Model:
    """What was learnt; `version` counts the orders it was learnt from.

    `shares` are late and all orders by carrier and service, `watches` the skill by horizon.
    """

    def __init__(self) -> None:
        self.learner = Learner()
        self.attempts = AttemptLearner()
        self.shares: dict[tuple[str, str], tuple[int, int]] = {}
        self.watches: dict[str, Watch] = {}
        self.version = 0

    # -- predicting ------------------------------------------------------------------------

    def foresee(self, m: Moment, deadline: Millis, threshold: int) -> tuple[Said, Prediction]:
        """Return what is to be expected of an open order; it is late from `deadline` on."""
        said = self.learner.foresee(m)
        forecast = said.forecast
        learnt = _micro(probability(forecast, (deadline - m.end) / 1_000))
        base = self.base(m.carrier, m.service)
        fallen = m.stage in self.watches and self.watches[m.stage].fallen
        found = Prediction(
            at=m.at,
            model=self.version,
            p=base if fallen else learnt,
            base=base,
            threshold=threshold,
            deadline=deadline,
            low=m.end + round(1_000 * forecast.p10),
            middle=m.end + round(1_000 * forecast.p50),
            high=m.end + round(1_000 * forecast.p90),
            reasons=reasons(self.learner, said),
            learnt=learnt if fallen else None,
        )
        return said, found

    def base(self, carrier: str, service: str) -> int:
        """Return the running late share of a carrier and service, a micro-probability."""
        late, orders = self.shares.get((carrier, service), (0, 0))
        return (late + PRIOR_LATE) * MICRO // (orders + PRIOR)

    # -- learning --------------------------------------------------------------------------

    def learn(self, label: Label) -> list[str]:
        """Take a label; return the horizons that are believed otherwise than before."""
        match label:
            case Reached(moment, opened):
                m = moment_of(moment, moment)
                if opened:
                    self.learner.opened(m.carrier)
                    self.attempts.reached(m)
                self.learner.features.reached(m)
                return []
            case Attempted(attempt, failed):
                self.attempts.learn(attempt_again(attempt), failed=failed)
                return []
            case Ended():
                return self._ended(label)

    def _ended(self, label: Ended) -> list[str]:
        self.learner.closed(label.carrier)
        self.version += 1
        if label.handed_at is not None:
            numbers = len(self.learner.features.names())
            self.learner.learn(said_again(label.stored, numbers), label.handed_at, label.at)
        if label.late is None:
            return []
        key = label.carrier, label.service
        late, orders = self.shares.get(key, (0, 0))
        self.shares[key] = late + label.late, orders + 1
        turned: list[str] = []
        for horizon, p, base in label.judged:
            watch = self.watches.setdefault(horizon, Watch())
            if watch.note(p, base, late=label.late):
                turned.append(horizon)
        return turned


def probability(forecast: Forecast, bar: float) -> float:
    """Return P(handed over later than a bar, seconds after the end of the promise).

    At the bars that are learnt it is what was learnt; between and beyond them it is drawn
    through the quantiles, and none is greater than that of a lesser bar.
    """
    late = forecast.late
    if bar in late:
        return late[int(bar)]
    points = [(forecast.p10, 0.9), (forecast.p50, 0.5), (forecast.p90, 0.1)]
    bars = sorted(late)
    known = [*((float(each), late[each]) for each in bars)]
    known += [(x, p) for x, p in points if not bars[0] <= x <= bars[-1]]
    known.sort()
    p = np.minimum.accumulate([p for _, p in known])
    return float(np.interp(bar, [x for x, _ in known], p))


def _micro(p: float) -> int:
    return round(MICRO * p)
