"""Tables in Markdown, and the machine they were measured on."""

import os
import platform
import statistics
import subprocess
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import psutil


def table(title: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table under a heading of its own."""
    return f"### {title}\n\n{rows_only(head, rows)}"


def rows_only(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table; its first column is text, the rest are numbers."""
    rule = ["---", *["--:"] * (len(head) - 1)]
    return "\n".join([*map(_row, [head, rule, *rows]), ""])


def spread(values: Sequence[float], shown: Callable[[float], str]) -> str:
    """Return the median, and the least and most in brackets."""
    if len(values) == 1:
        return shown(values[0])
    middle = shown(statistics.median(values))
    return f"{middle} ({shown(min(values))} to {shown(max(values))})"


def whole(number: float) -> str:
    """Return a number of many digits."""
    return f"{number:,.0f}"


def machine() -> str:
    """Return when and on what this is measured, in one sentence."""
    commit = subprocess.run(
        ["git", "describe", "--always", "--dirty"],
        capture_output=True, text=True, check=False, cwd=Path(__file__).parent,
    ).stdout.strip()  # fmt: skip
    memory = psutil.virtual_memory().total / 2**30
    return (
        f"Measured on {datetime.now(UTC):%Y-%m-%d %H:%M} UTC at commit {commit or 'unknown'} on"
        f" {_processor()}, {os.cpu_count()} cores, {memory:.0f} GiB, {platform.system()}"
        f" {platform.release()}, Python {platform.python_version()}; the load of the machine"
        f" before was {os.getloadavg()[0]:.1f}."
    )


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(
            line.split(":")[1].strip() for line in lines if line.startswith("model name")
        )
    except (OSError, StopIteration):
        return platform.processor() or "an unnamed processor"
