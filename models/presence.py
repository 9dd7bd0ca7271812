"""What orders ask about couriers, and the answers: messages between the tower's own logs."""

from models.base import Identifier, Latitude, Longitude, Millis, Model, OrderId


class PresenceAsked(Model):
    """Was the courier at a door on a local day, and on shift at an instant?

    Epoch milliseconds: the day is from `since` to before `until`, `at` the failed attempt;
    only what was received up to `known_by` counts. No `lat` and `lon`: nobody knows where the
    door is.
    """

    order_id: OrderId
    courier_id: Identifier
    since: Millis
    until: Millis
    at: Millis
    lat: Latitude | None = None
    lon: Longitude | None = None
    known_by: Millis


class PresenceConcluded(PresenceAsked):
    """The answer: what is known of the courier so far; the last one counts.

    `near`: two positions in a row lay at the door; None: no position of that day is known.
    `on_shift`: the instant lay in a shift; None: no shift is known. `forgotten`: positions of
    that day are gone, so an earlier answer knew more.
    """

    near: bool | None = None
    on_shift: bool | None = None
    forgotten: bool = False
