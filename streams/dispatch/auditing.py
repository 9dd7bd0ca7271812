"""A look into the claims, also while a dispatcher uses them: what must never be there."""

import sqlite3
from contextlib import closing

import psycopg

from streams.config import Settings
from streams.dispatch.postgres import CONNECT_SECONDS
from streams.dispatch.store import TWICE
from streams.errors import TowerError

_SENT = "SELECT count(*) FROM sends WHERE state = 'sent'"


def sent_twice(settings: Settings) -> tuple[int, list[str]]:
    """Return how many sends are remembered, and the notices sent under more than one key."""
    address = settings.claims_address
    try:
        if address is not None:
            with psycopg.connect(address, connect_timeout=CONNECT_SECONDS) as connection:
                [(sent,)] = connection.execute(_SENT).fetchall()
                return sent, [row[0] for row in connection.execute(TWICE.encode()).fetchall()]
        where = f"{settings.claims.resolve().as_uri()}?mode=ro"
        with closing(sqlite3.connect(where, uri=True)) as file:
            [(sent,)] = file.execute(_SENT).fetchall()
            return sent, [row[0] for row in file.execute(TWICE).fetchall()]
    except sqlite3.Error as error:
        raise TowerError(
            f"The claims file {settings.claims} cannot be read: {error}."
        ) from error
    except psycopg.Error as error:
        raise TowerError("The claims database cannot be read.") from error
