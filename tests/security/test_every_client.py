"""No client is built without the options of `streams.kafka`, none from a bare address."""

import ast
from pathlib import Path

import streams

SOURCES = sorted(Path(streams.__file__).parent.rglob("*.py"))
CLIENTS = {"AIOKafkaConsumer", "AIOKafkaProducer", "AIOKafkaAdminClient", "AIOKafkaClient"}
CONNECTS = {
    "connected", "ensure_topics", "describe_topics", "check_topics", "group_less",
    "durable_producer", "Writer", "recover", "read_range", "ends", "refusal", "kept_out",
}  # fmt: skip
OPTIONS = {"client_options", "consumer_options"}


def calls():
    for path in SOURCES:
        text = path.read_text()
        if any(each in text for each in CLIENTS | CONNECTS):
            for node in ast.walk(ast.parse(text)):
                if isinstance(node, ast.Call):
                    yield path, node


def name_of(called):
    return called.id if isinstance(called, ast.Name) else getattr(called, "attr", "")


def test_every_client_is_built_with_the_options():
    built = [(path, node) for path, node in calls() if name_of(node.func) in CLIENTS]
    assert len(built) >= 7
    for path, node in built:
        spread = [each.value for each in node.keywords if each.arg is None]
        made = [name_of(each.func) for each in spread if isinstance(each, ast.Call)]
        assert OPTIONS & set(made), f"{path}:{node.lineno}"
        assert "bootstrap_servers" not in [each.arg for each in node.keywords]


def test_nothing_that_connects_is_given_an_address_without_its_login():
    found = 0
    for path, node in calls():
        if name_of(node.func) in CONNECTS and node.args:
            found += 1
            given = node.args[0]
            assert getattr(given, "attr", "") not in {"brokers", "bootstrap"}, (
                f"{path}:{node.lineno} passes an address: give it settings.kafka"
            )
    assert found >= 20
