"""What became of one try to send: six classes, read off SMTP's answers; when to try again."""

import random
import ssl
from dataclasses import dataclass, replace
from typing import Literal

import aiosmtplib

OutcomeClass = Literal["accepted", "retry", "maybe", "permanent", "opted_out", "misconfigured"]
Stage = Literal["connect", "sender", "recipient", "data"]

BACKOFF_SECONDS = (5, 30, 120, 300, 600)
JITTER = 0.2
TEMPORARY = 400
PERMANENT = 500
SERVICE_CLOSING = 421
GREYLIST_SECONDS = 300.0  # a server that puts a recipient off means some minutes
LONGEST_WAIT_SECONDS = 900.0  # of what a provider may ask for


@dataclass(frozen=True, slots=True)
class Outcome:
    """The class of a try and, unless it was accepted, a word of a short list for why.

    `after`: seconds that the other side asks us to wait; `reference`: the provider's own name
    of what it accepted.
    """

    kind: OutcomeClass
    reason: str = ""
    after: float | None = None
    reference: str | None = None

    def referring(self, reference: str | None) -> "Outcome":
        """Return the outcome with the provider's reference."""
        return replace(self, reference=reference)

    @property
    def blames_provider(self) -> bool:
        """Return whether it speaks against the provider, not against this one recipient."""
        return self.kind in {"maybe", "misconfigured"} or (
            self.kind == "retry" and self.reason != "refused_for_now"
        )

    @property
    def bars(self) -> bool:
        """Return whether the address is not to be used again."""
        return self.kind == "opted_out" or self.reason == "bad_address"


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
    if code == SERVICE_CLOSING:
        return Outcome("retry", "closing")
    if TEMPORARY <= code < PERMANENT:
        greylisted = GREYLIST_SECONDS if stage == "recipient" else None
        return Outcome("retry", "refused_for_now", greylisted)
    if stage == "connect":
        return Outcome("retry", "unreachable")
    if stage == "sender":
        return Outcome("misconfigured", "sender_refused")
    if code < TEMPORARY:
        return Outcome("maybe", "no_answer")
    return Outcome("permanent", _ENHANCED.get(text.lstrip()[:4], "refused"))


def backoff_ms(attempts: int, after: float | None = None) -> int:
    """Return the wait after the `attempts`-th failed try (1, 2, ...), milliseconds.

    The last step repeats; a fifth more or less keeps many messages from coming back at once.
    What the provider asks for (`after`, seconds) is the least, up to 15 minutes.
    """
    step = BACKOFF_SECONDS[min(max(attempts, 1), len(BACKOFF_SECONDS)) - 1]
    wait = step * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 (no secret)
    return round(1_000 * max(wait, min(after or 0.0, LONGEST_WAIT_SECONDS)))
