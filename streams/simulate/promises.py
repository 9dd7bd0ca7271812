"""Promises in the simulated world: made from the plan, and sometimes changed by somebody."""

from random import Random

from streams.simulate.book import Book
from streams.simulate.city import local_day, written
from streams.simulate.parcel import DAY, HOUR, MINUTE, Json, Parcel, Promise

HALF_HOUR = 30 * MINUTE


def promise(parcel: Parcel, opens: int, rng: Random) -> None:
    """Make the promise the shop shows, from the instant at which the plan brings the parcel."""
    low, high = parcel.carrier.buffer
    evening = rng.random() < 0.7  # noqa: PLR2004
    before = rng.uniform(9.5, 13.5) if evening else rng.uniform(0.4, 1.4)
    parcel.promised_at = opens - int(before * HOUR)
    planned = parcel.planned_at
    match parcel.promised_as:
        case "none":
            return
        case "date" | "date_early":
            days = 1 if parcel.promised_as == "date_early" else 0
            made = Promise(_evening(parcel, opens) + days * DAY, None, "date")
        case "instant":
            made = Promise(planned + int(rng.uniform(0, 0.35 * high) * MINUTE), None, "instant")
        case _:
            end = -(-(planned + rng.uniform(low, high) * MINUTE) // HALF_HOUR) * HALF_HOUR
            shift = 2 * HOUR if rng.random() < 0.02 else 0  # noqa: PLR2004 - a plan that ignores it
            made = Promise(int(end) + shift, int(end) + shift - 2 * HOUR, "window")
    parcel.original = parcel.effective = made


def announce(parcel: Parcel, book: Book, rng: Random) -> None:
    """Note the order with its promise; a few shops tell it twice, with a later promise."""
    told = parcel.told | shown(parcel, parcel.original)
    book.note(parcel, "order_promised", parcel.promised_at, "shop.orders", **told)
    made = parcel.original
    if parcel.fate == "promised_twice" and made is not None:
        later = Promise(made.end + HOUR, made.start and made.start + HOUR, made.precision)
        again = parcel.told | shown(parcel, later)
        at = parcel.promised_at + rng.randint(2, 15) * MINUTE
        book.note(parcel, "order_promised", at, "shop.orders", **again)


def shown(parcel: Parcel, made: Promise | None) -> Json:
    """Return the field `promise` of an event, with local offsets."""
    if made is None:
        return {}
    zone = parcel.city.tz
    field: Json = {"end": written(made.end, zone), "precision": made.precision}
    if made.start is not None:
        field["start"] = written(made.start, zone)
        del field["precision"]
    return {"promise": field}


def change(parcel: Parcel, at: int, made: Promise, by: str, book: Book) -> None:
    """Note a changed promise; only a consignee's, in time, changes what is judged."""
    book.note(
        parcel, "promise_changed", at, "shop.orders" if by != "carrier" else "",
        **shown(parcel, made), by=by,
    )  # fmt: skip
    original = parcel.original
    if original is None or by != "consignee" or at >= original.end:
        return
    if not parcel.attempts or at < parcel.attempts[0].at:
        parcel.effective = made


def next_day(parcel: Parcel, at: int, rng: Random) -> Promise:
    """Return the promise a consignee chooses for tomorrow: the day, or a long window."""
    evening = _evening(parcel, at) + DAY
    if rng.random() < 0.6:  # noqa: PLR2004
        return Promise(evening, None, "date")
    return Promise(evening, evening - 11 * HOUR, "window")


def ends(parcel: Parcel, made: Promise) -> int:
    """Return the end that was promised; a promised day ends at its local 24:00."""
    if made.precision != "date":
        return made.end
    zone, end = parcel.city.tz, made.end
    while local_day(end, zone) == local_day(made.end, zone):
        end += MINUTE
    return end


def deadline(parcel: Parcel, made: Promise) -> int:
    """Return the last instant that is not late: a quarter of an hour's grace for an instant."""
    if made.precision == "instant":
        return made.end + 15 * MINUTE
    return ends(parcel, made) - (made.precision == "date")


def _evening(parcel: Parcel, at: int) -> int:
    """Return 20:00 of the local day of `at` to the hour, give or take a change of clocks."""
    zone = parcel.city.tz
    hour = at - at % HOUR
    while local_day(hour + 4 * HOUR, zone) == local_day(at, zone):
        hour += HOUR
    return hour
