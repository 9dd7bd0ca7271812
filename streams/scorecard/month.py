"""A month as both sides agree on it: which orders it has, and as of when it is judged.

A month is final a day and the days of maturity after its last midnight in UTC: by then the
last promise of every zone is mature. It is judged as of that instant whenever it is asked for,
so later events cannot change it, and the same events give the same bytes.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from models.base import Millis, millis
from models.rules import CarrierRules
from streams.domain.cells import Cell, Measures, add
from streams.domain.judgement import Judgement
from streams.domain.kpi.figures import Json
from streams.domain.report import kpi
from streams.domain.zones import DAY_MS
from streams.errors import TowerError
from streams.lives import Life

# What a tower did itself, which another one that knows the same events may not have done.
OWN_ACTS = (
    ("notices",), ("predictions",), ("eta_deviation_by",), ("eta_deviation", "notified"),
    ("feedback", "invited"), ("sla", "at_risk"), ("sla", "reversed"),
)  # fmt: skip

MONTH = re.compile(r"20[0-9]{2}-(0[1-9]|1[0-2])")  # the years of the contract


@dataclass(frozen=True, slots=True)
class Review:
    """Whose month is looked at: a carrier, `YYYY-MM`, and the rules it is judged by."""

    carrier: str
    month: str
    judgement: Judgement

    def __post_init__(self) -> None:
        if not MONTH.fullmatch(self.month):
            raise TowerError(f"{self.month!r} is no month: write it as 2026-11.")

    @property
    def final_at(self) -> Millis:
        """Return the instant as of which the month is judged, which makes it final."""
        year, month = map(int, self.month.split("-"))
        following = datetime(year + month // 12, month % 12 + 1, 1, tzinfo=UTC)
        return millis(following) + DAY_MS + self.judgement.tolerance(self.carrier).maturity

    def require_final(self, known_until: Millis, what: str) -> None:
        """Raise TowerError if what is known ends before the month is final."""
        if known_until < self.final_at:
            raise TowerError(
                f"The month {self.month} of {self.carrier} is final from {_text(self.final_at)}"
                f" on: {what} {_text(known_until)}."
            )


@dataclass(frozen=True, slots=True)
class Member:
    """An order of the month: its life, its cell, and what it counts there."""

    life: Life
    cell: Cell
    measures: Measures


def of_the_month(review: Review, lives: Iterable[Life]) -> list[Member]:
    """Return the orders that a month is made of: promised to end in it, by local days.

    Returns have a section of their own in the report and are in no carrier's month.

    Raises:
        TowerError: there are none.
    """
    found, carriers = [], set()
    for life in lives:
        for cell, measures in life.counted.items():
            if cell.direction == "forward" and cell.day.startswith(review.month):
                carriers.add(cell.carrier)
                if cell.carrier == review.carrier:
                    found.append(Member(life, cell, measures))
    if not found:
        others = f"; there are some of {', '.join(sorted(carriers))}" if carriers else ""
        raise TowerError(
            f"Nothing was promised for {review.month} by {review.carrier}{others}."
        )
    return found


def numbers(review: Review, members: Iterable[Member]) -> Json:
    """Return the numbers of a month as the report has them, whole and by service and region.

    The tower's own acts are left out: who has the same events finds the same numbers.
    """
    total: Measures = {}
    by: dict[str, dict[str, Measures]] = {"service": {}, "region": {}}
    for member in members:
        add(total, member.measures)
        add(by["service"].setdefault(member.cell.service, {}), member.measures)
        add(by["region"].setdefault(member.cell.region, {}), member.measures)
    rules = review.judgement.rules.carriers.get(review.carrier, CarrierRules())
    return {
        "schema": 1,
        "carrier": review.carrier,
        "month": review.month,
        "as_of": _text(review.final_at),
        "rules": review.judgement.id,
        "objectives": dict(rules.objectives),
        "kpi": _of_the_events(kpi(total)),
        "by": {
            name: {value: _of_the_events(kpi(each)) for value, each in sorted(parts.items())}
            for name, parts in by.items()
        },
    }


def _of_the_events(block: Json) -> Json:
    for *path, last in OWN_ACTS:
        part = block
        for name in path:
            part = part.get(name, {})
        part.pop(last, None)
    return block


def _text(at: Millis) -> str:
    return datetime.fromtimestamp(at / 1_000, UTC).isoformat().replace("+00:00", "Z")
