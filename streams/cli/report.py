"""`tower report`: the KPI report of the running tower."""

from pathlib import Path
from typing import Annotated

import typer

from streams.cli.options import Brokers, Namespace, instant, run, settings_from
from streams.livereport import live_report
from streams.reporting import as_table, waiting, write_report

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command(epilog="Example: tower report --wait 2026-11-24T18:00:00Z --timeout 60 --json -")
def command(
    json: Annotated[
        Path | None, typer.Option(help="Write the report here (JSON); `-` standard output.")
    ] = None,
    wait: Annotated[
        str | None,
        typer.Option(help="Return once every partition's clock has passed this instant."),
    ] = None,
    timeout: Annotated[
        float | None,
        typer.Option(min=0, help="Give up waiting after so many seconds, exit code 1."),
    ] = None,
    brokers: Brokers = None,
    namespace: Namespace = None,
) -> None:
    """Print or write the KPI report of the running tower."""
    if timeout is not None and wait is None:
        raise typer.BadParameter(
            "it says how long to --wait: give both", param_hint="--timeout"
        )
    settings = settings_from(brokers=brokers, namespace=namespace)
    until = None if wait is None else instant(wait)
    with waiting() as told:
        found = run(live_report(settings, until, told, timeout))
    if json is None:
        print(as_table(found))
    else:
        write_report(json, found)
