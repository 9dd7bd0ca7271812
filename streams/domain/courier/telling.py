"""Which of what is expected of a stop is news: one table, by how near the arrival is."""

import msgspec

from models.base import Millis
from models.estimates import CourierStage
from streams.domain.zones import MINUTE_MS

# Time to the handover up to so long: an ETA is told anew when it moved by so much.
MOVED: tuple[tuple[Millis, Millis], ...] = (
    (15 * MINUTE_MS, 2 * MINUTE_MS),
    (45 * MINUTE_MS, 4 * MINUTE_MS),
    (90 * MINUTE_MS, 7 * MINUTE_MS),
    (180 * MINUTE_MS, 12 * MINUTE_MS),
)
MOVED_FAR = 20 * MINUTE_MS
NARROWER = 0.5  # or when its range is so many times as wide, or less, and it is near
NARROWS_WITHIN = 120 * MINUTE_MS
NEAR_MS = 10 * MINUTE_MS
LEAST_MOVE = min(least for _, least in MOVED)


class Told(msgspec.Struct, array_like=True, frozen=True):
    """What an order was told: handover expected, its range, how far the courier was."""

    eta: Millis
    low: Millis
    high: Millis
    stage: CourierStage = "on_the_way"


def is_news(known: Told | None, now: Told, at: Millis) -> bool:
    """Tell whether what is expected now is worth saying."""
    if known is None or known.stage != now.stage:
        return True
    ahead = now.eta - at
    limit = next((least for until, least in MOVED if ahead <= until), MOVED_FAR)
    if abs(now.eta - known.eta) >= limit:
        return True
    return ahead <= NARROWS_WITHIN and now.high - now.low <= NARROWER * (known.high - known.low)


def stage_of(eta: Millis, known: Told | None, at: Millis) -> CourierStage:
    """Return how far the courier is from an order not reached yet: once near, always near."""
    if known is not None and known.stage == "near":
        return "near"
    return "near" if eta - at <= NEAR_MS else "on_the_way"
