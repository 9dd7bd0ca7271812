"""Fixtures of the engine's tests: small agents to run between two logs."""

import pytest

from tests.engine.harness import Toys


@pytest.fixture
async def toys(broker, namespace, tmp_path):
    toys = Toys(broker.bootstrap, namespace, tmp_path)
    await toys.create()
    try:
        yield toys
    finally:
        toys.close()
