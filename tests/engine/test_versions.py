"""The engine leans on the insides of two libraries; another version has to be read first."""

from importlib.metadata import version

from aiokafka.consumer.group_coordinator import GroupCoordinator
from aiokafka.consumer.subscription_state import Assignment
from faust.app.base import BootStrategy


def test_the_versions_that_were_read() -> None:
    assert version("aiokafka") == "0.14.0"
    assert version("faust-streaming") == "0.15.3"


def test_what_the_engine_touches_is_there() -> None:
    assert GroupCoordinator._do_heartbeat
    assert Assignment.state_value
    assert BootStrategy.enable_kafka_consumer is None
