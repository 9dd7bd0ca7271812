"""What every message has in common: frozen, strict, and bounded in every field."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, StringConstraints

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

# Instants in rows, headers and measures are whole milliseconds since 1970-01-01T00:00Z;
# finer fractions are cut. Durations are milliseconds as well, positive is later.
Millis = int

Instant = AwareDatetime
Identifier = Annotated[str, StringConstraints(min_length=1, max_length=200)]
OrderId = Annotated[str, StringConstraints(min_length=1, max_length=100)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=64)]
Text = Annotated[str, StringConstraints(max_length=2_000)]


def millis(instant: datetime) -> Millis:
    """Return an aware instant as whole milliseconds since 1970, finer fractions cut."""
    since = instant - EPOCH
    return since.days * 86_400_000 + since.seconds * 1_000 + since.microseconds // 1_000


class Model(BaseModel):
    """A frozen message or a part of one; unknown fields are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True, allow_inf_nan=False)
