"""The operations API over a mirror of orders told by hand; every number is from the story.

Minutes count from Tuesday 2026-03-03 09:00 UTC, which is 10:00 in Berlin (+01:00).
"""

import json
from contextlib import asynccontextmanager

import pytest
from aiohttp.test_utils import TestClient, TestServer

from models.rules import Rules
from streams.cli.options import instant
from streams.codec import Decoded, decode_order
from streams.couriers import COURIER
from streams.domain.cells import encode_cell
from streams.domain.judgement import Judgement
from streams.engine.rows import pack
from streams.errors import TowerError
from streams.explaining.ruled import Places
from streams.replay import Replay
from streams.rowcodec import encode_row
from streams.rules import read, shipped
from streams.web.access import Access, access
from streams.web.answers import application
from streams.web.api import Api
from streams.web.desk import KEPT_MS, Desk
from streams.web.mirror import COURIERS, ORDERS, Mirror
from streams.web.routes import ROUTES, openapi
from tests import story as tell
from tests.story import story

RULES = Rules()
NOW = 170  # 12:50 in Berlin


def window(order, **told):
    """An order promised for minutes 60 to 180 (11:00 to 13:00 in Berlin)."""
    told = {"timezone": "Europe/Berlin", **told}
    return tell.promised(-60, window=(60, 180), order=order, **told)


STORY = (
    tell.promised(
        -60, window=(60, 150), order="overdue", carrier="swift", timezone="Europe/Berlin"
    ),
    window("late-eta"),  # expected 40 minutes after the end: customers are told from 15
    tell.eta(140, 220, order="late-eta"),
    window("a-little"),  # 10 minutes after the end
    tell.eta(140, 190, order="a-little"),
    window("close"),  # 5 minutes before it
    tell.eta(140, 175, order="close"),
    window("good"),  # an hour before it
    tell.eta(100, 120, order="good"),
    window("silent"),  # nobody has touched it an hour before the end
    window("done"),
    tell.out(60, order="done"),
    tell.delivered(100, order="done"),
    tell.feedback(110, order="done", csat=4),
)


class Log:
    """A log in memory, as fresh as it can be."""

    heard_seconds, complete = 0.4, True

    def __init__(self, rows, *, feed=False):
        self.rows, self.feed, self.written = rows, feed, []

    async def write(self, topic, key, value):
        self.written.append((topic, key, json.loads(value)))

    async def fetch(self, key, place):
        return self.rows[key] if place.offset == list(self.rows).index(key) else None


def told(*events, now=NOW, judgement=None):
    """Return a mirror, and rows, of a tower of one partition that saw the events."""
    replay = Replay(RULES)
    replay.run(story(*events), instant(tell.moment(now)))
    mirror, rows = Mirror(judgement or Judgement(RULES), 1), {}
    for order in dict.fromkeys(each["order_id"] for each in events):
        rows[order.encode()] = pack(7, encode_row(replay.orders.row(order)))
    for offset, (key, row) in enumerate(rows.items()):
        mirror.heard(ORDERS, 0, offset, key, row)
    mirror.heard(ORDERS, 0, 99, b"~partition", b"unread")
    replay.orders.settle_cells()
    for cell, measures in replay.orders.book.take_changed():
        key = f"orders/0/{encode_cell(cell)}".encode()
        mirror.heard("kpi-cells", 0, 0, key, json.dumps(measures).encode())
    said = {"clock": replay.as_of, "rules": Judgement(RULES).id}
    for key in ("ingest/order-events/0", "ingest/courier-events/0", "couriers/0"):
        value = {"clock": replay.as_of, "counts": {}}
        mirror.heard("kpi-cells", 0, 0, key.encode(), json.dumps(value).encode())
    for fold in ("orders", "groups"):
        mirror.heard(
            "kpi-cells", 0, 0, f"{fold}/0/~partition".encode(), json.dumps(said).encode()
        )
    mirror.look(1_000)
    return mirror, rows


@asynccontextmanager
async def asking(*events, who=None, feed=False, **given):
    mirror, rows = told(*(events or STORY), **given)
    log = Log(rows, feed=feed)
    api = Api(mirror, Desk(), Places(read(None), *shipped()), log)
    async with TestClient(TestServer(application(api, who or Access({})))) as client:
        client.api, client.log = api, log
        yield client


async def got(client, path, status=200, **more):
    async with client.get(path, **more) as answer:
        assert answer.status == status, await answer.text()
        return await answer.json()


async def sent(client, path, body, status=201, **more):
    async with client.post(path, json=body, **more) as answer:
        assert answer.status == status, await answer.text()
        return await answer.json()


async def test_orders_at_risk_come_worst_first_with_their_reasons():
    async with asking() as client:
        said = await got(client, "/api/v1/orders/at-risk")
    assert [(each["order_id"], each["band"]) for each in said["orders"]] == [
        ("late-eta", "high"), ("overdue", "high"), ("a-little", "medium"),
        ("silent", "medium"), ("close", "low"),
    ]  # fmt: skip
    assert said["bands"] == {"high": 2, "medium": 2, "low": 1}
    assert (said["as_of"], said["complete"]) == ("2026-03-03T11:50:00.000+00:00", True)
    reasons = {each["order_id"]: each["reason"] for each in said["orders"]}
    assert reasons["late-eta"] == (
        "expected Tue 2026-03-03 13:40 +01:00, 40 min after the last moment that is not late"
    )
    assert reasons["silent"] == "no ETA and nobody has touched the parcel"
    assert reasons["overdue"].startswith("the promise passed Tue 2026-03-03 12:30 +01:00")
    lateness = {each["order_id"]: each["lateness_seconds"] for each in said["orders"]}
    assert (lateness["a-little"], lateness["close"], lateness["silent"]) == (600, -300, None)


async def test_one_band_one_carrier_and_a_limit_can_be_asked_for():
    async with asking() as client:
        path = "/api/v1/orders/at-risk"
        said = await got(client, f"{path}?band=medium&limit=1")
        assert [each["order_id"] for each in said["orders"]] == ["a-little"]
        said = await got(client, f"{path}?carrier=swift")
        assert [each["order_id"] for each in said["orders"]] == ["overdue"]
        for query in ("limit=0", "limit=1001", "limit=x", "limit=--5", "band=huge"):
            assert "should be" in (await got(client, f"{path}?{query}", 400))["error"]


async def test_time_alone_makes_an_order_overdue():
    async with asking() as client:
        mirror = client.api.mirror
        for at, band in ((179, "low"), (181, "high")):
            clock = {"clock": instant(tell.moment(at)), "rules": "r"}
            for fold in ("orders", "groups"):
                key = f"{fold}/0/~partition".encode()
                mirror.heard("kpi-cells", 0, 0, key, json.dumps(clock).encode())
            for key in ("ingest/order-events/0", "ingest/courier-events/0", "couriers/0"):
                value = json.dumps({"clock": clock["clock"], "counts": {}}).encode()
                mirror.heard("kpi-cells", 0, 0, key.encode(), value)
            said = await got(client, "/api/v1/orders/at-risk")
            bands = {each["order_id"]: each["band"] for each in said["orders"]}
            assert bands["close"] == band


async def test_a_row_that_includes_less_or_ends_changes_what_is_shown():
    mirror, rows = told(*STORY)
    late, done = rows[b"late-eta"], rows[b"done"]
    mirror.heard(ORDERS, 0, 100, b"late-eta", pack(6, done[8:]))  # an older row, sent again
    mirror.look(10)
    assert b"late-eta" in mirror.open
    mirror.heard(ORDERS, 0, 101, b"late-eta", pack(8, done[8:]))
    mirror.look(10)
    assert b"late-eta" not in mirror.open
    assert mirror.places[b"late-eta"].offset == 101
    for nothing in (pack(9, b""), None):
        mirror.heard(ORDERS, 0, 102, b"late-eta", late)
        mirror.heard(ORDERS, 0, 103, b"late-eta", nothing)
        mirror.look(10)
        assert b"late-eta" not in mirror.open
        assert b"late-eta" not in mirror.places


async def test_one_order_has_its_life_its_feedback_and_what_the_desk_said():
    async with asking() as client:
        said = await got(client, "/api/v1/orders/done")
        assert said["state"] == "delivered"
        assert said["verdict"]["restated"]["rule"] == "the deadline is to come"
        assert said["feedback"] == {"csat": 4}
        assert said["desk"]["marks"] == []
        assert "knows no order" in (await got(client, "/api/v1/orders/nobody", 404))["error"]


async def test_the_report_and_a_carrier_are_the_cells_summed():
    async with asking() as client:
        said = await got(client, "/api/v1/report")
        assert said["total"]["orders"] == 7
        one = await got(client, "/api/v1/carriers/swift")
        assert (one["kpi"]["orders"], one["bands"]["high"]) == (1, 1)
        assert "swiftly" in (await got(client, "/api/v1/carriers/swiftly", 404))["error"]


async def test_couriers_come_with_their_last_position():
    row = {
        "carrier": "swift", "position": {"at": 5, "lat": 1.0, "lon": 2.0, "m": None},
        "route": {"at": 1, "stops": [["A", 1.0, 2.0]]}, "shift": {"at": 0, "on": True},
    }  # fmt: skip
    async with asking() as client:
        for key, said in ((b"K-1", row), (b"K-2", {"carrier": "other"})):
            client.api.mirror.heard(
                COURIERS, 0, 0, COURIER + key, pack(1, json.dumps(said).encode())
            )
        client.api.mirror.heard(COURIERS, 0, 0, b"h/5 K-1", pack(1, b"no courier"))
        (first, second) = (await got(client, "/api/v1/couriers"))["couriers"]
        assert (first["courier_id"], first["stops"], first["on_shift"]) == ("K-1", 1, True)
        assert (first["position"]["lat"], second["position"]) == (1.0, None)
        only = await got(client, "/api/v1/couriers?carrier=swift")
        assert [each["courier_id"] for each in only["couriers"]] == ["K-1"]


async def test_what_the_desk_says_is_written_and_shown():
    async with asking() as client:
        order = "/api/v1/orders/late-eta"
        await sent(client, f"{order}/acknowledge", {"by": "Ana"})
        await sent(client, f"{order}/assign", {"to": "Ben", "by": "Ana"})
        await sent(client, f"{order}/notes", {"text": " snow on the pass ", "by": "Ben"})
        assert [(topic, said["kind"]) for topic, _, said in client.log.written] == [
            ("desk", "acknowledged"), ("desk", "assigned"), ("desk", "noted"),
        ]  # fmt: skip
        assert len({key for _, key, _ in client.log.written}) == 3
        said = (await got(client, "/api/v1/orders/at-risk?band=high"))["orders"][0]
        assert (said["acknowledged_by"], said["assigned_to"]) == ("Ana", "Ben")
        assert said["marks"][-1]["text"] == "snow on the pass"
        for path, body in (
            ("acknowledge", {}), ("assign", {"by": "Ana"}),
            ("notes", {"text": " ", "by": "Ana"}),
            ("notes", {"text": "x" * 501, "by": "Ana"}),
        ):  # fmt: skip
            assert (await sent(client, f"{order}/{path}", body, 400))["error"]
        await sent(client, "/api/v1/orders/nobody/acknowledge", {"by": "Ana"}, 404)
        assert len(client.log.written) == 3


async def test_an_intervention_is_an_event_of_the_order():
    async with asking() as client:
        body = {"action": "called", "note": "asked the driver", "by": "Ana"}
        await sent(client, "/api/v1/orders/late-eta/interventions", body)
        (topic, key, event), (desk, _, mark) = client.log.written
        assert (topic, key, desk) == ("order-events", b"late-eta", "desk")
        assert event["kind"] == "intervention_made"
        assert (event["order_id"], event["action"], event["by"]) == (
            "late-eta",
            "called",
            "Ana",
        )
        assert mark["text"] == "called: asked the driver"
        assert isinstance(decode_order(json.dumps(event).encode()), Decoded)
    async with asking(feed=True) as client:
        said = await sent(client, "/api/v1/orders/late-eta/interventions", body, 409)
        assert "feed" in said["error"]
        assert client.log.written == []


def alert(status="firing", ends="0001-01-01T00:00:00Z", **labels):
    return {
        "status": status, "fingerprint": "f00d", "startsAt": "2026-03-03T11:00:00.123456789Z",
        "endsAt": ends, "labels": {"alertname": "OnTimeBurn", "carrier": "swift", **labels},
        "annotations": {"summary": "swift burns its budget"}, "generatorURL": "http://x",
    }  # fmt: skip


async def test_alertmanager_keeps_a_timeline_of_incidents():
    began, ended = 1_772_535_600_123, 1_772_539_200_000  # 11:00:00.123 and 12:00 UTC
    async with asking() as client:
        hook = "/hooks/alertmanager"
        body = {"version": "4", "receiver": "tower", "alerts": [alert()]}
        assert await sent(client, hook, body) == {"kept": 1}
        assert await sent(client, hook, body) == {"kept": 0}  # Alertmanager repeats itself
        span = f"/api/v1/annotations?from={began - 1}&to={began + 1}"
        (said,) = await got(client, span)
        assert (said["time"], said["open"], said["title"]) == (began, True, "OnTimeBurn")
        assert said["text"] == "swift burns its budget"
        assert set(said["tags"]) == {"incident", "OnTimeBurn", "swift"}
        over = {"version": "4", "alerts": [alert("resolved", "2026-03-03T12:00:00Z")]}
        assert await sent(client, hook, over) == {"kept": 1}
        (said,) = await got(client, span)
        assert (said["timeEnd"], said["open"]) == (ended, False)
        assert await got(client, f"/api/v1/annotations?from={ended + 1}&to={ended + 2}") == []
        await sent(client, hook, {"version": "3", "alerts": []}, 400)
        keys = {key for _, key, _ in client.log.written}
        assert keys == {f"incident/f00d/{began}".encode()}


async def test_annotations_are_kept_with_their_author_and_span():
    async with asking() as client:
        body = {
            "title": "snow", "tags": ["north"], "by": "Ana",
            "at": "2026-03-03T11:00:00Z", "until": "2026-03-03T12:00:00Z",
        }  # fmt: skip
        await sent(client, "/api/v1/annotations", body)
        (said,) = await got(client, "/api/v1/annotations?from=1772537000000&to=1772538000000")
        assert (said["title"], said["by"]) == ("snow", "Ana")
        assert (said["time"], said["timeEnd"]) == (1_772_535_600_000, 1_772_539_200_000)
        assert await got(client, "/api/v1/annotations?from=1&to=2") == []


TOKENS = "# who\noperations-token-1 desk\n\ncarriers-token-123 swift-gateway swift\n"


@pytest.fixture
def tokens(tmp_path):
    file = tmp_path / "tokens"
    file.write_text(TOKENS)
    return access("0.0.0.0", file)  # noqa: S104 - nothing listens


def bearer(token):
    return {"headers": {"Authorization": f"Bearer {token}"}}


async def test_a_token_says_who_writes_and_a_carrier_sees_its_own(tokens):
    async with asking(who=tokens) as client:
        risky = "/api/v1/orders/at-risk"
        assert "token" in (await got(client, risky, 401))["error"]
        assert (
            "token" in (await got(client, risky, 401, **bearer("operations-token-2")))["error"]
        )
        desk, own = bearer("operations-token-1"), bearer("carriers-token-123")
        note = "/api/v1/orders/late-eta/acknowledge"
        await sent(client, note, {"by": "somebody else"}, **desk)
        assert client.log.written[0][2]["by"] == "desk"
        assert len((await got(client, risky, **desk))["orders"]) == 5
        assert [o["order_id"] for o in (await got(client, risky, **own))["orders"]] == [
            "overdue"
        ]
        await got(client, f"{risky}?carrier=post", 403, **own)
        await got(client, "/api/v1/orders/overdue", **own)
        await got(client, "/api/v1/orders/late-eta", 404, **own)
        await got(client, "/api/v1/carriers/swift", **own)
        for path in ("/api/v1/report", "/api/v1/annotations", "/api/v1/carriers/post"):
            await got(client, path, 403, **own)
        await sent(client, "/api/v1/orders/overdue/acknowledge", {"by": "x"}, 403, **own)


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("short desk", "line 1"),
        ("operations-token-1", "line 1"),
        ("operations-token-1 desk\noperations-token-1 other", "line 2 repeats"),
        ("# nothing", "no token"),
    ],
)
def test_a_wrong_file_of_tokens_is_one_sentence(tmp_path, said, why):
    file = tmp_path / "tokens"
    file.write_text(said)
    with pytest.raises(TowerError, match=why):
        access("127.0.0.1", file)
    with pytest.raises(TowerError, match="cannot be read"):
        access("127.0.0.1", tmp_path / "none")


def test_without_tokens_the_listener_stays_on_this_machine():
    for host in ("127.0.0.1", "::1", "localhost"):
        assert access(host, None).open
    for host in ("0.0.0.0", "10.0.0.1", "tower.example"):  # noqa: S104 - nothing listens
        with pytest.raises(TowerError, match="TOWER_WEB_TOKENS_FILE"):
            access(host, None)


async def test_pages_of_elsewhere_are_not_answered_as_this_machine():
    async with asking() as client:
        elsewhere = {"headers": {"Host": "evil.example"}}
        await got(client, "/api/v1/report", 403, **elsewhere)
        body = json.dumps({"by": "Ana"})
        path = "/api/v1/orders/late-eta/acknowledge"
        async with client.post(path, data=body, headers={"Content-Type": "text/plain"}) as no:
            assert no.status == 415
        assert client.log.written == []


async def test_errors_are_sentences_in_json():
    async with asking() as client:
        assert "Not Found" in (await got(client, "/api/v2", 404))["error"]
        async with client.delete("/api/v1/report") as answer:
            assert (answer.status, "error" in await answer.json()) == (405, True)
        path = "/api/v1/orders/late-eta/notes"
        json_type = {"Content-Type": "application/json"}
        async with client.post(path, data=b"{", headers=json_type) as answer:
            assert (answer.status, "error" in await answer.json()) == (400, True)


def test_the_document_describes_every_route_and_nothing_else():
    said = openapi()
    paths = {(path, method.upper()) for path, of in said["paths"].items() for method in of}
    assert paths == {(route.path, route.method) for route in ROUTES}
    refs = set()

    def walk(node):
        if isinstance(node, dict):
            refs.update(value for name, value in node.items() if name == "$ref")
            for each in node.values():
                walk(each)
        elif isinstance(node, list):
            for each in node:
                walk(each)

    walk(said)
    known = {f"#/components/schemas/{name}" for name in said["components"]["schemas"]}
    assert refs <= known
    assert "#/components/schemas/Intervene" in refs
    for path, of in said["paths"].items():
        for operation in of.values():
            named = {each["name"] for each in operation["parameters"] if each["in"] == "path"}
            assert named == {part[1:-1] for part in path.split("/") if part.startswith("{")}


def test_the_desk_forgets_after_ninety_days():
    desk = Desk()
    for key, at, until in ((b"a", 0, None), (b"b", KEPT_MS, None), (b"c", 0, KEPT_MS)):
        said = {"kind": "annotated", "about": "", "by": "x", "at": at, "until": until}
        desk.heard(key, json.dumps(said).encode())
    assert desk.forgets(KEPT_MS + 1) == [b"a"]
