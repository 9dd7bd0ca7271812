"""Given these events, these numbers: the short way from a told day to what a test expects.

Times are minutes after nine in the morning of `tests.story.DAY`, as in the story. Unless a test
says otherwise the clock stands at nine a week later: every promise of the day is past, no
evidence of the day is immature, and every row is still alive.
"""

from collections.abc import Iterable
from datetime import datetime
from itertools import count
from typing import Any

from models.base import millis
from models.rules import Rules
from streams.codec import Decoded, decode_order
from streams.domain.arrivals import Arrived
from streams.domain.judgement import Judgement
from streams.domain.kpi.delivery_time import OUTCOMES
from streams.domain.order import Order
from streams.replay import Replay
from tests.story import moment, story

HOUR, DAYS = 60, 1_440
WEEK_LATER = 7 * DAYS
MS = 1 / 60_000  # a millisecond, in minutes

RULES = Rules()
JUDGEMENT = Judgement(RULES)


def at(when: float | str) -> int:
    """Return a time of the story in epoch milliseconds."""
    return millis(datetime.fromisoformat(moment(when)))


def replayed(
    *events: dict[str, Any], as_of: float | str | None = WEEK_LATER, rules: Rules = RULES
) -> Replay:
    """Return the replay of these events up to a time, or to the last event."""
    replay = Replay(rules, keep_outputs=True)
    replay.run(story(*events), None if as_of is None else at(as_of))
    return replay


def report(*events: dict[str, Any], **how: Any) -> dict[str, Any]:
    return replayed(*events, **how).report()


def kpi(*events: dict[str, Any], **how: Any) -> dict[str, Any]:
    """Return the report's `total`."""
    return report(*events, **how)["total"]


def outcome(found: dict[str, Any], view: str = "frozen") -> str | None:
    """Return the one outcome a KPI counts, None if nothing is due yet."""
    part = found["delivery_time"]
    part = part if view == "frozen" else part[view]
    counted = [name for name in OUTCOMES if part[name]]
    assert sum(part[name] for name in OUTCOMES) == len(counted) <= 1
    assert part["due"] == part["accuracy"]["n"] == part["otd"]["n"]
    assert part["due"] == sum(part[name] for name in ("on_time", "early", "late", "failed"))
    return counted[0] if counted else None


def first_attempt(found: dict[str, Any]) -> str | None:
    """Return `success`, the reason why the one first attempt failed, or None without one."""
    part = found["first_attempt"]
    assert part["concluded"] <= 1
    assert sum(part["reasons"].values()) == part["concluded"] - part["succeeded"]
    if not part["concluded"]:
        return None
    return "success" if part["succeeded"] else next(iter(part["reasons"]))


def deviation(found: dict[str, Any], snapshot: str) -> float | None:
    """Return the deviation of the one order at a snapshot, seconds."""
    part = found["eta_deviation"][snapshot]
    assert part["n"] == part["coverage"]["k"] <= 1
    return part["mean"]


def arrivals(*events: dict[str, Any]) -> list[Arrived]:
    """Return events as they arrive, fresh objects at each call; as in a file, when observed."""
    found = []
    for line in story(*events):
        decoded = decode_order(line)
        assert isinstance(decoded, Decoded), decoded
        when = decoded.event.observed_at or decoded.event.occurred_at
        found.append(
            Arrived(decoded.event, millis(when), decoded.canonical, unknown=decoded.unknown)
        )
    return found


def order_of(events: Iterable[dict[str, Any]], judgement: Judgement = JUDGEMENT) -> Order:
    """Return the order these events make, each added as it is told."""
    order = Order(judgement)
    for arrived in arrivals(*events):
        order.add(arrived)
    return order


def numbered(*events: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the events under ids of their own, so that equal sentences stay two events."""
    number = count()
    return [each | {"event_id": f"e-{next(number)}"} for each in events]
