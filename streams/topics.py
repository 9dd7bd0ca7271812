"""Every topic in one table: name, partitions, cleanup and settings (contract section 6)."""

from dataclasses import dataclass, field

from streams.domain.zones import DAY_MS, HOUR_MS

MIB = 1024 * 1024

ORDER_EVENTS = "order-events"
COURIER_EVENTS = "courier-events"
CONTACT_UPDATES = "contact-updates"
CONTACTS = "contacts"
RULES = "rules"
ORDER_LOG = "order-log"
COURIER_LOG = "courier-log"
GROUP_LOG = "group-log"
ORDER_FACTS = "order-facts"
KPI_CELLS = "kpi-cells"
NOTICE_COMMANDS = "notice-commands"
NOTICE_SWITCHES = "notice-switches"
DEAD_LETTERS = "dead-letters"
TRAINING = "training"
MODEL = "model"
DESK = "desk"


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic; `partitions` None takes the namespace's count (all logs share one)."""

    name: str
    partitions: int | None = None
    config: dict[str, str] = field(default_factory=dict)


def _deleted(days: int, **more: str) -> dict[str, str]:
    return {"cleanup.policy": "delete", "retention.ms": str(days * DAY_MS)} | {
        key.replace("_", "."): value for key, value in more.items()
    }


def _compacted(**more: str) -> dict[str, str]:
    return {"cleanup.policy": "compact", "min.compaction.lag.ms": str(HOUR_MS)} | {
        key.replace("_", "."): value for key, value in more.items()
    }


_INBOUND = {"message_timestamp_type": "LogAppendTime", "max_message_bytes": str(MIB)}

TOPICS: tuple[Topic, ...] = (
    Topic(ORDER_EVENTS, config=_deleted(7, **_INBOUND)),
    Topic(COURIER_EVENTS, config=_deleted(7, **_INBOUND)),
    Topic(CONTACT_UPDATES, config=_deleted(1, **_INBOUND)),
    Topic(CONTACTS, config=_compacted()),
    Topic(RULES, partitions=1, config=_compacted()),
    Topic(ORDER_LOG, config=_deleted(30)),
    Topic(COURIER_LOG, config=_deleted(2)),
    Topic(GROUP_LOG, config=_deleted(7)),
    Topic(ORDER_FACTS, config=_deleted(30)),
    Topic(KPI_CELLS, config=_compacted()),
    Topic(NOTICE_COMMANDS, config=_deleted(7)),
    Topic(
        NOTICE_SWITCHES,
        partitions=1,
        config={"cleanup.policy": "delete", "retention.ms": "-1"},
    ),
    Topic(DEAD_LETTERS, config=_deleted(14, max_message_bytes=str(2 * MIB))),
    Topic(DESK, partitions=1, config=_compacted()),
    Topic(TRAINING, partitions=1, config=_deleted(7)),
    Topic(MODEL, partitions=1, config=_compacted()),
    Topic("ingest-order-events-changelog", config=_compacted()),
    Topic("ingest-courier-events-changelog", config=_compacted()),
    Topic("orders-changelog", config=_compacted()),
    Topic("couriers-changelog", config=_compacted()),
    Topic("groups-changelog", config=_compacted()),
)


def named(namespace: str, topic: str) -> str:
    """Return a topic's full name, the namespace before it."""
    return f"{namespace}.{topic}"
