"""The claims in PostgreSQL, for dispatchers on several machines.

Writers take turns by one advisory lock, so that a transaction here means what it means in a
file; with commits shared by all who wait, the lock is held for milliseconds. Time is the
server's, since the machines' clocks may differ.
"""

import asyncio
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import lru_cache
from typing import Any

import psycopg

from streams.dispatch.schema import SCHEMA
from streams.dispatch.store import KEPT_MS, LEASE_MS, SqlLedger
from streams.dispatch.turns import Row, Turns
from streams.errors import TowerError

CONNECT_SECONDS = 10
_LOCK = "SELECT pg_advisory_xact_lock(hashtext('tower.claims'))"
_NOW = "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint"
_NUMBERED = "ALTER TABLE notices ADD COLUMN IF NOT EXISTS seq bigserial;\n"


class PostgresDatabase:
    """A connection of its own; one that is lost ends the process, which begins anew."""

    def __init__(self, address: str, schema: str) -> None:
        self._connection = psycopg.connect(
            address, autocommit=True, connect_timeout=CONNECT_SECONDS
        )
        try:
            self.begin()
            for statement in _dialect(schema).split(";\n"):
                if statement.strip():
                    self._connection.execute(statement.encode())
            self.commit()
            began = time.monotonic()
            [(now,)] = self.rows(_NOW)
        except psycopg.Error:
            self._connection.close()
            raise
        self._offset: int = now - round(1_000 * (began + time.monotonic()) / 2)

    def begin(self) -> None:
        """Begin a transaction that no other writer's overlaps."""
        self._connection.execute("BEGIN")
        self._connection.execute(_LOCK)

    def commit(self) -> None:
        """Make it durable."""
        self._connection.execute("COMMIT")

    def roll_back(self) -> None:
        """Leave no trace of it."""
        with suppress(psycopg.Error):
            self._connection.execute("ROLLBACK")

    def run(self, statement: str, values: Sequence[Any] = ()) -> int:
        """Run a statement; return how many rows it changed."""
        return self._connection.execute(_marked(statement), values).rowcount

    def rows(self, statement: str, values: Sequence[Any] = ()) -> list[Row]:
        """Return the rows of a query."""
        cursor = self._connection.execute(_marked(statement), values)
        return cursor.fetchall() if cursor.description is not None else []

    def now(self) -> int:
        """Return the server's time, epoch ms."""
        return self._offset + time.monotonic_ns() // 1_000_000

    def close(self) -> None:
        """Hang up."""
        self._connection.close()


async def open_postgres(address: str, lease_ms: int = LEASE_MS) -> SqlLedger:
    """Open the claims of a database, its tables made if missing; drop what is old."""
    thread = ThreadPoolExecutor(1, "claims")
    loop = asyncio.get_running_loop()
    try:
        database = await loop.run_in_executor(
            thread, PostgresDatabase, address, SCHEMA + _NUMBERED
        )
    except psycopg.Error as error:
        thread.shutdown()
        raise TowerError(
            f"The claims database cannot be used: {_first_line(error)}."
        ) from error
    ledger = SqlLedger(Turns(database, thread), order="seq", shared=True, lease_ms=lease_ms)
    await ledger.prune(database.now() - KEPT_MS)
    return ledger


def _dialect(schema: str) -> str:
    """Return the tables as PostgreSQL writes them: 64-bit numbers, and always strict."""
    return schema.replace("INTEGER", "BIGINT").replace(" STRICT;", ";")


@lru_cache(maxsize=256)
def _marked(statement: str) -> bytes:
    return statement.replace("?", "%s").encode()


def _first_line(error: psycopg.Error) -> str:
    """Return what went wrong; the address, which may hold a password, is not in it."""
    return str(error).strip().partition("\n")[0].rstrip(".") or type(error).__name__
