"""One contract for every channel, against a real server on loopback that misbehaves."""

import json
import ssl
from base64 import b64decode, b64encode
from contextlib import asynccontextmanager
from hashlib import sha256
from hmac import new as hmac
from urllib.parse import parse_qs

import pytest
import trustme

from streams import mailsink
from streams.dispatch.channels import http, network
from streams.dispatch.channels.base import Message
from streams.dispatch.channels.email import EmailChannel, Smtp
from streams.dispatch.channels.outcomes import Outcome
from streams.dispatch.channels.signing import is_signed, secret_bytes
from streams.dispatch.channels.sms import GatewayChannel, TwilioChannel
from streams.dispatch.channels.webhook import WebhookChannel
from streams.dispatch.text import write
from tests.dispatch import httpsink
from tests.dispatch.given import command

TEXT = write(command())
OLD, NEW = b"o" * 24, b"n" * 32
KINDS = ["email", "gateway", "twilio", "webhook"]

# What the other side does, as a mail server and as an HTTP server says it.
MAIL = {
    "accept": "accept", "later": "refuse", "never": "reject", "silent": "hang_data",
    "drop": "drop",
}  # fmt: skip
HTTP = {
    "accept": {}, "later": {"status": 429}, "never": {"status": 422},
    "silent": {"behaviour": "silent"}, "drop": {"behaviour": "drop"},
}  # fmt: skip


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


class Stand:
    """A channel and the server it talks to."""

    def __init__(self, channel, sink, address):
        self.channel = channel
        self.sink = sink
        self.address = address

    def behave(self, how):
        if isinstance(self.sink, mailsink.MailSink):
            self.sink.behaviour = MAIL[how]
            return
        for name, value in ({"status": 200, "behaviour": "answer"} | HTTP[how]).items():
            setattr(self.sink, name, value)

    @property
    def taken(self):
        """The keys of what the server got, in order."""
        if isinstance(self.sink, mailsink.MailSink):
            return [mail.message_id.strip("<>").partition("@")[0] for mail in self.sink.mails]
        return [self._key(each) for each in self.sink.calls]

    def _key(self, call):
        match self.channel:
            case GatewayChannel():
                return call.headers["Idempotency-Key"]
            case TwilioChannel():
                return "A-1/delay_predicted/1.x"  # Twilio takes no key
            case _:
                return call.headers["webhook-id"]

    async def send(self, **changes):
        given = {"key": "A-1/delay_predicted/1.x", "address": self.address, "text": TEXT}
        return await self.channel.send(Message(**given | {"command": command()} | changes))


@asynccontextmanager
async def standing(kind, authority):
    if kind == "email":
        async with mailsink.running() as sink:
            server = Smtp("127.0.0.1", sink.port, "a@tower.invalid", timeout=0.3)
            yield Stand(EmailChannel(server), sink, "ann@example.org")
        return
    server_side = client_side = None
    if kind == "webhook":
        server_side = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        authority.issue_cert("127.0.0.1").configure_cert(server_side)
        client_side = ssl.create_default_context()
        authority.configure_trust(client_side)
    async with httpsink.running(server_side) as sink:
        url = f"http://127.0.0.1:{sink.port}"
        if kind == "gateway":
            channel, address = GatewayChannel("g", f"{url}/sms", "t", "Tower"), "+4791234567"
        elif kind == "twilio":
            channel = TwilioChannel("t", "AC1", "t", "+1555", url=url)
            address = "+4791234567"
        else:
            trusted = {f"127.0.0.1:{sink.port}"}
            channel = WebhookChannel("w", [NEW, OLD], trusted=trusted, tls=client_side)
            address = f"https://127.0.0.1:{sink.port}/hook"
        try:
            yield Stand(channel, sink, address)
        finally:
            await channel.close()


@pytest.fixture(params=KINDS)
async def stand(request, authority, monkeypatch):
    monkeypatch.setattr(http, "TOTAL_SECONDS", 0.3)
    async with standing(request.param, authority) as made:
        yield made


@pytest.fixture
async def one(request, authority, monkeypatch):
    monkeypatch.setattr(http, "TOTAL_SECONDS", 0.3)
    async with standing(request.param, authority) as made:
        yield made


def only(kind):
    return pytest.mark.parametrize("one", [kind], indirect=True)


@pytest.mark.parametrize(
    ("how", "kind"),
    [
        ("accept", "accepted"), ("later", "retry"), ("never", "permanent"),
        ("silent", "maybe"), ("drop", "maybe"),
    ],
)  # fmt: skip
async def test_what_the_other_side_does_has_its_class(stand, how, kind):
    stand.behave(how)
    assert (await stand.send()).kind == kind


async def test_every_try_has_the_same_key(stand):
    stand.behave("drop")
    await stand.send()
    stand.behave("accept")
    await stand.send()
    assert set(stand.taken) == {"A-1/delay_predicted/1.x"}
    assert len(stand.taken) == 2


async def test_nobody_listens(stand):
    if isinstance(stand.sink, mailsink.MailSink):
        await stand.sink.stop()
        assert await stand.send() == Outcome("retry", "unreachable")
        return
    moved = stand.channel
    if hasattr(moved, "_url"):
        moved._url = "http://127.0.0.1:1/"
    else:
        moved._trusted |= {"127.0.0.1:1"}
        stand.address = "https://127.0.0.1:1/"
    assert await stand.send() == Outcome("retry", "unreachable")


async def test_an_address_is_nowhere_in_what_is_printed(stand):
    message = Message("k", stand.address, TEXT, command())
    assert stand.address not in f"{message!r} {stand.channel!r} {vars(stand.channel)!r}"


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (204, Outcome("accepted")), (301, Outcome("permanent", "redirected")),
        (401, Outcome("misconfigured", "authentication")),
        (402, Outcome("misconfigured", "payment")),
        (403, Outcome("misconfigured", "authentication")),
        (404, Outcome("permanent", "refused")), (408, Outcome("retry", "timeout")),
        (500, Outcome("maybe", "server_error")), (501, Outcome("permanent", "refused")),
        (503, Outcome("maybe", "server_error")),
    ],
)  # fmt: skip
@only("gateway")
async def test_a_status_has_its_class(one, status, expected):
    one.sink.status, one.sink.headers = status, {"Location": "/elsewhere"}
    assert await one.send() == expected
    assert len(one.sink.calls) == 1  # also where it is told to go elsewhere


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7.0), ("0", 0.0), ("-5", 0.0), ("99999999", 31536000.0), ("soon", None),
        ("", None), ("Tue, 24 Nov 2026 12:00:30 GMT", 30.0),
        ("Tue, 24 Nov 2026 11:00:00 GMT", 0.0), ("1" * 400, 31536000.0),
    ],
)  # fmt: skip
@only("gateway")
async def test_a_provider_may_ask_to_wait(one, header, seconds, monkeypatch):
    noon = 1_795_521_600  # 2026-11-24T12:00:00Z
    monkeypatch.setattr(http.time, "time", lambda: noon)
    one.sink.status, one.sink.headers = 429, {"Retry-After": header}
    assert await one.send() == Outcome("retry", "too_many", seconds)


@pytest.mark.parametrize("behaviour", ["huge", "drip"])
@only("gateway")
async def test_the_head_of_an_answer_is_enough(one, behaviour):
    one.sink.behaviour = behaviour
    assert (await one.send()).kind == "accepted"


@only("gateway")
async def test_a_gateway_is_told_whom_what_and_how_long(one):
    one.sink.answer = b'{"id": "gw-7"}'
    assert await one.send(valid_seconds=90) == Outcome("accepted", reference="gw-7")
    [call] = one.sink.calls
    assert call.headers["Authorization"] == "Bearer t"
    assert json.loads(call.body) == {
        "to": "+4791234567", "from": "Tower", "text": TEXT.short,
        "reference": "A-1/delay_predicted/1.x", "valid_seconds": 90,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (400, 21211, Outcome("permanent", "bad_address")),
        (400, 21614, Outcome("permanent", "bad_address")),
        (400, 21610, Outcome("opted_out", "opt_out")),
        (429, 20429, Outcome("retry", "too_many")),
        (401, 20003, Outcome("misconfigured", "authentication")),
        (400, 99999, Outcome("permanent", "refused")),
    ],
)
@only("twilio")
async def test_codes_of_twilio(one, status, code, expected):
    one.sink.status, one.sink.answer = status, json.dumps({"code": code}).encode()
    assert await one.send() == expected
    assert expected.bars == (code in {21211, 21614, 21610})


@only("twilio")
async def test_twilio_is_called_by_its_rest_interface(one):
    one.sink.status, one.sink.answer = 201, b'{"sid": "SM1"}'
    assert await one.send(valid_seconds=99_999) == Outcome("accepted", reference="SM1")
    [call] = one.sink.calls
    assert call.path == "/2010-04-01/Accounts/AC1/Messages.json"
    assert call.headers["Authorization"] == "Basic " + b64encode(b"AC1:t").decode()
    fields = {name: value for name, [value] in parse_qs(call.body.decode()).items()}
    assert fields.pop("Body") == (TEXT.short)
    assert fields == {"To": "+4791234567", "From": "+1555", "ValidityPeriod": "36000"}


@only("webhook")
async def test_a_webhook_is_signed_with_every_key_in_force(one):
    await one.send()
    [call] = one.sink.calls
    at = call.headers["webhook-timestamp"]
    what = f"A-1/delay_predicted/1.x.{at}.".encode() + call.body
    due = [b64encode(hmac(key, what, sha256).digest()).decode() for key in (NEW, OLD)]
    assert call.headers["webhook-signature"] == f"v1,{due[0]} v1,{due[1]}"
    told = json.loads(call.body)
    assert told["type"] == "notice.delay_predicted"
    assert told["data"]["order_id"] == "A-1"
    assert told["data"]["eta"] == "2026-11-24T13:40:00.000Z"
    assert "ann" not in call.body.decode()
    headers = {name.lower(): value for name, value in call.headers.items()}
    assert is_signed(headers, call.body, [OLD], int(at) + 299)
    assert not is_signed(headers, call.body, [OLD], int(at) + 301)
    assert not is_signed(headers, call.body + b" ", [OLD], int(at))
    assert not is_signed(headers, call.body, [b"x" * 24], int(at))


@only("webhook")
async def test_a_webhook_that_is_gone_is_never_called_again(one):
    one.sink.status = 410
    outcome = await one.send()
    assert (outcome, outcome.bars) == (Outcome("opted_out", "gone"), True)


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/", "https://2130706433/", "https://0x7f000001/", "https://0177.0.0.1/",
        "https://127.1/", "https://[::1]/", "https://[::ffff:127.0.0.1]/", "https://0.0.0.0/",
        "https://[::]/", "https://localhost:8443/", "https://10.0.0.8/", "https://172.16.0.1/",
        "https://192.168.1.1/", "https://169.254.169.254/", "https://[fe80::1]/",
        "https://[64:ff9b::7f00:1]/", "https://[2002:7f00:1::]/", "https://[fd00::1]/",
        "https://100.64.0.1/", "https://224.0.0.1/", "https://127.0.0.1:22/",
        "https://a@127.0.0.1/", "http://example.org/",
    ],
)  # fmt: skip
async def test_no_url_leads_into_a_network_that_is_not_public(url):
    channel = WebhookChannel("w", [NEW])
    try:
        outcome = await channel.send(Message("k", url, TEXT, command()))
    finally:
        await channel.close()
    # Some spellings are no host names at all to the client.
    assert outcome.kind == "permanent"
    assert outcome.reason in {"forbidden_address", "bad_address"}


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.216.34", True), ("2606:2800:220:1::1", True), ("::ffff:93.184.216.34", True),
        ("::ffff:10.0.0.1", False), ("64:ff9b::5db8:d822", False), ("64:ff9b:1::1", False),
        ("::5db8:d822", False), ("2002:5db8:d822::1", False), ("fe80::1%eth0", False),
        ("203.0.113.9", False), ("ff02::1", False), ("example.org", False),
    ],
)  # fmt: skip
def test_public_addresses(address, public):
    assert network.is_public(address) is public


@pytest.mark.parametrize("secret", ["whsec_bm8=", "whsec_***", "", "whsec_" + "QUFB" * 40])
def test_a_secret_that_is_none(secret):
    with pytest.raises(ValueError, match="secret should"):
        secret_bytes(secret)


def test_the_specifications_own_example():
    """The example of Standard Webhooks: this secret, id, time and body give this signature."""
    secret = secret_bytes("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    assert secret == b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    headers = {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }
    assert is_signed(headers, b'{"test": 2432232314}', [secret], 1_614_265_330)


@pytest.mark.parametrize(
    "signature", ["", "v1", "v1,", "v1,a,b", "v1,é", "v1a,AAAA", "v1," * 99]
)
@pytest.mark.parametrize("at", ["", "x", "-1", "1" * 30, "\uff11\uff16"])
def test_hostile_signatures_are_none(signature, at):
    headers = {"webhook-id": "m", "webhook-timestamp": at, "webhook-signature": signature}
    assert not is_signed(headers, b"\xff", [NEW], 1_614_265_330)
