"""What the doctor reads from a claims file that a dispatcher wrote, while it is in use."""

from models.notices import NoticeCommand, NoticeReceipt
from models.rules import Rules
from streams.dispatch.claims import Intake, Taken
from streams.dispatch.sqlite import open_sqlite
from streams.doctor.local import claims_at, rules_at
from streams.doctor.seen import Unseen
from streams.domain.judgement import rules_id

ASKED = 1_800_000_000_000


def notice(number, expires_at):
    return NoticeCommand(
        notice_id=f"n{number}", order_id=f"o{number}", kind="delay_predicted", version=1,
        cause="silent", carrier="swift", customer_id=None, timezone="UTC", promise_start=None,
        promise_end=ASKED, eta=None, decided_at=ASKED, expires_at=expires_at,
    )  # fmt: skip


async def test_waiting_expired_and_owed_notices_are_counted(tmp_path):
    file = tmp_path / "a file.sqlite"
    ledger = await open_sqlite(file, wall=lambda: ASKED)
    commands = [notice(number, ASKED + number * 1_000) for number in (1, 2, 3, 4)]
    await ledger.take(
        Intake([Taken(each, 0, ASKED + 10 * n) for n, each in enumerate(commands)])
    )
    await ledger.settle(
        NoticeReceipt(
            notice_id="n1", order_id="o1", kind="delay_predicted", version=1,
            result="suppressed", reason="no_contact", at=ASKED,
        )
    )  # fmt: skip
    found = claims_at(file, {0: ASKED + 3_000})
    assert (found.waiting, found.oldest, found.expired) == (3, ASKED + 10, 2)
    assert found.owed == 1
    assert found.owed_since > 0
    assert found.free > 0
    assert claims_at(file, {1: ASKED + 3_000}).expired == 0  # no clock is known of partition 0
    await ledger.close()


def test_a_file_that_is_not_there_or_none_of_ours_is_unseen(tmp_path):
    missing = claims_at(tmp_path / "claims.sqlite", {})
    assert isinstance(missing, Unseen)
    assert not (tmp_path / "claims.sqlite").exists()
    (tmp_path / "text").write_text("no database at all, but long enough to look like one")
    assert isinstance(claims_at(tmp_path / "text", {}), Unseen)


def test_the_rules_file_here_is_known_by_its_id_or_its_mistake(tmp_path):
    assert rules_at(None) == rules_id(Rules())
    (tmp_path / "wrong.yaml").write_text("nonsense: 1\n")
    assert isinstance(rules_at(tmp_path / "wrong.yaml"), Unseen)
