"""Whatever the order of events and however sends fail: nothing stale reaches a customer.

Not the decision alone: a real claims file, the lanes, and a sink that notes when it accepts.
"""

import asyncio
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streams.dispatch import sending as under_test
from streams.dispatch.channels.outcomes import ACCEPTED, Outcome
from streams.dispatch.sqlite import open_sqlite
from tests.dispatch.given import at, command, contact, ending
from tests.dispatch.test_lanes import Bench, Scripted

LATER = Outcome("retry", "unreachable")
MAYBE = Outcome("maybe", "no_answer")

KINDS = {"delay": "delay_predicted", "worse": "delay_worse", "clear": "delay_cleared"}
STEPS = st.lists(
    st.sampled_from([*KINDS, "delivered", "cancelled", "opt-out", "erase", "pause", "again"]),
    min_size=1,
    max_size=9,
)
ANSWERS = st.lists(st.sampled_from([LATER, MAYBE, ACCEPTED]), max_size=8)


class Noting(Scripted):
    """Notes what had happened when it accepted; `answers` are given one after the other."""

    def __init__(self, answers):
        super().__init__("email", resends=1)
        self.script = list(answers)
        self.happened = []
        self.accepted = []
        self.over = False

    async def send(self, message):
        if self.over:
            self.accepted.append(("after the end", message.key))
        await asyncio.sleep(0)
        outcome = self.script.pop(0) if self.script else ACCEPTED
        if outcome.kind in {"accepted", "maybe"}:
            self.accepted.append((message.command.kind, message.key))
        return outcome


async def play(steps, answers, folder):
    ledger = await open_sqlite(Path(folder) / "claims.sqlite")
    channel = Noting(answers)
    bench = Bench(ledger, channel)
    asked, version = [], 0
    try:
        for step in steps:
            if step in KINDS:
                version += 1
                asked.append(
                    command(notice_id=f"n{version}", version=version, kind=KINDS[step])
                )
                await bench.take(asked[-1])
            elif step == "again" and asked:
                await bench.take(asked[-1])  # the receipt was lost: the same is asked again
            elif step in {"delivered", "cancelled"}:
                await bench.take(ending(version, at(13, 21)))
                await quiet(bench)
                channel.over = True
                break
            elif step == "opt-out":
                await quiet(bench)
                bench.book.write("ann", contact(consent=False).model_dump_json().encode())
                channel.over = True
            elif step == "erase":
                await quiet(bench)
                bench.book.write("ann", None)
                channel.over = True
            elif step == "pause":
                await asyncio.sleep(0.002)
        receipts = {}
        for _ in asked:
            receipt = await asyncio.wait_for(bench.receipts.get(), 5)
            assert receipt.notice_id not in receipts
            receipts[receipt.notice_id] = receipt.result
        return (
            channel,
            asked,
            receipts,
            await ledger.twice(),
            bench.metrics.waiting._value.get(),
        )
    finally:
        await bench.lanes.stop(1)
        await ledger.close()


async def quiet(bench):
    """Let what is under way end: a send that has begun cannot be taken back."""
    while bench.lanes._tasks:  # noqa: ASYNC110 (lanes tell nobody)
        await asyncio.sleep(0.001)


@pytest.mark.slow
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=STEPS, answers=ANSWERS)
def test_nothing_stale_is_accepted_and_everything_is_accounted_for(steps, answers):
    backoff = under_test.backoff_ms
    under_test.backoff_ms = lambda *_: 1
    try:
        with tempfile.TemporaryDirectory() as folder:
            channel, asked, receipts, twice, waiting = asyncio.run(play(steps, answers, folder))
    finally:
        under_test.backoff_ms = backoff
    assert not [each for each in channel.accepted if each[0] == "after the end"]
    assert receipts.keys() == {each.notice_id for each in asked}  # one receipt each
    assert (twice, waiting) == ([], 0)
    keys = [key for _, key in channel.accepted]
    assert set(keys) <= {f"{each.notice_id}.email" for each in asked}
    for key in set(keys):
        assert keys.count(key) <= 2  # once more after a doubt, under the same key
    for notice_id, result in receipts.items():
        if result == "suppressed":
            assert f"{notice_id}.email" not in keys
    order = [int(key[1 : key.index(".")]) for key in dict.fromkeys(keys)]
    assert order == sorted(order)  # older news never follows newer
