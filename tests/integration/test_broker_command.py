"""`tower broker`: an address to connect to, a clean end, one sentence for a taken port."""

import os
import signal
import socket

import pytest

from tests.processes import Process, until

pytestmark = pytest.mark.kafka


def test_it_prints_its_address_and_ends_cleanly(tmp_path):
    words = ("broker", "--port", "0", "--folder", str(tmp_path / "kafka"))
    broker = Process(tmp_path / "log", dict(os.environ), *words)
    try:
        until(lambda: "Ctrl-C stops it" in broker.says(), 50, broker.says)
        address = broker.says().splitlines()[0]
        host, port = address.split(":")
        socket.create_connection((host, int(port)), timeout=5).close()
        broker.signal(signal.SIGTERM)
        assert broker.ended(30) == 0
    finally:
        broker.close()
    assert (tmp_path / "kafka" / "data" / "meta.properties").exists()


def test_a_port_in_use_is_one_sentence(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        broker = Process(tmp_path / "log", dict(os.environ), "broker", "--port", str(port))
        assert broker.ended(50) == 1
    assert broker.says() == f"tower: Port {port} of 127.0.0.1 is in use.\n"
