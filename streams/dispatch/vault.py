"""Contacts are kept sealed, each customer's by a key of its own; without it they are noise.

Keys are 256 bits, the cipher is AES-GCM with the customer's id bound to it. Who destroys the
key has erased every copy of what it sealed, in every segment, replica and backup of the topic.
"""

import asyncio
import secrets
import sqlite3
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor

import psycopg
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from streams.config import Settings
from streams.dispatch.postgres import PostgresDatabase
from streams.dispatch.sqlite import SqliteDatabase
from streams.dispatch.turns import Database, Turns
from streams.errors import TowerError

SEALED = b"\x01"  # the first byte of what is sealed; plain contacts begin with {
_NONCE_BYTES = 12
_KEY_BITS = 256
_OWNER_ONLY = 0o600

_SCHEMA = """
CREATE TABLE IF NOT EXISTS keys (customer_id TEXT PRIMARY KEY, key TEXT NOT NULL) STRICT;
"""


class Vault:
    """The keys of all customers; what seals and what opens."""

    def __init__(self, turns: Turns, vacuum: str) -> None:
        self._turns = turns
        self._vacuum = vacuum
        self._keys: dict[str, bytes] = {}

    async def refresh(self) -> None:
        """Read all keys anew."""
        rows = await self._turns.do(lambda db: db.rows("SELECT customer_id, key FROM keys"))
        self._keys = {customer: bytes.fromhex(key) for customer, key in rows}

    async def seal(self, contacts: Mapping[str, bytes]) -> dict[str, bytes]:
        """Return contacts sealed, by customer id; a new customer's key is kept before."""
        await self._provide(each for each in contacts if each not in self._keys)
        return {
            customer: _sealed(self._keys[customer], customer, plain)
            for customer, plain in contacts.items()
        }

    def opened(self, customer_id: str, value: bytes) -> bytes | None:
        """Return what was sealed, None where the key is gone or is another's."""
        if not value.startswith(SEALED):
            return value
        key = self._keys.get(customer_id)
        if key is None:
            return None
        nonce, rest = value[1 : 1 + _NONCE_BYTES], value[1 + _NONCE_BYTES :]
        try:
            return AESGCM(key).decrypt(nonce, rest, customer_id.encode())
        except (InvalidTag, ValueError):
            return None

    def forget(self, customer_id: str) -> None:
        """Let go of a key that another process destroyed: a new one is for who comes again."""
        self._keys.pop(customer_id, None)

    async def destroy(self, customer_id: str) -> bool:
        """Destroy a customer's key for good; return whether there was one."""
        self.forget(customer_id)
        statement = "DELETE FROM keys WHERE customer_id = ?"
        gone = await self._turns.do(lambda db: db.run(statement, (customer_id,)))
        if gone:
            await self._turns.alone(lambda db: db.rows(self._vacuum))
        return gone > 0

    async def close(self) -> None:
        """Let go of the keys."""
        self._keys.clear()
        await self._turns.close()

    async def _provide(self, customers: Iterable[str]) -> None:
        """Have keys for customers, those of another process where it was first."""
        wanted = tuple(customers)
        if not wanted:
            return

        def work(db: Database) -> dict[str, bytes]:
            for each in wanted:
                new = AESGCM.generate_key(_KEY_BITS).hex()
                db.run("INSERT INTO keys VALUES (?, ?) ON CONFLICT DO NOTHING", (each, new))
            found = {}
            for each in wanted:
                [(key,)] = db.rows("SELECT key FROM keys WHERE customer_id = ?", (each,))
                found[each] = bytes.fromhex(key)
            return found

        self._keys |= await self._turns.do(work)


def _sealed(key: bytes, customer_id: str, plain: bytes) -> bytes:
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return SEALED + nonce + AESGCM(key).encrypt(nonce, plain, customer_id.encode())


def has_keys(settings: Settings) -> bool:
    """Return whether the store of keys can be reached from this machine."""
    return settings.claims_address is not None or settings.keys_file.exists()


async def open_vault(settings: Settings) -> Vault:
    """Open the keys where the claims are: a file beside theirs, or their database."""
    thread = ThreadPoolExecutor(1, "keys")
    loop = asyncio.get_running_loop()
    try:
        database = await loop.run_in_executor(thread, _database, settings)
    except (sqlite3.Error, psycopg.Error, OSError) as error:
        thread.shutdown()
        raise TowerError(f"The store of keys cannot be used: {error}.") from error
    shared = settings.claims_address is not None
    vault = Vault(
        Turns(database, thread), "VACUUM keys" if shared else "PRAGMA wal_checkpoint(TRUNCATE)"
    )
    await vault.refresh()
    return vault


def _database(settings: Settings) -> Database:
    if settings.claims_address is not None:
        return PostgresDatabase(settings.claims_address, _SCHEMA)
    file = settings.keys_file
    file.touch(mode=_OWNER_ONLY)
    return SqliteDatabase(file, _SCHEMA)
