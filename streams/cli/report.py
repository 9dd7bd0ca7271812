"""`tower report`: the KPI report of the running tower."""

from pathlib import Path
from typing import Annotated

import typer

from streams.cli.options import Brokers, Namespace, instant, run, settings_from
from streams.livereport import live_report
from streams.reporting import as_table, as_text, waiting, write_report

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command(epilog="Example: tower report --wait 2026-11-24T18:00:00Z --json -")
def command(
    json: Annotated[
        Path | None, typer.Option(help="Write the report here (JSON); `-` standard output.")
    ] = None,
    wait: Annotated[
        str | None,
        typer.Option(help="Return once every partition's clock has passed this instant."),
    ] = None,
    brokers: Brokers = None,
    namespace: Namespace = None,
) -> None:
    """Print or write the KPI report of the running tower."""
    settings = settings_from(brokers=brokers, namespace=namespace)
    with waiting() as told:
        found = run(live_report(settings, None if wait is None else instant(wait), told))
    if json is None:
        print(as_table(found))
    elif str(json) == "-":
        print(as_text(found), end="")
    else:
        write_report(json, found)
