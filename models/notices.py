"""What the tower wants a customer to be told, and what became of it."""

from typing import Literal

from models.base import Identifier, Millis, Model, Name, OrderId, Text

NoticeKind = Literal[
    "delay_predicted",
    "delay_worse",
    "delay_cleared",
    "out_for_delivery",
    "near",
    "attempt_failed",
    "action_needed",
    "available_for_pickup",
    "delivered",
    "feedback_request",
]
NoticeCause = Literal["eta_after_promise", "silent", "happened"]

# News of the same line makes older news of it pointless: it is said instead, never after.
DELAYS: frozenset[NoticeKind] = frozenset({"delay_predicted", "delay_worse", "delay_cleared"})
PROGRESS: frozenset[NoticeKind] = frozenset({
    "out_for_delivery", "near", "attempt_failed", "action_needed", "available_for_pickup",
    "delivered",
})  # fmt: skip
LINES: dict[NoticeKind, frozenset[NoticeKind]] = {
    **dict.fromkeys(DELAYS, DELAYS),
    **dict.fromkeys(PROGRESS, PROGRESS),
    "feedback_request": frozenset({"feedback_request"}),
}


class NoticeCommand(Model):
    """Tell the customer of one order one thing, until `expires_at`; no personal data.

    `notice_id` is a function of order, life, kind and version, so a repeated command is the
    same command. `cause` is why a delay is expected, or that something happened, `reason` the
    code the carrier gave for it; `zone_known` tells whether `timezone` is the delivery
    address's own. Instants are epoch milliseconds.
    """

    type: Literal["notice"] = "notice"
    notice_id: Identifier
    order_id: OrderId
    kind: NoticeKind
    version: int
    cause: NoticeCause
    carrier: str
    customer_id: str | None
    timezone: str
    promise_start: Millis | None
    promise_end: Millis | None
    eta: Millis | None
    decided_at: Millis
    expires_at: Millis
    eta_low: Millis | None = None
    eta_high: Millis | None = None
    reason: str | None = None
    zone_known: bool = True


class NoticeSuperseded(Model):
    """The order ended (or the phase moved on): say nothing older than `version` any more."""

    type: Literal["superseded"] = "superseded"
    order_id: OrderId
    version: int
    at: Millis


class NoticeSwitch(Model):
    """Somebody stopped notices, or let them go on: of a carrier, of a kind, of both, or all.

    `by` is who did, `why` what for; `at` is the instant by their machine's clock.
    """

    carrier: Name | None = None
    kind: NoticeKind | None = None
    stopped: bool
    by: Name
    why: Text
    at: Millis


class NoticeTick(Model):
    """The tower's clock as the inbox partition `partition` knows it, epoch milliseconds."""

    type: Literal["tick"] = "tick"
    partition: int
    at: Millis


NoticeResult = Literal["sent", "suppressed", "failed"]


class NoticeReceipt(Model):
    """What became of a notice; goes to the order's inbox under the order's key."""

    notice_id: Identifier
    order_id: OrderId
    kind: NoticeKind
    version: int
    result: NoticeResult
    reason: str | None = None
    channel: str | None = None
    eta: Millis | None = None
    at: Millis
    provider: str | None = None
