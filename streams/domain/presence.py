"""Was the courier there: what positions and shifts say about a failed visit (kpis 2.12 T5)."""

from typing import NamedTuple

from models.base import Millis
from streams.domain.zones import DAY_MS

# What is received within two days of the end of a local day says something about it; what
# comes later does not, whoever asks. So positions need not be kept for ever.
EVIDENCE_MS: Millis = 2 * DAY_MS


class Question(NamedTuple):
    """What an order asks about a courier.

    Was the courier, from `since` to before `until` (the local day of the attempt), near
    `lat`, `lon` (None: nobody knows where the door is), and on shift at `at`, by what was
    received up to `known_by`? Instants are epoch milliseconds, degrees WGS-84. The same
    question always has the same subject, so the last answer to it replaces earlier ones.
    """

    courier_id: str
    since: Millis
    until: Millis
    at: Millis
    lat: float | None
    lon: float | None
    known_by: Millis


class Presence(NamedTuple):
    """The answer.

    `near`: two fixes in a row of that day lay within max(75 m, accuracy) of the door; None if
    no fix of that day is known, or no door. `on_shift`: the instant lies in a shift; None if
    no shift is known.
    """

    near: bool | None
    on_shift: bool | None
