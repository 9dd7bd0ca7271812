"""Every query of the board, asked of a real Prometheus with the real rules, has an answer."""

import itertools
import json
import subprocess
import threading
import time
import urllib.parse
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from dashboards import render
from tests.dashboards.board_queries import METRICS, filled
from tests.deploy.tools import tool

VALUES = {
    "carrier": ["swift", "tiny"],
    "kpi": ["on_time", "first_attempt", "eta_within_10min"],
    "window": ["7d"],
    "outcome": ["on_time", "late"],
    "slo": ["on_time"],
    "state": ["out_for_delivery"],
}
NUMBERS = {
    # 45 of 50 orders on time; 40 late of 100 that came due.
    "tower_kpi_numerator": 45,
    "tower_kpi_denominator": 50,
    "tower_slo_objective_ratio": 0.95,
}
PATIENCE_SECONDS = 40


class Worker(BaseHTTPRequestHandler):
    """A worker with every metric of the contract; its counters rise at each scrape."""

    scrapes = itertools.count(1)

    def do_GET(self):
        scrape = next(self.scrapes)
        body = "".join(
            f"{name}{{{_labels(labels)}}} {_value(name, scrape)}\n"
            for name, keys in METRICS.items()
            if name.startswith("tower_")
            for labels in itertools.product(
                *([(key, value) for value in VALUES.get(key, ["x"])] for key in sorted(keys))
            )
        )
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_):
        """Stay silent."""


def _labels(labels):
    return ",".join(f'{key}="{value}"' for key, value in labels)


def _value(name, scrape):
    if name == "tower_last_event_timestamp_seconds":
        return time.time()
    return scrape * 10 if name.endswith("_total") else NUMBERS.get(name, 3)


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory):
    """Run Prometheus on the rules, a hundred times faster, and return how to ask it."""
    program = tool("prometheus", "prometheus")
    folder = tmp_path_factory.mktemp("prometheus")
    worker = ThreadingHTTPServer(("127.0.0.1", 0), Worker)
    threading.Thread(target=worker.serve_forever, daemon=True).start()
    (folder / "rules.yml").write_text(
        render.files()[render.RULES].replace("interval: 30s", "interval: 1s")
    )
    target = f"127.0.0.1:{worker.server_address[1]}"
    (folder / "prometheus.yml").write_text(
        json.dumps(
            {
                "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
                "rule_files": ["rules.yml"],
                "scrape_configs": [
                    {"job_name": "tower-worker", "static_configs": [{"targets": [target]}]}
                ],
            }
        )
    )
    port = _free_port()
    arguments = [
        f"--config.file={folder}/prometheus.yml",
        f"--storage.tsdb.path={folder}/data",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen([program, *arguments], stdout=log, stderr=log) as process,
    ):
        yield lambda query: _ask(port, query)
        process.terminate()
    worker.shutdown()
    worker.server_close()


def _free_port():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Worker)
    server.server_close()
    return server.server_address[1]


def _ask(port, query):
    """Return the finite values of a query by their labels; none while it is starting."""
    url = f"http://127.0.0.1:{port}/api/v1/query?{urllib.parse.urlencode({'query': query})}"
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            result = json.load(answer)["data"]["result"]
    except (ConnectionError, urllib.error.URLError):
        return {}
    return {
        frozenset(series["metric"].items()): float(series["value"][1])
        for series in result
        if series["value"][1] not in {"NaN", "+Inf", "-Inf"}
    }


@pytest.mark.slow
def test_every_query_of_the_board_has_an_answer(prometheus, board):
    waiting = {
        (panel["title"], target["refId"]): filled(target["expr"]).replace("[5m]", "[15s]")
        for panel in board["panels"]
        for target in panel.get("targets", [])
    }
    assert len(waiting) > 25
    until = time.monotonic() + PATIENCE_SECONDS
    while waiting and time.monotonic() < until:
        waiting = {at: query for at, query in waiting.items() if not prometheus(query)}
        time.sleep(1)
    assert waiting == {}


@pytest.mark.slow
def test_a_headline_number_is_the_share_of_the_counts(prometheus, board):
    [panel] = [p for p in board["panels"] if p["title"] == "On-time accuracy by carrier"]
    share, low, high, orders = (filled(target["expr"]) for target in panel["targets"])
    swift = frozenset({("carrier", "swift")})
    assert prometheus(share)[swift] == pytest.approx(0.9)
    assert prometheus(low)[swift] == pytest.approx(0.7863976856)
    assert prometheus(high)[swift] == pytest.approx(0.9565242351)
    assert prometheus(orders)[swift] == 50
