"""What the audit finds in claims that are in use, and in some that were tampered with."""

import sqlite3
from contextlib import closing

from streams.dispatch.claims import Intake, Try
from streams.dispatch.sqlite import open_sqlite
from tests.dispatch.given import command
from tests.dispatch.test_ledger import receipt, taken


async def test_nothing_is_sent_under_two_keys_and_if_it_were_it_is_listed(
    tmp_path, tower, monkeypatch
):
    file = tmp_path / "claims.sqlite"
    monkeypatch.setenv("TOWER_CLAIMS", str(file))
    ledger = await open_sqlite(file)
    await ledger.take(Intake([taken()]))
    await ledger.claim(command(), "email", "smtp")
    await ledger.settle(receipt(), Try(command().notice_id, "email", "sent"))
    assert tower("audit").out == "1 notices sent, none under more than one key.\n"
    with closing(sqlite3.connect(file)) as other, other:
        other.execute(
            "INSERT INTO sends SELECT notice_id, 'sms', notice_id || '.sms', provider, holder,"
            " claimed_at, doubts, state, reason, reference FROM sends"
        )
    found = tower("audit")
    assert (found.code, found.out) == (1, "A-1/delay_predicted/1\n")
    assert found.err == "tower: 1 of 2 notices were sent under more than one key.\n"
    assert await ledger.twice() == ["A-1/delay_predicted/1"]
    await ledger.close()


def test_claims_that_are_not_there(tmp_path, tower, monkeypatch):
    monkeypatch.setenv("TOWER_CLAIMS", str(tmp_path / "none.sqlite"))
    assert (tower("audit").code, (tmp_path / "none.sqlite").exists()) == (1, False)
