"""The report a second time, from the definitions alone: slow, literal, no state kept.

Written from the KPI definitions without a look at the tower, with the standard library only, so
that the two can be wrong independently. Everything of an order is recomputed from its sorted
events. Input are (received_at, event) pairs; times are epoch milliseconds, positive is late.
The numbers in brackets (L2, T1, P2) are the clarifications of kpis 2.12 that a line follows.

The way of a number: `events` -> `lives` (which events make which order) -> `order` (what
happened to it) -> `visits`, `judging` (what follows) -> `figures` -> `report`.
"""

from tests.oracle.events import Event, Pairs
from tests.oracle.report import report
from tests.oracle.rules import RULES
from tests.oracle.times import DAY, HOUR, MINUTE, instant, received

__all__ = [
    "DAY", "HOUR", "MINUTE", "RULES", "Event", "Pairs", "instant", "received", "report",
]  # fmt: skip
