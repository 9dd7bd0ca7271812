"""A PostgreSQL of our own for a test session, in a temporary folder, without rights."""

import os
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from shutil import rmtree

import psycopg

PACKAGE = "postgresql"
UNPRIVILEGED = "nobody"


def binaries() -> Path | None:
    """Return the folder of the newest server installed here."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return found[-1].parent if found else None


@contextmanager
def running(programs: Path) -> Iterator[str]:
    """Run a server while the context lasts; yield its address."""
    folder = Path(tempfile.mkdtemp(prefix="tower-postgres-"))
    who = {}
    if os.getuid() == 0:  # the server refuses to be root
        who = {"user": UNPRIVILEGED, "group": "nogroup"}
        subprocess.run(["chown", f"{UNPRIVILEGED}:nogroup", folder], check=True)
    data = folder / "data"
    subprocess.run(
        [programs / "initdb", "-D", data, "-U", "tower", "-A", "trust", "-E", "UTF8",
         "--locale=C", "--no-sync"],
        check=True, capture_output=True, cwd=folder, **who,
    )  # fmt: skip
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen(
        [programs / "postgres", "-D", data, "-p", str(port), "-k", folder,
         "-c", "listen_addresses=127.0.0.1"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder, **who,
    )  # fmt: skip
    address = f"postgresql://tower@127.0.0.1:{port}/postgres"
    try:
        _await(address)
        yield address
    finally:
        server.send_signal(signal.SIGQUIT)  # the data is thrown away: at once
        server.wait(10)
        rmtree(folder, ignore_errors=True)


def _await(address: str) -> None:
    until = time.monotonic() + 20
    while True:
        with suppress(psycopg.OperationalError):
            psycopg.connect(address).close()
            return
        if time.monotonic() > until:
            raise TimeoutError("PostgreSQL did not start")
        time.sleep(0.1)
