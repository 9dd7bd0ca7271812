"""The class of every answer and failure, and the waits between tries."""

import ssl

import aiosmtplib
import pytest

from streams.dispatch.channels.email import sender_of
from streams.dispatch.channels.outcomes import Outcome, backoff_ms, outcome_of
from streams.errors import TowerError

RETRY = Outcome("retry", "refused_for_now")
CLOSING = Outcome("retry", "closing")
GREYLISTED = Outcome("retry", "refused_for_now", 300.0)


def refused(code, text=""):
    return aiosmtplib.SMTPRecipientRefused(code, text, "ann@example.org")


def wrapped(error, cause):
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "stage", "expected"),
    [
        (aiosmtplib.SMTPConnectError("no"), "connect", Outcome("retry", "unreachable")),
        (ConnectionRefusedError(), "connect", Outcome("retry", "unreachable")),
        (aiosmtplib.SMTPConnectTimeoutError("no"), "connect", Outcome("retry", "timeout")),
        (aiosmtplib.SMTPConnectResponseError(421, ""), "connect", CLOSING),
        (
            aiosmtplib.SMTPConnectResponseError(554, ""),
            "connect",
            Outcome("retry", "unreachable"),
        ),
        (aiosmtplib.SMTPReadTimeoutError("no"), "recipient", Outcome("retry", "timeout")),
        (aiosmtplib.SMTPServerDisconnected("no"), "sender", Outcome("retry", "unreachable")),
        (aiosmtplib.SMTPSenderRefused(451, "", "me"), "sender", RETRY),
        (
            aiosmtplib.SMTPSenderRefused(550, "", "me"),
            "sender",
            Outcome("misconfigured", "sender_refused"),
        ),
        (refused(450), "recipient", GREYLISTED),
        (refused(421), "recipient", CLOSING),
        (refused(550, "5.1.1 who"), "recipient", Outcome("permanent", "bad_address")),
        (refused(550, "5.7.1 no"), "recipient", Outcome("permanent", "policy")),
        (refused(550, "no"), "recipient", Outcome("permanent", "refused")),
        (
            aiosmtplib.SMTPRecipientsRefused([refused(452)]),
            "recipient",
            GREYLISTED,
        ),
        (aiosmtplib.SMTPDataError(451, ""), "data", RETRY),
        (aiosmtplib.SMTPDataError(554, "5.6.0 x"), "data", Outcome("permanent", "content")),
        (aiosmtplib.SMTPReadTimeoutError("no"), "data", Outcome("maybe", "no_answer")),
        (aiosmtplib.SMTPServerDisconnected("no"), "data", Outcome("maybe", "no_answer")),
        (
            aiosmtplib.SMTPAuthenticationError(535, ""),
            "connect",
            Outcome("misconfigured", "authentication"),
        ),
        (
            aiosmtplib.SMTPNotSupported("no STARTTLS"),
            "connect",
            Outcome("misconfigured", "unsupported"),
        ),
        (ssl.SSLError("bad"), "connect", Outcome("misconfigured", "tls")),
        (
            wrapped(aiosmtplib.SMTPConnectError("x"), ssl.SSLCertVerificationError("bad")),
            "connect",
            Outcome("misconfigured", "tls"),
        ),
    ],
)
def test_outcome(error, stage, expected):
    assert outcome_of(error, stage) == expected


@pytest.mark.parametrize(
    ("attempts", "seconds"),
    [(1, 5), (2, 30), (3, 120), (4, 300), (5, 600), (6, 600), (90, 600)],
)
def test_waits_grow_and_scatter_by_a_fifth(attempts, seconds):
    waits = [backoff_ms(attempts) for _ in range(200)]
    assert seconds * 800 <= min(waits) < max(waits) <= seconds * 1_200


@pytest.mark.parametrize(
    ("after", "least", "most"),
    [(None, 4_000, 6_000), (0, 4_000, 6_000), (60, 60_000, 60_000), (1e9, 900_000, 900_000)],
)
def test_what_a_provider_asks_for_is_waited_up_to_a_quarter_of_an_hour(after, least, most):
    assert least <= backoff_ms(1, after) <= most


@pytest.mark.parametrize("sender", ["", "nobody", "a@b@c", "x <>"])
def test_a_sender_that_is_no_address(sender):
    with pytest.raises(TowerError):
        sender_of(sender)
