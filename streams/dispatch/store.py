"""The dispatcher's memory in SQL, the same statements for a file and for PostgreSQL.

Notices are forgotten `KEPT_MS` after they were settled, a day later than Kafka forgets their
commands. A claim names the process that holds it: in a database that several share, another
one may take it over only once `LEASE_MS` have passed, longer than any send lasts.
"""

import uuid
from collections.abc import Collection, Sequence
from typing import Any

from models.notices import NoticeCommand, NoticeReceipt
from streams.dispatch.channels.base import key_of
from streams.dispatch.claims import Claim, Intake, Taken, Try
from streams.dispatch.decide import Ending, Known
from streams.dispatch.turns import Database, Turns

KEPT_MS = 8 * 86_400_000
LEASE_MS = 60_000

_TAKE = """
INSERT INTO notices (notice_id, order_id, kind, version, partition, asked_at, command)
VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING
"""
_END = """
INSERT INTO endings VALUES (?, ?, ?, ?) ON CONFLICT (order_id) DO UPDATE SET
    version = CASE WHEN excluded.version > endings.version
        THEN excluded.version ELSE endings.version END,
    at = CASE WHEN excluded.at > endings.at THEN excluded.at ELSE endings.at END,
    seen_at = excluded.seen_at
"""
_END_EARLIER = "UPDATE notices SET ended = 1 WHERE order_id = ? AND result IS NULL"
_TICK = """
INSERT INTO clocks VALUES (?, ?) ON CONFLICT (partition) DO UPDATE SET
    at = CASE WHEN excluded.at > clocks.at THEN excluded.at ELSE clocks.at END
"""
_KNOWN = """
SELECT n.ended, e.version, e.at, n.attempts, n.not_before,
    (SELECT max(CASE WHEN result = 'sent' THEN 1 ELSE 0 END) FROM notices
        WHERE order_id = n.order_id AND kind IN ('delay_predicted', 'delay_worse'))
FROM notices n LEFT JOIN endings e ON e.order_id = n.order_id WHERE n.notice_id = ?
"""
_SENDS = "SELECT channel, provider, state FROM sends WHERE notice_id = ?"
_LATER = "SELECT DISTINCT kind FROM notices WHERE order_id = ? AND version > ?"
_NOT_ENDED = """
NOT EXISTS (SELECT 1 FROM endings WHERE order_id = ? AND (version > ? OR at > ?))
AND NOT EXISTS (SELECT 1 FROM notices WHERE notice_id = ? AND ended = 1)
"""
_CLAIM = f"""
INSERT INTO sends (notice_id, channel, key, provider, holder, claimed_at, state)
SELECT ?, ?, ?, ?, ?, ?, 'claimed' WHERE {_NOT_ENDED}
ON CONFLICT DO NOTHING
"""
_RECLAIM = f"""
UPDATE sends SET doubts = doubts + CASE WHEN state = 'claimed' THEN 1 ELSE 0 END,
    state = 'claimed', provider = ?, holder = ?, claimed_at = ?
WHERE notice_id = ? AND channel = ? AND state IN ('free', 'claimed') AND {_NOT_ENDED}
"""  # noqa: S608 (constants only)
_TRIED = """
UPDATE sends SET state = ?, reason = ?, reference = coalesce(?, reference)
WHERE notice_id = ? AND channel = ?
"""
TWICE = """
SELECT notice_id FROM sends WHERE state = 'sent'
GROUP BY notice_id HAVING count(DISTINCT key) > 1 ORDER BY notice_id
"""
_OLD = "SELECT notice_id FROM notices WHERE receipt IS NULL AND settled_at < ?"


class SqlLedger:
    """A `Ledger` in a database; `order` is its expression for the order of insertion."""

    def __init__(
        self, turns: Turns, *, order: str, shared: bool, lease_ms: int = LEASE_MS
    ) -> None:
        self._lease_ms = lease_ms
        self.shared = shared
        self._turns = turns
        self._order = order
        self._holder = uuid.uuid4().hex

    async def close(self) -> None:
        """Close the database."""
        await self._turns.close()

    async def prune(self, before: int) -> None:
        """Drop what was settled before a time, epoch ms."""

        def work(db: Database) -> None:
            db.run(f"DELETE FROM sends WHERE notice_id IN ({_OLD})", (before,))  # noqa: S608
            db.run("DELETE FROM notices WHERE receipt IS NULL AND settled_at < ?", (before,))
            db.run("DELETE FROM endings WHERE seen_at < ?", (before,))

        await self._turns.do(work)

    async def take(self, intake: Intake) -> list[Taken]:
        """Keep commands, endings and clocks; return the commands not seen before."""

        def work(db: Database) -> list[Taken]:
            fresh: list[Taken] = []
            for tick in intake.ticks:
                db.run(_TICK, (tick.partition, tick.at))
            for each in intake.messages:
                if isinstance(each, Taken):
                    fresh += [each] * db.run(_TAKE, _row(each))
                else:
                    db.run(_END, (each.order_id, each.version, each.at, db.now()))
                    db.run(_END_EARLIER, (each.order_id,))
            return fresh

        return await self._turns.do(work)

    async def pending(self, partitions: Collection[int] | None = None) -> list[Taken]:
        """Return the commands of some partitions that are not settled, oldest first."""
        rows = await self._turns.do(
            lambda db: db.rows(
                "SELECT command, partition, asked_at FROM notices"  # noqa: S608
                f" WHERE result IS NULL ORDER BY {self._order}"
            )
        )
        return [
            Taken(NoticeCommand.model_validate_json(command), partition, asked_at)
            for command, partition, asked_at in rows
            if partitions is None or partition in partitions
        ]

    async def clocks(self) -> dict[int, int]:
        """Return the tower's clock by partition, epoch ms."""
        rows = await self._turns.do(lambda db: db.rows("SELECT partition, at FROM clocks"))
        return dict(rows)

    async def known(self, command: NoticeCommand) -> Known:
        """Return what is remembered of a command and its order."""
        return await self._turns.do(lambda db: _known(db, command))

    async def claim(self, command: NoticeCommand, channel: str, provider: str) -> Claim:
        """Claim the sending of a notice; the insert itself decides between two rivals."""
        key = key_of(command.notice_id, channel)
        guard = (command.order_id, command.version, command.decided_at, command.notice_id)

        def work(db: Database) -> Claim:
            if db.rows(
                "SELECT 1 FROM notices WHERE notice_id = ? AND result IS NOT NULL", guard[3:]
            ):
                return Claim.SETTLED
            mine, now = (provider, self._holder), db.now()
            if db.run(_CLAIM, (command.notice_id, channel, key, *mine, now, *guard)) == 1:
                return Claim.FRESH
            before = db.rows(
                "SELECT state, holder, claimed_at FROM sends"
                " WHERE notice_id = ? AND channel = ?",
                (command.notice_id, channel),
            )
            if not before:
                return Claim.ENDED
            [(state, holder, claimed_at)] = before
            if state not in {"free", "claimed"}:
                return Claim.SETTLED
            foreign = self.shared and holder != self._holder
            if state == "claimed" and foreign and now < claimed_at + self._lease_ms:
                return Claim.HELD
            if db.run(_RECLAIM, (*mine, now, command.notice_id, channel, *guard)) == 0:
                return Claim.ENDED
            return Claim.DOUBTFUL if state == "claimed" else Claim.FRESH

        return await self._turns.do(work)

    async def tried(self, made: Try, not_before: int | None = None) -> int:
        """Remember a try that settles nothing; return how often it has been in doubt."""

        def work(db: Database) -> int:
            _tried(db, made)
            if not_before is not None:
                db.run(
                    "UPDATE notices SET attempts = attempts + 1, not_before = ?"
                    " WHERE notice_id = ?",
                    (not_before, made.notice_id),
                )
            return sum(
                doubts
                for (doubts,) in db.rows(
                    "SELECT doubts FROM sends WHERE notice_id = ? AND channel = ?",
                    (made.notice_id, made.channel),
                )
            )

        return await self._turns.do(work)

    async def bar(self, customer_id: str, point: str, reason: str) -> None:
        """Never use one address of a customer again."""
        statement = "INSERT INTO barred VALUES (?, ?, ?) ON CONFLICT DO NOTHING"
        await self._turns.do(lambda db: db.run(statement, (customer_id, point, reason)))

    async def forget(self, customer_id: str) -> None:
        """Forget what is remembered of a customer's addresses."""
        statement = "DELETE FROM barred WHERE customer_id = ?"
        await self._turns.do(lambda db: db.run(statement, (customer_id,)))

    async def settle(self, receipt: NoticeReceipt, made: Try | None = None) -> None:
        """Close a notice for good and owe its receipt, `made` being the try that did it."""

        def work(db: Database) -> None:
            if made is not None:
                _tried(db, made)
            db.run(
                "UPDATE notices SET result = ?, settled_at = ?, receipt = ?, not_before = 0"
                " WHERE notice_id = ? AND result IS NULL",
                (receipt.result, db.now(), receipt.model_dump_json(), receipt.notice_id),
            )

        await self._turns.do(work)

    async def owed(self, partitions: Collection[int] | None = None) -> list[NoticeReceipt]:
        """Return the receipts not yet delivered, oldest first."""
        rows = await self._turns.do(
            lambda db: db.rows(
                "SELECT receipt, partition FROM notices"
                " WHERE receipt IS NOT NULL ORDER BY settled_at"
            )
        )
        return [
            NoticeReceipt.model_validate_json(receipt)
            for receipt, partition in rows
            if partitions is None or partition in partitions
        ]

    async def delivered(self, receipts: Sequence[NoticeReceipt]) -> None:
        """Forget receipts that have reached their orders."""
        statement = "UPDATE notices SET receipt = NULL WHERE notice_id = ?"

        def work(db: Database) -> None:
            for receipt in receipts:
                db.run(statement, (receipt.notice_id,))

        await self._turns.do(work)

    async def twice(self) -> list[str]:
        """Return the notices that were sent under more than one key; always none."""
        return [row[0] for row in await self._turns.do(lambda db: db.rows(TWICE))]


def _known(db: Database, command: NoticeCommand) -> Known:
    sends = db.rows(_SENDS, (command.notice_id,))
    barred = db.rows("SELECT point FROM barred WHERE customer_id = ?", (command.customer_id,))
    later = db.rows(_LATER, (command.order_id, command.version))
    for ended, version, at, attempts, not_before, told in db.rows(_KNOWN, (command.notice_id,)):
        return Known(
            ended=bool(ended),
            ending=None if version is None else Ending(version, at),
            later=frozenset(kind for (kind,) in later),
            told=None if told is None else bool(told),
            attempts=attempts,
            not_before=not_before,
            doubtful=any(state in {"claimed", "doubt"} for *_, state in sends),
            in_doubt=next(
                ((way, provider) for way, provider, state in sends if state == "claimed"), None
            ),
            spent=frozenset(way for way, _, state in sends if state in {"doubt", "failed"}),
            barred=frozenset(point for (point,) in barred),
        )
    return Known()


def _tried(db: Database, made: Try) -> None:
    values = (made.state, made.reason, made.reference, made.notice_id, made.channel)
    db.run(_TRIED, values)


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
