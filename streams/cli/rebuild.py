"""`tower rebuild`: a new namespace made of an export, judged by the rules and code of now."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from streams.cli.options import Brokers, run, settings_from
from streams.collector import relax
from streams.config import Settings
from streams.errors import TowerError
from streams.exporting.building import Building, copy, survey
from streams.exporting.files import opened
from streams.exporting.judging import differences
from streams.exporting.target import prepared
from streams.reporting import Json
from streams.rules import load

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)

SHOWN = 12  # fields that come out otherwise, on lines of their own


@app.command(epilog="Example: tower rebuild inbox.jsonl.gz --namespace tower-2")
def command(
    exports: Annotated[
        list[Path],
        typer.Argument(metavar="EXPORT...", help="Exports that follow each other."),
    ],
    namespace: Annotated[str, typer.Option(help="The new prefix of all topics, not used yet.")],
    rules: Annotated[
        Path | None,
        typer.Option(help="Rules file (YAML) to judge by.", show_default="TOWER_RULES"),
    ] = None,
    brokers: Brokers = None,
) -> None:
    """Make a new namespace of an export, beside the old one, and say what comes out otherwise.

    The old namespace is not touched and not read. Nobody is told anything again.
    Workers go on with the new one once they are started with its TOWER_NAMESPACE.
    """
    relax()
    settings = settings_from(brokers=brokers, namespace=namespace, rules=rules)
    before, after = run(_rebuilt(exports, settings))
    _say(before, after)
    print(
        f"The namespace {namespace} is ready: TOWER_NAMESPACE={namespace} for workers and"
        " dispatcher, the claims file as before."
    )


async def _rebuilt(paths: list[Path], settings: Settings) -> tuple[Json | None, Json]:
    if any(str(path) == "-" for path in paths):
        raise TowerError("An export is read three times here: it has to be a file.")
    first = opened(paths)
    found = survey(first)
    header = first.header
    if "partitions" in settings.model_fields_set and settings.partitions != header.partitions:
        print(
            f"tower: The export is of {header.partitions} partitions, so the new namespace has"
            f" as many, not {settings.partitions} (TOWER_PARTITIONS).",
            file=sys.stderr,
        )
    where = settings.model_copy(update={"partitions": header.partitions, "clock": header.clock})
    async with prepared(where) as target:
        building = Building(opened(paths), found, load(settings.rules))
        await building.state(target)
        await copy(opened(paths), found, target)
    return first.report, building.judging.report()


def _say(before: Json | None, after: Json) -> None:
    if before is None:
        return
    differ = differences(before, after)
    if not differ:
        print(
            f"The report as of {after['as_of']} is the old one in every field,"
            " predictions apart."
        )
        return
    print(f"Of the report as of {after['as_of']}, {len(differ)} fields come out otherwise:")
    for each in differ[:SHOWN]:
        print(f"  {each}")
    if len(differ) > SHOWN:
        print(f"  and {len(differ) - SHOWN} more", file=sys.stdout)
