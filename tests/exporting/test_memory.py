"""Exports of towers in memory, stopped anywhere: judged again, continued, made towers of."""

import json
from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from models.notices import NoticeReceipt
from models.rules import Rules
from streams import topics
from streams.exporting.files import opened
from streams.exporting.judging import Judging, audited, differences
from streams.feed import in_order_of_arrival
from streams.pacing import PublishOptions, schedule
from streams.replay import Replay, Sent
from streams.rules import load
from streams.simulate import DaySpec, day
from streams.simulate.lines import said
from tests.domain.histories import Teller, lines
from tests.domain.worlds import world
from tests.equality.comparing import differences as kpi_differences
from tests.equality.rehearsal import PARTITIONS
from tests.exporting.memory import NOW, Tower, rebuild
from tests.story import DAY, delivered, eta, out, promised, story

BEGINS = datetime(2026, 3, 3, 6, tzinfo=UTC)
RULES = load(None)


def feed(rng):
    """Return the items of a random feed, and its lines."""
    chance = rng.random()
    if chance < 0.3:
        story = lines(world(rng.getrandbits(32))[0])
    elif chance < 0.6:
        tellers = [Teller(rng, f"life-{number}") for number in range(rng.choice((2, 5)))]
        story = lines([event for teller in tellers for event in teller.life()])
    else:
        spec = DaySpec(
            orders=6, couriers=2, seed=rng.getrandbits(32), start=BEGINS,
            scenario=rng.choice(("hostile_day", "quarter")),
        )  # fmt: skip
        story = list(said(day(spec).events))
    options = PublishOptions(tick_seconds=rng.choice((60, 900, 86_400)))
    return list(schedule(in_order_of_arrival(story), options)), story


def judged(paths, rules=RULES):
    judging = Judging(opened(paths), rules)
    judging.run(Sent())
    return judging


def stopped(rng):
    """Return a tower that stopped somewhere in a feed, what is left of the feed, its lines."""
    items, story = feed(rng)
    tower = Tower(rng, RULES)
    at = rng.randint(0, len(items))
    tower.live(items[:at], share=rng.choice((0.0, 0.05)))
    return tower, items[at:], story


@pytest.mark.parametrize("number", range(12))
def test_wherever_a_tower_stops_its_export_is_its_report(tmp_path, seed, number):
    tower, _, _ = stopped(Random(f"stopped {seed} {number}"))  # noqa: S311
    for place in tower.places:
        # A partition that has not passed its highest row yet has published nothing of it.
        place.apply(max(0, place.rows.highest_recovered + 1 - place.expected))
        place.barrier(tower.rng)
    judging = judged([tower.export(tmp_path / "a.jsonl")])
    assert audited(judging) is None
    assert differences(tower.report(), judging.report()) == []


@pytest.mark.parametrize("number", range(6))
def test_exports_that_continue_each_other_are_one(tmp_path, seed, number):
    rng = Random(f"chain {seed} {number}")  # noqa: S311
    items, _ = feed(rng)
    tower, paths, before = Tower(rng, RULES), [], None
    for part in range(3):
        tower.live(items[part * len(items) // 3 : (part + 1) * len(items) // 3])
        for place in tower.places:
            place.barrier(rng)
        before = tower.export(tmp_path / f"{part}.jsonl", after=before)
        paths.append(before)
    assert differences(tower.report(), judged(paths).report()) == []
    whole = tower.export(tmp_path / "whole.jsonl")
    assert judged([whole]).report() == judged(paths).report()
    new, stated = rebuild(paths, RULES, number)
    assert new.report() == stated
    assert differences(stated, tower.report()) == []
    again, _ = rebuild([whole], RULES, number)
    assert inbox_of(again) == inbox_of(new)
    assert kept_of(again) == kept_of(new)
    assert again.report() == new.report()


@pytest.mark.parametrize("number", range(16))
def test_a_new_tower_goes_on_where_the_old_one_stopped(tmp_path, seed, number):
    rng = Random(f"rebuilt {seed} {number}")  # noqa: S311
    old, rest, story = stopped(rng)
    old.drain()
    before = old.report()
    export = old.export(tmp_path / "a.jsonl.gz")
    new, stated = rebuild([export], RULES, f"{seed} {number}")
    assert differences(before, stated) == []
    assert differences(before, new.report()) == []
    assert new.cells() == old.cells()
    assert new.notices() == []
    new.live(rest, share=0.05)
    new.settle()
    replay = Replay(RULES)
    replay.run(story)
    assert kpi_differences(new.report(), replay.report()) == []
    assert set(new.notices()) & set(old.notices()) == set()
    assert old.report() == before
    again = new.export(tmp_path / "b.jsonl")
    assert differences(new.report(), judged([again]).report()) == []


def inbox_of(tower):
    """All logs but that of the groups, which orders of several partitions write to at once."""
    return {
        place: log for place, log in tower.logs.records.items()
        if place[0] not in {topics.GROUP_LOG, topics.KPI_CELLS}
    }  # fmt: skip


def kept_of(tower):
    return [place.durable for place in tower.places if place.source.topic != topics.GROUP_LOG]


LATE = story(promised(0, window=(60, 180)), out(60), eta(70, 240))
WORSE = story(eta(130, 300), delivered(310))


def told_of_a_delay(rng):
    """Return a tower that has asked for a notice of a delay, and the receipt of it."""
    tower = Tower(rng, RULES)
    options = PublishOptions(tick_seconds=60, as_of=minute(100))
    tower.attend(schedule(in_order_of_arrival(LATE), options))
    assert tower.notices() == ["A-1/1/delay_predicted/1"]
    receipt = NoticeReceipt(
        notice_id="A-1/1/delay_predicted/1", order_id="A-1", kind="delay_predicted", version=1,
        result="sent", channel="email", eta=minute(240), at=minute(81),
    )  # fmt: skip
    return tower, receipt


def ruled(**said):
    return Rules.model_validate(said)


def minute(after_nine):
    return int((DAY + timedelta(minutes=after_nine)).timestamp() * 1_000)


@pytest.mark.parametrize("applied", [True, False])
def test_who_was_told_is_not_told_again_and_hears_what_is_new(tmp_path, applied):
    old, receipt = told_of_a_delay(Random(1))  # noqa: S311
    old.hear(receipt)
    if applied:
        old.settle()
    before = old.report()
    new, _ = rebuild([old.export(tmp_path / "a.jsonl")], RULES, 2)
    assert (new.notices(), new.cells()) == ([], old.cells())
    new.settle()
    assert new.notices() == []
    assert new.report()["total"]["notices"]["sent"] == 1
    assert before["total"]["notices"]["sent"] == int(applied)
    options = PublishOptions(tick_seconds=60)
    new.attend(schedule(in_order_of_arrival(WORSE), options))
    assert new.notices() == ["A-1/1/delay_worse/2"]
    assert len(facts(new, "delay_predicted")) == 1  # said of the past: a conclusion, no act


def test_what_is_still_to_be_applied_is_dated_anew(tmp_path):
    # Retention goes by these dates, and what workers still have to read must outlast it.
    old, receipt = told_of_a_delay(Random(1))  # noqa: S311
    old.hear(receipt)
    new, _ = rebuild([old.export(tmp_path / "a.jsonl")], RULES, 2)
    for number in range(PARTITIONS):
        before, after = (each.logs.of(topics.ORDER_LOG, number) for each in (old, new))
        applied = old.standing().applied[f"{topics.ORDER_LOG}/{number}"]
        assert [each.timestamp for each in before] == [0] * len(before)
        assert [each.timestamp for each in after[:applied]] == [0] * applied
        assert [each.timestamp for each in after[applied:]] == [NOW] * (len(before) - applied)


@pytest.mark.parametrize("enter", [1, 600])
def test_other_rules_say_nothing_of_the_past_to_anybody(tmp_path, enter):
    old, receipt = told_of_a_delay(Random(1))  # noqa: S311
    old.hear(receipt)
    old.settle()
    rules = ruled(schema=1, notices={"enter_minutes": enter})
    new, _ = rebuild([old.export(tmp_path / "a.jsonl")], rules, 2)
    new.settle()
    assert new.notices() == []
    assert new.report()["total"]["notices"]["sent"] == 1


def test_a_mended_verdict_comes_out_in_the_new_tower_alone(tmp_path):
    # Handed over at 185, five minutes after the window: late; on time with ten of grace.
    old = Tower(Random(3), RULES)  # noqa: S311
    days = story(promised(0, window=(60, 180)), out(60), delivered(185))
    options = PublishOptions(tick_seconds=60, as_of=minute(200))
    old.attend(schedule(in_order_of_arrival(days), options))
    before = old.report()
    rules = ruled(schema=1, defaults={"grace_minutes": {"window": 10}})
    new, stated = rebuild([old.export(tmp_path / "a.jsonl")], rules, 4)
    assert new.report() == stated
    assert old.report() == before
    assert before["total"]["delivery_time"]["late"] == 1
    assert stated["total"]["delivery_time"]["on_time"] == 1
    differ = differences(before, stated)
    assert "total/delivery_time/late was 1 and is 0" in differ
    assert "judged by the rules" in (audited(judged([tmp_path / "a.jsonl"], rules)) or "")


def test_a_courier_log_that_was_cut_keeps_its_counts(tmp_path):
    rng = Random(5)  # noqa: S311
    spec = DaySpec(orders=8, couriers=3, seed=5, start=BEGINS, scenario="hostile_day")
    items = list(
        schedule(
            in_order_of_arrival(list(said(day(spec).events))), PublishOptions(tick_seconds=900)
        )
    )
    old = Tower(rng, RULES)
    old.live(items[: len(items) // 2])
    old.settle()
    export = old.export(tmp_path / "a.jsonl", couriers=False)
    assert judged([export]).report() == old.report()
    assert old.report()["events"]["accepted"] > len(items) // 4
    new, stated = rebuild([export], RULES, 6)
    assert stated == old.report()
    new.settle()
    new.live(items[len(items) // 2 :])
    new.settle()
    replay = Replay(RULES)
    replay.run(list(said(day(spec).events)))
    mine, whole = new.report(), replay.report()
    assert kpi_differences(mine["carriers"], whole["carriers"]) == []
    assert mine["events"]["read"] == whole["events"]["read"]


def facts(tower, kind):
    topic = topics.ORDER_FACTS
    found = [
        json.loads(record.value)
        for number in range(PARTITIONS)
        for record in tower.logs.of(topic, number)
    ]
    return [each for each in found if each["kind"] == kind]
