"""A worker as a member of its group: the one consumer it reads all sources with."""

from collections.abc import Callable, Iterable
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from streams.config import Settings
from streams.engine.assignor import StickyAssignor
from streams.errors import TowerError
from streams.kafka import consumer_options

REJOIN_MS = 30_000  # at least, for a member to part with its partitions in a rebalance
PARTING = 3  # session timeouts; flushes may take one of them, barriers another
ANSWER_BYTES = (
    128 * 1024
)  # of a partition in one answer: it is folded before the next one's turn
LOOK_MS = 60_000  # between two looks at who leads which partition
ANSWER_MS = 250  # a broker without news answers so late


def member(settings: Settings, held: Callable[[], Iterable[TopicPartition]]) -> Any:  # noqa: ANN401
    """Return the consumer, not started; `held` is what it may go on with from memory.

    With `TOWER_INSTANCE` it is a static member: started anew within the session timeout it
    gets what it had, and nobody else notices.
    """
    session_ms = int(settings.session_timeout_seconds * 1000)
    return AIOKafkaConsumer(
        **consumer_options(settings.kafka),
        client_id=f"{settings.namespace}.worker",
        group_id=f"{settings.namespace}.worker",
        group_instance_id=settings.instance,
        partition_assignment_strategy=[StickyAssignor(held)],
        enable_auto_commit=False,  # committed is what is durable, not what was read
        auto_offset_reset="earliest",
        isolation_level="read_committed",
        session_timeout_ms=session_ms,
        heartbeat_interval_ms=int(settings.heartbeat_seconds * 1000),
        rebalance_timeout_ms=max(PARTING * session_ms, REJOIN_MS),
        max_poll_interval_ms=2**31 - 1,  # back-pressure may keep us from asking for long
        fetch_max_wait_ms=ANSWER_MS,
        max_partition_fetch_bytes=ANSWER_BYTES,
        metadata_max_age_ms=LOOK_MS,
    )


def replaced_by_another(settings: Settings) -> TowerError | None:
    """Return what to end with where the group no longer knows us, though we were never silent.

    To a static member that happens when another joins under its name: left alone, the two
    would take the place from each other for ever.
    """
    if settings.instance is None:
        return None
    return TowerError(
        f"Another worker took this one's place in the group: TOWER_INSTANCE={settings.instance}"
        " has to be given to one worker alone."
    )
