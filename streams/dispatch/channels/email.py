"""The e-mail channel: one message, one recipient, one try, and the class of what came of it."""

import asyncio
import hashlib
import re
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import format_datetime, parseaddr
from typing import Literal
from urllib.parse import quote

import aiosmtplib
from email_validator import EmailNotValidError, validate_email

from streams.dispatch.channels.base import Message
from streams.dispatch.channels.outcomes import ACCEPTED, Outcome, Stage, outcome_of
from streams.errors import TowerError

EMAIL = "email"
_SAFE_ID = re.compile(r"[A-Za-z0-9_+=/-]+(\.[A-Za-z0-9_+=/-]+)*")
_LONGEST_ID = 180
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
# Message ids and addresses must not be folded, so lines may be as long as SMTP allows.
_POLICY = SMTP_POLICY.clone(max_line_length=998)


@dataclass(frozen=True, slots=True)
class Smtp:
    """A mail server; `timeout`: seconds for each answer; `plain_allowed`: also without TLS."""

    host: str
    port: int
    sender: str
    tls: Literal["none", "starttls", "tls"] = "none"
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    timeout: float = 10.0
    plain_allowed: bool = False


class EmailChannel:
    """Sends by SMTP, a connection a message."""

    name = EMAIL
    resends = 1  # most mailboxes show a repeated Message-ID once

    def __init__(self, server: Smtp, provider: str = "smtp") -> None:
        self.provider = provider
        self._server = server
        mistakes = mail_findings(server)
        if mistakes:
            raise TowerError(" ".join(mistakes))
        self._sender = sender_of(server.sender)

    async def close(self) -> None:
        """Nothing is kept open."""

    async def send(self, message: Message) -> Outcome:
        """Try once to send a text to one address."""
        try:
            mailbox = validate_email(message.address, check_deliverability=False)
        except EmailNotValidError:
            return Outcome("permanent", "bad_address")
        recipient = mailbox.ascii_email or mailbox.normalized
        return await self._deliver(
            recipient, compose(message, self._sender, recipient).as_bytes()
        )

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
        server = self._server
        return aiosmtplib.SMTP(
            hostname=server.host,
            port=server.port,
            username=server.username,
            password=server.password,
            local_hostname=self._sender.domain,
            timeout=server.timeout,
            use_tls=server.tls == "tls",
            start_tls=server.tls == "starttls",
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


def mail_findings(server: Smtp) -> list[str]:
    """Return what is wrong with a mail server, each as a sentence."""
    found = []
    try:
        sender_of(server.sender)
    except TowerError as error:
        found.append(str(error))
    near = server.host in LOOPBACK
    if server.tls == "none" and not near and server.username:
        found.append("TOWER_SMTP_USERNAME needs TOWER_SMTP_TLS to be starttls or tls.")
    elif server.tls == "none" and not (near or server.plain_allowed):
        found.append(
            f"Mail to {server.host} would go unencrypted: TOWER_SMTP_TLS should be starttls or"
            " tls (TOWER_SANDBOX=true allows it where no real customer is)."
        )
    if server.username and server.password is None:
        found.append(
            "TOWER_SMTP_USERNAME needs TOWER_SMTP_PASSWORD or TOWER_SMTP_PASSWORD_FILE."
        )
    return found


def message_id(key: str, domain: str) -> str:
    """Return the Message-ID of a notice: the same for every try, whoever makes it."""
    local, _, channel = key.rpartition(".")
    if _SAFE_ID.fullmatch(local) is None:
        local = quote(local, safe="").replace(".", "%2E").replace("~", "%7E")
    if len(local) > _LONGEST_ID:
        local = hashlib.sha256(key.removesuffix(f".{channel}").encode()).hexdigest()
    return f"<{local}.{channel}@{domain}>"


def compose(given: Message, sender: Address, address: str) -> EmailMessage:
    """Return the mail to a valid address; one beyond ASCII makes its headers UTF-8."""
    message = EmailMessage(policy=_POLICY.clone(utf8=not address.isascii()))
    message["From"] = sender
    username, _, domain = address.rpartition("@")
    message["To"] = Address(username=username, domain=domain)
    message["Subject"] = given.text.subject
    message["Date"] = format_datetime(datetime.now(UTC))
    message["Message-ID"] = message_id(given.key, sender.domain)
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(given.text.plain, cte="quoted-printable")
    message.add_alternative(given.text.html, subtype="html", cte="quoted-printable")
    return message
