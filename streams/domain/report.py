"""The KPI report of contract section 3, computed from cells and nothing else.

The sections, what an order adds to each and the block it becomes, are in `kpi`. A section
whose feature is not built is absent.
"""

from collections.abc import Callable, Iterable, Mapping

from models.base import Millis
from streams.domain.cells import EVENTS, GROUPS, LOYALTY, Cell, Measures, add
from streams.domain.kpi import (
    attempt_companions,
    couriers,
    delivery_time,
    eta_deviation,
    eta_quality,
    events,
    feedback,
    first_attempt,
    groups,
    life,
    loyalty,
    notices,
    predictions,
    quality,
    questions,
    sla,
)
from streams.domain.kpi.figures import Json
from streams.domain.zones import instant_text


def report(
    cells: Mapping[Cell, Measures], read: Mapping[str, int], as_of: Millis, rules: str
) -> Json:
    """Return the whole report; `read` are the counts of reading both inbound topics."""
    levels = any(map(sla.judged, cells.values()))
    forward = {cell: each for cell, each in cells.items() if cell.direction == "forward"}
    returns = [each for cell, each in cells.items() if cell.direction == "return"]
    return {
        "schema": 1,
        "as_of": instant_text(as_of),
        "rules": rules,
        "events": events.block(dict(read), cells.get(EVENTS, {})),
        "total": kpi(_sum(forward.values()), levels=levels),
        "carriers": _by(forward, lambda cell: cell.carrier, levels=levels),
        "by": {
            "service": _by(forward, lambda cell: cell.service, levels=levels),
            "region": _by(forward, lambda cell: cell.region, levels=levels),
        },
        "returns": kpi(_sum(returns), levels=levels),
        "couriers": couriers.block(cells),
        "data_quality": quality.block(cells),
        "groups": groups.block(cells.get(GROUPS, {})),
        "loyalty": loyalty.block(cells.get(LOYALTY, {})),
    }


def kpi(m: Measures, *, levels: bool = False) -> Json:
    """Return the KPI block of some cells' sum; `levels` says that service levels are ruled."""
    return {
        **life.orders(m),
        "delivery_time": delivery_time.block(m),
        "first_attempt": {**first_attempt.block(m), **attempt_companions.block(m)},
        "eta_deviation": eta_deviation.block(m, "eta"),
        "eta_deviation_by": {"tower": eta_deviation.block(m, "eta_tower")},
        "eta_quality": eta_quality.block(m),
        "promise": life.promise(m),
        **_if_any("predictions", predictions.block(m)),
        **({"sla": sla.block(m)} if levels else {}),
        "notices": notices.block(m),
        "feedback": feedback.block(m),
        "questions": questions.block(m),
    }


def _if_any(name: str, section: Json) -> Json:
    return {name: section} if section else {}


def _by(cells: Mapping[Cell, Measures], key: Callable[[Cell], str], *, levels: bool) -> Json:
    totals: dict[str, Measures] = {}
    for cell, each in cells.items():
        add(totals.setdefault(key(cell), {}), each)
    return {
        name: kpi(total, levels=levels)
        for name, total in sorted(totals.items())
        if total.get("orders")
    }


def _sum(parts: Iterable[Measures]) -> Measures:
    total: Measures = {}
    for part in parts:
        add(total, part)
    return total
