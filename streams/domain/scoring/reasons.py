"""Why a prediction came out as it did: what moved the linear model most, and in words."""

from streams.domain.forecast.learner import Learner, Said
from streams.domain.scoring.said import Reason

MOST = 3  # reasons kept of a prediction
LEAST = 1.0  # seconds below which nothing is a reason


def reasons(learner: Learner, said: Said) -> tuple[Reason, ...]:
    """Return the numbers that moved the expected handover most, the greatest first."""
    moved = learner.moved(said)
    order: list[int] = abs(moved).argsort(kind="stable")[::-1][:MOST].tolist()
    told = [place for place in order if abs(moved[place]) >= LEAST]
    if not told:
        return ()
    called, vector = learner.features.names(), said.view.vector
    return tuple(
        (called[place], round(float(vector[place]), 3), round(float(moved[place]), 1))
        for place in told
    )
