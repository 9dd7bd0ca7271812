"""Signed calls of a URL the customer gave: thin, idempotent, to public addresses only."""

import json
import ssl
import time
from collections.abc import Collection, Sequence
from urllib.parse import urlsplit

import aiohttp

from streams.dispatch.channels.base import Message
from streams.dispatch.channels.http import call, outcome_by_status, session
from streams.dispatch.channels.network import PORTS, guarded
from streams.dispatch.channels.outcomes import Outcome
from streams.dispatch.channels.signing import signed
from streams.domain.zones import instant_text

WEBHOOK = "webhook"
GONE = 410


class WebhookChannel:
    """Posts notices as Standard Webhooks; whoever gets one twice knows it by `webhook-id`.

    `secrets`: all of them sign, newest first. `trusted`: host:port that may be called although
    no public address (own networks, tests); `tls`: whom to trust, None the system.
    """

    name = WEBHOOK
    resends = None

    def __init__(
        self,
        provider: str,
        secrets: Sequence[bytes],
        *,
        trusted: Collection[str] = (),
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.provider = provider
        self._secrets = tuple(secrets)
        self._trusted = frozenset(trusted)
        self._tls = tls
        self._session: aiohttp.ClientSession | None = None

    async def send(self, message: Message) -> Outcome:
        """Try once to call a URL."""
        if not self._may_call(message.address):
            return Outcome("permanent", "forbidden_address")
        if self._session is None:
            connector = aiohttp.TCPConnector(
                limit=0, ssl=self._tls or True, socket_factory=guarded(self._trusted)
            )
            self._session = session(connector)
        body = json.dumps(payload(message), separators=(",", ":")).encode()
        headers = {"Content-Type": "application/json", "User-Agent": "tower"}
        headers |= signed(message.key, int(time.time()), body, self._secrets)
        got = await call(self._session, message.address, headers, data=body)
        if isinstance(got, Outcome):
            return got
        if got.status == GONE:
            return Outcome("opted_out", "gone")
        return outcome_by_status(got)

    def _may_call(self, address: str) -> bool:
        parts = urlsplit(address)
        port = parts.port or 443
        if parts.scheme != "https" or parts.username is not None:
            return False
        return port in PORTS or f"{parts.hostname}:{port}" in self._trusted

    async def close(self) -> None:
        """Let go of connections."""
        if self._session is not None:
            await self._session.close()


def payload(message: Message) -> dict[str, object]:
    """Return what is posted: what happened to which order, and nobody's name."""
    command = message.command
    data = {
        "notice_id": command.notice_id,
        "order_id": command.order_id,
        "kind": command.kind,
        "carrier": command.carrier,
        "promise_end": _instant(command.promise_end),
        "eta": _instant(command.eta),
        "subject": message.text.subject,
    }
    return {
        "type": f"notice.{command.kind}",
        "timestamp": instant_text(command.decided_at),
        "data": data,
    }


def _instant(at: int | None) -> str | None:
    return None if at is None else instant_text(at)
