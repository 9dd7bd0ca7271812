"""What the dispatcher's tests are given: one Norwegian order, promised 12:00 to 14:00."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from models.base import millis
from models.contacts import ContactUpdate
from models.notices import NoticeCommand, NoticeSuperseded

OSLO = ZoneInfo("Europe/Oslo")


def at(hour: int, minute: int = 0, day: int = 24, month: int = 11) -> int:
    """Return an instant of 2026, written as Oslo's wall time."""
    return millis(datetime(2026, month, day, hour, minute, tzinfo=OSLO))


def command(**changes: Any) -> NoticeCommand:
    return NoticeCommand.model_validate(
        {
            "notice_id": "A-1/delay_predicted/1",
            "order_id": "A-1",
            "kind": "delay_predicted",
            "version": 1,
            "cause": "eta_after_promise",
            "carrier": "Fjord Post",
            "customer_id": "ann",
            "timezone": "Europe/Oslo",
            "promise_start": at(12),
            "promise_end": at(14),
            "eta": at(14, 40),
            "decided_at": at(13, 20),
            "expires_at": at(14, 20),
        }
        | changes
    )


def ending(version: int, when: int, order_id: str = "A-1") -> NoticeSuperseded:
    return NoticeSuperseded(order_id=order_id, version=version, at=when)


def contact(**changes: Any) -> ContactUpdate:
    return ContactUpdate.model_validate(
        {
            "customer_id": "ann",
            "channels": [{"kind": "email", "address": "ann@example.org"}],
        }
        | changes
    )
