"""`tower export`: the inbox of the running tower as a file that `tower replay` reads."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from streams.cli.options import Brokers, Namespace, refuse_one_place, run, settings_from
from streams.errors import TowerError
from streams.exporting.lines import Header
from streams.exporting.taking import take, take_contacts, untaken_contacts
from streams.feed import same_file
from streams.topics import COURIER_LOG, ORDER_LOG

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command(
    epilog="Example: tower export --output inbox.jsonl.gz; tower replay inbox.jsonl.gz"
)
def command(
    output: Annotated[
        Path, typer.Option(help="Where to; `-` standard output; `.gz` packed.")
    ] = Path("-"),
    after: Annotated[
        Path | None, typer.Option(help="An earlier export: write what came after it.")
    ] = None,
    without_couriers: Annotated[
        bool, typer.Option("--without-couriers", help="Leave the courier log out.")
    ] = False,
    contacts: Annotated[
        Path | None,
        typer.Option(help="Write customers' addresses here, for `publish --contacts`."),
    ] = None,
    brokers: Brokers = None,
    namespace: Namespace = None,
) -> None:
    """Write the inbox of the running tower to a file, for audit, backup and rebuild.

    `tower replay` judges it again and says whether it comes to what the tower
    published; `tower rebuild` makes a new namespace of it.
    """
    _refuse_overwriting(output, after, contacts)
    settings = settings_from(brokers=brokers, namespace=namespace)
    header, records = run(take(settings, output, after=after, couriers=not without_couriers))
    print(f"tower: {_summary(header, records)}", file=sys.stderr)
    if contacts is not None:
        waiting = run(untaken_contacts(settings))
        known = run(take_contacts(settings, contacts))
        print(
            f"tower: {known:,} customers' addresses in {contacts}{_untaken(waiting)}.",
            file=sys.stderr,
        )


def _untaken(waiting: int | None) -> str:
    """Return what to say of contact updates that are not among the addresses."""
    if waiting is None:
        return "; whether a dispatcher has taken all of contact-updates cannot be seen"
    if waiting:
        return f"; contact-updates holds {waiting:,} that no dispatcher has taken yet"
    return ""


def _refuse_overwriting(output: Path, after: Path | None, contacts: Path | None) -> None:
    """Raise if one file of the command would take the place of another."""
    if after is not None and same_file(output, after):
        raise TowerError(f"{output} cannot be continued into itself: name another output.")
    refuse_one_place({"--output": output, "--after": after, "--contacts": contacts})


def _summary(header: Header, records: int) -> str:
    waiting = sum(
        max(0, kept.end - max(kept.judged, kept.begin))
        for log, kept in header.logs.items()
        if log.startswith(ORDER_LOG)
    )
    said = f"{records:,} records of {header.namespace}, rules {'+'.join(header.rules)}"
    if waiting:
        said += f"; {waiting:,} of them are in order-log and not applied yet"
    for topic in (ORDER_LOG, COURIER_LOG):
        gone = sum(kept.begin for log, kept in header.logs.items() if log.startswith(topic))
        if gone:
            said += f"; {gone:,} earlier records of {topic} are not in the file"
    return f"{said}."
