"""A broker with every kind of door, and authorities that only this run of the tests knows."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from streams.embedded import EmbeddedBroker, Listener

USERS = {
    name: f"{name}'s word" for name in ("worker", "dispatcher", "publisher", "reader", "nobody")
}


@dataclass(frozen=True)
class Papers:
    """PEM files of an authority, of a broker and of a client."""

    ca: Path
    broker: Path
    client: Path
    client_key: Path


@pytest.fixture(scope="session")
def papers(tmp_path_factory: pytest.TempPathFactory) -> Papers:
    folder = tmp_path_factory.mktemp("papers")
    authority = trustme.CA()
    made = Papers(
        folder / "ca.pem", folder / "broker.pem", folder / "client.pem", folder / "client.key"
    )
    authority.cert_pem.write_to_path(made.ca)
    broker = authority.issue_cert("127.0.0.1")
    chain = b"".join(each.bytes() for each in broker.cert_chain_pems)
    made.broker.write_bytes(pkcs8(broker.private_key_pem.bytes()) + chain)
    client = authority.issue_cert("client@tower.invalid")
    client.private_key_pem.write_to_path(made.client_key)
    client.cert_chain_pems[0].write_to_path(made.client)
    return made


def pkcs8(key: bytes) -> bytes:
    """Return a PEM key in the only form that Kafka reads."""
    loaded = load_pem_private_key(key, None)
    return loaded.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


@pytest.fixture(scope="session")
def doors(papers: Papers) -> Iterator[EmbeddedBroker]:
    listeners = [
        Listener("SSL", certificate=papers.broker, clients=papers.ca),
        Listener("SASL_PLAINTEXT", USERS),
        Listener("SASL_SSL", USERS, certificate=papers.broker),
    ]
    with EmbeddedBroker(listeners=listeners, acls=True) as running:
        yield running


@pytest.fixture
def through(doors: EmbeddedBroker, papers: Papers) -> Callable[..., dict[str, object]]:
    """A function that returns the settings that go through a door, some of them otherwise."""

    def settings(protocol: str, user: str | None = None, **other: object) -> dict[str, object]:
        plain = protocol == "PLAINTEXT"
        found: dict[str, object] = {
            "brokers": doors.bootstrap if plain else doors.address(protocol),
            "kafka_security_protocol": protocol,
        }
        if protocol.endswith("SSL"):
            found["kafka_ca_file"] = papers.ca
        if protocol.startswith("SASL"):
            found["kafka_sasl_mechanism"] = "SCRAM-SHA-512"
            found["kafka_username"] = user or "nobody"
            found["kafka_password"] = USERS[user or "nobody"]
        found |= other
        return {name: value for name, value in found.items() if value is not None}

    return settings
