"""docs/metrics.md as data, and what processes expose in the same shape."""

import re
from pathlib import Path
from typing import NamedTuple

from tests.hostile.exposition import families

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "metrics.md"
_SECTION = re.compile(r"^## (.+)$")
_ROW = re.compile(r"^\| `(tower_\w+)` \| (\w+) \|([^|]*)\|([^|]+)\|([^|]+)\|$")
OWN = {"histogram": {"le"}}  # labels that belong to the type


class Row(NamedTuple):
    """One series as the document has it; `labels` None: nothing was counted yet."""

    name: str
    type: str
    labels: set[str] | None
    section: str = ""
    meaning: str = ""
    source: str = ""


def rows() -> list[Row]:
    """Return every series of the document."""
    found, section = [], ""
    for line in DOCUMENT.read_text().splitlines():
        if heading := _SECTION.match(line):
            section = heading[1]
        elif row := _ROW.match(line):
            name, kind, labels, meaning, source = (part.strip() for part in row.groups())
            named = set(re.findall(r"`(\w+)`", labels))
            found.append(Row(name, kind, named, section, meaning, source))
    return found


def exposition(*processes) -> dict[str, Row]:
    """Return every series some processes expose, by the name it is asked for."""
    found: dict[str, Row] = {}
    for process in processes:
        for family in families(process.metrics()):
            name = f"{family.name}_total" if family.type == "counter" else family.name
            labels = {
                label
                for sample in family.samples
                for label in set(sample.labels) - OWN.get(family.type, set())
            }
            before = found.get(name, Row(name, family.type, None))
            if family.samples:
                labels |= before.labels or set()
                before = before._replace(labels=labels)
            found[name] = before
    return found
