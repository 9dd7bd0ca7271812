"""Questions of orders about couriers, and their answers, as records of the logs.

A question lies in `courier-log` under the courier's id, an answer in `order-log` under the
order's. Neither is an event: nothing counts them, and they move no clock.
"""

from models.presence import PresenceAsked, PresenceConcluded
from streams.domain.presence import Presence, Question
from streams.engine.api import Headers

QUESTION = b"question"
CONCLUSION = b"conclusion"
ASKS: Headers = (("kind", QUESTION),)
CONCLUDES: Headers = (("kind", CONCLUSION),)


def encode_question(order_id: str, question: Question) -> bytes:
    """Return what an order asks as a record's value."""
    asked = PresenceAsked(order_id=order_id, **question._asdict())
    return asked.model_dump_json().encode()


def decode_question(value: bytes) -> tuple[str, Question]:
    """Return who asks, and what."""
    asked = PresenceAsked.model_validate_json(value)
    return asked.order_id, _question(asked)


def encode_conclusion(
    order_id: str, question: Question, presence: Presence, *, forgotten: bool
) -> bytes:
    """Return an answer as a record's value; `forgotten`: more was known once."""
    concluded = PresenceConcluded(
        order_id=order_id, **question._asdict(), **presence._asdict(), forgotten=forgotten
    )
    return concluded.model_dump_json().encode()


def decode_conclusion(value: bytes) -> tuple[Question, Presence, bool]:
    """Return what was asked, the answer, and whether more was known once."""
    concluded = PresenceConcluded.model_validate_json(value)
    presence = Presence(concluded.near, concluded.on_shift)
    return _question(concluded), presence, concluded.forgotten


def _question(said: PresenceAsked) -> Question:
    return Question(**{name: getattr(said, name) for name in Question._fields})
