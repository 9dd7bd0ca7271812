"""When a customer is told: enter late, leave early, hold, cool down, at most so often.

Each order has a ledger of what was asked for and what became of it. `plan` looks at the
order as it stands and returns at most one notice; `next_look` says when to look again though
nothing has happened. Numbers: `NoticePolicy` in the rules.
"""

import msgspec

from models.base import Millis
from models.notices import NoticeCommand, NoticeKind, NoticeReceipt
from streams.domain.cells import Measures
from streams.domain.order import NEVER, Order
from streams.domain.prediction import Outlook, look, silent_at
from streams.domain.promises import Resolved
from streams.domain.zones import MINUTE_MS

WAITING = "waiting"


class Ledger(msgspec.Struct):
    """What the customer of one order was to be told, and what became of it.

    `life` counts the lives of the id; `late_since` and `good_since` are when the outlook
    crossed the thresholds; `results` maps a notice id to `waiting`, `sent`, `failed` or
    `suppressed.<reason>`; `deferred` says that the plan waits until nothing lags behind;
    `first_at` is when the first notice was asked for.
    """

    life: int = 1
    version: int = 0
    late_since: Millis | None = None
    good_since: Millis | None = None
    told: bool = False
    told_eta: Millis | None = None
    last_at: Millis | None = None
    delivered: bool = False
    accepted_eta: Millis | None = None
    superseded: bool = False
    deferred: bool = False
    results: dict[str, str] = {}
    first_at: Millis | None = None

    def measures(self) -> Measures:
        """Return how many notices were asked for, and their ends."""
        counted: Measures = {}
        for result in self.results.values():
            for name in ("requested", result):
                counted[f"notices.{name}"] = counted.get(f"notices.{name}", 0) + 1
        return counted


def plan(ledger: Ledger, order: Order, order_id: str, now: Millis) -> NoticeCommand | None:
    """Return the notice that is due now, and note it in the ledger."""
    promise = order.promise
    if promise is None or not order.track.open:
        ledger.late_since = ledger.good_since = None
        return None
    outlook = look(order, promise, now)
    _note(ledger, order, outlook, now)
    kind = _due(ledger, order, promise, outlook, now)
    if kind is None:
        return None
    return _command(ledger, order, order_id, promise, outlook, kind, now)


def _note(ledger: Ledger, order: Order, outlook: Outlook, now: Millis) -> None:
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


def _due(
    ledger: Ledger, order: Order, promise: Resolved, outlook: Outlook, now: Millis
) -> NoticeKind | None:
    if ledger.version >= order.judgement.notice_times.at_most or now < _cool_at(ledger, order):
        return None
    if not ledger.told:
        held = now >= _hold_ends(ledger, order, silent=outlook.silent)
        return "delay_predicted" if held and now < promise.late_from else None
    if _worse(ledger, order, outlook):
        return "delay_worse"
    cleared = ledger.delivered and now >= _clear_at(ledger, order) and now < promise.late_from
    return "delay_cleared" if cleared else None


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


def _command(  # noqa: PLR0913, PLR0917 - everything a notice says
    ledger: Ledger,
    order: Order,
    order_id: str,
    promise: Resolved,
    outlook: Outlook,
    kind: NoticeKind,
    now: Millis,
) -> NoticeCommand:
    track = order.track
    ledger.version += 1
    ledger.last_at = now
    ledger.first_at = now if ledger.first_at is None else ledger.first_at
    ledger.told = kind != "delay_cleared"
    ledger.told_eta = outlook.eta
    ledger.good_since = None
    if kind == "delay_cleared":
        ledger.delivered = False
    notice_id = f"{order_id}/{ledger.life}/{kind}/{ledger.version}"
    ledger.results[notice_id] = WAITING
    expire = now + order.judgement.notice_times.expire
    latest = outlook.eta if outlook.eta is not None else promise.end
    return NoticeCommand(
        notice_id=notice_id,
        order_id=order_id,
        kind=kind,
        version=ledger.version,
        cause=outlook.cause,
        carrier=track.carrier,
        customer_id=track.customer_id,
        timezone=track.timezone or order.judgement.tolerance(track.carrier).timezone or "UTC",
        promise_start=promise.start,
        promise_end=promise.end,
        eta=outlook.eta,
        decided_at=now,
        expires_at=max(now + MINUTE_MS, min(expire, latest)),
    )


def settle(ledger: Ledger, receipt: NoticeReceipt) -> bool:
    """Learn what became of a notice, also of one this ledger does not remember asking for."""
    result = receipt.result
    text = f"suppressed.{receipt.reason or 'unknown'}" if result == "suppressed" else result
    if ledger.results.get(receipt.notice_id) == text:
        return False
    ledger.results[receipt.notice_id] = text
    ledger.version = max(ledger.version, receipt.version)
    if result == "sent":
        ledger.delivered = receipt.kind != "delay_cleared"
        ledger.accepted_eta = receipt.eta
    return True


def next_look(ledger: Ledger, order: Order, now: Millis) -> Millis:
    """Return when the plan must be looked at again though nothing happens, else NEVER."""
    promise = order.promise
    if promise is None or not order.track.open:
        return NEVER
    times, track, next_at = order.judgement.notice_times, order.track, NEVER
    if ledger.version >= times.at_most:
        return NEVER
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
