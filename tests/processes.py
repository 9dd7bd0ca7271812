"""The processes of the tower as children of a test: started, asked over HTTP, stopped."""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from streams.config import Settings
from streams.livereport import live_report

TOWER = Path(sys.executable).with_name("tower")
SESSION_SECONDS = 4
_ADDRESS = re.compile(r"http://(\S+)/metrics")


def until(
    done: Callable[[], object],
    seconds: float,
    says: Callable[[], str] = str,
    pause: float = 0.1,
) -> None:
    """Wait until something is so; fail with what `says` tells after so many seconds."""
    end = time.monotonic() + seconds
    while not done():
        if time.monotonic() > end:
            raise AssertionError(f"not so after {seconds} s: {says()}")
        time.sleep(pause)


class Process:
    """One `tower` process with its output in a file."""

    def __init__(self, log: Path, env: dict[str, str], *words: str) -> None:
        self.log = log
        with log.open("wb") as file:
            self._child = subprocess.Popen([TOWER, *words], env=env, stdout=file, stderr=file)

    @property
    def code(self) -> int | None:
        """The exit code, None while it runs."""
        return self._child.poll()

    def says(self) -> str:
        """Return what it has printed."""
        return self.log.read_text(errors="replace")

    def address(self) -> str:
        """Return host and port of its metrics; fails while it has none."""
        found = _ADDRESS.search(self.says())
        if found is None:
            raise ConnectionError("it serves nothing yet")
        return found[1]

    def get(self, path: str, accept: str = "text/plain") -> tuple[int, str, str]:
        """Return status, content type and body of a path."""
        request = urllib.request.Request(
            f"http://{self.address()}/{path}", headers={"Accept": accept}
        )
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
                return answer.status, answer.headers["Content-Type"], answer.read().decode()
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, "", refused.read().decode()

    def metrics(self, accept: str = "text/plain") -> str:
        """Return what it exposes."""
        status, _, body = self.get("metrics", accept)
        assert status == 200
        return body

    def ready(self) -> bool:
        """Tell whether it answers that it is ready."""
        try:
            return self.get("readyz")[0] == 200
        except OSError:
            return False

    def signal(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Send a signal."""
        self._child.send_signal(number)

    def ended(self, seconds: float) -> int:
        """Return its exit code; fails if it runs on for so many seconds."""
        try:
            return self._child.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"still runs after {seconds} s: {self.says()}") from None

    def close(self) -> None:
        """End it whatever it does."""
        if self.code is None:
            self._child.kill()
        self._child.wait()


class Towers:
    """Processes over one namespace of one broker."""

    def __init__(
        self, bootstrap: str, namespace: str, folder: Path, **settings: object
    ) -> None:
        self.folder = folder
        self.bootstrap, self.namespace = bootstrap, namespace
        self.env = os.environ | {
            "TOWER_BROKERS": bootstrap,
            "TOWER_NAMESPACE": namespace,
            "TOWER_PARTITIONS": "4",
            "TOWER_METRICS_PORT": "0",
            "TOWER_SESSION_TIMEOUT_SECONDS": str(SESSION_SECONDS),
            "TOWER_HEARTBEAT_SECONDS": "0.5",
            "TOWER_CLAIMS": str(folder / "claims.sqlite"),
            **{f"TOWER_{name.upper()}": str(value) for name, value in settings.items()},
        }
        self.started: list[Process] = []

    def start(self, *words: str, **settings: object) -> Process:
        """Start a command."""
        env = self.env | {f"TOWER_{name.upper()}": str(v) for name, v in settings.items()}
        log = self.folder / f"{words[0]}-{len(self.started)}.log"
        process = Process(log, env, *words)
        self.started.append(process)
        return process

    def workers(self, count: int, **settings: object) -> list[Process]:
        """Start workers and return once all are ready and share the partitions."""
        workers = [self.start("worker", **settings) for _ in range(count)]
        self.ready(workers)
        return workers

    def ready(self, processes: list[Process], seconds: float = 40) -> None:
        """Wait until processes are ready."""
        until(lambda: all(each.ready() for each in processes), seconds, self.says)

    def run(self, *words: str, seconds: float = 60, **settings: object) -> tuple[int, str]:
        """Run a command to its end; return its exit code and all it printed."""
        process = self.start(*words, **settings)
        return process.ended(seconds), process.says()

    def report(self, wait: str | None = None, seconds: float = 60) -> Any:
        """Return the report of the running tower, once its clocks have passed an instant."""
        file = self.folder / f"report-{len(self.started)}.json"
        words = [] if wait is None else ["--wait", wait]
        code, said = self.run("report", *words, "--json", str(file), seconds=seconds)
        assert code == 0, said + self.says()
        return json.loads(file.read_text())

    def events(self) -> Any:
        """Return the counts of events up to now, without a process of its own."""
        where = {"brokers": self.bootstrap, "namespace": self.namespace}
        return asyncio.run(live_report(Settings(**where)))["events"]

    def says(self) -> str:
        """Return the end of what every process printed."""
        return "\n".join(
            f"--- {each.log.name} ({each.code})\n{each.says()[-3_000:]}"
            for each in self.started
        )

    def close(self) -> None:
        """End every process."""
        for each in self.started:
            each.close()


@contextmanager
def towers(
    bootstrap: str, namespace: str, folder: Path, **settings: object
) -> Iterator[Towers]:
    """Yield towers whose processes end with the context."""
    made = Towers(bootstrap, namespace, folder, **settings)
    try:
        yield made
    finally:
        made.close()
