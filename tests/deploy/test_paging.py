"""A carrier collapses before a real Prometheus and a real Alertmanager: who is told what, when.

The rules and routes that ship, with every duration divided by `FASTER`: what takes an hour
takes half a minute. Mail is replaced by webhooks to this test; days have no nights.
"""

import json
import re
import subprocess
import threading
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml

from tests.deploy.tools import free_port, tool
from tests.processes import until

DEPLOY = Path(__file__).parents[2] / "deploy"
FASTER = 120
SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
DURATION = re.compile(r"\b(\d+)([smhd])\b")
PATIENCE = 50  # seconds; a busy machine is slow, and nothing here is judged by the clock

pytestmark = [pytest.mark.slow, pytest.mark.timeout(150)]


def faster(text):
    """Divide a duration, at least 200 ms: a window needs two scrapes."""
    return DURATION.sub(
        lambda found: f"{max(200, int(found[1]) * SECONDS[found[2]] * 1_000 // FASTER)}ms", text
    )


def hurried(rule):
    """Divide what a rule waits for and looks back on, not the names of its series."""
    windows = {"expr": re.sub(r"\[\w+\]", lambda found: faster(found[0]), rule["expr"])}
    return rule | windows | ({"for": faster(rule["for"])} if "for" in rule else {})


class Scene:
    """A worker that is scraped, whom a test makes miss promises, and a pager that listens."""

    def __init__(self):
        self.late = self.on_time = 0
        self.collapsed = False
        self.heard = []

    def exposed(self):
        if self.collapsed:
            self.late += 1
        else:
            self.on_time += 1
        outcomes = {"late": self.late, "on_time": self.on_time}
        lines = [
            f'tower_deliveries_total{{carrier="Swift & Co",service="std",outcome="{name}"}} {n}'
            for name, n in outcomes.items()
        ]
        lines += [
            f'tower_last_event_timestamp_seconds{{topic="order-events"}} {time.time()}',
            "tower_replay_in_progress 0",
            'tower_slo_objective_ratio{carrier="Swift & Co",slo="on_time"} 0.9',
        ]
        return "\n".join(lines) + "\n"

    def told(self, receiver, status, alertname="CarrierOnTimeBudgetBurn"):
        return [
            alert
            for path, body in self.heard
            if path == f"/{receiver}"
            for alert in body["alerts"]
            if alert["status"] == status and alert["labels"]["alertname"] == alertname
        ]


def served(scene):
    class Handler(BaseHTTPRequestHandler):
        def _answer(self, text):
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.end_headers()
            self.wfile.write(text.encode())

        def do_GET(self):
            self._answer(scene.exposed())

        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            scene.heard.append((self.path, body))
            self._answer("")

        def log_message(self, *_):
            """Stay silent."""

    return ThreadingHTTPServer(("127.0.0.1", 0), Handler)


def routed(hook):
    """Return the routes that ship, faster, by day for ever, with every receiver a webhook."""
    config = yaml.safe_load((DEPLOY / "alertmanager/alertmanager.yml").read_text())
    config["global"] = {"resolve_timeout": "1m"}
    config["time_intervals"] = [{"name": "deliveries", "time_intervals": [{}]}]
    config["receivers"] = [
        {"name": each["name"]}
        | (
            {"webhook_configs": [{"url": f"{hook}/{each['name']}"}]}
            if each["name"] != "nobody"
            else {}
        )
        for each in config["receivers"]
    ]
    for route in (config["route"], *config["route"]["routes"]):
        for key in ("group_wait", "group_interval"):
            if key in route:
                route[key] = faster(route[key])
    return config


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    programs = (
        tool("prometheus", "prometheus"),
        tool("prometheus-alertmanager", "prometheus-alertmanager"),
    )
    folder = tmp_path_factory.mktemp("paging")
    made = Scene()
    server = served(made)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    own = f"127.0.0.1:{server.server_address[1]}"
    ports = free_port(), free_port()
    (folder / "alertmanager.yml").write_text(json.dumps(routed(f"http://{own}")))
    for file in DEPLOY.glob("prometheus/rules/*.yml"):
        groups = [
            {"name": each["name"], "interval": "250ms", "rules": [*map(hurried, each["rules"])]}
            for each in yaml.safe_load(file.read_text())["groups"]
        ]
        (folder / file.name).write_text(json.dumps({"groups": groups}))
    config = {
        "global": {"scrape_interval": "125ms", "scrape_timeout": "125ms"},
        "rule_files": ["kpis.yml", "budgets.yml", "alerts.yml"],
        "alerting": {
            "alertmanagers": [{"static_configs": [{"targets": [f"127.0.0.1:{ports[1]}"]}]}]
        },
        "scrape_configs": [
            {"job_name": job, "static_configs": [{"targets": [own]}]}
            for job in ("tower-worker",)
        ],
    }
    (folder / "prometheus.yml").write_text(json.dumps(config))
    commands = (
        (
            programs[0],
            f"--config.file={folder}/prometheus.yml",
            f"--storage.tsdb.path={folder}/data",
            f"--web.listen-address=127.0.0.1:{ports[0]}",
            "--rules.alert.resend-delay=1s",
        ),
        (
            programs[1],
            f"--config.file={folder}/alertmanager.yml",
            f"--storage.path={folder}/alerts",
            f"--web.listen-address=127.0.0.1:{ports[1]}",
            "--cluster.listen-address=",
        ),
    )
    made.alertmanager = f"http://127.0.0.1:{ports[1]}/api/v2/alerts"
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen(commands[1], stderr=log) as alertmanager,
        subprocess.Popen(commands[0], stderr=log) as prometheus,
    ):
        made.log = folder / "log"
        try:
            yield made
        finally:
            prometheus.terminate()
            alertmanager.terminate()
            server.shutdown()
            server.server_close()


def test_a_collapse_pages_once_holds_back_its_tickets_and_ends(scene):
    why = lambda: scene.log.read_text()[-2_000:] + json.dumps(scene.heard)[-3_000:]  # noqa: E731
    until(lambda: scene.on_time >= 60, PATIENCE, why)
    until(lambda: scene.told("heartbeat", "firing", "Watchdog"), PATIENCE, why)
    assert scene.told("page", "firing") == []  # all is well

    scene.collapsed = True
    until(lambda: scene.told("page", "firing"), PATIENCE, why)
    [page, *_] = scene.told("page", "firing")
    said = page["annotations"]["description"]
    assert said.startswith("Swift & Co missed the promise of "), said
    numbers = r"the last (1h|6h): (\d+) of (\d+), where 90% are to be kept"
    window, late, due = re.search(numbers, said).groups()
    # 8.4 and 4.2 times the budget of 10 %; a count is rounded.
    assert int(late) + 1 > {"1h": 0.84, "6h": 0.42}[window] * int(due)
    assert int(due) >= 20
    assert page["annotations"]["dashboard_url"].endswith("?var-carrier=Swift+%26+Co")
    until(lambda: scene.told("tower", "firing"), PATIENCE, why)

    until(lambda: held_back(scene), PATIENCE, why)
    assert [
        alert
        for alert in scene.told("ticket", "firing")
        if alert["labels"]["severity"] == "ticket"
    ] == []

    scene.collapsed = False
    until(lambda: scene.told("page", "resolved"), PATIENCE, why)
    until(lambda: scene.told("tower", "resolved"), PATIENCE, why)


def held_back(scene):
    """Return the carrier's tickets that Alertmanager holds back because of its page."""
    with urllib.request.urlopen(scene.alertmanager, timeout=5) as answer:  # noqa: S310
        alerts = json.load(answer)
    return [
        alert
        for alert in alerts
        if alert["labels"].get("severity") == "ticket"
        and alert["labels"].get("slo") == "on_time"
        and alert["status"]["inhibitedBy"]
    ]
