"""`tower publish`: a file of events to the two inbound topics."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeRemainingColumn,
)

from streams.cli.options import Brokers, Namespace, instant, run, settings_from
from streams.config import Settings
from streams.feed import event_lines, must_be_there, read_lines
from streams.pacing import PublishOptions
from streams.publishing import Published, publish

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


class Keys(StrEnum):
    """What the records are keyed by; the tower re-keys, so any will do."""

    order = "order"
    carrier = "carrier"
    random = "random"


class Clock(StrEnum):
    """Where time comes from."""

    feed = "feed"
    wall = "wall"


@app.command()
def command(
    file: Annotated[str, typer.Argument(help="JSON lines; `-` standard input; `.gz` as such.")],
    rate: Annotated[float | None, typer.Option(min=0.001, help="Lines a second.")] = None,
    speed: Annotated[
        float | None, typer.Option(min=0.001, help="Keep the events' pace, times this.")
    ] = None,
    pace_from: Annotated[
        str | None, typer.Option(help="Send what arrives before this instant at once.")
    ] = None,
    keys: Annotated[Keys, typer.Option(help="order: order_id or courier_id.")] = Keys.order,
    clock: Annotated[
        Clock | None, typer.Option(help="Where time comes from.", show_default="TOWER_CLOCK")
    ] = None,
    tick: Annotated[
        float, typer.Option(min=1, help="Seconds of event time between ticks (feed).")
    ] = 900.0,
    as_of: Annotated[
        str | None, typer.Option(help="The last tick (feed); default: the last arrival.")
    ] = None,
    contacts: Annotated[
        Path | None, typer.Option(help="Contact updates to send first, JSON lines.")
    ] = None,
    brokers: Brokers = None,
    namespace: Namespace = None,
) -> None:
    """Send a file of events to the two inbound topics, byte for byte.

    Ends once Kafka has acknowledged all of them. With the clock `feed` the lines
    are sent in the order in which they arrived, with their arrival and ticks of
    that clock. Workers on another clock are a reason to send nothing.

    Example: tower publish day.jsonl.gz --clock feed --speed 60
    """
    if rate is not None and speed is not None:
        raise typer.BadParameter("--rate and --speed exclude each other")
    if pace_from is not None and speed is None:
        raise typer.BadParameter(
            "it says where the pace of --speed begins: give both", param_hint="--pace-from"
        )
    settings = settings_from(brokers=brokers, namespace=namespace, clock=clock and clock.value)
    options = PublishOptions(
        keys=keys.value,
        rate=rate,
        speed=speed,
        pace_from=instant(pace_from) if pace_from else None,
        tick_seconds=tick,
        as_of=instant(as_of) if as_of else None,
    )
    for each in (file, contacts):
        if each is not None:
            must_be_there(each)
    _say(_publish(file, options, settings, contacts))


def _publish(
    file: str, options: PublishOptions, settings: Settings, contacts: Path | None
) -> Published:
    bar = Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(file=sys.stderr),
        disable=not sys.stderr.isatty(),
    )
    with bar:
        task = bar.add_task("publishing", total=None)
        return run(
            publish(
                event_lines(file),
                options,
                settings,
                contacts=read_lines(contacts) if contacts else (),
                progress=lambda sent, total: bar.update(task, completed=sent, total=total),
            )
        )


def _say(published: Published) -> None:
    said = f"{published.orders} order events, {published.couriers} courier events"
    if published.contacts:
        said += f", {published.contacts} contact updates"
    if published.ticks:
        said += f", {published.ticks} ticks"
    print(f"Published and acknowledged: {said}.")
