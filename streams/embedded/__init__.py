"""A real Kafka broker on this machine with no container, for the demo and the tests."""

from streams.embedded.broker import EmbeddedBroker

__all__ = ["EmbeddedBroker"]
