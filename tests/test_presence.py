"""Questions about couriers and their answers: at once, on every change, after every crash."""

import json
from datetime import datetime
from itertools import permutations

import pytest

from models.base import millis
from models.rules import Rules
from streams import topics
from streams.clocks import origin_header
from streams.codec import decode_order
from streams.couriers import CouriersFold
from streams.domain.judgement import Judgement
from streams.domain.parcels import decode
from streams.domain.presence import Presence, Question
from streams.domain.suspects import suspicion
from streams.engine.api import Record
from streams.engine.rows import PartitionRows
from streams.orders import OrdersFold
from streams.questions import ASKS, decode_conclusion, encode_question
from streams.replay import Replay
from tests.domain.test_visits import METRES_A_DEGREE
from tests.story import delivered, failed, out, promised, story
from tests.test_couriers import DAY_MS, HOUR_MS, T, changelog, fold, record, said, tick, unasked
from tests.test_ingest import Sent

DOOR = {"lat": 52.52, "lon": 13.40}
MIDNIGHT = T - 10 * HOUR_MS
LAST_WORD = MIDNIGHT + 3 * DAY_MS - 1
ASKED = Question("K", MIDNIGHT, MIDNIGHT + DAY_MS, T, DOOR["lat"], DOOR["lon"], LAST_WORD)


def seen(at, metres, **told):
    return said(at=at, lat=DOOR["lat"] + metres / METRES_A_DEGREE, lon=DOOR["lon"], **told)


def question(offset, order="A-1", asked=ASKED):
    return Record(offset, 0, b"K", encode_question(order, asked), ASKS)


def answers(sent):
    """Return the answers that went out: whose, the origin's offset, near, on shift."""
    found = []
    for _, key, value, headers, _ in sent.to(topics.ORDER_LOG):
        if headers.get("kind") == b"conclusion":
            asked, presence, _ = decode_conclusion(value)
            assert asked in (ASKED, AWAY)
            found.append((key.decode(), headers["origin"].decode(), *presence))
    return found


AWAY = ASKED._replace(lat=50.0)


def test_a_question_is_answered_at_once_and_whenever_the_answer_changes():
    found, sent = fold(), Sent()
    found.fold(
        [
            question(0),
            record(1, seen("10:00:00", 0)),
            record(2, seen("10:00:10", 400)),
            record(3, seen("10:00:20", 0)),
            record(4, seen("10:00:30", 10)),  # two in a row
            record(5, seen("10:00:40", 900)),
            record(6, said("shift_ended", "09:00:00")),
            record(7, seen("10:00:25", 200)),  # late: no longer two in a row
            record(8, seen("10:00:00", 0)),  # a copy of the first
        ],
        sent,
    )
    assert answers(sent) == [
        ("A-1", "couriers/0/0/0", None, None),
        ("A-1", "couriers/0/1/0", False, None),
        ("A-1", "couriers/0/4/0", True, None),
        ("A-1", "couriers/0/6/0", True, False),
        ("A-1", "couriers/0/7/0", False, False),
    ]
    assert found.counts() == {"accepted": 7, "duplicate": 1}


def test_what_came_before_the_question_counts_and_other_days_and_couriers_do_not():
    found, sent = fold(), Sent()
    found.fold(
        [
            record(0, seen("10:00:00", 0)),
            record(1, seen("10:00:10", 0, courier="L")),
            question(2),
            record(3, said(at="10:00:20", courier="L", **DOOR)),
            record(4, {**seen("23:59:59", 0), "occurred_at": "2024-10-03T23:59:59Z"}),
            record(
                5, {**seen("00:00:00", 0), "occurred_at": "2024-10-05T00:00:00Z"}, T + DAY_MS
            ),
        ],
        sent,
    )
    assert answers(sent) == [("A-1", "couriers/0/2/2", False, None)]


def test_what_is_received_too_late_says_nothing():
    found, sent = fold(), Sent()
    records = [
        question(0),
        record(1, seen("10:00:00", 0), LAST_WORD),
        record(2, seen("10:00:10", 0), LAST_WORD + 1),
    ]
    found.fold(records, sent)
    assert answers(sent)[1:] == [("A-1", "couriers/0/1/0", False, None)]
    again, sent = fold(), Sent()
    again.fold([*records[1:], question(3)], sent)
    assert answers(sent) == [("A-1", "couriers/0/3/3", False, None)]


def test_of_copies_the_least_is_the_fix():
    found, sent = fold(), Sent()
    found.fold(
        [
            question(0),
            record(1, seen("10:00:00", 0), T + 1),
            record(2, seen("10:00:10", 0), T + 1),
            record(3, {**seen("10:00:10", 0), "lat": 50.0}, T),  # what it said first
        ],
        sent,
    )
    assert [each[2] for each in answers(sent)] == [None, False, True, False]


@pytest.mark.parametrize("late", [T + HOUR_MS, T + 2 * DAY_MS - 1])
def test_what_a_later_copy_brought_first_counts_for_who_asks_of_before(late):
    found, sent = fold(), Sent()
    frozen = ASKED._replace(known_by=T + 1)
    found.fold(
        [
            record(0, seen("10:00:00", 0), late),
            record(1, seen("10:00:00", 0), T),
            record(2, seen("10:00:10", 0), T + 1),
            tick(3, late),
            question(4, asked=frozen),
        ],
        sent,
    )
    ((*_, value, _, _),) = [each for each in sent.all if each[3].get("kind") == b"conclusion"]
    assert decode_conclusion(value) == (frozen, Presence(near=True, on_shift=None), False)


def test_two_orders_that_ask_are_both_answered_each_about_its_door():
    found, sent = fold(), Sent()
    found.fold([question(0), question(1, "B-2", AWAY), question(2, "B-2")], sent)
    sent.all.clear()
    found.fold([record(3, seen("10:00:00", 0)), record(4, seen("10:00:10", 0))], sent)
    assert answers(sent) == [
        ("A-1", "couriers/0/3/0", False, None),
        ("B-2", "couriers/0/3/1", False, None),
        ("B-2", "couriers/0/3/2", False, None),
        ("A-1", "couriers/0/4/0", True, None),
        ("B-2", "couriers/0/4/2", True, None),
    ]


def test_who_asks_again_is_answered_again():
    found, sent = fold(), Sent()
    found.fold([question(0), question(1)], sent)
    assert answers(sent) == [
        ("A-1", "couriers/0/0/0", None, None), ("A-1", "couriers/0/1/0", None, None),
    ]  # fmt: skip


def test_a_question_is_over_when_nothing_can_change_its_answer():
    found, sent = fold(), Sent()
    found.fold([record(0, seen("10:00:00", 0)), question(1), tick(2, LAST_WORD)], sent)
    assert [key for key, _ in found.rows.items() if key.startswith(b"q/")]
    found.fold([tick(3, LAST_WORD + 1)], sent)
    found.publish(sent)
    found.publish(sent)
    assert not [key for key, _ in found.rows.items() if key.startswith(b"q/")]
    # Asked once more it is answered by what is still known, and not kept.
    found.fold([question(4)], sent)
    assert answers(sent)[-1] == ("A-1", "couriers/0/4/4", False, None)
    assert not [key for key, _ in found.rows.items() if key.startswith(b"q/")]


def test_an_answer_says_that_more_was_known_once():
    found, sent = fold(), Sent()
    found.fold([tick(0, T + 9 * DAY_MS), unasked(1, T + 9 * DAY_MS), question(2)], sent)
    ((*_, value, _, _),) = [each for each in sent.all if each[3].get("kind") == b"conclusion"]
    assert decode_conclusion(value) == (ASKED, Presence(None, None), True)


RECORDS = [
    record(0, seen("10:00:00", 0)),
    question(1),
    record(2, seen("10:00:10", 0)),
    record(3, seen("10:00:05", 200)),
    question(4, "B-2"),
    record(5, seen("10:00:15", 0)),
    record(6, said("shift_ended", "09:00:00")),
]
WHOLE = [
    ("A-1", "couriers/0/1/1", False, None),
    ("A-1", "couriers/0/2/1", True, None),
    ("A-1", "couriers/0/3/1", False, None),
    ("B-2", "couriers/0/4/4", False, None),
    ("A-1", "couriers/0/5/1", True, None),
    ("B-2", "couriers/0/5/4", True, None),
    ("A-1", "couriers/0/6/1", True, False),
    ("B-2", "couriers/0/6/4", True, False),
]


@pytest.mark.parametrize("durable", [(), (b"h/",), (b"q/",), (b"c/",), (b"h/", b"q/"), None])
@pytest.mark.parametrize("cut", range(1, len(RECORDS) + 1))
def test_a_crash_repeats_the_same_answers_under_the_same_origins(cut, durable):
    """Of a flush any rows are durable, its outputs are; the records come again."""
    crashed, before = fold(), Sent()
    crashed.fold(RECORDS[:cut], before)
    kept = {
        key: row
        for key, row in changelog(crashed).items()
        if durable is None or key[:2] in durable
    }
    again, after = fold(kept), Sent()
    again.fold(RECORDS, after)
    assert [each for each in WHOLE if each in answers(before) + answers(after)] == WHOLE
    assert [each for each in answers(after) if each not in WHOLE] == []
    assert dict(again.rows.items()) == dict(straight().rows.items())


def straight():
    found = fold()
    found.fold(RECORDS, Sent())
    return found


def test_a_crash_between_flushes_goes_on_where_it_was():
    first, before = fold(), Sent()
    first.fold(RECORDS[:3], before)
    again, after = CouriersFold(0, first.upstreams, 2), Sent()
    again.recover(first.meta(), PartitionRows(changelog(first), 2), {})
    again.fold(RECORDS[3:], after)
    assert answers(before) + answers(after) == WHOLE


# -- orders and couriers together -------------------------------------------------------------

LIFE = story(
    promised(0, window=(300, 540), destination=DOOR), out(240, courier_id="K"), failed(330)
)


def spotted(minutes, metres):
    """Return a position of courier K so many minutes after nine, metres north of the door."""
    at = f"2026-03-03T{9 + minutes // 60:02}:{minutes % 60:02}:00Z"
    event = seen("09:00:00", metres) | {"occurred_at": at, "event_id": at}
    return json.dumps(event).encode()


def suspect(lines):
    replay = Replay(Rules())
    replay.run(lines)
    order = replay.orders.order("A-1")
    return suspicion(order.track, order.presence) is not None


@pytest.mark.parametrize(
    ("fixes", "doubted"),
    [
        ([], False),
        ([(325, 0), (328, 60)], False),
        ([(325, 0), (328, 400)], True),
        ([(100, 74), (102, 74)], False),  # that day, whenever
        ([(325, 80), (328, 80)], True),
    ],
)
def test_a_replay_asks_and_answers_itself_in_whatever_order(fixes, doubted):
    lines = [*LIFE, *(spotted(*each) for each in fixes)]
    for order in permutations(lines):
        if len(lines) < 5 or order[0] == lines[0]:
            assert suspect(order) == doubted


def millis_of(text):
    return millis(datetime.fromisoformat(text))


def orders():
    found = OrdersFold(0, ("order-events/0", "couriers/0", "couriers/1"), Judgement(Rules()))
    rows = PartitionRows({}, -1)
    found.recover(None, rows, {})
    return found, rows


def event(offset, line):
    decoded = decode_order(line)
    headers = (
        ("received_at", str(millis(decoded.event.occurred_at)).encode()),
        ("origin", origin_header("order-events/0", offset)),
    )  # fmt: skip
    return Record(offset, 0, decoded.event.order_id.encode(), decoded.canonical, headers)


def concluded(offset, value, origin):
    headers = (("kind", b"conclusion"), ("origin", origin_header("couriers/1", *origin)))
    return Record(offset, 0, b"A-1", value, headers)


def asked_of(sent):
    return [each[1:3] for each in sent.to(topics.COURIER_LOG) if each[3]["kind"] == b"question"]


def partition_cell(found):
    sent = Sent()
    found.publish(sent)
    return next(json.loads(each[2]) for each in sent.all if each[1].endswith(b"~partition"))


def test_an_order_asks_once_and_says_that_it_waits_until_it_is_answered():
    (found, _), sent = orders(), Sent()
    found.fold([event(number, line) for number, line in enumerate(LIFE)], sent)
    ((courier, value),) = asked_of(sent)
    assert courier == b"K"
    assert partition_cell(found)["unanswered"] == 1
    row = found.row("A-1")
    (question_,) = row.asked
    said_ = dict.fromkeys(("near", "on_shift"))
    answer = json.dumps(json.loads(value) | said_ | {"near": True}).encode()
    found.fold([concluded(3, answer, (7, 1))], sent)
    assert row.presence == {question_: Presence(near=True, on_shift=None)}
    assert (row.asked, partition_cell(found)["unanswered"]) == ((), 0)
    # What came before is a repeat; what is said later counts; what was forgotten does not.
    other = json.dumps(json.loads(value) | said_ | {"near": False}).encode()
    lost = json.dumps(json.loads(value) | said_ | {"forgotten": True}).encode()
    found.fold([concluded(4, other, (7, 1)), concluded(5, lost, (7, 2))], sent)
    assert row.presence[question_].near is True
    found.fold([concluded(6, other, (8, 1))], sent)
    assert row.presence[question_].near is False
    assert len(asked_of(sent)) == 1


def test_who_recovers_asks_again_what_is_unanswered():
    first, rows = orders()
    first.fold([event(number, line) for number, line in enumerate(LIFE)], Sent())
    (again, _), sent = orders(), Sent()
    again.recover(first.meta(), PartitionRows(dict(rows._rows), 2), {})
    assert partition_cell(again)["unanswered"] == 1
    tick_ = Record(3, 0, None, b"{}", (("kind", b"tick"), ("caught_up", b"1")))
    again.fold([tick_], sent)
    again.fold([tick_._replace(offset=4)], sent)
    assert len(asked_of(sent)) == 1


def test_nothing_becomes_irreversible_while_an_answer_is_awaited():
    rules = Rules.model_validate({"retention": {"ended_days": 1, "silent_days": 1}})
    found = OrdersFold(0, ("order-events/0",), Judgement(rules))
    found.recover(None, PartitionRows({}, -1), {})
    sent, ended = Sent(), []
    found.ended = lambda _, closed: ended.append(closed)
    found.fold([event(number, line) for number, line in enumerate(LIFE)], sent)
    late = json.dumps({"order-events/0": 1772530000000 + 60 * DAY_MS}).encode()
    found.fold([Record(3, 0, None, late, (("kind", b"tick"), ("caught_up", b"1")))], sent)
    assert found.order("A-1") is not None
    ((_, value),) = asked_of(sent)
    answer = json.dumps(json.loads(value) | {"near": False, "on_shift": None}).encode()
    found.fold([concluded(4, answer, (7, 1))], sent)
    assert found.order("A-1") is None
    (closed,) = ended
    assert suspicion(closed.order.track, closed.order.presence) is not None


def test_while_an_answer_is_awaited_others_are_told_the_time_up_to_what_is_not_done_yet():
    # Promised for 18:00, final seven days later: in the millisecond after that the order ends,
    # whenever the answer comes. What concerns it then must not have been archived or forgotten.
    rules = Rules.model_validate({"retention": {"ended_days": 1, "silent_days": 1}})
    upstreams = ("order-events/0", "couriers/0")
    found, sent = OrdersFold(0, upstreams, Judgement(rules), group_logs=1), Sent()
    found.recover(None, PartitionRows({}, -1), {})
    first = json.dumps(json.loads(LIFE[0]) | {"group_id": "G"}).encode()
    found.fold([event(number, line) for number, line in enumerate((first, *LIFE[1:]))], sent)
    ends, now = millis_of("2026-03-10T18:00:00.001Z"), millis_of("2026-05-01T12:00:00Z")
    late = json.dumps(dict.fromkeys(upstreams, now)).encode()
    found.fold([Record(3, 0, None, late, (("kind", b"tick"), ("caught_up", b"1")))], sent)
    found.publish(sent)
    assert sent.ticks(topics.GROUP_LOG) == [(0, ends - 1, True)]
    assert sent.ticks(topics.COURIER_LOG) == [(0, ends - 1, True)]
    ((_, value),) = asked_of(sent)
    answer = json.dumps(json.loads(value) | {"near": None, "on_shift": None}).encode()
    sent.all.clear()
    origin = ("origin", origin_header("couriers/0", 7, 1))
    concluded_ = Record(4, 0, b"A-1", answer, (("kind", b"conclusion"), origin))
    found.fold([concluded_], sent)
    found.publish(sent)
    (closed,) = [decode(each[2]) for each in sent.to(topics.GROUP_LOG) if each[1] is not None]
    assert closed.closed == ends
    assert [each[1] for each in sent.to(topics.GROUP_LOG)] == [b"g/G", None]
    assert sent.ticks(topics.GROUP_LOG) == [(0, now, True)]
    assert sent.ticks(topics.COURIER_LOG) == [(0, now, True)]


def test_inboxes_say_once_an_hour_that_questions_of_before_are_over():
    (found, _), sent = orders(), Sent()
    for offset, at in enumerate((T, T + HOUR_MS - 1, T + HOUR_MS)):
        value = json.dumps(dict.fromkeys(found.upstreams, at)).encode()
        found.fold([Record(offset, 0, None, value, (("kind", b"tick"),))], sent)
    assert sent.ticks(topics.COURIER_LOG) == [
        (0, T, True), (1, T, True), (0, T + HOUR_MS, True), (1, T + HOUR_MS, True),
    ]  # fmt: skip


def test_a_life_that_was_parked_asks_as_soon_as_it_begins():
    # The first life ends a day after its delivery, its stub a day later; what came ten days
    # later was parked until then. One tick lets all of that happen at once.
    days = {"ended_days": 1, "silent_days": 1, "stub_days": 1}
    rules = Rules.model_validate({"defaults": {"maturity_days": 0}, "retention": days})
    found, sent = OrdersFold(0, ("order-events/0",), Judgement(rules)), Sent()
    found.recover(None, PartitionRows({}, -1), {})
    later = 10 * 24 * 60
    first = story(promised(0, window=(60, 120)), delivered(100))
    second = story(
        promised(later, window=(later + 60, later + 120), destination=DOOR),
        failed(later + 100, courier_id="K"),
    )
    found.fold([event(number, line) for number, line in enumerate([*first, *second])], sent)
    assert asked_of(sent) == []
    value = json.dumps({"order-events/0": 1772530000000 + 11 * DAY_MS}).encode()
    found.fold([Record(4, 0, None, value, (("kind", b"tick"), ("caught_up", b"1")))], sent)
    assert {courier for courier, _ in asked_of(sent)} == {b"K"}
    assert found.order("A-1").track.attempts.visits
