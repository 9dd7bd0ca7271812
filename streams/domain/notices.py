"""What is asked of the dispatcher: at most one notice of a delay and one of what happened.

Each order has a ledger of what was asked for and what became of it. `plan` looks at the order
as it stands and returns what is due; `next_look` says when to look again though nothing has
happened. When an order ends, or begins again, all that was asked before is taken back.
"""

from models.base import Millis
from models.notices import NoticeCause, NoticeCommand, NoticeKind, NoticeSuperseded
from streams.domain import delays, happenings
from streams.domain.eta import range_in_force
from streams.domain.happenings import Happening
from streams.domain.ledger import WAITING, Ledger, id_of
from streams.domain.order import Order
from streams.domain.prediction import Outlook, look
from streams.domain.zones import MINUTE_MS

Asked = NoticeCommand | NoticeSuperseded


def concerns(ledger: Ledger, order: Order) -> bool:
    """Tell whether there may be a notice to ask for, or one to take back."""
    track = order.track
    if track.open or (ledger.version > 0 and not ledger.superseded):
        return True
    if track.handover is None:
        return happenings.speaks_of_an_end(ledger)
    return not order.judgement.told.isdisjoint(happenings.AFTER_THE_HANDOVER)


def plan(ledger: Ledger, order: Order, order_id: str, now: Millis) -> list[Asked]:
    """Return what is to be asked for or taken back now, and note it in the ledger."""
    asked: list[Asked] = []
    if (taken_back := _turned(ledger, order, order_id, now)) is not None:
        asked.append(taken_back)
    promise = order.promise if order.track.open else None
    outlook = None if promise is None else look(order, promise, now)
    news = happenings.due(ledger, order, now)
    if news is not None:
        asked.append(_news(ledger, order, order_id, news, outlook, now))
    if promise is None or outlook is None:
        ledger.late_since = ledger.good_since = None
        return asked
    delays.watch(ledger, order, outlook, now)
    kind = delays.due(ledger, order, promise, outlook, now)
    if kind is not None:
        asked.append(_delay(ledger, order, order_id, outlook, kind, now))
    return asked


def next_look(ledger: Ledger, order: Order, now: Millis) -> Millis:
    """Return when the plan must be looked at again though nothing happens, else NEVER."""
    return min(delays.next_due(ledger, order, now), happenings.next_due(ledger, order, now))


def _turned(
    ledger: Ledger, order: Order, order_id: str, now: Millis
) -> NoticeSuperseded | None:
    """Return what takes earlier notices back: the order has ended, or its end was none."""
    track = order.track
    ended = not track.open and ledger.version > 0 and not ledger.superseded
    undone = track.handover is None and happenings.speaks_of_an_end(ledger)
    ledger.superseded = not track.open and (ledger.superseded or ended)
    if undone:
        happenings.forget_the_end(ledger)
    if not (ended or undone):
        return None
    return NoticeSuperseded(order_id=order_id, version=ledger.version, at=now)


def _news(
    ledger: Ledger,
    order: Order,
    order_id: str,
    news: Happening,
    outlook: Outlook | None,
    now: Millis,
) -> NoticeCommand:
    ledger.asked[news.kind] = news.of
    eta: Millis | None = None
    if news.kind == "near":
        eta = news.until
    elif news.kind == "out_for_delivery" and outlook is not None:
        eta = outlook.eta
    if eta is not None:
        delays.overtaken(ledger, order, outlook)
    until = news.until if eta is None else min(news.until, eta)
    command = _command(ledger, order, order_id, news.kind, "happened", now, until)
    if not order.track.open:
        ledger.superseded = True  # what an end is told by is taken back if it goes on
    more = {"reason": news.reason}
    return command.model_copy(update=more | _expected(order, eta, outlook, now))


def _delay(
    ledger: Ledger,
    order: Order,
    order_id: str,
    outlook: Outlook,
    kind: NoticeKind,
    now: Millis,
) -> NoticeCommand:
    delays.note(ledger, kind, outlook, now)
    until = now + order.judgement.notice_times.expire
    latest = outlook.eta
    if latest is None and order.promise is not None:
        latest = order.promise.end
    if latest is not None:
        until = min(until, latest)
    command = _command(ledger, order, order_id, kind, outlook.cause, now, until)
    return command.model_copy(update=_expected(order, outlook.eta, outlook, now))


def _expected(
    order: Order, eta: Millis | None, outlook: Outlook | None, now: Millis
) -> dict[str, Millis | None]:
    """Return what a notice says of the time, with the range of the ETA that it names."""
    if eta is None or outlook is None or eta != outlook.eta:
        return {"eta": eta}
    low, high = range_in_force(order.track, now)
    return {"eta": eta, "eta_low": low, "eta_high": high}


def _command(  # noqa: PLR0913, PLR0917 - everything a notice says
    ledger: Ledger,
    order: Order,
    order_id: str,
    kind: NoticeKind,
    cause: NoticeCause,
    now: Millis,
    until: Millis,
) -> NoticeCommand:
    """Return the next notice of an order, and write it into the ledger."""
    track, promise = order.track, order.promise
    ledger.version += 1
    notice_id = id_of(order_id, ledger.life, kind, ledger.version)
    ledger.results[notice_id] = WAITING
    own = track.timezone or order.judgement.tolerance(track.carrier).timezone
    return NoticeCommand(
        notice_id=notice_id,
        order_id=order_id,
        kind=kind,
        version=ledger.version,
        cause=cause,
        carrier=track.carrier,
        customer_id=track.customer_id,
        timezone=own or "UTC",
        zone_known=own is not None,
        promise_start=None if promise is None else promise.start,
        promise_end=None if promise is None else promise.end,
        eta=None,
        decided_at=now,
        expires_at=max(now + MINUTE_MS, until),
    )
