"""Who sends: the providers of a file (TOWER_PROVIDERS), or the mail server of TOWER_SMTP_*.

Secrets stand in files of their own, so that the file of providers may be shown.
"""

import ssl
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from streams.config import Settings
from streams.dispatch.channels.base import Channel
from streams.dispatch.channels.email import LOOPBACK, EmailChannel, Smtp, mail_findings
from streams.dispatch.channels.signing import secret_bytes
from streams.dispatch.channels.sms import GatewayChannel, TwilioChannel
from streams.dispatch.channels.webhook import WebhookChannel
from streams.dispatch.routes import Provider, Routes
from streams.errors import TowerError
from streams.kafka import secret
from streams.yamlfile import PlainLoader

PARALLEL = 20

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,30}$")]


class _Entry(BaseModel):
    """What every provider has: a name, a share of its channel, and how much it may be given."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    name: Name
    weight: int = Field(1, ge=1, le=1_000)
    parallel: int = Field(PARALLEL, ge=1, le=1_000)
    per_second: float | None = Field(None, gt=0)


class SmtpEntry(_Entry):
    """A mail server."""

    type: Literal["smtp"]
    host: str
    port: int = Field(587, ge=1, le=65_535)
    tls: Literal["none", "starttls", "tls"] = "starttls"
    username: str | None = None
    password_file: Path | None = None
    timeout_seconds: float = Field(10.0, gt=0, le=60)
    sender: str

    def channel(self, settings: Settings) -> Channel:
        """Return the way to it."""
        return EmailChannel(
            Smtp(
                host=self.host,
                port=self.port,
                sender=self.sender,
                tls=self.tls,
                username=self.username,
                password=secret(None, self.password_file, f"password_file of {self.name}"),
                timeout=self.timeout_seconds,
                plain_allowed=settings.sandbox,
            ),
            self.name,
        )


class GatewayEntry(_Entry):
    """A gateway for text messages that takes JSON."""

    type: Literal["sms_gateway"]
    url: str
    token_file: Path
    sender: str
    idempotent: bool = True

    def channel(self, settings: Settings) -> Channel:
        """Return the way to it."""
        _encrypted(self.url, self.name, settings)
        return GatewayChannel(
            self.name,
            self.url,
            _secret(self.token_file, self.name),
            self.sender,
            idempotent=self.idempotent,
        )


class TwilioEntry(_Entry):
    """Twilio, by its REST interface."""

    type: Literal["twilio"]
    account: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9]{2,64}$")]
    token_file: Path
    sender: str
    url: str = "https://api.twilio.com"

    def channel(self, settings: Settings) -> Channel:
        """Return the way to it."""
        _encrypted(self.url, self.name, settings)
        return TwilioChannel(
            self.name,
            self.account,
            _secret(self.token_file, self.name),
            self.sender,
            url=self.url,
        )


class WebhookEntry(_Entry):
    """Calls of the customers' own URLs; the newest secret comes first."""

    type: Literal["webhook"]
    secret_files: Annotated[tuple[Path, ...], Field(min_length=1, max_length=4)]
    trusted: tuple[str, ...] = ()
    authority: Path | None = None

    def channel(self, settings: Settings) -> Channel:  # noqa: ARG002 (as the others)
        """Return the way to them."""
        keys = []
        for each in self.secret_files:
            try:
                keys.append(secret_bytes(_secret(each, self.name)))
            except ValueError as error:
                raise TowerError(f"The secret in {each}: {error}.") from error
        tls = None
        if self.authority is not None:
            try:
                tls = ssl.create_default_context(cafile=self.authority)
            except (OSError, ssl.SSLError) as error:
                raise TowerError(f"The file {self.authority} holds no certificate.") from error
        return WebhookChannel(self.name, keys, trusted=self.trusted, tls=tls)


Entry = Annotated[
    SmtpEntry | GatewayEntry | TwilioEntry | WebhookEntry, Field(discriminator="type")
]


class Providers(BaseModel):
    """The whole file."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    providers: Annotated[tuple[Entry, ...], Field(min_length=1, max_length=32)]


def providers_in(file: Path) -> Providers:
    """Return the providers of a file; a mistake in it is a `TowerError`."""
    try:
        read = yaml.load(file.read_text(encoding="utf-8"), Loader=PlainLoader)  # noqa: S506 (ours is safe)
        given = Providers.model_validate(read)
    except OSError as error:
        raise TowerError(
            f"The providers file {file} cannot be read: {error.strerror}."
        ) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise TowerError(f"The providers file {file} is not YAML.") from error
    except ValidationError as error:
        fault = error.errors(include_url=False, include_context=False, include_input=False)[0]
        place = ".".join(map(str, fault["loc"]))
        raise TowerError(
            f"The providers file {file} is wrong at {place}: {fault['msg']}."
        ) from error
    names = [each.name for each in given.providers]
    if len(set(names)) < len(names):
        raise TowerError(f"The providers file {file} uses a name twice.")
    return given


def routes_of(settings: Settings) -> Routes:
    """Return the ways to customers; a mistake in one is a `TowerError`."""
    if settings.providers is None:
        mail = EmailChannel(smtp_of(settings))
        rate = settings.smtp_per_second
        return Routes([Provider(mail, parallel=settings.smtp_parallel, rate=rate)])
    return Routes(
        Provider(
            each.channel(settings),
            weight=each.weight,
            parallel=each.parallel,
            rate=each.per_second,
        )
        for each in providers_in(settings.providers).providers
    )


def provider_findings(settings: Settings) -> list[str]:
    """Return what is wrong with the providers, a sentence each."""
    try:
        if settings.providers is None:
            return mail_findings(smtp_of(settings))
        routes_of(settings)
    except TowerError as error:
        return [str(error)]
    return []


def smtp_of(settings: Settings) -> Smtp:
    """Return the mail server of TOWER_SMTP_*."""
    return Smtp(
        host=settings.smtp_host,
        port=settings.smtp_port,
        sender=settings.mail_from,
        tls=settings.smtp_tls,
        username=settings.smtp_username,
        password=settings.mail_password,
        timeout=settings.smtp_timeout_seconds,
        plain_allowed=settings.sandbox,
    )


def _secret(file: Path, name: str) -> str:
    found = secret(None, file, f"the secret of {name}")
    if not found:
        raise TowerError(f"The file {file} of the provider {name} is empty.")
    return found


def _encrypted(url: str, name: str, settings: Settings) -> None:
    parts = urlsplit(url)
    if parts.scheme != "https" and not (settings.sandbox or parts.hostname in LOOPBACK):
        raise TowerError(f"The URL of the provider {name} should begin with https://.")
