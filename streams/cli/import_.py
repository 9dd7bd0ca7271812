"""`tower import`: a table of a carrier becomes events, by a mapping in YAML."""

import gzip
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, BinaryIO, cast

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)

from streams.cli.options import refuse_overwriting
from streams.errors import TowerError
from streams.importing.convert import BadRow, Conversion
from streams.importing.mapping import load
from streams.importing.plan import bind
from streams.importing.table import Source, opened

EXPLAINED = (
    "Turn a CSV export into events by a YAML mapping.\n\n"
    "FILE is comma-separated values, plain or gzip, with a header; events go out as JSON lines "
    "in the order of the rows. A row that cannot be read stops the import with one sentence "
    "that names file, row and column, and the file of --out is left as it was.\n\n"
    "Example:\n\n"
    "  tower import examples/flights.yaml examples/flights.csv --out out.jsonl\n\n"
    "docs/importing.md explains the mapping language; examples/ holds four mappings."
)

_EVERY = 500

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command(help=EXPLAINED)
def run(
    mapping: Annotated[Path, typer.Argument(help="The mapping (YAML).", metavar="MAPPING")],
    file: Annotated[
        Path, typer.Argument(help="The table (CSV, plain or .gz).", metavar="FILE")
    ],
    out: Annotated[
        Path, typer.Option(help="Write here; `-` standard output; .gz compresses.")
    ] = Path("-"),
    skip_bad: Annotated[
        bool, typer.Option("--skip-bad", help="Leave bad rows out, one sentence for each.")
    ] = False,
) -> None:
    """Read the mapping and the table, write the events."""
    refuse_overwriting("events", out, (mapping, file))
    rules = load(mapping)
    with opened(file, rules.table) as source, _destination(out) as sink:
        plan = bind(rules, str(mapping), source.columns)
        conversion = Conversion(source, plan, frozenset(rules.table.empty))
        rows = events = bad = 0
        for lines in _watched(conversion.rows(), source, file.stat().st_size):
            rows += 1
            if isinstance(lines, BadRow):
                if not skip_bad:
                    raise TowerError(lines.sentence)
                bad += 1
                print(lines.sentence, file=sys.stderr)
                continue
            events += len(lines)
            sink.writelines(line + b"\n" for line in lines)
        if bad == rows > 0:
            raise TowerError(f"{file.name} has no row that could be read.")
    left = f", {bad:,} bad row{'s' if bad != 1 else ''} left out" if skip_bad else ""
    print(f"{file.name}: {events:,} events of {rows - bad:,} rows{left}.", file=sys.stderr)


@contextmanager
def _destination(out: Path) -> Iterator[BinaryIO]:
    """Open where events go; a file appears under its name only when all went well."""
    if str(out) == "-":
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    part = out.with_name(f".{out.name}.{os.getpid()}.part")
    try:
        with part.open("wb") as raw, _packed(raw, out.suffix == ".gz") as sink:
            yield sink
        part.replace(out)
    except OSError as error:
        raise TowerError(f"{out} cannot be written: {error.strerror}.") from None
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def _packed(raw: BinaryIO, zipped: bool) -> Iterator[BinaryIO]:
    """Compress what is written; no name, no time: the same events are the same bytes."""
    if zipped:
        with gzip.GzipFile("", "wb", 6, raw, mtime=0) as sink:
            yield cast("BinaryIO", sink)
    else:
        yield raw


def _watched(
    rows: Iterable[list[bytes] | BadRow], source: Source, size: int
) -> Iterator[list[bytes] | BadRow]:
    """Pass rows on, with a progress bar on standard error where that is a terminal."""
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
    )
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task(source.name, total=size)
        for number, row in enumerate(rows):
            if number % _EVERY == 0:
                bar.update(task, completed=source.position())
            yield row
