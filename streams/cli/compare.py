"""`tower compare`: two reports, or two rules files over the same events: what changes."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from models.base import Millis
from models.rules import Rules
from streams.cli.compared import as_pages
from streams.cli.options import instant, refuse_two_pipes
from streams.collector import relax
from streams.comparing import Json, compared, turns, unfit
from streams.errors import TowerError
from streams.exporting.files import ExportFile, Exports
from streams.feed import event_lines, look_into
from streams.lives import Lives
from streams.replay import Replay
from streams.reporting import as_text, require_events
from streams.rules import load

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)

SHIPPED = "shipped"
NEEDED = {"schema", "as_of", "rules", "total", "carriers"}


@app.command(
    epilog="Example: tower compare yesterday.json today.json; "
    "tower compare day.jsonl --rules shipped new.yaml"
)
def command(
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="A B",
            help="Two reports (JSON), or exports for the reports in them; with --rules files"
            " of events instead. `-` standard input; `.gz` as such.",
        ),
    ],
    rules: Annotated[
        tuple[str, str] | None,
        typer.Option(
            metavar="A B",
            help="Judge the events by both of these rules files; `shipped`: the default rules.",
        ),
    ] = None,
    as_of: Annotated[
        str | None, typer.Option(help="With --rules: judge as of this instant (RFC 3339).")
    ] = None,
    ignore: Annotated[
        list[str] | None,
        typer.Option(help="Leave out fields of this name, e.g. notices or delivery_time.late."),
    ] = None,
    first: Annotated[int, typer.Option(help="Show so many lines and order ids.", min=0)] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, all of it.")] = False,
) -> None:
    """Say what differs between two reports, or what other rules would change.

    Exit code 0: nothing differs; 1: something does. `as_of` and the rules' id name
    a report and are no difference.
    """
    relax()
    refuse_two_pipes(files)
    if rules is None:
        if as_of is not None:
            raise typer.BadParameter("needs --rules", param_hint="--as-of")
        if len(files) != 2:  # noqa: PLR2004
            raise typer.BadParameter("two reports, or --rules A B and events", param_hint="A B")
        a, b = (_report(file) for file in files)
        found = compared(a, b, ignore or [])
    else:
        found = _judged_twice(files, rules, as_of, ignore or [], first)
    print(as_text(found).removesuffix("\n") if as_json else as_pages(found, first))
    if not found["equal"]:
        raise TowerError(_in_a_sentence(found))


def _judged_twice(
    files: list[str], rules: tuple[str, str], as_of: str | None, ignore: list[str], first: int
) -> Json:
    """Return what differs when the same events are judged by two sets of rules."""
    sets = [load(None if each == SHIPPED else Path(each)) for each in rules]
    lines = [line for file in files for line in event_lines(file)]
    at = None if as_of is None else instant(as_of)
    (a, lives_a), (b, lives_b) = (_judged(lines, each, at) for each in sets)
    require_events(a, files)
    found = compared(a, b, ignore)
    found["orders"] = {
        question: changes
        for question, changes in turns(lives_a, lives_b, first).items()
        if question not in ignore
    }
    found["equal"] = found["equal"] and not any(found["orders"].values())
    return found


def _judged(lines: list[bytes], rules: Rules, at: Millis | None) -> tuple[Json, Lives]:
    replay = Replay(rules)
    lives = Lives([replay.orders])
    replay.run(lines, at)
    return replay.report(), lives


def _report(file: str) -> Json:
    """Return a report from a file, or the one that an export holds."""
    is_export, lines = look_into(file)
    if is_export:
        exports = Exports([ExportFile(file, lines)])
        for _ in exports.lines():
            pass  # the report is in the last line, and holds if all before it do
        if exports.report is None:
            raise TowerError(f"The export {file} holds no report: none had been published.")
        return _fit(file, exports.report)
    try:
        said: Any = json.loads(b"\n".join(lines))
    except (ValueError, RecursionError) as error:
        raise TowerError(f"The file {file} is no report: it is not JSON.") from error
    if not isinstance(said, dict) or not said.keys() >= NEEDED:
        raise TowerError(
            f"The file {file} is no report: `tower replay --report` and `tower report --json`"
            " write one; to judge events by two rules files say --rules."
        )
    return _fit(file, said)


def _fit(file: str, report: Json) -> Json:
    why = unfit(report)
    if why is not None:
        raise TowerError(f"The file {file} is no report that can be compared: {why}.")
    return report


def _in_a_sentence(found: Json) -> str:
    """Return what differs as one sentence."""
    orders = found.get("orders", {})
    turned = {name: sum(each["orders"] for each in changes) for name, changes in orders.items()}
    said = [f"{len(found['differences'])} fields of the report differ"]
    said += [f"{name} of {n} orders" for name, n in turned.items() if n]
    return f"{', '.join(said)}."
