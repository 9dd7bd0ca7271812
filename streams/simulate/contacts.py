"""The customers of the simulated days and how to reach them, as contact updates."""

from random import Random

from streams.simulate.parcel import Json, Parcel
from streams.simulate.scenarios import Scenario

ELSEWHERE = ("Europe/London", "Asia/Kolkata", "Pacific/Auckland", "America/Los_Angeles")
"""Where a few customers live who have something delivered to another city."""
LOCALES = {"berlin": ("de-DE", "de-DE", "en-GB", "tr-TR"), "new_york": ("en-US", "es-US")}


def contacts(parcels: list[Parcel], scenario: Scenario, rng: Random) -> list[Json]:
    """Return one contact a customer, in the order of the ids; a few customers have none."""
    by_id = {each.customer_id: each for each in parcels if each.customer_id is not None}
    found = []
    for customer_id, parcel in sorted(by_id.items()):
        if rng.random() >= scenario.contacts:
            continue
        far = rng.random() < 0.03  # noqa: PLR2004
        found.append(
            {
                "customer_id": customer_id,
                "locale": rng.choice(LOCALES[parcel.city.name]),
                "timezone": rng.choice(ELSEWHERE) if far else parcel.city.zone,
                "channels": [{"kind": "email", "address": f"{customer_id}@example.com"}],
            }
        )
    return found
