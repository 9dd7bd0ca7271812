"""The workers of a run as child processes, and a supervisor that starts again what ended.

Every end must have a reason that the run gave: a signal, a failpoint that was met, or a
sentence that the fault under way excuses. Any other end is a finding.
"""

import asyncio
import ctypes
import itertools
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

TOWER = (str(Path(sys.executable).with_name("tower")), "worker")
STALL = "the worker stood still"
HIT = re.compile(r"^failpoint hit (\S+ \S+) \d+ (\d+)$", re.MULTILINE)
DONE = ("recovered ", "kept ", "partitions assigned: none")  # news of a worker at work
TURN_SECONDS = 0.02
BREATH_SECONDS = 0.3  # before a worker is started again
MOST_FINDINGS = 3  # then no more are started

Say = Callable[[str], None]

_PR_SET_PDEATHSIG = 1


def die_with_parent() -> None:
    """Let the system end this process with the one that started it (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


class Worker:
    """One process; what it prints goes to a file of its own."""

    def __init__(self, name: str, log: Path, command: Sequence[str], env: Mapping[str, str]):
        self.name, self.log = name, log
        self.failpoint = env.get("TOWER_FAILPOINT")
        self.expected: set[int] = set()  # exit codes of what was done to it
        self.stood_still = False  # then it is ending by itself, and may be past its handlers
        self.stopped = False
        with log.open("wb") as file:
            self._child = subprocess.Popen(
                command, env=env, stdout=file, stderr=file, stdin=subprocess.DEVNULL,
                preexec_fn=die_with_parent,  # noqa: PLW1509 - started by the only loop
            )  # fmt: skip

    @property
    def code(self) -> int | None:
        return self._child.poll()

    def says(self) -> str:
        return self.log.read_text(errors="replace")

    def recovering(self) -> bool:
        """Tell whether it was assigned partitions and has not read their rows yet."""
        return self._last_news() == "partitions assigned: "

    def recovered(self) -> bool:
        """Tell whether it has recovered what it was assigned last."""
        return self._last_news() in DONE

    def _last_news(self) -> str | None:
        """Return how the last line of its log begins that is about its partitions."""
        says = self.says()
        places = {says.rfind(news): news for news in ("partitions assigned: ", *DONE)}
        last = max(places)
        return places[last] if last >= 0 else None

    def begun(self) -> bool:
        """Tell whether it got partitions, or ended."""
        return self.state() != "starting"

    def state(self) -> str:
        if self.code is not None:
            return "ended"
        if self.stopped:
            return "stopped"
        if self.recovered():
            return "at work"
        return "recovering" if self.recovering() else "starting"

    def hit(self) -> str | None:
        """Return the failpoint this very process died at, None without one."""
        found = HIT.search(self.says())
        return found[1] if found and int(found[2]) == self._child.pid else None

    def send(self, number: signal.Signals, *expected: int) -> None:
        """Send a signal; `expected` are the exit codes it may lead to."""
        if self.code is None:
            self.expected.update(expected)
            self._child.send_signal(number)
            if number in {signal.SIGSTOP, signal.SIGCONT}:
                self.stopped = number is signal.SIGSTOP
                self.stood_still = True

    def kill(self) -> None:
        self.send(signal.SIGKILL, -signal.SIGKILL)

    def terminate(self) -> None:
        """Tell it to stop: that is 0, or the signal's own end before it listens to it."""
        deaf = self.stood_still or self.state() == "starting"
        bare = (-signal.SIGTERM,) if deaf else ()
        self.send(signal.SIGTERM, 0, *bare)

    def close(self) -> None:
        """End it whatever it does."""
        if self.code is None:
            self._child.kill()
        self._child.wait()


class Crew:
    """The workers of a run; those of the first `places` are started again when they end."""

    def __init__(
        self, folder: Path, env: Mapping[str, str], say: Say, command: Sequence[str] = TOWER
    ) -> None:
        self.findings: list[str] = []
        self.ends: list[str] = []
        self.excused = {STALL}
        self.all: list[Worker] = []
        self._folder, self._env, self._say, self._command = folder, env, say, command
        self._places: list[Worker | None] = []
        self.failpoints: list[str] = []  # not met yet
        self._numbers = itertools.count()
        self._known: set[Worker] = set()
        self._leaving = False

    def man(self, places: int) -> None:
        """Start the workers that are always to be there."""
        self._places = [self.start() for _ in range(places)]

    def start(self, failpoint: str | None = None) -> Worker:
        """Start one more worker, which nobody starts again."""
        name = f"worker-{next(self._numbers)}"
        env = dict(self._env) | ({"TOWER_FAILPOINT": failpoint} if failpoint else {})
        worker = Worker(name, self._folder / f"{name}.log", self._command, env)
        self.all.append(worker)
        return worker

    def next_dies_at(self, failpoint: str) -> None:
        """Let the next worker that is started again die at a failpoint.

        Where it ends in another way, the one after it is to die there.
        """
        self.failpoints.append(failpoint)

    def unmet(self) -> list[str]:
        """Return the failpoints that nobody has died at."""
        return self.failpoints + [each.failpoint for each in self.alive if each.failpoint]

    @property
    def alive(self) -> list[Worker]:
        return [each for each in self.all if each.code is None]

    @property
    def permanent(self) -> list[Worker]:
        """The workers that are always to be there, as far as they live."""
        return [each for each in self._places if each is not None and each.code is None]

    async def tend(self) -> None:
        """Judge every end and start again what is to be there, until cancelled."""
        while True:
            self.judge()
            for place, worker in enumerate(self._places):
                if worker is not None and worker.code is not None:
                    self._places[place] = None
                    if worker.failpoint is not None and worker.hit() is None:
                        self.failpoints.append(worker.failpoint)
                    await asyncio.sleep(BREATH_SECONDS)
                    if not self._leaving and len(self.findings) < MOST_FINDINGS:
                        failpoint = self.failpoints.pop() if self.failpoints else None
                        self._places[place] = self.start(failpoint)
            await asyncio.sleep(TURN_SECONDS)

    def judge(self) -> None:
        """Note how workers ended that were alive the last time."""
        for worker in self.all:
            code = worker.code
            if code is not None and worker not in self._known:
                self._known.add(worker)
                reason = self._reason(worker, code)
                if reason is None:
                    end = worker.says()[-1_500:]
                    self.findings.append(f"{worker.name} ended with {code}: {end}")
                reason = f"{worker.name} ended with {code} ({reason or 'no reason known'})"
                self.ends.append(reason)
                self._say(reason)

    def _reason(self, worker: Worker, code: int) -> str | None:
        if (step := worker.hit()) is not None and code == -signal.SIGKILL:
            return f"failpoint {step}"
        if code in worker.expected:
            return "as told"
        if code == 1:
            says = worker.says()
            return next((each for each in sorted(self.excused) if each in says), None)
        return None

    async def stop(self, seconds: float) -> None:
        """Stop all in order and start none again; who does not end in time is a finding."""
        self._leaving = True
        for worker in self.alive:
            worker.terminate()
        for _ in range(round(seconds / TURN_SECONDS)):
            if not self.alive:
                break
            await asyncio.sleep(TURN_SECONDS)
        for worker in self.alive:
            self.findings.append(f"{worker.name} ran on for {seconds} s after SIGTERM")
        self.judge()

    def close(self) -> None:
        """End everything that was started."""
        for worker in self.all:
            worker.close()
