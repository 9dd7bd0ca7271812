"""Why brokers say no: a refusal is told from a broker that is away, in one sentence.

Clients retry a refused login for ever, as if nobody were there. So whoever got no answer knocks
once more, with a bare connection, and looks at what comes back.
"""

import asyncio
import ssl
from collections.abc import Callable
from contextlib import suppress

from aiokafka.conn import create_conn
from aiokafka.errors import (
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
    IllegalSaslStateError,
    KafkaError,
    SaslAuthenticationFailed,
    TopicAuthorizationFailedError,
    UnsupportedSaslMechanismError,
)
from aiokafka.protocol.metadata import MetadataRequest

from streams.errors import TowerError
from streams.kafka import Cluster, Where, client_options, cluster_of

KNOCK_SECONDS = 4.0  # for one address to answer
LOOK_SECONDS = 5.0  # between two looks at why nobody answers
FORBIDDEN = (
    TopicAuthorizationFailedError,
    GroupAuthorizationFailedError,
    ClusterAuthorizationFailedError,
)


def forbidden(where: Where, error: KafkaError) -> TowerError:
    """Return the sentence for a login that is good and not allowed to do this."""
    cluster = cluster_of(where)
    return TowerError(
        f"The Kafka broker at {cluster.brokers} does not allow this to"
        f" {cluster.whoever} ({type(error).__name__}: {error}): docs/scaling.md lists what"
        " each process needs."
    )


async def refusal(where: Where) -> TowerError | None:
    """Knock at each address and return why we are not let in.

    None: somebody let us in, or nobody is there; a broker that starts is no refusal.
    """
    cluster = cluster_of(where)
    for address in cluster.brokers.split(","):
        host, _, port = address.strip().rpartition(":")
        try:
            why = await _knock(cluster, host.strip("[]"), int(port))
        except TowerError as error:  # a file went away
            return error
        if why is not None:
            return TowerError(f"The Kafka broker at {address.strip()} {why}")
    return None


async def kept_out(where: Where, silent: Callable[[], bool]) -> None:
    """Raise once brokers refuse us at two looks in a row while they are `silent`; never return.

    For processes that wait for a broker that is away: one that takes our password no more is
    not waited for.
    """
    refused = 0
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        found = await refusal(where) if silent() else None
        refused = 0 if found is None else refused + 1
        if found is not None and refused > 1:
            raise found


async def _knock(cluster: Cluster, host: str, port: int) -> str | None:
    """Connect, log in and ask one question; return the rest of a sentence if that fails."""
    options = client_options(cluster)
    del options["bootstrap_servers"]
    connection = None
    try:
        connection = await create_conn(
            host, port, request_timeout_ms=int(KNOCK_SECONDS * 1_000), **options
        )
        await connection.send(MetadataRequest([]))
    except (KafkaError, OSError, ValueError, AssertionError, EOFError) as error:
        return _refused(cluster, error) or await _misunderstood(cluster, host, port, error)
    finally:
        if connection is not None:
            connection.close()
    return None


def _refused(cluster: Cluster, error: BaseException) -> str | None:
    """Say it for what the broker or its certificate tells outright."""
    match error:
        case SaslAuthenticationFailed():
            return (
                f"refuses {cluster.whoever}: the name or the password is wrong"
                " (TOWER_KAFKA_USERNAME, TOWER_KAFKA_PASSWORD)."
            )
        case UnsupportedSaslMechanismError():
            return f"does not offer TOWER_KAFKA_SASL_MECHANISM={cluster.mechanism}."
        case IllegalSaslStateError():
            return (
                "asks for no login on this port:"
                f" TOWER_KAFKA_SECURITY_PROTOCOL={cluster.protocol} does not fit."
            )
        case ssl.SSLCertVerificationError():
            return (
                f"shows a certificate that is not trusted ({error.verify_message}): name its CA"
                " in TOWER_KAFKA_CA_FILE, and the broker as in its certificate."
            )
        case _:
            return None


async def _misunderstood(
    cluster: Cluster, host: str, port: int, error: BaseException
) -> str | None:
    """Find out what a port speaks that gave no answer we understand; None: nobody answers."""
    told = error if isinstance(error, ssl.SSLError) else error.__cause__
    speaks = await _speaks_tls(host, port)
    protocol = f"TOWER_KAFKA_SECURITY_PROTOCOL={cluster.protocol}"
    if speaks is None:
        return None
    if not speaks and await _speaks_http(host, port):
        return "is none: it speaks HTTP on this port."
    if not cluster.encrypted:
        if speaks:
            return f"speaks TLS on this port: {protocol} does not, SSL or SASL_SSL may."
        if not cluster.named and isinstance(error, KafkaError):
            return f"asks for a login on this port: {protocol} has none, SASL_PLAINTEXT may."
        return None
    if not speaks:
        return f"speaks no TLS on this port: {protocol} needs it."
    if isinstance(told, ssl.SSLError):
        return (
            f"ended the TLS connection ({told.reason}): if it asks clients for a certificate,"
            " name one that it trusts in TOWER_KAFKA_CERT_FILE and TOWER_KAFKA_KEY_FILE."
        )
    if not cluster.named and isinstance(error, KafkaError):
        return (
            f"takes the TLS connection and gives no answer: {protocol} has no login, SASL_SSL"
            " may, or it asks for a client certificate (TOWER_KAFKA_CERT_FILE)."
        )
    return None


async def _speaks_http(host: str, port: int) -> bool:
    """Tell whether a port answers a question of HTTP; a broker hangs up."""
    try:
        async with asyncio.timeout(1):
            reader, writer = await asyncio.open_connection(host, port)
            try:
                writer.write(b"HEAD / HTTP/1.0\r\n\r\n")
                return (await reader.read(5)) == b"HTTP/"
            finally:
                writer.close()
                await writer.wait_closed()
    except (OSError, TimeoutError):
        return False


async def _speaks_tls(host: str, port: int) -> bool | None:
    """Tell whether a port answers a TLS greeting as TLS; None when nobody answers."""
    anybody = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    anybody.check_hostname = False
    anybody.verify_mode = ssl.CERT_NONE  # nothing is sent but the greeting
    try:
        async with asyncio.timeout(KNOCK_SECONDS):
            _, writer = await asyncio.open_connection(host, port, ssl=anybody)
    except (ssl.SSLError, ConnectionResetError):
        return False
    except (OSError, TimeoutError):
        return None
    writer.close()
    with suppress(OSError, TimeoutError):
        async with asyncio.timeout(1):
            await writer.wait_closed()
    return True
