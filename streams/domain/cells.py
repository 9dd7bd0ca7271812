"""Cells and measures: every KPI is a sum of integers over cells (design decision 5).

A cell is (carrier, service, region, direction, day of the cohort); special cells hold what
is counted of events, of groups of parcels and of customers. A measure is a count, a sum of
milliseconds, or one bin of a sketch (`name:bin`). Addition commutes, so any order of merging
gives the same numbers.
"""

import json
from collections.abc import Iterable, Mapping
from typing import NamedTuple

Measures = dict[str, int]


class Cell(NamedTuple):
    """Where an order counts; `day` is the local day its promise ends, or `none`."""

    carrier: str
    service: str
    region: str
    direction: str
    day: str


EVENTS = Cell("", "", "", "events", "")
GROUPS = Cell("", "", "", "groups", "")
LOYALTY = Cell("", "", "", "loyalty", "")

Contribution = dict[Cell, Measures]


def encode_cell(cell: Cell) -> str:
    """Return a cell as text that keeps its parts apart."""
    return json.dumps(cell, ensure_ascii=False, separators=(",", ":"))


def decode_cell(text: str) -> Cell:
    """Return the cell that `encode_cell` wrote."""
    return Cell(*json.loads(text))


def add(total: Measures, measures: Mapping[str, int], sign: int = 1) -> None:
    """Add measures to a total in place; what becomes zero is gone."""
    for name, value in measures.items():
        _change(total, name, sign * value)


def _change(total: Measures, name: str, by: int) -> None:
    now = total.get(name, 0) + by
    if now:
        total[name] = now
    else:
        total.pop(name, None)


def exchange(total: Measures, old: Mapping[str, int], new: Mapping[str, int]) -> None:
    """Put new measures into a total in place of old ones; most of them are the same."""
    if old == new:
        return
    for name, value in new.items():
        by = value - old.get(name, 0)
        if by:  # written out: a call for each costs as much as the rest
            now = total.get(name, 0) + by
            if now:
                total[name] = now
            else:
                del total[name]
    for name, value in old.items():
        if name not in new:
            _change(total, name, -value)


def merge(parts: Iterable[tuple[Cell, Mapping[str, int]]]) -> Contribution:
    """Add up measures cell by cell."""
    merged: Contribution = {}
    for cell, measures in parts:
        add(merged.setdefault(cell, {}), measures)
    return merged
