"""Events of the model: few kinds, each hard feature of the real ones; integer times."""

from typing import NamedTuple

MATURITY = 20  # after the end of the promise the verdict freezes
ENDED = 30  # an ended order closes
SILENT = 45  # an open order closes in silence
GAP = 40  # a promise that long after the last life event opens a new life
STUB = 60  # a stub is forgotten
SKEW = 2  # an event may happen that long after it was received
VOID = 15  # a scan that long after a handover voids it

RANKS = ("promise", "change", "scan", "done", "withdraw", "answer")
LIFE = frozenset({"promise", "change", "scan", "done"})


class Event(NamedTuple):
    """What a source says: `text` and `number` mean what the kind makes of them.

    promise: carrier, end. change: end. withdraw: the id withdrawn. answer: points.
    """

    id: str
    kind: str
    at: int
    text: str = ""
    number: int = 0

    @property
    def canonical(self) -> str:
        return repr(tuple(self))


class Copy(NamedTuple):
    """An event as it came in once."""

    received: int
    event: Event

    @property
    def at(self) -> int:
        """When it happened, as far as that can be believed."""
        late = self.event.at > self.received + SKEW
        return self.received if late else self.event.at

    @property
    def age(self) -> tuple[int, str]:
        """Of several copies of an event the one with the least of these is the event."""
        return self.received, self.event.canonical

    @property
    def order(self) -> tuple[int, int, int, str]:
        """The order in which events happened."""
        return self.at, RANKS.index(self.event.kind), self.received, self.event.canonical

    @property
    def arrival(self) -> tuple[int, tuple[int, int, int, str]]:
        """The order in which events were received."""
        return self.received, self.order


Cell = str
Measures = dict[str, int]
Cells = dict[Cell, Measures]
REFUSED = "~refused"
PARKED = "~parked"


def add(cells: Cells, cell: Cell, measures: Measures, sign: int = 1) -> None:
    """Add measures to a cell; what becomes zero is absent."""
    row = cells.setdefault(cell, {})
    for name, value in measures.items():
        row[name] = row.get(name, 0) + sign * value
        if not row[name]:
            del row[name]
    if not row:
        del cells[cell]
