"""The store in a file, over crashes: it is opened again without ever having been closed."""

import shutil
import sqlite3
from contextlib import closing

import pytest

from models.notices import NoticeTick
from streams.dispatch.claims import Claim, Intake
from streams.dispatch.sqlite import open_sqlite
from streams.dispatch.store import KEPT_MS
from streams.errors import TowerError
from tests.dispatch.given import at, command
from tests.dispatch.test_ledger import receipt, taken


@pytest.fixture
async def ledger(tmp_path):
    opened = await open_sqlite(tmp_path / "claims.sqlite")
    yield opened
    await opened.close()


async def after_a_crash(tmp_path):
    """Open what is on the disk now, as a process does whose forerunner was killed."""
    for name in ("claims.sqlite", "claims.sqlite-wal"):
        shutil.copy(tmp_path / name, tmp_path / f"crashed-{name}")
    (tmp_path / "crashed-claims.sqlite-wal").rename(tmp_path / "crashed.sqlite-wal")
    (tmp_path / "crashed-claims.sqlite").rename(tmp_path / "crashed.sqlite")
    return await open_sqlite(tmp_path / "crashed.sqlite")


async def test_everything_is_there_after_a_crash(ledger, tmp_path):
    tick = NoticeTick(partition=3, at=7)
    await ledger.take(Intake([taken(), taken(notice_id="b", order_id="B")], [tick]))
    await ledger.claim(command(), "email", "smtp")
    await ledger.settle(receipt(notice_id="b", order_id="B"))
    again = await after_a_crash(tmp_path)
    try:
        assert await again.pending() == [taken()]
        assert await again.owed() == [receipt(notice_id="b", order_id="B")]
        assert await again.clocks() == {3: 7}
        assert await again.claim(command(), "email", "smtp") is Claim.DOUBTFUL
    finally:
        await again.close()


async def test_old_notices_are_forgotten_pending_and_owing_ones_never(tmp_path):
    path = tmp_path / "claims.sqlite"
    first = await open_sqlite(path)
    for name in ("settled", "owing", "waiting"):
        await first.take(Intake([taken(notice_id=name)]))
    for name in ("settled", "owing"):
        await first.settle(receipt(notice_id=name))
    await first.delivered([receipt(notice_id="settled")])
    await first.close()
    later = await open_sqlite(path, wall=lambda: 2 * KEPT_MS + at(0, day=24))
    try:
        assert [each.command.notice_id for each in await later.pending()] == ["waiting"]
        assert [each.notice_id for each in await later.owed()] == ["owing"]
        assert await later.take(Intake([taken(notice_id="settled")])) != []
    finally:
        await later.close()


async def test_one_file_one_dispatcher(ledger, tmp_path):
    with pytest.raises(TowerError, match="in use by another dispatcher"):
        await open_sqlite(tmp_path / "claims.sqlite")


async def test_a_folder_that_is_not_there_is_refused_and_not_made(tmp_path):
    with pytest.raises(TowerError, match=r"nodir of the claims file is not there"):
        await open_sqlite(tmp_path / "nodir" / "claims.sqlite")
    assert not (tmp_path / "nodir").exists()


async def test_a_file_that_is_no_database(tmp_path):
    (tmp_path / "claims.sqlite").write_text(
        "no database at all, but long enough to be one" * 40
    )
    with pytest.raises(TowerError, match="cannot be used"):
        await open_sqlite(tmp_path / "claims.sqlite")


async def test_a_file_of_before_there_were_several_channels_is_taken_over(tmp_path):
    path = tmp_path / "claims.sqlite"
    first = await open_sqlite(path)
    await first.take(Intake([taken(), taken(notice_id="b")]))
    await first.close()
    with closing(sqlite3.connect(path, isolation_level=None)) as old:
        old.execute("CREATE TABLE claims (notice_id, channel, doubts INTEGER, state TEXT)")
        old.execute(
            "INSERT INTO claims VALUES ('A-1/delay_predicted/1', 'email', 2, 'claimed')"
        )
        old.execute("INSERT INTO claims VALUES ('b', 'email', 0, 'suppressed')")
    again = await open_sqlite(path)
    try:
        assert await again.claim(command(), "email", "smtp") is Claim.DOUBTFUL
        assert (await again.known(command(notice_id="b"))).spent == {"email"}
    finally:
        await again.close()
    await (await open_sqlite(path)).close()
