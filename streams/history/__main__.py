"""`make history`: write a simulated month as Prometheus blocks."""

import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from dashboards import render, rules
from streams.errors import TowerError
from streams.history.blocks import of_rules, of_samples, tool
from streams.history.play import Month, names_in, scrapes

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def history(
    into: Annotated[Path, typer.Option(help="Folder of the blocks; written anew.")],
    seed: Annotated[int, typer.Option(help="Another seed, another month.")] = 7,
) -> None:
    """Play four simulated weeks that end with the last full hour, and write what was seen."""
    tool("promtool")
    tool("prometheus")
    now = datetime.now(UTC)
    month = Month(until=now.replace(minute=0, second=0, microsecond=0), seed=seed)
    shutil.rmtree(into, ignore_errors=True)
    into.mkdir(parents=True)
    of_samples(scrapes(month, names_in("".join(render.files().values()))), into)
    recorded = [rule for group in rules.groups() for rule in group["rules"]]
    of_rules(recorded, month.instants, into)
    blocks = len(list(into.glob("*/meta.json")))
    for each in into.iterdir():  # what a running Prometheus leaves beside its blocks
        if not (each / "meta.json").exists():
            shutil.rmtree(each) if each.is_dir() else each.unlink()
    into.chmod(0o777)  # the stack's Prometheus runs as nobody
    for each in into.glob("**/*"):
        each.chmod(0o777 if each.is_dir() else 0o666)
    print(f"{blocks} blocks of four simulated weeks in {into}.")  # noqa: T201


if __name__ == "__main__":
    try:
        app(standalone_mode=True)
    except TowerError as error:
        raise SystemExit(f"history: {error}") from None
