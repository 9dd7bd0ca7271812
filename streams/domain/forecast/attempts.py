"""Will the first attempt fail: the rates of the like, and what adds to them."""

from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np

from streams.domain.forecast.averages import KeyMeans
from streams.domain.forecast.moment import Moment
from streams.domain.forecast.regression import Floats, Regression
from streams.domain.zones import instant, zone

LEAST = 1e-3
START = 0.08  # first failures where nothing is known: kpis 2.3 names 9 to 12 %


@dataclass(frozen=True, slots=True)
class AttemptSaid:
    """A prediction with all it takes to learn from its outcome."""

    vector: Floats
    base: float
    keys: tuple[Hashable, ...]
    p: float


class AttemptLearner:
    """Predicts whether the first attempt fails, when an order is created."""

    def __init__(self) -> None:
        self._rates = KeyMeans(half_life=2_000, prior=20)
        self._regression = Regression()
        self._slots: dict[str, int] = {}

    def predict(self, m: Moment) -> AttemptSaid:
        """Note what an order says of itself, and return P(its first attempt fails)."""
        self.reached(m)
        return self.foresee(m)

    def reached(self, m: Moment) -> None:
        """Note the attributes of an order; each has its place in the numbers from then on."""
        for name in sorted(m.attributes):
            self._slots.setdefault(name, len(self._slots))

    def foresee(self, m: Moment) -> AttemptSaid:
        """Return P(the first attempt fails) with what it is made of."""
        day = instant(m.end - 1).astimezone(zone(m.zone or "UTC")).weekday()
        chains = [
            ("all",),
            ("all", ("carrier", m.carrier)),
            ("all", ("region", m.region)),
            ("all", ("region", m.region), ("both", m.carrier, m.region)),
            ("all", ("weekday", day)),
            ("all", ("customer", m.customer)),
        ]
        base = self._rates.mean(("all",), START)
        numbers = [self._rates.mean(chain, START) - base for chain in chains[1:]]
        numbers += self._said(m, base)
        keys = [chain[-1] for chain in chains if chain[-1] != ("customer", None)]
        keys += [(n, v) for n, v in m.attributes.items() if isinstance(v, str)]
        vector = np.array(numbers)
        p = min(max(base + self._regression.value(vector), LEAST), 1 - LEAST)
        return AttemptSaid(vector, base, tuple(keys), p)

    def _said(self, m: Moment, base: float) -> list[float]:
        """Return a number for each attribute: its own, or what its text adds to the rate."""
        numbers = [0.0] * len(self._slots)
        for name, value in m.attributes.items():
            if name in self._slots:
                numbers[self._slots[name]] = (
                    self._rates.mean(("all", (name, value)), START) - base
                    if isinstance(value, str)
                    else float(value)
                )
        return numbers

    def learn(self, said: AttemptSaid, *, failed: bool) -> None:
        """Take how the first attempt ended."""
        self._regression.learn(said.vector, failed - said.base)
        self._rates.add(said.keys, float(failed))
