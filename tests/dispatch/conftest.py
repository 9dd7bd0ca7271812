"""What the dispatcher's tests may ask for: each store there is, and a database of its own."""

import os
import uuid
from collections.abc import Iterator

import psycopg
import pytest

from streams.dispatch.postgres import open_postgres
from streams.dispatch.sqlite import open_sqlite
from tests import postgres


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """One PostgreSQL for the whole session; its data goes with it."""
    programs = postgres.binaries()
    if programs is None:
        if os.environ.get("CI") == "true":
            pytest.fail(f"PostgreSQL is missing: install the package {postgres.PACKAGE}.")
        pytest.skip(f"PostgreSQL is not here: install the package {postgres.PACKAGE}.")
    with postgres.running(programs) as address:
        yield address


@pytest.fixture
def database(postgres_server: str) -> str:
    """The address of a database without tables: a schema of its own."""
    name = f"t{uuid.uuid4().hex[:12]}"
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {name}".encode())
    return f"{postgres_server}?options=-csearch_path%3D{name}"


@pytest.fixture(params=["sqlite", "postgres"])
def opening(request, tmp_path):
    """A function that opens one and the same store again and again, without closing it."""
    if request.param == "postgres":
        address = request.getfixturevalue("database")
        return lambda: open_postgres(address)
    return lambda: open_sqlite(tmp_path / "claims.sqlite")


@pytest.fixture
async def ledger(opening):
    """An empty store."""
    opened = await opening()
    yield opened
    await opened.close()
