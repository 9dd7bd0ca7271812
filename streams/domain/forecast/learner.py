"""The model whole: a predictor for each stage and kind of promise, and what they share."""

from collections.abc import Iterable
from dataclasses import dataclass

from models.base import Millis
from streams.domain.forecast.features import Features, View
from streams.domain.forecast.moment import Kind, Moment
from streams.domain.forecast.predictor import Forecast, Predictor
from streams.domain.forecast.regression import Floats

BARS = (0, 600, 840, 900)  # seconds after the end of the promise
SCALE = {"date": 43_200.0}  # seconds a promise is off at first; of other promises 8 min
USUAL_SCALE = 480.0


@dataclass(frozen=True, slots=True)
class Said:
    """A prediction with all it takes to learn from its outcome."""

    view: View
    forecast: Forecast


class Learner:
    """Predicts handovers and learns from them."""

    def __init__(self) -> None:
        self.features = Features()
        self.predictors: dict[Kind, Predictor] = {}

    def predict(self, m: Moment) -> Said:
        """Note that a moment was reached, and return what is to be expected of its order."""
        self.features.reached(m)
        return self.foresee(m)

    def foresee(self, m: Moment) -> Said:
        """Return what is to be expected of an order that is open at this moment."""
        view = self.features.view(m)
        after = (m.at - m.end) / 1_000
        usual = after + view.leg / 1_000
        forecast = self._predictor(m).predict(view.vector, view.keys, _point(m), after, usual)
        return Said(view, forecast)

    def moved(self, said: Said) -> Floats:
        """Return by how many seconds each number of a view moves what is expected."""
        return self._predictor(said.view.moment).moved(said.view.vector)

    def opened(self, carrier: str) -> None:
        """Note that a carrier has one open order more."""
        counts = self.features.open
        counts[carrier] = counts.get(carrier, 0) + 1

    def closed(self, carrier: str) -> None:
        """Note that an open order of a carrier has ended; its opening may be forgotten."""
        counts = self.features.open
        counts[carrier] = max(0, counts.get(carrier, 0) - 1)

    def learn(self, said: Iterable[Said], handed_at: Millis, now: Millis) -> None:
        """Take the handover of an order, with all that was predicted of it."""
        last: Moment | None = None
        for each in said:
            last = m = each.view.moment
            deviation = (handed_at - m.end) / 1_000
            self._predictor(m).learn(
                each.view.vector, each.view.keys, each.forecast, _point(m), deviation
            )
            self.features.learn(each.view, handed_at)
        if last is not None:
            self.features.concluded(last, handed_at, now)

    def _predictor(self, m: Moment) -> Predictor:
        found = self.predictors.get(m.kind)
        if found is None:
            scale = SCALE.get(m.precision, USUAL_SCALE)
            found = self.predictors[m.kind] = Predictor(scale, BARS)
        return found


def _point(m: Moment) -> float:
    return (m.point - m.end) / 1_000
