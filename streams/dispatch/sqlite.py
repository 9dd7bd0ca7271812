"""The claims in one SQLite file: write-ahead log, every commit on the disk.

One file belongs to one dispatcher at a time; a lock beside it keeps a second one out.
"""

import asyncio
import fcntl
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from streams.dispatch.clocks import wall_ms
from streams.dispatch.schema import SCHEMA
from streams.dispatch.store import KEPT_MS, SqlLedger
from streams.dispatch.turns import Row, Turns
from streams.errors import TowerError

_DURABLE = """
PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
PRAGMA secure_delete = ON;
"""
# What a claim was before there were several channels.
_MOVE = """
INSERT OR IGNORE INTO sends
    SELECT notice_id, channel, notice_id || '.' || channel, '', '', 0, doubts,
        CASE state WHEN 'suppressed' THEN 'failed' ELSE state END, '', NULL FROM claims;
DROP TABLE claims;
"""


class SqliteDatabase:
    """A file, opened by the thread that uses it."""

    def __init__(self, path: Path, schema: str, lock: IO[str] | None = None) -> None:
        self._lock = lock
        self._connection = sqlite3.connect(path, isolation_level=None)
        try:
            self._connection.executescript(_DURABLE + schema)
            if self.rows("SELECT 1 FROM sqlite_master WHERE name = 'claims'"):
                self._connection.executescript(_MOVE)
        except sqlite3.Error:
            self._connection.close()
            raise

    def begin(self) -> None:
        """Begin a transaction that no other writer's overlaps."""
        self._connection.execute("BEGIN IMMEDIATE")

    def commit(self) -> None:
        """Make it durable."""
        self._connection.execute("COMMIT")

    def roll_back(self) -> None:
        """Leave no trace of it."""
        with suppress(sqlite3.Error):
            self._connection.execute("ROLLBACK")

    def run(self, statement: str, values: Sequence[Any] = ()) -> int:
        """Run a statement; return how many rows it changed."""
        return self._connection.execute(statement, values).rowcount

    def rows(self, statement: str, values: Sequence[Any] = ()) -> list[Row]:
        """Return the rows of a query."""
        return self._connection.execute(statement, values).fetchall()

    def now(self) -> int:
        """Return the time, epoch ms."""
        return wall_ms()

    def close(self) -> None:
        """Close the file and let another process have it."""
        self._connection.close()
        if self._lock is not None:
            self._lock.close()


async def open_sqlite(path: Path, wall: Callable[[], int] = wall_ms) -> SqlLedger:
    """Open a claims file, made if missing, and drop what is older than `KEPT_MS`.

    Its folder is not made: one that is missing is a path that was mistyped.
    """
    lock = _exclusively(path)
    thread = ThreadPoolExecutor(1, "claims")
    loop = asyncio.get_running_loop()
    try:
        database = await loop.run_in_executor(thread, SqliteDatabase, path, SCHEMA, lock)
    except sqlite3.Error as error:
        thread.shutdown()
        lock.close()
        raise TowerError(f"The claims file {path} cannot be used: {error}.") from error
    ledger = SqlLedger(Turns(database, thread), order="rowid", shared=False)
    await ledger.prune(wall() - KEPT_MS)
    return ledger


def _exclusively(path: Path) -> IO[str]:
    """Return a lock file that this process holds until it is closed or the process ends."""
    try:
        lock = path.with_name(f"{path.name}.lock").open("w")
    except (FileNotFoundError, NotADirectoryError) as error:
        raise TowerError(
            f"The folder {path.parent} of the claims file is not there: make it, or mend"
            " TOWER_CLAIMS; a dispatcher without its claims may tell customers twice."
        ) from error
    except OSError as error:
        raise TowerError(f"The claims file {path} cannot be made: {error.strerror}.") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.close()
        raise TowerError(f"The claims file {path} is in use by another dispatcher.") from error
    return lock
