"""A comparison as pages for a terminal: numbers side by side, what changes and for whom."""

import io
from collections.abc import Iterator, Sequence
from typing import Any

from rich import box
from rich.console import Console, RenderableType
from rich.table import Table

from streams.wording import plain, printable

Json = dict[str, Any]
Row = tuple[str, ...]
WIDTH = 120


def as_pages(found: Json, first: int) -> str:
    """Return a comparison as text; of fields that differ the `first`."""
    console = Console(file=io.StringIO(), width=WIDTH, markup=False, highlight=False)
    for part in _parts(found, first):
        console.print(part)
    text = console.file.getvalue() if isinstance(console.file, io.StringIO) else ""
    return "\n".join(line.rstrip() for line in text.splitlines()).strip("\n")


def _parts(found: Json, first: int) -> Iterator[RenderableType]:
    for side in ("a", "b"):
        of = found[side]
        yield f"{side.upper()}  as of {printable(of['as_of'])}, rules {printable(of['rules'])}"
    yield from _table("Numbers", ("", "number", "A", "B", "change"), list(_numbers(found)))
    for question, changes in found.get("orders", {}).items():
        heads = ("from", "to", "orders", "the first of them")
        yield from _table(f"Orders: {plain(question)}", heads, list(_turns(changes)))
    differ = found["differences"]
    heads = ("field", "A", "B", "change")
    yield from _table("Fields that differ", heads, [_field(each) for each in differ[:first]])
    if len(differ) > first:
        yield f"and {len(differ) - first:,} more; --first shows more, --json all of them"
    if found["equal"]:
        yield "\nNothing differs."


def _numbers(found: Json) -> Iterator[Row]:
    rows = {"all carriers": found["total"], **found["carriers"]}
    for carrier, numbers in rows.items():
        for place, (name, sides) in enumerate(numbers.items()):
            a, b = sides["a"], sides["b"]
            yield ("" if place else carrier, plain(name), said(a), said(b), _changed(a, b))


def _turns(changes: Sequence[Json]) -> Iterator[Row]:
    for each in changes:
        ids = ", ".join(each["first"])
        more = ", ..." if each["orders"] > len(each["first"]) and ids else ""
        yield plain(each["from"]), plain(each["to"]), str(each["orders"]), f"{ids}{more}"


def _field(each: Json) -> Row:
    a, b = each.get("a"), each.get("b")
    return (
        ".".join(each["path"]),
        said(a) if "a" in each else "absent",
        said(b) if "b" in each else "absent",
        _changed(a, b),
    )


def said(field: object) -> str:
    """Return a field in a few characters: a ratio in percent and how many of how many."""
    if isinstance(field, dict):
        if not field["n"]:
            return "of none"
        return f"{100 * field['value']:.1f} % ({field['k']:,} of {field['n']:,})"
    if isinstance(field, list):
        return f"list of {len(field)}"
    if isinstance(field, float):
        return f"{field:,.1f}"
    return "none" if field is None else f"{field:,}"


def _changed(a: object, b: object) -> str:
    """Return the change of a number, of a ratio in points of percent."""
    if a == b:
        return ""
    if isinstance(a, dict) and isinstance(b, dict):
        if a["value"] is None or b["value"] is None:
            return ""
        return f"{100 * (b['value'] - a['value']):+.1f} points"
    if isinstance(a, int) and isinstance(b, int):
        return f"{b - a:+,}"
    if isinstance(a, int | float) and isinstance(b, int | float):
        return f"{b - a:+,.1f}"
    return ""


def _table(title: str, heads: Row, rows: Sequence[Row]) -> Iterator[RenderableType]:
    if not rows:
        return
    table = Table(
        title=f"\n{title}", title_justify="left", title_style="", box=box.SIMPLE_HEAD,
        pad_edge=False, padding=(0, 1),
    )  # fmt: skip
    for head in heads:
        right = head in {"A", "B", "change", "orders"}
        table.add_column(head, justify="right" if right else "left", overflow="fold")
    for row in rows:
        table.add_row(*map(printable, row))
    yield table
