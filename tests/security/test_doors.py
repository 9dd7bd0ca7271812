"""Who knocks at the wrong door, or with the wrong word, is told so in one sentence and soon."""

import asyncio
import logging

import pytest
from aiokafka.errors import TopicAuthorizationFailedError

from streams.admin import connected
from streams.cli.options import settings_from
from streams.errors import TowerError
from streams.refusal import forbidden, refusal

pytestmark = pytest.mark.kafka


async def met(settings):
    """Return what the first connection of every command says, None when it is let in."""
    try:
        async with connected(settings.kafka) as admin:
            await admin.list_topics()
    except TowerError as refused:
        await asyncio.sleep(0.1)  # a refused client's TLS still says goodbye
        return str(refused)
    return None


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
@pytest.mark.parametrize("protocol", ["SASL_PLAINTEXT", "SASL_SSL"])
async def test_a_good_login_is_let_in_and_a_wrong_one_told(through, protocol, mechanism):
    given = through(protocol, "reader", kafka_sasl_mechanism=mechanism)
    assert await met(settings_from(**given)) is None
    given |= {"kafka_password": "a guess"}
    async with asyncio.timeout(20):
        said = await met(settings_from(**given))
    assert said == (
        f"The Kafka broker at {given['brokers']} refuses the user 'reader' ({mechanism}): the"
        " name or the password is wrong (TOWER_KAFKA_USERNAME, TOWER_KAFKA_PASSWORD)."
    )


async def test_a_clients_certificate_opens_the_door_that_asks_for_one(through, papers):
    paper = {"kafka_cert_file": papers.client, "kafka_key_file": papers.client_key}
    assert await met(settings_from(**through("SSL", **paper))) is None
    said = await met(settings_from(**through("SSL")))
    assert said is not None
    assert "TOWER_KAFKA_CERT_FILE" in said


@pytest.mark.parametrize(
    ("door", "asked", "said"),
    [
        ("SASL_SSL", "PLAINTEXT", "speaks TLS on this port"),
        ("SASL_SSL", "SASL_PLAINTEXT", "speaks TLS on this port"),
        ("SASL_SSL", "SSL", "SSL has no login, SASL_SSL may"),
        ("SASL_PLAINTEXT", "PLAINTEXT", "asks for a login on this port"),
        ("SASL_PLAINTEXT", "SASL_SSL", "speaks no TLS on this port"),
        ("PLAINTEXT", "SSL", "speaks no TLS on this port"),
        ("PLAINTEXT", "SASL_SSL", "speaks no TLS on this port"),
        ("PLAINTEXT", "SASL_PLAINTEXT", "asks for no login on this port"),
    ],
)
async def test_the_wrong_protocol_for_a_port_is_named(through, door, asked, said):
    given = through(asked, "reader", brokers=through(door)["brokers"])
    async with asyncio.timeout(30):
        found = await met(settings_from(**given))
    assert found is not None
    assert said in found
    assert f"TOWER_KAFKA_SECURITY_PROTOCOL={asked}" in found


async def test_a_certificate_of_an_unknown_authority_or_another_name_is_not_trusted(through):
    said = await met(settings_from(**through("SASL_SSL", "reader", kafka_ca_file=None)))
    assert "a certificate that is not trusted" in str(said)
    port = str(through("SASL_SSL")["brokers"]).rpartition(":")[2]
    said = await met(
        settings_from(**through("SASL_SSL", "reader", brokers=f"localhost:{port}"))
    )
    assert "a certificate that is not trusted (Hostname mismatch" in str(said)


async def test_nobody_there_is_no_refusal():
    assert await refusal("127.0.0.1:1") is None


async def test_a_port_that_speaks_http_is_no_broker():
    async def page(_: object, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(page, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        said = str(await refusal(f"127.0.0.1:{port}"))
        await asyncio.sleep(0.1)  # for the pages that nobody read to the end
    assert said == f"The Kafka broker at 127.0.0.1:{port} is none: it speaks HTTP on this port."


@pytest.mark.slow
async def test_a_paused_broker_is_away_and_refuses_nobody(through, doors):
    doors.pause()
    try:
        assert await refusal(settings_from(**through("SASL_SSL", "reader")).kafka) is None
    finally:
        doors.resume()


def test_a_login_that_may_not_is_told_what_is_missing(through):
    cluster = settings_from(**through("SASL_SSL", "reader")).kafka
    said = str(forbidden(cluster, TopicAuthorizationFailedError("tower.kpi-cells")))
    assert "does not allow this to the user 'reader' (SCRAM-SHA-512)" in said
    assert "tower.kpi-cells" in said


def test_commands_say_it_and_no_log_holds_the_password(through, tower, monkeypatch, caplog):
    caplog.set_level(logging.DEBUG)
    word = "a guess that must not be seen"
    for name, value in through("SASL_SSL", "reader", kafka_password=word).items():
        monkeypatch.setenv(f"TOWER_{name.upper()}", str(value))
    for command in ("report", "publish /dev/null"):
        ran = tower(*command.split())
        assert ran.code == 1
        assert ran.err.startswith("tower: The Kafka broker at")
        assert "refuses the user 'reader'" in ran.err
        assert ran.err.count("\n") == 1
        assert word not in ran.err + ran.out + caplog.text
    ran = tower("doctor")
    assert "refuses the user 'reader'" in ran.out
    assert "First: Mend the setting here" in ran.out
