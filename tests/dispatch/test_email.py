"""The channel against a real mail server on loopback that behaves in every way it can."""

import asyncio
import json
import mailbox

import pytest

from streams import mailsink
from streams.dispatch.channels.base import Message
from streams.dispatch.channels.email import EmailChannel, Smtp
from streams.dispatch.channels.outcomes import ACCEPTED, Outcome
from streams.dispatch.text import write
from streams.errors import TowerError
from tests.dispatch.given import command

TEXT = write(command())


def channel(port, **changes):
    given = {
        "host": "127.0.0.1",
        "port": port,
        "timeout": 0.3,
        "sender": "Your delivery <deliveries@tower.invalid>",
    }
    return EmailChannel(Smtp(**given | changes))


def message(key, address, **changes):
    return Message(f"{key}.email", address, TEXT, command(), **changes)


async def test_a_mail_arrives_as_written():
    async with mailsink.running() as sink:
        sent = await channel(sink.port).send(message("A-1/x/1", "ann@example.org"))
        assert sent == ACCEPTED
        [mail] = sink.mails
    assert mail.sender == "deliveries@tower.invalid"
    assert mail.recipient == "ann@example.org"
    assert mail.message_id == "<A-1/x/1.email@tower.invalid>"
    assert mail.subject == TEXT.subject
    assert mail.text == TEXT.plain
    assert mail.html.strip() == TEXT.html.strip()


@pytest.mark.parametrize(
    ("behaviour", "expected", "kept"),
    [
        ("refuse", Outcome("retry", "refused_for_now", 300.0), 0),
        ("reject", Outcome("permanent", "bad_address"), 0),
        ("close", Outcome("retry", "closing"), 0),
        ("hang", Outcome("retry", "timeout"), 0),
        ("hang_data", Outcome("maybe", "no_answer"), 0),
        ("drop", Outcome("maybe", "no_answer"), 1),
    ],
)
async def test_every_behaviour_has_its_class(behaviour, expected, kept):
    async with mailsink.running(behaviour=behaviour) as sink:
        assert await channel(sink.port).send(message("n", "ann@example.org")) == expected
        assert len(sink.mails) == kept


async def test_nobody_listens():
    async with mailsink.running() as sink:
        port = sink.port
    outcome = await channel(port).send(message("n", "ann@example.org"))
    assert outcome == Outcome("retry", "unreachable")


async def test_a_server_that_says_nothing():
    gone = asyncio.Event()

    async def say_nothing(reader, writer):
        await reader.read()
        writer.close()
        await writer.wait_closed()
        gone.set()

    server = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        outcome = await channel(port).send(message("n", "ann@example.org"))
        await gone.wait()
    assert outcome == Outcome("retry", "timeout")


async def test_a_server_without_tls_where_tls_is_demanded():
    async with mailsink.running() as sink:
        outcome = await channel(sink.port, tls="starttls").send(message("n", "a@example.org"))
        assert outcome.kind == "misconfigured"
        assert sink.mails == []


@pytest.mark.parametrize(
    "address",
    ["", "nobody", "a@b, c@d.org", "a@example.org\r\nBcc: b@example.org", "a@localhost"],
)
async def test_an_address_no_mail_could_go_to(address):
    async with mailsink.running() as sink:
        outcome = await channel(sink.port).send(message("n", address))
        assert outcome == Outcome("permanent", "bad_address")


@pytest.mark.parametrize(
    ("address", "recipient"),
    [("ann@bücher.example", "ann@xn--bcher-kva.example"), ("jürg@example.org",) * 2],
)
async def test_addresses_beyond_ascii(address, recipient):
    async with mailsink.running() as sink:
        assert await channel(sink.port).send(message("n", address)) == ACCEPTED
        assert [mail.recipient for mail in sink.mails] == [recipient]
        assert f"\r\nTo: {recipient}\r\n".encode() in sink.mails[0].raw


def test_a_password_never_goes_out_in_the_clear():
    with pytest.raises(TowerError, match="TOWER_SMTP_TLS"):
        channel(25, host="mail.example.org", username="me", password="x")  # noqa: S106


async def test_the_sink_keeps_json_lines(tmp_path):
    file = tmp_path / "mails.jsonl"
    async with mailsink.running(file) as sink:
        await channel(sink.port).send(message("n", "ann@example.org"))
    [line] = file.read_text(encoding="utf-8").splitlines()
    kept = json.loads(line)
    assert kept["to"] == "ann@example.org"
    assert kept["text"] == TEXT.plain


async def test_the_sink_keeps_a_mailbox(tmp_path):
    file = tmp_path / "mails.mbox"
    async with mailsink.running(file) as sink:
        for number in range(2):
            await channel(sink.port).send(message(f"n{number}", "ann@example.org"))
    box = mailbox.mbox(file)
    ids = [mail["Message-ID"] for mail in box]
    box.close()
    assert ids == ["<n0.email@tower.invalid>", "<n1.email@tower.invalid>"]
