"""`tower check`: every finding on its own line, exit 1 with findings."""

import asyncio
import json
from dataclasses import replace

import pytest
from aiokafka.admin import NewTopic

from streams import admin
from streams.admin import TopicOnBroker
from streams.cli.check import rules_findings
from streams.config import Settings
from streams.topics import TOPICS, named


@pytest.fixture
def settings(monkeypatch):
    for name in ("BROKERS", "NAMESPACE", "CLOCK", "PARTITIONS", "RULES"):
        monkeypatch.delenv(f"TOWER_{name}", raising=False)
    return Settings(namespace="n", partitions=4)


def as_needed(settings):
    return {
        named("n", topic.name): TopicOnBroker(topic.partitions or 4, dict(topic.config))
        for topic in TOPICS
    }


def test_topics_as_the_table_says_give_no_finding(settings):
    assert admin.findings(as_needed(settings), settings) == []


@pytest.mark.parametrize(
    ("topic", "change", "finding"),
    [
        (
            "order-events",
            {"message.timestamp.type": "CreateTime"},
            (
                "The topic n.order-events has message.timestamp.type=CreateTime and needs"
                " LogAppendTime: received_at must be the broker's time."
            ),
        ),
        (
            "kpi-cells",
            {"cleanup.policy": "delete"},
            (
                "The topic n.kpi-cells has cleanup.policy=delete and needs compact: rows would"
                " be lost or logs would grow for ever."
            ),
        ),
        (
            "dead-letters",
            {"max.message.bytes": "1048588"},
            (
                "The topic n.dead-letters has max.message.bytes=1048588 and needs at least"
                " 2097152: large messages would be refused."
            ),
        ),
    ],
)
def test_a_wrong_setting_is_named_with_what_it_leads_to(settings, topic, change, finding):
    there = as_needed(settings)
    name = named("n", topic)
    there[name] = replace(there[name], config={**there[name].config, **change})
    assert admin.findings(there, settings) == [finding]


def test_larger_limits_than_needed_are_good(settings):
    there = as_needed(settings)
    config = {**there["n.dead-letters"].config, "max.message.bytes": "9999999"}
    there["n.dead-letters"] = TopicOnBroker(4, config)
    assert admin.findings(there, settings) == []


def test_on_the_feed_clock_kafkas_timestamps_do_not_matter(settings):
    there = as_needed(settings)
    config = {**there["n.order-events"].config, "message.timestamp.type": "CreateTime"}
    there["n.order-events"] = TopicOnBroker(4, config)
    feed = settings.model_copy(update={"clock": "feed"})
    assert admin.findings(there, feed) == []
    assert len(admin.findings(there, settings)) == 1


def test_a_missing_topic_and_a_wrong_count_are_findings(settings):
    there = as_needed(settings)
    del there["n.rules"]
    there["n.order-log"] = TopicOnBroker(8, there["n.order-log"].config)
    assert admin.findings(there, settings) == [
        "The topic n.rules does not exist; a worker that starts creates it.",
        (
            "The topic n.order-log has 8 partitions and needs 4 (TOWER_PARTITIONS); the count"
            " is fixed for a log's life."
        ),
    ]


def test_every_wrong_environment_variable_has_its_line(tower, monkeypatch):
    monkeypatch.setenv("TOWER_CLOCK", "sundial")
    monkeypatch.setenv("TOWER_PARTITIONS", "65")
    ran = tower("check")
    assert ran.code == 1
    assert ran.out.splitlines() == [
        "The setting TOWER_CLOCK is wrong: Input should be 'wall' or 'feed'",
        "The setting TOWER_PARTITIONS is wrong: Input should be less than or equal to 64",
        "Rules and topics were not looked at.",
    ]


def test_a_broker_that_was_named_and_does_not_answer_is_a_finding(tower, settings):
    ran = tower("check", "--brokers", "127.0.0.1:1")
    assert ran.code == 1
    assert ran.out.startswith("No Kafka broker answers at 127.0.0.1:1")


def test_a_rules_file_with_mistakes_is_a_finding(tower, settings, tmp_path):
    rules = tmp_path / "rules.yaml"
    rules.write_text("schema: 1\ndefaults: {grace_minutes: {window: -5}}\n")
    ran = tower("check", "--rules", rules)
    assert ran.code == 1
    assert "grace_minutes" in ran.out


def test_each_mistake_of_the_rules_has_its_line_in_plain_words(tower, settings, tmp_path):
    rules = tmp_path / "rules.yaml"
    rules.write_text(
        "defaults: {early: 5, day_end: '25:00'}\nnotices: {at_most: -1}\n"
        "carriers: {n: {objectives: {on_tme: 0.9}}}\n"
    )
    ran = tower("check", "--rules", rules)
    assert ran.out.splitlines()[:3] == [
        f"The rules {rules} are wrong: {each}"
        for each in (
            "defaults.day_end: must be HH:MM in quotes, up to 24:00 (line 1)",
            "defaults.early: there is no rule of this name (line 1)",
            "notices.at_most: must be at least 0 (line 2)",
        )
    ]


def test_variables_that_are_no_settings_and_mail_that_cannot_go_are_findings(
    tower, settings, monkeypatch
):
    monkeypatch.setenv("TOWER_BROKER", "here:9092")
    monkeypatch.setenv("TOWER_QQQQQQ", "1")
    monkeypatch.setenv("TOWER_MAIL_FROM", "nobody")
    monkeypatch.setenv("TOWER_SMTP_HOST", "mail.example.org")
    monkeypatch.setenv("TOWER_SMTP_USERNAME", "me")
    ran = tower("check")
    assert ran.code == 1
    assert ran.out.splitlines()[:5] == [
        "There is no setting TOWER_BROKER, perhaps TOWER_BROKERS is meant.",
        "There is no setting TOWER_QQQQQQ.",
        "TOWER_MAIL_FROM is not an e-mail address: 'nobody'.",
        "TOWER_SMTP_USERNAME needs TOWER_SMTP_TLS to be starttls or tls.",
        "TOWER_SMTP_USERNAME needs TOWER_SMTP_PASSWORD or TOWER_SMTP_PASSWORD_FILE.",
    ]


@pytest.mark.parametrize("brokers", ["", "kafka:abc", "127.0.0.1:99999"])
def test_brokers_that_are_no_addresses_are_one_sentence(tower, settings, brokers):
    for command in (["report"], ["check"], ["publish", "/dev/null"], ["dead-letters", "list"]):
        ran = tower(*command, "--brokers", brokers)
        assert ran.code == 1
        assert "The setting TOWER_BROKERS is wrong: " in ran.out + ran.err


def test_the_schemas_name_the_kinds_and_fields_of_the_contract(tower):
    ran = tower("check", "--schema")
    schemas = json.loads(ran.out)
    assert set(schemas) == {
        "order-events", "courier-events", "contact-updates", "dead-letters", "rules",
    }  # fmt: skip
    kinds = schemas["order-events"]["discriminator"]["mapping"]
    assert len(kinds) == 23
    assert {"order_promised", "delivered", "customer_asked"} < set(kinds)
    assert set(schemas["courier-events"]["discriminator"]["mapping"]) == {
        "position_reported", "route_planned", "shift_started", "shift_ended",
    }  # fmt: skip
    promised = schemas["order-events"]["$defs"]["OrderPromised"]
    assert sorted(promised["required"]) == [
        "carrier", "event_id", "kind", "occurred_at", "order_id", "source",
    ]  # fmt: skip
    level = schemas["rules"]["$defs"]["SlaRule"]
    assert sorted(level["required"]) == ["metric", "name", "target"]
    assert level["properties"]["metric"]["enum"] == [
        "handover", "first_attempt", "transit", "pickup", "response",
    ]  # fmt: skip
    letter = schemas["dead-letters"]["properties"]
    assert letter["raw"]["anyOf"] == [{"type": "string"}, {"type": "null"}]


@pytest.mark.kafka
def test_the_topics_of_a_broker_are_looked_at(tower, settings, broker, namespace, monkeypatch):
    monkeypatch.setenv("TOWER_PARTITIONS", "2")
    where = ("--brokers", broker.bootstrap, "--namespace", namespace)
    ran = tower("check", *where)
    assert (ran.code, ran.out) == (
        1, f"The broker has none of the topics {namespace}.*; a worker creates them all.\n"
    )  # fmt: skip

    async def create():
        wrong = NewTopic(
            f"{namespace}.order-events",
            num_partitions=3,
            replication_factor=1,
            topic_configs={"max.message.bytes": "1000"},
        )
        async with admin.connected(broker.bootstrap) as client:
            await client.create_topics([wrong])
        await admin.ensure_topics(
            broker.bootstrap,
            Settings(namespace=namespace, partitions=2, brokers=broker.bootstrap),
        )

    asyncio.run(create())
    ran = tower("check", *where)
    assert ran.code == 1
    assert [line.split(";")[0].split(":")[0] for line in ran.out.splitlines()] == [
        f"The topic {namespace}.order-events has 3 partitions and needs 2 (TOWER_PARTITIONS)",
        (
            f"The topic {namespace}.order-events has message.timestamp.type=CreateTime and"
            " needs LogAppendTime"
        ),
        (
            f"The topic {namespace}.order-events has max.message.bytes=1000 and needs at least"
            " 1048576"
        ),
    ]


def test_an_objective_that_no_alert_could_watch_is_a_finding(tmp_path):
    file = tmp_path / "rules.yaml"
    file.write_text("schema: 1\ncarriers: {swift: {objectives: {on_time: 1}}}\n")
    assert rules_findings(file) == [
        "carriers.swift.objectives: on_time of 1 leaves no budget that an alert could watch."
    ]
