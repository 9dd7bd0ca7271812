"""Service levels: given these events and rules, when is it due, and how does it stand.

The story's zero is Tuesday 2026-03-03 09:00Z. Unless a test says otherwise orders are in UTC
and a rule `level` asks for a handover within 48 hours of the order: by minute 2,880 if it
was promised at minute 0.
"""

import random
from itertools import pairwise
from typing import Any

import pytest

from models.facts import FACT, SlaBreached, SlaReversed
from models.rules import Rules
from streams import topics
from streams.domain.judgement import Judgement
from streams.domain.order import Order
from streams.domain.presence import Presence
from streams.domain.sla import at_risk, derived_deadline, held_to, next_turn, state
from streams.domain.suspects import asks
from streams.replay import Replay
from tests.domain.given import DAYS, HOUR, MS, arrivals, at, order_of, replayed
from tests.story import (
    asked,
    at_depot,
    changed,
    delivered,
    eta,
    event,
    failed,
    in_transit,
    out,
    picked_up,
    promised,
    released,
    story,
    turned,
    withdrawn,
)

PROMISED = promised(0, window=(300, 540))
LONG = 30 * DAYS


def called(when: float) -> dict[str, Any]:
    """The desk calls the consignee."""
    return event("intervention_made", when, action="called", by="desk")


def level(**said: Any) -> dict[str, Any]:
    return {"name": "level", "metric": "handover", "target": {"hours": 48}, **said}


def ruled(*levels: dict[str, Any], **more: Any) -> Rules:
    return Rules.model_validate({"sla": list(levels) or [level()], **more})


def agreed(events: list[dict[str, Any]], rules: Rules | None = None):
    """Return the order and the one agreement it is held to."""
    order = order_of(events, Judgement(rules or ruled()))
    (agreement,) = held_to(order)
    return order, agreement


def due(events: list[dict[str, Any]], rules: Rules) -> int | None:
    return agreed(events, rules)[1].due


def section(*events: dict[str, Any], rules: Rules | None = None, as_of: Any = LONG):
    """Return the counts of the report's section that are not 0."""
    found = replayed(*events, rules=rules or ruled(), as_of=as_of).report()["total"]["sla"]
    assert found["breach_rate"]["k"] == found["breached"]
    assert found["breach_rate"]["n"] == found["due"]
    return {name: count for name, count in found.items() if isinstance(count, int) and count}


def facts(*events: dict[str, Any], rules: Rules | None = None, as_of: Any = LONG):
    replay = replayed(*events, rules=rules or ruled(), as_of=as_of)
    said = [
        FACT.validate_json(value)
        for topic, _, value in replay.out.messages
        if topic == topics.ORDER_FACTS and value is not None
    ]
    return [each for each in said if isinstance(each, SlaBreached | SlaReversed)]


# -- a plain target ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("minute", "broken"), [(2_880, False), (2_880 + MS, True), (2_881, True)]
)
def test_the_last_moment_is_in_time(minute, broken):
    expected = {"in_scope": 1, "due": 1} | ({"breached": 1} if broken else {})
    assert section(PROMISED, delivered(minute)) == expected


def test_grace_moves_the_last_moment():
    rules = ruled(level(grace_minutes=10))
    assert "breached" not in section(PROMISED, delivered(2_890), rules=rules)
    assert "breached" in section(PROMISED, delivered(2_890 + MS), rules=rules)
    _, agreement = agreed([PROMISED], rules)
    assert (agreement.due, agreement.deadline) == (at(2_880), at(2_890))
    assert [agreement.came_due(at(2_890) + more) for more in (0, 1)] == [False, True]


def test_a_parcel_that_emits_nothing_is_at_risk_and_then_broken():
    # 80 % of 48 hours are 2,304 minutes: from the millisecond after it less than 20 % remain.
    order, agreement = agreed([PROMISED])
    assert (agreement.due, agreement.deadline) == (at(2_880), at(2_880))
    assert agreement.risky_from == at(2_304) + 1
    assert agreement.breached_from == at(2_880) + 1
    states = [
        state(agreement, order, at(minute) + more)
        for minute, more in ((0, 0), (2_304, 0), (2_304, 1), (2_880, 0), (2_880, 1))
    ]
    assert states == ["none", "none", "at_risk", "at_risk", "breached"]
    assert not at_risk(agreement, order, at(2_880) + 1)  # it has come true
    assert section(PROMISED, as_of=2_304) == {"in_scope": 1}
    assert section(PROMISED, as_of=2_305) == {"in_scope": 1, "at_risk": 1}
    assert section(PROMISED, as_of=2_881) == {"in_scope": 1, "due": 1, "breached": 1}


def test_nothing_changes_between_the_turns():
    order, _ = agreed([PROMISED])
    turns, now = [], at(0)
    while (turn := next_turn(order, now)) is not None:
        turns.append(turn)
        now = turn
    assert turns == [at(2_304) + 1, at(2_880) + 1]


def test_an_eta_beyond_the_deadline_is_a_risk_while_it_stands():
    late = [PROMISED, eta(60, 2_881)]
    assert section(*late, as_of=120) == {"in_scope": 1, "at_risk": 1}
    assert section(*late, eta(90, 2_880), as_of=120) == {"in_scope": 1}
    assert section(*late, eta(90, 2_880 + MS), as_of=120) == {"in_scope": 1, "at_risk": 1}
    assert section(PROMISED, changed(60, window=(900, 960)), as_of=120) == {"in_scope": 1}
    rules = ruled(level(metric="pickup"))
    assert section(*late, rules=rules, as_of=120) == {"in_scope": 1}


def test_done_in_time_is_resolved_and_no_risk():
    order, agreement = agreed([PROMISED, delivered(2_500)])
    assert state(agreement, order, at(2_600)) == "resolved"
    assert not at_risk(agreement, order, at(2_600))
    assert section(PROMISED, delivered(2_500), as_of=2_600) == {"in_scope": 1}


def test_without_service_levels_there_is_no_section_and_no_fact():
    replay = replayed(PROMISED, as_of=LONG)
    assert "sla" not in replay.report()["total"]
    assert facts(PROMISED, rules=Rules()) == []


def test_every_block_has_the_section_also_where_nobody_is_in_scope():
    rules = ruled(level(carrier="swift"))
    found = replayed(PROMISED, rules=rules, as_of=LONG).report()
    blocks = [found["total"], found["returns"], found["carriers"]["nordpost"]]
    assert [block["sla"]["in_scope"] for block in blocks] == [0, 0, 0]


# -- what is measured --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("metric", "events", "started", "ended"),
    [
        ("handover", [picked_up(60), out(200), delivered(400)], 0, 400),
        ("handover", [delivered(400), turned("returning", 500)], 0, None),
        ("first_attempt", [out(200), failed(300), delivered(900)], 0, 300),
        ("first_attempt", [out(200), failed(300), delivered(310)], 0, 310),  # one visit
        ("transit", [picked_up(60), in_transit(90), out(200), delivered(400)], 60, 200),
        ("transit", [picked_up(60), in_transit(90)], 60, None),
        ("pickup", [in_transit(90), out(200)], 0, 90),  # a later scan shows it too
        ("pickup", [turned("held", 90, "documents")], 0, None),
        ("response", [asked(60), called(80)], 60, 80),
        ("response", [called(50), asked(60)], 60, None),
        ("response", [asked(60), delivered(400)], 60, 400),
    ],
)  # fmt: skip
def test_what_starts_and_ends_the_clock_of_a_metric(metric, events, started, ended):
    _, agreement = agreed([PROMISED, *events], ruled(level(metric=metric)))
    assert agreement.started.at == at(started)
    assert agreement.ended_at == (None if ended is None else at(ended))


def test_a_clock_starts_with_the_event_the_rule_names():
    rules = ruled(level(clock_start="picked_up"))
    _, agreement = agreed([PROMISED, picked_up(60), picked_up(90)], rules)
    assert agreement.due == at(60 + 2_880)
    assert section(PROMISED, rules=rules) == {}  # nothing was picked up


def test_a_start_that_is_withdrawn_was_none():
    first = picked_up(60)
    rules = ruled(level(clock_start="picked_up"))
    _, agreement = agreed([PROMISED, first, picked_up(90), withdrawn(100, first)], rules)
    assert agreement.started.at == at(90)


def test_the_end_of_the_promise_as_a_target():
    rules = ruled(level(target={"window_end": True}))
    assert due([PROMISED], rules) == at(540)
    assert due([promised(0, instant=540)], rules) == at(555)  # with the promise's own grace
    assert due([PROMISED, changed(60, window=(900, 1_000))], rules) == at(1_000)
    day = promised(0, date=60, timezone="Europe/Berlin")
    _, agreement = agreed([day], rules)
    assert agreement.breached_from == at("2026-03-03T23:00:00Z")  # midnight is too late
    assert section(promised(0), rules=rules) == {}  # no promise, no end


def test_an_order_without_a_promise_gets_a_derived_deadline():
    order, agreement = agreed([promised(0)])
    assert agreement.derived
    assert derived_deadline(order) == at(2_880)
    assert derived_deadline(agreed([PROMISED])[0]) is None
    found = replayed(promised(0), rules=ruled(), as_of=LONG).report()["total"]
    assert found["sla"]["breached"] == 1
    assert (found["delivery_time"]["due"], found["delivery_time"]["excluded"]) == (0, 1)
    (fact,) = facts(promised(0))
    assert fact.derived


def test_what_the_report_says_was_said_depends_on_no_order_of_lines():
    # Both lines arrive at 3,000, after the window: it is broken as soon as it is promised
    # (by L8 the first), and the handover, in time, clears that.
    made = promised(0, window=(300, 540), observed=3_000)
    done = delivered(400, observed=3_000)
    rules = ruled(level(target={"window_end": True}))
    for lines in ([made, done], [done, made]):
        found = replayed(*lines, rules=rules, as_of=3_001).report()["total"]["sla"]
        assert (found["breached"], found["reversed"]) == (0, 1)


# -- business days -----------------------------------------------------------------------

CALENDAR = {"calendars": {"de": {"country": "DE", "timezone": "Europe/Berlin"}}}


def next_day(**more: Any) -> Rules:
    target = {"business_days": 1, "cut_off": "17:00", "calendar": "de", **more}
    return ruled(level(target=target), **CALENDAR)


@pytest.mark.parametrize(
    ("start", "last"),
    [
        # Tuesday 17:00 in Berlin is 16:00Z; the next day ends at 24:00, 23:00Z.
        ("2026-03-03T16:00:00Z", "2026-03-04T23:00:00Z"),
        ("2026-03-03T16:00:00.001Z", "2026-03-05T23:00:00Z"),
        # Friday morning: Monday. Friday evening: counts from Monday, so Tuesday.
        ("2026-03-06T08:00:00Z", "2026-03-09T23:00:00Z"),
        ("2026-03-06T18:00:00Z", "2026-03-10T23:00:00Z"),
        # Thursday evening before Good Friday (3 April) and Easter Monday (6 April), in summer
        # time: counts from Tuesday the 7th, due at the end of Wednesday the 8th, 22:00Z.
        ("2026-04-02T16:00:00Z", "2026-04-08T22:00:00Z"),
    ],
)
def test_a_business_day_with_a_cut_off(start, last):
    _, agreement = agreed([promised(start, timezone="Asia/Tokyo")], next_day())
    assert agreement.due == at(last)
    assert agreement.breached_from == agreement.due  # the end of a day is not in it


def test_the_day_may_end_before_midnight():
    events = [promised("2026-03-03T10:00:00Z")]
    assert due(events, next_day(day_end="18:00")) == at("2026-03-04T17:00:00Z")


def test_the_same_day_is_no_business_day_later():
    same_day = next_day(business_days=0)
    assert due([promised("2026-03-03T15:00:00Z")], same_day) == at("2026-03-03T23:00:00Z")
    assert due([promised("2026-03-07T15:00:00Z")], same_day) == at("2026-03-09T23:00:00Z")


def test_after_the_cut_off_the_clock_runs_from_the_next_business_day():
    _, agreement = agreed([promised("2026-03-06T18:00:00Z")], next_day())
    assert agreement.starts_at == at("2026-03-08T23:00:00Z")  # Monday 00:00 in Berlin
    # 48 hours of business time, of which 20 % are 9.6: at risk from Tuesday 14:24.
    assert agreement.risky_from == at("2026-03-10T13:24:00.001Z")


@pytest.mark.parametrize("zone", ["America/New_York", None])
def test_days_are_the_orders_where_the_calendar_names_no_zone(zone):
    rules = ruled(
        level(target={"business_days": 1, "cut_off": "17:00", "calendar": "week"}),
        calendars={"week": {}},
        carriers={"nordpost": {"timezone": "Asia/Tokyo"}},
    )
    # 17:30Z on Tuesday: 12:30 in New York, before the cut-off; 02:30 on Wednesday in Tokyo.
    # New York's Wednesday ends at 05:00Z, Tokyo's Thursday at 15:00Z.
    last = "2026-03-05T05:00:00Z" if zone else "2026-03-05T15:00:00Z"
    assert due([promised("2026-03-03T17:30:00Z", timezone=zone)], rules) == at(last)


def test_a_night_in_which_the_clocks_change():
    # Every day counts. Ordered on Saturday 28 March 2026 at 12:00 in Berlin, 11:00Z: due at
    # the end of Sunday, which has 23 hours: 22:00Z.
    rules = ruled(
        level(target={"business_days": 1, "calendar": "all"}),
        calendars={"all": {"weekend": [], "timezone": "Europe/Berlin"}},
    )
    _, agreement = agreed([promised("2026-03-28T11:00:00Z")], rules)
    assert agreement.due == at("2026-03-29T22:00:00Z")
    assert agreement.elapsed(at("2026-03-29T22:00:00Z")) == 35 * HOUR * 60_000
    # 25 hours in October.
    _, autumn = agreed([promised("2026-10-24T10:00:00Z")], rules)
    assert autumn.due == at("2026-10-25T23:00:00Z")
    assert autumn.elapsed(at("2026-10-25T23:00:00Z")) == 37 * HOUR * 60_000


@pytest.mark.parametrize(
    ("view", "last"),
    [("raw", "2026-03-04T23:00:00Z"), ("accountable", "2026-03-05T23:00:00Z")],
)
def test_edge_39_handed_in_after_the_cut_off_is_the_shippers(view, last):
    # Ordered on Tuesday at 10:00Z, handed in on Tuesday at 18:00Z, after 17:00 in Berlin.
    target = {"business_days": 1, "cut_off": "17:00", "calendar": "de"}
    rules = ruled(level(target=target, view=view), **CALENDAR)
    events = [promised("2026-03-03T10:00:00Z"), picked_up("2026-03-03T18:00:00Z")]
    _, agreement = agreed(events, rules)
    assert agreement.due == at(last)
    assert (agreement.handed_in is not None) == (view == "accountable")
    _, in_time = agreed([events[0], picked_up("2026-03-03T15:00:00Z")], rules)
    assert in_time.due == at("2026-03-04T23:00:00Z")
    assert (in_time.handed_in, in_time.starts_at) == (None, at("2026-03-03T10:00:00Z"))


@pytest.mark.parametrize(
    "scans",
    [
        # The carrier scans at the door alone, a week late and after 17:00 in Berlin.
        [delivered("2026-03-10T18:00:00Z")],
        [out("2026-03-10T18:00:00Z"), delivered("2026-03-10T19:00:00Z")],
        [failed("2026-03-10T18:00:00Z")],
        [turned("available_for_pickup", "2026-03-10T18:00:00Z")],
        # It was at the door in time: a depot after that does not tell when it was handed in.
        [failed("2026-03-03T15:00:00Z"), at_depot("2026-03-10T18:00:00Z")],
    ],
)
def test_edge_39_only_a_first_scan_on_the_way_in_moves_the_clock(scans):
    target = {"business_days": 1, "cut_off": "17:00", "calendar": "de"}
    rules = ruled(level(target=target), **CALENDAR)
    _, agreement = agreed([promised("2026-03-03T10:00:00Z"), *scans], rules)
    assert agreement.due == at("2026-03-04T23:00:00Z")  # the end of Wednesday in Berlin
    assert (agreement.handed_in, agreement.breached(at("2026-03-11T00:00:00Z"))) == (None, True)


@pytest.mark.parametrize("scan", [picked_up, in_transit, at_depot])
def test_edge_39_a_scan_on_the_way_in_moves_the_clock(scan):
    target = {"business_days": 1, "cut_off": "17:00", "calendar": "de"}
    rules = ruled(level(target=target), **CALENDAR)
    events = [promised("2026-03-03T10:00:00Z"), scan("2026-03-03T18:00:00Z")]
    _, agreement = agreed([*events, delivered("2026-03-05T22:59:00Z")], rules)
    assert agreement.due == at("2026-03-05T23:00:00Z")
    assert not agreement.breached(at("2026-03-11T00:00:00Z"))


# -- what stops the clock ----------------------------------------------------------------


def held(code: str | None, since: float = 60, until: float = 60 + 5 * DAYS):
    return [turned("held", since, code), released(until)]


@pytest.mark.parametrize(
    ("view", "code", "stood"),
    [
        ("accountable", "customs_delay", True),  # edge 37
        ("raw", "customs_delay", False),  # edge 37: raw late
        ("accountable", None, False),  # edge 38: without a code the clock runs
        ("accountable", "no_reason_given", False),
        ("accountable", "tea_break", False),  # no code of ours
        ("accountable", "capacity", False),  # the carrier's own
        ("accountable", "wrong_address_given", True),
        ("accountable", "unpaid_cod", True),
    ],
)
def test_edges_37_and_38_a_clock_stops_only_for_a_reason_code(view, code, stood):
    rules = ruled(level(view=view))
    events = [PROMISED, *held(code), delivered(6 * DAYS)]
    # 48 hours and the five days held: due at the seventh day.
    assert due(events, rules) == at(7 * DAYS if stood else 2 * DAYS)
    assert ("breached" in section(*events, rules=rules)) is not stood


def test_a_rule_names_codes_of_its_own():
    rules = ruled(level(clock_stops=["capacity"]))
    assert due([PROMISED, *held("capacity")], rules) == at(7 * DAYS)
    assert due([PROMISED, *held("customs_delay")], rules) == at(2 * DAYS)
    none = ruled(level(clock_stops=[]))
    assert due([PROMISED, *held("customs_delay")], none) == at(2 * DAYS)


def test_a_clock_that_stands_is_never_due():
    events = [PROMISED, turned("held", 60, "customs_delay"), turned("held", 90)]
    order, agreement = agreed(events)
    assert (agreement.due, agreement.deadline, agreement.risky_from) == (None, None, None)
    assert next_turn(order, at(0)) is None
    assert section(*events) == {"in_scope": 1}
    # It goes on with the next scan: 60 minutes had run.
    assert due([*events, in_transit(20 * DAYS)], ruled()) == at(22 * DAYS - 60)


def test_a_stop_after_the_deadline_moves_nothing():
    assert due([PROMISED, *held("documents", 2_880, 9_000)], ruled()) == at(2_880)
    assert due([PROMISED, *held("documents", 2_879, 9_000)], ruled()) == at(9_001)


def test_stops_that_overlap_count_once():
    events = [PROMISED, turned("held", 100, "documents"), *held("customs_delay", 200, 700)]
    _, agreement = agreed(events)
    assert [(each.code, each.since, each.until) for each in agreement.stops] == [
        ("documents", at(100), at(700)),
        ("customs_delay", at(200), at(700)),
    ]
    assert agreement.due == at(2_880 + 600)
    assert agreement.elapsed(at(400)) == 100 * 60_000
    assert agreement.elapsed(at(1_000)) == 400 * 60_000


def test_a_stop_before_the_clock_starts_is_none_of_its_time():
    rules = ruled(level(clock_start="out_for_delivery"))
    events = [PROMISED, turned("held", 100, "documents"), out(400)]
    assert due(events, rules) == at(400 + 2_880)


def test_a_stop_counts_business_time():
    # Ordered on Wednesday 4 March, due at the end of Thursday, 23:00Z. Held from Thursday
    # 12:00Z to Monday 12:00Z: 11 hours of Thursday, Friday, 13 hours of Monday are 48 hours:
    # Friday and, over the weekend, Monday: due at its end.
    events = [
        promised("2026-03-04T10:00:00Z"),
        turned("held", "2026-03-05T12:00:00Z", "documents"),
        released("2026-03-09T12:00:00Z"),
    ]
    assert due(events, next_day()) == at("2026-03-09T23:00:00Z")


def test_a_failed_attempt_with_a_code_stops_the_clock_until_the_next_touch():
    events = [PROMISED, out(200), failed(300, "wrong_address_given"), eta(310, 900)]
    assert due(events, ruled()) is None
    assert due([*events, in_transit(1_300)], ruled()) == at(3_880)
    unexcused = [PROMISED, out(200), failed(300, "not_home"), in_transit(1_300)]
    assert due(unexcused, ruled()) == at(2_880)


@pytest.mark.parametrize(("minute", "broken"), [(2_880, False), (2_881, True)])
def test_what_stops_the_clock_when_it_is_read_already_stops_nothing(minute, broken):
    rules = ruled(level(metric="first_attempt"))
    events = [PROMISED, out(200), failed(minute, "wrong_address_given")]
    assert agreed(events, rules)[1].stops == ()
    assert ("breached" in section(*events, rules=rules)) is broken
    # Held over its end the clock is read at the end: of 400 minutes 100 had run.
    answered = ruled(level(metric="response"))
    events = [asked(0), PROMISED, turned("held", 100, "documents"), called(400)]
    _, agreement = agreed(events, answered)
    assert (agreement.due, agreement.ended_at) == (at(2_880 + 300), at(400))
    assert agreement.elapsed(at(9_000)) == 100 * 60_000


def test_the_consignees_wish_stops_the_clock_until_the_wished_time_begins():
    wish = changed(1_000, window=(5_000, 5_200))
    assert due([PROMISED, wish], ruled()) == at(2_880 + 4_000)
    # Wished for earlier after all: the first wish counts until the second, which is none.
    assert due([PROMISED, wish, changed(2_000, window=(1_500, 2_500))], ruled()) == at(3_880)
    # Three: to the end of the second wish 500 minutes, of the last 100.
    more = [wish, changed(1_500, window=(1_200, 1_300)), changed(1_900, window=(2_000, 2_100))]
    assert due([PROMISED, *more], ruled()) == at(2_880 + 500 + 100)
    assert due([PROMISED, changed(1_000, instant=5_000)], ruled()) == at(6_880)
    others = changed(1_000, window=(5_000, 5_200), by="carrier")
    assert due([PROMISED, others], ruled()) == at(2_880)


def test_a_wish_moves_the_end_of_the_promise_or_counts_for_nothing():
    rules = ruled(level(target={"window_end": True}))
    late = changed(600, window=(5_000, 5_200))
    assert due([PROMISED, late], rules) == at(540)


# -- who is in scope ---------------------------------------------------------------------


def test_the_most_specific_rule_wins_metric_by_metric():
    rules = ruled(
        level(name="any"),
        level(name="carrier", carrier="nordpost", target={"hours": 24}),
        level(name="lane", carrier="nordpost", service="day", target={"hours": 12}),
        level(name="elsewhere", carrier="nordpost", service="night", region="north"),
        level(name="in", metric="pickup", target={"minutes": 30}),
    )

    def names(**told: Any) -> list[str]:
        order = order_of([promised(0, **told)], Judgement(rules))
        return sorted(each.level.rule.name for each in held_to(order))

    assert names(carrier="swift") == ["any", "in"]
    assert names() == ["carrier", "in"]
    assert names(service="day", region="north") == ["in", "lane"]
    assert names(service="night") == ["carrier", "in"]


@pytest.mark.parametrize(
    ("start", "hours"),
    [
        ("2026-03-31T21:59:59Z", 48),  # still March in Berlin
        ("2026-03-31T22:00:00Z", 24),
        ("2026-04-30T21:59:59Z", 24),
        ("2026-04-30T22:00:00Z", None),  # no rule any more
    ],
)
def test_edge_42_the_rule_in_force_when_the_clock_starts_applies(start, hours):
    rules = ruled(
        level(name="old", valid_until="2026-03-31"),
        level(
            name="new",
            valid_from="2026-04-01",
            valid_until="2026-04-30",
            target={"hours": 24},
        ),
    )
    order = order_of([promised(start, timezone="Europe/Berlin")], Judgement(rules))
    assert [each.due for each in held_to(order)] == (
        [] if hours is None else [at(start) + hours * 3_600_000]
    )


@pytest.mark.parametrize("bound", [{"valid_from": "2026-03-04"}, {"valid_until": "2026-03-02"}])
def test_one_bound_is_enough_to_keep_a_rule_from_a_clock(bound):
    assert section(PROMISED, rules=ruled(level(**bound))) == {}


def test_edge_42_a_rule_that_changed_mid_transit_is_asked_for_the_start_of_its_own_clock():
    rules = ruled(
        level(name="new", valid_from="2026-03-04", target={"hours": 24}),
        level(name="old", valid_until="2026-03-03"),
    )
    events = [PROMISED, picked_up(DAYS), delivered(2 * DAYS)]  # promised on the third
    assert agreed(events, rules)[1].level.rule.name == "old"
    from_pickup = ruled(
        level(name="new", clock_start="picked_up", valid_from="2026-03-04"),
        level(name="old", clock_start="picked_up", valid_until="2026-03-03"),
    )
    assert agreed(events, from_pickup)[1].level.rule.name == "new"


def test_a_rule_that_waits_for_its_clock_keeps_the_general_one_from_applying():
    rules = ruled(
        level(name="any"), level(name="own", carrier="nordpost", clock_start="picked_up")
    )
    assert list(held_to(order_of([PROMISED], Judgement(rules)))) == []
    assert agreed([PROMISED, picked_up(60)], rules)[1].level.rule.name == "own"


def test_what_was_called_off_in_time_is_not_in_scope():
    assert section(PROMISED, turned("cancelled", 2_000, by="consignee")) == {}
    late = turned("cancelled", 2_881, by="consignee")
    assert section(PROMISED, late) == {"in_scope": 1, "due": 1, "breached": 1}
    carrier = turned("cancelled", 2_000, by="carrier")
    assert section(PROMISED, carrier) == {"in_scope": 1, "due": 1, "breached": 1}
    rules = ruled(level(metric="pickup"))
    done = [PROMISED, picked_up(60), turned("cancelled", 2_000)]
    assert section(*done, rules=rules) == {"in_scope": 1, "due": 1}


@pytest.mark.parametrize(
    ("events", "view", "excused"),
    [
        ([failed(300, "refused")], "accountable", True),
        ([failed(300, "refused")], "raw", False),
        ([failed(2_881, "refused")], "accountable", False),  # it had been broken before
        ([turned("lost", 300)], "accountable", False),
        ([turned("returned", 300, "prohibited")], "accountable", True),
        ([failed(300, "not_home"), turned("returning", 900)], "accountable", True),
        ([failed(300, "capacity"), turned("returning", 900)], "accountable", False),
        ([turned("returning", 900)], "accountable", False),
    ],
)
def test_what_ended_without_a_handover_is_excused_by_its_reason(events, view, excused):
    found = section(
        PROMISED, out(200), *events, rules=ruled(level(view=view, clock_stops=None))
    )
    assert found == ({} if excused else {"in_scope": 1, "due": 1, "breached": 1})


def test_a_refusal_that_is_not_believed_excuses_nobody():
    far = failed(300, "refused", position={"lat": 52.54, "lon": 13.40, "accuracy_m": 10.0})
    order = promised(0, window=(300, 540), destination={"lat": 52.52, "lon": 13.40})
    assert section(order, out(200), far) == {"in_scope": 1, "due": 1, "breached": 1}


def test_an_attempt_that_is_not_believed_was_none_in_the_accountable_view():
    far = failed(
        300, "wrong_address_given", position={"lat": 52.54, "lon": 13.40, "accuracy_m": 10.0}
    )
    order = promised(0, window=(300, 540), destination={"lat": 52.52, "lon": 13.40})
    events = [order, out(200), far, delivered(4_000)]
    accountable = ruled(level(metric="first_attempt"))
    _, agreement = agreed(events, accountable)
    assert (agreement.ended_at, agreement.stops) == (at(4_000), ())
    assert section(*events, rules=accountable) == {"in_scope": 1, "due": 1, "breached": 1}
    raw = ruled(level(metric="first_attempt", view="raw"))
    assert agreed(events, raw)[1].ended_at == at(300)
    # Nor does it stop the clock of the handover: 3,700 minutes after it.
    assert "breached" in section(*events)
    near = failed(300, "wrong_address_given")
    assert "breached" not in section(order, out(200), near, delivered(4_000))


def test_what_couriers_answer_later_is_heard():
    events = [
        promised(0, window=(300, 540), destination={"lat": 52.52, "lon": 13.40}),
        out(200, courier_id="C-1"),
        failed(300, "not_home", courier_id="C-1"),
    ]
    order = Order(Judgement(ruled(level(metric="first_attempt"))), {})
    for arrived in arrivals(*events):
        order.add(arrived)
    assert [each.ended_at for each in held_to(order)] == [at(300)]
    (question,) = asks(order)
    order.presence = {question: Presence(near=False, on_shift=None)}
    assert [each.ended_at for each in held_to(order)] == [None]


def test_an_id_nobody_promised_is_judged_by_rules_for_anybody():
    rules = ruled(level(clock_start="picked_up"))
    assert section(picked_up(0), rules=rules) == {"in_scope": 1, "due": 1, "breached": 1}


def test_what_is_no_order_is_held_to_nothing():
    rules = ruled(level(metric="response"))
    assert list(held_to(order_of([asked(0)], Judgement(rules)))) == []


def test_an_order_that_ended_in_silence_is_no_risk_any_more():
    rules = ruled(level(target={"hours": 8_784}), retention={"silent_days": 350})
    assert section(PROMISED, rules=rules, as_of=340 * DAYS) == {"in_scope": 1, "at_risk": 1}
    assert section(PROMISED, rules=rules, as_of=352 * DAYS) == {"in_scope": 1}


# -- what is told ------------------------------------------------------------------------


def test_a_breach_is_told_by_the_timer_with_its_numbers():
    (fact,) = facts(PROMISED, rules=ruled(level(severity="critical")), as_of=2_881)
    assert fact == SlaBreached(
        fact_id="A-1/1/sla/level/1",
        order_id="A-1",
        carrier="nordpost",
        at=at(2_881),
        rules=fact.rules,
        service="unknown",
        rule="level",
        metric="handover",
        view="accountable",
        severity="critical",
        deadline=at(2_880),
        ended=None,
        revision=1,
        started=at(0),
        elapsed=2_881 * 60_000,
        lag=60_000,
        derived=False,
    )


def test_edge_27_late_evidence_reverses_a_breach():
    scan = delivered(2_000, observed=5_000)
    events = [PROMISED, scan]
    assert section(*events, as_of=4_999) == {"in_scope": 1, "due": 1, "breached": 1}
    assert section(*events) == {"in_scope": 1, "due": 1, "reversed": 1}
    told = facts(*events)
    assert [(each.kind, each.fact_id, each.at) for each in told] == [
        ("sla_breached", "A-1/1/sla/level/1", at(5_000)),
        ("sla_reversed", "A-1/1/sla/level/2", at(5_000)),
    ]
    assert told[1].ended == at(2_000)


def test_a_hold_heard_of_late_reverses_too_and_the_breach_may_come_again():
    hold = turned("held", 100, "documents", observed=5_000)
    free = released(1_100, observed=5_001)
    told = facts(PROMISED, hold, free)
    assert [(each.kind, each.deadline) for each in told] == [
        ("sla_breached", at(2_880)),
        ("sla_reversed", None),  # the clock stood
        ("sla_breached", at(3_880)),
    ]
    assert section(PROMISED, hold, free) == {"in_scope": 1, "due": 1, "breached": 1}


def test_a_rule_that_fell_away_takes_its_breach_back():
    start = picked_up(60)
    rules = ruled(level(clock_start="picked_up"))
    told = facts(PROMISED, start, withdrawn(5_000, start), rules=rules)
    assert [each.kind for each in told] == ["sla_breached", "sla_reversed"]
    assert (told[1].deadline, told[1].ended) == (None, None)


def test_reversals_are_counted_where_no_facts_are_wanted():
    replay = Replay(ruled())
    replay.run(story(PROMISED, delivered(2_000, observed=5_000)), at(LONG))
    assert replay.report()["total"]["sla"]["reversed"] == 1


# -- order of arrival --------------------------------------------------------------------


def test_the_order_of_arrival_changes_nothing():
    start = picked_up(60)
    events = [
        promised(0, window=(300, 540), timezone="Europe/Berlin"),
        start,
        withdrawn(95, start),
        picked_up(90),
        turned("held", 120, "documents"),
        eta(130, 500),
        turned("held", 150, "customs_delay"),
        in_transit(900),
        changed(1_000, window=(2_000, 2_100)),
        out(1_900),
        failed(2_000, "wrong_address_given"),
        released(2_300),
        asked(2_400),
        called(2_500),
        delivered(4_000),
    ]
    rules = ruled(
        level(clock_start="picked_up"),
        level(name="attempt", metric="first_attempt"),
        level(name="answer", metric="response", target={"minutes": 60}),
        level(name="in", metric="pickup", target={"minutes": 45}),
        level(name="through", metric="transit", target={"window_end": True}),
    )
    judgement, seed = Judgement(rules), random.Random(7)  # noqa: S311 - shuffles
    told = [told_of(order_of(events, judgement))]
    for _ in range(60):
        order = Order(judgement)
        for arrived in arrivals(*seed.sample(events, len(events))):
            order.add(arrived)
            list(held_to(order))  # what was looked at before must not stick
        told.append(told_of(order))
    assert all(one == other for one, other in pairwise(told))
    assert [each[0] for each in told[0]] == ["answer", "attempt", "in", "level", "through"]


def told_of(order: Any) -> list[Any]:
    return sorted(
        (
            each.level.rule.name,
            each.started.identity,
            each.starts_at,
            each.stops,
            each.due,
            each.risky_from,
            each.breached_from,
            each.ended_at,
        )
        for each in held_to(order)
    )  # fmt: skip
