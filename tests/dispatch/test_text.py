"""What the customer reads, word for word; and what no name from outside can do to it."""

from html.parser import HTMLParser

import pytest

from streams.dispatch.channels.base import Message
from streams.dispatch.channels.email import compose, message_id, sender_of
from streams.dispatch.text import write
from tests.dispatch.given import at, command, contact

SENDER = sender_of("Your delivery <deliveries@shop.example>")

DELAYED = """\
Hello,

Your delivery is likely to be later than promised.

  Order:     A-1
  Carrier:   Fjord Post
  Promised:  Tuesday, 24 November, 12:00–14:00
  Expected:  Tuesday, 24 November, 14:10–15:10

The carrier's latest estimate is later than the time you were promised.
The expected time is an estimate. We are sorry for the wait; you do not have to do anything.

As of 13:20 on Tuesday, 24 November. All times are local (Central European Time).
We write to you because of something you ordered.
"""

SILENT = """\
Hello,

Your delivery is likely to be later than promised.

  Order:     A-1
  Carrier:   Fjord Post
  Promised:  Tuesday, 24 November, 12:00–14:00

The carrier has not reported any progress on your parcel yet, which is \
unusual this close to the promised time.
There is no new time yet. We are sorry for the wait; you do not have to do anything.

As of 13:20 on Tuesday, 24 November. All times are local (Central European Time).
We write to you because of something you ordered.
"""

CLEARED = """\
Hello,

Good news: your delivery is expected as promised after all.

  Order:     A-1
  Carrier:   Fjord Post
  Promised:  Tuesday, 24 November, 12:00–14:00
  Expected:  Tuesday, 24 November, 13:00–14:00

The carrier's latest estimate is in time for the promise again.
You do not have to do anything.

As of 13:20 on Tuesday, 24 November. All times are local (Central European Time).
We write to you because of something you ordered.
"""


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, DELAYED),
        ({"cause": "silent", "eta": None}, SILENT),
        ({"kind": "delay_cleared", "eta": at(13, 30)}, CLEARED),
    ],
    ids=["delayed", "silent", "cleared"],
)
def test_the_whole_text(changes, expected):
    assert write(command(**changes)).plain == expected


def test_worse():
    text = write(command(kind="delay_worse", eta=at(16, 5)))
    assert text.subject == (
        "Your delivery is delayed further: Tuesday, 24 November, 15:35–16:35"
    )
    assert "The carrier's latest estimate is later than its earlier one." in text.plain


def test_no_window_is_named_without_an_eta():
    text = write(command(cause="silent", eta=None))
    assert text.subject == "Your delivery is likely to be later than promised"
    assert "Expected" not in text.plain
    assert "Expected" not in text.html


def test_times_are_those_of_the_address():
    # Helsinki is an hour ahead of Oslo; somebody from there has a parcel delivered in Oslo.
    away = contact(timezone="Europe/Helsinki")
    assert "Promised:  Tuesday, 24 November, 12:00–14:00" in write(command(), away).plain
    text = write(command(zone_known=False), away).plain  # nobody said where it is delivered
    assert "Promised:  Tuesday, 24 November, 13:00–15:00" in text
    assert "Expected:  Tuesday, 24 November, 15:10–16:10" in text
    assert "As of 14:20 on Tuesday, 24 November. All times are local (Eastern European" in text


@pytest.mark.parametrize("zone", ["Europe/Nowhere", "../../etc/passwd", "", "A" * 5_000])
def test_a_zone_that_is_none(zone):
    # UTC is an hour behind.
    assert "11:00–13:00" in write(command().model_copy(update={"timezone": zone})).plain


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"promise_start": None}, "Promised:  Tuesday, 24 November, by 14:00\n"),
        (
            {"promise_start": None, "promise_end": at(0, day=25)},
            "Promised:  Tuesday, 24 November\n",
        ),
        (
            {"promise_start": at(0), "promise_end": at(0, day=25)},
            "Promised:  Tuesday, 24 November\n",
        ),
        (
            {"promise_start": at(22), "promise_end": at(0, day=25)},
            "Promised:  Tuesday, 24 November, 22:00 to Wednesday, 25 November, 00:00\n",
        ),
    ],
)
def test_forms_of_promises(changes, words):
    assert words in write(command(**changes)).plain


def test_an_expected_window_over_midnight():
    words = "Expected:  Tuesday, 24 November, 23:20 to Wednesday, 25 November, 00:20\n"
    assert words in write(command(eta=at(23, 50))).plain


def test_the_night_the_clocks_go_back():
    # 25 October 2026, 03:00 summer time becomes 02:00: an ETA at 01:10Z is 02:10 for the second
    # time, half an hour before it is 02:40 for the first, half an hour after 02:40 again.
    eta = at(0, day=25, month=10) + 3 * 3_600_000 + 10 * 60_000
    words = "Expected:  Sunday, 25 October, 02:40 CEST–02:40 CET\n"
    assert words in write(command(eta=eta)).plain


HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "Evil\r\nBcc: all@example.org",
    "Evil\nSubject: won",
    "{{ 7 * 7 }}{% for x in y %}${jndi:x}",
    "\u202egnp.exe\u202c",
    "a\u0000b\u200bc\ud800d",
    "x" * 10_000,
    "\u0301" * 1_000,
    "javascript:alert(1)",
]


class Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.seen = []

    def handle_starttag(self, tag, attrs):
        self.seen.append((tag, tuple(name for name, _ in attrs)))


def tags(html):
    parser = Tags()
    parser.feed(html)
    return parser.seen


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_changes_nothing_but_itself(name):
    evil = command(notice_id="n").model_copy(update={"carrier": name, "order_id": name})
    text = write(evil)
    assert tags(text.html) == tags(write(command()).html)
    lines = text.plain.splitlines()
    assert len(lines) == len(DELAYED.splitlines())
    assert max(map(len, lines)) < 200
    message = compose(
        Message("n.email", "", text, command()), SENDER, "ann@example.org"
    ).as_bytes()
    head = message.partition(b"\r\n\r\n")[0]
    names = [line.partition(b":")[0] for line in head.split(b"\r\n") if line[:1] not in b" \t"]
    assert names == [
        b"From", b"To", b"Subject", b"Date", b"Message-ID", b"Auto-Submitted",
        b"MIME-Version", b"Content-Type",
    ]  # fmt: skip


def test_templates_are_not_rendered_twice():
    evil = command().model_copy(update={"carrier": "{{ 7 * 7 }}"})
    assert "{{ 7 * 7 }}" in write(evil).plain


# printf 'x%.0s' {1..200} | sha256sum
SHA_256 = "aa20c23e3201834050679e1d88941b9a6fed0557c9a705cb2c315e2e63fd486d"


@pytest.mark.parametrize(
    ("notice_id", "expected"),
    [
        ("A-1/delay_predicted/1", "<A-1/delay_predicted/1.email@shop.example>"),
        ("v1.2", "<v1.2.email@shop.example>"),
        ("a..b", "<a%2E%2Eb.email@shop.example>"),
        ("a b", "<a%20b.email@shop.example>"),
        ("<@>\r\n", "<%3C%40%3E%0D%0A.email@shop.example>"),
        (
            "x" * 200,
            f"<{SHA_256}.email@shop.example>",
        ),
    ],
)
def test_message_ids(notice_id, expected):
    assert message_id(f"{notice_id}.email", "shop.example") == expected
    message = compose(
        Message(f"{notice_id}.email", "", write(command()), command()),
        SENDER,
        "ann@example.org",
    )
    assert f"\r\nMessage-ID: {expected}\r\n".encode() in message.as_bytes()
