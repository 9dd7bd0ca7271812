"""What the dispatcher reads, made sense of: commands, endings, ticks, contacts, dead letters.

Nothing here raises on data: a record that cannot be read becomes a letter to `dead-letters`.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, TypeAlias

from pydantic import Field, TypeAdapter, ValidationError

from models.contacts import ContactErased, ContactUpdate
from models.letters import DeadLetter, Reason
from models.notices import NoticeCommand, NoticeSuperseded, NoticeTick
from streams.codec import DETAIL_LENGTH, Decoded, Rejected, decode_contact
from streams.dispatch.claims import Intake, Taken
from streams.dispatch.kafka import Letter
from streams.letters import encoded, letter_headers
from streams.topics import CONTACT_UPDATES, DEAD_LETTERS, NOTICE_COMMANDS, named

if TYPE_CHECKING:
    from aiokafka import ConsumerRecord

Said = NoticeCommand | NoticeSuperseded | NoticeTick
KafkaRecord: TypeAlias = "ConsumerRecord[bytes, bytes]"

_said: TypeAdapter[Said] = TypeAdapter(Annotated[Said, Field(discriminator="type")])

_REASONS = {
    "json_invalid": Reason.BAD_JSON,
    "model_attributes_type": Reason.NOT_AN_OBJECT,
    "dict_type": Reason.NOT_AN_OBJECT,
    "union_tag_invalid": Reason.UNKNOWN_KIND,
    "union_tag_not_found": Reason.UNKNOWN_KIND,
    "missing": Reason.MISSING_FIELD,
}


def decode_said(raw: bytes | None) -> Said | Rejected:
    """Return what a record of `notice-commands` says, or why it says nothing."""
    if raw is None:
        return Rejected(Reason.BAD_JSON, "the record has no value")
    try:
        return _said.validate_json(raw)
    except ValidationError as error:
        fault = error.errors(include_url=False, include_context=False, include_input=False)[0]
        place = ".".join(map(str, fault["loc"]))
        detail = f"{place}: {fault['msg']}" if place else fault["msg"]
        return Rejected(_REASONS.get(fault["type"], Reason.BAD_VALUE), detail[:DETAIL_LENGTH])


class ContactBook:
    """Every customer's contacts, as `contacts` holds them: canonical JSON by customer id."""

    def __init__(self, values: dict[bytes, bytes] | None = None) -> None:
        self._values = values or {}

    def __len__(self) -> int:
        return len(self._values)

    def find(self, customer_id: str | None) -> ContactUpdate | None:
        """Return how to reach a customer, None if unknown or erased."""
        raw = None if customer_id is None else self._values.get(customer_id.encode())
        if raw is None:
            return None
        try:
            return ContactUpdate.model_validate_json(raw)
        except ValidationError:
            return None

    def write(self, customer_id: str, value: bytes | None) -> None:
        """Replace what is known of a customer; None forgets."""
        if value is None:
            self._values.pop(customer_id.encode(), None)
        else:
            self._values[customer_id.encode()] = value


@dataclass(slots=True)
class Batch:
    """One read of both topics, sorted: contacts first (customer id, value), then commands."""

    contacts: list[tuple[str, bytes | None]] = field(default_factory=list)
    intake: Intake = field(default_factory=Intake)
    letters: list[DeadLetter] = field(default_factory=list)


def sort(namespace: str, records: Iterable[KafkaRecord]) -> Batch:
    """Return what the records say; unreadable ones as dead letters, topics by short name."""
    batch = Batch()
    for record in records:
        if record.topic == named(namespace, CONTACT_UPDATES):
            _sort_contact(record, batch)
        else:
            _sort_said(record, batch)
    return batch


def dead_letters(namespace: str, batch: Batch) -> list[Letter]:
    """Return the records for `dead-letters`, keyed by where the messages came from."""
    topic = named(namespace, DEAD_LETTERS)
    return [
        Letter(
            topic,
            f"{each.topic}/{each.partition}/{each.offset}".encode(),
            encoded(each),
        )
        for each in batch.letters
    ]


def _sort_contact(record: KafkaRecord, batch: Batch) -> None:
    match decode_contact(record.key, record.value):
        case Decoded(event=contact, canonical=canonical):
            batch.contacts.append((contact.customer_id, canonical))
        case ContactErased(customer_id=customer_id):
            batch.contacts.append((customer_id, None))
        case Rejected() as rejected:
            batch.letters.append(_letter(record, rejected, CONTACT_UPDATES))


def _sort_said(record: KafkaRecord, batch: Batch) -> None:
    match decode_said(record.value):
        case NoticeCommand() as command:
            batch.intake.messages.append(Taken(command, record.partition, record.timestamp))
        case NoticeSuperseded() as ending:
            batch.intake.messages.append(ending)
        case NoticeTick() as tick:
            batch.intake.ticks.append(tick)
        case Rejected() as rejected:
            batch.letters.append(_letter(record, rejected, NOTICE_COMMANDS))


def _letter(record: KafkaRecord, rejected: Rejected, topic: str) -> DeadLetter:
    return DeadLetter(
        reason=rejected.reason,
        detail=rejected.detail,
        topic=topic,
        partition=record.partition,
        offset=record.offset,
        received_at=record.timestamp,
        raw=record.value,
        headers=letter_headers(record.headers),
    )
