"""`tower explain`: one order, and why it was judged so."""

import json
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from streams.cli.explained import pages
from streams.cli.options import Brokers, Namespace, instant, run, settings_from
from streams.config import Settings
from streams.domain.judgement import Judgement
from streams.domain.zones import zone
from streams.errors import TowerError
from streams.explaining import Json, explain
from streams.explaining.ruled import Places
from streams.feed import event_lines
from streams.liverow import live_row
from streams.lives import Lives
from streams.replay import Replay
from streams.reporting import require_events
from streams.rowcodec import decode_row
from streams.rules import read, shipped
from streams.wording import Face, printable

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command(epilog="Example: tower explain A-1001 --file day.jsonl")
def command(
    order: Annotated[str, typer.Argument(metavar="ORDER", help="The order's id.")],
    file: Annotated[
        str | None,
        typer.Option(help="Judge this file of events instead; `-` standard input; `.gz`."),
    ] = None,
    as_of: Annotated[
        str | None, typer.Option(help="With --file: judge as of this instant (RFC 3339).")
    ] = None,
    rules: Annotated[
        Path | None, typer.Option(help="Rules file (YAML).", show_default="TOWER_RULES")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead.")] = False,
    brokers: Brokers = None,
    namespace: Namespace = None,
) -> None:
    """Tell the life of one order and why its verdict and its notices came out as they did.

    Reads the running tower, or with --file a file of events, by the same rules.
    """
    if not order.isprintable():
        raise TowerError(
            f"There is no order {printable(order)}: an id holds what prints alone."
        )
    settings = settings_from(brokers=brokers, namespace=namespace, rules=rules)
    said = read(settings.rules)
    judgement = Judgement(said.rules)
    places = Places(said, *shipped())
    if file is None:
        if as_of is not None:
            raise typer.BadParameter("needs --file", param_hint="--as-of")
        told = _live(order, settings, judgement, places)
    else:
        told = _filed(order, file, as_of, judgement, places)
    print(json.dumps(told, ensure_ascii=False, indent=1) if as_json else pages(told))


def _live(order_id: str, settings: Settings, judgement: Judgement, places: Places) -> Json:
    """Explain an order of the running tower."""
    found = run(live_row(settings, order_id))
    try:
        row = decode_row(found.payload, judgement)
    except (msgspec.MsgspecError, ValueError) as error:
        raise TowerError(f"The row of the order could not be read: {error}") from error
    told = explain(order_id, row, found.clock, places)
    if told is None:
        raise TowerError(f"The tower knows no order {printable(order_id)}.")
    if found.rules and found.rules != judgement.id:
        told["note"] = (
            f"The workers judge by rules {found.rules}, this explanation by {judgement.id}: "
            "name their rules file with --rules."
        )
    return told


def _filed(
    order_id: str, file: str, as_of: str | None, judgement: Judgement, places: Places
) -> Json:
    """Explain an order of a file, judged like `tower replay` does."""
    replay = Replay(judgement.rules)
    lives = Lives([replay.orders])
    replay.run(event_lines(file), None if as_of is None else instant(as_of))
    told = explain(order_id, replay.orders.row(order_id), replay.as_of, places)
    if told is None:
        require_events(replay.report(), [file])
        _refuse_forgotten(order_id, lives, judgement)
        until = "" if as_of is None else f" received by {as_of}"
        raise TowerError(
            f"The file {file} has no event of an order {printable(order_id)}{until}."
        )
    if "timeline" not in told and told["closed"] is not None:
        told["note"] = (
            f"Its row was closed at {told['closed']['at']}: say --as-of with an instant before"
            " that to see how it was judged."
        )
    return told


def _refuse_forgotten(order_id: str, lives: Lives, judgement: Judgement) -> None:
    """Raise if an order was known once: its row was closed, and then its id forgotten."""
    known = [life for life in lives if life.order_id == order_id]
    if known:
        last = known[-1]
        face = Face(zone("UTC"), "UTC")
        closed, forgotten = face.iso(last.at), face.iso(last.at + judgement.stub)
        raise TowerError(
            f"The row of the order {printable(order_id)} was closed at {closed} and its id"
            f" forgotten at {forgotten}: say --as-of with an instant before it was closed"
            " to see how it was judged."
        )
