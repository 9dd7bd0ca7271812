"""A real Kafka broker on this machine with no container, for the demo and the tests."""

from streams.embedded.broker import EmbeddedBroker
from streams.embedded.listeners import Listener

__all__ = ["EmbeddedBroker", "Listener"]
