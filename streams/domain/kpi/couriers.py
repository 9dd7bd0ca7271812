"""How customers mark couriers: each carrier's ranking, fair to those with few answers (2.8).

A cell of its own holds each courier of a carrier, so nothing personal is among the numbers of
carriers. An order's mark is the mean of the up to three marks given; it is counted in sixths,
which makes it whole.
"""

from collections.abc import Mapping

from streams.domain.cells import Cell, Contribution, Measures
from streams.domain.kpi.feedback import MARKS
from streams.domain.kpi.figures import Json, interval
from streams.domain.order import Order

DIRECTION = "couriers"
ASPECTS = {
    "communication": "courier_communication",
    "professionalism": "courier_professionalism",
    "parcel_care": "parcel_care",
}
# What a customer may be speaking about for the marks to be the courier's; others are not.
ABOUT_COURIER = frozenset({None, "courier", "delivery"})

SIXTHS = 6
PRIOR = 20  # answers at the carrier's mean that every courier begins with
FEWEST = 5  # answers below which a courier is not shown


def count(counted: Contribution, order: Order) -> None:
    """Add the marks of the courier of the attempt that ended an order."""
    track = order.track
    if track.direction != "forward" or not any(
        name in track.answers for name in ASPECTS.values()
    ):
        return
    courier, marks = _courier(order), _marks(order)
    if courier is None or not marks:
        return
    sixths = SIXTHS * sum(marks.values()) // len(marks)
    measures: Measures = {"n": 1, "sixths": sixths, "squares": sixths * sixths}
    for aspect, mark in marks.items():
        measures[f"{aspect}.n"], measures[f"{aspect}.sum"] = 1, mark
    counted[Cell(track.carrier, courier, "", DIRECTION, "")] = measures


def _courier(order: Order) -> str | None:
    """Return whose attempt ended the order, None while it is open or if nobody said so."""
    track, visits = order.track, order.track.attempts.visits
    if track.ending is None or not visits:
        return None
    named: str | None = None
    if track.handover is not None:
        named = getattr(track.handover.event, "courier_id", None)
    return named or visits[-1].courier or track.attempts.courier


def _marks(order: Order) -> dict[str, int]:
    """Return the last mark of each aspect that was given about the courier."""
    told = [
        arrived
        for identity, arrived in order.arrivals.items()
        if arrived.event.kind == "feedback_given"
        and identity not in order.withdrawn
        and _about(arrived.event.about) in ABOUT_COURIER
    ]
    marks: dict[str, int] = {}
    for arrived in sorted(told, key=lambda each: each.key):
        for aspect, instrument in ASPECTS.items():
            mark = getattr(arrived.event, instrument)
            if mark is not None:
                marks[aspect] = mark
    return marks


def _about(said: str | None) -> str | None:
    return said if said is None else said.strip().casefold()


def block(cells: Mapping[Cell, Measures]) -> Json:
    """Return the section `couriers`: each carrier's ranking, the best first."""
    by_carrier: dict[str, dict[str, Measures]] = {}
    for cell, measures in cells.items():
        if cell.direction == DIRECTION:
            by_carrier.setdefault(cell.carrier, {})[cell.service] = measures
    return {carrier: _ranking(each) for carrier, each in sorted(by_carrier.items())}


def _ranking(couriers: Mapping[str, Measures]) -> Json:
    answers = sum(m["n"] for m in couriers.values())
    sixths = sum(m["sixths"] for m in couriers.values())
    of_all = sixths / SIXTHS / answers
    shown = [_shown(courier, m, of_all) for courier, m in couriers.items() if m["n"] >= FEWEST]
    return {
        "answers": answers,
        "mean": of_all,
        "hidden": len(couriers) - len(shown),
        "ranking": sorted(shown, key=lambda each: (-each["shrunken"], each["courier"])),
    }


def _shown(courier: str, m: Measures, of_all: float) -> Json:
    n, sixths = m["n"], m["sixths"]
    ends = interval(n, sixths, m["squares"], (SIXTHS * MARKS[0], SIXTHS * MARKS[-1]))
    return {
        "courier": courier,
        "shrunken": (sixths / SIXTHS + PRIOR * of_all) / (n + PRIOR),
        "n": n,
        "mean": sixths / SIXTHS / n,
        **{end: value / SIXTHS for end, value in ends.items()},
        **{aspect: _aspect(m, aspect) for aspect in ASPECTS},
    }


def _aspect(m: Measures, aspect: str) -> Json:
    n = m.get(f"{aspect}.n", 0)
    return {"n": n, "mean": m[f"{aspect}.sum"] / n if n else None}
