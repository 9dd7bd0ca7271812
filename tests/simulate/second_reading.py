"""What a patient reader concludes from the events alone, order by order, in plain Python.

It shares nothing with the simulator but the file. Where an export lost its zone it reads the
written wall time in the order's zone, which is how the simulator wrote it.
"""

import json
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

ORDER_OF_LIFE = """
    order_promised promise_changed picked_up in_transit arrived_depot out_for_delivery
    courier_arrived attempt_failed held released available_for_pickup delivered damaged lost
    returning returned cancelled eta_updated event_withdrawn feedback_given customer_asked
    intervention_made verdict_decided
"""
RANK = {kind: rank for rank, kind in enumerate(ORDER_OF_LIFE.split())}
OF_LIFE = [kind for kind, rank in RANK.items() if rank <= RANK["cancelled"]]
IDLE = {"eta_updated", "customer_asked", "intervention_made", "verdict_decided"}
PROMISED_OPENLY = {None, "consignee", "household", "reception"}
TURNS = {"held", "damaged", "lost", "returning", "returned", "available_for_pickup"}
ZONES = {"nordpost": "Europe/Berlin", "kurio": "Europe/Berlin", "spreekurier": "Europe/Berlin"}


def instant(text):
    return datetime.fromisoformat(text)


def received(event):
    return instant(event.get("observed_at", event["occurred_at"]))


@dataclass
class Reading:
    """What one life of an order came to, and what was seen on the way."""

    carrier: str = "unknown"
    promised_end: datetime | None = None
    handover: datetime | None = None
    outcome: str = "excluded"
    first_attempt: str | None = None
    seen: set[str] = field(default_factory=set)


def read(events):
    """Return the readings by (order_id, life), life beginning with 1."""
    by_order = defaultdict(list)
    for event in events:
        if "order_id" in event and event["kind"] not in IDLE:
            by_order[event["order_id"]].append(event)
    readings = {}
    for order_id, told in by_order.items():
        for number, life in enumerate(lives(timed(unrepeated(told))), 1):
            readings[order_id, number] = judge(life)
    return readings


def unrepeated(told):
    """Keep the copy of each event that came first, and nothing that was taken back."""
    first = {}
    for event in told:
        key = event["source"], event["event_id"]
        if key not in first or came_first(event, first[key]):
            first[key] = event
    kept = list(first.values())
    gone = {(e["source"], e["withdraws"]) for e in kept if e["kind"] == "event_withdrawn"}
    return [event for event in kept if (event["source"], event["event_id"]) not in gone]


def came_first(event, other):
    ranks = [(received(e), json.dumps(e, sort_keys=True)) for e in (event, other)]
    return ranks[0] < ranks[1]


def timed(told):
    """Return (instant, event) in the order of life."""
    zone = ZoneInfo(next((e["timezone"] for e in told if "timezone" in e), "UTC"))
    pairs = []
    for event in told:
        at = instant(event["occurred_at"])
        if event.get("time_quality", "offset") != "offset":
            at = at.replace(tzinfo=zone).astimezone(UTC)
        if at > received(event) + timedelta(minutes=2):
            at = received(event)
        pairs.append((at, event))
    pairs.sort(key=lambda p: (p[0], RANK[p[1]["kind"]], received(p[1]), p[1]["event_id"]))
    return pairs


def lives(pairs):
    """Split where an id is promised again at least 90 days after its last life event."""
    found, last = [[]], None
    for at, event in pairs:
        if event["kind"] == "order_promised" and last and at - last >= timedelta(days=90):
            found.append([])
        found[-1].append((at, event))
        if event["kind"] in OF_LIFE:
            last = at
    return found


def judge(life):
    reading = Reading()
    for _, event in life:
        reading.carrier = event.get("carrier", reading.carrier)
    zone = ZoneInfo(ZONES.get(reading.carrier, "America/New_York"))
    visits = attempts(life, reading)
    promise = effective(life, visits[0][0] if visits else None)
    failed, cancelled = handed_over(life, reading)
    if visits:
        same = [ok for at, leg, ok in visits if leg == visits[0][1]
                and at - visits[0][0] < timedelta(hours=2)]  # fmt: skip
        reading.first_attempt = "succeeded" if any(same) else "failed"
    if promise is not None:
        reading.promised_end, early_before, last = bounds(promise, zone)
        reading.outcome = outcome(reading, early_before, last, failed, cancelled)
    return reading


def effective(life, first_visit):
    original = promise = None
    for at, event in life:
        if event["kind"] == "order_promised" and original is None and "promise" in event:
            original = promise = event["promise"]
        if event["kind"] == "promise_changed" and event["by"] == "consignee" and original:
            asked_in_time = at < instant(original["end"])
            if asked_in_time and (first_visit is None or at < first_visit):
                promise = event["promise"]
    return promise


def bounds(promise, zone):
    """Return the end, the instant before which a handover is early, the last one in time."""
    end = instant(promise["end"])
    quarter = timedelta(minutes=15)
    if promise.get("precision") == "date":
        midnight = end.astimezone(zone).replace(hour=0, minute=0, second=0, tzinfo=None)
        midnight = (midnight + timedelta(days=1)).replace(tzinfo=zone).astimezone(UTC)
        return midnight, None, midnight - timedelta(seconds=1)
    if "start" in promise:
        return end, instant(promise["start"]) - quarter, end
    return end, end - quarter, end + quarter


def handed_over(life, reading):
    """Find the handover that stands; return whether it failed and when it was called off."""
    failed, cancelled, at_sender = False, None, False
    for at, event in life:
        kind = event["kind"]
        again = kind in {"out_for_delivery", "attempt_failed"}
        too_late = reading.handover and again and at - reading.handover >= timedelta(hours=1)
        if reading.handover and (too_late or kind in {"returning", "returned", "lost"}):
            reading.handover = None
            reading.seen.add("delivered_then_changed")
        if kind in {"returning", "returned"}:
            at_sender = True
        if kind == "out_for_delivery":
            at_sender = False
        if kind == "delivered" and reading.handover is None and not at_sender:
            reading.handover = at
        failed |= kind in {"returning", "returned", "lost", "damaged"}
        failed |= kind == "attempt_failed" and event["reason"] == "refused"
        failed |= kind == "cancelled" and event.get("by") == "carrier"
        if kind == "cancelled" and event.get("by") != "carrier" and reading.handover is None:
            cancelled = cancelled or at
    return failed, cancelled


def outcome(reading, early_before, last, failed, cancelled):
    if cancelled is not None and cancelled <= last:
        return "excluded"
    if reading.handover is None:
        return "failed" if failed else "late"
    if reading.handover > last:
        return "late"
    early = early_before is not None and reading.handover < early_before
    return "early" if early else "on_time"


def attempts(life, reading):  # noqa: C901 - one branch a kind
    """Return the visits (instant, leg, whether the customer got it), implicit ones too."""
    visits, leg, out_at, at_door = [], 0, None, False
    for at, event in life:
        kind = event["kind"]
        if kind == "out_for_delivery":
            if out_at is not None and at - out_at > timedelta(hours=24):
                visits.append((at, leg, False))
                reading.seen.add("implicit_failures")
                out_at = None
            leg += 1
            out_at, at_door = out_at or at, False
        elif kind == "courier_arrived":
            at_door = True
        elif kind == "attempt_failed":
            visits.append((at, leg, False))
            reading.seen.add("reasons")
            void(visits, at - timedelta(hours=1))
            out_at = None
        elif kind == "delivered":
            ok = event.get("to") in PROMISED_OPENLY or event.get("consented") is True
            reading.seen |= set() if ok else {"diverted"}
            visits.append((at, leg, ok))
            out_at = None
        elif kind == "arrived_depot" and out_at is not None:
            if at_door:
                visits.append((at, leg, False))
                reading.seen.add("implicit_failures")
            else:
                reading.seen.add("no_attempt_return")
            out_at = None
        elif kind in TURNS and out_at is not None:
            visits.append((at, leg, False))
            reading.seen.add("implicit_failures")
            out_at = None
        if kind in {"returning", "returned", "lost"}:
            void(visits, at)
        if kind == "out_for_delivery":
            void(visits, at - timedelta(hours=1))
    return visits


def void(visits, until):
    """What was handed over until then was not: its visit failed."""
    visits[:] = [(at, leg, ok and at > until) for at, leg, ok in visits]
