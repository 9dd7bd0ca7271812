"""What the doctor has seen of a tower: plain values, from which alone it judges.

Topics bear their short names. Instants and spans are epoch milliseconds and milliseconds;
`at` is this machine's clock, `clocks` are the tower's own.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from models.base import Millis
from streams import topics

# What the workers read, and what the dispatcher reads.
SOURCES = (
    topics.ORDER_EVENTS,
    topics.COURIER_EVENTS,
    topics.ORDER_LOG,
    topics.COURIER_LOG,
    topics.GROUP_LOG,
    topics.TRAINING,
)
DISPATCHED = (topics.NOTICE_COMMANDS, topics.CONTACT_UPDATES)

Partition = tuple[str, int]
Offsets = Mapping[Partition, int]


@dataclass(frozen=True, slots=True)
class Unseen:
    """A place that could not be looked at, and why, as a sentence."""

    why: str


@dataclass(frozen=True, slots=True)
class Place:
    """Which tower is looked at; `clock` is what the settings say of it."""

    brokers: str
    namespace: str
    clock: str = "wall"


@dataclass(frozen=True, slots=True)
class Member:
    """One process in a group: its id with the broker, its host, what it was given."""

    name: str
    host: str
    partitions: frozenset[Partition] = frozenset()


@dataclass(frozen=True, slots=True)
class Group:
    """A consumer group; `state` as the broker calls it (`Stable`, `Empty`, `Dead`, ...)."""

    name: str
    state: str
    members: tuple[Member, ...] = ()

    def owner(self, partition: Partition) -> Member | None:
        """Return who was given a partition."""
        return next((each for each in self.members if partition in each.partitions), None)


@dataclass(frozen=True, slots=True)
class Look:
    """The moving parts at one moment.

    `logs` are [begin, end) of every partition that exists; `applied` and `read` the committed
    offsets of workers and dispatcher; `clocks` what was published on `kpi-cells`, by key;
    `times` and `rules` which clock modes and rule sets the workers publish.
    """

    at: Millis
    workers: Group
    dispatchers: Group
    logs: Mapping[Partition, tuple[int, int]]
    applied: Offsets
    read: Offsets
    clocks: Mapping[str, Millis]
    times: frozenset[str] = frozenset()
    rules: frozenset[str] = frozenset()

    def lag(self, partition: Partition, committed: Offsets) -> int:
        """Return how many records of a partition a group has not committed."""
        begin, end = self.logs.get(partition, (0, 0))
        return max(0, end - max(begin, committed.get(partition, begin)))

    def partitions(self, topic: str) -> list[Partition]:
        """Return the partitions a topic has."""
        return sorted(each for each in self.logs if each[0] == topic)


@dataclass(frozen=True, slots=True)
class Looks:
    """Two looks, some seconds apart: what stands still differs from what is slow."""

    first: Look
    second: Look

    @property
    def apart(self) -> Millis:
        """Return the time between the looks."""
        return self.second.at - self.first.at


@dataclass(frozen=True, slots=True)
class Letters:
    """Dead letters of the last hour and quarter of an hour; `reasons` of the newest of them."""

    hour: int
    quarter: int
    reasons: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Unread:
    """Notices that the dispatcher has not read; `cut`: there may be more.

    `oldest` is when the first of them was decided and `expired` how many say nothing any
    more, both by the tower's clock.
    """

    notices: int = 0
    oldest: Millis | None = None
    expired: int = 0
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Claims:
    """The dispatcher's file on this machine.

    `oldest` is when the first waiting notice was asked for, `owed_since` when the first
    notice was settled whose order has not heard of it: this machine's clock.
    """

    file: str
    waiting: int
    oldest: Millis | None
    expired: int
    owed: int
    owed_since: Millis | None
    free: int


@dataclass(frozen=True, slots=True)
class Seen:
    """Everything the doctor looked at; `broker` None: one answers."""

    at: Millis
    place: Place
    broker: Unseen | None
    topics: tuple[str, ...] | Unseen
    looks: Looks | Unseen
    letters: Letters | Unseen
    unread: Unread | Unseen
    model: bool | Unseen | None
    rules: str | Unseen
    claims: Claims | Unseen
