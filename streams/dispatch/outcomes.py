"""What became of one try to send: five classes read off SMTP's answers; when to try again."""

import random
import ssl
from dataclasses import dataclass
from typing import Literal

import aiosmtplib

OutcomeClass = Literal["accepted", "retry", "maybe", "permanent", "misconfigured"]
Stage = Literal["connect", "sender", "recipient", "data"]

BACKOFF_SECONDS = (5, 30, 120, 300, 600)
JITTER = 0.2
TEMPORARY = 400
PERMANENT = 500
SERVICE_CLOSING = 421


@dataclass(frozen=True, slots=True)
class Outcome:
    """The class of a try and, unless it was accepted, a word of a short list for why."""

    kind: OutcomeClass
    reason: str = ""


ACCEPTED = Outcome("accepted")

# The first part of an enhanced status code (RFC 3463) says whose fault a refusal is.
_ENHANCED = {"5.1.": "bad_address", "5.6.": "content", "5.7.": "policy"}


# The library raises its base class where the server offers no STARTTLS.
_UNSUPPORTED = {aiosmtplib.SMTPException, aiosmtplib.SMTPNotSupported}


def outcome_of(error: BaseException, stage: Stage) -> Outcome:
    """Return the class of a failed try, `stage` being what was last asked of the server.

    A connection lost or silent once the text was on its way leaves open whether it was taken.
    """
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
        first = error.recipients[0]
        return _answered(first.code, first.message, "recipient")
    if isinstance(error, aiosmtplib.SMTPAuthenticationError):
        return Outcome("misconfigured", "authentication")
    if type(error) in _UNSUPPORTED:
        return Outcome("misconfigured", "unsupported")
    if isinstance(error, ssl.SSLError) or isinstance(error.__cause__, ssl.SSLError):
        return Outcome("misconfigured", "tls")
    if isinstance(error, aiosmtplib.SMTPResponseException):
        return _answered(error.code, error.message, stage)
    if isinstance(error, UnicodeError):
        return Outcome("permanent", "bad_address")
    if isinstance(error, ValueError):
        return Outcome("permanent", "content")
    if stage == "data":
        return Outcome("maybe", "no_answer")
    silent = isinstance(error, TimeoutError)
    return Outcome("retry", "timeout" if silent else "unreachable")


def _answered(code: int, text: str, stage: Stage) -> Outcome:
    if code == SERVICE_CLOSING or TEMPORARY <= code < PERMANENT:
        return Outcome("retry", "refused_for_now")
    if stage == "connect":
        return Outcome("retry", "unreachable")
    if stage == "sender":
        return Outcome("misconfigured", "sender_refused")
    if code < TEMPORARY:
        return Outcome("maybe", "no_answer")
    return Outcome("permanent", _ENHANCED.get(text.lstrip()[:4], "refused"))


def backoff_ms(attempts: int) -> int:
    """Return the wait after the `attempts`-th failed try (1, 2, ...), milliseconds.

    The last step repeats; a fifth more or less keeps many messages from coming back at once.
    """
    step = BACKOFF_SECONDS[min(max(attempts, 1), len(BACKOFF_SECONDS)) - 1]
    return round(step * 1_000 * random.uniform(1 - JITTER, 1 + JITTER))  # noqa: S311 (no secret)
