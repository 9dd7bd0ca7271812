"""Text messages: over a plain HTTP gateway, or over Twilio's REST interface by hand.

A gateway that honours `Idempotency-Key` may be asked again in doubt. Twilio has no such key:
what may have been sent is not sent again; after a while the next channel has it.
"""

import json
from typing import Any

import aiohttp

from streams.dispatch.channels.base import Message
from streams.dispatch.channels.http import Answer, call, outcome_by_status, session
from streams.dispatch.channels.outcomes import Outcome

SMS = "sms"
VALID_SECONDS = range(1, 36_001)  # what Twilio takes as ValidityPeriod

_TWILIO = {
    20003: Outcome("misconfigured", "authentication"),
    20429: Outcome("retry", "too_many"),
    21211: Outcome("permanent", "bad_address"),
    21614: Outcome("permanent", "bad_address"),
    21610: Outcome("opted_out", "opt_out"),
}


class GatewayChannel:
    """Sends by POST of {to, from, text, reference} in JSON with a bearer token."""

    name = SMS

    def __init__(
        self, provider: str, url: str, token: str, sender: str, *, idempotent: bool = True
    ) -> None:
        self.provider = provider
        self.resends = None if idempotent else 0
        self._url = url
        self._token = token
        self._sender = sender
        self._session: aiohttp.ClientSession | None = None

    async def send(self, message: Message) -> Outcome:
        """Try once to send a text message."""
        self._session = self._session or session()
        headers = {
            "Authorization": f"Bearer {self._token}",
            "Idempotency-Key": message.key,
        }
        body = {
            "to": message.address,
            "from": self._sender,
            "text": message.text.short,
            "reference": message.key,
            "valid_seconds": message.valid_seconds,
        }
        got = await call(self._session, self._url, headers, json=body)
        if isinstance(got, Outcome):
            return got
        return outcome_by_status(got).referring(_text(_object(got), "id"))

    async def close(self) -> None:
        """Let go of connections."""
        if self._session is not None:
            await self._session.close()


class TwilioChannel:
    """Sends by Twilio's `Messages.json`."""

    name = SMS
    resends = 0

    def __init__(
        self,
        provider: str,
        account: str,
        token: str,
        sender: str,
        *,
        url: str = "https://api.twilio.com",
    ) -> None:
        self.provider = provider
        self._login = aiohttp.encode_basic_auth(account, token)
        self._url = f"{url}/2010-04-01/Accounts/{account}/Messages.json"
        self._sender = sender
        self._session: aiohttp.ClientSession | None = None

    async def send(self, message: Message) -> Outcome:
        """Try once to send a text message."""
        self._session = self._session or session()
        fields = {
            "To": message.address,
            "From": self._sender,
            "Body": message.text.short,
            "ValidityPeriod": str(min(max(message.valid_seconds, 1), VALID_SECONDS[-1])),
        }
        headers = {"Authorization": self._login}
        got = await call(self._session, self._url, headers, data=fields)
        if isinstance(got, Outcome):
            return got
        said = _object(got)
        by_code = _TWILIO.get(_code(said))
        if by_code is not None:
            return Outcome(by_code.kind, by_code.reason, got.after)
        return outcome_by_status(got).referring(_text(said, "sid"))

    async def close(self) -> None:
        """Let go of connections."""
        if self._session is not None:
            await self._session.close()


def _object(got: Answer) -> dict[str, Any]:
    try:
        said = json.loads(got.body)
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def _text(said: dict[str, Any], name: str) -> str | None:
    value = said.get(name)
    return value[:100] if isinstance(value, str) else None


def _code(said: dict[str, Any]) -> int:
    code = said.get("code")
    return code if isinstance(code, int) else 0
