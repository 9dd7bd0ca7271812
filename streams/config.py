"""Settings of every process, read once from the environment (`TOWER_*`)."""

from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """How a process of the tower finds its broker, its rules and its neighbours."""

    model_config = SettingsConfigDict(env_prefix="TOWER_", extra="ignore")

    brokers: str = Field("127.0.0.1:9092", description="bootstrap servers, host:port[,...]")
    namespace: str = Field("tower", pattern=r"^[a-z][a-z0-9_-]{0,40}$")
    clock: Literal["wall", "feed"] = Field("wall", description="where time comes from")
    rules: Path | None = Field(None, description="rules file (YAML); default: shipped rules")
    partitions: int = Field(8, ge=1, le=64)
    replication: int = Field(1, ge=1)

    session_timeout_seconds: float = Field(10.0, gt=0)
    heartbeat_seconds: float = Field(3.0, gt=0)
    barrier_seconds: float = Field(1.0, gt=0)
    max_batch: int = Field(500, ge=1)

    metrics_host: str = "127.0.0.1"
    metrics_port: int = Field(9464, ge=0, le=65_535, description="0: a free one, printed")

    commit: str = Field("unknown", description="of the version that runs, for annotations")

    smtp_host: str = "127.0.0.1"
    smtp_port: int = Field(25, ge=1, le=65_535)
    smtp_username: str | None = None
    smtp_password: str | None = None
    smtp_tls: Literal["none", "starttls", "tls"] = "none"
    smtp_timeout_seconds: float = Field(30.0, gt=0)
    mail_from: str = "Your delivery <deliveries@tower.invalid>"
    claims: Path = Field(Path("claims.sqlite"), description="the dispatcher's claims")
    failpoint: str | None = Field(None, description="tests: end the process inside a flush")

    @field_validator("brokers")
    @classmethod
    def _addresses(cls, given: str) -> str:
        """Refuse what is no list of addresses; clients would stumble over it one by one."""
        for address in given.split(","):
            host, _, port = address.strip().rpartition(":")
            if not host or not port.isdecimal() or not 0 < int(port) <= 65_535:  # noqa: PLR2004
                raise ValueError(f"{address!r} is not host:port")
        return given
