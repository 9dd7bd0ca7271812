"""What a dispatcher must remember whatever happens, behind one small interface.

Commands taken, claims before each send, endings of orders, receipts owed: small enough for
another database to take the place of the file in `sqlite.py`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Protocol

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


class Ledger(Protocol):
    """The dispatcher's memory; every method is durable when it returns."""

    async def take(self, intake: Intake) -> list[Taken]:
        """Keep commands, endings and clocks; return the commands not seen before."""

    async def pending(self) -> list[Taken]:
        """Return the commands that are not settled, oldest first."""

    async def clocks(self) -> dict[int, int]:
        """Return the tower's clock by partition, epoch ms."""

    async def known(self, command: NoticeCommand) -> Known:
        """Return what is remembered of a command and its order."""

    async def claim(self, command: NoticeCommand, channel: str) -> Claim:
        """Claim the sending of a notice over a channel, right before it is sent."""

    async def postpone(
        self, notice_id: str, channel: str, not_before: int, *, doubtful: bool
    ) -> int:
        """Count a failed try, to be repeated at `not_before`; return how often it was in doubt.

        A try that surely reached nobody gives its claim back; a doubtful one keeps it.
        """

    async def settle(self, receipt: NoticeReceipt) -> None:
        """Close a notice for good and owe its receipt."""

    async def owed(self) -> list[NoticeReceipt]:
        """Return the receipts not yet delivered."""

    async def delivered(self, receipts: Sequence[NoticeReceipt]) -> None:
        """Forget receipts that have reached their orders."""

    async def close(self) -> None:
        """Let go of the store."""
