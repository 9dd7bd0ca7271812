"""`tower dashboards`: write the Grafana boards and the Prometheus rules."""

from pathlib import Path
from typing import Annotated

import typer

from dashboards import links, render
from streams.errors import TowerError

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command(epilog="Example: tower dashboards --into deploy")
def dashboards(
    into: Annotated[
        Path, typer.Option(help="Folder that holds grafana/ and prometheus/.")
    ] = Path("deploy"),
    runbooks: Annotated[
        str, typer.Option(help="Where docs/runbooks is published, for links in alerts.")
    ] = links.RUNBOOKS,
    grafana: Annotated[
        str, typer.Option(help="Where Grafana is, for links in alerts.")
    ] = links.GRAFANA,
) -> None:
    """Write the Grafana boards and the Prometheus rules, and name what changed."""
    at = links.Places(runbooks, grafana)
    try:
        changed = render.write(into, at)
    except OSError as error:
        raise TowerError(f"{into} cannot be written: {error.strerror}.") from error
    for path in changed:
        print(path)
    print(f"{len(render.files(at))} files, {len(changed)} changed.")
