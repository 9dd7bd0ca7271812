"""What every test may ask for: a real Kafka broker, and a namespace of its own on it."""

import uuid
from collections.abc import Iterator

import pytest

from streams.embedded import EmbeddedBroker


@pytest.fixture(scope="session")
def broker() -> Iterator[EmbeddedBroker]:
    """One embedded Kafka for the whole session; its data goes with it."""
    with EmbeddedBroker() as running:
        yield running


@pytest.fixture
def namespace() -> str:
    """A namespace (prefix of topics and groups) that no other test uses."""
    return f"t{uuid.uuid4().hex[:12]}"
