"""The e-mail channel: one message, one recipient, one try, and the class of what came of it."""

import asyncio
import hashlib
import re
from contextlib import suppress
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import format_datetime, parseaddr
from typing import Protocol
from urllib.parse import quote

import aiosmtplib
from email_validator import EmailNotValidError, validate_email

from streams.config import Settings
from streams.dispatch.outcomes import ACCEPTED, Outcome, Stage, outcome_of
from streams.dispatch.text import Text
from streams.errors import TowerError

CHANNEL = "email"
_SAFE_ID = re.compile(r"[A-Za-z0-9_+=/-]+(\.[A-Za-z0-9_+=/-]+)*")
_LONGEST_ID = 180
_LOOPBACK = {"127.0.0.1", "::1", "localhost"}
# Message ids and addresses must not be folded, so lines may be as long as SMTP allows.
_POLICY = SMTP_POLICY.clone(max_line_length=998)


class Channel(Protocol):
    """A way to reach a customer."""

    name: str

    async def send(self, notice_id: str, address: str, text: Text) -> Outcome:
        """Try once to send a text; never raises for anything the other side does."""


class EmailChannel:
    """Sends by SMTP, a connection a message."""

    name = CHANNEL

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        mistakes = mail_findings(settings)
        if mistakes:
            raise TowerError(" ".join(mistakes))
        self._sender = sender_of(settings.mail_from)

    async def send(self, notice_id: str, address: str, text: Text) -> Outcome:
        """Try once to send a text to one address."""
        try:
            mailbox = validate_email(address, check_deliverability=False)
        except EmailNotValidError:
            return Outcome("permanent", "bad_address")
        recipient = mailbox.ascii_email or mailbox.normalized
        message = compose(notice_id, self._sender, recipient, text)
        return await self._deliver(recipient, message.as_bytes())

    async def _deliver(self, address: str, content: bytes) -> Outcome:
        client = self._client()
        stage: Stage = "connect"
        try:
            await client.connect()
            wide = [] if address.isascii() else ["SMTPUTF8"]
            encoding = "utf-8" if wide else "ascii"
            stage = "sender"
            await client.mail(self._sender.addr_spec, options=wide, encoding=encoding)
            stage = "recipient"
            await client.rcpt(address, encoding=encoding)
            stage = "data"
            await client.data(content)
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            return outcome_of(error, stage)
        else:
            await _leave(client)
            return ACCEPTED
        finally:
            client.close()

    def _client(self) -> aiosmtplib.SMTP:
        settings = self._settings
        return aiosmtplib.SMTP(
            hostname=settings.smtp_host,
            port=settings.smtp_port,
            username=settings.smtp_username,
            password=settings.mail_password,
            local_hostname=self._sender.domain,
            timeout=settings.smtp_timeout_seconds,
            use_tls=settings.smtp_tls == "tls",
            start_tls=settings.smtp_tls == "starttls",
        )


async def _leave(client: aiosmtplib.SMTP) -> None:
    """Say goodbye; the message is taken whatever the server answers."""
    with suppress(aiosmtplib.SMTPException, OSError):
        await asyncio.wait_for(client.quit(), 1)


def sender_of(mail_from: str) -> Address:
    """Return the address that notices come from; a mistake in it is a `TowerError`."""
    name, spec = parseaddr(mail_from)
    try:
        address = Address(display_name=name, addr_spec=spec)
    except (ValueError, IndexError) as error:
        raise TowerError(f"TOWER_MAIL_FROM is not an e-mail address: {mail_from!r}.") from error
    if not address.domain:
        raise TowerError(f"TOWER_MAIL_FROM is not an e-mail address: {mail_from!r}.")
    return address


def mail_findings(settings: Settings) -> list[str]:
    """Return what is wrong with the settings of the mail, each as a sentence."""
    found = []
    try:
        sender_of(settings.mail_from)
    except TowerError as error:
        found.append(str(error))
    safe = settings.smtp_tls != "none" or settings.smtp_host in _LOOPBACK
    if settings.smtp_username and not safe:
        found.append("TOWER_SMTP_USERNAME needs TOWER_SMTP_TLS to be starttls or tls.")
    if settings.smtp_username and not (settings.smtp_password or settings.smtp_password_file):
        found.append(
            "TOWER_SMTP_USERNAME needs TOWER_SMTP_PASSWORD or TOWER_SMTP_PASSWORD_FILE."
        )
    try:
        _ = settings.mail_password
    except TowerError as error:
        found.append(str(error))
    return found


def message_id(notice_id: str, domain: str) -> str:
    """Return the Message-ID of a notice: the same for every try, whoever makes it."""
    local = notice_id
    if _SAFE_ID.fullmatch(local) is None:
        local = quote(notice_id, safe="").replace(".", "%2E").replace("~", "%7E")
    if len(local) > _LONGEST_ID:
        local = hashlib.sha256(notice_id.encode()).hexdigest()
    return f"<{local}.{CHANNEL}@{domain}>"


def compose(notice_id: str, sender: Address, address: str, text: Text) -> EmailMessage:
    """Return the message to a valid address; one beyond ASCII makes its headers UTF-8."""
    message = EmailMessage(policy=_POLICY.clone(utf8=not address.isascii()))
    message["From"] = sender
    username, _, domain = address.rpartition("@")
    message["To"] = Address(username=username, domain=domain)
    message["Subject"] = text.subject
    message["Date"] = format_datetime(datetime.now(UTC))
    message["Message-ID"] = message_id(notice_id, sender.domain)
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(text.plain, cte="quoted-printable")
    message.add_alternative(text.html, subtype="html", cte="quoted-printable")
    return message
