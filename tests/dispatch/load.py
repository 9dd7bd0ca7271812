"""How fast one dispatcher is: notices at a rate, a provider that takes 150 ms to answer.

`python -m tests.dispatch.load --rate 500 --seconds 20` prints the times from a
command's append to its acceptance, from the dispatcher's own histogram, and what it used.
"""

import argparse
import asyncio
import resource
import tempfile
import time
from contextlib import AsyncExitStack
from pathlib import Path

from streams import mailsink
from streams.admin import ensure_topics
from streams.config import Settings
from streams.embedded import EmbeddedBroker
from tests.dispatch import httpsink
from tests.dispatch.given import at, command, contact
from tests.dispatch.test_dispatcher import PARTITIONS, World, sending, ticks

_PROVIDERS = """
providers:
  - {{name: gateway, type: sms_gateway, url: "http://127.0.0.1:{port}/", token_file: {token},
     sender: Shop, parallel: 200}}
"""


async def _run(broker: str, folder: Path, rate: int, seconds: int) -> None:
    settings = Settings(brokers=broker, namespace="load", partitions=PARTITIONS)
    await ensure_topics(broker, settings)
    async with AsyncExitStack() as stack:
        sink = await stack.enter_async_context(httpsink.running())
        sink.delay = 0.15
        mails = await stack.enter_async_context(mailsink.running())
        producer = await stack.enter_async_context(sending(broker))
        (folder / "token").write_text("t")
        file = folder / "providers.yaml"
        file.write_text(_PROVIDERS.format(port=sink.port, token=folder / "token"))
        world = World(settings, mails, producer, folder)
        await world.start(TOWER_PROVIDERS=str(file))
        phone = [{"kind": "sms", "address": "+4791234567"}]
        await world.say(contact(channels=phone), *ticks(at(13, 21)), command(notice_id="warm"))
        await world.counted("tower_notifications_sent_total{")
        began = time.monotonic()
        for second in range(seconds):
            for each in range(rate):
                name = f"{second}-{each}"
                said = command(notice_id=f"n{name}", order_id=f"o{name}")
                await producer.send(
                    "load.notice-commands",
                    said.model_dump_json().encode(),
                    said.order_id.encode(),
                )
            await asyncio.sleep(max(0.0, began + second + 1 - time.monotonic()))
        await producer.flush()
        asked = time.monotonic() - began
        while len(sink.calls) < rate * seconds + 1:  # noqa: ASYNC110 (another process)
            await asyncio.sleep(0.05)
        took = time.monotonic() - began
        await asyncio.sleep(1)
        text = await world.scrape()
        await world.end()
    count = rate * seconds
    print(f"{count} notices asked for in {asked:.1f} s, accepted in {took:.1f} s")
    for line in text.splitlines():
        if line.startswith("tower_notification_delay_seconds_") and "sms" in line:
            print(line)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(f"CPU of the dispatcher and the broker: {used.ru_utime + used.ru_stime:.1f} s")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Measure one dispatcher.")
    parser.add_argument("--rate", type=int, default=500)
    parser.add_argument("--seconds", type=int, default=20)
    given = parser.parse_args()
    with EmbeddedBroker() as running, tempfile.TemporaryDirectory() as place:
        asyncio.run(_run(running.bootstrap, Path(place), given.rate, given.seconds))
