"""Debian's Prometheus as a child process, with the configuration that ships."""

import json
import re
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml

from tests.deploy.tools import free_port, tool

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = ROOT / "deploy" / "prometheus"


class Prometheus:
    """A running server."""

    def __init__(self, port: int) -> None:
        self._base = f"http://127.0.0.1:{port}/api/v1"

    def ask(self, query: str) -> dict[frozenset, float]:
        """Return the values of an instant query by their labels."""
        result = self._get("query", query=query)["result"]
        return {
            frozenset(series["metric"].items()): float(series["value"][1]) for series in result
        }

    def by(self, label: str, query: str) -> dict[str, float]:
        """Return the values of a query by one label."""
        return {dict(labels).get(label, ""): value for labels, value in self.ask(query).items()}

    def targets(self) -> list[dict]:
        """Return what it scrapes and how that went."""
        return self._get("targets")["activeTargets"]

    def up(self) -> bool:
        """Tell whether every target was scraped well at least once."""
        try:
            return all(each["health"] == "up" for each in self.targets())
        except OSError:
            return False

    def rules(self) -> list[dict]:
        """Return every rule with how its last evaluation went."""
        groups = self._get("rules")["groups"]
        return [rule for group in groups for rule in group["rules"]]

    def _get(self, path: str, **query: str) -> dict:
        url = f"{self._base}/{path}?{urllib.parse.urlencode(query)}"
        with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310
            return json.load(answer)["data"]


@contextmanager
def scraping(folder: Path, **targets: list[str]) -> Iterator[Prometheus]:
    """Run the shipped configuration with other addresses, scraping every second."""
    program = tool("prometheus", "prometheus")
    config = yaml.safe_load((SHIPPED / "prometheus.yml").read_text())
    config["global"] |= {"scrape_interval": "1s", "evaluation_interval": "1s"}
    for number, file in enumerate(SHIPPED.glob(config.pop("rule_files")[0])):
        quick = re.sub(r"(?m)^  interval: .*$", "  interval: 1s", file.read_text())
        (folder / f"rules{number}.yml").write_text(quick)
    config["rule_files"] = ["rules*.yml"]
    del config["alerting"]
    jobs = {job["job_name"]: job for job in config["scrape_configs"]}
    config["scrape_configs"] = [
        {
            **{key: part for key, part in jobs[name].items() if key != "dns_sd_configs"},
            "static_configs": [{"targets": addresses}],
        }
        for name, addresses in (
            (name.replace("_", "-"), each) for name, each in targets.items()
        )
    ]
    (folder / "prometheus.yml").write_text(json.dumps(config))
    port = free_port()
    command = [
        program,
        f"--config.file={folder}/prometheus.yml",
        f"--storage.tsdb.path={folder}/data",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    with (folder / "log").open("wb") as log, subprocess.Popen(command, stderr=log) as process:
        server = Prometheus(port)
        end = time.monotonic() + 30
        try:
            while not server.up():
                if time.monotonic() > end:
                    raise AssertionError((folder / "log").read_text()[-3_000:])
                time.sleep(0.2)
            yield server
        finally:
            process.terminate()
