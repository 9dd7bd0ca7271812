"""`tower replay`: a file of events through the same rules, with no broker."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from streams.cli.options import instant
from streams.collector import relax
from streams.errors import TowerError
from streams.feed import read_lines
from streams.replay import Replay
from streams.reporting import as_table, as_text, read_line, write_report
from streams.rules import load

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def command(
    file: Annotated[str, typer.Argument(help="JSON lines; `-` standard input; `.gz` as such.")],
    report: Annotated[
        Path | None, typer.Option(help="Write the report here (JSON); `-` standard output.")
    ] = None,
    rules: Annotated[
        Path | None, typer.Option(help="Rules file (YAML); default: the shipped rules.")
    ] = None,
    as_of: Annotated[
        str | None, typer.Option(help="Judge as of this instant (RFC 3339).")
    ] = None,
) -> None:
    """Run a file of events through the tower's rules and print or write the KPI report.

    Same input, same rules: same bytes out.

    Example: tower replay day.jsonl.gz --report report.json
    """
    relax()
    replay = Replay(load(rules))
    replay.run(read_lines(file), None if as_of is None else instant(as_of))
    found = replay.report()
    events = found["events"]
    if events["read"] and not events["accepted"]:
        raise TowerError(f"Nothing in {file} is an event of the contract. {read_line(found)}")
    if events["rejected"]:
        print(f"tower: {read_line(found)}", file=sys.stderr)
    if report is None:
        print(as_table(found))
    elif str(report) == "-":
        print(as_text(found), end="")
    else:
        write_report(report, found)
