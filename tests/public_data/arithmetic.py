"""The three numbers of the public data by plain arithmetic on the tables, one row at a time.

A second route to the figures of the report: the `csv` module, days and minutes, and the
definitions of docs/kpis.md. Nothing of the tower is imported.
"""

import csv
import gzip
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

DAY = timedelta(days=1)
MATURITY = timedelta(days=7)
SILENT = timedelta(days=90)


def rows_of(path):
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


class Sheet:
    """Counts by carrier: what the report should say of each, and of all."""

    def __init__(self):
        self.carriers = {}

    def order(self, carrier):
        return self.carriers.setdefault(carrier, Counter(orders=0))

    def total(self):
        return sum(self.carriers.values(), Counter())


def judge(counts, frozen, restated):
    """Count an order that is due: its verdict as first frozen, and by all evidence."""
    for view, verdict in (("frozen", frozen), ("restated", restated)):
        counts[view, "due"] += 1
        counts[view, verdict] += 1


def flights(rows):
    """Instants, 15 minutes each way. The verdict is taken from the delay in minutes."""
    sheet = Sheet()
    as_of = max(stamp for row in rows for stamp in _flight_stamps(row))
    for row in rows:
        counts = sheet.order(row["carrier"])
        counts["orders"] += 1
        counts["with_promise"] += 1
        scheduled = _utc(row["sched_arr_utc"])
        due = as_of > scheduled + timedelta(minutes=15)
        cancelled, arrived = row["cancelled"] == "1", row["arr_utc"] != ""
        counts["open"] += not cancelled and not arrived
        counts["overdue"] += due and not cancelled and not arrived
        counts["concluded"] += arrived
        counts["succeeded"] += arrived
        counts["handed_over"] += arrived
        if not due:
            continue
        restated = _by_minutes(row["arr_delay_min"]) if arrived else "late"
        frozen = restated
        if arrived and _utc(row["arr_utc"]) >= scheduled + MATURITY:
            frozen = "late"
        if cancelled:
            frozen = restated = "failed"
        judge(counts, frozen, restated)
    return sheet, as_of


def _flight_stamps(row):
    """Every instant at which something is heard of a leg, the promise aside."""
    if row["cancelled"] == "1":
        return [_utc(row["sched_dep_utc"])]
    return [_utc(row[name]) for name in ("dep_utc", "arr_utc") if row[name]]


def _by_minutes(delay):
    minutes = int(delay)
    if minutes < -15:
        return "early"
    return "late" if minutes > 15 else "on_time"


def shipments(rows):
    """Days in UTC; a delivery is known at 18:00 of the day it was recorded, which may be late.

    After 90 silent days the row has ended and the delivery that comes later is refused.
    """
    sheet = Sheet()
    as_of = max(_known(row) for row in rows)
    for row in rows:
        counts = sheet.order(row["Vendor"][:64].strip())
        counts["orders"] += 1
        counts["with_promise"] += 1
        promised = date.fromisoformat(row["Scheduled Delivery Date"])
        arrived = date.fromisoformat(row["Delivered to Client Date"])
        midnight = datetime(promised.year, promised.month, promised.day, tzinfo=UTC) + DAY
        refused = _known(row) >= midnight + SILENT
        counts["ended_silent"] += refused
        counts["refused"] += refused
        counts["concluded"] += not refused
        counts["succeeded"] += not refused
        counts["handed_over"] += not refused
        if as_of < midnight:
            continue
        in_time = "on_time" if arrived <= promised else "late"
        frozen = in_time if _known(row) < midnight + MATURITY else "late"
        judge(counts, frozen, "late" if refused else in_time)
        early = arrived < promised
        counts["frozen", "early_days"] += early and _known(row) < midnight + MATURITY
        counts["restated", "early_days"] += early and not refused
    return sheet, as_of


def _known(row):
    recorded = date.fromisoformat(row["Delivery Recorded Date"])
    return datetime(recorded.year, recorded.month, recorded.day, 18, tzinfo=UTC)


def changshu(rows):
    """Days in Shanghai, eight hours ahead; the second visit is the next day, the same slot."""
    sheet = Sheet()
    as_of = max(_handed_over(row) for row in rows)
    for row in rows:
        counts = sheet.order("changshu-robot" if row["autonomous"] == "1" else "changshu-human")
        again = row["redelivered"] == "1"
        counts["orders"] += 1
        counts["with_promise"] += 1
        counts["concluded"] += 1
        counts["succeeded"] += not again
        counts["reason", "unknown"] += again
        counts["handed_over"] += 1
        midnight = _shanghai(row["date"], 1, 0)
        if as_of < midnight:
            continue
        verdict = "on_time" if _handed_over(row) < midnight else "late"
        judge(counts, verdict, verdict)
    return sheet, as_of


def _handed_over(row):
    slot, waits = int(row["slot"]), int(row["time_delta_slots"])
    if row["redelivered"] == "1":
        return _shanghai(row["date"], 1, 7 * 60 + 120 * slot + 30)
    days, slot = divmod(slot + waits, 7)
    return _shanghai(row["date"], days, 7 * 60 + 120 * slot + 30)


def _shanghai(day, days, minutes):
    local = datetime.fromisoformat(f"{day}T00:00+08:00")
    return local + timedelta(days=days, minutes=minutes)


def restaurant(rows):
    """A window of 20 to 40 minutes after the order, 15 minutes of earliness, no grace."""
    sheet = Sheet()
    days = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]

    def ordered(row):
        return 24 * 60 * days.index(row["day"]) + Decimal(row["hour"]) * 60

    as_of = max(ordered(row) + Decimal(row["time_to_delivery"]) for row in rows)
    counts = sheet.order("restaurant")
    for row in rows:
        minutes = Decimal(row["time_to_delivery"])
        for name in ("orders", "with_promise", "concluded", "succeeded", "handed_over"):
            counts[name] += 1
        if as_of > ordered(row) + 40:
            verdict = "early" if minutes < 5 else "late" if minutes > 40 else "on_time"
            judge(counts, verdict, verdict)
    monday = datetime(2024, 1, 1, tzinfo=UTC)
    return sheet, monday + timedelta(milliseconds=int(as_of * 60_000))


def _utc(text):
    return datetime.fromisoformat(text)
