"""What every command that talks to Kafka shares: its options, its settings, its loop."""

import asyncio
import difflib
import logging
from collections.abc import Coroutine, Iterable, Sequence
from datetime import datetime
from itertools import combinations
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from pydantic import ValidationError

from models.base import Millis, millis
from streams.config import Settings
from streams.errors import TowerError
from streams.feed import same_file

Result = TypeVar("Result")

Brokers = Annotated[
    str | None,
    typer.Option(help="Bootstrap servers, host:port[,...].", show_default="TOWER_BROKERS"),
]
Namespace = Annotated[
    str | None,
    typer.Option(help="Prefix of all topics.", show_default="TOWER_NAMESPACE"),
]


def settings_from(**given: object) -> Settings:
    """Return the settings of the environment with what was given (not None) on top."""
    try:
        return Settings.model_validate(
            Settings().model_dump(exclude_unset=True)
            | {name: value for name, value in given.items() if value is not None}
        )
    except ValidationError as error:
        raise TowerError("; ".join(setting_findings(error))) from error


def setting_findings(error: ValidationError) -> list[str]:
    """Return a sentence for every setting that is wrong."""
    found = []
    for each in error.errors():
        said = each["msg"].removeprefix("Value error, ")
        name = str(each["loc"][0]).upper() if each["loc"] else ""  # empty: several together
        found.append(f"The setting TOWER_{name} is wrong: {said}" if name else said)
    return found


def unknown_settings(environment: Iterable[str]) -> list[str]:
    """Return a sentence for every variable that looks like a setting and is none."""
    known = [f"TOWER_{name.upper()}" for name in Settings.model_fields]
    known.append("TOWER_VERSION")  # which image docker-compose.yml takes
    found = []
    for name in sorted(environment):
        if name.startswith("TOWER_") and name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            meant = f", perhaps {near[0]} is meant" if near else ""
            found.append(f"There is no setting {name}{meant}.")
    return found


def run(job: Coroutine[Any, Any, Result]) -> Result:
    """Run a command's coroutine; what the Kafka client logs stays out of the terminal."""
    logging.getLogger("aiokafka").addHandler(logging.NullHandler())
    logging.getLogger("aiokafka").propagate = False
    return asyncio.run(job)


def refuse_overwriting(what: str, output: Path | None, read: Iterable[Path]) -> None:
    """Raise if an output would take the place of a file that is read; `-` is no file."""
    if output is None or str(output) == "-":
        return
    for each in read:
        if same_file(each, output):
            raise TowerError(f"The {what} would overwrite {each}: name another file.")


def refuse_one_place(outputs: dict[str, Path | None]) -> None:
    """Raise if one of several files, by their options, would take the place of another."""
    named = [(option, path) for option, path in outputs.items() if path is not None]
    for (one, path), (other, again) in combinations(named, 2):
        if same_file(path, again):
            where = "standard output" if str(again) == "-" else again
            raise TowerError(f"{one} and {other} are both {where}: name two files.")


def refuse_two_pipes(files: Sequence[str]) -> None:
    """Raise if standard input is to be read more than once."""
    if files.count("-") > 1:
        raise typer.BadParameter("- (standard input) can be named once", param_hint="FILE...")


def instant(text: str) -> Millis:
    """Return an instant of the command line as epoch milliseconds; it needs an offset."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is not an instant of RFC 3339") from error
    if moment.tzinfo is None:
        raise typer.BadParameter(f"{text!r} needs an offset, e.g. {moment.isoformat()}Z")
    return millis(moment)
