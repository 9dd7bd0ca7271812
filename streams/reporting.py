"""A report as bytes and as a table in the terminal."""

import io
import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from models.base import Millis
from streams.errors import TowerError

SILENT_SECONDS = 5.0

Json = dict[str, Any]


def as_text(report: Json) -> str:
    """Return a report as JSON: sorted keys, UTF-8, one newline at the end (kpis 2.12 F2)."""
    return json.dumps(report, sort_keys=True, ensure_ascii=False, indent=1) + "\n"


def write_report(path: Path, report: Json) -> None:
    """Write a report to a file; `-` is standard output."""
    write_text(path, as_text(report), "report")


def write_text(path: Path, text: str, what: str) -> None:
    """Write a text to a file; `-` is standard output.

    Raises:
        TowerError: the file cannot be written; `what` it is, in the sentence.
    """
    if str(path) == "-":
        sys.stdout.write(text)
        return
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise TowerError(
            f"The {what} could not be written to {path}: {error.strerror}."
        ) from error


def kpi_table(report: Json) -> Table:
    """Return the three headline numbers of every carrier as a table of 80 columns."""
    table = Table(
        title=f"KPIs as of {report['as_of']}",
        title_justify="left",
        box=SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
        collapse_padding=True,
    )
    table.add_column("carrier", min_width=8, overflow="ellipsis", no_wrap=True)
    for name in ("orders", "open", "on time", "1st attempt", "ETA 10 min"):
        table.add_column(name, justify="right", no_wrap=True)
    rows = {**report["carriers"], "all carriers": report["total"]}
    for carrier, kpi in rows.items():
        table.add_row(
            carrier,
            str(kpi["orders"]),
            str(kpi["open"]),
            share(kpi["delivery_time"]["accuracy"]),
            share(kpi["first_attempt"]["success"]),
            share(kpi["eta_deviation"]["ofd"]["within_10min"]),
        )
    table.caption = "share in %, its 95 % interval, of how many; ETA within 10 minutes"
    return table


def share(ratio: Json) -> str:
    """Return a ratio with its interval; under 30 cases only the count (kpis 2.2)."""
    if ratio["n"] < 30:  # noqa: PLR2004 - the smallest n that is shown as a headline
        return f"{ratio['k']} of {ratio['n']}"
    low, high = 100 * ratio["low"], 100 * ratio["high"]
    return f"{100 * ratio['value']:.0f} ({low:.0f}-{high:.0f}) {ratio['n']}"


def read_line(report: Json) -> str:
    """Return how many events were read and what became of them, as one line."""
    events = report["events"]
    said = (
        f"{events['read']:,} events read: {events['accepted']:,} accepted,"
        f" {events['duplicate']:,} duplicate, {sum(events['rejected'].values()):,} rejected"
    )
    reasons = sorted(events["rejected"].items(), key=lambda each: (-each[1], each[0]))
    why = ", ".join(f"{reason} {count:,}" for reason, count in reasons)
    return f"{said} ({why})." if why else f"{said}."


def require_events(report: Json, files: list[str]) -> None:
    """Raise TowerError if nothing in the files that a report was made of is an event."""
    if not report["events"]["accepted"]:
        raise TowerError(
            f"Nothing in {', '.join(files)} is an event of the contract. {read_line(report)}"
        )


def as_table(report: Json) -> str:
    """Return the headline table and the counts of events as text."""
    console = Console(file=io.StringIO(), width=110)
    console.print(kpi_table(report))
    file = console.file
    table = file.getvalue().rstrip() if isinstance(file, io.StringIO) else ""
    return f"{table}\n{read_line(report)}"


@contextmanager
def waiting() -> Iterator[Callable[[Millis, str], None]]:
    """Yield what says on standard error whom a report waits for.

    A terminal always shows the newest; elsewhere one line comes after some seconds.
    """
    console = Console(file=sys.stderr, highlight=False)
    started = time.monotonic()
    said = False

    def told(clock: Millis, whose: str) -> None:
        nonlocal said
        at = datetime.fromtimestamp(clock / 1_000, UTC).isoformat(timespec="seconds")
        words = f"waiting for {whose}, " + (f"whose clock is {at}" if clock else "yet unheard")
        if console.is_terminal:
            status.update(words)
            status.start()
        elif not said and time.monotonic() - started >= SILENT_SECONDS:
            said = True
            print(f"tower: {words}", file=sys.stderr)  # noqa: T201 - told to the terminal

    status = console.status("waiting")
    try:
        yield told
    finally:
        status.stop()
