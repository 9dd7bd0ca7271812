"""The dispatcher's memory in one SQLite file: write-ahead log, every commit on the disk.

One file belongs to one dispatcher at a time; a lock beside it keeps a second one out. Notices
are forgotten `KEPT_MS` after they were settled, a day later than Kafka forgets their commands.
"""

import asyncio
import fcntl
import time
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import IO, Any, cast

import aiosqlite

from models.notices import NoticeCommand, NoticeKind, NoticeReceipt
from streams.dispatch.claims import Claim, Intake, Taken
from streams.dispatch.decide import Ending, Known
from streams.errors import TowerError

KEPT_MS = 8 * 86_400_000

_SCHEMA = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
CREATE TABLE IF NOT EXISTS notices (
    notice_id TEXT PRIMARY KEY, order_id TEXT NOT NULL, kind TEXT NOT NULL,
    version INTEGER NOT NULL, partition INTEGER NOT NULL, asked_at INTEGER NOT NULL,
    command TEXT NOT NULL, attempts INTEGER NOT NULL DEFAULT 0,
    not_before INTEGER NOT NULL DEFAULT 0, ended INTEGER NOT NULL DEFAULT 0,
    result TEXT, settled_at INTEGER, receipt TEXT
) STRICT;
CREATE INDEX IF NOT EXISTS notices_of_order ON notices (order_id);
CREATE INDEX IF NOT EXISTS notices_open ON notices (asked_at) WHERE result IS NULL;
CREATE INDEX IF NOT EXISTS notices_owed ON notices (settled_at) WHERE receipt IS NOT NULL;
CREATE TABLE IF NOT EXISTS claims (
    notice_id TEXT NOT NULL, channel TEXT NOT NULL, doubts INTEGER NOT NULL DEFAULT 0,
    state TEXT NOT NULL CHECK (state IN ('claimed', 'free', 'sent', 'failed', 'suppressed')),
    PRIMARY KEY (notice_id, channel)
) STRICT;
CREATE TABLE IF NOT EXISTS endings (
    order_id TEXT PRIMARY KEY, version INTEGER NOT NULL, at INTEGER NOT NULL,
    seen_at INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS clocks (partition INTEGER PRIMARY KEY, at INTEGER NOT NULL) STRICT;
"""

_TAKE = """
INSERT INTO notices (notice_id, order_id, kind, version, partition, asked_at, command)
VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING
"""
_END = """
INSERT INTO endings VALUES (?, ?, ?, ?) ON CONFLICT (order_id) DO UPDATE SET
    version = max(version, excluded.version), at = max(at, excluded.at),
    seen_at = excluded.seen_at
"""
_END_EARLIER = "UPDATE notices SET ended = 1 WHERE order_id = ? AND result IS NULL"
_TICK = """
INSERT INTO clocks VALUES (?, ?) ON CONFLICT (partition) DO UPDATE SET at = max(at, excluded.at)
"""
_KNOWN = """
SELECT n.ended, e.version, e.at, n.attempts, n.not_before,
    EXISTS (SELECT 1 FROM claims WHERE notice_id = n.notice_id AND state = 'claimed'),
    (SELECT group_concat(DISTINCT kind) FROM notices
        WHERE order_id = n.order_id AND version > n.version),
    (SELECT max(coalesce(result = 'sent', 0)) FROM notices
        WHERE order_id = n.order_id AND kind IN ('delay_predicted', 'delay_worse'))
FROM notices n LEFT JOIN endings e ON e.order_id = n.order_id WHERE n.notice_id = ?
"""
_NOT_ENDED = """
NOT EXISTS (SELECT 1 FROM endings WHERE order_id = ? AND (version > ? OR at > ?))
AND NOT EXISTS (SELECT 1 FROM notices WHERE notice_id = ? AND ended)
"""
_CLAIM = f"""
INSERT INTO claims (notice_id, channel, state) SELECT ?, ?, 'claimed' WHERE {_NOT_ENDED}
ON CONFLICT DO NOTHING
"""
_RECLAIM = f"""
UPDATE claims SET doubts = doubts + (state = 'claimed'), state = 'claimed'
WHERE notice_id = ? AND channel = ? AND state IN ('free', 'claimed') AND {_NOT_ENDED}
"""  # noqa: S608 (constants only)


def _wall() -> int:
    return time.time_ns() // 1_000_000


class SqliteLedger:
    """A `Ledger` in a file."""

    def __init__(self, database: aiosqlite.Connection, lock: IO[str]) -> None:
        self._database = database
        self._lock_file = lock
        self._turn = asyncio.Lock()

    @classmethod
    async def open(cls, path: Path, wall: Callable[[], int] = _wall) -> "SqliteLedger":
        """Open the file, made if missing, and drop what is older than `KEPT_MS`.

        Its folder is not made: one that is missing is a path that was mistyped.
        """
        lock = _exclusively(path)
        database = aiosqlite.connect(path, isolation_level=None)
        try:
            await database
            await database.executescript(_SCHEMA)
        except aiosqlite.Error as error:
            await database.close()
            lock.close()
            raise TowerError(f"The claims file {path} cannot be used: {error}.") from error
        ledger = cls(database, lock)
        await ledger._prune(wall() - KEPT_MS)
        return ledger

    async def close(self) -> None:
        """Close the file and let another dispatcher have it."""
        await self._database.close()
        self._lock_file.close()

    async def take(self, intake: Intake) -> list[Taken]:
        """Keep commands, endings and clocks; return the commands not seen before."""
        fresh: list[Taken] = []
        async with self._transaction() as run:
            for tick in intake.ticks:
                await run(_TICK, (tick.partition, tick.at))
            for each in intake.messages:
                if isinstance(each, Taken):
                    fresh += [each] * await run(_TAKE, _row(each))
                else:
                    await run(_END, (each.order_id, each.version, each.at, _wall()))
                    await run(_END_EARLIER, (each.order_id,))
        return fresh

    async def pending(self) -> list[Taken]:
        """Return the commands that are not settled, oldest first."""
        rows = await self._rows(
            "SELECT command, partition, asked_at FROM notices"
            " WHERE result IS NULL ORDER BY rowid"
        )
        return [
            Taken(NoticeCommand.model_validate_json(command), partition, asked_at)
            for command, partition, asked_at in rows
        ]

    async def clocks(self) -> dict[int, int]:
        """Return the tower's clock by partition, epoch ms."""
        return dict(await self._rows("SELECT partition, at FROM clocks"))

    async def known(self, command: NoticeCommand) -> Known:
        """Return what is remembered of a command and its order."""
        rows = await self._rows(_KNOWN, (command.notice_id,))
        for ended, version, at, attempts, not_before, doubtful, later, told in rows:
            return Known(
                ended=bool(ended),
                ending=None if version is None else Ending(version, at),
                later=_kinds(later),
                told=None if told is None else bool(told),
                attempts=attempts,
                not_before=not_before,
                doubtful=bool(doubtful),
            )
        return Known()

    async def claim(self, command: NoticeCommand, channel: str) -> Claim:
        """Claim the sending of a notice; the insert itself decides between two rivals."""
        key = (command.notice_id, channel)
        guard = (command.order_id, command.version, command.decided_at, command.notice_id)
        async with self._transaction() as run:
            if await run(_CLAIM, key + guard) == 1:
                return Claim.FRESH
            before = await self._state(*key)
            if before is None:
                return Claim.ENDED
            if before not in {"free", "claimed"}:
                return Claim.SETTLED
            if await run(_RECLAIM, key + guard) == 0:
                return Claim.ENDED
            return Claim.DOUBTFUL if before == "claimed" else Claim.FRESH

    async def postpone(
        self, notice_id: str, channel: str, not_before: int, *, doubtful: bool
    ) -> int:
        """Count a failed try, to be repeated at `not_before`; return how often in doubt."""
        async with self._transaction() as run:
            await run(
                "UPDATE notices SET attempts = attempts + 1, not_before = ?"
                " WHERE notice_id = ?",
                (not_before, notice_id),
            )
            if not doubtful:
                await run(
                    "UPDATE claims SET state = 'free' WHERE notice_id = ? AND channel = ?",
                    (notice_id, channel),
                )
        rows = await self._rows(
            "SELECT doubts FROM claims WHERE notice_id = ? AND channel = ?",
            (notice_id, channel),
        )
        return sum(doubts for (doubts,) in rows)

    async def settle(self, receipt: NoticeReceipt) -> None:
        """Close a notice for good and owe its receipt."""
        async with self._transaction() as run:
            await run(
                "UPDATE notices SET result = ?, settled_at = ?, receipt = ?, not_before = 0"
                " WHERE notice_id = ? AND result IS NULL",
                (receipt.result, _wall(), receipt.model_dump_json(), receipt.notice_id),
            )
            await run(
                "UPDATE claims SET state = ? WHERE notice_id = ?",
                (receipt.result, receipt.notice_id),
            )

    async def owed(self) -> list[NoticeReceipt]:
        """Return the receipts not yet delivered, oldest first."""
        rows = await self._rows(
            "SELECT receipt FROM notices WHERE receipt IS NOT NULL ORDER BY settled_at"
        )
        return [NoticeReceipt.model_validate_json(receipt) for (receipt,) in rows]

    async def delivered(self, receipts: Sequence[NoticeReceipt]) -> None:
        """Forget receipts that have reached their orders."""
        async with self._transaction() as run:
            for receipt in receipts:
                await run(
                    "UPDATE notices SET receipt = NULL WHERE notice_id = ?",
                    (receipt.notice_id,),
                )

    async def _prune(self, before: int) -> None:
        async with self._transaction() as run:
            await run(
                "DELETE FROM claims WHERE notice_id IN (SELECT notice_id FROM notices"
                " WHERE receipt IS NULL AND settled_at < ?)",
                (before,),
            )
            await run("DELETE FROM notices WHERE receipt IS NULL AND settled_at < ?", (before,))
            await run("DELETE FROM endings WHERE seen_at < ?", (before,))

    async def _state(self, notice_id: str, channel: str) -> str | None:
        statement = "SELECT state FROM claims WHERE notice_id = ? AND channel = ?"
        cursor = await self._database.execute(statement, (notice_id, channel))
        row = await cursor.fetchone()
        return None if row is None else str(row[0])

    async def _rows(self, statement: str, values: Sequence[Any] = ()) -> Iterable[Any]:
        async with self._turn:
            return await self._database.execute_fetchall(statement, values)

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[Callable[[str, Sequence[Any]], Any]]:
        """Yield a function that runs a statement and returns how many rows it changed."""

        async def run(statement: str, values: Sequence[Any]) -> int:
            return (await self._database.execute(statement, values)).rowcount

        async with self._turn:
            try:
                await self._database.execute("BEGIN IMMEDIATE")
                yield run
            except BaseException:
                with suppress(aiosqlite.Error):
                    await self._database.execute("ROLLBACK")
                raise
            await self._database.execute("COMMIT")


def _kinds(listed: str | None) -> frozenset[NoticeKind]:
    return frozenset(cast("list[NoticeKind]", listed.split(",") if listed else ()))


def _row(taken: Taken) -> tuple[Any, ...]:
    command = taken.command
    return (
        command.notice_id,
        command.order_id,
        command.kind,
        command.version,
        taken.partition,
        taken.asked_at,
        command.model_dump_json(),
    )


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
