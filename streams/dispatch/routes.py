"""Which provider a notice is given to: shares, pace, and a breaker for each.

A provider that fails half of its calls is left alone for a while and then asked once; one
that fails every tenth gets a tenth of its share. Times are seconds of the monotonic clock.
"""

import asyncio
import hashlib
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager

from aiolimiter import AsyncLimiter

from streams.dispatch.channels.base import Channel
from streams.dispatch.channels.outcomes import Outcome

WINDOW_SECONDS = 30.0
OPEN_SECONDS = 20.0
AT_LEAST = 10  # calls in the window before a share of failures means anything
OPENS_AT = 0.5
DEMOTES_AT = 0.1
DEMOTION = 10


class Breaker:
    """Open after too many failures; then exactly one probe tells whether it closes.

    `opened` counts how often it opened.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._calls: deque[tuple[float, bool]] = deque()
        self._until: float | None = None
        self._probing = False
        self.opened = 0

    @property
    def open(self) -> bool:
        """Return whether calls are held back."""
        return self._until is not None

    def wait(self) -> float:
        """Return the seconds until a call may be made, 0.0: now."""
        if self._until is None:
            return 0.0
        left = self._until - self._clock()
        if left > 0:
            return left
        return 1.0 if self._probing else 0.0

    def begin(self) -> None:
        """Say that a call is made; while it is open, that is the probe."""
        self._probing = self._until is not None

    def end(self, outcome: Outcome) -> None:
        """Learn how a call ended."""
        failed, now = outcome.blames_provider, self._clock()
        self._calls.append((now, failed))
        if self._probing:
            self._probing = False
            if failed:
                self._until = now + OPEN_SECONDS
            else:
                self._until = None
                self._calls.clear()
        elif outcome.kind == "misconfigured" or self._share(AT_LEAST) >= OPENS_AT:
            if self._until is None:
                self.opened += 1
            self._until = now + OPEN_SECONDS

    def release(self) -> None:
        """Take back a `begin` whose call was never made."""
        self._probing = False

    @property
    def demoted(self) -> bool:
        """Return whether too many calls fail for a full share of them."""
        return self._share(AT_LEAST) >= DEMOTES_AT

    def _share(self, at_least: int) -> float:
        since = self._clock() - WINDOW_SECONDS
        while self._calls and self._calls[0][0] < since:
            self._calls.popleft()
        if len(self._calls) < at_least:
            return 0.0
        return sum(failed for _, failed in self._calls) / len(self._calls)


class Provider:
    """One provider of a channel, how much it may be given, and how it is doing."""

    def __init__(
        self,
        channel: Channel,
        *,
        weight: int = 1,
        parallel: int = 20,
        rate: float | None = None,
        breaker: Breaker | None = None,
    ) -> None:
        self.channel = channel
        self.name = channel.provider
        self.weight = weight
        self.breaker = breaker or Breaker()
        self._slots = asyncio.Semaphore(parallel)
        self._pace = (
            None if rate is None else AsyncLimiter(max(rate / 10, 1), max(1 / rate, 0.1))
        )

    @property
    def share(self) -> float:
        """Return the weight it has now."""
        return self.weight / DEMOTION if self.breaker.demoted else self.weight

    def wait(self) -> float:
        """Return the seconds until it may be asked; a webhook's URL is judged by itself."""
        return 0.0 if self.channel.name == "webhook" else self.breaker.wait()

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for a place among its calls and for its pace."""
        async with self._slots:
            if self._pace is not None:
                await self._pace.acquire()
            yield


class Routes:
    """All providers, by channel."""

    def __init__(self, providers: Iterable[Provider]) -> None:
        self.providers = tuple(providers)
        self.channels = frozenset(each.channel.name for each in self.providers)

    def named(self, name: str) -> Provider | None:
        """Return a provider by its name."""
        return next((each for each in self.providers if each.name == name), None)

    def pick(self, channel: str, key: str) -> Provider:
        """Return who gets a notice: by shares among those that may be asked, else the soonest.

        The same key meets the same provider for as long as the shares stay.
        """
        able = [each for each in self.providers if each.channel.name == channel]
        ready = [each for each in able if each.wait() == 0.0]
        if not ready:
            return min(able, key=Provider.wait)
        place = int.from_bytes(hashlib.sha256(key.encode()).digest()[:8]) / 2**64
        place *= sum(each.share for each in ready)
        for each in ready:
            place -= each.share
            if place < 0:
                return each
        return ready[-1]

    async def close(self) -> None:
        """Let go of all connections."""
        for each in self.providers:
            await each.channel.close()
