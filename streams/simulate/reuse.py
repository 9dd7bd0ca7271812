"""Carriers' numbers come back: after more than 90 days an id begins a new life."""

from streams.simulate.parcel import DAY, HOUR, Parcel
from streams.simulate.world import World

FORGOTTEN = 90 * DAY + HOUR
SHARE = 0.2
"""Share of the orders of the last weeks that take the id of a forgotten one."""


def reuse_id(world: World, parcel: Parcel) -> None:
    """Give a parcel that is about to be announced the id of one long ended, now and then."""
    if world.scenario.days * DAY <= FORGOTTEN or world.rng.random() >= SHARE:
        return
    for old in world.parcels:
        free = old.group_id is None and old.life == 1 and not old.reused
        ended = free and old.handover is not None
        if ended and old.last_life + FORGOTTEN < parcel.promised_at:
            parcel.order_id, parcel.life = old.order_id, 2
            old.reused = True
            return
