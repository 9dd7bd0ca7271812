"""Whole orders of several parcels: on time and in full, all of them or not (kpis 2.12 L19)."""

from collections.abc import Iterator, Sequence

from models.base import Millis
from streams.domain.cells import Measures
from streams.domain.parcels import Parcel

SEVERAL = 2  # parcels that make a group


def count(parcels: Sequence[Parcel], clock: Millis) -> Measures:
    """Return what the parcels of one group count as of a clock.

    A group is due once every one of its parcels has its verdict, and not at all if all of them
    are excluded; those that are excluded are left out, all others have to be on time and
    undamaged by their frozen verdicts.
    """
    members = [each for each in parcels if each.here]
    if len(members) < SEVERAL or not all(each.judged(clock) for each in members):
        return {}
    judged = [each for each in members if each.outcome != "excluded"]
    if not judged:
        return {}
    full = all(each.outcome == "on_time" and not each.damaged for each in judged)
    return {"due": 1, "otif": 1} if full else {"due": 1}


def instants(parcel: Parcel) -> Iterator[Millis]:
    """Yield when the count of a group may change though nothing is received."""
    if parcel.due is not None:
        yield parcel.due
