"""What Alertmanager posts to its receivers (webhook payload of version 4), as far as read."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, StringConstraints

from models.base import Instant, Model, at_most

Text = Annotated[str, StringConstraints(max_length=8_000)]
Words = Annotated[dict[str, Text], at_most(64)]


def _no_zero_time(given: object) -> object:
    """Read Go's zero time, which stands for no time at all."""
    return None if isinstance(given, str) and given.startswith("0001-") else given


Ends = Annotated[Instant | None, BeforeValidator(_no_zero_time)]


class Alert(Model):
    """One alert."""

    status: Literal["firing", "resolved"]
    fingerprint: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    starts_at: Instant = Field(alias="startsAt")
    ends_at: Ends = Field(None, alias="endsAt")
    labels: Words = Field({})
    annotations: Words = Field({})

    @property
    def ended(self) -> datetime | None:
        """Return when it ended; what stands there while it fires is a guess."""
        return self.ends_at if self.status == "resolved" else None


class Notification(Model):
    """A group of alerts."""

    version: Literal["4"]
    alerts: Annotated[list[Alert], at_most(1_000)]
