"""Why a delivery failed or stopped: canonical codes and the party each charges (kpis 1.5)."""

from typing import Literal

Party = Literal["consignee", "carrier", "shipper", "authority", "force_majeure"]

CODES: dict[Party, tuple[str, ...]] = {
    "consignee": (
        "not_home", "business_closed", "refused", "wrong_address_given", "access_restricted",
        "verification_failed", "unpaid_cod", "consignee_cancelled", "consignee_rescheduled",
        "safe_place_unavailable", "pickup_unclaimed",
    ),
    "carrier": (
        "not_enough_time", "vehicle_issue", "capacity", "missorted",
        "address_not_found_by_courier", "damaged", "lost", "no_reason_given",
        "suspect_attempt", "unknown", "diverted",
    ),
    "shipper": (
        "not_ready", "incorrect_data", "wrong_parcel", "packaging", "shipper_cancelled",
        "late_handover",
    ),
    "authority": (
        "customs_delay", "documents", "duties_unpaid", "prohibited", "inspection", "security",
        "regulatory_hold",
    ),
    "force_majeure": ("weather", "natural_disaster", "strike", "road_closed"),
}  # fmt: skip

PARTY: dict[str, Party] = {code: party for party, codes in CODES.items() for code in codes}


def canonical(reason: str | None) -> str:
    """Return the canonical code of a reason; whatever is not one is `unknown`."""
    return reason if reason in PARTY and reason != "diverted" else "unknown"
