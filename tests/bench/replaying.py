"""`tower replay` of the day, a process from start to end, its report checked."""

import asyncio
import json
import subprocess
import tempfile
import time
from pathlib import Path

from tests.bench.day import END, Day, day, instant
from tests.bench.table import spread, table, whole
from tests.bench.towers import TOWER, counted


async def replaying(events: int, rounds: int) -> str:
    """Return the table of as many replays as there are rounds."""
    made = day(events)
    with tempfile.TemporaryDirectory() as folder:
        seconds = [
            await asyncio.to_thread(_replayed, made, Path(folder)) for _ in range(rounds)
        ]
    speeds = spread([len(made.lines) / taken for taken in seconds], whole)
    head = ["", "events/s", "s"]
    row = ["`tower replay`", speeds, spread(seconds, "{:.1f}".format)]
    return table(f"Replay ({len(made.lines):,} events, {rounds} rounds)", head, [row])


def _replayed(made: Day, folder: Path) -> float:
    """Return the seconds one replay takes; fails where it counts something else."""
    file, report = folder / "day.jsonl", folder / "report.json"
    file.write_bytes(b"\n".join(line.raw for line in made.lines) + b"\n")
    command = [TOWER, "replay", file, "--report", report, "--as-of", instant(END)]
    began = time.monotonic()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    taken = time.monotonic() - began
    assert counted(json.loads(report.read_text())) == made.counts
    return taken
