"""The ledger over crashes: a file is opened again without ever having been closed."""

import shutil

import pytest

from models.notices import NoticeReceipt, NoticeTick
from streams.dispatch.claims import Claim, Intake, Taken
from streams.dispatch.decide import Ending, Known
from streams.dispatch.sqlite import KEPT_MS, SqliteLedger
from streams.errors import TowerError
from tests.dispatch.given import at, command, ending


@pytest.fixture
async def ledger(tmp_path):
    opened = await SqliteLedger.open(tmp_path / "claims.sqlite")
    yield opened
    await opened.close()


async def after_a_crash(tmp_path):
    """Open what is on the disk now, as a process does whose forerunner was killed."""
    for name in ("claims.sqlite", "claims.sqlite-wal"):
        shutil.copy(tmp_path / name, tmp_path / f"crashed-{name}")
    (tmp_path / "crashed-claims.sqlite-wal").rename(tmp_path / "crashed.sqlite-wal")
    (tmp_path / "crashed-claims.sqlite").rename(tmp_path / "crashed.sqlite")
    return await SqliteLedger.open(tmp_path / "crashed.sqlite")


def taken(**changes):
    return Taken(command(**changes), 3, at(13, 20))


def receipt(result="sent", reason=None, channel="email", **changes):
    said = command(**changes)
    return NoticeReceipt(
        notice_id=said.notice_id,
        order_id=said.order_id,
        kind=said.kind,
        version=said.version,
        result=result,
        reason=reason,
        channel=channel,
        eta=said.eta,
        at=at(13, 21),
    )


async def test_a_command_is_taken_once(ledger):
    assert await ledger.take(Intake([taken(), taken()])) == [taken()]
    assert await ledger.take(Intake([taken()])) == []
    assert await ledger.pending() == [taken()]
    assert await ledger.known(command()) == Known(told=False)


async def test_endings_and_clocks_only_go_forward(ledger):
    ticks = [NoticeTick(partition=3, at=5), NoticeTick(partition=3, at=4)]
    await ledger.take(Intake([ending(3, 30), ending(2, 40), ending(1, 10), taken()], ticks))
    assert (await ledger.known(command())).ending == Ending(3, 40)
    assert await ledger.clocks() == {3: 5}


async def test_a_claim_is_fresh_once_and_then_in_doubt(ledger):
    await ledger.take(Intake([taken()]))
    assert await ledger.claim(command(), "email") is Claim.FRESH
    assert (await ledger.known(command())).doubtful
    assert await ledger.claim(command(), "email") is Claim.DOUBTFUL


async def test_a_refused_try_gives_its_claim_back(ledger):
    await ledger.take(Intake([taken()]))
    await ledger.claim(command(), "email")
    assert await ledger.postpone("A-1/delay_predicted/1", "email", 99, doubtful=False) == 0
    known = await ledger.known(command())
    assert (known.attempts, known.not_before, known.doubtful) == (1, 99, False)
    assert await ledger.claim(command(), "email") is Claim.FRESH


async def test_a_doubtful_try_keeps_its_claim(ledger):
    await ledger.take(Intake([taken()]))
    for doubts in (0, 1, 2):
        await ledger.claim(command(), "email")
        counted = await ledger.postpone("A-1/delay_predicted/1", "email", 99, doubtful=True)
        assert counted == doubts


@pytest.mark.parametrize("end", [ending(2, 0), ending(1, at(13, 20) + 1)])
async def test_no_claim_after_an_ending(ledger, end):
    await ledger.take(Intake([end, taken()]))
    assert await ledger.claim(command(), "email") is Claim.ENDED


async def test_an_ending_takes_back_what_came_before_it_whatever_its_time(ledger):
    await ledger.take(Intake([taken(), ending(1, at(9)), taken(notice_id="later")]))
    assert (await ledger.known(command())).ended
    assert await ledger.claim(command(), "email") is Claim.ENDED
    assert await ledger.claim(command(notice_id="later"), "email") is Claim.FRESH


async def test_no_second_claim_after_an_ending(ledger):
    await ledger.take(Intake([taken()]))
    assert await ledger.claim(command(), "email") is Claim.FRESH
    await ledger.take(Intake([ending(2, 0)]))
    assert await ledger.claim(command(), "email") is Claim.ENDED


async def test_a_settled_notice_is_left_alone(ledger):
    await ledger.take(Intake([taken()]))
    await ledger.claim(command(), "email")
    await ledger.settle(receipt())
    assert await ledger.claim(command(), "email") is Claim.SETTLED
    assert await ledger.pending() == []
    assert await ledger.take(Intake([taken()])) == []
    assert await ledger.owed() == [receipt()]
    await ledger.delivered([receipt()])
    assert await ledger.owed() == []
    assert await ledger.take(Intake([taken()])) == []


async def test_what_was_told_is_known_to_the_all_clear(ledger):
    cleared = taken(notice_id="c", kind="delay_cleared", version=2)
    await ledger.take(Intake([cleared]))
    assert (await ledger.known(cleared.command)).told is None
    await ledger.take(Intake([taken()]))
    assert (await ledger.known(cleared.command)).told is False
    await ledger.settle(receipt())
    assert await ledger.known(cleared.command) == Known(told=True)
    assert (await ledger.known(command())).later == {"delay_cleared"}


async def test_everything_is_there_after_a_crash(ledger, tmp_path):
    tick = NoticeTick(partition=3, at=7)
    await ledger.take(Intake([taken(), taken(notice_id="b", order_id="B")], [tick]))
    await ledger.claim(command(), "email")
    await ledger.settle(receipt(notice_id="b", order_id="B"))
    again = await after_a_crash(tmp_path)
    try:
        assert await again.pending() == [taken()]
        assert await again.owed() == [receipt(notice_id="b", order_id="B")]
        assert await again.clocks() == {3: 7}
        assert await again.claim(command(), "email") is Claim.DOUBTFUL
    finally:
        await again.close()


async def test_old_notices_are_forgotten_pending_and_owing_ones_never(tmp_path):
    path = tmp_path / "claims.sqlite"
    first = await SqliteLedger.open(path)
    for name in ("settled", "owing", "waiting"):
        await first.take(Intake([taken(notice_id=name)]))
    for name in ("settled", "owing"):
        await first.settle(receipt(notice_id=name))
    await first.delivered([receipt(notice_id="settled")])
    await first.close()
    later = await SqliteLedger.open(path, wall=lambda: 2 * KEPT_MS + at(0, day=24))
    try:
        assert [each.command.notice_id for each in await later.pending()] == ["waiting"]
        assert [each.notice_id for each in await later.owed()] == ["owing"]
        assert await later.take(Intake([taken(notice_id="settled")])) != []
    finally:
        await later.close()


async def test_one_file_one_dispatcher(ledger, tmp_path):
    with pytest.raises(TowerError, match="in use by another dispatcher"):
        await SqliteLedger.open(tmp_path / "claims.sqlite")


async def test_a_folder_that_is_not_there_is_refused_and_not_made(tmp_path):
    with pytest.raises(TowerError, match=r"nodir of the claims file is not there"):
        await SqliteLedger.open(tmp_path / "nodir" / "claims.sqlite")
    assert not (tmp_path / "nodir").exists()


async def test_a_file_that_is_no_database(tmp_path):
    (tmp_path / "claims.sqlite").write_text(
        "no database at all, but long enough to be one" * 40
    )
    with pytest.raises(TowerError, match="cannot be used"):
        await SqliteLedger.open(tmp_path / "claims.sqlite")
