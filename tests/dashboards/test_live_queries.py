"""Every query of every board, asked of a real Prometheus with the real rules, has an answer.

The worker here exposes every series there is, so what a simulated day leaves empty is filled.
"""

import itertools
import math
import re
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from dashboards import headlines, links
from tests.dashboards.board_queries import METRICS, asked, filled
from tests.prometheus.server import scraping

VALUES = {
    "carrier": ["swift", "tiny"],
    "kpi": [each.kpi for each in (*headlines.HEADLINES, *headlines.COMPANIONS, headlines.CSAT)],
    "window": ["7d", "all"],
    "outcome": ["on_time", "late"],
    "attempt": ["first"],
    "result": ["failure"],
    "aspect": ["communication", "professionalism"],
    "group": ["promoter", "detractor"],
    "alertstate": ["firing"],
    "severity": ["page", "ticket"],
    "le": [*map(str, map(float, range(1, 7))), "600.0", "+Inf"],
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
            f"{name}{{{_labels(labels)}}} {_value(name, labels, scrape)}\n"
            for name, keys in METRICS.items()
            if name.startswith(("tower_", "ALERTS"))
            for labels in itertools.product(
                *(
                    [(key, value) for value in VALUES.get(key, ["x"])]
                    for key in sorted(keys - {"job", "instance"})
                )
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


def _value(name, labels, scrape):
    # Ten more observations of each of 1, 2, 3, 4 and 5 at each scrape.
    if name.endswith("_bucket"):
        return min(VALUES["le"].index(dict(labels)["le"]) + 1, 5) * scrape * 10
    if name.endswith("_count"):
        return 5 * scrape * 10
    if name.endswith("_sum"):
        return 15 * scrape * 10
    if name == "tower_last_event_timestamp_seconds":
        return time.time()
    return scrape * 10 if name.endswith("_total") else NUMBERS.get(name, 3)


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory):
    """Run Prometheus on the rules, a hundred times faster, and return how to ask it."""
    worker = ThreadingHTTPServer(("127.0.0.1", 0), Worker)
    threading.Thread(target=worker.serve_forever, daemon=True).start()
    target = f"127.0.0.1:{worker.server_address[1]}"
    folder = tmp_path_factory.mktemp("prometheus")
    with scraping(folder, tower_worker=[target], tower_dispatcher=[target]) as server:
        yield lambda query: _finite(server.ask(query))
    worker.shutdown()
    worker.server_close()


def _finite(values):
    return {labels: value for labels, value in values.items() if math.isfinite(value)}


@pytest.mark.slow
def test_every_query_of_every_board_has_an_answer(prometheus, boards):
    waiting = {
        (board["title"], title, ref): re.sub(r"\[\w+\]", "[15s]", query)
        for board in boards.values()
        for title, ref, query in asked(board)
    }
    # A week ago there was nothing, and what is there now has been there for five minutes.
    waiting = {at: re.sub(r" offset \w+", "", query) for at, query in waiting.items()}
    assert len(waiting) > 100
    until = time.monotonic() + PATIENCE_SECONDS
    while waiting and time.monotonic() < until:
        waiting = {at: query for at, query in waiting.items() if not prometheus(query)}
        time.sleep(1)
    assert waiting == {}


@pytest.mark.slow
def test_a_headline_number_is_the_share_of_the_counts(prometheus, boards):
    by_title = {each["title"]: each for each in boards[links.CARRIER]["panels"]}
    panel = by_title["On-time accuracy by carrier"]
    share, low, high, orders = (filled(target["expr"]) for target in panel["targets"])
    swift = frozenset({("carrier", "swift")})
    # Two processes with 45 of 50 orders each: 90 of 100, Wilson's interval by hand.
    assert prometheus(share)[swift] == pytest.approx(0.9)
    assert prometheus(low)[swift] == pytest.approx(0.8256343385)
    assert prometheus(high)[swift] == pytest.approx(0.9447708629)
    assert prometheus(orders)[swift] == 100
