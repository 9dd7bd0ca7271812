"""What the doctor looks at on this machine: the rules file and the dispatcher's claims."""

import shutil
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

from models.base import Millis
from streams.doctor.seen import Claims, Unseen
from streams.domain.judgement import rules_id
from streams.errors import TowerError
from streams.rules import load

WAIT_SECONDS = 1.0  # for a file that another process writes to

_WAITING = """
SELECT partition, asked_at, json_extract(command, '$.expires_at')
FROM notices WHERE result IS NULL
"""
_OWED = "SELECT count(*), min(settled_at) FROM notices WHERE receipt IS NOT NULL"


def rules_at(path: Path | None) -> str | Unseen:
    """Return the id of a rules file, None is the one that ships."""
    try:
        return rules_id(load(path))
    except TowerError as error:
        return Unseen(str(error))


def claims_at(path: Path, clocks: Mapping[int, Millis]) -> Claims | Unseen:
    """Return what a claims file holds; `clocks` are the tower's by inbox partition."""
    if not path.exists():
        return Unseen(f"There is no claims file {path} on this machine.")
    try:
        free = shutil.disk_usage(path.parent).free
        address = f"{path.resolve().as_uri()}?mode=ro"
        with closing(sqlite3.connect(address, WAIT_SECONDS, uri=True)) as database:
            waiting = database.execute(_WAITING).fetchall()
            owed, owed_since = database.execute(_OWED).fetchone()
    except (OSError, sqlite3.Error) as error:
        return Unseen(f"The claims file {path} could not be read ({error}).")
    return Claims(
        file=str(path),
        waiting=len(waiting),
        oldest=min((asked for _, asked, _ in waiting), default=None),
        expired=sum(clocks.get(partition, 0) >= expires for partition, _, expires in waiting),
        owed=owed,
        owed_since=owed_since,
        free=free,
    )
