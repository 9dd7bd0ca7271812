"""A short day on the wall clock: promises of moments, couriers, garbage, customers to tell."""

import asyncio
import json
import secrets
from datetime import UTC, datetime

from streams.publishing import durable_producer
from tests.equality.wall import now

PROMISE_MS = 5_000
ORDERS = 48


def instant(at):
    return datetime.fromtimestamp(at / 1_000, UTC).isoformat(timespec="milliseconds")


def rules(folder):
    """Write rules by which silence for half of a promise is told at once."""
    file = folder / "rules.yaml"
    file.write_text(
        f"schema: 1\nnotices: {{silent_before_minutes: {PROMISE_MS / 120_000},"
        " hold_minutes: 0}\n"
    )
    return file


def contacts(folder):
    """Write how to reach the customers of the day."""
    file = folder / "contacts.jsonl"
    lines = [
        {
            "customer_id": f"customer-{number}",
            "channels": [{"kind": "email", "address": f"customer-{number}@example.invalid"}],
        }
        for number in range(ORDERS)
    ]
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return file


def event(number, kind, at, name="order", **more):
    return {
        "event_id": f"{kind}-{name}-{number}",
        "kind": kind,
        "occurred_at": instant(at),
        "order_id": f"{name}-{number}",
        "source": "hub",
        **more,
    }


def position(number, at):
    return {
        "event_id": f"position-{number}",
        "kind": "position_reported",
        "occurred_at": instant(at),
        "courier_id": f"courier-{number % 5}",
        "carrier": "north",
        "source": "app",
        "lat": 52.0 + number / 1_000,
        "lon": 4.0,
    }


async def tell(bootstrap, namespace):
    """Send the day as it happens; return once its last promise is half a second past."""
    async with durable_producer(bootstrap) as producer:

        async def send(topic, *said):
            for each in said:
                value = each if isinstance(each, bytes) else json.dumps(each).encode()
                name = f"{namespace}.{topic}"
                await producer.send(name, value, key=secrets.token_bytes(4))

        begin = now()
        for number in range(ORDERS):
            promised = event(
                number, "order_promised", begin,
                carrier=("north", "south")[number % 2],
                promise={"start": instant(begin), "end": instant(begin + PROMISE_MS)},
                customer_id=f"customer-{number}",
            )  # fmt: skip
            await send("order-events", promised)
            await send("courier-events", position(number, begin), position(number, begin))
        await send("order-events", b"garbage", event(0, "levitated", begin), promised)
        await asyncio.sleep(0.3)
        for number in range(0, ORDERS, 2):
            told = event(
                number, "out_for_delivery", now(), courier_id="courier-1", colour="red"
            )
            await send("order-events", told)
        for number in range(0, ORDERS, 4):  # handed over in time
            await send("order-events", event(number, "delivered", now()))
        await asyncio.sleep(PROMISE_MS / 1_000 - 0.3)
        for number in range(1, ORDERS, 4):  # late
            await send("order-events", event(number, "delivered", now()))
        failed = event(2, "attempt_failed", now(), reason="not_home")
        await send("order-events", failed, failed)
        await asyncio.sleep(0.5)
        await producer.flush()
