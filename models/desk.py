"""What people at the operations desk say: who, when, about which order or incident.

`by` names the author where no token does.
"""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints

from models.base import Instant, Millis, Model, Name, Text, at_most, clean


def _short(text: str) -> str:
    text = clean(text).strip()
    if not 1 <= len(text) <= 500:  # noqa: PLR2004
        raise ValueError("text should hold 1 to 500 visible characters")
    return text


Words = Annotated[str, StringConstraints(max_length=2_000), AfterValidator(_short)]


class Acknowledge(Model):
    """Somebody has seen that an order is at risk."""

    by: Name | None = None


class Assign(Model):
    """Somebody takes care of an order."""

    to: Name
    by: Name | None = None


class Note(Model):
    """What others should know about an order."""

    text: Words
    by: Name | None = None


class Intervene(Model):
    """What was done so that an order still arrives in time (event `intervention_made`)."""

    action: Literal["rerouted", "called", "expedited", "other"]
    note: Words | None = None
    by: Name | None = None


class Annotate(Model):
    """Something boards mark on their time axis: a deploy, a closed road, snow.

    `at` is now where absent; `until` makes it a span.
    """

    title: Words
    text: Text = ""
    tags: Annotated[list[Name], at_most(16)] = Field([])
    at: Instant | None = None
    until: Instant | None = None
    by: Name | None = None


class Mark(Model):
    """A record of the log `desk`: one thing said by one person at one instant.

    `about` is an order's id, or the fingerprint of an incident. Instants are epoch
    milliseconds; `until` None is now for an incident, no span for all else.
    """

    kind: Literal["acknowledged", "assigned", "noted", "intervened", "annotated", "incident"]
    about: str
    by: str
    at: Millis
    title: str = ""
    text: str = ""
    to: str | None = None
    until: Millis | None = None
    tags: list[str] = Field([])
    labels: dict[str, str] = Field({})
