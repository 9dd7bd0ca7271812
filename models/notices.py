"""What the tower wants a customer to be told, and what became of it."""

from typing import Literal

from models.base import Identifier, Millis, Model, OrderId

NoticeKind = Literal["delay_predicted", "delay_worse", "delay_cleared"]
NoticeCause = Literal["eta_after_promise", "silent"]


class NoticeCommand(Model):
    """Tell the customer of one order one thing, until `expires_at`; no personal data.

    `notice_id` is a function of order, kind and phase version, so a repeated command is the
    same command. Instants are epoch milliseconds.
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
    promise_end: Millis
    eta: Millis | None
    decided_at: Millis
    expires_at: Millis


class NoticeSuperseded(Model):
    """The order ended (or the phase moved on): say nothing older than `version` any more."""

    type: Literal["superseded"] = "superseded"
    order_id: OrderId
    version: int
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
