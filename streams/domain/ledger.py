"""What the customer of one order was to be told, and what became of it."""

from typing import cast

import msgspec

from models.base import Millis
from models.notices import DELAYS, NoticeKind, NoticeReceipt
from streams.domain.cells import Measures

WAITING = "waiting"


class Ledger(msgspec.Struct):
    """The notices of one life of an order.

    `life` counts the lives of the id, `version` the notices asked for; `late_since` and
    `good_since` are when the outlook crossed the thresholds; `told` says that a delay was
    asked for and not cleared, `told_eta` what it said, `last_at` when; `delivered` that it was
    accepted by a provider, `accepted_eta` the ETA the customer was told last. `results` maps a
    notice id to `waiting`, `sent`, `failed` or `suppressed.<reason>`; `superseded` says that
    the order ended and what was asked before is taken back; `deferred` that the plan waits
    until nothing lags behind; `first_at` is when the first notice of a delay was asked for.
    `asked` holds for every kind of news the visit, reason or handover it was asked for last.
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
    asked: dict[str, str] = {}

    @property
    def delays(self) -> int:
        """Return how many notices of a delay, its growth or its end were asked for."""
        return sum(kind_of(notice_id) in DELAYS for notice_id in self.results)

    def measures(self) -> Measures:
        """Return how many notices were asked for, and their ends; invitations among them."""
        counted: Measures = {}
        for notice_id, result in self.results.items():
            for name in ("requested", result):
                counted[f"notices.{name}"] = counted.get(f"notices.{name}", 0) + 1
            if result == "sent" and kind_of(notice_id) == "feedback_request":
                counted["feedback.invited"] = 1
        return counted


def id_of(order_id: str, life: int, kind: NoticeKind, version: int) -> str:
    """Return a notice's id: nothing in it depends on a clock, an ETA or an offset."""
    return f"{order_id}/{life}/{kind}/{version}"


def kind_of(notice_id: str) -> NoticeKind:
    """Return the kind of a notice by its id."""
    return cast("NoticeKind", notice_id.split("/")[-2] if "/" in notice_id else notice_id)


def settle(ledger: Ledger, receipt: NoticeReceipt) -> bool:
    """Learn what became of a notice, also of one this ledger does not remember asking for."""
    result = receipt.result
    text = f"suppressed.{receipt.reason or 'unknown'}" if result == "suppressed" else result
    if ledger.results.get(receipt.notice_id) == text:
        return False
    ledger.results[receipt.notice_id] = text
    ledger.version = max(ledger.version, receipt.version)
    if result == "sent":
        if receipt.kind in DELAYS:
            ledger.delivered = receipt.kind != "delay_cleared"
            ledger.accepted_eta = receipt.eta
        elif receipt.eta is not None:
            ledger.accepted_eta = receipt.eta
    return True
