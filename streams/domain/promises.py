"""What was promised, as instants: a window, an instant or a local day (kpis 2.1, P1 to P4)."""

from dataclasses import dataclass
from datetime import tzinfo

from models.base import Millis, millis
from models.events import Promise
from streams.domain.judgement import Tolerance
from streams.domain.zones import day_bounds, local_day, written_offset, zone


@dataclass(frozen=True, slots=True)
class Resolved:
    """A promise as instants, epoch milliseconds.

    `end` is the end of the window, the instant, or the end of the promised day;
    `last_good` the last millisecond at which a handover is not late; `first_good` the first at
    which it is not early (None: it cannot be early); `middle` what the promise says as an ETA.
    """

    precision: str
    start: Millis | None
    end: Millis
    deadline: Millis
    last_good: Millis
    first_good: Millis | None
    middle: Millis

    @property
    def late_from(self) -> Millis:
        """Return the first millisecond at which the order is late."""
        return self.last_good + 1


def resolve(promise: Promise, timezone: str | None, tolerance: Tolerance) -> Resolved:
    """Resolve a promise; windows and instants are instants, only days depend on a zone."""
    precision = promise.precision
    end = millis(promise.end)
    grace = tolerance.grace[precision]
    if precision == "date":
        day = local_day(promise.end, where := place(promise, timezone, tolerance))
        opens, closes, midnight = day_bounds(day, where, tolerance.day_end)
        return Resolved(
            precision, opens, closes, closes + grace, closes + grace - 1, None,
            (opens + midnight) // 2,
        )  # fmt: skip
    start = None if promise.start is None else millis(promise.start)
    if precision == "instant":
        return Resolved(
            precision, None, end, end + grace, end + grace, end - tolerance.early, end
        )
    first_good = None if start is None else start - tolerance.early
    middle = end if start is None else (start + end) // 2
    return Resolved(precision, start, end, end + grace, end + grace, first_good, middle)


def place(promise: Promise, timezone: str | None, tolerance: Tolerance) -> tzinfo:
    """Return the zone of a promised day: the order's, the carrier's, else as written (P3)."""
    name = timezone or tolerance.timezone
    return zone(name) if name is not None else written_offset(promise.end)
