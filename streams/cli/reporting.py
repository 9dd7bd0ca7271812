"""A report as bytes and as a table in the terminal."""

import io
import json
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from streams.errors import TowerError

Json = dict[str, Any]


def as_text(report: Json) -> str:
    """Return a report as JSON: sorted keys, UTF-8, one newline at the end (kpis 2.12 F2)."""
    return json.dumps(report, sort_keys=True, ensure_ascii=False, indent=1) + "\n"


def write_report(path: Path, report: Json) -> None:
    """Write a report to a file."""
    try:
        path.write_text(as_text(report), encoding="utf-8")
    except OSError as error:
        raise TowerError(
            f"The report could not be written to {path}: {error.strerror}."
        ) from error


def kpi_table(report: Json) -> Table:
    """Return the three headline numbers of every carrier as a table."""
    table = Table(title=f"KPIs as of {report['as_of']}", title_justify="left", padding=(0, 0))
    for name in ("carrier", "orders", "open", "on time", "first attempt", "ETA within 10 min"):
        table.add_column(
            name, justify="left" if name == "carrier" else "right", no_wrap=name != "carrier"
        )
    rows = {**report["carriers"], "all carriers": report["total"]}
    for carrier, kpi in rows.items():
        ofd = kpi["eta_deviation"]["ofd"]["within_10min"]
        table.add_row(
            carrier,
            str(kpi["orders"]),
            str(kpi["open"]),
            share(kpi["delivery_time"]["accuracy"]),
            share(kpi["first_attempt"]["success"]),
            share(ofd),
        )
    return table


def share(ratio: Json) -> str:
    """Return a ratio with its interval; under 30 cases only the count (kpis 2.2)."""
    if ratio["n"] < 30:  # noqa: PLR2004 - the smallest n that is shown as a headline
        return f"{ratio['k']} of {ratio['n']}"
    low, high = 100 * ratio["low"], 100 * ratio["high"]
    return f"{100 * ratio['value']:.1f} % ({low:.0f}-{high:.0f}, n {ratio['n']})"


def as_table(report: Json) -> str:
    """Return the headline table as text."""
    console = Console(file=io.StringIO(), width=110)
    console.print(kpi_table(report))
    file = console.file
    return file.getvalue().rstrip() if isinstance(file, io.StringIO) else ""
