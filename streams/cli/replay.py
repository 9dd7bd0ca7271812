"""`tower replay`: a file of events, or an export, through the same rules with no broker."""

import json
import sys
from itertools import chain
from pathlib import Path
from typing import Annotated

import typer

from streams.cli.options import (
    instant,
    refuse_one_place,
    refuse_overwriting,
    refuse_two_pipes,
)
from streams.collector import relax
from streams.errors import TowerError
from streams.exporting.files import ExportFile, Exports
from streams.exporting.judging import Judging, audited, differences
from streams.feed import look_into_all
from streams.replay import Replay, Sent
from streams.reporting import (
    Json,
    as_table,
    read_line,
    require_events,
    write_report,
    write_text,
)
from streams.rules import load

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


SHOWN = 3  # fields that differ, in the sentence that says so


@app.command()
def command(
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE...",
            help="JSON lines, or exports that follow each other; `-` standard input;"
            " `.gz` as such.",
        ),
    ],
    report: Annotated[
        Path | None, typer.Option(help="Write the report here (JSON); `-` standard output.")
    ] = None,
    rules: Annotated[
        Path | None, typer.Option(help="Rules file (YAML); default: the shipped rules.")
    ] = None,
    as_of: Annotated[
        str | None, typer.Option(help="Judge as of this instant (RFC 3339).")
    ] = None,
    predictions: Annotated[
        Path | None,
        typer.Option(
            help="Write what would have been predicted here (JSON lines); `-` standard output."
        ),
    ] = None,
) -> None:
    """Run a file of events through the tower's rules and print or write the KPI report.

    Same input, same rules: same bytes out. Of a file of `tower export` the report
    is held against the one the tower had published: exit 1 if a field differs.

    Example: tower replay day.jsonl.gz --report report.json
    """
    relax()
    refuse_two_pipes(files)
    read = [*map(Path, files), *([] if rules is None else [rules])]
    _refuse_outputs(read, report, predictions)
    exported, inputs = look_into_all(files)
    if exported:
        if predictions is not None:
            raise TowerError("Predictions are made of a file of events, not of an export.")
        if as_of is not None:
            raise TowerError(
                "An export is judged as of its own clock; --as-of is for files of events."
            )
        _audit([ExportFile(*each) for each in inputs], rules, report)
        return
    replay = Replay(load(rules), predict=predictions is not None)
    lines = chain.from_iterable(each for _, each in inputs)
    replay.run(lines, None if as_of is None else instant(as_of))
    found = replay.report()
    if predictions is not None:
        said = (f"{json.dumps(each, sort_keys=True)}\n" for each in replay.predictions)
        write_text(predictions, "".join(said), "predictions")
    require_events(found, files)
    if found["events"]["rejected"]:
        print(f"tower: {read_line(found)}", file=sys.stderr)
    _write(found, report)


def _refuse_outputs(read: list[Path], report: Path | None, predictions: Path | None) -> None:
    """Raise if outputs would be in one place, or in the place of what is read."""
    if report is None and str(predictions) == "-":
        raise typer.BadParameter(
            "the report is printed: name a file with --report", param_hint="--predictions -"
        )
    refuse_overwriting("report", report, read)
    refuse_overwriting("predictions", predictions, read)
    refuse_one_place({"--report": report, "--predictions": predictions})


def _write(found: Json, report: Path | None) -> None:
    if report is None:
        print(as_table(found))
    else:
        write_report(report, found)


def _audit(files: list[ExportFile], rules: Path | None, report: Path | None) -> None:
    """Judge exports and say whether it comes to what the tower had published; else raise."""
    judging = Judging(Exports(files), load(rules))
    judging.run(Sent())
    found = judging.report()
    _write(found, report)
    reason = audited(judging)
    if reason is not None:
        print(f"tower: Not held against the running tower: {reason}.", file=sys.stderr)
        return
    differ = differences(judging.exports.report or {}, found)
    if differ:
        raise TowerError(
            f"The tower had published another report, {len(differ)} fields differ:"
            f" {'; '.join(differ[:SHOWN])}{' ...' if len(differ) > SHOWN else '.'}"
        )
    print(
        f"tower: Every field is as the tower had published it as of {found['as_of']}.",
        file=sys.stderr,
    )
