"""What life has in store for an order, as tables of shares that every larger day fills.

Shares are allotted, not drawn: a table's rare rows occur in every day of a few hundred orders.
"""

from collections.abc import Mapping
from random import Random

# Where an order leaves the ordinary way; the rest lives the ordinary life.
BEHIND = {
    "cancelled_early": 0.008,
    "cancelled_by_carrier": 0.002,
    "lost_early": 0.002,
    "damaged_early": 0.002,
    "held_customs": 0.004,
    "never_scanned": 0.002,
    "rescheduled": 0.012,
}
"""Fates decided before the courier leaves: the parcel stays behind that day."""

ON_THE_WAY = {
    "cancelled_on_way": 0.004,
    "dropped_by_carrier": 0.002,
    "lost_on_way": 0.002,
    "lost_and_found": 0.002,
    "damaged_on_way": 0.003,
    "held_on_way": 0.004,
    "unreached": 0.010,
    "silent_leg": 0.003,
    "silent": 0.004,
}
"""Fates on the vehicle: the courier never stands at that door on that day."""

AT_THE_DOOR = {
    "to_pickup_point": 0.008,
    "to_promised_locker": 0.004,
    "sent_back_later": 0.003,
    "scanned_too_soon": 0.004,
    "withdrawn_scan": 0.004,
    "unzoned_scan": 0.008,
    "local_as_z_scan": 0.003,
}
"""Fates of the handover itself, or of the scan that tells of it."""

ZONELESS = {"unzoned_scan": "assumed", "local_as_z_scan": "local_as_z"}
"""Fates told by an export without zones, and the quality of its times; east of Greenwich
only, where a wall time read as UTC lies after what led to it."""

PROMISE_NEWS = {
    "moved_by_carrier": 0.012,
    "moved_by_merchant": 0.004,
    "promised_twice": 0.006,
}
"""Fates of the promise; the parcel lives the ordinary life."""

FATES = BEHIND | ON_THE_WAY | AT_THE_DOOR | PROMISE_NEWS

PROMISES = {"date": 0.20, "date_early": 0.02, "instant": 0.08, "none": 0.02}
"""How the customer is promised; the rest gets a window of two hours."""

REASONS = {
    "not_home": 0.40,
    "business_closed": 0.09,
    "refused": 0.06,
    "wrong_address_given": 0.04,
    "access_restricted": 0.06,
    "verification_failed": 0.02,
    "unpaid_cod": 0.02,
    "consignee_cancelled": 0.02,
    "safe_place_unavailable": 0.02,
    "vehicle_issue": 0.03,
    "capacity": 0.02,
    "missorted": 0.03,
    "address_not_found_by_courier": 0.05,
    "no_reason_given": 0.03,
    "damaged": 0.02,
    "incorrect_data": 0.02,
    "wrong_parcel": 0.01,
    "security": 0.01,
    "weather": 0.02,
    "road_closed": 0.02,
    "Dog in the garden": 0.01,
}
"""Why a visit fails; the last one is a carrier's own words."""

SENT_BACK = frozenset({"refused", "consignee_cancelled", "damaged"})
"""Reasons after which the parcel goes back at once."""

RECIPIENTS = {"consignee": 0.80, "household": 0.14, "reception": 0.06}
AGREED = {"neighbour": 0.45, "safe_place": 0.45, "locker": 0.10}
SERVICE_SECONDS = {"house": 110, "flat": 170, "business": 150}


def allot(shares: Mapping[str, float], rest: str, n: int, rng: Random) -> list[str]:
    """Return `n` names in random order, each share rounded but at least one where n >= 400."""
    least = 1 if n >= 400 else 0  # noqa: PLR2004 - the docstring says it
    names = [
        name for name, share in shares.items() for _ in range(max(least, round(share * n)))
    ]
    names = names[:n] + [rest] * (n - len(names))
    rng.shuffle(names)
    return names


def draw(shares: Mapping[str, float], rng: Random) -> str:
    """Return one name, each with its share of the table's sum."""
    return rng.choices(list(shares), list(shares.values()))[0]
