"""How customers are reached, kept sealed on `contacts` and open only in memory.

One dispatcher takes an update, seals it and passes it on; dispatchers that share their claims
hear all updates besides, so that each of them knows every customer.
"""

from collections.abc import Sequence

from models.contacts import ContactErased
from streams.codec import Decoded, Rejected, decode_contact
from streams.config import Settings
from streams.dispatch.claims import Ledger
from streams.dispatch.intake import ContactBook
from streams.dispatch.kafka import Letter, Sender
from streams.dispatch.vault import SEALED, Vault
from streams.dispatch.wholetopic import read_all
from streams.topics import CONTACTS, named


class Contacts:
    """The contacts of all customers."""

    def __init__(
        self, settings: Settings, sender: Sender, vault: Vault, ledger: Ledger
    ) -> None:
        self.book = ContactBook()
        self.topic = named(settings.namespace, CONTACTS)
        self._settings = settings
        self._sender = sender
        self._vault = vault
        self._ledger = ledger

    async def load(self, partitions: set[int]) -> None:
        """Read the topic; what an older dispatcher left there unsealed is sealed now."""
        values = await read_all(self._settings, self.topic, partitions)
        plain: list[tuple[str, bytes | None]] = []
        for key, value in values.items():
            customer_id = key.decode("utf-8", "replace")
            if value.startswith(SEALED):
                self.book.write(customer_id, self._vault.opened(customer_id, value))
            else:
                plain.append((customer_id, value))
        await self.keep(plain)

    async def keep(self, contacts: Sequence[tuple[str, bytes | None]]) -> None:
        """Pass contacts on, sealed; who is to be forgotten (None) loses the key first."""
        for customer_id, value in contacts:
            if value is None:
                await self._vault.destroy(customer_id)
                await self._ledger.forget(customer_id)
        newest = dict(contacts)
        sealed = await self._vault.seal(
            {customer: value for customer, value in newest.items() if value is not None}
        )
        await self._sender.send(
            Letter(self.topic, customer.encode(), sealed.get(customer)) for customer in newest
        )
        for customer_id, value in newest.items():
            self.book.write(customer_id, value)

    def hear(self, key: bytes | None, value: bytes | None) -> None:
        """Learn from an update at once, whichever dispatcher is going to take it."""
        match decode_contact(key, value):
            case Decoded(event=contact, canonical=canonical):
                self.book.write(contact.customer_id, canonical)
            case ContactErased(customer_id=customer_id):
                self._vault.forget(customer_id)
                self.book.write(customer_id, None)
            case Rejected():
                pass  # whoever takes it sets it aside
