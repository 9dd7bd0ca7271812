"""What a dispatcher must remember whatever happens, behind one small interface.

Commands taken, claims before each send, endings of orders, receipts owed. `store.py` keeps
them in SQL, in a file (`sqlite.py`) or in PostgreSQL (`postgres.py`).
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Literal, Protocol

from models.notices import NoticeCommand, NoticeReceipt, NoticeSuperseded, NoticeTick
from streams.dispatch.decide import Known


@dataclass(frozen=True, slots=True)
class Taken:
    """A command off partition `partition`; `asked_at` is its append time, epoch ms."""

    command: NoticeCommand
    partition: int
    asked_at: int


@dataclass(slots=True)
class Intake:
    """What one read of `notice-commands` brought, made durable before its offsets are.

    Messages of one order stand in the order in which they were appended: an ending takes
    back every command before it.
    """

    messages: list[Taken | NoticeSuperseded] = field(default_factory=list)
    ticks: list[NoticeTick] = field(default_factory=list)

    @property
    def commands(self) -> list[Taken]:
        """Return the commands, in their order."""
        return [each for each in self.messages if isinstance(each, Taken)]

    @property
    def endings(self) -> list[NoticeSuperseded]:
        """Return the endings, in their order."""
        return [each for each in self.messages if isinstance(each, NoticeSuperseded)]


class Claim(Enum):
    """The answer to a claim."""

    FRESH = auto()  # nobody has sent this: send
    DOUBTFUL = auto()  # somebody began to: send again under the same id
    ENDED = auto()  # the order ended meanwhile: decide again
    SETTLED = auto()  # done already: leave it alone
    HELD = auto()  # another dispatcher is sending it now: look again later


# What a try leaves of its claim. free: it reached nobody; claimed: in doubt, to be repeated;
# doubt: in doubt, never to be repeated; failed: refused for good; sent: accepted.
State = Literal["free", "claimed", "doubt", "failed", "sent"]


@dataclass(frozen=True, slots=True)
class Try:
    """A try over a channel as it is remembered: what it leaves, and what came back."""

    notice_id: str
    channel: str
    state: State
    reason: str = ""
    reference: str | None = None


class Ledger(Protocol):
    """The dispatcher's memory; every method is durable when it returns."""

    shared: bool  # other dispatchers write to it too

    async def take(self, intake: Intake) -> list[Taken]:
        """Keep commands, endings and clocks; return the commands not seen before."""

    async def pending(self, partitions: Collection[int] | None = None) -> list[Taken]:
        """Return the commands of some partitions that are not settled, oldest first."""

    async def clocks(self) -> dict[int, int]:
        """Return the tower's clock by partition, epoch ms."""

    async def known(self, command: NoticeCommand) -> Known:
        """Return what is remembered of a command and its order."""

    async def claim(self, command: NoticeCommand, channel: str, provider: str) -> Claim:
        """Claim the sending of a notice over a channel, right before it is sent."""

    async def tried(self, made: Try, not_before: int | None = None) -> int:
        """Remember a try that settles nothing; return how often it has been in doubt.

        Where it is to be repeated, at `not_before` (epoch ms), it counts as an attempt.
        """

    async def bar(self, customer_id: str, point: str, reason: str) -> None:
        """Never use one address of a customer again."""

    async def forget(self, customer_id: str) -> None:
        """Forget what is remembered of a customer's addresses."""

    async def settle(self, receipt: NoticeReceipt, made: Try | None = None) -> None:
        """Close a notice for good and owe its receipt, `made` being the try that did it."""

    async def owed(self, partitions: Collection[int] | None = None) -> list[NoticeReceipt]:
        """Return the receipts not yet delivered."""

    async def delivered(self, receipts: Sequence[NoticeReceipt]) -> None:
        """Forget receipts that have reached their orders."""

    async def twice(self) -> list[str]:
        """Return the notices that were sent under more than one key; always none."""

    async def close(self) -> None:
        """Let go of the store."""
