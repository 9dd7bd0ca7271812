"""The doctor's findings follow from what was seen alone; numbers are worked out by hand."""

from dataclasses import replace

import pytest

from streams import admin
from streams.config import Settings
from streams.doctor.diagnosis import as_json, as_lines
from streams.doctor.judge import NAMES, healthy, judge
from streams.doctor.seen import Claims, Group, Letters, Looks, Unread, Unseen
from streams.topics import TOPICS, named
from tests.doctor.given import MINUTE, NOW, SECOND, A, B, look, looks, said, seen, verdicts

UNSEEN = Unseen("The broker did not answer in time.")


def only(name, **changes):
    """Return the one finding of a check, which alone is not in order."""
    assert verdicts(**changes) == {name: "wrong"}
    [finding] = said(name, **changes)
    assert finding.first.endswith(".")
    return finding


def test_a_tower_in_good_health_is_healthy():
    judged = judge(seen())
    assert [each.verdict for each in judged] == ["ok"] * len(NAMES)
    assert healthy(judged)
    assert as_lines(judged).splitlines()[-1] == "Nothing is wrong."


def test_without_a_broker_one_sentence_says_it_and_nothing_else_is_judged():
    away = Unseen("No Kafka broker answers at 127.0.0.1:1.")
    blind = {"topics": UNSEEN, "looks": UNSEEN, "letters": UNSEEN, "unread": UNSEEN}
    found = verdicts(broker=away, model=UNSEEN, **blind)
    assert found.pop("broker") == "wrong"
    assert set(found) == set(NAMES) - {"broker", "claims", "disk"}
    assert set(found.values()) == {"unseen"}
    assert said("broker", broker=away)[0].seen == away.why


def test_what_a_broker_does_not_show_is_not_taken_for_health():
    found = verdicts(topics=UNSEEN, looks=UNSEEN, letters=UNSEEN, unread=UNSEEN, model=UNSEEN)
    assert found.pop("broker") == "wrong"
    assert found == dict.fromkeys(
        ("topics", "workers", "lag", "clocks", "dead-letters", "rules", "model", "dispatcher"),
        "unseen",
    )
    assert UNSEEN.why in said("broker", letters=UNSEEN)[0].seen


def test_no_claims_file_on_this_machine_is_no_fault():
    found = verdicts(claims=Unseen("There is no claims file."))
    assert found == {"claims": "unseen", "disk": "unseen"}
    assert healthy(judge(seen(claims=Unseen("There is no claims file."))))


def test_a_check_left_out_is_not_judged():
    away = seen(looks=looks(dispatchers=Group("t.dispatcher", "Empty")))
    assert not healthy(judge(away))
    left = judge(away, frozenset({"dispatcher"}))
    assert healthy(left)
    assert "\nok     dispatcher" not in as_lines(left)
    assert '"healthy": true' in as_json(away, left)


# Topics


@pytest.mark.parametrize(
    ("there", "first"),
    [
        ({}, "Start a worker, or name"),
        ({"order-log": None}, "Start a worker: it creates"),
        ({"order-log": (3, {})}, "Set TOWER_PARTITIONS"),
        ({"kpi-cells": (2, {"cleanup.policy": "delete"})}, "Change it by kafka-configs"),
    ],
)
def test_each_finding_about_topics_has_its_remedy(monkeypatch, there, first):
    monkeypatch.delenv("TOWER_PARTITIONS", raising=False)
    on_broker = {
        topic.name: admin.TopicOnBroker(topic.partitions or 2, dict(topic.config))
        for topic in TOPICS
        if there
    }
    for name, what in there.items():
        if what is None:
            del on_broker[name]
        else:
            config = {**on_broker[name].config, **what[1]}
            on_broker[name] = admin.TopicOnBroker(what[0], config)
    found = admin.findings(
        {named("t", name): each for name, each in on_broker.items()},
        Settings(namespace="t", partitions=2),
    )
    assert len(found) == 1
    assert only("topics", topics=tuple(found)).first.startswith(first)


# Workers


def test_no_worker_is_said_with_what_waits():
    gone = looks(workers=Group("t.worker", "Empty"), end=103)  # 10 partitions, 3 unread each
    [finding] = said("workers", looks=gone)
    assert finding.seen == "No worker is in the group t.worker; unread: 30 records."
    [stuck] = said("lag", looks=gone)
    assert stuck.seen.endswith(
        "30 records unread, nothing was committed for 4 s; no worker runs."
    )


def test_partitions_nobody_has_are_named():
    finding = only("workers", looks=looks(workers=Group("t.worker", "Stable", (A,))))
    assert finding.seen == (
        "No worker has courier-events/1, courier-log/1, group-log/1, order-events/1,"
        " order-log/1, members of the group: 1."
    )


def test_a_group_that_shares_out_anew_is_not_asked_for_its_partitions():
    bare = replace(A, partitions=frozenset())
    moving = looks(workers=Group("t.worker", "PreparingRebalance", (bare,)))
    assert "PreparingRebalance, 1 member" in only("workers", looks=moving).seen


def test_a_worker_without_work_is_mentioned():
    idle = replace(A, name="c", partitions=frozenset())
    [finding] = said("workers", looks=looks(workers=Group("t.worker", "Stable", (A, B, idle))))
    assert finding.seen == "3 workers share 10 partitions; without any: 1."


# Lag


def test_a_partition_that_stands_is_named_with_its_owner():
    both = looks(end=140)
    standing = {("order-log", 1): 120, ("courier-log", 1): 139}
    applied = [
        dict.fromkeys(each.applied, 140) | standing for each in (both.first, both.second)
    ]
    finding = only(
        "lag",
        looks=Looks(
            replace(both.first, applied=applied[0]), replace(both.second, applied=applied[1])
        ),
    )
    assert finding.seen == (
        "courier-log/1, order-log/1 stand still with 21 records unread, nothing was committed"
        " for 4 s; owner: b on host-b."
    )


def test_what_came_between_the_looks_is_no_standstill():
    assert verdicts(looks=Looks(look(NOW - 4 * SECOND), look(NOW, end=101))) == {}


def test_a_partition_without_a_commit_counts_from_the_start_of_its_log():
    never = looks(applied=0, end=0, logs={("order-log", 0): (40, 50)})
    never = Looks(replace(never.first, applied={}), replace(never.second, applied={}))
    assert never.second.lag(("order-log", 0), never.second.applied) == 10


@pytest.mark.parametrize(
    ("done", "waits", "words"),
    [
        # 4 s for 8,000 records are 2,000 a second: 60,000 take 30 s, one more takes longer
        (8_000, 60_000, None),
        (8_000, 60_002, "at 2,000 a second they take 30 s, and the pile grows"),
        # 16 a second
        (64, 1_600, "at 16 a second they take 1 min 40 s, and the pile grows"),
    ],
)
def test_a_backlog_is_judged_by_the_time_it_takes(done, waits, words):
    first = {("order-events", number): 100_000 for number in (0, 1)}
    second = {each: at + done // 2 for each, at in first.items()}
    ends = {each: (0, at + waits // 2) for each, at in second.items()}

    def at(moment, applied, logs):
        healthy = look(moment)
        return replace(
            healthy, applied=healthy.applied | applied, logs=dict(healthy.logs) | logs
        )

    two = Looks(
        at(NOW - 4 * SECOND, first, dict.fromkeys(first, (0, 100_001))), at(NOW, second, ends)
    )
    if words is None:
        assert verdicts(looks=two) == {}
    else:
        assert words in only("lag", looks=two).seen


def test_a_pile_that_shrinks_only_wants_patience():
    before = look(NOW - 4 * SECOND, applied=0, end=10_000)
    after = look(NOW, applied=400, end=10_000)  # 100 a second, 9,600 a partition: 96 s
    [first, *_] = said("lag", looks=Looks(before, after))
    assert "they take 1 min 36 s, and the pile shrinks" in first.seen
    assert first.first.startswith("Wait")


# Dispatcher


def test_no_dispatcher_is_said_with_the_notices_that_wait():
    # the tower's clock is 3 s behind NOW, so what was decided 63 s before NOW is 1 min old
    finding = only(
        "dispatcher",
        looks=looks(dispatchers=Group("t.dispatcher", "Empty")),
        unread=Unread(notices=2, oldest=NOW - 63 * SECOND, expired=1),
    )
    assert finding.seen == (
        "No dispatcher is in the group t.dispatcher; 2 notices lie unread, the oldest asked"
        " for 1 min ago by the tower's clock, 1 of them expired."
    )


def test_a_dispatcher_that_reads_nothing_is_said():
    unread = {("notice-commands", 0): 90, ("contact-updates", 0): 100}
    finding = only("dispatcher", looks=looks(read=unread))
    assert "has read nothing of notice-commands/0 for 4 s; no notice lies" in finding.seen


# Dead letters, rules, model


@pytest.mark.parametrize(("quarter", "verdict"), [(10, "ok"), (11, "wrong")])
def test_dead_letters_are_wrong_from_eleven_in_a_quarter_of_an_hour_on(quarter, verdict):
    some = Letters(40, quarter, {"bad_time": 3, "bad_json": 20, "missing_field": 3})
    [finding] = said("dead-letters", letters=some)
    assert finding.verdict == verdict
    assert finding.seen == (
        f"40 messages set aside in the last hour, {quarter} in the last 15 minutes"
        " (the newest: bad_json 20, bad_time 3, missing_field 3)."
    )
    assert ("--reason bad_json" in finding.first) is (verdict == "wrong")


def test_other_rules_than_the_file_here_are_wrong():
    assert "abc, here are xyz" in only("rules", rules="xyz").seen
    mixed = looks(rules=frozenset({"abc", "old"}))
    assert "abc and old, here are abc" in only("rules", looks=mixed).seen
    assert only("rules", rules=Unseen("The rules r are wrong: x.")).seen.startswith("The rules")


def test_without_a_model_it_says_so_and_an_old_one_is_wrong():
    assert said("model")[0].seen.startswith("No model is in use")
    assert verdicts(model=True) == {}
    assert "none of the last 24 hours" in only("model", model=False).seen


# The dispatcher's file


def held(**changes):
    return replace(Claims("c.sqlite", 3, NOW, 0, 0, None, 2**33), **changes)


def test_notices_that_wait_too_long_are_wrong():
    assert verdicts(claims=held(oldest=NOW - 5 * MINUTE)) == {}
    finding = only("claims", claims=held(oldest=NOW - 5 * MINUTE - SECOND))
    assert (
        finding.seen == "Waiting in c.sqlite to be sent: 3 notices, the oldest for 5 min 1 s."
    )


def test_expired_notices_and_receipts_owed_are_wrong():
    assert "1 notice in c.sqlite expired" in only("claims", claims=held(expired=1)).seen
    assert verdicts(claims=held(owed=2, owed_since=NOW - MINUTE)) == {}
    owed = held(owed=2, owed_since=NOW - MINUTE - SECOND)
    assert (
        "2 receipts of their notices, the first for 1 min 1 s"
        in only("claims", claims=owed).seen
    )


def test_a_disk_that_fills_up_is_wrong():
    assert verdicts(claims=held(free=2**30)) == {}
    assert "Only 0.5 GiB are free" in only("disk", claims=held(free=2**29)).seen
