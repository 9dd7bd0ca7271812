"""What was predicted of an order at each horizon, why in words, and what became of it."""

from typing import Any

from models.base import Millis
from streams.domain.row import Row
from streams.domain.scoring.said import MICRO, Foreseen, Prediction, Reason
from streams.domain.scoring.scores import Score, scores
from streams.wording import Face, duration, printable

Json = dict[str, Any]

HORIZONS = {
    "created": "when it was created",
    "picked_up": "when it was picked up",
    "ofd": "when it was out for delivery",
    "d7200": "five days before the end",
    "d120": "two hours before the end",
    "d60": "one hour before the end",
    "d30": "half an hour before the end",
}

# What a number of a moment says (streams/domain/forecast/features.py), with its value.
WORDS = {
    "promised": "promised {0:g} h before the end",
    "left": "{0:g} h left to the end",
    "waited": "{0:g} h since the promise",
    "distance": "{0:g} km to go",
    "attempts": "{0:g} attempts so far",
    "changes": "{0:g} changes of the promise",
    "before": "{0:g} stops before this one",
    "has_eta": "whether an ETA is in force",
    "eta": "the ETA in force is {0:g} min after the end",
    "eta_age": "the ETA in force is {0:g} h old",
    "out_for": "out for delivery for {0:g} h",
    "picked_up_for": "picked up {0:g} h ago",
    "open": "how many orders of the carrier are open",
    "lately": "how many orders were handed over lately",
    "late.all": "orders like it come {0:g} min after their promise",
    "late.carrier": "those of the carrier come {0:g} min after their promise",
    "late.region": "those of the region come {0:g} min after their promise",
    "late.route": "those of carrier and region come {0:g} min after their promise",
    "late.service": "those of the service come {0:g} min after their promise",
    "late.hour": "those of this hour come {0:g} min after their promise",
    "leg.region": "from here it usually takes {0:g} min more than is left, in the region",
    "leg.route": "from here it usually takes {0:g} min more than is left, on this route",
    "pace.all": "orders get here {0:g} min later than usual",
    "pace.carrier": "those of the carrier get here {0:g} min later than usual",
    "pace.region": "those of the region get here {0:g} min later than usual",
}
KINDS = {
    "now": "the time and the day of the week",
    "end": "the hour and the day it is promised for",
    "text": "what `{1}` says",
    "number": "`{1}` is {0:g}",
}
WHOSE = {"all": "all orders", "carrier": "the carrier", "region": "the region"}


def predictions(row: Row, clock: Millis, face: Face) -> list[Json]:
    """Return the predictions of the present life in the order made."""
    foreseen, order = row.told.foreseen, row.order
    if foreseen is None or order is None:
        return []
    found = {score.horizon: score for score in scores(order, foreseen, clock)}
    return [
        _prediction(horizon, said, foreseen, found.get(horizon), face)
        for horizon, said in foreseen.said.items()
    ]


def _prediction(
    horizon: str, said: Prediction, foreseen: Foreseen, score: Score | None, face: Face
) -> Json:
    alert = said.p >= said.threshold
    fails = foreseen.attempt_fails
    return {
        "horizon": horizon,
        "at": face.iso(said.at),
        "late": said.p / MICRO,
        "threshold": said.threshold / MICRO,
        "alert": alert,
        "usual": said.base / MICRO,
        "expected": face.iso(said.middle),
        "earliest": face.iso(said.low),
        "latest": face.iso(said.high),
        "attempt_fails": fails / MICRO if horizon == "created" and fails is not None else None,
        "model": _model(said),
        "reasons": [in_words(each) for each in said.reasons],
        "clears": _clears(said) if alert else None,
        "became": _became(score),
        "says": f"{HORIZONS[horizon]}: {said.p / MICRO:.0%} to come late"
        f" (like it: {said.base / MICRO:.0%}), expected {face.words(said.middle)}",
    }


def _model(said: Prediction) -> str:
    learnt = f"learnt from {said.model} orders"
    return learnt if said.learnt is None else f"{learnt}, not believed: the late share instead"


def in_words(reason: Reason) -> str:
    """Return one number that moved a prediction: what it says, and by how much it moves."""
    name, value, moves = reason
    way = "later" if moves > 0 else "earlier"
    return f"{_phrase(name, value)}: {duration(round(1_000 * moves))} {way}"


def _phrase(name: str, value: float) -> str:
    if name in WORDS:
        return WORDS[name].format(round(value, 1))
    kind, _, rest = name.partition(":" if ":" in name else ".")
    if kind in KINDS:
        return KINDS[kind].format(round(value, 1), printable(rest))
    hours = kind.removeprefix("late_").removesuffix("h")
    return f"in the last {hours} h {WHOSE.get(rest, rest)} came {value:.1f} min late"


def _clears(said: Prediction) -> str | None:
    """Return by how much earlier it had to be expected to be no alert, None where unknown.

    Through the quantiles, from P(late) at the deadline down to the threshold.
    """
    wanted = said.threshold / MICRO
    at, p = said.deadline, said.p / MICRO
    for then, share in ((said.low, 0.9), (said.middle, 0.5), (said.high, 0.1)):
        if then <= at or share >= p:
            continue
        if share <= wanted:
            part = (p - wanted) / (p - share)
            return (
                f"expected {duration(round(at + part * (then - at)) - said.deadline)} earlier"
            )
        at, p = then, share
    return None


def _became(score: Score | None) -> str:
    if score is None:
        return "not scored"
    if score.moved:
        return "not scored: the promise was changed since"
    right = score.alert == score.late
    came = "late" if score.late else "not late"
    return f"{came}: {'right' if right else 'wrong'}{', with help' if score.intervened else ''}"
