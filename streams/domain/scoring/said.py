"""What a row remembers of the predictions of one life, and what is learnt from them later.

Probabilities are micro-probabilities, integers of a millionth: what is scored is added up
exactly. Instants are epoch milliseconds.
"""

from collections.abc import Iterable
from dataclasses import fields
from typing import Any

import msgspec
import numpy as np

from models.base import Millis
from streams.domain.forecast.attempts import AttemptSaid
from streams.domain.forecast.features import Features
from streams.domain.forecast.learner import Said
from streams.domain.forecast.moment import Moment
from streams.domain.forecast.predictor import Forecast
from streams.domain.forecast.regression import Floats

MICRO = 1_000_000

_MOMENT = [each.name for each in fields(Moment)]
_FORECAST = [each.name for each in fields(Forecast)]

Reason = tuple[str, float, float]  # name of a number, its value, seconds it adds
# A moment: number of a field -> what it is; those that are missing are as in the first one.
Differing = dict[int, Any]


class Prediction(msgspec.Struct, array_like=True, frozen=True, omit_defaults=True):
    """One prediction as it was frozen.

    `p` is P(late), `base` the late share of its carrier and service by then, `threshold` what
    `p` was compared with; `deadline` the first millisecond at which the order was late as
    promised then; `low`, `middle` and `high` the P10, P50 and P90 of the handover; `model` how
    many orders had been learnt from. `learnt` is what the model said, where `p` is the share
    instead because the model was not to be believed.
    """

    at: Millis
    model: int
    p: int
    base: int
    threshold: int
    deadline: Millis
    low: Millis
    middle: Millis
    high: Millis
    reasons: tuple[Reason, ...] = ()
    learnt: int | None = None


class Stored(msgspec.Struct, array_like=True, frozen=True):
    """What is needed to learn from a prediction: the vector as it was, four bytes a number."""

    moment: Differing
    vector: bytes
    forecast: tuple[Any, ...]


class StoredAttempt(msgspec.Struct, array_like=True, frozen=True):
    """What is needed to learn from a prediction of the first attempt."""

    vector: bytes
    base: float
    keys: tuple[Any, ...]
    p: float


class Foreseen(msgspec.Struct, array_like=True, omit_defaults=True):
    """The predictions of one life; `said` and `stored` are by horizon, in the order made.

    `carrier` is whose the order was when first predicted, at `began`; `next_at` when it is
    looked at again though nothing is received; `stored` is empty once it was learnt from.
    """

    began: Millis
    carrier: str
    next_at: Millis
    said: dict[str, Prediction] = {}
    stored: dict[str, Stored] = {}
    attempt: StoredAttempt | None = None
    attempt_fails: int | None = None
    learnt: bool = False


def moment_of(stored: Differing, first: Differing) -> Moment:
    """Return a moment again."""
    return Moment(**{_MOMENT[number]: value for number, value in (first | stored).items()})


def differing(moment: Moment, first: Differing | None) -> Differing:
    """Return what of a moment is not as in the first one of its order."""
    every = {number: getattr(moment, name) for number, name in enumerate(_MOMENT)}
    if first is None:
        return every
    return {number: value for number, value in every.items() if value != first[number]}


def stored(said: Said, first: Differing | None) -> Stored:
    """Return what is kept of a prediction until it is learnt from."""
    forecast = tuple(getattr(said.forecast, name) for name in _FORECAST)
    return Stored(differing(said.view.moment, first), _packed(said.view.vector), forecast)


def said_again(kept: Iterable[Stored], numbers: int) -> list[Said]:
    """Return predictions as they were made; the first that was kept holds what is common.

    A vector of a model that knew fewer numbers than the `numbers` of now has 0 for the others.
    """
    found: list[Said] = []
    first: Differing | None = None
    for each in kept:
        first = each.moment if first is None else first
        moment = moment_of(each.moment, first)
        forecast = Forecast(**dict(zip(_FORECAST, each.forecast, strict=True)))
        found.append(
            Said(Features.view_again(moment, _unpacked(each.vector, numbers)), forecast)
        )
    return found


def stored_attempt(said: AttemptSaid) -> StoredAttempt:
    """Return what is kept of a prediction of the first attempt."""
    return StoredAttempt(_packed(said.vector), said.base, said.keys, said.p)


def attempt_again(kept: StoredAttempt) -> AttemptSaid:
    """Return a prediction of the first attempt as it was made."""
    keys = tuple(tuple(each) for each in kept.keys)
    return AttemptSaid(_unpacked(kept.vector, 0), kept.base, keys, kept.p)


def _packed(vector: Floats) -> bytes:
    return vector.astype("<f4").tobytes()


def _unpacked(vector: bytes, numbers: int) -> Floats:
    known = np.frombuffer(vector, "<f4").astype(np.float64)
    return np.concatenate((known, np.zeros(max(0, numbers - len(known)))))
