"""Every store keeps the same promises: a file, and a database that several share."""

import asyncio

import pytest

from models.notices import NoticeReceipt, NoticeTick
from streams.dispatch.claims import Claim, Intake, Taken, Try
from streams.dispatch.decide import Ending, Known
from streams.dispatch.store import LEASE_MS
from tests.dispatch.given import at, command, ending

FIRST = command().notice_id


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
    assert await ledger.claim(command(), "email", "smtp") is Claim.FRESH
    assert (await ledger.known(command())).doubtful
    assert await ledger.claim(command(), "email", "smtp") is Claim.DOUBTFUL


async def test_a_refused_try_gives_its_claim_back(ledger):
    await ledger.take(Intake([taken()]))
    await ledger.claim(command(), "email", "smtp")
    assert await ledger.tried(Try(FIRST, "email", "free"), 99) == 0
    known = await ledger.known(command())
    assert (known.attempts, known.not_before, known.doubtful) == (1, 99, False)
    assert await ledger.claim(command(), "email", "smtp") is Claim.FRESH


async def test_a_doubtful_try_keeps_its_claim(ledger):
    await ledger.take(Intake([taken()]))
    for doubts in (0, 1, 2):
        await ledger.claim(command(), "email", "smtp")
        assert await ledger.tried(Try(FIRST, "email", "claimed"), 99) == doubts


@pytest.mark.parametrize("end", [ending(2, 0), ending(1, at(13, 20) + 1)])
async def test_no_claim_after_an_ending(ledger, end):
    await ledger.take(Intake([end, taken()]))
    assert await ledger.claim(command(), "email", "smtp") is Claim.ENDED


async def test_an_ending_takes_back_what_came_before_it_whatever_its_time(ledger):
    await ledger.take(Intake([taken(), ending(1, at(9)), taken(notice_id="later")]))
    assert (await ledger.known(command())).ended
    assert await ledger.claim(command(), "email", "smtp") is Claim.ENDED
    assert await ledger.claim(command(notice_id="later"), "email", "smtp") is Claim.FRESH


async def test_no_second_claim_after_an_ending(ledger):
    await ledger.take(Intake([taken()]))
    assert await ledger.claim(command(), "email", "smtp") is Claim.FRESH
    await ledger.take(Intake([ending(2, 0)]))
    assert await ledger.claim(command(), "email", "smtp") is Claim.ENDED


async def test_a_settled_notice_is_left_alone(ledger):
    await ledger.take(Intake([taken()]))
    await ledger.claim(command(), "email", "smtp")
    await ledger.settle(receipt())
    assert await ledger.claim(command(), "email", "smtp") is Claim.SETTLED
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


async def test_a_channel_given_up_is_spent_and_one_in_doubt_is_asked_again(ledger):
    await ledger.take(Intake([taken()]))
    await ledger.claim(command(), "sms", "gateway")
    known = await ledger.known(command())
    assert (known.in_doubt, known.spent, known.doubtful) == (("sms", "gateway"), set(), True)
    await ledger.tried(Try(FIRST, "sms", "doubt"), 99)
    known = await ledger.known(command())
    assert (known.in_doubt, known.spent, known.doubtful) == (None, {"sms"}, True)
    assert await ledger.claim(command(), "sms", "gateway") is Claim.SETTLED
    assert await ledger.claim(command(), "email", "smtp") is Claim.FRESH
    await ledger.settle(receipt(), Try(FIRST, "email", "sent", reference="250 ok"))
    assert await ledger.twice() == []


async def test_an_address_is_barred_until_its_customer_is_forgotten(ledger):
    await ledger.take(Intake([taken()]))
    await ledger.bar("ann", "0123456789abcdef", "bad_address")
    await ledger.bar("ann", "0123456789abcdef", "bad_address")
    await ledger.bar("bo", "fedcba9876543210", "gone")
    assert (await ledger.known(command())).barred == {"0123456789abcdef"}
    await ledger.forget("ann")
    assert (await ledger.known(command())).barred == set()


async def test_everything_is_there_for_another_process(ledger, opening):
    """Nothing is closed before: as after a kill."""
    if not ledger.shared:
        pytest.skip("a file has one owner; test_sqlite.py copies it")
    tick = NoticeTick(partition=3, at=7)
    await ledger.take(Intake([taken(), taken(notice_id="b", order_id="B")], [tick]))
    await ledger.settle(receipt(notice_id="b", order_id="B"))
    again = await opening()
    try:
        assert await again.pending() == [taken()]
        assert await again.pending({2}) == []
        assert await again.owed({3}) == [receipt(notice_id="b", order_id="B")]
        assert await again.owed({2}) == []
        assert await again.clocks() == {3: 7}
    finally:
        await again.close()


async def test_of_two_dispatchers_one_sends(ledger, opening, monkeypatch):
    """The second is told to wait while the first may be sending, then that it is in doubt."""
    if not ledger.shared:
        pytest.skip("a file has one owner")
    rival = await opening()
    try:
        many = [taken(notice_id=f"n{n}", order_id=f"o{n}") for n in range(50)]
        await ledger.take(Intake([*many]))
        answers = await asyncio.gather(
            *(
                each.claim(one.command, "email", "smtp")
                for one in many
                for each in (ledger, rival)
            )
        )
        pairs = {frozenset(answers[n : n + 2]) for n in range(0, 100, 2)}
        assert pairs == {frozenset({Claim.FRESH, Claim.HELD})}
        later = rival._turns._database.now() + LEASE_MS
        monkeypatch.setattr(rival._turns._database, "now", lambda: later)
        taken_over = [await rival.claim(one.command, "email", "smtp") for one in many]
        assert taken_over == [Claim.DOUBTFUL] * 50
        back = [await ledger.claim(one.command, "email", "smtp") for one in many]
        assert back == [Claim.HELD] * 50
    finally:
        await rival.close()


async def test_work_that_waits_shares_a_commit_and_keeps_its_order(ledger):
    many = [taken(notice_id=f"n{n:03}", order_id=f"o{n}") for n in range(300)]
    commits = []
    commit = ledger._turns._database.commit
    ledger._turns._database.commit = lambda: commits.append(commit())
    await asyncio.gather(*(ledger.take(Intake([each])) for each in many))
    assert await ledger.pending() == many
    assert len(commits) < 10
