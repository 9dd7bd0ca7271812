"""Settings of every process, read once from the environment (`TOWER_*`)."""

import re
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from streams.kafka import Cluster, Mechanism, SecurityProtocol, secret

_LOGIN = ("kafka_sasl_mechanism", "kafka_username", "kafka_password", "kafka_password_file")
_TLS = ("kafka_ca_file", "kafka_cert_file", "kafka_key_file", "kafka_key_password")


def _namespace(given: str) -> str:
    """Refuse what cannot begin the name of a topic, in words."""
    if re.fullmatch(r"[a-z][a-z0-9_-]{0,40}", given) is None:
        raise ValueError(
            f"{given!r} is not a small letter followed by at most 40 small letters, digits,"
            " hyphens and underscores"
        )
    return given


def _instance(given: str | None) -> str | None:
    """Refuse what Kafka does not take as the name of a group's member, in words."""
    if given is not None and re.fullmatch(r"[A-Za-z0-9._-]{1,200}", given) is None:
        raise ValueError(
            f"{given!r} is not 1 to 200 letters, digits, dots, hyphens and underscores"
        )
    return given


class Settings(BaseSettings):
    """How a process of the tower finds its broker, its rules and its neighbours."""

    model_config = SettingsConfigDict(
        env_prefix="TOWER_", extra="ignore", hide_input_in_errors=True
    )

    brokers: str = Field("127.0.0.1:9092", description="bootstrap servers, host:port[,...]")
    namespace: Annotated[str, AfterValidator(_namespace)] = "tower"
    clock: Literal["wall", "feed"] = Field("wall", description="where time comes from")
    rules: Path | None = Field(None, description="rules file (YAML); default: shipped rules")
    partitions: int = Field(8, ge=1, le=64)
    replication: int = Field(1, ge=1)

    kafka_security_protocol: SecurityProtocol = "PLAINTEXT"
    kafka_ca_file: Path | None = Field(None, description="PEM; default: the system's")
    kafka_cert_file: Path | None = Field(None, description="PEM, the client's chain")
    kafka_key_file: Path | None = Field(None, description="PEM; default: in the cert file")
    kafka_key_password: SecretStr | None = None
    kafka_sasl_mechanism: Mechanism | None = None
    kafka_username: str | None = None
    kafka_password: SecretStr | None = None
    kafka_password_file: Path | None = Field(None, description="file that holds the password")
    rack: str | None = Field(None, min_length=1, description="read from replicas of this rack")

    session_timeout_seconds: float = Field(10.0, gt=0)
    heartbeat_seconds: float = Field(3.0, gt=0)
    barrier_seconds: float = Field(1.0, gt=0)
    max_batch: int = Field(500, ge=1)
    instance: Annotated[str | None, AfterValidator(_instance)] = Field(
        None, description="static member of the group"
    )
    stalled_seconds: float = Field(30.0, gt=0, description="behind and still: end the worker")

    predict: bool = Field(False, description="predict orders; costs twice all else of them")

    metrics_host: str = "127.0.0.1"
    metrics_port: int = Field(9464, ge=0, le=65_535, description="0: a free one, printed")

    web_host: str = "127.0.0.1"
    web_port: int = Field(8081, ge=0, le=65_535, description="0: a free one, printed")
    web_tokens_file: Path | None = Field(None, description="bearer tokens, one a line")

    commit: str = Field("unknown", description="of the version that runs, for annotations")

    smtp_host: str = "127.0.0.1"
    smtp_port: int = Field(25, ge=1, le=65_535)
    smtp_username: str | None = None
    smtp_password: SecretStr | None = None
    smtp_password_file: Path | None = None
    smtp_tls: Literal["none", "starttls", "tls"] = "none"
    smtp_timeout_seconds: float = Field(30.0, gt=0)
    mail_from: str = "Your delivery <deliveries@tower.invalid>"
    feedback_url: str | None = Field(None, description="page to answer on; may say {order_id}")
    preferences_url: str | None = Field(
        None, description="page to choose notices on; may say {customer_id}"
    )
    smtp_parallel: int = Field(20, ge=1, le=1_000, description="mails under way at once")
    smtp_per_second: float | None = Field(None, gt=0, description="mails a second at most")
    providers: Path | None = Field(None, description="who sends what (YAML)")
    sandbox: bool = Field(False, description="no real customers: mail may go unencrypted")
    claims: Path = Field(Path("claims.sqlite"), description="the dispatcher's claims")
    claims_database: SecretStr | None = Field(
        None, description="PostgreSQL for the claims, instead of the file"
    )
    claims_database_file: Path | None = Field(None, description="file that holds its address")
    claim_lease_seconds: float = Field(
        60.0, gt=0, description="after which a claim of another dispatcher is taken over"
    )
    keys: Path | None = Field(None, description="customers' keys; default: beside the claims")
    failpoint: str | None = Field(None, description="tests: end the process inside a flush")

    @field_validator("brokers")
    @classmethod
    def _addresses(cls, given: str) -> str:
        """Refuse what is no list of addresses; clients would stumble over it one by one."""
        for address in given.split(","):
            host, _, port = address.strip().rpartition(":")
            if not host or not port.isdecimal() or not 0 < int(port) <= 65_535:  # noqa: PLR2004
                shown = address.rpartition("@")[2]  # before it may stand a password
                raise ValueError(f"{shown!r} is not host:port")
        return given

    @model_validator(mode="after")
    def _login_and_tls_fit(self) -> Self:
        """Refuse half a login, and settings that the protocol would silently not use."""
        protocol = self.kafka_security_protocol
        for name in ("kafka_password", "smtp_password", "claims_database"):
            if getattr(self, name) is not None and getattr(self, f"{name}_file") is not None:
                raise ValueError(f"{_env(name)} and {_env(name)}_FILE exclude each other.")
        if protocol.startswith("SASL_"):
            for name in _LOGIN[:2]:
                if getattr(self, name) is None:
                    raise ValueError(
                        f"{_env('kafka_security_protocol')}={protocol} needs {_env(name)}."
                    )
            if self.kafka_password is None and self.kafka_password_file is None:
                raise ValueError(
                    f"{_env('kafka_username')} needs {_env('kafka_password')} or"
                    f" {_env('kafka_password_file')}."
                )
        else:
            self._refuse_unused(_LOGIN, "SASL_SSL or SASL_PLAINTEXT")
        if not protocol.endswith("SSL"):
            self._refuse_unused(_TLS, "SSL or SASL_SSL")
        if self.kafka_key_file is not None and self.kafka_cert_file is None:
            raise ValueError(f"{_env('kafka_key_file')} needs {_env('kafka_cert_file')}.")
        return self

    def _refuse_unused(self, names: tuple[str, ...], needed: str) -> None:
        for name in names:
            if getattr(self, name) is not None:
                raise ValueError(
                    f"{_env(name)} is given, but {_env('kafka_security_protocol')} is"
                    f" {self.kafka_security_protocol}: it takes {needed} to use it."
                )

    @property
    def kafka(self) -> Cluster:
        """The brokers and what it takes to be let in."""
        return Cluster(
            brokers=self.brokers,
            protocol=self.kafka_security_protocol,
            ca_file=self.kafka_ca_file,
            cert_file=self.kafka_cert_file,
            key_file=self.kafka_key_file,
            key_password=self.kafka_key_password,
            mechanism=self.kafka_sasl_mechanism,
            username=self.kafka_username,
            password=self.kafka_password,
            password_file=self.kafka_password_file,
            rack=self.rack,
        )

    @property
    def claims_address(self) -> str | None:
        """The address of the claims' database, from its file where one is named."""
        return secret(self.claims_database, self.claims_database_file, "TOWER_CLAIMS_DATABASE")

    @property
    def keys_file(self) -> Path:
        """The file of customers' keys."""
        return self.keys or self.claims.with_suffix(".keys")

    @property
    def mail_password(self) -> str | None:
        """The password of the mail server, from its file where one is named."""
        return secret(self.smtp_password, self.smtp_password_file, "TOWER_SMTP_PASSWORD")


def _env(name: str) -> str:
    return f"TOWER_{name.upper()}"
