"""Prometheus blocks of a month, and of what the recording rules make of it.

Blocks are made day by day, so that little lies about meanwhile. A rule that reads another's
series needs those blocks first: rules are worked out in levels, each by a Prometheus that has
what came before. (`promtool tsdb create-blocks-from rules` makes a block each two hours and
rule, some ten thousand of them, and knows no levels.)
"""

import json
import re
import shutil
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from models.base import Millis
from streams.domain.zones import DAY_MS
from streams.embedded.properties import free_ports
from streams.errors import TowerError

Rule = dict[str, Any]
PATIENCE_SECONDS = 60.0


def tool(name: str) -> str:
    """Return the path of a program.

    Raises:
        TowerError: it is not installed.
    """
    found = shutil.which(name)
    if found is None:
        raise TowerError(f"{name} is missing: install the package prometheus.")
    return found


def of_samples(scrapes: Iterable[tuple[Millis, str]], into: Path) -> None:
    """Write the blocks of some texts of samples, each with its instant, in their order."""
    for _, day in groupby(scrapes, lambda each: each[0] // DAY_MS):
        with TemporaryDirectory(dir=into.parent) as folder:
            text = Path(folder) / "day.om"
            with text.open("w", encoding="utf-8") as file:
                file.writelines(lines for _, lines in day)
                file.write("# EOF\n")
            _run("promtool", "tsdb", "create-blocks-from", "openmetrics", "--quiet",
                 "--max-block-duration=24h", str(text), str(into))  # fmt: skip


def of_rules(rules: Iterable[Rule], instants: range, into: Path) -> None:
    """Write the blocks of recording rules at some instants, level by level."""
    for level in levels(rules):
        with TemporaryDirectory(dir=into.parent) as made:
            with serving(into) as address:
                of_samples(_recorded(address, level, instants), Path(made))
            for block in Path(made).iterdir():
                block.rename(into / block.name)


def _recorded(address: str, rules: list[Rule], instants: range) -> Iterator[tuple[Millis, str]]:
    """Yield what some rules say, a day at a time."""
    steps = DAY_MS // instants.step
    for first in range(0, len(instants), steps):
        day = instants[first : first + steps]
        yield day[0], "".join(line for rule in rules for line in _said(address, rule, day))


def _said(address: str, rule: Rule, day: range) -> Iterator[str]:
    asked = {
        "query": rule["expr"],
        "start": day[0] / 1_000,
        "end": day[-1] / 1_000,
        "step": day.step / 1_000,
    }
    url = f"{address}/api/v1/query_range?{urllib.parse.urlencode(asked)}"
    with urllib.request.urlopen(url, timeout=300) as answer:  # noqa: S310 - our own server
        found = json.load(answer)["data"]["result"]
    for series in found:
        labels = (series["metric"] | rule.get("labels", {})).items()
        named = ",".join(f'{name}="{value}"' for name, value in labels if name != "__name__")
        for at, value in series["values"]:
            yield f"{rule['record']}{{{named}}} {value} {at:.0f}\n"


def levels(rules: Iterable[Rule]) -> Iterator[list[Rule]]:
    """Yield recording rules, each level of those that read earlier levels alone.

    Left out is what sums a series into itself, as the budget that small carriers share.
    """
    left: dict[str, list[Rule]] = {}
    for rule in rules:
        if "record" in rule and rule["record"] not in _read(rule):
            left.setdefault(rule["record"], []).append(rule)
    while left:
        ready = [
            name
            for name, written in left.items()
            if not any(_read(rule) & left.keys() for rule in written)
        ]
        if not ready:
            raise TowerError(f"Recording rules read each other: {', '.join(sorted(left))}.")
        yield [rule for name in ready for rule in left.pop(name)]


def _read(rule: Rule) -> set[str]:
    return set(re.findall(r"[a-z_]\w*(?::\w+)+", rule["expr"]))


@contextmanager
def serving(data: Path) -> Iterator[str]:
    """Run a Prometheus that scrapes nothing over some blocks; yield its address."""
    listens = f"127.0.0.1:{free_ports().client}"
    address = f"http://{listens}"
    with TemporaryDirectory() as folder:
        config = Path(folder) / "prometheus.yml"
        config.write_text("{}")
        command = [
            tool("prometheus"),
            f"--config.file={config}",
            f"--storage.tsdb.path={data}",
            "--storage.tsdb.retention.time=10y",
            f"--web.listen-address={listens}",
        ]
        silent = subprocess.DEVNULL
        with subprocess.Popen(command, stderr=silent) as process:  # noqa: S603 - our own
            try:
                _wait(process, address)
                yield address
            finally:
                process.terminate()


def _wait(process: "subprocess.Popen[bytes]", address: str) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < end and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{address}/-/ready", timeout=5):  # noqa: S310 - our own
                return
        except OSError:
            time.sleep(0.2)
    raise TowerError("Prometheus did not start over the blocks of the month.")


def _run(name: str, *words: str) -> None:
    done = subprocess.run(  # noqa: S603 - our own command
        [tool(name), *words], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise TowerError(f"{name} failed: {done.stderr.strip()[-300:]}.")
