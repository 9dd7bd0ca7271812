"""The ground truth of a simulated order: what became of it, by the rules and without evidence.

Judged on the handover clock in the raw view, as if everything had been told at once; disputes
decided by people do not change the truth.
"""

from streams.simulate.city import written
from streams.simulate.parcel import HOUR, MINUTE, Attempt, Json, Parcel, Promise
from streams.simulate.promises import deadline, ends

EARLY = 15 * MINUTE
SAME_VISIT = 2 * HOUR


def truth(parcel: Parcel) -> Json:
    """Return the line of the truth file; a second life of an id says so in `life`."""
    verdict = outcome(parcel)
    made = parcel.effective
    line: Json = {
        "order_id": parcel.order_id,
        "carrier": parcel.carrier.name,
        "promised_end": None if made is None else written(ends(parcel, made)),
        "handover": None if parcel.handover is None else written(parcel.handover),
        "late": verdict == "late",
        "outcome": verdict,
        "first_attempt": first_attempt(parcel.attempts),
    }
    if parcel.life > 1:
        line["life"] = parcel.life
    return line


def outcome(parcel: Parcel) -> str:
    """Return on_time, early, late, failed or excluded, for a day long after the deadline."""
    made, handed = parcel.effective, parcel.handover
    if made is None:
        return "excluded"
    last = deadline(parcel, made)
    if parcel.cancelled_at is not None and parcel.cancelled_at <= last:
        return "excluded"
    if handed is None:
        return "late" if parcel.failed_at is None else "failed"
    if handed > last:
        return "late"
    return "early" if _too_early(made, handed) else "on_time"


def _too_early(made: Promise, handed: int) -> bool:
    """A day is never too early; a window or an instant by more than a quarter of an hour."""
    if made.precision == "date":
        return False
    start = made.end if made.precision == "instant" else made.start
    return start is not None and handed < start - EARLY


def first_attempt(attempts: list[Attempt]) -> str | None:
    """Return what became of the first visit; a handover within two hours belongs to it."""
    if not attempts:
        return None
    ordered = sorted(attempts, key=lambda each: each.at)
    first = ordered[0]
    same = [e for e in ordered if e.leg == first.leg and e.at - first.at < SAME_VISIT]
    return "succeeded" if any(each.succeeded for each in same) else "failed"
