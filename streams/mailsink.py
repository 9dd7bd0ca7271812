"""A mail server for tests and the demo: takes every mail, keeps it, delivers nothing.

It listens on loopback. `behaviour` may be changed at any time, to see what a sender does when
its server refuses or falls silent. `python -m streams.mailsink --help` runs one by itself.
"""

import argparse
import asyncio
import json
import mailbox
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default as DEFAULT_POLICY  # noqa: N812 (a constant in the library too)
from pathlib import Path
from typing import Any, Literal

from aiosmtpd.smtp import SMTP, Envelope, Session

from streams.errors import TowerError

# accept: take it; refuse: 451, come back later; reject: 550, never; close: 421, going away;
# hang: silent from the recipient on; hang_data: silent after the whole text, which is not
# kept; drop: take it and hang up without an answer.
Behaviour = Literal["accept", "refuse", "reject", "close", "hang", "hang_data", "drop"]
BEHAVIOURS: tuple[Behaviour, ...] = (
    "accept", "refuse", "reject", "close", "hang", "hang_data", "drop",
)  # fmt: skip

_TAKEN = "250 2.0.0 kept"
_LATER = "451 4.3.0 come back later"
_REFUSALS: dict[Behaviour, str] = {
    "refuse": _LATER,
    "reject": "550 5.1.1 no such mailbox",
    "close": "421 4.3.2 closing",
}


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail as it came in."""

    received_at: datetime
    sender: str
    recipient: str
    message: EmailMessage
    raw: bytes

    @property
    def subject(self) -> str:
        """Return the subject, decoded."""
        return str(self.message["Subject"] or "")

    @property
    def message_id(self) -> str:
        """Return the Message-ID with its angle brackets."""
        return str(self.message["Message-ID"] or "").strip()

    @property
    def text(self) -> str:
        """Return the plain text part, decoded."""
        return self._part("plain")

    @property
    def html(self) -> str:
        """Return the HTML part, decoded."""
        return self._part("html")

    def _part(self, kind: Literal["plain", "html"]) -> str:
        part = self.message.get_body((kind,))
        return "" if part is None else str(part.get_content()).replace("\r\n", "\n")


class MailSink:
    """The server; `mails` holds what it took, in order of arrival."""

    def __init__(
        self,
        file: Path | None = None,
        behaviour: Behaviour = "accept",
        seen: Callable[[Mail], None] | None = None,
    ) -> None:
        self.mails: list[Mail] = []
        self.behaviour: Behaviour = behaviour
        self.port = 0
        self._file = file
        self._seen = seen
        self._server: asyncio.Server | None = None
        self._stopped = asyncio.Event()
        self._arrived = asyncio.Condition()
        self._sessions: set[_Sessions] = set()

    async def start(self, port: int = 0, host: str = "127.0.0.1") -> int:
        """Listen; return the port, a free one where `port` is 0."""
        loop = asyncio.get_running_loop()
        try:
            self._server = await loop.create_server(self._session, host, port)
        except OSError as error:
            raise TowerError(
                f"The mail sink cannot listen on {host}:{port}: {error}."
            ) from error
        self.port = int(self._server.sockets[0].getsockname()[1])
        return self.port

    async def stop(self) -> None:
        """Hang up and listen no more."""
        self._stopped.set()
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
            await asyncio.sleep(0)  # connections accepted just now become sessions
        for session in list(self._sessions):
            session.hang_up()
        await asyncio.sleep(0)

    async def arrived(self, count: int, timeout: float) -> list[Mail]:  # noqa: ASYNC109
        """Wait until `count` mails have come, at most `timeout` seconds; return all so far."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout), self._arrived:
                await self._arrived.wait_for(lambda: len(self.mails) >= count)
        return list(self.mails)

    def _session(self) -> "_Sessions":
        return _Sessions(self, self._sessions)

    async def handle_RCPT(  # noqa: N802 (named and shaped by aiosmtpd)
        self,
        _server: SMTP,
        _session: Session,
        envelope: Envelope,
        address: str,
        options: list[str],
    ) -> str:
        """Answer RCPT TO."""
        if self.behaviour in _REFUSALS:
            return _REFUSALS[self.behaviour]
        if self.behaviour == "hang":
            await self._stopped.wait()
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 ok"

    async def handle_DATA(  # noqa: N802 (named by aiosmtpd)
        self, server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        """Answer the end of the text."""
        if self.behaviour == "hang_data":
            await self._stopped.wait()
            return _LATER
        await self._keep(envelope)
        if self.behaviour == "drop" and server.transport is not None:
            _abort(server.transport)
        return _TAKEN

    async def _keep(self, envelope: Envelope) -> None:
        raw = envelope.content if isinstance(envelope.content, bytes) else b""
        message = message_from_bytes(raw, policy=DEFAULT_POLICY)
        for recipient in envelope.rcpt_tos:
            mail = Mail(
                datetime.now(UTC),
                envelope.mail_from or "",
                recipient,
                message,
                raw,
            )
            self.mails.append(mail)
            if self._file is not None:
                append(self._file, mail)
            if self._seen is not None:
                self._seen(mail)
        async with self._arrived:
            self._arrived.notify_all()


class _Sessions(SMTP):
    """One connection; it is in `open_sessions` while it lasts."""

    def __init__(self, sink: MailSink, open_sessions: "set[_Sessions]") -> None:
        super().__init__(
            sink,
            hostname="mailsink.invalid",
            ident="tower mail sink",
            enable_SMTPUTF8=True,
            loop=asyncio.get_running_loop(),
        )
        self._open = open_sessions

    def connection_made(self, transport: Any) -> None:  # noqa: ANN401 (as its base)
        self._open.add(self)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        self._open.discard(self)
        super().connection_lost(error)

    def hang_up(self) -> None:
        """Close the connection at once."""
        if self.transport is not None:
            _abort(self.transport)


def _abort(transport: asyncio.BaseTransport) -> None:
    if isinstance(transport, asyncio.WriteTransport):
        transport.abort()


def append(file: Path, mail: Mail) -> None:
    """Append a mail to a file: a mailbox if it ends in `.mbox`, else a JSON object a line."""
    if file.suffix == ".mbox":
        box = mailbox.mbox(file)
        try:
            box.add(mail.raw)
        finally:
            box.close()
        return
    line = {
        "received_at": mail.received_at.isoformat(),
        "from": mail.sender,
        "to": mail.recipient,
        "subject": mail.subject,
        "message_id": mail.message_id,
        "text": mail.text,
    }
    with file.open("a", encoding="utf-8") as lines:
        lines.write(json.dumps(line, ensure_ascii=False) + "\n")


@asynccontextmanager
async def running(
    file: Path | None = None, port: int = 0, behaviour: Behaviour = "accept"
) -> AsyncIterator[MailSink]:
    """Run a sink while the context lasts."""
    sink = MailSink(file, behaviour)
    await sink.start(port)
    try:
        yield sink
    finally:
        await sink.stop()


async def _run(host: str, port: int, file: Path | None, behaviour: Behaviour) -> None:
    sink = MailSink(file, behaviour, seen=lambda mail: print(mail.recipient, mail.subject))  # noqa: T201
    print(f"mail sink on {host}:{await sink.start(port, host)}", flush=True)  # noqa: T201
    await asyncio.Event().wait()


def main(argv: list[str] | None = None) -> int:
    """Run a sink until it is interrupted."""
    parser = argparse.ArgumentParser(
        prog="python -m streams.mailsink",
        description="Take every mail and deliver none.",
        epilog="Example: python -m streams.mailsink --port 2525 --file mails.jsonl",
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=2525)
    parser.add_argument("--file", type=Path, help="append mails: .mbox, or JSON lines")
    parser.add_argument("--behaviour", choices=BEHAVIOURS, default="accept")
    given = parser.parse_args(argv)
    try:
        asyncio.run(_run(given.host, given.port, given.file, given.behaviour))
    except KeyboardInterrupt:
        return 0
    except TowerError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
