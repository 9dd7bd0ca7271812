"""More doors to the embedded broker, with TLS and logins, for tests of what production has."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

_PLAIN = "org.apache.kafka.common.security.plain.PlainLoginModule"
_SCRAM = "org.apache.kafka.common.security.scram.ScramLoginModule"
_SCRAMS = ("SCRAM-SHA-256", "SCRAM-SHA-512")


@dataclass(frozen=True, slots=True)
class Listener:
    """One listener beside the plain one; a broker has at most one of each protocol.

    `users` (name: password) may log in by PLAIN, SCRAM-SHA-256 and SCRAM-SHA-512. The PEM file
    `certificate` holds the broker's key (PKCS 8) and chain. With `clients`, a PEM file of
    authorities, a client needs a certificate of one of them.
    """

    protocol: Literal["SSL", "SASL_PLAINTEXT", "SASL_SSL"]
    users: Mapping[str, str] = field(default_factory=dict)
    certificate: Path | None = None
    clients: Path | None = None

    def settings(self) -> dict[str, object]:
        """Return what `server.properties` says of this listener alone."""
        prefix = f"listener.name.{self.protocol.lower()}"
        said: dict[str, object] = {}
        if self.certificate is not None:
            said[f"{prefix}.ssl.keystore.type"] = "PEM"
            said[f"{prefix}.ssl.keystore.location"] = self.certificate.as_posix()
        if self.clients is not None:
            said[f"{prefix}.ssl.truststore.type"] = "PEM"
            said[f"{prefix}.ssl.truststore.location"] = self.clients.as_posix()
            said[f"{prefix}.ssl.client.auth"] = "required"
        if self.users:
            logins = "".join(f' user_{name}="{word}"' for name, word in self.users.items())
            said[f"{prefix}.sasl.enabled.mechanisms"] = ",".join(("PLAIN", *_SCRAMS))
            said[f"{prefix}.plain.sasl.jaas.config"] = f"{_PLAIN} required{logins};"
            for each in _SCRAMS:
                said[f"{prefix}.{each.lower()}.sasl.jaas.config"] = f"{_SCRAM} required;"
        return said


def scram_words(listeners: Sequence[Listener]) -> list[str]:
    """Return the arguments of `kafka-storage format` that make the users' SCRAM credentials."""
    users = {name: word for each in listeners for name, word in each.users.items()}
    return [
        part
        for name, word in users.items()
        for scram in _SCRAMS
        for part in ("--add-scram", f"{scram}=[name={name},password={word}]")
    ]
