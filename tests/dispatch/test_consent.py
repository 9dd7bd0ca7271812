"""What a customer said last about a channel counts; STOP in every language we write in."""

from datetime import UTC, datetime

import pytest

from streams.dispatch.consent import allows, answered, noted
from tests.dispatch.given import contact

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


def said(given, at="2026-11-24T10:00:00Z", channel="sms"):
    return {"channel": channel, "given": given, "at": at, "source": "shop.checkout"}


@pytest.mark.parametrize(
    ("known", "allowed"),
    [
        ({}, True),
        ({"consent": True}, True),
        ({"consent": False}, False),
        ({"consents": [said(True)]}, True),
        ({"consents": [said(False)]}, False),
        ({"consent": True, "consents": [said(False)]}, False),
        ({"consent": False, "consents": [said(True)]}, False),
        ({"consents": [said(False, channel="email")]}, True),
        ({"consents": [said(False), said(True, at="2026-11-24T11:00:00Z")]}, True),
        ({"consents": [said(True, at="2026-11-24T11:00:00Z"), said(False)]}, True),
        ({"consents": [said(True), said(False)]}, False),  # at one instant the refusal counts
    ],
)
def test_the_last_word_on_a_channel_counts_and_a_refusal_of_all_goes_before(known, allowed):
    assert allows(contact(**known), "sms") is allowed


@pytest.mark.parametrize(
    "words",
    [
        "STOP",
        "stop.",
        " Stop all ",
        '"Unsubscribe"\n',
        "opt  out",
        "إيقاف",
        "STOPP",
        "Dezabonare",
    ],
)
def test_a_reply_ends_the_channel_and_only_it(words):
    after = answered(contact(), "sms", words, NOON)
    assert after is not None
    assert not allows(after, "sms")
    assert allows(after, "email")
    assert after.consents[0].source == "reply.sms"


def test_a_reply_lets_them_come_again_and_takes_the_place_of_the_one_before():
    stopped = answered(contact(), "sms", "stop", NOON)
    again = answered(stopped, "sms", "START", NOON)
    assert allows(again, "sms")
    assert len(again.consents) == 1


@pytest.mark.parametrize("words", ["", "stop it please", "thanks!", "where is it?"])
def test_other_words_change_nothing(words):
    assert answered(contact(), "sms", words, NOON) is None


def test_a_word_is_a_contact_update_that_can_be_read_again():
    after = noted(contact(), "email", given=False, at=NOON, source="provider.sms")
    assert type(after).model_validate_json(after.model_dump_json()) == after
