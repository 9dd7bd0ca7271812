"""One way to run a mapping on a few lines of a table, for the tests beside it."""

import json

from streams.importing.convert import BadRow, Conversion
from streams.importing.mapping import load
from streams.importing.plan import bind
from streams.importing.table import opened

HEADER = """\
schema: 1
common: {source: shop, order_id: "{id}"}
"""


def convert(folder, mapping, table):
    """The events of each row, or the sentence that says why there are none."""
    at = folder / "shop.yaml"
    at.write_text(mapping, encoding="utf-8")
    file = folder / "shop.csv"
    file.write_bytes(table if isinstance(table, bytes) else table.encode())
    rules = load(at)
    with opened(file, rules.table) as source:
        plan = bind(rules, "shop.yaml", source.columns)
        rows = list(Conversion(source, plan, frozenset(rules.table.empty)).rows())
    return [
        row.sentence if isinstance(row, BadRow) else [json.loads(line) for line in row]
        for row in rows
    ]


def at(folder, expression, row=None):
    """What an expression makes of a row as the time of an event; None: no event."""
    row = {"id": "1"} | (row or {})
    mapping = f"{HEADER}events: [{{kind: delivered, occurred_at: {expression}}}]\n"
    table = ",".join(row) + "\n" + ",".join(f'"{cell}"' for cell in row.values()) + "\n"
    (found,) = convert(folder, mapping, table)
    if isinstance(found, str):
        return found
    return found[0]["occurred_at"] if found else None


def text(folder, expression, row=None):
    """What an expression makes of a row as a free attribute of an order."""
    row = {"id": "1"} | (row or {})
    mapping = (
        f"{HEADER}events: [{{kind: order_promised, carrier: c,"
        f' occurred_at: "2024-01-01T00:00Z", attributes: {{it: {expression}}}}}]\n'
    )
    table = ",".join(row) + "\n" + ",".join(f'"{cell}"' for cell in row.values()) + "\n"
    (found,) = convert(folder, mapping, table)
    return found if isinstance(found, str) else found[0].get("attributes", {}).get("it")
