"""What a track keeps of single events: holds, wishes, words in a dispute, ETAs."""

from typing import NamedTuple

from models.base import Millis
from models.events import EtaUpdated, Outcome, Promise
from streams.domain.arrivals import Arrived
from streams.domain.estimated import Estimated


class Hold(NamedTuple):
    """The parcel was kept from going on: by what event, and until when (None: it still is).

    Any event that touches the parcel ends a hold; a promise or another hold does not (L23).
    """

    by: Arrived
    until: Millis | None = None


class Wish(NamedTuple):
    """The consignee asked for another promise."""

    at: Millis
    promise: Promise
    by: Arrived


class Decision(NamedTuple):
    """A person's word in a dispute; the event names who and why."""

    verdict: Outcome
    by: Arrived


# An ETA: when it was said, the instant it names, whether the tower said it, and the range it
# came with: in an event, or in what couriers' positions said.
Said = tuple[Millis, Millis, bool, EtaUpdated | Estimated]
