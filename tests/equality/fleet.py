"""Workers as child processes: started, killed by failpoints, started again, stopped."""

import json
import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from streams.config import Settings
from streams.feed import Arrival
from streams.livereport import live_report
from streams.pacing import PublishOptions
from streams.publishing import publish

TOWER = Path(sys.executable).with_name("tower")
SESSION_SECONDS = 15  # half of it a busy machine may stand still
HIT = re.compile(r"^failpoint hit \S+ (\S+) (\d+) (\d+)$", re.MULTILINE)
STALL = "the worker stood still"
FACTS = (
    "tower_deliveries_total",
    "tower_delivery_attempts_total",
    "tower_eta_error_seconds_count",
)


class Worker:
    """One process of `tower worker`; what it says goes to two files."""

    def __init__(self, log: Path, env: dict[str, str], failpoint: str | None) -> None:
        self.failpoint = failpoint
        self.out, self.err = log.with_suffix(".out"), log.with_suffix(".err")
        env = env | ({"TOWER_FAILPOINT": failpoint} if failpoint else {})
        with self.out.open("wb") as out, self.err.open("wb") as err:
            self.process = subprocess.Popen([TOWER, "worker"], env=env, stdout=out, stderr=err)

    def says(self) -> str:
        return self.err.read_text(errors="replace")

    def hit(self) -> str | None:
        """Return the step of the failpoint this very process died at, None without one."""
        found = HIT.search(self.says())
        if found is None or int(found[3]) != self.process.pid:
            return None
        return found[1]

    def ready(self) -> bool:
        """Tell whether it has recovered all it was assigned, and is in the group."""
        try:
            return self._get("readyz") == "ready\n"
        except OSError:
            return False

    def counted(self) -> dict[str, float]:
        """Return the sum of each series of `/metrics` over its labels."""
        sums: defaultdict[str, float] = defaultdict(float)
        for line in self._get("metrics").splitlines():
            if not line.startswith("#"):
                sums[re.split(r"[{ ]", line, maxsplit=1)[0]] += float(line.rsplit(" ", 1)[1])
        return sums

    def folded(self) -> float:
        """Return how many facts this process drew from orders; 0 if it cannot be asked."""
        try:
            counted = self.counted()
        except OSError:
            return 0
        return sum(counted[name] for name in FACTS)

    def _get(self, path: str) -> str:
        bound = re.search(r"http://\S+(?=/metrics)", self.out.read_text())
        if bound is None:
            raise ConnectionError("it serves nothing yet")
        with urllib.request.urlopen(f"{bound[0]}/{path}", timeout=5) as answer:  # noqa: S310
            return answer.read().decode()


def judged_by(
    rules: object, folder: Path, bootstrap: str, namespace: str
) -> tuple["Fleet", Settings]:
    """Return a fleet of one worker in feed time that judges by these rules, and where it is."""
    file = folder / "rules.yaml"
    file.write_text(json.dumps(rules))
    where = {"brokers": bootstrap, "namespace": namespace, "clock": "feed"}
    fleet = Fleet(folder, [[]], **where, rules=file, barrier_seconds=0.2)
    return fleet, Settings.model_validate(where | {"partitions": 4})


async def told_until(
    instants: Iterable[int], feed: Sequence[Arrival], settings: Settings, patience: float
) -> dict[str, Any]:
    """Publish what arrives up to each instant in turn; return the report of the last."""
    said: dict[str, Any] = {}
    told = 0
    for as_of in instants:
        coming = [each.raw for each in feed[told:] if each.received_at <= as_of]
        await publish(coming, PublishOptions(as_of=as_of), settings)
        said = await live_report(settings, as_of, patience=patience)
        told += len(coming)
    return said


class Fleet:
    """Places for workers; each has a queue of failpoints, one for every process in its turn."""

    def __init__(self, folder: Path, failpoints: list[list[str]], **settings: object) -> None:
        self.env = os.environ | {
            "TOWER_PARTITIONS": "4",
            "TOWER_METRICS_PORT": "0",
            "TOWER_SESSION_TIMEOUT_SECONDS": str(SESSION_SECONDS),
            "TOWER_HEARTBEAT_SECONDS": "0.5",
            **{f"TOWER_{name.upper()}": str(value) for name, value in settings.items()},
        }
        self.folder = folder
        self.hits: list[str] = []
        self.stalls = 0
        self.folded = [0.0] * len(failpoints)
        self.started = 0
        self._queues = [list(queue) for queue in failpoints]
        self._workers: list[Worker | None] = [None] * len(failpoints)
        self._commands: list[subprocess.Popen[str]] = []
        self._stopped = False

    def start(self) -> None:
        """Start a worker in every place that has none."""
        for place, worker in enumerate(self._workers):
            if worker is None:
                queue = self._queues[place]
                self._workers[place] = Worker(
                    self.folder / f"worker-{self.started}",
                    self.env,
                    queue.pop(0) if queue else None,
                )
                self.started += 1

    def tend(self) -> None:
        """Start again what a failpoint killed, or what gave up after a long standstill.

        Anything else that ended is a failure.
        """
        if self._stopped:
            return
        for place, worker in enumerate(self._workers):
            if worker is None or worker.process.poll() is None:
                continue
            self._workers[place] = None
            step = worker.hit()
            if step is None and worker.process.returncode == 1 and STALL in worker.says():
                self.stalls += 1  # a busy machine; what it was to die of awaits the next one
                if worker.failpoint is not None:
                    self._queues[place].insert(0, worker.failpoint)
                continue
            assert (worker.process.returncode, step is None) == (-9, False), self.says()
            assert f":{step}:" in (worker.failpoint or ""), self.says()
            self.hits.append(f"worker {place} {worker.failpoint}")
        self.start()

    def ready(self) -> bool:
        return all(worker is not None and worker.ready() for worker in self._workers)

    def ask(self) -> None:
        """Note how much each place has folded so far, as far as it can be asked."""
        for place, worker in enumerate(self._workers):
            if worker is not None:
                self.folded[place] = max(self.folded[place], worker.folded())

    def stop(self) -> list[int]:
        """Stop all in order (SIGTERM); return their exit codes."""
        self._stopped = True
        workers = [worker for worker in self._workers if worker is not None]
        for worker in workers:
            worker.process.terminate()
        codes = [worker.process.wait(60) for worker in workers]
        self._workers = [None] * len(self._workers)
        return codes

    def kill(self) -> None:
        """End all at once (SIGKILL), as a power cut would."""
        for worker in self._workers:
            if worker is not None:
                worker.process.kill()
                worker.process.wait()
        self._workers = [None] * len(self._workers)

    def close(self) -> None:
        """End everything that was started."""
        self.kill()
        for command in self._commands:
            if command.poll() is None:
                command.kill()
            command.communicate()

    def says(self) -> str:
        """Return the ends of all logs."""
        logs = sorted(self.folder.glob("worker-*.err"))
        return "\n".join(f"--- {log.name}\n{log.read_text()[-3000:]}" for log in logs)

    def run(self, *words: object, seconds: float = 600) -> str:
        """Run a `tower` command while workers die and come back; return what it printed."""
        command = self.begin(*words)
        deadline = time.monotonic() + seconds
        while True:
            try:
                said, failed = command.communicate(timeout=0.2)
                break
            except subprocess.TimeoutExpired:
                self.tend()
            assert time.monotonic() < deadline, f"tower {words} did not end\n{self.says()}"
        assert command.returncode == 0, f"tower {words}: {failed}\n{self.says()}"
        return said

    def begin(self, *words: object) -> subprocess.Popen[str]:
        """Start a `tower` command beside the workers."""
        command = subprocess.Popen(
            [TOWER, *map(str, words)],
            env=self.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        self._commands.append(command)
        return command


def wait_until(true, seconds: float, otherwise) -> None:
    """Return once something holds; `otherwise` says what to report if it never does."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, otherwise()
        time.sleep(0.1)
