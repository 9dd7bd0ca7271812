"""What happens at the door: handed over to whom, or not and why, and what then.

The scans tell it as couriers do; the parcel keeps the truth.
"""

from dataclasses import replace

from streams.simulate.city import BERLIN
from streams.simulate.fates import AGREED, REASONS, RECIPIENTS, SENT_BACK, ZONELESS, draw
from streams.simulate.fleet import Courier
from streams.simulate.parcel import DAY, HOUR, MINUTE, Json, Parcel
from streams.simulate.promises import change, next_day
from streams.simulate.world import World

MAX_VISITS = 3


def visit(world: World, courier: Courier, parcel: Parcel, when: tuple[int, int]) -> bool:
    """Live one visit that begins at `when[0]` and takes `when[1]` seconds.

    Returns whether the courier comes again on this route.
    """
    rng, (arrives, seconds) = world.rng, when
    at = arrives + seconds
    fate, parcel.fate = parcel.fate, "ordinary"
    parcel.visits += 1
    if fate == "withdrawn_scan":
        return _withdrawn(world, parcel, arrives)
    if rng.random() < courier.carrier.arrivals:
        world.book.scan(
            parcel, courier, "courier_arrived", arrives, courier_id=courier.courier_id
        )
    if fate == "to_pickup_point":
        _to_pickup_point(world, parcel, at + rng.randint(60, 180) * MINUTE)
        return False
    fails = courier.carrier.fails * (0.6 if parcel.visits > 1 else 1.0)
    if not fate.endswith(("_scan", "_soon", "_later", "_locker")) and rng.random() < fails:
        return _fail(world, courier, parcel, at)
    _deliver(world, courier, parcel, at, fate)
    if fate == "scanned_too_soon":
        _not_yet(world, courier, parcel, at)
    elif fate == "sent_back_later":
        _send_back(world, parcel, at + DAY, "refused")
    return False


def _deliver(world: World, courier: Courier, parcel: Parcel, at: int, fate: str) -> None:
    """Hand the parcel over and scan it."""
    told, agreed = _recipient(world, courier, fate)
    parcel.attempt(at, succeeded=agreed)
    parcel.handover, parcel.closed = at, True
    quality = ZONELESS.get(fate)
    if quality is not None and parcel.city is BERLIN:
        world.book.export(parcel, "delivered", at, quality, **told)
        return
    if world.rng.random() < 0.3:  # noqa: PLR2004
        told["position"] = _fix(world, parcel, 12.0)
    world.book.scan(parcel, courier, "delivered", at, **told, courier_id=courier.courier_id)


def _recipient(world: World, courier: Courier, fate: str) -> tuple[Json, bool]:
    """Return who takes the parcel, as told, and whether that is a success by kpis T4."""
    rng = world.rng
    chance = rng.random()
    if fate == "to_promised_locker":
        return {"to": "locker", "consented": True}, True
    if chance < courier.carrier.strays:
        stray: Json = {"to": draw(AGREED, rng)}
        if rng.random() < 0.5:  # noqa: PLR2004 - some say so, some say nothing
            stray["consented"] = False
        return stray, False
    if chance < courier.carrier.strays + 0.06:
        return {"to": draw(AGREED, rng), "consented": True}, True
    if chance > 0.95:  # noqa: PLR2004 - some scans do not say
        return {}, True
    return {"to": draw(RECIPIENTS, rng)}, True


def _fail(world: World, courier: Courier, parcel: Parcel, at: int) -> bool:
    """Scan a failed visit and choose what then; return whether it is tried again today."""
    rng, book = world.rng, world.book
    reason = draw(REASONS, rng)
    told: Json = {"reason": reason, "courier_id": courier.courier_id}
    if rng.random() < 0.6:  # noqa: PLR2004
        told["position"] = _fix(world, parcel, 600.0 if rng.random() < 0.1 else 12.0)  # noqa: PLR2004
    book.scan(parcel, courier, "attempt_failed", at, **told)
    parcel.attempt(at, succeeded=False)
    if rng.random() < 0.04:  # noqa: PLR2004 - scanned twice for one visit
        book.scan(parcel, courier, "attempt_failed", at + 90, **told)
        parcel.attempt(at + 90, succeeded=False)
    if reason in SENT_BACK or parcel.visits >= MAX_VISITS:
        _send_back(world, parcel, at, reason)
        return False
    chance = rng.random()
    if chance < 0.25:  # noqa: PLR2004
        return True
    if chance < 0.35:  # noqa: PLR2004
        _to_pickup_point(world, parcel, at + rng.randint(60, 180) * MINUTE)
        return False
    if chance < 0.45 and parcel.original is not None:  # noqa: PLR2004
        asked = at + rng.randint(5, 40) * MINUTE
        change(parcel, asked, next_day(parcel, at, rng), "consignee", book)
    parcel.day += 1
    return False


def _send_back(world: World, parcel: Parcel, at: int, reason: str) -> None:
    """Send the parcel back to the sender; what was handed over is handed over no longer."""
    back = at + world.rng.randint(3, 6) * HOUR
    world.book.note(parcel, "returning", back, reason=reason)
    world.book.note(parcel, "returned", back + world.rng.randint(14, 20) * HOUR, reason=reason)
    _void(parcel)
    parcel.fail(back)


def _not_yet(world: World, courier: Courier, parcel: Parcel, at: int) -> None:
    """The scan came too soon: the visit failed after all, and the parcel comes tomorrow."""
    if world.rng.random() < 0.5:  # noqa: PLR2004
        later = at + world.rng.randint(130, 180) * MINUTE
        told = {"reason": "not_home", "courier_id": courier.courier_id}
        world.book.note(parcel, "attempt_failed", later, f"{parcel.carrier.name}.app", **told)
        parcel.attempt(later, succeeded=False)
    _void(parcel)
    parcel.closed, parcel.day = False, parcel.day + 1


def _void(parcel: Parcel) -> None:
    """Take the handover back: the visit counts as a failed one (kpis L5)."""
    if parcel.handover is not None:
        parcel.handover = None
        parcel.attempts = [replace(each, succeeded=False) for each in parcel.attempts]


def _withdrawn(world: World, parcel: Parcel, at: int) -> bool:
    """A handover is scanned at the wrong door and taken back; the right one comes later."""
    book, source = world.book, f"{parcel.carrier.name}.app"
    wrong = book.note(parcel, "delivered", at, source, to="consignee")
    taken_back = at + world.rng.randint(5, 15) * MINUTE
    book.note(parcel, "event_withdrawn", taken_back, source, withdraws=wrong["event_id"])
    return True


def _to_pickup_point(world: World, parcel: Parcel, at: int) -> None:
    """Leave the parcel at a pick-up point; most are collected, in a long file some are not."""
    rng, book = world.rng, world.book
    book.note(parcel, "available_for_pickup", at, reason="pickup_point")
    parcel.attempt(at, succeeded=False)
    if world.scenario.days > 1 and rng.random() < 0.3:  # noqa: PLR2004
        book.note(parcel, "returning", at + 7 * DAY, reason="pickup_unclaimed")
        book.note(parcel, "returned", at + 8 * DAY, reason="pickup_unclaimed")
        parcel.fail(at + 7 * DAY)
        return
    collected = at + rng.randint(3, 30) * HOUR
    book.note(parcel, "delivered", collected, to="pickup_point", consented=True)
    parcel.attempt(collected, succeeded=True)
    parcel.handover, parcel.closed = collected, True


def _fix(world: World, parcel: Parcel, spread: float) -> Json:
    """Return where the scanner says it was, metres of spread around the door."""
    rng = world.rng
    lat = parcel.place[0] + rng.gauss(0, spread) / 111_195
    lon = parcel.place[1] + rng.gauss(0, spread) / 70_000
    accuracy = round(rng.uniform(4, 15), 1)
    return {"lat": round(lat, 6), "lon": round(lon, 6), "accuracy_m": accuracy}
