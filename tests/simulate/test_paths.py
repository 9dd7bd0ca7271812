"""Every path of the report occurs in an ordinary day; the rates of the scenarios make sense."""

from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from statistics import mean
from zoneinfo import ZoneInfo

import pytest

from streams.simulate import DaySpec, day
from tests.simulate.second_reading import instant, read, received

KINDS = """
    order_promised promise_changed picked_up in_transit arrived_depot out_for_delivery
    eta_updated courier_arrived attempt_failed available_for_pickup held returning returned
    damaged lost cancelled delivered released event_withdrawn intervention_made feedback_given
    customer_asked position_reported route_planned shift_started shift_ended
"""


def share(day, outcome):
    judged = [line for line in day.truth if line["outcome"] != "excluded"]
    return mean(line["outcome"] == outcome for line in judged)


@pytest.mark.parametrize("seed", [7, 8])
def test_every_kind_and_every_conclusion_occurs(a_day, seed):
    made = a_day("mixed", seed)
    assert {event["kind"] for event in made.events} >= set(KINDS.split())
    assert {line["outcome"] for line in made.truth} == {
        "on_time", "early", "late", "failed", "excluded",
    }  # fmt: skip
    assert {line["first_attempt"] for line in made.truth} == {"succeeded", "failed", None}
    assert len({line["carrier"] for line in made.truth}) == 6  # five and the unknown one
    seen = {each for reading in read(made.events).values() for each in reading.seen}
    assert seen == {
        "reasons", "implicit_failures", "diverted", "no_attempt_return",
        "delivered_then_changed",
    }  # fmt: skip


def test_disputes_are_decided(a_day):
    kinds = Counter(e["kind"] for seed in (7, 8) for e in a_day("mixed", seed).events)
    assert kinds["verdict_decided"] > 0


def test_the_dark_corners_occur(a_day):
    made = a_day("mixed")
    events, truth = made.events, {line["order_id"]: line for line in made.truth}
    promised = {e["order_id"]: e for e in events if e["kind"] == "order_promised"}
    changes = Counter(e["by"] for e in events if e["kind"] == "promise_changed")
    assert min(changes[by] for by in ("consignee", "carrier", "merchant")) > 0
    assert any(e.get("direction") == "return" for e in promised.values())
    assert any("promise" not in e for e in promised.values())
    assert any("service" not in e for e in promised.values())
    assert any("region" not in e for e in promised.values())
    assert any("timezone" not in e for e in promised.values())
    assert max(Counter(e.get("group_id", id(e)) for e in promised.values()).values()) > 1
    assert any("carrier_note" in e for e in events)
    assert early_days(promised, truth) > 0
    assert still_open(events, truth) > 0
    assert unclear_scans(events, promised) > 0
    local = [e for e in events if e.get("time_quality") == "local_as_z"]
    assert local
    skewed = [
        e for e in events if instant(e["occurred_at"]) > received(e) + timedelta(minutes=2)
    ]
    assert skewed
    lags = [received(e) - instant(e["occurred_at"]) for e in events if "time_quality" not in e]
    assert max(lags) > timedelta(hours=24)


def early_days(promised, truth):
    """Return how many promised days were met on an earlier day."""
    count = 0
    for order_id, event in promised.items():
        if event.get("promise", {}).get("precision") == "date" and truth[order_id]["handover"]:
            end = instant(event["promise"]["end"])
            handed = instant(truth[order_id]["handover"]).astimezone(end.tzinfo)
            count += handed.date() < end.date()
    return count


def still_open(events, truth):
    ended = {
        e["order_id"]
        for e in events
        if e["kind"] in {"delivered", "cancelled", "returning", "lost", "damaged"}
    }
    return len(truth.keys() - ended)


def unclear_scans(events, promised):
    """Return the handovers without a zone whose plausible readings differ in the verdict."""
    count = 0
    for event in events:
        if event.get("time_quality") != "assumed" or event["kind"] != "delivered":
            continue
        order = promised[event["order_id"]]
        written = instant(event["occurred_at"])
        local = written.replace(tzinfo=ZoneInfo(order["timezone"])).astimezone(UTC)
        assert written <= received(event) + timedelta(minutes=2)  # so that both are plausible
        if "start" in order.get("promise", {}):
            end = instant(order["promise"]["end"])
            count += (written > end) != (local > end)
    return count


def test_repeats_and_conflicts_come_after_the_original(a_day):
    copies = defaultdict(list)
    for event in a_day("mixed").events:
        if "order_id" in event:
            copies[event["order_id"], event["source"], event["event_id"]].append(event)
    same = other = 0
    for first, *rest in copies.values():
        for copy in rest:
            differs = without_arrival(copy) != without_arrival(first)
            same, other = same + (not differs), other + differs
            assert not differs or received(copy) > received(first)
    assert same > 0
    assert other > 0


def without_arrival(event):
    return {name: value for name, value in event.items() if name != "observed_at"}


def test_lateness_follows_the_roads(a_day):
    calm, mixed, rush = (share(a_day(each), "late") for each in ("calm", "mixed", "rush"))
    assert calm < mixed < rush
    assert calm < 0.15
    assert 0.2 < rush < 0.7


def test_carriers_differ(a_day):
    """Nordpost plans better and fails less often at the door than bluebike."""
    late, failed = defaultdict(list), defaultdict(list)
    for seed in (7, 8):
        for line in a_day("mixed", seed).truth:
            late[line["carrier"]].append(line["late"])
            failed[line["carrier"]].append(line["first_attempt"] == "failed")
    assert mean(late["nordpost"]) < mean(late["bluebike"])
    assert mean(failed["nordpost"]) < mean(failed["bluebike"])


def test_late_customers_like_it_less_and_ask_more(a_day):
    made = a_day("rush")
    outcomes = {line["order_id"]: line["outcome"] for line in made.truth}
    csat, asked = defaultdict(list), Counter()
    for event in made.events:
        verdict = outcomes.get(event.get("order_id"))
        if event["kind"] == "feedback_given" and "csat" in event:
            csat[verdict].append(event["csat"])
        asked[verdict] += event["kind"] == "customer_asked"
    counts = Counter(outcomes.values())
    assert mean(csat["late"]) < mean(csat["on_time"]) - 0.5
    assert asked["late"] / counts["late"] > 2 * asked["on_time"] / counts["on_time"]


def test_failed_visits_have_many_reasons(a_day):
    reasons = {e["reason"] for e in a_day("mixed").events if e["kind"] == "attempt_failed"}
    assert len(reasons) >= 10


def test_a_quarter_is_long(a_day):
    made = a_day("quarter")
    as_of = received(made.events[-1])
    assert as_of - received(made.events[0]) > timedelta(days=115)
    lags = [received(e) - instant(e["occurred_at"]) for e in made.events]
    assert max(lags) > timedelta(days=8)  # after maturity
    assert fell_silent(made, as_of) > 0
    unclaimed = [e for e in made.events if e.get("reason") == "pickup_unclaimed"]
    assert unclaimed
    ended = {line["order_id"]: line["handover"] for line in made.truth if "life" not in line}
    assert any(
        received(e) - instant(ended[e["order_id"]]) > timedelta(days=38)
        for e in made.events
        if e["kind"] == "feedback_given" and ended.get(e["order_id"])
    )


def fell_silent(made, as_of):
    """Return the orders that neither ended nor said anything for 90 days before `as_of`."""
    last = {e["order_id"]: received(e) for e in made.events if "order_id" in e}
    return sum(
        line["handover"] is None
        and line["outcome"] == "late"
        and as_of - last[line["order_id"]] > timedelta(days=90)
        for line in made.truth
    )


@pytest.mark.parametrize("seed", range(1, 5))
def test_the_demo_gets_exciting_within_its_first_hour(seed):
    start = datetime(2026, 3, 3, 13, tzinfo=UTC)
    made = day(DaySpec(orders=900, couriers=30, seed=seed, start=start, scenario="demo"))
    truth = {line["order_id"]: line for line in made.truth}
    visible, delivering = {}, set()
    for event in made.events:
        into = received(event) - start
        if not timedelta(0) <= into < timedelta(hours=1):
            continue
        if event["kind"] == "delivered":
            delivering.add((event["source"].split(".")[0], into // timedelta(minutes=20)))
        end = truth.get(event.get("order_id"), {}).get("promised_end")
        if event["kind"] == "eta_updated" and end:
            early_enough = received(event) < instant(end) - timedelta(minutes=20)
            if early_enough and instant(event["eta"]) > instant(end) + timedelta(minutes=5):
                visible.setdefault(event["order_id"], into)
    really = [into for order_id, into in visible.items() if truth[order_id]["late"]]
    assert len(really) >= 5
    assert min(really) < timedelta(minutes=30)
    thirds = Counter(carrier for carrier, _ in delivering)
    assert sum(count == 3 for count in thirds.values()) >= 3
    customers = {e["customer_id"] for e in made.events if "customer_id" in e}
    assert customers == {each["customer_id"] for each in made.contacts}


def test_contacts_are_nobodys(a_day):
    for contact in a_day("mixed").contacts:
        assert contact["channels"][0]["address"].endswith("@example.com")
        ZoneInfo(contact["timezone"])
    zones = {contact["timezone"] for contact in a_day("mixed").contacts}
    assert zones > {"Europe/Berlin", "America/New_York"}
