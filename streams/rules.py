"""The rules file: YAML in, `Rules` out, every mistake named by its place in the file."""

from pathlib import Path
from zoneinfo import available_timezones

import yaml
from pydantic import ValidationError

from models.rules import Rules
from streams.errors import TowerError


def load(path: Path | None) -> Rules:
    """Return the rules of a file, the shipped defaults without one.

    Raises:
        TowerError: the file cannot be read, or says something that is no rule.
    """
    if path is None:
        return Rules()
    try:
        said = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise TowerError(f"The rules {path} could not be read: {error.strerror}.") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise TowerError(
            f"The rules {path} are not YAML: {' '.join(str(error).split())}"
        ) from error
    return parse(said or {}, str(path))


def parse(said: object, name: str) -> Rules:
    """Return rules from parsed YAML or JSON; `name` says where they came from."""
    if not isinstance(said, dict):
        raise TowerError(f"The rules {name} are not a mapping of names to rules.")
    try:
        rules = Rules.model_validate(said)
    except ValidationError as error:
        found = "; ".join(
            f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors()
        )
        raise TowerError(f"The rules {name} are wrong: {found}") from error
    zones = available_timezones()
    for carrier, own in rules.carriers.items():
        if own.timezone is not None and own.timezone not in zones:
            raise TowerError(
                f"The rules {name} are wrong: carriers.{carrier}.timezone: "
                f"{own.timezone!r} is no zone of the IANA database"
            )
    return rules
