"""`tower tune`: history replayed, and what each threshold of an alert would have come to."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from streams.cli.options import refuse_two_pipes
from streams.collector import relax
from streams.domain.scoring.said import MICRO
from streams.domain.tradeoff import Outcome, Policy, outcome
from streams.domain.zones import MINUTE_MS
from streams.errors import TowerError
from streams.feed import event_lines
from streams.rules import load
from streams.tuning import Tuning

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)

THRESHOLDS = [MICRO * percent // 100 for percent in (5, 10, 20, 30, 40, 50, 60, 70, 80, 90)]
HEAD = "threshold  notices per 1,000  false  missed late  lead"


@app.command(
    epilog="Example: tower tune history.jsonl.gz --carrier acme --budget 200 --lead 30"
)
def command(
    file: Annotated[
        str,
        typer.Argument(metavar="FILE", help="JSON lines; `-` standard input; `.gz` as such."),
    ],
    rules: Annotated[
        Path | None, typer.Option(help="Rules file (YAML); default: the shipped rules.")
    ] = None,
    carrier: Annotated[str | None, typer.Option(help="Only orders of this carrier.")] = None,
    promise: Annotated[
        str | None, typer.Option(help="Only this kind of promise: window, instant or date.")
    ] = None,
    budget: Annotated[
        int | None, typer.Option(help="Notices a day (UTC) at most.", min=0)
    ] = None,
    lead: Annotated[
        int, typer.Option(help="Minutes before the deadline that have to be left.", min=0)
    ] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Replay history and print what each threshold for telling a delay would have come to.

    An order is told once, at its first prediction that reaches the threshold. False notices are
    of orders that came in time, missed ones late and never told; lead is the median time from a
    notice that came true to the deadline, minutes.
    """
    relax()
    refuse_two_pipes([file, *([] if rules is None else [str(rules)])])
    replay = Tuning(load(rules))
    replay.run(event_lines(file))
    every = [
        each
        for each in replay.foretold()
        if carrier in {None, each.carrier} and promise in {None, each.precision}
    ]
    if not every:
        raise TowerError(
            "No prediction of such orders was scored: there is nothing to tune by."
        )
    curve = [outcome(every, Policy(each, budget, lead * MINUTE_MS)) for each in THRESHOLDS]
    print(json.dumps([_plain(each) for each in curve]) if as_json else _table(curve))


def _plain(each: Outcome) -> dict[str, float | None]:
    """Return a point of the curve with its threshold as a probability, its lead in seconds."""
    seconds = None if each.lead is None else each.lead / 1_000
    return asdict(each) | {"threshold": each.threshold / MICRO, "lead": seconds}


def _table(curve: list[Outcome]) -> str:
    """Return the curve as text, each number as wide as its head."""
    orders, late = curve[0].orders, curve[0].late
    lines = [f"{orders:,} orders predicted and judged, {late:,} of them late", HEAD]
    for each in curve:
        minutes = "-" if each.lead is None else f"{each.lead / MINUTE_MS:,.0f}"
        cells = (
            f"{each.threshold / MICRO:.2f}", f"{1_000 * each.notices / orders:.1f}",
            f"{each.false:,}", f"{each.missed:,}", minutes,
        )  # fmt: skip
        widths = (9, 17, 5, 11, 4)
        pairs = zip(cells, widths, strict=True)
        lines.append("  ".join(f"{cell:>{width}}" for cell, width in pairs))
    return "\n".join(lines)
