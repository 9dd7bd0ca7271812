"""Whether this worker may still send: the age of its last heartbeat, and of its own loop.

The group gives a silent worker's partitions away after the session timeout. Long before, at
half of it, the worker stops sending. If the heartbeats fail (the broker is away) it waits for
the next good one; if its own loop stood still (a stopped process, a starved machine) it ends,
because nothing it remembers about the group can be trusted. A heartbeat is as old as its
question: its answer may have lain unread for as long as the loop was busy.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Any

from streams.errors import TowerError

log = logging.getLogger(__name__)

UNKNOWN_MEMBER = ""  # aiokafka's id of a member that has to join anew


class Pulse:
    """The last good heartbeat and the last turn of the loop, both on the monotonic clock."""

    def __init__(self, session_timeout: float) -> None:
        """Allow half of `session_timeout` (seconds) without a sign of life."""
        self.limit = session_timeout / 2
        self.heartbeat_at = time.monotonic()
        self._again = asyncio.Event()
        self._silent = False  # said so, and not yet that it is over
        self._turned()

    def beat(self, asked_at: float | None = None) -> None:
        """Note that the coordinator confirmed this member, now or when it was asked."""
        self.heartbeat_at = time.monotonic() if asked_at is None else asked_at
        self._again.set()

    def fresh(self) -> bool:
        """Return whether the last heartbeat is young enough to send."""
        return time.monotonic() - self.heartbeat_at <= self.limit

    def check(self) -> None:
        """Raise if the loop stood still for too long before this call, other than by work."""
        worked = time.process_time() - self._worked
        still = time.monotonic() - self._turned_at - worked
        if still > self.limit:
            raise TowerError(
                f"the worker stood still for {still:.1f} s, more than half of its session "
                "timeout, and ends because its partitions may have a new owner"
            )

    async def wait(self) -> None:
        """Return once sending is allowed."""
        self.check()
        if self.fresh():
            return
        if not self._silent:
            self._silent = True
            log.warning("sending waits: no heartbeat for %.1f s", self.limit)
        while not self.fresh():
            self._again.clear()
            await self._again.wait()
            self.check()
        if self._silent:
            self._silent = False
            log.info("sending goes on")

    async def run(self) -> None:
        """Turn with the loop until cancelled; raise when it stood still."""
        self._turned()
        while True:
            await asyncio.sleep(self.limit / 10)
            self.check()
            self._turned()

    def _turned(self) -> None:
        self._turned_at = time.monotonic()
        self._worked = time.process_time()

    def listen(self, consumer: Any, forgotten: Callable[[], None]) -> None:  # noqa: ANN401
        """Hear every heartbeat of a consumer that was started.

        `forgotten` is called where the coordinator answers that it knows no such member
        although the last good heartbeat is young: another took its place.

        aiokafka keeps the time of its last good heartbeat in a local variable, so its
        coordinator's method is wrapped; tests/engine/test_versions.py guards the version.
        """
        coordinator = consumer._coordinator  # noqa: SLF001
        send = coordinator._do_heartbeat  # noqa: SLF001

        async def heard() -> bool:
            asked_at = time.monotonic()
            good: bool = await send()
            if good:
                self.beat(asked_at)
            elif coordinator.member_id == UNKNOWN_MEMBER and self.fresh():
                forgotten()
            return good

        coordinator._do_heartbeat = heard  # noqa: SLF001
