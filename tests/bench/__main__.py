"""The benchmarks: each part measures one thing, on a Kafka of its own, and yields one table."""

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

from streams.embedded import EmbeddedBroker
from streams.errors import TowerError
from tests.bench.contestants import CONTESTANTS
from tests.bench.latency import latency
from tests.bench.page import put
from tests.bench.positions import couriers
from tests.bench.profile import profile
from tests.bench.recovery import recovery
from tests.bench.replaying import replaying
from tests.bench.scaling import scaling
from tests.bench.speed import speed
from tests.bench.table import machine

Part = Callable[[str, argparse.Namespace], Awaitable[str]]

PARTS: dict[str, Part] = {
    "speed": lambda brokers, given: speed(brokers, given.events, given.rounds, given.only),
    "workers": lambda brokers, given: scaling(brokers, given.events, given.rounds),
    "recovery": lambda brokers, given: recovery(brokers, given.orders, given.rounds),
    "latency": lambda brokers, given: latency(brokers, given.rounds, given.seconds),
    "couriers": lambda brokers, given: couriers(brokers, given.events, given.rounds),
    "replay": lambda _, given: replaying(given.events, given.rounds),
    "profile": lambda brokers, given: profile(brokers, given.events),
}


def arguments() -> argparse.Namespace:
    """Return what the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"{', '.join(PARTS)}; or all")
    parser.add_argument("--events", type=int, default=200_000, help="events of a run")
    parser.add_argument("--rounds", type=int, default=5, help="runs of each, interleaved")
    parser.add_argument("--orders", type=int, default=200_000, help="live orders (recovery)")
    parser.add_argument("--seconds", type=float, default=15, help="of a run (latency)")
    names = ",".join(each.name for each in CONTESTANTS)
    parser.add_argument("--only", default=names, help=f"contestants (speed), of {names}")
    parser.add_argument("--out", type=Path, help="page whose tables are replaced")
    given = parser.parse_args()
    given.only = given.only.split(",")
    for asked, known in ((given.parts, PARTS), (given.only, names.split(","))):
        if unknown := set(asked) - set(known):
            parser.error(f"there is no {', '.join(sorted(unknown))}; only {', '.join(known)}")
    return given


async def main(given: argparse.Namespace) -> None:
    """Run the parts asked for; print their tables, and put them on the page."""
    for name in given.parts or PARTS:
        said = machine()
        with EmbeddedBroker(say=lambda line: print(line, file=sys.stderr)) as broker:
            found = f"{await PARTS[name](broker.bootstrap, given)}\n{said}\n"
        print(f"\n{found}", flush=True)
        if given.out is not None:
            put(given.out, found)


if __name__ == "__main__":
    try:
        asyncio.run(main(arguments()))
    except TowerError as error:
        sys.exit(str(error))
