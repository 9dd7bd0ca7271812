"""A dead letter as bytes that its topic takes, whatever the message was.

Base64 makes a message a third longer, and a header's name up to six times; a compressed
message may be far larger than what the broker counted. What does not fit is left out, headers
first, and the detail says so.
"""

from collections.abc import Iterable

from models.letters import DeadLetter, Reason
from streams.domain.arrivals import Arrived

LETTER_BYTES = 2_000_000  # the topic takes 2 MiB with the record around it
KEPT_BYTES = 1_048_576  # of a message that alone is too long
_DETAIL = 200


def letter_headers(headers: Iterable[tuple[str, bytes | None]]) -> dict[str, bytes]:
    """Return a record's headers by name; one without a value counts as empty."""
    return {name: value or b"" for name, value in headers}


def no_room(arrived: Arrived, upstream: str, offset: int, index: int) -> DeadLetter:
    """Return the letter of an event that its order's row cannot hold; its bytes as kept."""
    topic, _, partition = upstream.rpartition("/")
    return DeadLetter(
        reason=Reason.ORDER_TOO_LARGE,
        detail="the order's row has no room for another event",
        topic=topic,
        partition=int(partition or 0),
        offset=offset,
        index=index,
        received_at=arrived.received_at,
        raw=arrived.canonical,
    )


def encoded(letter: DeadLetter) -> bytes:
    """Return a letter as JSON of at most `LETTER_BYTES`."""
    if _roughly(letter) <= LETTER_BYTES:
        written = letter.model_dump_json().encode()
        if len(written) <= LETTER_BYTES:
            return written
    raw = letter.raw or b""
    said = f"; {len(letter.headers)} headers left out"
    if len(raw) > KEPT_BYTES:
        said += f"; the first {KEPT_BYTES} of {len(raw)} bytes kept"
    cut = letter.model_copy(
        update={
            "detail": letter.detail[: _DETAIL - len(said)] + said,
            "headers": {},
            "raw": None if letter.raw is None else raw[:KEPT_BYTES],
        }
    )
    return cut.model_dump_json().encode()


def _roughly(letter: DeadLetter) -> int:
    """Return a lower bound of a letter's length, so that nothing huge is written in vain."""
    named = sum(len(name) + len(value) for name, value in letter.headers.items())
    return len(letter.raw or b"") + named
