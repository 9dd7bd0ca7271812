"""The way to the brokers: addresses and what it takes to be let in, as options of a client.

Every aiokafka client of the tower is constructed with these options and no others of its own
about where and who.
"""

import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import SecretStr

from streams.errors import TowerError

SecurityProtocol = Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]
Mechanism = Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]


@dataclass(frozen=True, slots=True)
class Cluster:
    """Addresses of brokers, and with what a client is let in; secrets do not print."""

    brokers: str
    protocol: SecurityProtocol = "PLAINTEXT"
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    key_password: SecretStr | None = None
    mechanism: Mechanism | None = None
    username: str | None = None
    password: SecretStr | None = None
    password_file: Path | None = None
    rack: str | None = None

    @property
    def encrypted(self) -> bool:
        """Whether connections are TLS."""
        return self.protocol in {"SSL", "SASL_SSL"}

    @property
    def whoever(self) -> str:
        """Return who a client is to the broker, in words."""
        if self.named:
            return f"the user {self.username!r} ({self.mechanism})"
        return "a client with this certificate" if self.cert_file else "a client without a name"

    @property
    def named(self) -> bool:
        """Whether a client says who it is."""
        return self.protocol in {"SASL_PLAINTEXT", "SASL_SSL"}


Where = Cluster | str  # a bare address is a broker that asks for nothing


def cluster_of(where: Where) -> Cluster:
    """Return the cluster; a bare address is one without TLS and login."""
    return Cluster(where) if isinstance(where, str) else where


def client_options(where: Where) -> dict[str, Any]:
    """Return what every aiokafka client is constructed with to reach the cluster.

    Files are read here, so that a renewed certificate or password counts from the next client.

    Raises:
        TowerError: a file cannot be read or is not what it should be.
    """
    cluster = cluster_of(where)
    options: dict[str, Any] = {
        "bootstrap_servers": cluster.brokers,
        "security_protocol": cluster.protocol,
    }
    if cluster.encrypted:
        options["ssl_context"] = tls(cluster)
    if cluster.named:
        options["sasl_mechanism"] = cluster.mechanism
        options["sasl_plain_username"] = cluster.username
        options["sasl_plain_password"] = secret(
            cluster.password, cluster.password_file, "TOWER_KAFKA_PASSWORD"
        )
    return options


def consumer_options(where: Where) -> dict[str, Any]:
    """Return the options of a consumer: those of a client, and the rack it reads from."""
    rack = cluster_of(where).rack
    return client_options(where) | ({} if rack is None else {"client_rack": rack})


def secret(value: SecretStr | None, file: Path | None, name: str) -> str | None:
    """Return a secret, from its file where one is named; line ends at its end are none of it.

    Raises:
        TowerError: the file (setting `<name>_FILE`) cannot be read or is empty.
    """
    if file is None:
        return None if value is None else value.get_secret_value()
    try:
        found = file.read_text("utf-8-sig").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise TowerError(f"{name}_FILE: {file} cannot be read ({_why(error)}).") from error
    if not found:
        raise TowerError(f"{name}_FILE: {file} is empty.")
    return found


def tls(cluster: Cluster) -> ssl.SSLContext:
    """Return a context that checks the broker's certificate and name, TLS 1.2 or newer.

    Raises:
        TowerError: one of the three files cannot be used.
    """
    for name in ("ca_file", "cert_file", "key_file"):
        _must_be_readable(f"TOWER_KAFKA_{name.upper()}", getattr(cluster, name))
    try:
        context = ssl.create_default_context(cafile=cluster.ca_file)
    except OSError as error:
        raise TowerError(
            f"TOWER_KAFKA_CA_FILE: {cluster.ca_file} holds no certificate in PEM form that can"
            f" be read ({_why(error)})."
        ) from error
    if cluster.cert_file is not None:
        phrase = "" if cluster.key_password is None else cluster.key_password.get_secret_value()
        try:
            # A password is always given: without one OpenSSL would ask the terminal for it.
            context.load_cert_chain(cluster.cert_file, cluster.key_file, lambda: phrase)
        except (OSError, ValueError) as error:
            key = (
                ""
                if cluster.key_file is None
                else f" and TOWER_KAFKA_KEY_FILE {cluster.key_file}"
            )
            raise TowerError(
                f"TOWER_KAFKA_CERT_FILE {cluster.cert_file}{key}: no certificate with its key"
                f" in PEM form that can be read ({_why(error)}); an encrypted key needs"
                " TOWER_KAFKA_KEY_PASSWORD."
            ) from error
    return context


def _must_be_readable(name: str, file: Path | None) -> None:
    try:
        if file is not None:
            file.read_bytes()
    except (OSError, ValueError) as error:
        raise TowerError(f"{name}: {file} cannot be read ({_why(error)}).") from error


def findings(cluster: Cluster) -> list[str]:
    """Return what is wrong with the files of a cluster, without asking a broker."""
    try:
        client_options(cluster)
    except TowerError as error:
        return [str(error)]
    return []


def _why(error: BaseException) -> str:
    """Return an error's reason without a path or bytes of a file."""
    if isinstance(error, ssl.SSLError):
        return (error.reason or "not PEM").replace("_", " ").lower()
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    return type(error).__name__
