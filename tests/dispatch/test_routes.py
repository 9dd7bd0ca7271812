"""Shares, pace and breakers of providers, by a clock of the test's own; the providers file."""

import asyncio

import pytest

from streams.config import Settings
from streams.dispatch.channels.outcomes import ACCEPTED, Outcome
from streams.dispatch.providers import provider_findings, routes_of
from streams.dispatch.routes import Breaker, Provider, Routes
from streams.errors import TowerError

SILENT = Outcome("maybe", "no_answer")
AWAY = Outcome("retry", "unreachable")
GREYLISTED = Outcome("retry", "refused_for_now", 300.0)
WRONG = Outcome("permanent", "bad_address")
LOCKED_OUT = Outcome("misconfigured", "authentication")


class Clock:
    now = 1_000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def breaker(clock):
    return Breaker(clock)


def calls(breaker, *outcomes):
    for each in outcomes:
        breaker.begin()
        breaker.end(each)


def test_half_of_ten_calls_failing_opens_it(breaker):
    calls(breaker, *[ACCEPTED] * 5, *[SILENT] * 4)
    assert not breaker.open  # nine calls say too little
    calls(breaker, AWAY)
    assert (breaker.open, breaker.opened, breaker.wait()) == (True, 1, 20.0)


def test_what_speaks_against_a_recipient_does_not_open_it(breaker):
    calls(breaker, *[WRONG] * 20, *[GREYLISTED] * 20)
    assert not breaker.open


def test_old_failures_are_forgotten(breaker, clock):
    calls(breaker, *[AWAY] * 9)
    clock.now += 31
    calls(breaker, AWAY)
    assert not breaker.open


def test_a_login_refused_opens_it_at_once(breaker):
    calls(breaker, LOCKED_OUT)
    assert breaker.open


def test_exactly_one_probe_after_a_while(breaker, clock):
    calls(breaker, *[AWAY] * 10)
    clock.now += 20
    assert breaker.wait() == 0.0
    breaker.begin()
    assert breaker.wait() == 1.0  # for everybody else
    breaker.end(AWAY)
    assert breaker.wait() == 20.0
    clock.now += 20
    breaker.begin()
    breaker.release()  # it could not be claimed: no probe was made
    assert breaker.wait() == 0.0
    calls(breaker, ACCEPTED)
    assert (breaker.open, breaker.wait(), breaker.opened) == (False, 0.0, 1)
    calls(breaker, *[AWAY] * 9)
    assert not breaker.open  # its window began anew


class Silent:
    resends = 0

    def __init__(self, provider, name="sms"):
        self.provider = provider
        self.name = name

    async def close(self):
        pass


def shares(routes, count=3_000):
    picked = [routes.pick("sms", f"n{n}.sms").name for n in range(count)]
    return {name: picked.count(name) / count for name in set(picked)}


def test_providers_get_their_shares_and_a_failing_one_a_tenth_of_it(clock):
    sick = Breaker(clock)
    routes = Routes([
        Provider(Silent("a"), weight=3),
        Provider(Silent("b"), weight=1, breaker=sick),
    ])  # fmt: skip
    assert routes.channels == {"sms"}
    assert shares(routes)["a"] == pytest.approx(0.75, abs=0.03)
    assert {routes.pick("sms", "n1.sms").name for _ in range(5)} == {
        routes.pick("sms", "n1.sms").name
    }
    calls(sick, *[ACCEPTED] * 9, AWAY)
    assert shares(routes)["b"] == pytest.approx(0.1 / 3.1, abs=0.015)
    calls(sick, *[AWAY] * 9)
    assert shares(routes) == {"a": 1.0}
    clock.now += 31
    assert shares(routes)["b"] == pytest.approx(0.25, abs=0.03)


def test_with_all_of_them_open_the_soonest_is_named(clock):
    first, second = Breaker(clock), Breaker(clock)
    routes = Routes([
        Provider(Silent("a"), breaker=first),
        Provider(Silent("b"), breaker=second),
    ])  # fmt: skip
    calls(first, LOCKED_OUT)
    clock.now += 5
    calls(second, LOCKED_OUT)
    assert routes.pick("sms", "n.sms").name == "a"
    assert routes.pick("sms", "n.sms").wait() == 15.0


async def test_a_pace_is_kept():
    provider = Provider(Silent("a"), rate=20)
    loop = asyncio.get_running_loop()
    began = loop.time()

    async def one():
        async with provider.turn():
            return loop.time() - began

    times = sorted(await asyncio.gather(*(one() for _ in range(12))))
    assert times[-1] >= 0.45  # two at once, then ten more at twenty a second


FILE = """
providers:
  - {name: relay, type: smtp, host: mail.example.org, sender: "Shop <a@b.example>", weight: 9}
  - {name: second, type: smtp, host: other.example.org, sender: "a@shop.example", tls: tls}
  - {name: gateway, type: sms_gateway, url: "https://sms.example/v1", token_file: TOKEN,
     sender: Shop, per_second: 30, parallel: 50}
  - {name: twilio, type: twilio, account: AC1, token_file: TOKEN, sender: "+15550100"}
  - {name: hooks, type: webhook, secret_files: [SECRET]}
"""


@pytest.fixture
def written(tmp_path):
    (tmp_path / "token").write_text("hush\n")
    (tmp_path / "secret").write_text("whsec_" + "QUFB" * 8)

    def write(text):
        text = text.replace("TOKEN", str(tmp_path / "token"))
        text = text.replace("SECRET", str(tmp_path / "secret"))
        file = tmp_path / "providers.yaml"
        file.write_text(text)
        return Settings(providers=file)

    return write


async def test_a_file_names_the_providers(written):
    routes = routes_of(written(FILE))
    assert [(each.name, each.channel.name, each.weight) for each in routes.providers] == [
        ("relay", "email", 9), ("second", "email", 1), ("gateway", "sms", 1),
        ("twilio", "sms", 1), ("hooks", "webhook", 1),
    ]  # fmt: skip
    assert [each.channel.resends for each in routes.providers] == [1, 1, None, 0, None]
    await routes.close()


async def test_without_a_file_there_is_the_mail_server_of_the_settings():
    [only] = routes_of(Settings(smtp_port=2525)).providers
    assert (only.name, only.channel.name) == ("smtp", "email")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("providers: [", "is not YAML"),
        ("providers: []", "is wrong at providers"),
        (FILE.replace("type: twilio", "type: pigeon"), "is wrong at providers.3"),
        (FILE.replace("name: second", "name: relay"), "uses a name twice"),
        (FILE.replace("https://sms", "http://sms"), "gateway should begin with https://"),
        (FILE.replace("tls: tls", "tls: none"), "other.example.org would go unencrypted"),
        (FILE.replace("TOKEN", "/nowhere/token"), "cannot be read"),
        (FILE.replace("[SECRET]", "[TOKEN]"), "a secret should"),
    ],
)
def test_a_mistake_in_the_file_is_one_sentence(written, text, said):
    settings = written(text)
    [finding] = provider_findings(settings)
    assert said in finding
    assert "hush" not in finding
    with pytest.raises(TowerError):
        routes_of(settings)


def test_a_file_that_is_not_there(tmp_path):
    [finding] = provider_findings(Settings(providers=tmp_path / "none.yaml"))
    assert "cannot be read" in finding
