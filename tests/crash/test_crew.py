"""The supervisor starts again what ended, and every end needs a reason that was given."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.crash.crew import BREATH_SECONDS, STALL, Crew

WAIT_SECONDS = 20.0

LISTENING = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
print("partitions assigned: order-log/0", flush=True)
print("recovered 1 partitions", flush=True)
time.sleep(60)
"""
FAILING = "import sys, time; print({says!r}, flush=True); sys.exit({code})"
HIT = """
import os, signal
print("failpoint hit", os.environ["TOWER_FAILPOINT"], 1, os.getpid(), flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


@asynccontextmanager
async def crew_of(code: str, folder: Path) -> AsyncIterator[Crew]:
    crew = Crew(folder, os.environ, lambda _: None, (sys.executable, "-c", code))
    tending = asyncio.create_task(crew.tend())
    try:
        yield crew
    finally:
        tending.cancel()
        crew.close()


async def until(true) -> None:
    async with asyncio.timeout(WAIT_SECONDS):
        while not true():  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.01)


async def test_what_was_killed_comes_back_and_is_no_finding(tmp_path: Path) -> None:
    async with crew_of(LISTENING, tmp_path) as crew:
        crew.man(1)
        await until(crew.all[0].recovered)
        assert crew.all[0].state() == "at work"
        crew.all[0].kill()
        await until(lambda: len(crew.all) == 2 and crew.all[1].recovered())
        crew.all[1].send(signal.SIGSTOP)
        assert crew.all[1].state() == "stopped"
        crew.all[1].send(signal.SIGCONT)
        await crew.stop(WAIT_SECONDS)
        assert crew.all[1].code == 0
        await asyncio.sleep(3 * BREATH_SECONDS)
        assert len(crew.all) == 2
        assert crew.findings == []


async def test_an_end_that_nothing_excuses_is_a_finding(tmp_path: Path) -> None:
    async with crew_of(FAILING.format(says="I am tired", code=1), tmp_path) as crew:
        crew.start()
        await until(lambda: crew.findings)
        assert "ended with 1: I am tired" in crew.findings[0]


async def test_a_sentence_excuses_an_end_with_1_and_no_other(tmp_path: Path) -> None:
    async with crew_of(FAILING.format(says=f"{STALL} for 3 s", code=1), tmp_path) as crew:
        crew.start()
        await until(lambda: crew.ends)
        assert crew.findings == []
    async with crew_of(FAILING.format(says=f"{STALL} for 3 s", code=2), tmp_path) as crew:
        crew.start()
        await until(lambda: crew.ends)
        assert len(crew.findings) == 1


async def test_a_failpoint_excuses_its_own_process(tmp_path: Path) -> None:
    async with crew_of(HIT, tmp_path) as crew:
        crew.start("orders half-rows")
        await until(lambda: crew.ends)
        assert crew.ends == ["worker-0 ended with -9 (failpoint orders half-rows)"]
        assert crew.findings == []


async def test_a_failpoint_that_was_not_met_awaits_the_next(tmp_path: Path) -> None:
    async with crew_of(LISTENING, tmp_path) as crew:
        crew.man(1)
        crew.next_dies_at("orders:half-rows:1")
        crew.all[0].kill()
        await until(lambda: len(crew.all) == 2)
        crew.all[1].kill()
        await until(lambda: len(crew.all) == 3)
        assert [each.failpoint for each in crew.all] == [
            None, "orders:half-rows:1", "orders:half-rows:1",
        ]  # fmt: skip
        assert crew.unmet() == ["orders:half-rows:1"]


async def test_a_worker_that_will_not_stop_is_a_finding(tmp_path: Path) -> None:
    deaf = LISTENING.replace("lambda *_: sys.exit(0)", "signal.SIG_IGN")
    async with crew_of(deaf, tmp_path) as crew:
        crew.start()
        await until(crew.all[0].recovered)
        await crew.stop(0.1)
        assert crew.findings == ["worker-0 ran on for 0.1 s after SIGTERM"]
