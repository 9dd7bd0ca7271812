"""When a delay is told: enter late, leave early, hold, cool down, at most so often.

Stopwatches in the ledger say since when the outlook is bad or good; numbers: `NoticePolicy`.
"""

from models.base import Millis
from models.notices import NoticeKind
from streams.domain.ledger import Ledger
from streams.domain.order import NEVER, Order
from streams.domain.prediction import Outlook, silent_at
from streams.domain.promises import Resolved


def watch(ledger: Ledger, order: Order, outlook: Outlook, now: Millis) -> None:
    """Move the thresholds' stopwatches: late from `enter` on, good below `leave`."""
    times = order.judgement.notice_times
    lateness = outlook.lateness
    if outlook.silent or (lateness is not None and lateness >= times.enter):
        ledger.late_since = now if ledger.late_since is None else ledger.late_since
        ledger.good_since = None
    elif lateness is not None and lateness < times.leave:
        ledger.late_since = None
        ledger.good_since = now if ledger.good_since is None else ledger.good_since
    else:
        ledger.good_since = None
        if lateness is None:
            ledger.late_since = None  # nothing is expected any more, neither good nor bad


def due(
    ledger: Ledger, order: Order, promise: Resolved, outlook: Outlook, now: Millis
) -> NoticeKind | None:
    """Return what is to be said of the delay now, None for nothing."""
    kind = _due(ledger, order, promise, outlook, now)
    return kind if kind in order.judgement.told else None


def _due(
    ledger: Ledger, order: Order, promise: Resolved, outlook: Outlook, now: Millis
) -> NoticeKind | None:
    if _enough(ledger, order) or now < _cool_at(ledger, order):
        return None
    if not ledger.told:
        held = now >= _hold_ends(ledger, order, silent=outlook.silent)
        return "delay_predicted" if held and now < promise.late_from else None
    if _worse(ledger, order, outlook):
        return "delay_worse"
    cleared = ledger.delivered and now >= _clear_at(ledger, order) and now < promise.late_from
    return "delay_cleared" if cleared else None


def note(ledger: Ledger, kind: NoticeKind, outlook: Outlook, now: Millis) -> None:
    """Remember what is being asked for."""
    ledger.last_at = now
    ledger.first_at = now if ledger.first_at is None else ledger.first_at
    ledger.told = kind != "delay_cleared"
    ledger.told_eta = outlook.eta
    ledger.good_since = None
    if kind == "delay_cleared":
        ledger.delivered = False


def overtaken(ledger: Ledger, order: Order, outlook: Outlook | None) -> None:
    """Take news with a time in it for the all-clear, if the time is a good one again."""
    lateness = None if outlook is None else outlook.lateness
    if lateness is not None and lateness < order.judgement.notice_times.leave:
        ledger.told = ledger.delivered = False
        ledger.good_since = None


def next_due(ledger: Ledger, order: Order, now: Millis) -> Millis:
    """Return when time alone may make something due, else NEVER."""
    promise = order.promise
    if promise is None or not order.track.open or _enough(ledger, order):
        return NEVER
    times, track, next_at = order.judgement.notice_times, order.track, NEVER
    if track.etas and now < track.etas[-1][0]:
        next_at = track.etas[-1][0]  # in force from then on
    late_from = promise.late_from  # what was not said before is not said any more
    if not ledger.told and now < (at := _hold_ends(ledger, order, silent=False)) < late_from:
        next_at = min(at, next_at)
    if ledger.delivered and now < (at := _clear_at(ledger, order)) < late_from:
        next_at = min(at, next_at)
    if ledger.last_at is not None and now < (at := ledger.last_at + times.cooldown):
        next_at = min(at, next_at)
    if not ledger.told and track.moved_at is None and now < (at := silent_at(order, promise)):
        return min(at, next_at)
    return next_at


def _enough(ledger: Ledger, order: Order) -> bool:
    times = order.judgement.notice_times
    return ledger.version >= times.in_all or (
        ledger.version >= times.at_most and ledger.delays >= times.at_most
    )


def _worse(ledger: Ledger, order: Order, outlook: Outlook) -> bool:
    if ledger.late_since is None or outlook.eta is None:
        return False
    worse = order.judgement.notice_times.worse
    return ledger.told_eta is None or outlook.eta >= ledger.told_eta + worse


def _hold_ends(ledger: Ledger, order: Order, *, silent: bool) -> Millis:
    if ledger.late_since is None:
        return NEVER
    hold = 0 if silent else order.judgement.notice_times.hold
    return ledger.late_since + hold


def _cool_at(ledger: Ledger, order: Order) -> Millis:
    if ledger.last_at is None:
        return -NEVER
    return ledger.last_at + order.judgement.notice_times.cooldown


def _clear_at(ledger: Ledger, order: Order) -> Millis:
    if ledger.good_since is None:
        return NEVER
    return ledger.good_since + order.judgement.notice_times.clear_hold
