"""The benchmarks: `python -m tests.bench [PARTS] [--events N] [--rounds N] [--out FILE]`.

Each part measures one thing on a Kafka of its own and yields one table.
"""

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

from streams.embedded import EmbeddedBroker
from tests.bench.contestants import CONTESTANTS
from tests.bench.latency import latency
from tests.bench.positions import couriers
from tests.bench.profile import profile
from tests.bench.recovery import recovery
from tests.bench.replaying import replaying
from tests.bench.scaling import scaling
from tests.bench.speed import speed
from tests.bench.table import machine

Part = Callable[[str, argparse.Namespace], Awaitable[str]]

PARTS: dict[str, Part] = {
    "speed": lambda brokers, given: speed(
        brokers, given.events, given.rounds, given.only.split(",") if given.only else ()
    ),
    "recovery": lambda brokers, given: recovery(brokers, given.orders, given.rounds),
    "latency": lambda brokers, given: latency(brokers, given.rounds, given.seconds),
    "workers": lambda brokers, given: scaling(brokers, given.events, given.rounds),
    "couriers": lambda brokers, given: couriers(brokers, given.events, given.rounds),
    "replay": lambda _, given: replaying(given.events, given.rounds),
    "profile": lambda brokers, given: profile(brokers, given.events),
}


async def main() -> None:
    """Run the parts asked for; print and write their tables."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], help=", ".join(PARTS))
    parser.add_argument("--events", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--orders", type=int, default=200_000, help="live orders of recovery")
    parser.add_argument("--seconds", type=float, default=15, help="a run of latency")
    names = ", ".join(each.name for each in CONTESTANTS)
    parser.add_argument("--only", help=f"contestants of speed: {names}")
    parser.add_argument("--out", type=Path, help="write the tables here too")
    given = parser.parse_args()
    said = [machine()]
    print(said[0])
    for name in given.parts or PARTS:
        with EmbeddedBroker(say=lambda line: print(line, file=sys.stderr)) as broker:
            said.append(await PARTS[name](broker.bootstrap, given))
        print("\n" + said[-1], flush=True)
        if given.out is not None:
            given.out.write_text("\n\n".join(said) + "\n")


if __name__ == "__main__":
    asyncio.run(main())
