"""The report of the running tower: whole publications, and the rules they were judged by."""

import json

import pytest
from aiokafka import TopicPartition

from streams.config import Settings
from streams.domain.cells import Cell, encode_cell
from streams.errors import TowerError
from streams.livereport import Shown, least_clock, summed
from streams.pacing import PublishOptions
from streams.publishing import publish

PLACE = TopicPartition("tower.kpi-cells", 0)
ONE, OTHER = (
    f"orders/0/{encode_cell(Cell(carrier, 'next', 'mitte', 'forward', '2026-03-03'))}".encode()
    for carrier in ("one", "other")
)
CLOCK = b"orders/0/~partition"


def clock(at, rules="aaa"):
    return json.dumps({"clock": at, "rules": rules}).encode()


def test_an_order_that_moves_between_cells_is_never_seen_twice_or_not_at_all():
    shown = Shown()
    shown.heard(PLACE, ONE, b'{"orders": 1}')
    assert shown.published == {}
    shown.heard(PLACE, CLOCK, clock(5))
    assert summed(shown.published)["total"]["orders"] == 1
    shown.heard(PLACE, ONE, None)  # half of a publication
    assert summed(shown.published)["total"]["orders"] == 1
    shown.heard(PLACE, OTHER, b'{"orders": 1}')
    shown.heard(PLACE, CLOCK, clock(6))
    assert list(summed(shown.published)["carriers"]) == ["other"]


def test_cells_of_one_partition_do_not_wait_for_another():
    shown = Shown()
    shown.heard(PLACE, ONE, b'{"orders": 1}')
    shown.heard(PLACE, b"orders/1/~partition", clock(5))
    assert ONE not in shown.published
    shown.heard(PLACE, b"couriers/0", b'{"counts": {"accepted": 3}, "clock": 5}')
    assert summed(shown.published)["events"]["accepted"] == 3


def test_two_rule_sets_at_once_are_both_named():
    published = {CLOCK: clock(5, "bbb"), b"orders/1/~partition": clock(6, "aaa")}
    assert summed(published)["rules"] == "aaa+bbb"


def test_the_least_clock_is_0_while_a_partition_is_missing():
    assert least_clock({CLOCK: clock(5)}, 1) == 0


async def test_a_feed_that_goes_on_after_its_end_is_refused_and_nothing_sent():
    lines = [
        b'{"occurred_at": "2026-03-03T09:00:00Z"}',
        b'{"occurred_at": "2026-03-03T09:00:01Z"}',
    ]
    end = 1_772_528_400_000  # 2026-03-03T09:00:00Z
    settings = Settings(brokers="127.0.0.1:1", clock="feed")
    with pytest.raises(TowerError, match=r"^1 of 2 lines arrive after .*09:00:01"):
        await publish(lines, PublishOptions(as_of=end), settings)
