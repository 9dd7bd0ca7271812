"""Rows to events: each row becomes all of its events, checked against the contract, or none."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import msgspec

from streams.codec import Rejected, decode_courier, decode_order
from streams.importing.plan import EventPlan, Fields, Plan
from streams.importing.table import Record, Source, is_text
from streams.importing.values import BadCellError, Value


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that cannot become events, and the sentence that says where and why."""

    sentence: str


@dataclass(slots=True)
class Conversion:
    """A plan at work on one file; `empty` holds the words that mean nothing."""

    source: Source
    plan: Plan
    empty: frozenset[str]
    _encode: msgspec.json.Encoder = field(
        default_factory=lambda: msgspec.json.Encoder(order="sorted")
    )
    _ids: set[int] = field(default_factory=set)

    def rows(self) -> Iterator[list[bytes] | BadRow]:
        """Yield, for each row, its events as canonical JSON lines, or why there are none."""
        for record in self.source.records():
            try:
                yield self._row(record)
            except BadCellError as error:
                yield BadRow(_sentence(self.source.name, record, error))

    def _row(self, record: Record) -> list[bytes]:
        columns = self.source.columns
        if len(record.cells) != len(columns):
            raise BadCellError(
                (), f"it has {len(record.cells)} cells and the header has {len(columns)}"
            )
        row: dict[str, Value] = {}
        for name, cell in zip(columns, record.cells, strict=True):
            text = cell.strip()
            if not is_text(text):
                raise BadCellError((name,), f"the file {self.source.not_text}")
            row[name] = None if not text or text in self.empty else text
        for name, expression in self.plan.let:
            row[name] = expression.evaluate(row)
        lines, ids = [], set[int]()
        for plan in self.plan.events:
            event = plan.build(row)
            if event is not None:
                lines.append(self._line(plan, event, ids))
        self._ids |= ids
        return lines

    def _line(self, plan: EventPlan, event: Fields, ids: set[int]) -> bytes:
        order = event.get("order_id")
        decode = decode_courier if order is None else decode_order
        decoded = decode(self._encode.encode(event))
        if isinstance(decoded, Rejected):
            path = tuple(decoded.detail.partition(":")[0].split("."))
            raise BadCellError(plan.columns_at(path), f"{plan.kind}: {decoded.detail}")
        key = event.get("courier_id") if order is None else order
        identity = hash((key, event["source"], event["event_id"]))
        if identity in self._ids or identity in ids:
            raise BadCellError(
                plan.columns_at(("event_id",)),
                f"the event_id {event['event_id']!r} has been used already",
            )
        ids.add(identity)
        return decoded.canonical


def _sentence(file: str, record: Record, error: BadCellError) -> str:
    """Return the sentence that names file, row and column."""
    place = f"{file} row {record.number}"
    if error.columns:
        word = "column" if len(error.columns) == 1 else "columns"
        place += f" {word} {', '.join(error.columns)}"
    return f"{place}: {error.text} (line {record.line})."
