"""Lanes over a real ledger and a channel that answers as told."""

import asyncio
import contextlib
from collections import defaultdict

import pytest

from models.notices import NoticeTick
from streams.dispatch import sending as under_test
from streams.dispatch.channels.outcomes import ACCEPTED, Outcome
from streams.dispatch.claims import Intake, Taken
from streams.dispatch.clocks import Clocks, wall_ms
from streams.dispatch.intake import ContactBook
from streams.dispatch.lanes import Lanes
from streams.dispatch.metrics import DispatchMetrics
from streams.dispatch.routes import Provider, Routes
from streams.dispatch.sending import Sending
from streams.dispatch.sqlite import open_sqlite
from tests.dispatch.given import at, command, contact, ending

LATER = Outcome("retry", "refused_for_now")
MAYBE = Outcome("maybe", "no_answer")


class Scripted:
    """A channel whose answers are written down; after the last one everything is accepted."""

    def __init__(self, name="email", resends=1):
        self.name = name
        self.provider = f"test-{name}"
        self.resends = resends
        self.keys = []
        self.answers = defaultdict(list)
        self.sent = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def close(self):
        pass

    async def send(self, message):
        notice_id = message.command.notice_id
        self.sent.append(notice_id)
        self.keys.append(message.key)
        await self.gate.wait()
        answers = self.answers[notice_id]
        return answers.pop(0) if answers else ACCEPTED


async def until(holds):
    async with asyncio.timeout(5):
        while not holds():  # noqa: ASYNC110 (what is waited for sets no event)
            await asyncio.sleep(0.01)


class Bench:
    """One dispatcher without Kafka."""

    def __init__(self, ledger, *channels):
        self.ledger = ledger
        self.channel, *_ = channels
        self.routes = routes = Routes(Provider(each, parallel=20) for each in channels)
        self.book = ContactBook()
        self.book.write("ann", contact().model_dump_json().encode())
        self.clocks = Clocks({0: at(13, 21)}, routes.channels)
        self.clocks.read_up({0})
        self.metrics = DispatchMetrics()
        self.receipts = asyncio.Queue()
        sending = Sending(
            ledger, routes, self.book, self.clocks, self.metrics, self.receipts.put_nowait
        )
        self.lanes = Lanes(sending, self.metrics)

    async def take(self, *messages):
        given = [
            each if hasattr(each, "at") else Taken(each, 0, wall_ms()) for each in messages
        ]
        self.lanes.add(await self.ledger.take(Intake(given)))
        for each in messages:
            self.lanes.wake(each.order_id)

    async def receipt(self):
        got = await asyncio.wait_for(self.receipts.get(), 5)
        return got.notice_id, got.result, got.reason

    def counted(self):
        return {
            (sample.name, *sample.labels.values()): sample.value
            for metric in self.metrics.registry.collect()
            for sample in metric.samples
            if sample.name.endswith("_total") and sample.value
        }


@pytest.fixture
async def bench(tmp_path, monkeypatch):
    monkeypatch.setattr(under_test, "backoff_ms", lambda *_: 20)
    ledger = await open_sqlite(tmp_path / "claims.sqlite")
    made = Bench(ledger, Scripted())
    yield made
    made.channel.gate.set()
    await made.lanes.stop(1)
    await ledger.close()
    assert not made.lanes.failed.done()


FIRST = command().notice_id


async def test_one_command_one_send_one_receipt(bench):
    await bench.take(command())
    assert await bench.receipt() == (FIRST, "sent", None)
    assert bench.channel.sent == [FIRST]
    assert bench.counted() == {
        ("tower_notifications_sent_total", "delay_predicted", "email"): 1.0
    }


@pytest.mark.parametrize(("now", "too_late"), [(at(14), None), (at(14, 1), 1.0)])
async def test_what_is_told_after_the_promise_had_passed_is_counted(bench, now, too_late):
    bench.clocks.tick(0, now)
    await bench.take(command(decided_at=now - 1))
    assert await bench.receipt() == (FIRST, "sent", None)
    name = "tower_notifications_too_late_total"
    assert bench.counted().get((name, "delay_predicted")) == too_late


async def test_refused_for_now_is_tried_again_under_the_same_id(bench):
    bench.channel.answers[FIRST] = [LATER, LATER]
    await bench.take(command())
    assert await bench.receipt() == (FIRST, "sent", None)
    assert bench.channel.sent == [FIRST] * 3
    assert (await bench.ledger.pending()) == []


async def test_a_permanent_refusal_fails(bench):
    bench.channel.answers[FIRST] = [Outcome("permanent", "bad_address")]
    await bench.take(command())
    assert await bench.receipt() == (FIRST, "failed", "bad_address")


async def test_silence_after_the_text_is_sent_again_but_not_for_ever(bench):
    bench.channel.answers[FIRST] = [MAYBE] * 9
    await bench.take(command())
    assert await bench.receipt() == (FIRST, "failed", "maybe_sent")
    assert bench.channel.sent == [FIRST] * 2  # one send and one more
    assert bench.counted()["tower_notifications_maybe_total", "email"] == 1


async def test_an_ending_stops_a_message_that_waits(bench, monkeypatch):
    monkeypatch.setattr(under_test, "backoff_ms", lambda *_: 60_000)
    bench.channel.answers[FIRST] = [LATER]
    await bench.take(command())
    await until(bench.counted)
    await bench.take(ending(1, at(13, 20)))
    assert await bench.receipt() == (FIRST, "suppressed", "superseded")
    assert bench.channel.sent == [FIRST]


async def test_time_stops_a_message_that_waits(bench, monkeypatch):
    monkeypatch.setattr(under_test, "backoff_ms", lambda *_: 60_000)
    bench.channel.answers[FIRST] = [LATER]
    await bench.take(command())
    await until(bench.counted)
    bench.clocks.tick(0, at(14, 20))
    bench.lanes.wake_expired()
    assert await bench.receipt() == (FIRST, "suppressed", "expired")


async def test_what_was_perhaps_sent_is_never_called_suppressed(bench, monkeypatch):
    monkeypatch.setattr(under_test, "backoff_ms", lambda *_: 60_000)
    bench.channel.answers[FIRST] = [MAYBE]
    await bench.take(command())
    await until(bench.counted)
    await bench.take(ending(2, at(13, 22)))
    assert await bench.receipt() == (FIRST, "failed", "maybe_sent")


async def test_nothing_is_said_before_the_partition_is_read_up(bench):
    bench.clocks.read_up(())
    await bench.take(command())
    await asyncio.sleep(0.05)
    assert bench.channel.sent == []
    assert bench.clocks.read_up({0})
    bench.lanes.wake_held()
    assert await bench.receipt() == (FIRST, "sent", None)


async def test_orders_side_by_side_one_order_in_turn(bench):
    bench.channel.gate.clear()
    said = [
        command(notice_id=f"{order}{version}", order_id=order, version=version, kind=kind)
        for order in "AB"
        for version, kind in ((1, "delay_predicted"), (2, "delay_worse"))
    ]
    await bench.take(said[0], said[2])
    await until(lambda: len(bench.channel.sent) == 2)
    await bench.take(said[1], said[3])
    await asyncio.sleep(0.05)
    assert sorted(bench.channel.sent) == ["A1", "B1"]
    bench.channel.gate.set()
    results = sorted([await bench.receipt() for _ in range(4)])
    assert results == [(name, "sent", None) for name in ("A1", "A2", "B1", "B2")]


async def test_a_newer_notice_takes_the_place_of_one_that_waits(bench, monkeypatch):
    monkeypatch.setattr(under_test, "backoff_ms", lambda *_: 60_000)
    bench.channel.answers[FIRST] = [LATER]
    await bench.take(command())
    await until(bench.counted)
    await bench.take(command(notice_id="second", version=2, kind="delay_worse"))
    assert await bench.receipt() == (FIRST, "suppressed", "superseded")
    assert await bench.receipt() == ("second", "sent", None)


async def test_a_lane_that_waits_holds_up_no_other(bench, monkeypatch):
    monkeypatch.setattr(under_test, "backoff_ms", lambda *_: 60_000)
    many = [command(notice_id=f"n{n}", order_id=f"o{n}") for n in range(100)]
    for each in many:
        bench.channel.answers[each.notice_id] = [LATER]
    await bench.take(*many)
    await bench.take(command(notice_id="x", order_id="x"))
    assert await bench.receipt() == ("x", "sent", None)
    assert bench.metrics.waiting._value.get() == 100


async def test_a_failing_ledger_is_the_end(bench):
    await bench.ledger.take(Intake([], [NoticeTick(partition=0, at=1)]))

    async def broken(_command):
        raise OSError("disk full")

    bench.ledger.known, known = broken, bench.ledger.known
    await bench.take(command())
    with pytest.raises(OSError, match="disk full"):
        await asyncio.wait_for(bench.lanes.failed, 5)
    bench.ledger.known = known
    bench.lanes.failed = asyncio.get_running_loop().create_future()


async def test_a_stop_lets_a_send_end(bench):
    bench.channel.gate.clear()
    await bench.take(command())
    await until(lambda: bench.channel.sent)
    stopping = asyncio.create_task(bench.lanes.stop(5))
    await asyncio.sleep(0.02)
    bench.channel.gate.set()
    await stopping
    assert await bench.receipt() == (FIRST, "sent", None)


async def test_a_send_that_does_not_end_is_left_in_doubt(bench):
    bench.channel.gate.clear()
    await bench.take(command())
    await until(lambda: bench.channel.sent)
    with contextlib.suppress(asyncio.CancelledError):
        await bench.lanes.stop(0.05)
    assert (await bench.ledger.known(command())).doubtful
    assert len(await bench.ledger.pending()) == 1


BOTH = [{"kind": "sms", "address": "+4791234567"}, {"kind": "email", "address": "a@b.org"}]


@pytest.fixture
async def both(tmp_path, monkeypatch):
    """A customer who prefers text messages, and providers of both."""
    monkeypatch.setattr(under_test, "backoff_ms", lambda *_: 20)
    monkeypatch.setattr(under_test, "FALLBACK_MS", 30)
    ledger = await open_sqlite(tmp_path / "claims.sqlite")
    made = Bench(ledger, Scripted("sms", resends=0), Scripted("email"))
    made.book.write("ann", contact(channels=BOTH).model_dump_json().encode())
    yield made
    await made.lanes.stop(1)
    await ledger.close()
    assert not made.lanes.failed.done()


def keys(bench):
    return [key for each in bench.routes.providers for key in each.channel.keys]


async def test_the_customers_first_channel_is_used(both):
    await both.take(command())
    assert await both.receipt() == (FIRST, "sent", None)
    assert keys(both) == [f"{FIRST}.sms"]


async def test_a_refused_number_is_never_used_again(both):
    both.channel.answers[FIRST] = [Outcome("permanent", "bad_address")]
    await both.take(command())
    assert await both.receipt() == (FIRST, "sent", None)
    await both.take(command(notice_id="second", version=2, kind="delay_worse"))
    assert await both.receipt() == ("second", "sent", None)
    assert keys(both) == [f"{FIRST}.sms", f"{FIRST}.email", "second.email"]
    both.book.write("ann", contact(channels=BOTH[:1]).model_dump_json().encode())
    await both.take(command(notice_id="third", order_id="B"))
    assert await both.receipt() == ("third", "suppressed", "no_contact")


async def test_a_text_that_nobody_can_send_fails_on_every_channel_in_turn(both):
    for each in both.routes.providers:
        each.channel.answers[FIRST] = [Outcome("permanent", "refused")]
    await both.take(command())
    assert await both.receipt() == (FIRST, "failed", "refused")
    assert keys(both) == [f"{FIRST}.sms", f"{FIRST}.email"]


async def test_a_text_message_in_doubt_is_not_repeated_but_passed_on(both):
    both.channel.answers[FIRST] = [MAYBE]
    await both.take(command())
    assert await both.receipt() == (FIRST, "sent", None)
    assert keys(both) == [f"{FIRST}.sms", f"{FIRST}.email"]
    assert await both.ledger.twice() == []


async def test_a_text_message_in_doubt_without_another_channel(both):
    both.book.write("ann", contact(channels=BOTH[:1]).model_dump_json().encode())
    both.channel.answers[FIRST] = [MAYBE]
    await both.take(command())
    assert await both.receipt() == (FIRST, "failed", "maybe_sent")
    assert keys(both) == [f"{FIRST}.sms"]


async def test_a_claim_that_a_dead_process_left_is_not_sent_over_by_text_message(both):
    await both.ledger.take(Intake([Taken(command(), 0, 0)]))
    await both.ledger.claim(command(), "sms", "test-sms")
    both.lanes.add(await both.ledger.pending())
    assert await both.receipt() == (FIRST, "sent", None)
    assert keys(both) == [f"{FIRST}.email"]


async def test_a_webhook_in_doubt_is_called_until_it_answers(tmp_path, monkeypatch):
    monkeypatch.setattr(under_test, "backoff_ms", lambda *_: 1)
    ledger = await open_sqlite(tmp_path / "claims.sqlite")
    made = Bench(ledger, Scripted("webhook", resends=None))
    hook = [{"kind": "webhook", "address": "https://shop.example/hook"}]
    made.book.write("ann", contact(channels=hook).model_dump_json().encode())
    made.channel.answers[FIRST] = [MAYBE] * 9
    await made.take(command())
    assert await made.receipt() == (FIRST, "sent", None)
    assert made.channel.keys == [f"{FIRST}.webhook"] * 10
    await made.lanes.stop(1)
    await ledger.close()


async def test_a_provider_that_is_down_is_left_alone_and_others_are_not(both):
    """Ten calls fail and the breaker opens: text messages go by mail meanwhile."""
    many = [command(notice_id=f"n{n}", order_id=f"o{n}") for n in range(30)]
    for each in many:
        both.channel.answers[each.notice_id] = [Outcome("retry", "unreachable")] * 9
    for each in many:
        await both.take(each)
        await until(lambda: not both.receipts.empty() or len(both.channel.keys) < 10)
    got = [await both.receipt() for _ in many]
    assert {result for _, result, _ in got} == {"sent"}
    assert len(both.channel.keys) <= 10 + 20
    assert len(both.routes.providers[1].channel.keys) == 30


async def test_a_long_outage_ends_without_a_flood_of_old_news(both, monkeypatch):
    """Ten minutes away by the tower's clock: what expired meanwhile is dropped, not sent."""
    monkeypatch.setattr(under_test, "backoff_ms", lambda *_: 60_000)
    old = [command(notice_id=f"old{n}", order_id=f"o{n}") for n in range(50)]
    news = [
        command(notice_id=f"new{n}", order_id=f"p{n}", expires_at=at(15), decided_at=at(14, 19))
        for n in range(5)
    ]
    for provider in both.routes.providers:
        for each in [*old, *news]:
            provider.channel.answers[each.notice_id] = [Outcome("retry", "unreachable")]
    both.clocks.tick(0, at(14, 10))
    monkeypatch.setattr("streams.dispatch.decide.STALE_MS", 3_600_000)
    await both.take(*old)
    await until(lambda: sum(len(each.channel.keys) for each in both.routes.providers) >= 20)
    both.clocks.tick(0, at(14, 20))  # all of the old ones have expired
    for provider in both.routes.providers:
        provider.channel.answers.clear()
        provider.breaker._until = None
    both.lanes.wake_expired()
    results = [await both.receipt() for _ in old]
    assert {reason for _, _, reason in results} == {"expired"}
    await both.take(*news)
    assert {result for _, result, _ in [await both.receipt() for _ in news]} == {"sent"}
