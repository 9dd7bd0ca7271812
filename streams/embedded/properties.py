"""The configuration of a single-node Kafka that starts fast and stays small."""

import secrets
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from streams.embedded.listeners import Listener

# Below the range the system takes outgoing ports from: a client that knocks at the port of a
# broker that is down could otherwise be given that very port and talk to itself.
_LOWEST_PORT = 15_000
_HIGHEST_PORT = 31_999
_AUTHORIZER = "org.apache.kafka.metadata.authorizer.StandardAuthorizer"

_FIXED = {
    "process.roles": "broker,controller",
    "node.id": 1,
    "controller.listener.names": "CONTROLLER",
    "inter.broker.listener.name": "PLAINTEXT",
    "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
    "auto.create.topics.enable": "false",
    # one node: every replication factor and every quorum is one
    "default.replication.factor": 1,
    "min.insync.replicas": 1,
    "offsets.topic.replication.factor": 1,
    "offsets.topic.num.partitions": 1,
    "transaction.state.log.replication.factor": 1,
    "transaction.state.log.min.isr": 1,
    "transaction.state.log.num.partitions": 1,
    "share.coordinator.state.topic.replication.factor": 1,
    "share.coordinator.state.topic.min.isr": 1,
    "share.coordinator.state.topic.num.partitions": 1,
    # quick to join, quick to come back after a kill
    "group.initial.rebalance.delay.ms": 0,
    "group.min.session.timeout.ms": 1_000,
    "broker.session.timeout.ms": 2_000,
    "broker.heartbeat.interval.ms": 500,
    # small on disk, in memory and in threads
    "log.segment.bytes": 64 * 1024 * 1024,
    "log.index.size.max.bytes": 1024 * 1024,
    "log.cleaner.dedupe.buffer.size": 4 * 1024 * 1024,
    "log.cleaner.threads": 1,
    "num.network.threads": 2,
    "num.io.threads": 2,
    "num.replica.fetchers": 1,
    "num.recovery.threads.per.data.dir": 1,
    "background.threads": 2,
}


class Ports(NamedTuple):
    """The loopback ports of a broker: of clients, of its own controller, of more listeners."""

    client: int
    controller: int
    more: tuple[int, ...] = ()

    def all_free(self) -> bool:
        """Tell whether nobody listens on any of them now."""
        return all(map(is_free, (self.client, self.controller, *self.more)))


def free_ports(more: int = 0) -> Ports:
    """Return different ports of 127.0.0.1 on which nobody listens now: two, and some more."""
    found: list[int] = []
    while len(found) < 2 + more:
        port = _free_port()
        if port not in found:
            found.append(port)
    client, controller, *rest = found
    return Ports(client, controller, tuple(rest))


def is_free(port: int) -> bool:
    """Tell whether a server could listen on the port of 127.0.0.1 now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _free_port() -> int:
    while True:
        port = _LOWEST_PORT + secrets.randbelow(_HIGHEST_PORT - _LOWEST_PORT)
        if is_free(port):
            return port


def render(
    ports: Ports, data: Path, listeners: Sequence[Listener] = (), *, asks: bool = False
) -> str:
    """Return the text of `server.properties`.

    Whether it `asks`: what a client that logged in may do needs an ACL then.
    """
    client = f"PLAINTEXT://127.0.0.1:{ports.client}"
    more = [
        f"{each.protocol}://127.0.0.1:{port}"
        for each, port in zip(listeners, ports.more, strict=True)
    ]
    settings: dict[str, object] = _FIXED | {
        "listeners": ",".join([client, f"CONTROLLER://127.0.0.1:{ports.controller}", *more]),
        "advertised.listeners": ",".join([client, *more]),
        "controller.quorum.voters": f"1@127.0.0.1:{ports.controller}",
        "log.dirs": data.as_posix(),
    }
    for each in listeners:
        settings["listener.security.protocol.map"] = (
            f"{settings['listener.security.protocol.map']},{each.protocol}:{each.protocol}"
        )
        settings |= each.settings()
    if asks:
        settings["authorizer.class.name"] = _AUTHORIZER
        settings["super.users"] = "User:ANONYMOUS"  # who comes by the plain listener
    return "".join(f"{name}={value}\n" for name, value in settings.items())


def ports_of(text: str) -> Ports:
    """Return the ports that `render` wrote into a `server.properties`."""
    settings = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
    client, controller, *more = (
        int(each.rsplit(":", 1)[1]) for each in settings["listeners"].split(",")
    )
    return Ports(client, controller, tuple(more))
