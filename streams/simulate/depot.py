"""What happens at the depot: the way there, what stays behind, departures, leftovers."""

from streams.simulate.fates import BEHIND, ON_THE_WAY
from streams.simulate.fleet import Courier
from streams.simulate.parcel import HOUR, MINUTE, Parcel, Promise
from streams.simulate.promises import announce, change, next_day, promise
from streams.simulate.reuse import reuse_id
from streams.simulate.world import World


def load(world: World, parcel: Parcel, opens: int) -> bool:
    """Tell the parcel's story up to the departure; return whether it is on the vehicle."""
    rng, book = world.rng, world.book
    if not parcel.promised_at:
        promise(parcel, opens, rng)
        reuse_id(world, parcel)
        announce(parcel, book, rng)
        morning = parcel.promised_at > opens - 2 * HOUR
        picked = parcel.promised_at + rng.randint(5, 15 if morning else 60) * MINUTE
        if parcel.fate not in BEHIND or parcel.fate in {"held_customs", "rescheduled"}:
            book.note(parcel, "picked_up", picked, location=f"{parcel.city.name} hub")
            if not morning:
                _line_haul(world, parcel, picked, opens)
    if parcel.fate in BEHIND:
        _stay_behind(world, parcel, opens)
        return False
    if parcel.fate == "released_next_day":
        at = opens - rng.randint(20, 60) * MINUTE
        if rng.random() < 0.8:  # noqa: PLR2004 - else the next life event ends the hold
            book.note(parcel, "released", at, reason="cleared")
        parcel.fate = "ordinary"
    return True


def _line_haul(world: World, parcel: Parcel, picked: int, opens: int) -> None:
    rng = world.rng
    moving = picked + rng.randint(20, 90) * MINUTE
    at_depot = opens - rng.randint(60, 180) * MINUTE
    if rng.random() < 0.6:  # noqa: PLR2004
        world.book.note(parcel, "in_transit", moving, location="line haul", raw_code="LH1")
    world.book.note(parcel, "arrived_depot", max(moving + MINUTE, at_depot), location="depot")


def _stay_behind(world: World, parcel: Parcel, opens: int) -> None:
    """Tell why the parcel is not on the vehicle today."""
    note = world.book.note
    soon = opens - world.rng.randint(0, 80) * MINUTE
    soon = max(parcel.promised_at + 10 * MINUTE, soon)
    match parcel.fate:
        case "cancelled_early":
            by = world.rng.choice(("consignee", "merchant"))
            note(parcel, "cancelled", soon, "shop.orders", by=by, reason="changed my mind")
            parcel.cancelled_at, parcel.closed = soon, True
        case "cancelled_by_carrier":
            note(parcel, "cancelled", soon, by="carrier", reason="capacity")
            parcel.fail(soon)
        case "lost_early":
            note(parcel, "lost", opens + 3 * HOUR, reason="lost")
            parcel.fail(opens + 3 * HOUR)
        case "damaged_early":
            note(parcel, "damaged", opens, reason="packaging")
            parcel.fail(opens)
        case "held_customs":
            note(parcel, "held", soon, reason="customs_delay", by="customs")
            parcel.fate, parcel.day = "released_next_day", parcel.day + 1
        case "rescheduled":
            if parcel.original is not None:
                made = next_day(parcel, opens, world.rng)
                change(parcel, soon, made, "consignee", world.book)
            parcel.fate, parcel.day = "ordinary", parcel.day + 1
        case _:
            parcel.closed = True  # announced and never seen


def depart(
    world: World, courier: Courier, parcel: Parcel, departs: int, place: tuple[int, int]
) -> None:
    """Note that the parcel is on the vehicle as stop `place[0]` of `place[1]`."""
    book, rng = world.book, world.rng
    if parcel.left_at is not None and departs - parcel.left_at > 24 * HOUR:
        parcel.attempt(departs, succeeded=False)
        parcel.left_at = None
    parcel.leg, parcel.first_out = parcel.leg + 1, departs
    parcel.eta, parcel.off_at = None, None
    parcel.eta_error = rng.gauss(0, parcel.carrier.eta_noise)
    stop, stops = place
    book.scan(
        parcel, courier, "out_for_delivery", departs, courier_id=courier.courier_id, stop=stop,
        stops=stops,
    )  # fmt: skip
    ahead = parcel.planned_at - departs
    _promise_news(world, parcel, departs)
    if parcel.fate in {"cancelled_on_way", "dropped_by_carrier"}:
        parcel.off_at = at = departs + int(0.3 * ahead)
        by = "merchant" if parcel.fate == "cancelled_on_way" else "carrier"
        book.note(parcel, "cancelled", at, by=by, reason="called off")
        if by == "carrier":
            parcel.fail(at)
        else:
            parcel.cancelled_at, parcel.closed = at, True
    elif parcel.fate in {"damaged_on_way", "held_on_way"}:
        parcel.off_at = departs + int(0.5 * ahead)


def _promise_news(world: World, parcel: Parcel, departs: int) -> None:
    """A carrier or a shop moves the promise; the customer did not ask for it."""
    made = parcel.original
    if made is None or not parcel.fate.startswith("moved_by_"):
        return
    by = parcel.fate.removeprefix("moved_by_")
    start = made.start and made.start + HOUR
    at = departs + world.rng.randint(5, 20) * MINUTE
    change(parcel, at, Promise(made.end + HOUR, start, made.precision), by, world.book)


def return_leftovers(world: World, parcels: list[Parcel], at: int) -> None:
    """In the evening: tell what became of the parcels whose door was not reached."""
    for parcel in parcels:
        if parcel.fate in ON_THE_WAY:
            _leftover(world, parcel, at)


def _leftover(world: World, parcel: Parcel, at: int) -> None:
    book = world.book
    fate, parcel.fate, parcel.day = parcel.fate, "ordinary", parcel.day + 1
    match fate:
        case "lost_on_way" | "lost_and_found":
            book.note(parcel, "lost", at + HOUR, reason="lost")
            parcel.attempt(at + HOUR, succeeded=False)
            if fate == "lost_on_way":
                parcel.fail(at + HOUR)
        case "damaged_on_way":
            broken = parcel.off_at or at
            book.note(parcel, "damaged", broken, reason="damaged")
            parcel.attempt(broken, succeeded=False)
            parcel.fail(broken)
        case "held_on_way":
            held = parcel.off_at or at
            book.note(parcel, "held", held, reason="address_not_found_by_courier")
            parcel.attempt(held, succeeded=False)
            parcel.fate = "released_next_day"
        case "unreached" if world.rng.random() < 0.2:  # noqa: PLR2004 - called a failed visit
            book.note(parcel, "attempt_failed", at, reason="not_enough_time", raw_code="NT")
            parcel.attempt(at, succeeded=False)
        case "unreached":
            book.note(parcel, "arrived_depot", at, location="depot", raw_code="BACK")
        case "silent_leg":
            parcel.left_at = parcel.first_out
        case _:
            parcel.closed = True  # nothing more is ever said of it
