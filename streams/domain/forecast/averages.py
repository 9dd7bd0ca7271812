"""Running means that forget: by the number of labels, or by the tower's clock."""

from collections.abc import Hashable, Sequence

from models.base import Millis

Key = Hashable


class KeyMeans:
    """The mean of each key, decayed by labels and drawn towards the mean of its parent.

    A key counts as if its parent's mean had been seen `prior` times beside its own labels;
    the last of a chain of keys is the most special, before the first stands `origin`.
    """

    __slots__ = ("_decay", "_prior", "_sums")

    def __init__(self, half_life: float, prior: float) -> None:
        self._decay = 0.5 ** (1 / half_life)
        self._prior = prior
        self._sums: dict[Key, tuple[float, float]] = {}

    def mean(self, chain: Sequence[Key], origin: float = 0.0) -> float:
        """Return the mean of the last key of a chain."""
        found = origin
        for key in chain:
            total, weight = self._sums.get(key, (0.0, 0.0))
            found = (total + self._prior * found) / (weight + self._prior)
        return found

    def add(self, chain: Sequence[Key], value: float) -> None:
        """Add a value to every key of a chain."""
        for key in chain:
            total, weight = self._sums.get(key, (0.0, 0.0))
            self._sums[key] = (total * self._decay + value, weight * self._decay + 1)


class Trail:
    """The mean of what was seen lately, by a half-life of the clock; shrunk towards 0."""

    __slots__ = ("_half_life", "_prior", "_sums")

    def __init__(self, half_life: Millis, prior: float) -> None:
        self._half_life = half_life
        self._prior = prior
        self._sums: dict[Key, tuple[Millis, float, float]] = {}

    def mean(self, key: Key, at: Millis) -> float:
        """Return the mean of a key as of an instant."""
        total, weight = self._as_of(key, at)
        return total / (weight + self._prior)

    def count(self, key: Key, at: Millis) -> float:
        """Return how many values there were lately, older ones in part."""
        return self._as_of(key, at)[1]

    def add(self, key: Key, at: Millis, value: float) -> None:
        """Add a value seen at an instant."""
        total, weight = self._as_of(key, at)
        last = self._sums.get(key, (at, 0.0, 0.0))[0]
        self._sums[key] = (max(at, last), total + value, weight + 1)

    def _as_of(self, key: Key, at: Millis) -> tuple[float, float]:
        last, total, weight = self._sums.get(key, (at, 0.0, 0.0))
        kept = 0.5 ** (max(0, at - last) / self._half_life)
        return total * kept, weight * kept
