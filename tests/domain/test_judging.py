"""Promises as instants, and handovers placed against them to the millisecond."""

import json
from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from models.base import millis
from models.events import Promise
from models.rules import Rules
from streams.domain import zones
from streams.domain.judgement import Judgement, rules_id
from streams.domain.promises import Resolved, place, resolve
from streams.domain.verdicts import classify, effective, judge, latest, original
from tests.domain.given import JUDGEMENT, at, order_of
from tests.story import changed, decided, delivered, promised, turned

HOUR, MINUTE = 3_600_000, 60_000
BERLIN = ZoneInfo("Europe/Berlin")


def judged_by(**said: object) -> Judgement:
    return Judgement(Rules.model_validate(said))


def instant(text: str) -> int:
    return millis(datetime.fromisoformat(text))


def resolved(
    told: dict[str, str], timezone: str | None = None, judgement: Judgement = JUDGEMENT
) -> Resolved:
    promise = Promise.model_validate_json(json.dumps(told))
    return resolve(promise, timezone, judgement.tolerance("nordpost"))


# -- what was promised -----------------------------------------------------------------------


def test_a_window():
    found = resolved({"start": "2026-03-03T14:00:00Z", "end": "2026-03-03T18:00:00Z"})
    assert found == Resolved(
        precision="window",
        start=instant("2026-03-03T14:00:00Z"),
        end=instant("2026-03-03T18:00:00Z"),
        deadline=instant("2026-03-03T18:00:00Z"),
        last_good=instant("2026-03-03T18:00:00Z"),
        first_good=instant("2026-03-03T13:45:00Z"),
        middle=instant("2026-03-03T16:00:00Z"),
    )
    assert found.late_from == found.end + 1


def test_a_window_without_start_is_never_early():
    found = resolved({"end": "2026-03-03T18:00:00Z", "precision": "window"})
    assert (found.start, found.first_good, found.middle) == (None, None, found.end)


def test_an_instant_has_a_quarter_of_an_hour_on_either_side():
    found = resolved({"end": "2026-03-03T18:00:00Z"})
    assert (found.first_good, found.end, found.last_good) == (
        instant("2026-03-03T17:45:00Z"),
        instant("2026-03-03T18:00:00Z"),
        instant("2026-03-03T18:15:00Z"),
    )
    assert found.middle == found.end


def test_an_instant_has_no_start_whatever_was_said():
    told = {
        "start": "2026-03-03T14:00:00Z", "end": "2026-03-03T18:00:00Z", "precision": "instant",
    }  # fmt: skip
    assert resolved(told).start is None


DAY = {"end": "2026-03-03T12:00:00Z", "precision": "date"}


def test_a_day():
    found = resolved(DAY, "Europe/Berlin")
    opens, closes = instant("2026-03-02T23:00:00Z"), instant("2026-03-03T23:00:00Z")
    assert (found.start, found.end, found.deadline) == (opens, closes, closes)
    assert (found.last_good, found.late_from) == (closes - 1, closes)
    assert (found.first_good, found.middle) == (None, instant("2026-03-03T11:00:00Z"))


@pytest.mark.parametrize(
    ("end", "zone", "closes"),
    [
        ("2026-03-03T12:00:00Z", "Asia/Tokyo", "2026-03-03T15:00:00Z"),
        ("2026-03-03T16:00:00Z", "Asia/Tokyo", "2026-03-04T15:00:00Z"),  # the fourth there
        ("2026-03-03T03:00:00Z", "America/New_York", "2026-03-03T05:00:00Z"),  # the second
        ("2026-03-03T12:00:00+05:30", None, "2026-03-03T18:30:00Z"),  # as written
        ("2026-03-03T23:30:00-08:00", None, "2026-03-04T08:00:00Z"),
        ("2026-03-29T12:00:00Z", "Europe/Berlin", "2026-03-29T22:00:00Z"),  # 23 hours
        ("2026-10-25T12:00:00Z", "Europe/Berlin", "2026-10-25T23:00:00Z"),  # 25 hours
        ("2026-10-25T12:00:00Z", "Pacific/Kiritimati", "2026-10-26T10:00:00Z"),  # UTC+14
    ],
)
def test_a_day_ends_at_midnight_of_its_place(end, zone, closes):
    assert resolved({"end": end, "precision": "date"}, zone).end == instant(closes)


@pytest.mark.parametrize(
    ("day", "hours", "middle"),
    [
        ("2026-03-29T12:00:00Z", 23, "2026-03-29T10:30:00Z"),
        ("2026-10-25T12:00:00Z", 25, "2026-10-25T10:30:00Z"),
    ],
)
def test_the_middle_of_a_day_of_a_clock_change(day, hours, middle):
    found = resolved({"end": day, "precision": "date"}, "Europe/Berlin")
    assert found.start is not None
    assert found.end - found.start == hours * HOUR
    assert found.middle == instant(middle)


def test_a_midnight_that_a_clock_change_skips_or_repeats():
    # Beirut skips midnight of 29 March 2026 (to 01:00); Havana repeats it on 1 November.
    beirut = zones.day_bounds(date(2026, 3, 29), ZoneInfo("Asia/Beirut"), "24:00")
    assert beirut[0] == instant("2026-03-28T22:00:00Z")
    assert beirut[1] - beirut[0] == 23 * HOUR
    havana = zones.day_bounds(date(2026, 11, 1), ZoneInfo("America/Havana"), "24:00")
    assert havana[0] == instant("2026-11-01T04:00:00Z")
    assert havana[1] - havana[0] == 25 * HOUR


def test_a_days_end_and_grace_of_a_carrier():
    judgement = judged_by(
        defaults={"grace_minutes": {"date": 30}}, carriers={"nordpost": {"day_end": "21:00"}}
    )
    found = resolved(DAY, "Europe/Berlin", judgement)
    assert found.end == instant("2026-03-03T20:00:00Z")
    assert found.deadline == found.last_good + 1 == instant("2026-03-03T20:30:00Z")
    # The day as an ETA is the whole day's middle, however early the carrier stops.
    assert found.middle == instant("2026-03-03T11:00:00Z")


def test_the_place_of_a_day():
    told = Promise(end=datetime(2026, 3, 3, tzinfo=timezone(timedelta(hours=3))))
    carrier = judged_by(carriers={"nordpost": {"timezone": "Asia/Tokyo"}})
    assert place(told, "Europe/Berlin", carrier.tolerance("nordpost")) == BERLIN
    assert str(place(told, None, carrier.tolerance("nordpost"))) == "Asia/Tokyo"
    assert place(told, None, JUDGEMENT.tolerance("nordpost")) == timezone(timedelta(hours=3))


# -- where a handover falls ------------------------------------------------------------------

WINDOW = {"start": "2026-03-03T14:00:00Z", "end": "2026-03-03T18:00:00Z"}
INSTANT = {"end": "2026-03-03T18:00:00Z"}


@pytest.mark.parametrize(
    ("told", "when", "expected"),
    [
        (WINDOW, "13:44:59.999", "early"),
        (WINDOW, "13:45:00.000", "on_time"),
        (WINDOW, "18:00:00.000", "on_time"),
        (WINDOW, "18:00:00.001", "late"),
        (INSTANT, "17:44:59.999", "early"),
        (INSTANT, "17:45:00.000", "on_time"),
        (INSTANT, "18:15:00.000", "on_time"),
        (INSTANT, "18:15:00.001", "late"),
        (DAY, "00:00:00.000", "on_time"),
        (DAY, "22:59:59.999", "on_time"),
        (DAY, "23:00:00.000", "late"),
    ],
)
def test_boundaries(told, when, expected):
    found = resolved(told, "Europe/Berlin")
    assert classify(instant(f"2026-03-03T{when}Z"), found) == expected


def test_a_day_is_never_early_and_a_grace_moves_the_end():
    assert classify(0, resolved(DAY)) == "on_time"
    generous = judged_by(defaults={"grace_minutes": {"window": 10}, "early_minutes": 0})
    found = resolved(WINDOW, None, generous)
    assert classify(found.end + 10 * MINUTE, found) == "on_time"
    assert classify(found.end + 10 * MINUTE + 1, found) == "late"
    assert classify(found.end - 4 * HOUR - 1, found) == "early"


def test_the_promises_of_an_order():
    order = order_of([
        promised(0, window=(300, 540)),
        changed(10, window=(400, 640)),
        changed(20, window=(500, 740), by="merchant"),
    ])  # fmt: skip
    track = order.track
    ends = [
        found.end
        for view in (original, effective, latest)
        if (found := view(track, JUDGEMENT)) is not None
    ]
    assert ends == [at(540), at(640), at(740)]
    assert order.promise == effective(track, JUDGEMENT)
    nothing = order_of([promised(0)]).track
    assert {view(nothing, JUDGEMENT) for view in (original, effective, latest)} == {None}


@pytest.mark.parametrize(
    ("events", "rule"),
    [
        ([], "no handover when the deadline passed"),
        ([delivered(400)], "handed over, promise of precision window"),
        ([decided(400, "early")], "decided in a dispute"),
        ([turned("cancelled", 400)], "cancelled before the deadline"),
        ([turned("lost", 400)], "lost, and no handover after it"),
        ([turned("cancelled", 400, by="carrier")], "called off by the carrier"),
    ],
)
def test_a_verdict_says_which_rule_made_it(events, rule):
    order = order_of([promised(0, window=(300, 540)), *events])
    assert order.promise is not None
    before = judge(order.track, order.promise, order.promise.late_from - 1, JUDGEMENT)
    assert (before.outcome, before.rule) == (None, "the deadline is to come")
    verdict = judge(order.track, order.promise, order.promise.late_from, JUDGEMENT)
    assert verdict.rule == rule
    assert judge(order.track, None, 0, JUDGEMENT).rule == "no promise"


# -- zones and rules -------------------------------------------------------------------------


def test_wall_times_are_read_in_a_zone():
    written = datetime(2026, 3, 3, 17, 30, tzinfo=UTC)
    assert zones.wall_time_in(written, BERLIN) == instant("2026-03-03T16:30:00Z")
    skipped = datetime(2026, 3, 29, 2, 30, tzinfo=UTC)
    assert zones.wall_time_in(skipped, BERLIN) == instant("2026-03-29T01:30:00Z")
    twice = datetime(2026, 10, 25, 2, 30, tzinfo=UTC)
    assert zones.wall_time_in(twice, BERLIN) == instant("2026-10-25T00:30:00Z")


def test_clock_times_of_a_day():
    assert zones.local_time(date(2026, 3, 3), "12:00", BERLIN) == instant(
        "2026-03-03T11:00:00Z"
    )
    assert zones.local_time(date(2026, 3, 3), "24:00", BERLIN) == instant(
        "2026-03-03T23:00:00Z"
    )


def test_tolerances_of_a_carrier_are_the_defaults_but_for_its_own():
    judgement = judged_by(
        defaults={"early_minutes": 5, "maturity_days": 3, "day_end": "22:00"},
        carriers={"own": {
            "early_minutes": 0, "maturity_days": 1, "neighbour_counts": True,
            "grace_minutes": {"window": 1.5}, "timezone": "Asia/Tokyo", "day_end": "21:00",
        }},
    )  # fmt: skip
    other, own = judgement.tolerance("other"), judgement.tolerance("own")
    assert (other.early, other.maturity, other.day_end) == (5 * MINUTE, 72 * HOUR, "22:00")
    assert (other.neighbour_counts, other.timezone) == (False, None)
    assert other.grace == {"window": 0, "instant": 15 * MINUTE, "date": 0}
    assert (own.early, own.maturity, own.day_end) == (0, 24 * HOUR, "21:00")
    assert (own.neighbour_counts, own.timezone) == (True, "Asia/Tokyo")
    # A carrier's grace is given whole: what it leaves out is the shipped default.
    assert own.grace == {"window": 90_000, "instant": 15 * MINUTE, "date": 0}
    assert judgement.least_maturity == 24 * HOUR


def test_the_same_rules_have_the_same_id_however_written():
    one = {
        "defaults": {"early_minutes": 15, "day_end": "24:00"},
        "carriers": {"b": {}, "a": {}},
    }
    other = {"schema": 1, "carriers": {"a": {}, "b": {"day_end": None}}}
    assert rules_id(Rules.model_validate(one)) == rules_id(Rules.model_validate(other))
    strict = {"defaults": {"early_minutes": 14}}
    assert rules_id(Rules.model_validate(strict)) != rules_id(Rules())
    assert judged_by(**strict).id == rules_id(Rules.model_validate(strict))
    assert len(rules_id(Rules())) == 12
    assert int(rules_id(Rules()), 16) >= 0
