"""The whole tower over TLS and logins, with least rights, is the same tower."""

import asyncio
import json

import pytest

from streams.admin import ensure_topics
from streams.cli.options import settings_from
from streams.domain.zones import instant
from streams.embedded import EmbeddedBroker, Listener
from streams.feed import in_order_of_arrival
from streams.simulate import DaySpec, day
from streams.simulate.lines import said
from tests.equality.comparing import differences
from tests.processes import towers, until
from tests.security.acl import allow, rules
from tests.security.conftest import USERS

pytestmark = [pytest.mark.kafka, pytest.mark.slow]

ORDERS = 40


@pytest.fixture(scope="module")
def feed(tmp_path_factory):
    """A small day as a file, and the instant of its last arrival."""
    lines = list(said(day(DaySpec(orders=ORDERS, couriers=4, seed=11)).events))
    file = tmp_path_factory.mktemp("feed") / "day.jsonl"
    file.write_bytes(b"".join(line + b"\n" for line in lines))
    return file, instant(in_order_of_arrival(lines)[-1].received_at).isoformat()


def told(tower, feed, users):
    """Publish the file, return the report; `users` gives the login of each process."""
    file, end = feed
    tower.ready([tower.start("worker", **users("worker"))])
    code, says = tower.run("publish", str(file), "--clock", "feed", **users("publisher"))
    assert code == 0, says
    out = tower.folder / "report.json"
    code, says = tower.run("report", "--wait", end, "--json", str(out), **users("reader"))
    assert code == 0, says + tower.says()
    return json.loads(out.read_text())


def login(user):
    """Return the settings by which a process logs in."""
    return {"kafka_username": user, "kafka_password": USERS[user]}


@pytest.mark.timeout(180)
def test_over_tls_with_a_login_and_least_rights_the_report_is_the_same(
    doors, through, feed, namespace, tmp_path
):
    for folder in ("open", "locked"):
        (tmp_path / folder).mkdir()
    with towers(doors.bootstrap, f"{namespace}o", tmp_path / "open", clock="feed") as tower:
        expected = told(tower, feed, lambda _: {})
    assert expected["total"]["orders"] >= ORDERS
    given = through("SASL_SSL", "worker")
    locked = f"{namespace}l"
    asyncio.run(allow(doors.bootstrap, locked))
    address = given.pop("brokers")
    with towers(address, locked, tmp_path / "locked", clock="feed", **given) as tower:
        assert differences(told(tower, feed, login), expected) == []
        tower.ready([tower.start("dispatcher", **login("dispatcher"))])
        code, says = tower.run("publish", str(feed[0]), "--clock", "feed", **login("nobody"))
        assert code == 1
        assert says.count("\n") == 1
        assert "Authorization" in says
        everything = "".join(each.log.read_text() for each in tower.started)
        assert not [word for word in USERS.values() if word in everything]


def test_the_page_has_rules_for_every_user_that_is_tried():
    users = {user for user, *_ in rules()}
    assert users == set(USERS) - {"nobody"}
    assert len(rules()) >= 14


@pytest.mark.timeout(180)
def test_who_runs_when_the_password_is_withdrawn_ends_with_a_sentence(namespace, tmp_path):
    kept = tmp_path / "kafka"
    before = Listener("SASL_PLAINTEXT", {"tower": "old"})
    with EmbeddedBroker(kept, listeners=[before]) as broker:
        address = broker.address("SASL_PLAINTEXT")
        given = {
            "kafka_security_protocol": "SASL_PLAINTEXT", "kafka_sasl_mechanism": "PLAIN",
            "kafka_username": "tower", "kafka_password": "old",
        }  # fmt: skip
        settings = settings_from(brokers=address, namespace=namespace, partitions=4, **given)
        asyncio.run(ensure_topics(settings.kafka, settings))
        with towers(address, namespace, tmp_path, **given) as tower:
            running = [tower.start("worker"), tower.start("dispatcher")]
            tower.ready(running)
            broker.close()
            after = Listener("SASL_PLAINTEXT", {"tower": "new"})
            with EmbeddedBroker(kept, listeners=[after]) as again:
                assert again.address("SASL_PLAINTEXT") == address
                for each in running:
                    until(lambda each=each: each.code is not None, 60, tower.says)
                    assert each.code == 1, tower.says()
                    assert "refuses the user 'tower' (PLAIN)" in each.says()
