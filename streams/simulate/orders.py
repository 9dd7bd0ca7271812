"""The orders of the simulated days: who awaits what where, by which carrier, promised how."""

import math
from random import Random

from streams.simulate.carriers import CARRIERS, Carrier
from streams.simulate.city import BERLIN, DETOUR, Place, shifted
from streams.simulate.fates import FATES, PROMISES, ZONELESS, allot, draw
from streams.simulate.fleet import Courier
from streams.simulate.parcel import Json, Parcel
from streams.simulate.scenarios import Scenario

STOP_TYPES = {"house": 0.35, "flat": 0.45, "business": 0.20}
SERVICES = {
    "window": "slot",
    "date": "standard",
    "date_early": "standard",
    "instant": "express",
}
USUAL_STOP_SECONDS = 400
SILENT_EARLY = (1, 4)
"""Orders of a long file that fall silent early enough for their rows to end."""


def order(
    count: int, couriers: list[Courier], scenario: Scenario, prefix: str, rng: Random
) -> list[Parcel]:
    """Return the parcels in the order of their days, several to one customer here and there."""
    fates = allot(FATES, "ordinary", count, rng)
    promises = allot(PROMISES, "window", count, rng)
    if scenario.days > 1:
        _fall_silent_early(fates, promises)
    names = {courier.carrier.name for courier in couriers}
    shares = {each.name: each.share for each in CARRIERS if each.name in names}
    by_name = {each.name: each for each in CARRIERS}
    berlin = {name: share for name, share in shares.items() if by_name[name].city is BERLIN}
    parcels: list[Parcel] = []
    for number in range(count):
        unclear = fates[number] in ZONELESS
        carrier = by_name[draw(berlin if unclear else shares, rng)]
        parcel = _parcel(f"{prefix}-{number + 1:06}", carrier, couriers, rng)
        parcel.fate = fates[number]
        parcel.promised_as = "window" if unclear else promises[number]
        parcel.day = number * scenario.days // count
        if parcels and rng.random() < 0.05:  # noqa: PLR2004 - a second parcel of one order
            _join(parcel, parcels[-1], rng)
        _scatter(parcel, count, couriers, scenario, rng)
        parcel.told |= _told(parcel, number, rng)
        parcels.append(parcel)
    return parcels


def _fall_silent_early(fates: list[str], promises: list[str]) -> None:
    for index in SILENT_EARLY:
        if index < len(fates):
            fates[index], promises[index] = "silent", "window"


def _parcel(order_id: str, carrier: Carrier, couriers: list[Courier], rng: Random) -> Parcel:
    courier = rng.choice([each for each in couriers if each.carrier is carrier])
    return Parcel(
        order_id=order_id,
        life=1,
        carrier=carrier,
        fate="ordinary",
        promised_as="window",
        day=0,
        district=courier.district,
        place=(0.0, 0.0),
        depot=courier.depot,
        stop_type=draw(STOP_TYPES, rng),
        customer_id=f"customer-{rng.randint(1, 10**6):06}" if rng.random() < 0.98 else None,  # noqa: PLR2004
        group_id=None,
        direction="return" if rng.random() < 0.03 else "forward",  # noqa: PLR2004
        told={},
    )


def _join(parcel: Parcel, first: Parcel, rng: Random) -> None:
    """Make the parcel another one of the same order: same customer, carrier and day."""
    first.group_id = first.group_id or f"group-{first.order_id}"
    first.told["group_id"] = first.group_id
    parcel.group_id, parcel.customer_id = first.group_id, first.customer_id
    parcel.carrier, parcel.district = first.carrier, first.district
    parcel.depot, parcel.stop_type = first.depot, first.stop_type
    parcel.direction, parcel.day, parcel.place = first.direction, first.day, first.place
    if rng.random() < 0.8:  # noqa: PLR2004 - most parcels of a group fare alike
        parcel.fate = "ordinary"


def _scatter(
    parcel: Parcel, count: int, couriers: list[Courier], scenario: Scenario, rng: Random
) -> None:
    """Put the parcel somewhere in its district, so that routes fill about a shift."""
    if parcel.place != (0.0, 0.0):
        return
    stops = max(2.0, count / scenario.days / len(couriers))
    travel = min(900.0, max(80.0, 0.6 * scenario.route_hours * 3_600 / stops))
    leg = travel * 6.5 / DETOUR
    sigma = min(3_000.0, max(300.0, leg / 0.75 * math.sqrt(stops) / 3.5))
    centre: Place = parcel.city.districts[parcel.district]
    parcel.place = shifted(centre, rng.gauss(0, sigma), rng.gauss(0, sigma))


def _told(parcel: Parcel, number: int, rng: Random) -> Json:
    """Return what the shop tells beside the promise; some shops tell less."""
    told: Json = {"carrier": parcel.carrier.name}
    parcel.zoned = parcel.carrier.zoned or "_scan" in parcel.fate
    if parcel.zoned:
        told["timezone"] = parcel.city.zone
    if number % 40 != 3:  # noqa: PLR2004 - one order in forty without a service
        told["service"] = SERVICES.get(parcel.promised_as, "standard")
    if number % 40 != 7:  # noqa: PLR2004 - and one without a region
        told["region"] = parcel.district
    if parcel.direction == "return":
        told["direction"] = "return"
    depot, place = parcel.depot, parcel.place
    told["origin"] = {"lat": depot[0], "lon": depot[1]}
    if rng.random() < 0.96:  # noqa: PLR2004
        told["destination"] = {"lat": place[0], "lon": place[1]}
    told["customer_id"], told["group_id"] = parcel.customer_id, parcel.group_id
    if rng.random() < 0.7:  # noqa: PLR2004
        currency = "EUR" if parcel.city.name == "berlin" else "USD"
        told["value"] = {"amount": round(rng.lognormvariate(3.6, 0.8), 2), "currency": currency}
    weight = round(rng.lognormvariate(0.5, 0.9), 1)
    told["attributes"] = {"weight_kg": weight, "stop_type": parcel.stop_type}
    return told
