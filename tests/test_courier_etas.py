"""Positions become ETAs in the order's inbox: kept, said as facts, scored."""

import json

import pytest

from models.facts import FACT
from models.rules import Rules
from streams import topics
from streams.engine.rows import PARTITION_KEY, merge
from streams.estimates import decode_estimate, estimated
from streams.replay import Replay
from tests.domain.test_visits import METRES_A_DEGREE
from tests.test_couriers import T, changelog, fold, record, said
from tests.test_ingest import Sent

SECOND, MINUTE = 1_000, 60_000
STOPS = [
    {"order_id": f"A-{n}", "lat": 52.0 + n * 1_000 / METRES_A_DEGREE, "lon": 13.0}
    for n in (1, 2, 3)
]


def clock(seconds):
    """Return a time of day so many seconds after ten."""
    return f"{10 + seconds // 3_600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"


def seen(seconds, metres, **told):
    lat = 52.0 + metres / METRES_A_DEGREE
    return said(at=clock(seconds), lat=lat, lon=13.0, **{"accuracy_m": 8.0} | told)


def planned(at="10:00:00", stops=STOPS, **told):
    return said("route_planned", at, stops=stops, **told)


# 5 m/s to the first door, three minutes there, on to the second, three minutes there, and on.
WAY = [
    *((at, at * 5) for at in range(20, 200, 20)),
    *((at, 1_000) for at in range(200, 380, 20)),
    *((at, 1_000 + (at - 380) * 5) for at in range(400, 580, 20)),
    *((at, 2_000) for at in range(580, 760, 20)),
    *((at, 2_000 + (at - 760) * 5) for at in range(780, 900, 20)),
]


def drive(found, sent, way=WAY, first=1):
    for number, (at, metres) in enumerate(way, first):
        found.fold([record(number, seen(at, metres), T + at * SECOND)], sent)


def etas(sent):
    """Return what orders were told: (order, stage, ETA minus now in seconds)."""
    told = []
    for _, key, value, headers, _ in sent.to(topics.ORDER_LOG):
        if headers.get("kind") == b"estimate":
            eta = decode_estimate(value)
            assert key.decode() == eta.order_id
            assert (eta.by, eta.courier_id, eta.source) == ("tower", "K", "tower")
            expected = estimated(eta)
            assert expected.low <= expected.eta <= expected.high
            told.append((eta.order_id, eta.stage, (expected.eta - expected.at) / SECOND))
    return told


def test_orders_of_a_route_are_told_until_they_are_served():
    found, sent = fold(), Sent()
    found.fold([record(0, planned())], sent)
    assert etas(sent) == []  # nobody knows where the courier is
    drive(found, sent)
    told = etas(sent)
    assert {order for order, _, _ in told} == {"A-1", "A-2", "A-3"}
    stages = [stage for order, stage, _ in told if order == "A-1"]
    assert list(dict.fromkeys(stages)) == ["near", "arrived", "left"]
    # With the way as it is guessed and no surprise, an order is told little.
    assert len(told) < 20
    assert len(WAY) > 40


def test_a_position_that_changes_nothing_sends_nothing_and_writes_one_row():
    found, sent = fold(), Sent()
    found.fold([record(0, planned()), record(1, seen(20, 100)), record(2, seen(40, 200))], sent)
    found.rows.take()
    before = len(sent.all)
    found.fold([record(3, seen(60, 300), T + 60 * SECOND)], sent)
    assert sent.all[before:] == []
    written = found.rows.take()
    assert {key[:2] for key in written.rest} == {b"c/", b"h/"}  # where he is, and that he was


def test_off_the_shift_or_without_a_route_nothing_is_expected():
    for first in (said("shift_ended", "09:59:00"), said(at="09:59:00", lat=52.0, lon=13.0)):
        found, sent = fold(), Sent()
        route = [record(1, planned())] if first["kind"] == "shift_ended" else []
        found.fold([record(0, first), *route], sent)
        drive(found, sent, first=2)
        assert etas(sent) == []


def test_after_a_crash_the_same_is_said_under_the_same_origins():
    calm, all_sent = fold(), Sent()
    calm.fold([record(0, planned())], all_sent)
    drive(calm, all_sent)
    for cut in (8, 12, 20, 30, 40):
        found, first = fold(), Sent()
        found.fold([record(0, planned())], first)
        drive(found, first, WAY[:cut])
        durable = changelog(found)
        # Rows are ahead of the partition: the last five records come again.
        again, second = fold(durable, applied=cut - 5), Sent()
        drive(again, second, WAY[cut - 5 :], first=cut - 4)
        assert etas(first) + etas(second) == etas(all_sent), cut


def test_what_was_learnt_is_a_row_and_is_learnt_once():
    found, sent = fold(), Sent()
    found.fold([record(0, planned())], sent)
    drive(found, sent)
    durable = {}
    for key, row in changelog(found).items():
        merge(durable, key, row)
    assert b"l/nordpost" in durable
    again, second = fold(durable, applied=0), Sent()
    drive(again, second)
    assert changelog(again)[b"l/nordpost"] == durable[b"l/nordpost"]
    assert etas(second) == []
    assert PARTITION_KEY not in durable


def test_a_route_of_another_time_or_the_same_again_is_no_new_route():
    found, sent = fold(), Sent()
    found.fold([record(0, planned()), record(1, planned())], sent)
    drive(found, sent, WAY[:15], first=2)
    before = json.loads(found.rows.get(b"c/K"))["way"]
    found.fold([record(50, planned("09:00:00", STOPS[:1], event_id="old"))], sent)
    assert json.loads(found.rows.get(b"c/K"))["way"] == before


@pytest.mark.parametrize(
    "told",
    [
        {"lat": 90.0, "lon": 180.0}, {"lat": -90.0, "lon": -180.0}, {"accuracy_m": 1e308},
        {"accuracy_m": 0.0}, {"speed_mps": 1e308},
    ],
)  # fmt: skip
def test_nothing_a_position_can_say_stops_the_fold(told):
    found, sent = fold(), Sent()
    services = zip(STOPS, (0, 1e-9, 1e300), strict=True)
    odd = [stop | {"service_seconds": seconds} for stop, seconds in services]
    far = {"order_id": "A-4", "lat": -52.0, "lon": -167.0}
    found.fold([record(0, planned(stops=[*odd, far]))], sent)
    drive(found, sent, WAY[:20])
    for number, (at, metres) in enumerate(WAY[20:], 30):
        found.fold([record(number, seen(at, metres) | told, T + at * SECOND)], sent)
    drive(found, sent, [(at + 900, metres) for at, metres in WAY], first=90)
    assert etas(sent)


def file_of(*others):
    """Return lines of a route and of the courier's way along it, and others."""
    courier = [planned(), *(seen(at, metres) for at, metres in WAY)]
    return [json.dumps(each).encode() for each in courier] + list(others)


def order_lines(handed=6):
    """Return the life of A-1, handed over so many minutes after ten."""
    day = "2024-10-04T"
    base = {"order_id": "A-1", "source": "shop"}
    events = [
        {"kind": "order_promised", "carrier": "nordpost", "occurred_at": f"{day}08:00:00Z",
         "promise": {"start": f"{day}10:00:00Z", "end": f"{day}12:00:00Z"}},
        {"kind": "out_for_delivery", "occurred_at": f"{day}09:59:00Z"},
        {"kind": "delivered", "to": "consignee", "occurred_at": f"{day}10:0{handed}:00Z"},
    ]  # fmt: skip
    return [
        json.dumps(base | each | {"event_id": f"e{number}"}).encode()
        for number, each in enumerate(events)
    ]


def test_a_replay_tells_scores_and_says_them_as_facts():
    replay = Replay(Rules(), keep_outputs=True)
    replay.run(file_of(*order_lines()))
    report = replay.report()
    tower = report["total"]["eta_deviation_by"]["tower"]
    assert tower["ofd"]["n"] == 1
    assert tower["ofd"]["coverage"]["value"] == 1
    assert report["total"]["eta_deviation"]["ofd"]["n"] == 0  # nobody outside said anything
    # Estimates are no events: three of the order's were accepted, and the courier's.
    assert report["events"]["accepted"] == 3 + 1 + len(WAY)
    facts = [
        FACT.validate_json(value)
        for topic, _, value in replay.out.messages
        if topic == topics.ORDER_FACTS
    ]
    expected = [each for each in facts if each.kind == "eta_estimated"]
    assert [each.order_id for each in expected] == ["A-1"] * len(expected)
    assert len({each.fact_id for each in expected}) == len(expected) > 1
    (deviation,) = [each for each in facts if each.kind == "eta_deviation"]
    first = expected[0]
    assert deviation.by_tower == {"ofd": deviation_of(first)}


def deviation_of(first):
    return T + 6 * MINUTE - first.eta


def test_the_same_file_gives_the_same_bytes_and_estimates_change_no_other_number():
    lines = file_of(*order_lines())
    reports = []
    for some in (lines, lines, [each for each in lines if b"route_planned" not in each]):
        replay = Replay(Rules())
        replay.run(some)
        reports.append(replay.report())
    with_route, again, without = reports
    assert json.dumps(with_route) == json.dumps(again)
    for report in (with_route, without):
        for kpi in (report["total"], report["carriers"]["nordpost"]):
            del kpi["eta_deviation_by"]
    assert with_route["total"] == without["total"]


def test_an_order_that_has_ended_or_is_unknown_is_told_nothing():
    replay = Replay(Rules(), keep_outputs=True)
    replay.run(file_of(*order_lines(handed=0)))
    kinds = [json.loads(value).get("kind") for _, _, value in replay.out.messages if value]
    assert "eta_estimated" not in kinds
    assert replay.orders.row("A-2").order is None
