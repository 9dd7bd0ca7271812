"""`tower scorecard`: the closed month a carrier is reviewed on, and whether a folder is one."""

from collections.abc import Iterable
from itertools import chain
from pathlib import Path
from typing import Annotated

import typer

from models.base import Millis
from streams.cli.options import instant, refuse_two_pipes
from streams.collector import relax
from streams.domain.judgement import Judgement
from streams.errors import TowerError
from streams.exporting.files import ExportFile, Exports
from streams.exporting.judging import Judging
from streams.feed import look_into_all
from streams.lives import Lives
from streams.replay import Replay, Sent
from streams.reporting import require_events
from streams.rules import load
from streams.scorecard.folder import HASH, NUMBERS, ORDERS, PAGE, Scorecard, read, write
from streams.scorecard.making import scorecard
from streams.scorecard.month import MONTH, Review
from streams.topics import ORDER_LOG

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command(
    epilog="Example: tower scorecard --carrier dpd --month 2026-11 inbox.jsonl.gz"
    " --into dpd-2026-11; tower scorecard --check dpd-2026-11"
)
def command(
    files: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="FILE...",
            help="Events (JSON lines), or exports of a tower that follow each other.",
        ),
    ] = None,
    carrier: Annotated[str | None, typer.Option(help="Whose month.")] = None,
    month: Annotated[str | None, typer.Option(help="Which month, YYYY-MM.")] = None,
    into: Annotated[Path | None, typer.Option(help="Write the scorecard here.")] = None,
    check: Annotated[
        Path | None,
        typer.Option(help="Check this folder instead; with files, also that they give it."),
    ] = None,
    rules: Annotated[
        Path | None, typer.Option(help="Rules file (YAML); default: the shipped rules.")
    ] = None,
    as_of: Annotated[
        str | None,
        typer.Option(help="The files are complete until then (RFC 3339); default: their end."),
    ] = None,
) -> None:
    """Write a carrier's closed month: orders.csv, scorecard.json, scorecard.html, a hash.

    A month is final a day and the days of maturity after its end, and is judged as
    of then: the same events and rules give the same bytes, whenever it is asked for.
    """
    relax()
    refuse_two_pipes(files or [])
    known = None if as_of is None else instant(as_of)
    if check is not None:
        if into is not None or carrier is not None or month is not None:
            raise typer.BadParameter("the folder says whose month it is", param_hint="--check")
        _check(check, files or [], Judgement(load(rules)), known)
        return
    if not files or carrier is None or month is None or into is None:
        raise typer.BadParameter(
            "name files, or a folder to --check",
            param_hint="FILE... --carrier --month --into",
        )
    if not MONTH.fullmatch(month):
        raise typer.BadParameter(
            f"{month!r} is no month of 2000 to 2099: write it as 2026-11", param_hint="--month"
        )
    card = _made(files, Review(carrier, month, Judgement(load(rules))), known)
    write(into, card)
    print(f"{into}: {card.numbers['orders']:,} orders, sha256 {card.hash}")


def _check(folder: Path, files: list[str], judgement: Judgement, known: Millis | None) -> None:
    """Raise TowerError if a folder is not what was signed, or not what the files give."""
    said = read(folder)
    if files:
        if said["rules"] != judgement.id:
            raise TowerError(
                f"{folder} was judged by rules {said['rules']}, this check by {judgement.id}:"
                " name their rules file with --rules."
            )
        card = _made(files, Review(said["carrier"], said["month"], judgement), known)
        if card.hash != said[HASH]:
            raise TowerError(
                f"The files give another scorecard, sha256 {card.hash}, than {folder},"
                f" {said[HASH]}; `tower compare` says what differs."
            )
    whose = f"{said['carrier']} {said['month']}"
    print(f"{folder}: {whose} is as signed, sha256 {said[HASH]}")
    print(f"That is {NUMBERS} and {ORDERS}; {PAGE} is made of them and was not checked.")


def _made(files: list[str], review: Review, known: Millis | None) -> Scorecard:
    exported, inputs = look_into_all(files)
    if exported:
        if known is not None:
            raise TowerError("An export says itself until when it is complete: no --as-of.")
        return scorecard(review, _judged([ExportFile(*each) for each in inputs], review))
    lines = chain.from_iterable(each for _, each in inputs)
    return scorecard(review, _replayed(files, lines, review, known))


def _replayed(
    files: list[str], lines: Iterable[bytes], review: Review, known: Millis | None
) -> Lives:
    """Judge files of events as of the instant that makes the month final."""
    replay = Replay(review.judgement.rules)
    lives = Lives([replay.orders])
    replay.run(lines, review.final_at)
    require_events(replay.report(), files)
    if known is None:
        known = replay.latest
        what = (
            "say --as-of INSTANT if the files are complete until then; their last event is of"
        )
    else:
        what = "--as-of is only"
    review.require_final(known, what)
    return lives


def _judged(exports: list[ExportFile], review: Review) -> Lives:
    """Judge exports as of the instant that makes the month final."""
    judging = Judging(Exports(exports), review.judgement.rules)
    lives = Lives(judging.folds.orders.values())
    judging.run(Sent(), until=review.final_at)
    if missing := judging.exports.missing(ORDER_LOG):
        raise TowerError(
            f"{missing:,} earlier records of order-log are missing: name the exports before"
            " this one too, the earliest first."
        )
    review.require_final(judging.clock, "the clock of the export is only at")
    return lives
