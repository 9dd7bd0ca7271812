"""A model as bytes and back, bit for bit: what the learner goes on from, what workers take.

Only classes of the forecast are written, by the names of their attributes; a model whose parts
are of another form than this version's is not read (`FormError`).
"""

import hashlib
import zlib
from functools import cache
from typing import Any

import msgspec
import numpy as np

from streams.domain.forecast.attempts import AttemptLearner
from streams.domain.forecast.averages import KeyMeans, Trail
from streams.domain.forecast.features import NAMES, Features
from streams.domain.forecast.learner import Learner
from streams.domain.forecast.moment import Moment
from streams.domain.forecast.predictor import Predictor
from streams.domain.forecast.regression import Regression
from streams.domain.forecast.residuals import Histogram, Residuals
from streams.domain.scoring.drift import Watch
from streams.domain.scoring.labels import Reached
from streams.domain.scoring.model import Model
from streams.domain.scoring.said import differing, stored

CLASSES: dict[str, type] = {
    each.__name__: each
    for each in (
        AttemptLearner, Features, Histogram, KeyMeans, Learner, Model, Predictor, Regression,
        Residuals, Trail, Watch,
    )
}  # fmt: skip

# Names of outsiders that a model keeps something of, by one kind: whoever is heard of first.
MOST_NUMBERS = 4_000
MOST_PARTS = 200


class FormError(ValueError):
    """A model of another version, whose parts are not those of this one."""


def packed(model: Model) -> bytes:
    """Return a model as bytes; what it remembers of too many names is forgotten before."""
    return zlib.compress(_encode((form(), model)), 1)


def unpacked(body: bytes) -> Model:
    """Return the model that was written.

    Raises:
        FormError: it is of another version.
    """
    of, written = _loose.decode(zlib.decompress(body))
    if of != form():
        raise FormError(of)
    model: Model = _made(written.code, written.data)
    return model


@cache
def form() -> str:
    """Return what a model is made of, as a digest: classes, attributes, numbers of a moment."""
    model = Model()
    at = 1_767_225_600_000
    moment = Moment("created", at, "instant", "c", "s", "r", at, at, at)
    said, _ = model.foresee(moment, at, 0)
    kept = stored(said, None)
    model.learn(Reached(differing(moment, None), opened=True))
    model.learner.learn([said], at, at)
    seen = {name: set[str]() for name in CLASSES}
    _attributes_in(model, seen)
    told = sorted((name, sorted(each)) for name, each in seen.items())
    parts = repr((told, NAMES, sorted(kept.moment), len(kept.forecast)))
    return hashlib.sha256(parts.encode()).hexdigest()[:12]


def _attributes_in(part: Any, seen: dict[str, set[str]]) -> None:  # noqa: ANN401 - any part
    within: list[Any] = []
    name = type(part).__name__
    if name in CLASSES:
        attributes = _attributes(part)
        seen[name].update(attributes)
        within = list(attributes.values())
    elif name == "dict":
        within = list(part.values())
    elif name in {"list", "tuple"}:
        within = list(part)
    for each in within:
        _attributes_in(each, seen)


def _attributes(part: Any) -> dict[str, Any]:  # noqa: ANN401 - an object of CLASSES
    if hasattr(part, "__slots__"):
        return {name: getattr(part, name) for name in part.__slots__}
    held: dict[str, Any] = part.__dict__
    return held


def _written(part: Any) -> msgspec.msgpack.Ext:  # noqa: ANN401 - what msgspec does not know
    """Return an object or an array as bytes of its kind."""
    name = type(part).__name__
    if name == "ndarray":
        return msgspec.msgpack.Ext(ARRAY, _encode((part.dtype.str, part.shape, part.tobytes())))
    if CLASSES.get(name) is not type(part):
        raise TypeError(f"a model holds {name}, which nothing here writes")
    attributes = _attributes(part)
    for each in attributes.values():
        if type(each).__name__ == "dict":
            _forget_beyond_most(each)
    return msgspec.msgpack.Ext(OBJECT, _encode((name, attributes)))


def _forget_beyond_most(part: dict[Any, Any]) -> None:
    """Forget whoever was heard of last, where there are more names than are kept."""
    if len(part) > MOST_PARTS:
        whole = type(next(iter(part.values()))).__name__ in CLASSES
        for key in list(part)[MOST_PARTS if whole else MOST_NUMBERS :]:
            del part[key]


def _made(kind: int, data: memoryview) -> Any:  # noqa: ANN401 - any part
    """Return the object or array that was written."""
    if kind == ARRAY:
        dtype, shape, body = _decode(data)
        return np.frombuffer(body, dtype).reshape(shape).copy()
    name, attributes = _decode(data)
    kind_of: Any = CLASSES[name]
    made = kind_of.__new__(kind_of)
    for key, value in attributes.items():
        setattr(made, key, value)
    return made


ARRAY, OBJECT = 1, 2
_encode = msgspec.msgpack.Encoder(enc_hook=_written).encode
_decode = msgspec.msgpack.Decoder(ext_hook=_made).decode
_loose = msgspec.msgpack.Decoder()
