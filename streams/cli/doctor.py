"""`tower doctor`: what is wrong with the running tower, in words."""

from pathlib import Path
from typing import Annotated

import typer

from streams.cli.options import Brokers, Namespace, run, settings_from
from streams.doctor.diagnosis import as_json, as_lines, see
from streams.doctor.judge import NAMES, healthy, judge

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command(epilog="Example: tower doctor --brokers 127.0.0.1:9092 --without dispatcher")
def command(
    json: Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")] = False,
    rules: Annotated[
        Path | None,
        typer.Option(help="Rules file the workers should use.", show_default="TOWER_RULES"),
    ] = None,
    without: Annotated[
        list[str] | None, typer.Option(help=f"Leave a check out: {', '.join(NAMES)}.")
    ] = None,
    brokers: Brokers = None,
    namespace: Namespace = None,
) -> None:
    """Say what is wrong with the running tower and what to do first.

    Looks twice, some seconds apart, and changes nothing. Exit code 0: nothing is
    wrong; 1: something is.
    """
    left_out = frozenset(without or ())
    if unknown := sorted(left_out - set(NAMES)):
        raise typer.BadParameter(f"there is no check {', '.join(unknown)}")
    settings = settings_from(brokers=brokers, namespace=namespace, rules=rules)
    seen = run(see(settings, settings.rules))
    judged = judge(seen, left_out)
    print(as_json(seen, judged) if json else as_lines(judged))
    if not healthy(judged):
        raise typer.Exit(1)
