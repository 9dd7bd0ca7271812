"""Robust recursive least squares over standardised features.

Guards, each against something seen in replays of real deliveries: features are clipped at six
standard deviations, an innovation at 3.75 running mean absolute errors, and nothing is
forgotten while the trace of P is above the number of features (else P winds up without news).
"""

import numpy as np

Floats = np.ndarray[tuple[int], np.dtype[np.float64]]

CLIP = 6.0
ROBUST = 3.75
SETTLED = 2_000  # labels after which means and deviations of the features stay
FORGET = 0.9999
SHY = 200  # labels at which half of what is predicted is believed
START = 0.005  # variance of a weight before the first label, in units of the noise


class Regression:
    """A linear model of the deviation (s), learnt one label at a time."""

    def __init__(self) -> None:
        self.labels = 0
        self.mean: Floats = np.zeros(0)
        self.square: Floats = np.zeros(0)
        self.weights: Floats = np.zeros(1)
        self.spread = START * np.eye(1)
        self.error = 0.0  # running mean absolute innovation
        self._scale: Floats | None = None  # 1 / standard deviation, 0 of a constant

    def value(self, x: Floats) -> float:
        """Return the prediction, drawn to 0 while there are few labels."""
        self._fit(len(x))
        return float(self.weights @ self._scaled(x)) * self.labels / (self.labels + SHY)

    def parts(self, x: Floats) -> Floats:
        """Return what each number adds to the prediction, beside what is the same for all."""
        self._fit(len(x))
        return self.weights[1:] * self._scaled(x)[1:] * (self.labels / (self.labels + SHY))

    def learn(self, x: Floats, y: float) -> None:
        """Take a label (s); `x` may be of a time when fewer features were known."""
        self._fit(len(x))
        if len(x) < len(self.mean):
            x = np.concatenate((x, np.zeros(len(self.mean) - len(x))))
        if self.labels < SETTLED:
            self._note(x)
        z = self._scaled(x)
        innovation = y - float(self.weights @ z)
        self.labels += 1
        if self.error:
            bound = ROBUST * self.error
            innovation = min(max(innovation, -bound), bound)
        self.error += max(1 / self.labels, 0.005) * (abs(innovation) - self.error)
        gain = self.spread @ z
        gain /= 1.0 + float(z @ gain)
        self.weights += gain * innovation
        self.spread -= np.outer(gain, z @ self.spread)
        if self.spread.trace() <= len(self.mean):
            self.spread /= FORGET

    def _fit(self, size: int) -> None:
        """Make room for features that were not known before."""
        more = size - len(self.mean)
        if more > 0:
            new = np.zeros(more)
            self.mean = np.concatenate((self.mean, new))
            self.square = np.concatenate((self.square, new))
            self.weights = np.concatenate((self.weights, new))
            spread = START * np.eye(size + 1)
            spread[:-more, :-more] = self.spread
            self.spread, self._scale = spread, None

    def _note(self, x: Floats) -> None:
        off = x - self.mean
        self.mean += off / (self.labels + 1)
        self.square += off * (x - self.mean)
        self._scale = None

    def _scaled(self, x: Floats) -> Floats:
        if self._scale is None:
            deviation = np.sqrt(self.square / max(min(self.labels, SETTLED), 1))
            known = deviation > 1e-9 * (1 + np.abs(self.mean))
            self._scale = np.divide(1.0, deviation, out=np.zeros_like(deviation), where=known)
        z = np.empty(len(x) + 1)
        z[0] = 1.0
        np.clip((x - self.mean) * self._scale, -CLIP, CLIP, out=z[1:])
        return z
