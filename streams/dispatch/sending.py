"""One notice taken as far as it goes now: decided, claimed, tried, settled or put off.

The claim stands right before its own send. A channel that refuses for good hands the notice
to the customer's next one; one that leaves it in doubt is asked again under the same key or,
where there is no such key, left alone.
"""

import asyncio
import logging
import random
import time
from collections.abc import Callable
from dataclasses import dataclass

from jinja2 import TemplateError

from models.contacts import Channel as Contact
from models.notices import NoticeReceipt, NoticeResult
from streams.dispatch.channels.base import Message, key_of, point_of
from streams.dispatch.channels.outcomes import Outcome, backoff_ms
from streams.dispatch.claims import Claim, Ledger, State, Taken, Try
from streams.dispatch.clocks import Clocks, wall_ms
from streams.dispatch.decide import Decision, Known, Send, Suppress, Wait, decide, ways_to
from streams.dispatch.intake import ContactBook
from streams.dispatch.metrics import DispatchMetrics
from streams.dispatch.routes import Provider, Routes
from streams.dispatch.text import NO_LINKS, Links, write

log = logging.getLogger(__name__)

SEND_SECONDS = 40.0  # shorter than the lease of a claim
FALLBACK_MS = 300_000  # so long a text message in doubt may be cleared up by its provider
LOOK_AGAIN_MS = 1_000
_UNSENDABLE = (TemplateError, ValueError, OverflowError)
_INTERRUPTED = Outcome("maybe", "interrupted")


@dataclass(frozen=True, slots=True)
class _Step:
    """What one look came to: settled, wait, or (neither) look again at once."""

    done: bool = False
    wait: Wait | None = None


_DONE, _AGAIN = _Step(done=True), _Step()


@dataclass(frozen=True, slots=True)
class _Way:
    """Over which of the customer's addresses, by whom, and what is known of the notice."""

    contact: Contact
    provider: Provider
    known: Known


class Sending:
    """What a notice meets on its way; receipts of settled ones go to `settled`."""

    def __init__(  # noqa: PLR0913 (each once)
        self,
        ledger: Ledger,
        routes: Routes,
        book: ContactBook,
        clocks: Clocks,
        metrics: DispatchMetrics,
        settled: Callable[[NoticeReceipt], None],
        *,
        passing: Callable[[str], None] = lambda _: None,
        links: Links = NO_LINKS,
    ) -> None:
        self.clocks = clocks
        self._ledger = ledger
        self._routes = routes
        self._book = book
        self._metrics = metrics
        self._settled = settled
        self._passing = passing
        self._links = links
        self.stopping = False

    async def advance(self, taken: Taken) -> Wait | None:
        """Take a notice as far as it goes now; None: it is settled."""
        while not self.stopping:
            decision, known = await self._decision(taken)
            match decision:
                case Wait():
                    return decision
                case Suppress():
                    await self._suppress(taken, decision, known)
                    return None
                case Send(ways):
                    step = await self._send(taken, self._chosen(taken, ways, known))
                    if step.done or step.wait is not None:
                        return step.wait
        return Wait(None)

    async def _decision(self, taken: Taken) -> tuple[Decision, Known]:
        command = taken.command
        known = await self._ledger.known(command)
        contact = self._book.find(command.customer_id)
        now = self.clocks.moment(taken.partition)
        return decide(command, contact, known, now), known

    def _chosen(self, taken: Taken, ways: tuple[Contact, ...], known: Known) -> _Way:
        """Return the first way whose provider may be asked now, else the one soonest free."""
        found = []
        for each in ways:
            key = key_of(taken.command.notice_id, each.kind)
            provider = None
            if known.in_doubt is not None:
                provider = self._routes.named(known.in_doubt[1])
            found.append(_Way(each, provider or self._routes.pick(each.kind, key), known))
        return min(found, key=lambda way: way.provider.wait())

    async def _send(self, taken: Taken, way: _Way) -> _Step:
        async with way.provider.turn():
            # A last look: waiting for the turn may have taken a while.
            decision, known = await self._decision(taken)
            if (
                self.stopping
                or not isinstance(decision, Send)
                or way.contact not in decision.ways
            ):
                return _AGAIN
            held_back = way.provider.wait()
            if held_back > 0:
                if self._chosen(taken, decision.ways, known).provider.wait() == 0:
                    return _AGAIN
                spread = random.uniform(1, 1.5)  # noqa: S311 (no secret)
                return _Step(wait=Wait(wall_ms() + round(1_000 * held_back * spread)))
            way.provider.breaker.begin()
            self._passing("dispatcher.claiming")
            claim = await self._ledger.claim(taken.command, way.contact.kind, way.provider.name)
            if claim not in {Claim.FRESH, Claim.DOUBTFUL}:
                way.provider.breaker.release()
                return _answer_to(claim)
            self._passing("dispatcher.claimed")
            outcome = await self._try(taken, way, claim)
            way.provider.breaker.end(outcome)
            self._passing("dispatcher.tried")
        return await self._ended(taken, _Way(way.contact, way.provider, known), outcome)

    async def _try(self, taken: Taken, way: _Way, claim: Claim) -> Outcome:
        channel, command = way.provider.channel, taken.command
        if claim is Claim.DOUBTFUL:
            self._metrics.maybe.labels(channel.name).inc()
            if channel.resends == 0:
                return _INTERRUPTED
        contact = self._book.find(command.customer_id)
        try:
            text = write(command, contact, self._links)
        except _UNSENDABLE:
            return Outcome("permanent", "content")
        now = self.clocks.moment(taken.partition).tower or command.decided_at
        message = Message(
            key=key_of(command.notice_id, channel.name),
            address=way.contact.address,
            text=text,
            command=command,
            valid_seconds=max((command.expires_at - now) // 1_000, 1),
        )
        began = time.monotonic()
        try:
            async with asyncio.timeout(SEND_SECONDS):
                asyncio.get_running_loop().call_later(0.01, self._passing, "dispatcher.sending")
                outcome = await channel.send(message)
        except TimeoutError:
            outcome = Outcome("maybe", "no_answer")
        self._metrics.send_seconds.labels(channel.name, channel.provider, outcome.kind).observe(
            time.monotonic() - began
        )
        return outcome

    async def _ended(self, taken: Taken, way: _Way, outcome: Outcome) -> _Step:
        """Draw the consequence of a try."""
        match outcome.kind:
            case "accepted":
                await self._succeed(taken, way, outcome)
                return _DONE
            case "permanent" | "opted_out":
                return await self._refused(taken, way, outcome)
            case "maybe":
                return await self._doubt(taken, way, outcome)
            case "retry" | "misconfigured":
                if outcome.kind == "misconfigured":
                    log.error("%s is misconfigured: %s", way.provider.name, outcome.reason)
                return await self._later(taken, way, outcome)

    async def _succeed(self, taken: Taken, way: _Way, outcome: Outcome) -> None:
        kind, channel = taken.command.kind, way.contact.kind
        accepted_at = wall_ms()
        await self._settle(taken, "sent", None, way, outcome)
        self._metrics.sent.labels(kind, channel).inc()
        clock, promised = self.clocks.moment(taken.partition).tower, taken.command.promise_end
        if clock is not None and promised is not None and clock > promised:
            self._metrics.too_late.labels(kind).inc()
        delay = max(accepted_at - taken.asked_at, 0) / 1_000
        self._metrics.delay.labels(kind, channel).observe(delay)

    async def _refused(self, taken: Taken, way: _Way, outcome: Outcome) -> _Step:
        """Give the notice to the next channel, if there is one."""
        customer_id = taken.command.customer_id
        if outcome.bars and customer_id is not None:
            await self._ledger.bar(customer_id, point_of(way.contact), outcome.reason)
            self._metrics.barred.labels(way.contact.kind, outcome.reason).inc()
        if not self._others(taken, way):
            await self._fail(taken, outcome.reason, way, outcome)
            return _DONE
        await self._ledger.tried(_try_of(taken, way, "failed", outcome))
        return _AGAIN

    async def _doubt(self, taken: Taken, way: _Way, outcome: Outcome) -> _Step:
        """Repeat under the same key as often as the channel allows, then go on without it."""
        until = wall_ms() + backoff_ms(way.known.attempts + 1, outcome.after)
        doubts = await self._ledger.tried(_try_of(taken, way, "claimed", outcome), until)
        resends = way.provider.channel.resends
        if resends is None or doubts < resends:
            self._retried(taken, way, outcome)
            return _Step(wait=Wait(until))
        if resends > 0 and not self._others(taken, way):
            await self._fail(taken, "maybe_sent", way, outcome)
            return _DONE
        until = wall_ms() + FALLBACK_MS
        await self._ledger.tried(_try_of(taken, way, "doubt", outcome), until)
        return _Step(wait=Wait(until))

    async def _later(self, taken: Taken, way: _Way, outcome: Outcome) -> _Step:
        until = wall_ms() + backoff_ms(way.known.attempts + 1, outcome.after)
        await self._ledger.tried(_try_of(taken, way, "free", outcome), until)
        self._retried(taken, way, outcome)
        return _Step(wait=Wait(until))

    def _retried(self, taken: Taken, way: _Way, outcome: Outcome) -> None:
        kind, channel = taken.command.kind, way.contact.kind
        self._metrics.retried.labels(kind, channel, outcome.reason).inc()

    def _others(self, taken: Taken, way: _Way) -> bool:
        """Return whether another channel is left for a notice."""
        contact = self._book.find(taken.command.customer_id)
        spent = way.known.spent | {way.contact.kind}
        known = Known(spent=spent, barred=way.known.barred)
        return bool(ways_to(contact, known, self._routes.channels))

    async def _suppress(self, taken: Taken, decision: Suppress, known: Known) -> None:
        command = taken.command
        if known.doubtful:
            await self._fail(taken, "maybe_sent", None, None)
            return
        await self._settle(taken, "suppressed", decision.reason, None, None)
        self._metrics.suppressed.labels(command.kind, decision.reason).inc()

    async def _fail(
        self, taken: Taken, reason: str, way: _Way | None, outcome: Outcome | None
    ) -> None:
        await self._settle(taken, "failed", reason, way, outcome)
        channel = "none" if way is None else way.contact.kind
        self._metrics.failed.labels(taken.command.kind, channel, reason).inc()

    async def _settle(
        self,
        taken: Taken,
        result: NoticeResult,
        reason: str | None,
        way: _Way | None,
        outcome: Outcome | None,
    ) -> None:
        command, made = taken.command, None
        if way is not None and outcome is not None:
            made = _try_of(taken, way, _state_of(result, reason), outcome)
        now = self.clocks.moment(taken.partition)
        receipt = NoticeReceipt(
            notice_id=command.notice_id,
            order_id=command.order_id,
            kind=command.kind,
            version=command.version,
            result=result,
            reason=reason,
            channel=None if way is None else way.contact.kind,
            provider=None if way is None else way.provider.name,
            eta=command.eta,
            at=now.wall if now.tower is None else now.tower,
        )
        await self._ledger.settle(receipt, made)
        self._settled(receipt)


def _answer_to(claim: Claim) -> _Step:
    """Return what follows where a notice could not be claimed."""
    if claim is Claim.SETTLED:
        return _DONE
    if claim is Claim.HELD:
        return _Step(wait=Wait(wall_ms() + LOOK_AGAIN_MS))
    return _AGAIN


def _state_of(result: NoticeResult, reason: str | None) -> State:
    if result == "sent":
        return "sent"
    return "doubt" if reason == "maybe_sent" else "failed"


def _try_of(taken: Taken, way: _Way, state: State, outcome: Outcome) -> Try:
    return Try(
        taken.command.notice_id, way.contact.kind, state, outcome.reason, outcome.reference
    )
