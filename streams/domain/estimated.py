"""What couriers' positions say of an order's handover: ETAs of the tower's own.

They lie beside the order's events, not among them: they follow from what couriers say, and
when that came. So nothing that counts events, and no verdict, can depend on them.
"""

from typing import NamedTuple

from models.base import Millis

MOST = 64  # ETAs of one life that are remembered; the oldest go first


class Estimated(NamedTuple):
    """Said at `at`: the handover at `eta`, between `low` and `high` four times out of five."""

    at: Millis
    eta: Millis
    low: Millis
    high: Millis


def note(known: list[Estimated], said: Estimated) -> None:
    """Remember an ETA in the order of being said."""
    place = len(known)
    while place and known[place - 1] > said:
        place -= 1
    known.insert(place, said)
    del known[:-MOST]
