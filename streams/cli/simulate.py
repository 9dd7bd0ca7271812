"""`tower simulate`: a seeded delivery day as a file of events, with the truth beside it."""

import sys
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from streams.cli.options import refuse_one_place
from streams.errors import TowerError
from streams.simulate import SCENARIOS, DaySpec, day
from streams.simulate.lines import mixed, packed, said

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)

EXAMPLE = """Example:
  tower simulate --orders 1500 --couriers 50 --seed 4 --scenario rush
      --start 2026-03-03T06:00:00+01:00 --out day.jsonl.gz --truth truth.jsonl"""


@app.command(
    help="Write a seeded delivery day as events: the same arguments, the same bytes.\n\n"
    + "\n\n".join(f"Scenario {name}: {each.about}." for name, each in SCENARIOS.items()),
    epilog=EXAMPLE,
)
def command(
    orders: Annotated[int, typer.Option(min=1, help="Orders of all days together.")] = 2_000,
    couriers: Annotated[int, typer.Option(min=1, help="Couriers of all carriers.")] = 50,
    seed: Annotated[int, typer.Option(help="Another seed, another day.")] = 7,
    start: Annotated[
        str, typer.Option(help="Instant with an offset; its local date is the (first) day.")
    ] = "2026-03-03T06:00:00Z",
    scenario: Annotated[str, typer.Option(help="One of those above.")] = "mixed",
    out: Annotated[
        Path, typer.Option(help="Events, JSON lines; `-` standard output; `.gz` as such.")
    ] = Path("-"),
    truth: Annotated[Path | None, typer.Option(help="What truly became of each order.")] = None,
    contacts: Annotated[Path | None, typer.Option(help="Customers' contacts.")] = None,
    hostile: Annotated[int, typer.Option(min=0, help="Hostile messages mixed in.")] = 0,
) -> None:
    """Simulate and write the files asked for."""
    refuse_one_place({"--out": out, "--truth": truth, "--contacts": contacts})
    begins = _instant(start)
    try:
        made = day(DaySpec(orders, couriers, seed, begins, scenario))
    except TowerError as error:
        raise typer.BadParameter(str(error)) from error
    _write(out, mixed(said(made.events), seed, hostile, begins))
    if truth is not None:
        _write(truth, said(made.truth))
    if contacts is not None:
        _write(contacts, said(made.contacts))


def _instant(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(
            f"{text!r} is not an instant of RFC 3339", param_hint="--start"
        ) from error


def _write(path: Path, lines: Iterable[bytes]) -> None:
    content = b"".join(line + b"\n" for line in lines)
    if str(path) == "-":
        sys.stdout.buffer.write(content)
        return
    try:
        path.write_bytes(packed(content) if path.suffix == ".gz" else content)
    except OSError as error:
        raise TowerError(f"{path} cannot be written: {error.strerror}.") from error
