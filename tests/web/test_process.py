"""`tower web` beside a running worker: what is asked, what is written, what outlasts it."""

import json
import re
import signal
import urllib.request
from datetime import UTC, datetime, timedelta

import pytest

from tests.processes import towers, until

pytestmark = pytest.mark.kafka


def events():
    now = datetime.now(UTC)

    def at(minutes):
        return (now + timedelta(minutes=minutes)).isoformat()

    common = {"order_id": "W-1", "source": "shop"}
    promise = {"end": at(30), "start": at(-30), "precision": "window"}
    return [
        {**common, "kind": "order_promised", "event_id": "1", "occurred_at": at(-60),
         "carrier": "swift", "promise": promise, "timezone": "Europe/Berlin"},
        {**common, "kind": "eta_updated", "event_id": "2", "occurred_at": at(-1),
         "eta": at(75), "by": "carrier"},
    ]  # fmt: skip


class Web:
    """The process behind its address."""

    def __init__(self, process):
        self.process = process
        until(lambda: "/api/v1/" in process.says(), 30, process.says)
        self.base = re.search(r"http://\S+?:\d+", process.says())[0]

    def ask(self, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(  # noqa: S310
            self.base + path, data=data, headers={"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
            return json.loads(answer.read())

    def at_risk(self):
        return self.ask("/api/v1/orders/at-risk")["orders"]

    def end(self):
        self.process.signal(signal.SIGTERM)
        assert self.process.ended(15) == 0, self.process.says()


def test_an_order_at_risk_is_seen_saved_and_remembered(broker, namespace, tmp_path):
    file = tmp_path / "events.jsonl"
    file.write_text("\n".join(map(json.dumps, events())))
    with towers(
        broker.bootstrap, namespace, tmp_path, partitions=2, barrier_seconds=0.2, web_port=0
    ) as tower:
        tower.workers(1)
        assert tower.run("publish", str(file))[0] == 0
        web = Web(tower.start("web"))
        until(web.at_risk, 30, tower.says)
        (risky,) = web.at_risk()
        # Expected 75 minutes from now, promised within 30.
        assert (risky["order_id"], risky["band"]) == ("W-1", "high")
        assert risky["lateness_seconds"] == 45 * 60
        web.ask("/api/v1/orders/W-1/acknowledge", {"by": "Ana"})
        web.ask("/api/v1/orders/W-1/interventions", {"action": "called", "by": "Ana"})
        until(
            lambda: any(
                each["kind"] == "intervention_made"
                for each in web.ask("/api/v1/orders/W-1")["timeline"]
            ),
            30,
            tower.says,
        )
        assert web.ask("/api/v1/report")["total"]["orders"] == 1
        metrics = urllib.request.urlopen(web.base + "/metrics", timeout=10).read().decode()  # noqa: S310
        assert 'tower_orders_at_risk{band="high",carrier="swift"} 1.0' in metrics
        web.end()
        again = Web(tower.start("web", partitions=8))  # it counts them itself
        until(again.at_risk, 30, tower.says)
        assert again.at_risk()[0]["acknowledged_by"] == "Ana"
        again.end()


def test_who_lets_others_in_must_name_tokens(tmp_path, namespace):
    with towers("127.0.0.1:1", namespace, tmp_path, web_host="0.0.0.0") as tower:  # noqa: S104
        code, said = tower.run("web")
        assert (code, said.count("\n")) == (1, 1)
        assert "TOWER_WEB_TOKENS_FILE" in said
