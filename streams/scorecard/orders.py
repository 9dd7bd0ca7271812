"""orders.csv: one line for each order of the month, its verdicts with rule and evidence.

Verdicts and promise are the frozen ones; the first attempt is that of all evidence up to the
day the month is judged as of, as in the report. Instants are RFC 3339 in the order's zone.
"""

import csv
import io
from collections.abc import Iterable

from streams.domain.accountable import fault, judge_accountable
from streams.domain.arrivals import Arrived
from streams.domain.order import Order
from streams.domain.promises import Resolved
from streams.domain.reasons import PARTY
from streams.domain.suspects import suspicion
from streams.domain.verdicts import Verdict, judge
from streams.explaining import face_of
from streams.scorecard.month import Member
from streams.wording import Face

COLUMNS = (
    "order_id", "life", "service", "region", "due_day", "promise_start", "promise_end",
    "last_good", "handover", "lateness_seconds", "outcome", "rule", "evidence",
    "accountable", "accountable_rule", "accountable_evidence", "fault", "fault_rule",
    "fault_evidence", "first_attempt", "first_attempt_at", "reason", "party", "suspect",
)  # fmt: skip

# A spreadsheet takes text that begins with one of these for a formula.
FORMULA = ("=", "+", "-", "@", "\t", "\r")

Line = dict[str, str]


def lines(members: Iterable[Member]) -> list[Line]:
    """Return every order's line, by id, then in time."""
    return [_line(member) for member in members]


def as_csv(found: Iterable[Line]) -> str:
    """Return lines as CSV with one head; what a spreadsheet would run is quoted with `'`."""
    text = io.StringIO()
    table = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    table.writeheader()
    for line in found:
        table.writerow({name: _inert(name, value) for name, value in line.items()})
    return text.getvalue()


def _inert(name: str, value: str) -> str:
    if name != "lateness_seconds" and value.startswith(FORMULA):
        return f"'{value}"
    return value


def _line(member: Member) -> Line:
    life, cell = member.life, member.cell
    order = life.order
    face = face_of(order)
    track, promise = order.frozen, order.frozen_promise
    raw = judge(track, promise, life.at, order.judgement)
    fair = judge_accountable(track, promise, life.at, order.judgement, order.presence)
    return dict.fromkeys(COLUMNS, "") | {
        "order_id": life.order_id,
        "life": str(life.number),
        "service": cell.service,
        "region": cell.region,
        "due_day": cell.day,
        **_times(order, promise, face),
        "outcome": raw.outcome or "",
        "rule": raw.rule,
        "evidence": names(raw.because),
        "accountable": fair.outcome or "",
        "accountable_rule": fair.rule,
        "accountable_evidence": names(fair.because),
        **_fault(order, promise, raw),
        **_first_attempt(order, face),
    }


def _times(order: Order, promise: Resolved | None, face: Face) -> Line:
    """Return the promise that counts and the handover; lateness is to the promise's end."""
    handover = order.frozen.handover
    at = None if handover is None else handover.at
    found = {"handover": "" if at is None else face.iso(at)}
    if promise is None:
        return found
    late = "" if at is None else f"{(at - promise.end) / 1_000:.3f}".removesuffix(".000")
    return found | {
        "promise_start": "" if promise.start is None else face.iso(promise.start),
        "promise_end": face.iso(promise.end),
        "last_good": face.iso(promise.last_good),
        "lateness_seconds": late,
    }


def _fault(order: Order, promise: Resolved | None, raw: Verdict) -> Line:
    if promise is None:
        return {}
    found = fault(order.frozen, promise, raw, order.presence)
    if found is None:
        return {}
    return {
        "fault": found.party,
        "fault_rule": found.rule,
        "fault_evidence": names(found.because),
    }


def _first_attempt(order: Order, face: Face) -> Line:
    visits = order.track.attempts.visits
    if not visits:
        return {}
    first = visits[0]
    found = {
        "first_attempt": "succeeded" if first.succeeded else "failed",
        "first_attempt_at": face.iso(first.at),
    }
    if first.succeeded:
        return found
    doubt = suspicion(order.track, order.presence)
    return found | {
        "reason": first.reason or "unknown",
        "party": PARTY[first.reason or "unknown"],
        "suspect": "" if doubt is None else doubt.rule,
    }


def names(because: Iterable[Arrived]) -> str:
    """Return the names of events, `source/event_id`, apart by spaces."""
    return " ".join("/".join(each.identity) for each in because)
