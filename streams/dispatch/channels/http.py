"""One call of a provider over HTTP, and the class of what came of it.

No redirects, no proxies from the environment, ten seconds in all, and at most 16 KiB of an
answer. Once the head of an answer is there its status decides, however its body ends.
"""

import ssl
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import aiohttp

from streams.dispatch.channels.network import ForbiddenAddressError
from streams.dispatch.channels.outcomes import Outcome

ANSWER_BYTES = 16_384
TOTAL_SECONDS = 10.0
CONNECT_SECONDS = 3.0

_RETRY = {408: "timeout", 425: "refused_for_now", 429: "too_many"}
_MISCONFIGURED = {401: "authentication", 402: "payment", 403: "authentication", 407: "proxy"}
NOT_IMPLEMENTED = 501
_A_YEAR_SECONDS = 31_536_000
_CONNECTING = (
    aiohttp.ClientConnectorError,
    aiohttp.ConnectionTimeoutError,
    aiohttp.ClientProxyConnectionError,
)


@dataclass(frozen=True, slots=True)
class Answer:
    """The head of an answer and the beginning of its body; `after`: seconds it asks to wait."""

    status: int
    body: bytes
    after: float | None


async def call(
    session: aiohttp.ClientSession,
    url: str,
    headers: Mapping[str, str],
    *,
    json: object = None,
    data: bytes | Mapping[str, str] | None = None,
) -> Answer | Outcome:
    """POST JSON, bytes or a form once; return the answer, else the outcome."""
    try:
        async with session.post(
            url, headers=headers, json=json, data=data, allow_redirects=False
        ) as got:
            body = b""
            with suppress(aiohttp.ClientError, OSError, TimeoutError):
                body = await _beginning(got)
            return Answer(got.status, body, asked_wait(got.headers.get("Retry-After")))
    except ForbiddenAddressError:
        return Outcome("permanent", "forbidden_address")
    except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
        return outcome_of(error)


def outcome_of(error: Exception) -> Outcome:
    """Return the class of a call that brought no answer."""
    if isinstance(error, aiohttp.ClientConnectorCertificateError | ssl.SSLError):
        return Outcome("misconfigured", "tls")
    if isinstance(error, aiohttp.ClientConnectorSSLError):
        return Outcome("misconfigured", "tls")
    if isinstance(error, _CONNECTING):
        return Outcome("retry", "unreachable")
    if isinstance(error, aiohttp.InvalidURL):
        return Outcome("permanent", "bad_address")
    return Outcome("maybe", "no_answer")


def outcome_by_status(answer: Answer) -> Outcome:
    """Return the class of an answer by its status alone."""
    status = answer.status
    if 200 <= status < 300:  # noqa: PLR2004
        return Outcome("accepted")
    if status in _RETRY:
        return Outcome("retry", _RETRY[status], answer.after)
    if status in _MISCONFIGURED:
        return Outcome("misconfigured", _MISCONFIGURED[status])
    if status >= 500 and status != NOT_IMPLEMENTED:  # noqa: PLR2004
        return Outcome("maybe", "server_error", answer.after)
    if 300 <= status < 400:  # noqa: PLR2004
        return Outcome("permanent", "redirected")
    return Outcome("permanent", "refused")


def asked_wait(header: str | None) -> float | None:
    """Return the seconds that a `Retry-After` asks for (a number or a date), never negative."""
    if header is None:
        return None
    with suppress(ValueError):
        return float(min(max(int(header), 0), _A_YEAR_SECONDS))
    try:
        until = parsedate_to_datetime(header)
    except ValueError:
        return None
    return max((until.replace(tzinfo=until.tzinfo or UTC) - _now()).total_seconds(), 0.0)


def _now() -> datetime:
    return datetime.fromtimestamp(time.time(), UTC)


async def _beginning(got: aiohttp.ClientResponse) -> bytes:
    read = b""
    while len(read) < ANSWER_BYTES:
        more = await got.content.read(ANSWER_BYTES - len(read))
        if not more:
            break
        read += more
    return read


def session(
    connector: aiohttp.BaseConnector | None = None,
) -> aiohttp.ClientSession:
    """Return a session with the deadlines of every call; it belongs to the running loop."""
    timeout = aiohttp.ClientTimeout(total=TOTAL_SECONDS, connect=CONNECT_SECONDS)
    return aiohttp.ClientSession(
        timeout=timeout,
        trust_env=False,
        auto_decompress=False,
        cookie_jar=aiohttp.DummyCookieJar(),
        connector=connector or aiohttp.TCPConnector(limit=0),
    )
