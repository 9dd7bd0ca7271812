"""A contestant as a process: timed between two lines it prints, weighed while it lives.

It prints `{"began": S}` when it begins to read and `{"ended": S, "counts": ...}`
once all it did is durable (S: seconds of the wall clock), and then waits for its standard
input to be closed. Processor time is user and system time between the two lines; memory is the
peak of the resident set over its whole life.
"""

import json
import os
import subprocess
import tempfile
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import psutil

LONGEST_SECONDS = 900.0


@dataclass(frozen=True, slots=True)
class Run:
    """What one run took: seconds, processor seconds, peak bytes; and what it counted."""

    seconds: float
    cpu: float
    peak: int
    counts: Any


def contest(command: Sequence[str | Path], env: dict[str, str] | None = None) -> Run:
    """Run a contestant to its end; fails with what it said where it does not get there."""
    with tempfile.TemporaryFile() as said:
        child = subprocess.Popen(
            command,
            env=os.environ | (env or {}),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=said,
            cwd=Path(__file__).parents[2],
        )
        limit = threading.Timer(LONGEST_SECONDS, child.kill)
        limit.start()
        try:
            assert child.stdout is not None
            began = _told(child.stdout, "began", said)
            before = processor_seconds(child.pid)
            ended = _told(child.stdout, "ended", said)
            cpu, peak = processor_seconds(child.pid) - before, peak_bytes(child.pid)
        finally:
            limit.cancel()
            child.kill()
            child.communicate()
    return Run(ended["ended"] - began["began"], cpu, peak, ended["counts"])


def processor_seconds(pid: int) -> float:
    """Return the user and system time a process has had."""
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)


def peak_bytes(pid: int) -> int:
    """Return the largest resident set a process has had (Linux)."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) * 1_024


def _told(stdout: IO[bytes], name: str, said: IO[bytes]) -> dict[str, Any]:
    """Return the next line that tells it; whatever else is printed is passed over."""
    for line in stdout:
        if line.startswith(b"{"):
            told = json.loads(line)
            if name in told:
                return told
    said.seek(0)
    raise AssertionError(f"it ended before it {name}: {said.read().decode()[-2_000:]}")
