"""Stories explained: every expected number is worked out from the minutes in the story.

Minutes count from Tuesday 2026-03-03 09:00 UTC, which is 10:00 in Berlin (+01:00).
"""

import json

import pytest

from models.notices import NoticeReceipt
from models.rules import Rules
from streams.cli.explained import pages
from streams.cli.options import instant
from streams.domain.judgement import Judgement
from streams.domain.ledger import settle
from streams.explaining import explain
from streams.replay import Replay
from tests import story as tell
from tests.story import story

DAY = 1_440


def explained(*events, as_of=None, order="A-1", rules=None):
    replay = Replay(rules or Rules())
    at = None if as_of is None else instant(tell.moment(as_of))
    replay.run(story(*events), at)
    return explain(order, replay.orders.row(order), replay.as_of)


def flags(told, kind):
    return [each["flags"] for each in told["timeline"] if each["kind"] == kind]


def counting(told):
    """Return what is said of each promise, by its roles."""
    return {tuple(each["roles"]): each["why"] for each in told["promises"]}


PROMISED = tell.promised(-60, window=(60, 180), timezone="Europe/Berlin", customer_id="k1")
LATE = (PROMISED, tell.out(60), tell.eta(62, 170), tell.eta(140, 220), tell.delivered(215))


def test_a_late_order_says_when_by_how_much_and_why():
    told = explained(*LATE)
    assert told["state"] == "delivered"
    assert told["timezone"] == "Europe/Berlin (said with the order)"
    verdict = told["verdict"]["frozen"]
    assert verdict["outcome"] == "late"
    assert verdict["rule"] == "handed over, promise of precision window"
    # the window ends at minute 180 (13:00 in Berlin), the handover is at 215: 35 minutes
    assert verdict["promise_end"] == "2026-03-03T13:00:00+01:00"
    assert verdict["handover"] == "2026-03-03T13:35:00+01:00"
    assert verdict["lateness"] == 35 * 60
    assert verdict["grace_minutes"] == 0
    assert verdict["why"] == (
        "late: handed over Tue 2026-03-03 13:35 +01:00, 35 min after the promised end "
        "Tue 2026-03-03 13:00 +01:00 (no grace)"
    )
    assert told["verdict"]["freezes_at"] == "2026-03-10T13:00:00+01:00"
    assert told["verdict"]["final"] is False


def test_deviations_are_handover_minus_what_was_in_force():
    deviations = explained(*LATE)["etas"]["deviations"]
    # middle of the window is minute 120; ETAs of 170 from 62 on, of 220 from 140 on;
    # 2 h before the handover is minute 95, 1 h before 155
    assert deviations == {
        "promise": 95 * 60,
        "promise_window": 35 * 60,
        "ofd": 45 * 60,
        "t120": 45 * 60,
        "t60": -5 * 60,
        "t30": -5 * 60,
        "t15": -5 * 60,
    }


def test_the_page_reads_from_promise_to_notice():
    page = pages(explained(*LATE), width=160)
    places = [
        page.index(title)
        for title in ("Order A-1", "Promises", "Timeline", "Attempts", "ETAs", "Verdict", "Not")
    ]
    assert places == sorted(places)
    lines = [" ".join(line.split()) for line in page.splitlines()]
    assert "state delivered" in lines
    assert "customer k1" in lines
    assert "as of Tue 2026-03-03 13:35 +01:00" in lines
    where = "docs/kpis.md, Delivery time, line 6"
    assert f"rule: a handover after the end of the promised window is late ({where})" in lines
    assert "ETA 1 h before 5 min early" in lines
    assert "1 Tue 2026-03-03 13:35 +01:00 handed over" in lines
    # late enough from minute 140 on, held ten minutes: asked for at minute 150, 12:30
    assert (
        "A-1/1/delay_predicted/1 a delay is expected Tue 2026-03-03 12:30 +01:00 "
        "asked for; nothing heard back yet"
    ) in lines
    assert (
        "Tue 2026-03-03 11:02 +01:00 eta updated expected Tue 2026-03-03 12:50 +01:00, "
        "by carrier carrier.hub"
    ) in lines


def test_an_open_order_has_an_outlook_and_a_next_look():
    told = explained(*LATE[:4], as_of=145)
    assert told["state"] == "open, out for delivery"
    assert told["outlook"]["lateness"] == 40 * 60
    assert told["outlook"]["says"] == (
        "expected Tue 2026-03-03 13:40 +01:00, 40 min after the last moment that is not late; "
        "the customer is told once that has held for 10 min"
    )
    assert told["next_look"] == {
        "at": "2026-03-03T12:30:00+01:00",
        "why": "whether its customer is to be told",
    }
    assert told["verdict"]["frozen"]["why"] == (
        "not judged before Tue 2026-03-03 13:00 +01:00 has passed; as things stand it will be "
        "late: nothing was handed over by the promised end Tue 2026-03-03 13:00 +01:00 "
        "(no grace)"
    )


def test_an_overdue_order_counts_on():
    told = explained(PROMISED, tell.out(60), as_of=300)
    assert told["state"] == "open, out for delivery, overdue"
    why = told["verdict"]["frozen"]["why"]
    assert why.startswith("late: nothing was handed over by the promised end")
    assert why.endswith("; overdue by 2 h now")
    assert told["outlook"]["says"].startswith("no ETA, but the parcel moves")


def test_silence_says_from_when_on_it_is_a_delay():
    # an hour before the end of the window: minute 120, 12:00
    told = explained(PROMISED, as_of=0)
    assert told["state"] == "open, promised"
    assert (
        "nobody has touched the parcel by Tue 2026-03-03 12:00 +01:00"
        in (told["outlook"]["says"])
    )
    assert told["next_look"]["at"] == "2026-03-03T12:00:00+01:00"
    told = explained(PROMISED, as_of=130)
    assert told["outlook"]["says"] == (
        "no ETA and nobody has touched the parcel: expected to be late; "
        "the customer was to be told of a delay"
    )


def test_a_promised_day_is_a_day_of_the_orders_zone():
    told = explained(
        tell.promised(0, date="2026-03-05T08:00:00Z", timezone="America/New_York"),
        tell.delivered("2026-03-06T04:59:00Z"),  # 23:59 of the 5th in New York
        as_of="2026-03-06T06:00:00Z",
    )
    assert told["promises"][0]["promise"] == (
        "the day Thu 2026-03-05, until Fri 2026-03-06 00:00 -05:00"
    )
    assert told["verdict"]["frozen"]["why"] == (
        "on time: handed over Thu 2026-03-05 23:59 -05:00, 1 min before the promised end "
        "Fri 2026-03-06 00:00 -05:00 (no grace)"
    )


def test_a_window_over_a_change_of_clocks_shows_both_offsets():
    # Berlin springs forward on 2026-03-29 at 01:00 UTC
    told = explained(
        tell.promised(
            0,
            window=("2026-03-29T00:30:00Z", "2026-03-29T01:30:00Z"),
            timezone="Europe/Berlin",
        )
    )
    assert told["promises"][0]["promise"] == (
        "Sun 2026-03-29 01:30 +01:00 to Sun 2026-03-29 03:30 +02:00"
    )


def test_grace_and_earliness_are_in_the_numbers():
    # an instant at minute 60: grace 15 minutes, early before minute 45
    told = explained(tell.promised(0, instant=60), tell.delivered(70), as_of=100)
    assert told["timezone"] == "UTC (no zone said: as the promise was written)"
    assert told["verdict"]["frozen"]["why"] == (
        "on time: handed over Tue 2026-03-03 10:10 +00:00, 10 min after the promised end "
        "Tue 2026-03-03 10:00 +00:00 (grace 15 min)"
    )
    told = explained(tell.promised(0, instant=60), tell.delivered(40), as_of=100)
    assert told["verdict"]["frozen"]["outcome"] == "early"
    # twenty minutes before minute 60; a quarter of an hour is allowed
    assert told["verdict"]["frozen"]["why"] == (
        "early: handed over Tue 2026-03-03 09:40 +00:00, 20 min before the promised time "
        "Tue 2026-03-03 10:00 +00:00 (15 min are allowed)"
    )


def test_the_customers_timely_wish_is_what_counts():
    told = explained(
        PROMISED,
        tell.changed(10, window=(200, 260)),
        tell.changed(20, window=(300, 360)),
        tell.changed(30, window=(400, 460), by="carrier"),
        tell.changed(185, window=(500, 560)),  # the first promise ended at 180
        tell.delivered(320),
        as_of=400,
    )
    assert [each["why"] for each in told["promises"]] == [
        "does not count: the customer wished another time",
        "does not count: a later wish replaced it",
        "counts: the customer's own last wish, said in time",
        "does not count: the carrier cannot move the verdict",
        "does not count: said after the first promise had ended",
    ]
    assert [each["roles"] for each in told["promises"]] == [
        ["original"], [], ["effective"], [], ["latest"],
    ]  # fmt: skip
    assert told["verdict"]["frozen"]["outcome"] == "on_time"


def test_a_wish_after_the_first_attempt_does_not_count():
    told = explained(
        PROMISED,
        tell.out(60),
        tell.failed(100),
        tell.changed(110, window=(500, 560)),
        as_of=170,
    )
    assert counting(told) == {
        ("original", "effective"): ("counts: the first promise, no timely wish replaced it"),
        ("latest",): "does not count: said after the first attempt",
    }


@pytest.mark.parametrize(
    ("ending", "outcome", "why"),
    [
        (
            tell.turned("lost", 100),
            "failed",
            "failed: lost Tue 2026-03-03 11:40 +01:00, and no handover after it",
        ),
        (
            tell.turned("cancelled", 100, by="merchant"),
            "excluded",
            "excluded: cancelled Tue 2026-03-03 11:40 +01:00, 1 h 20 min before",
        ),
        (
            tell.turned("cancelled", 100, by="carrier"),
            "failed",
            "failed: cancelled Tue 2026-03-03 11:40 +01:00 by the carrier",
        ),
        (
            tell.decided(100, "excluded"),
            "excluded",
            "excluded: excluded, by claims desk, seen the photo, said Tue 2026-03-03 11:40",
        ),
    ],
)
def test_other_endings_name_the_event_that_decided(ending, outcome, why):
    told = explained(PROMISED, ending, as_of=200)
    assert told["verdict"]["frozen"]["outcome"] == outcome
    assert told["verdict"]["frozen"]["why"].startswith(why)


def test_no_promise_is_no_verdict():
    told = explained(tell.promised(0), tell.delivered(60))
    assert told["verdict"]["frozen"]["why"].startswith("excluded: no promise was made")
    assert told["verdict"]["freezes_at"] is None
    assert pages(told)


def test_events_about_an_order_alone_are_no_order():
    told = explained(tell.asked(0))
    assert told["state"].startswith("no order yet")
    assert pages(told)


def test_what_is_peculiar_about_an_event_is_flagged():
    skewed = tell.out(90, observed=70)
    conflicting = {**tell.picked_up(30), "raw_code": "X"} | {"observed_at": tell.moment(31)}
    taken = tell.eta(75, 500)
    told = explained(
        PROMISED,
        tell.picked_up(30),
        conflicting,
        skewed,
        taken,
        tell.withdrawn(80, taken),
        tell.delivered(150, observed=400),
        {**tell.feedback(160, csat=5, comment="left at the door"), "mood": "fine"},
    )
    assert flags(told, "picked_up") == [["came 2 times, 1 of them say something else"]]
    assert flags(told, "out_for_delivery") == [
        ["skewed clock: its source said Tue 2026-03-03 11:30 +01:00"]
    ]
    assert flags(told, "eta_updated") == [["withdrawn by its source"]]
    assert flags(told, "event_withdrawn") == [[]]
    assert flags(told, "delivered") == [["the handover"]]
    assert flags(told, "feedback_given") == [["carried unknown fields"]]
    assert told["events"] == {
        "accepted": 7, "duplicate": 1, "id_conflict": 1, "too_large": 0,
    }  # fmt: skip
    delivered = next(each for each in told["timeline"] if each["kind"] == "delivered")
    assert delivered["received_late"] is True
    assert delivered["received_at"] == "2026-03-03T16:40:00+01:00"
    said = next(each for each in told["timeline"] if each["kind"] == "feedback_given")["says"]
    assert said == "csat 5, with a comment"


def test_wall_time_of_the_orders_zone_is_flagged():
    # written as 11:00Z but meant as 11:00 in Berlin, 10:00 UTC
    told = explained(
        PROMISED, tell.delivered(120, time_quality="local_as_z", observed=125), as_of=200
    )
    assert flags(told, "delivered") == [["the handover", "wall time read in the order's zone"]]
    assert told["verdict"]["frozen"]["handover"] == "2026-03-03T11:00:00+01:00"


def test_attempts_name_reason_and_party_and_what_nobody_reported():
    told = explained(
        PROMISED,
        tell.out(60),
        tell.turned("available_for_pickup", 100),
        tell.out(DAY),
        tell.failed(DAY + 60, "weather"),
        tell.delivered(DAY + 90),
    )
    assert [
        (each["succeeded"], each["reason"], each["party"], each["implicit"])
        for each in told["attempts"]
    ] == [(False, "unknown", "carrier", True), (True, "weather", "force_majeure", False)]
    page = pages(told, width=160)
    assert "nobody reported it: available for pickup proves it" in page
    assert "weather at first, within 2 h: one visit" in page


def test_after_maturity_the_frozen_verdict_stays_and_the_restated_one_moves():
    # the window ends at 180; seven days later is frozen: late. The handover inside the
    # window becomes known a day after that.
    told = explained(
        PROMISED,
        tell.out(60),
        tell.delivered(150, observed=180 + 8 * DAY),
        as_of=180 + 9 * DAY,
    )
    verdict = told["verdict"]
    assert verdict["final"] is True
    assert verdict["frozen"]["outcome"] == "late"
    assert verdict["restated"]["outcome"] == "on_time"
    assert flags(told, "delivered") == [["the handover", "received after the freeze"]]
    page = pages(told, width=160)
    assert "frozen: judged by what was received up to Tue 2026-03-10 13:00 +01:00" in page
    assert "restated by all that is known: on time: handed over" in page


def test_an_ended_order_is_remembered_by_its_date():
    # ended at minute 215; the row closes thirty days later, the id is known a year longer
    told = explained(*LATE, as_of=215 + 40 * DAY)
    assert told["closed"] == {
        "life": 1,
        "at": "2026-04-02T12:35:00+00:00",
        "last_event_at": "2026-03-03T12:35:00+00:00",
        "remembered_until": "2027-04-02T12:35:00+00:00",
    }
    assert "the order ended and its row was closed on Thu 2026-04-02 12:35" in pages(told)


def test_an_event_after_the_end_is_parked_until_the_clock_has_passed_it():
    at = 215 + 40 * DAY
    told = explained(*LATE, tell.feedback(at, csat=1), as_of=at)
    assert [each["flags"] for each in told["parked"]] == [
        ["parked: the order is closed; refused unless a new promise came before it"]
    ]
    assert told["next_look"]["why"] == "what is parked is decided"
    assert "Parked" in pages(told)


def test_a_second_life_speaks_of_the_first():
    again = 215 + 100 * DAY
    told = explained(
        *LATE,
        tell.promised(again, window=(again + 60, again + 120), timezone="Europe/Berlin"),
        as_of=again + 10,
    )
    assert told["life"] == 2
    assert told["state"] == "open, promised"
    assert told["closed"]["life"] == 1
    assert "an earlier life was closed on Thu 2026-04-02" in " ".join(pages(told).split())


def test_an_unknown_order_is_none():
    assert explained(*LATE, order="B-2") is None


def test_a_receipt_says_what_became_of_a_notice():
    replay = Replay(Rules())
    replay.run(story(*LATE))
    row = replay.orders.row("A-1")
    for notice_id, kind, result, reason, eta in (
        ("A-1/1/delay_predicted/1", "delay_predicted", "sent", None, 220),
        ("A-1/1/delay_worse/2", "delay_worse", "suppressed", "muted", None),
        ("odd", "delay_worse", "failed", "recipient", None),
    ):
        receipt = NoticeReceipt(
            notice_id=notice_id,
            order_id="A-1",
            kind=kind,
            version=1,
            result=result,
            reason=reason,
            eta=None if eta is None else instant(tell.moment(eta)),
            at=replay.as_of,
        )
        assert settle(row.ledger, receipt)
    told = explain("A-1", row, replay.as_of)
    assert [each["became"] for each in told["notices"]] == [
        "sent",
        "not said: the customer muted this kind",
        "could not be sent",
    ]
    # the customer was told minute 220, the handover was at 215
    assert told["etas"]["deviations"]["notified"] == -5 * 60
    assert "the ETA the customer was told" in pages(told)


def test_rules_of_a_carrier_show_in_its_numbers():
    rules = Rules.model_validate(
        {
            "schema": 1,
            "carriers": {
                "nordpost": {
                    "grace_minutes": {"window": 40},
                    "timezone": "Asia/Kolkata",
                }
            },
        }
    )
    told = explained(tell.promised(0, window=(60, 180)), tell.delivered(215), rules=rules)
    assert told["rules"] == Judgement(rules).id
    assert told["timezone"] == "Asia/Kolkata (the carrier's, by rule)"
    told = explained(
        tell.promised(0, window=(60, 180)), tell.delivered(215), rules=rules, as_of=300
    )
    assert told["verdict"]["frozen"]["why"] == (
        "on time: handed over Tue 2026-03-03 18:05 +05:30, 35 min after the promised end "
        "Tue 2026-03-03 17:30 +05:30 (grace 40 min)"
    )


def test_nothing_from_outside_steers_a_terminal():
    evil = "\x1b[31m[bold]x\u202e:smile:"
    told = explained(
        tell.promised(0, window=(60, 180), customer_id=evil),
        tell.out(60, courier_id=evil),
        {**tell.event("attempt_failed", 70, reason="[red]no[/red]"), "event_id": evil},
    )
    page = pages(told)
    assert "\x1b" not in page
    assert "\u202e" not in page
    assert "\\x1b[31m[bold]x\\u202e:smile:" in page
    assert "[red]no[/red]" in page


def write(folder, *events):
    file = folder / "events.jsonl"
    file.write_bytes(b"\n".join(story(*events)))
    return file


def test_the_command_explains_an_order_of_a_file(tower, tmp_path):
    ran = tower(
        "explain", "A-1", "--file", write(tmp_path, *LATE), "--as-of", "2026-03-03T13:00Z"
    )
    assert (ran.code, ran.err) == (0, "")
    assert "late: handed over Tue 2026-03-03 13:35 +01:00" in " ".join(ran.out.split())


def test_an_order_that_was_closed_is_explained_as_of_before(tower, tmp_path):
    file = write(tmp_path, *LATE, tell.asked(60 * DAY, order="A-2"))
    ran = tower("explain", "A-1", "--file", file)
    # handed over at minute 215, 12:35 UTC of March 3; the row lives 30 days longer
    said = "Its row was closed at 2026-04-02T12:35:00+00:00: say --as-of with an instant before"
    assert said in " ".join(ran.out.split())
    again = tower("explain", "A-1", "--file", file, "--as-of", "2026-04-02T12:34:00Z")
    assert "late: handed over" in again.out


def test_an_order_that_was_forgotten_is_said_to_have_been_known(tower, tmp_path):
    file = write(tmp_path, *LATE)
    # closed on 2026-04-02 at 12:35 UTC (see above); its id is remembered 365 days longer
    still = tower("explain", "A-1", "--file", file, "--as-of", "2027-04-02T12:34:59Z")
    assert "Its row was closed at 2026-04-02T12:35:00+00:00" in " ".join(still.out.split())
    for at in ("2027-04-02T12:35:00Z", "2040-01-01T00:00:00Z"):
        gone = tower("explain", "A-1", "--file", file, "--as-of", at)
        assert (gone.code, gone.out) == (1, "")
        assert gone.err == (
            "tower: The row of the order A-1 was closed at 2026-04-02T12:35:00+00:00 and its id"
            " forgotten at 2027-04-02T12:35:00+00:00: say --as-of with an instant before it was"
            " closed to see how it was judged.\n"
        )
    never = tower("explain", "B-2", "--file", file, "--as-of", "2040-01-01T00:00:00Z")
    assert "has no event of an order B-2 received by 2040" in never.err


def test_a_file_of_no_events_is_said_to_be_that(tower, tmp_path):
    (tmp_path / "table.csv").write_text("a,b\n1,2\n")
    ended = tower("explain", "A-1", "--file", tmp_path / "table.csv")
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.startswith(
        f"tower: Nothing in {tmp_path / 'table.csv'} is an event of the"
    )


def test_the_command_gives_json_to_machines(tower, tmp_path):
    ran = tower("explain", "A-1", "--file", write(tmp_path, *LATE), "--json")
    told = json.loads(ran.out)
    assert told["order_id"] == "A-1"
    assert told["verdict"]["frozen"]["outcome"] == "late"


def test_the_command_answers_mistakes_in_one_sentence(tower, tmp_path):
    file = write(tmp_path, *LATE)
    unknown = tower("explain", "B-2", "--file", file)
    assert (unknown.code, unknown.out) == (1, "")
    assert unknown.err == f"tower: The file {file} has no event of an order B-2.\n"
    early = tower("explain", "A-1", "--file", file, "--as-of", "2020-01-01T00:00:00Z")
    assert early.code == 1
    assert "received by 2020-01-01T00:00:00Z" in early.err
    gone = tower("explain", "A-1", "--file", tmp_path / "none.jsonl")
    assert gone.code == 1
    assert gone.err.count("\n") == 1
    odd = tower("explain", "A-1", "--file", file, "--rules", tmp_path / "none.yaml")
    assert odd.code == 1
    assert "could not be read" in odd.err
    wrong = tower("explain", "A-1", "--as-of", "2026-03-03T13:00:00Z")
    assert wrong.code == 2
    assert "Traceback" not in wrong.err
