"""What a report says of the reading itself: counts beside the KPIs, and whom it waits for."""

import pytest

from streams import reporting

GOOD = (
    b'{"kind":"delivered","order_id":"a","event_id":"1",'
    b'"occurred_at":"2026-01-01T00:00:00Z","source":"s"}'
)
LINE = "4 events read: 1 accepted, 1 duplicate, 2 rejected (bad_json 1, missing_field 1)."


@pytest.fixture
def feed(tmp_path):
    file = tmp_path / "feed.jsonl"
    file.write_bytes(b"\n".join([GOOD, GOOD, b"garbage", b'{"kind":"delivered"}']))
    return file


def test_the_table_ends_with_what_was_read(tower, feed):
    ran = tower("replay", feed)
    assert ran.code == 0
    assert ran.out.splitlines()[-1] == LINE
    assert ran.err == f"tower: {LINE}\n"


def test_what_was_rejected_is_told_beside_a_written_report(tower, feed, tmp_path):
    ran = tower("replay", feed, "--report", tmp_path / "report.json")
    assert (ran.code, ran.out, ran.err) == (0, "", f"tower: {LINE}\n")


def test_a_clean_file_is_read_in_silence(tower, tmp_path):
    file = tmp_path / "feed.jsonl"
    file.write_bytes(GOOD)
    assert tower("replay", file).err == ""


@pytest.mark.parametrize("garbage", [b"id,carrier\n1,UA\n", b"\x00\xff\n\x8f\x01 ..."])
def test_a_file_of_nothing_the_tower_knows_is_a_mistake(tower, tmp_path, garbage):
    file = tmp_path / "table.csv"
    file.write_bytes(garbage)
    ran = tower("replay", file, "--report", tmp_path / "report.json")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err == (
        f"tower: Nothing in {file} is an event of the contract. 2 events read: 0 accepted,"
        " 0 duplicate, 2 rejected (bad_json 2).\n"
    )
    assert not (tmp_path / "report.json").exists()


def test_an_empty_file_is_a_mistake_too(tower, tmp_path):
    file = tmp_path / "empty.jsonl"
    file.write_bytes(b"\n \n")
    ran = tower("replay", file, "--report", tmp_path / "report.json")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err == (
        f"tower: Nothing in {file} is an event of the contract. 0 events read: 0 accepted,"
        " 0 duplicate, 0 rejected.\n"
    )
    assert not (tmp_path / "report.json").exists()


def test_whom_a_report_waits_for_is_said_once_and_not_at_first(capsys, monkeypatch):
    now = iter([0, 1, 5, 6])
    monkeypatch.setattr(reporting.time, "monotonic", lambda: next(now, 7))
    with reporting.waiting() as told:
        told(0, "couriers/1")
        assert capsys.readouterr().err == ""
        told(1_704_099_600_000, "couriers/1")
        told(0, "couriers/2")
    assert capsys.readouterr().err == (
        "tower: waiting for couriers/1, whose clock is 2024-01-01T09:00:00+00:00\n"
    )
