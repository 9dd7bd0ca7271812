"""Dispatchers killed at seeded points, over and over, until everything is said and reported.

`python -m tests.dispatch.kills --runs 20` plays twenty runs with each store against a real
Kafka and a webhook sink that honours its key, and counts what was lost and what came twice.
"""

import argparse
import asyncio
import random
import signal
import ssl
import sys
import tempfile
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import psycopg
import trustme

from streams import mailsink
from streams.admin import ensure_topics
from streams.config import Settings
from streams.embedded import EmbeddedBroker
from tests import postgres
from tests.dispatch import httpsink
from tests.dispatch.given import at, command, contact
from tests.dispatch.test_dispatcher import PARTITIONS, World, sending, ticks

POINTS = ("dispatcher.claiming", "dispatcher.claimed", "dispatcher.sending", "dispatcher.tried")
NOTICES = 40
LANES = 20

_PROVIDERS = """
providers:
  - {{name: hooks, type: webhook, secret_files: [{secret}], trusted: ["127.0.0.1:{port}"],
     authority: {authority}}}
"""


@dataclass(frozen=True)
class Played:
    """What came of a run."""

    kills: int
    lost: int
    calls: int
    keys: int

    @property
    def repeats(self) -> int:
        """Calls beyond the first of each key."""
        return self.calls - self.keys


async def play(
    broker: str, folder: Path, chance: random.Random, database: str | None
) -> Played:
    """Play one run: four dispatchers die, each at its own point, the fifth lives."""
    settings = Settings(
        brokers=broker, namespace=f"k{chance.randrange(10**9)}", partitions=PARTITIONS
    )
    await ensure_topics(broker, settings)
    authority = trustme.CA()
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(tls)
    authority.cert_pem.write_to_path(str(folder / "authority.pem"))
    (folder / "secret").write_text("whsec_" + "QUFB" * 8)
    async with AsyncExitStack() as stack:
        sink = await stack.enter_async_context(httpsink.running(tls))
        mails = await stack.enter_async_context(mailsink.running())
        producer = await stack.enter_async_context(sending(broker))
        (folder / "providers.yaml").write_text(
            _PROVIDERS.format(
                secret=folder / "secret", port=sink.port, authority=folder / "authority.pem"
            )
        )
        sink.delay = 0.03  # so that some die while it is answering
        world = World(settings, mails, producer, folder)
        more = {"TOWER_PROVIDERS": str(folder / "providers.yaml")}
        if database is not None:
            more["TOWER_CLAIMS_DATABASE"] = database
            more["TOWER_CLAIM_LEASE_SECONDS"] = "1"
        hook = {"kind": "webhook", "address": f"https://127.0.0.1:{sink.port}/hook"}
        await world.say(contact(channels=[hook]), *ticks(at(13, 21)))
        said = [command(notice_id=f"n{n}", order_id=f"o{n}") for n in range(NOTICES)]
        share = NOTICES // len(POINTS)
        kills = 0
        for number, point in enumerate(chance.sample(POINTS, len(POINTS))):
            await world.start(**more, TOWER_FAILPOINT=f"{point}:{chance.randint(1, share - 1)}")
            await world.say(*said[number * share : (number + 1) * share])
            await asyncio.wait_for(world.process.wait(), 30)
            kills += world.process.returncode == -signal.SIGKILL
        await world.start(**more, TOWER_FAILPOINT="")
        results = await world.results(10_000, within=8)
        await world.end()
    lost = sum(results.get(each.notice_id) != ("sent", None) for each in said)
    keys = [each.headers["webhook-id"] for each in sink.calls]
    assert set(keys) <= {f"{each.notice_id}.webhook" for each in said}
    return Played(kills, lost, len(keys), len(set(keys)))


async def _main(runs: int, seed: int) -> bool:
    programs = postgres.binaries()
    if programs is None:
        sys.exit(f"PostgreSQL is missing: install the package {postgres.PACKAGE}.")
    good = True
    with EmbeddedBroker() as broker, postgres.running(programs) as server:
        for store in ("sqlite", "postgres"):
            found = []
            for run in range(runs):
                database = None
                if store == "postgres":
                    database = f"{server}?options=-csearch_path%3Drun{run}"
                    with psycopg.connect(server, autocommit=True) as connection:
                        connection.execute(f"CREATE SCHEMA run{run}".encode())
                with tempfile.TemporaryDirectory() as folder:
                    chance = random.Random(f"{seed}/{store}/{run}")  # noqa: S311 (no secret)
                    found.append(await play(broker.bootstrap, Path(folder), chance, database))
                good &= found[-1].lost == 0 and found[-1].repeats <= LANES * found[-1].kills
            print(
                f"{store}: {runs} runs, {sum(each.kills for each in found)} kills,"
                f" {runs * NOTICES} notices: lost {sum(each.lost for each in found)},"
                f" calls {sum(each.calls for each in found)},"
                f" under keys {sum(each.keys for each in found)}",
                flush=True,
            )
    return good


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Kill dispatchers and count.")
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--seed", type=int, default=7)
    given = parser.parse_args()
    sys.exit(0 if asyncio.run(_main(given.runs, given.seed)) else 1)
