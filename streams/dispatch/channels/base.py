"""What every channel is given and what it promises: one message, one try, one outcome."""

import hashlib
from dataclasses import dataclass
from typing import Protocol

from models.contacts import Channel as Contact
from models.notices import NoticeCommand
from streams.dispatch.channels.outcomes import Outcome
from streams.dispatch.text import Text


@dataclass(frozen=True, slots=True)
class Message:
    """One notice on its way over one channel; it never shows an address when printed.

    `key` is the same for every try of every process: the idempotency key, the local part of
    the Message-ID and the webhook's id. `valid_seconds`: for so long it is worth delivering.
    """

    key: str
    address: str
    text: Text
    command: NoticeCommand
    valid_seconds: int = 3_600

    def __repr__(self) -> str:
        return f"Message({self.key!r})"


class Channel(Protocol):
    """One provider of one way to reach a customer.

    `name` is the kind of contact it serves (`email`, `sms`, `webhook`), `provider` who serves
    it. `resends`: how often a send in doubt is repeated under its key, None for as long as the
    notice is news, 0 never.
    """

    @property
    def name(self) -> str: ...

    @property
    def provider(self) -> str: ...

    @property
    def resends(self) -> int | None: ...

    async def send(self, message: Message) -> Outcome:
        """Try once to send; never raises for anything the other side does."""

    async def close(self) -> None:
        """Let go of connections."""


def key_of(notice_id: str, channel: str) -> str:
    """Return the key of a notice over a channel."""
    return f"{notice_id}.{channel}"


def point_of(contact: Contact) -> str:
    """Return 64 bits that tell an address from others without saying it."""
    named = f"{contact.kind}:{contact.address}"
    return hashlib.sha256(named.encode()).hexdigest()[:16]
