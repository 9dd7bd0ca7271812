"""How a customer can be reached, and when not: the only messages with personal data."""

from typing import Annotated, Literal
from urllib.parse import urlsplit

import email_validator
from email_validator import EmailNotValidError, validate_email
from pydantic import AfterValidator, Field, StringConstraints

from models.base import Identifier, Instant, Label, Model, Source, Zone, at_most
from models.events import SchemaVersion
from models.notices import NoticeKind

# Names such as shop.local have mail servers of their own; whether one takes the message is
# for it to say. The library wants its list edited where its judgement is not wanted.
email_validator.SPECIAL_USE_DOMAIN_NAMES.clear()

Locale = Annotated[
    str, StringConstraints(max_length=35, pattern=r"^[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*$")
]
LocalTime = Annotated[str, StringConstraints(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
E_164 = Annotated[str, StringConstraints(pattern=r"^\+[1-9][0-9]{6,14}$")]


def _mailbox(address: str) -> str:
    """Return the normalised address; syntax only, nobody is asked about the domain."""
    try:
        return validate_email(address, check_deliverability=False, strict=True).normalized
    except EmailNotValidError as error:
        raise ValueError("address should be an e-mail address") from error


def _https_address(address: str) -> str:
    if not (address.isascii() and address.isprintable()) or " " in address:
        raise ValueError("address should be written in printable ASCII")
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError as error:
        raise ValueError("address should be a URL") from error
    if parts.scheme != "https" or not parts.hostname or port == 0:
        raise ValueError("address should be an https URL with a host")
    if parts.username is not None or parts.password is not None:
        raise ValueError("address should not hold credentials")
    return address


class EmailChannel(Model):
    """Mail to one mailbox."""

    kind: Literal["email"]
    address: Annotated[str, StringConstraints(max_length=320), AfterValidator(_mailbox)]


class SmsChannel(Model):
    """Text messages to one number in the form of E.164."""

    kind: Literal["sms"]
    address: E_164


class WebhookChannel(Model):
    """Signed calls of a URL the customer gave; its network is judged when it is called."""

    kind: Literal["webhook"]
    address: Annotated[str, StringConstraints(max_length=2_000), AfterValidator(_https_address)]


Channel = Annotated[EmailChannel | SmsChannel | WebhookChannel, Field(discriminator="kind")]


class QuietHours(Model):
    """The local hours without messages, from `start` to `end`, over midnight if need be."""

    start: LocalTime
    end: LocalTime


ChannelKind = Literal["email", "sms", "webhook"]


class Consent(Model):
    """What a customer said about messages over one channel, when and where; kept as proof.

    `wording` is the version of the text that was agreed to.
    """

    channel: ChannelKind
    given: Annotated[bool, Field(strict=True)]
    at: Instant
    source: Source
    wording: Label | None = None


class ContactUpdate(Model):
    """All that is known of reaching one customer; replaces what was known before."""

    customer_id: Identifier
    channels: Annotated[
        tuple[Channel, ...], Field(max_length=16, strict=False, fail_fast=True), at_most(16)
    ]
    locale: Locale | None = None
    timezone: Zone | None = None
    quiet_hours: QuietHours | None = None
    muted: (
        Annotated[tuple[NoticeKind, ...], Field(max_length=64, strict=False), at_most(64)]
        | None
    ) = None
    consent: bool | None = None
    consents: (
        Annotated[tuple[Consent, ...], Field(max_length=16, strict=False), at_most(16)] | None
    ) = None
    schema_version: SchemaVersion = 1


class ContactErased(Model):
    """The customer is to be forgotten."""

    customer_id: Identifier
