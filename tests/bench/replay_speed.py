"""How fast is replay here? Simulates a day, replays it three times, prints the median."""

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TOWER = Path(sys.executable).with_name("tower")
ORDERS, RUNS = 5_000, 3


def main():
    """Print events a second of `tower replay`, process start included."""
    with tempfile.TemporaryDirectory() as folder:
        day = Path(folder) / "day.jsonl"
        subprocess.run([TOWER, "simulate", "--orders", str(ORDERS), "--out", day], check=True)
        with day.open(encoding="utf-8") as lines:
            events = sum(1 for _ in lines)
        report = Path(folder) / "report.json"
        taken = [_timed([TOWER, "replay", day, "--report", report]) for _ in range(RUNS)]
    seconds = statistics.median(taken)
    print(f"replay: {events} events in {seconds:.2f} s, {events / seconds:,.0f} a second")


def _timed(command):
    """Return the seconds a command takes."""
    began = time.monotonic()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - began


if __name__ == "__main__":
    main()
