"""What happened to a parcel that its customer is told of: one table, looked up by its state.

A state is news once: of an attempt by the number of visits before it, of something the
customer must do by the reason, of a handover by how often one was undone. News nobody could be
told in time (a backlog, a history read again, a scan that came hours late) is none.
"""

from typing import NamedTuple

from models.base import Millis
from models.notices import NoticeKind
from streams.domain import reasons
from streams.domain.ledger import Ledger
from streams.domain.order import NEVER, Order
from streams.domain.tracking import Track
from streams.domain.zones import HOUR_MS, MINUTE_MS

FRESH_MS = 10 * MINUTE_MS

# What a state may be told as; the first that applies and is on is said.
KINDS: dict[str, tuple[NoticeKind, ...]] = {
    "out_for_delivery": ("near", "out_for_delivery"),
    "attempt_failed": ("action_needed", "attempt_failed"),
    "held": ("action_needed",),
    "available_for_pickup": ("available_for_pickup",),
}
AFTER_THE_HANDOVER: tuple[NoticeKind, ...] = ("feedback_request", "delivered")
GONE = "-"  # in the ledger: of a handover that was none

# How long after it happened it is worth saying.
USEFUL: dict[NoticeKind, Millis] = {
    "out_for_delivery": 4 * HOUR_MS,
    "attempt_failed": 24 * HOUR_MS,
    "action_needed": 72 * HOUR_MS,
    "available_for_pickup": 72 * HOUR_MS,
    "delivered": 24 * HOUR_MS,
    "feedback_request": 72 * HOUR_MS,
}

# Reasons that the customer can do something about (kpis 1.5).
ACTIONS = frozenset({
    "wrong_address_given", "access_restricted", "verification_failed", "unpaid_cod",
    "duties_unpaid", "documents",
})  # fmt: skip


class Happening(NamedTuple):
    """News: its kind, what it is news of, until when it is worth saying, why it happened."""

    kind: NoticeKind
    of: str
    until: Millis
    reason: str | None = None


def due(ledger: Ledger, order: Order, now: Millis) -> Happening | None:
    """Return what is news now, None if nothing is."""
    track, told = order.track, order.judgement.told
    kinds = KINDS.get(track.status, ()) if track.open else ()
    if track.handover is not None:
        kinds = AFTER_THE_HANDOVER
    elif not kinds:
        return None
    if track.direction != "forward" or ledger.version >= order.judgement.notice_times.in_all:
        return None
    for kind in kinds:
        if kind in told and (news := _news(kind, ledger, order, now)) is not None:
            # One that was said already leaves nothing to a lesser kind.
            return None if ledger.asked.get(kind) == news.of else news
    return None


def speaks_of_an_end(ledger: Ledger) -> bool:
    """Tell whether a handover was told, or asked about, and not taken back."""
    return any(ledger.asked.get(kind, GONE) != GONE for kind in AFTER_THE_HANDOVER)


def forget_the_end(ledger: Ledger) -> None:
    """Note that what was told of a handover is taken back."""
    for kind in AFTER_THE_HANDOVER:
        if kind in ledger.asked:
            ledger.asked[kind] = GONE


def next_due(ledger: Ledger, order: Order, now: Millis) -> Millis:
    """Return when time alone makes something news, else NEVER."""
    track, judgement = order.track, order.judgement
    at = NEVER
    if track.status == "out_for_delivery" and "near" in judgement.told and track.etas:
        near = track.etas[-1][1] - judgement.notice_times.near
        at = near if ledger.asked.get("near") != _leg(track) else NEVER
    elif track.handover is not None and "feedback_request" in judgement.told:
        at = NEVER if "feedback_request" in ledger.asked else _invited_at(order)
    return at if now < at else NEVER


def _news(kind: NoticeKind, ledger: Ledger, order: Order, now: Millis) -> Happening | None:
    """Return a state as news of a kind, None if it is none or nobody needs it any more."""
    track = order.track
    cause = track.moved_by
    if kind == "near":
        return _near(order, now)
    if kind == "feedback_request":
        return _invitation(ledger, order, now)
    if kind == "delivered":
        cause = track.handover
    if cause is None or now - cause.received_at > FRESH_MS:
        return None
    until = cause.at + USEFUL[kind]
    said = getattr(cause.event, "reason", None)
    reason = None if said is None else reasons.canonical(said)
    of = _leg(track)
    if kind == "action_needed":
        if reason not in ACTIONS:
            return None
        of = reason
    elif kind == "delivered":
        of = str(track.changed_mind)
    return Happening(kind, of, until, reason) if now < until else None


def _near(order: Order, now: Millis) -> Happening | None:
    track = order.track
    if not track.etas or track.etas[-1][0] > now:
        return None
    eta = track.etas[-1][1]
    if not eta - order.judgement.notice_times.near <= now < eta:
        return None
    return Happening("near", _leg(track), eta)


def _invitation(ledger: Ledger, order: Order, now: Millis) -> Happening | None:
    """Ask, a while after the handover was known, whoever has not answered unasked."""
    at = _invited_at(order)
    if order.track.answers or not at <= now <= at + FRESH_MS:
        return None
    once = ledger.asked.get("feedback_request", "")
    return Happening("feedback_request", once, at + USEFUL["feedback_request"])


def _invited_at(order: Order) -> Millis:
    handover = order.track.handover
    if handover is None:
        return NEVER
    known = max(handover.at, handover.received_at)
    return known + order.judgement.notice_times.feedback_after


def _leg(track: Track) -> str:
    """Return the number of the visit that is coming, or that has just failed."""
    failed = track.status == "attempt_failed"
    return str(len(track.attempts.visits) + (0 if failed else 1))
