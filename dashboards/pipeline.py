"""The board of the tower itself: does it run, keep up, and read everything?"""

from grafana_foundation_sdk.builders import dashboard as boards
from grafana_foundation_sdk.models import units

from dashboards import frame, house, links, panels
from dashboards.house import HOUR, RATE, Text, query
from dashboards.rules import JOB

TITLE = "Tower / Pipeline"
ABOUT = (
    "The tower's own health: processes, clocks, lag, what is set aside, commits and recovery. "
    "When something here is red, numbers of carriers on the other boards lag behind."
)
SOON: house.Steps = ((None, "green"), (15, "orange"), (60, "red"))
WAITS: house.Steps = ((None, "green"), (1_000, "orange"), (20_000, "red"))


def board() -> boards.Dashboard:
    """Return the board of the pipeline."""
    return frame.board(
        TITLE,
        links.PIPELINE,
        ABOUT,
        (
            ("Does it run?", _runs()),
            ("Does it keep up?", _keeps_up()),
            ("What could it not read?", _refused()),
            ("Is what it says durable?", _durable()),
            ("Can it be measured?", _measured()),
        ),
    )


def _runs() -> list[panels.Panel]:
    answering = "sum(up{%s}) or vector(0)"
    there: house.Steps = ((None, "red"), (1, "green"))
    return [
        panels.number(
            Text(
                "Workers answering",
                "Workers that answered their last scrape. None: nothing is judged and nobody "
                "is warned; follow the runbook TowerAbsent.",
            ),
            answering % JOB,
            there,
        ),
        panels.number(
            Text(
                "Dispatchers answering",
                "Dispatchers that answered their last scrape. None: notices wait and expire; "
                "start it with its claims file. More than one: stop the others.",
            ),
            answering % 'job="tower-dispatcher"',
            ((None, "red"), (1, "green"), (2, "red")),
        ),
        panels.number(
            Text(
                "Clock behind the present",
                "How far the slowest partition's clock is behind. More than a minute: "
                "deadlines pass late; `tower doctor` names who holds it back.",
                units.Seconds,
            ),
            "max(tower_clock_lag_seconds)",
            SOON,
            nothing="feed clock",
        ),
        panels.number(
            Text(
                "Newest event received",
                "Age of the newest event. Growing by day: producers have stopped or cannot "
                "reach Kafka; compare the two topics below.",
                units.Seconds,
            ),
            "time() - max(tower_last_event_timestamp_seconds)",
            ((None, "green"), (300, "orange"), (900, "red")),
        ),
        panels.number(
            Text(
                "Records waiting",
                "Records of all topics not yet applied. When it stays high start another "
                "worker; when it never falls, one hangs: find its partition below.",
            ),
            f"sum(tower_consumer_lag_records{{{JOB}}})",
            WAITS,
        ),
        panels.number(
            Text(
                "Works through a backlog",
                "1 while a worker catches up: no notices are planned meanwhile, and outcomes "
                "of carriers come in a burst. Wait for it; do not restart.",
            ),
            "max(tower_replay_in_progress)",
            ((None, "green"), (1, "orange")),
        ),
        panels.number(
            Text(
                "Oldest commit",
                "Age of the oldest last barrier; up to ten seconds in good health, those of "
                "the learner. A minute: Kafka does not acknowledge; the worker ends itself "
                "and starts again.",
                units.Seconds,
            ),
            "max(tower_commit_age_seconds)",
            SOON,
        ),
        panels.number(
            Text(
                "Set aside, last hour",
                "Messages nobody could read. Any: `tower dead-letters list` says why; repair "
                "the producer, then send them again.",
            ),
            f"sum(increase(tower_events_dead_lettered_total{HOUR})) or vector(0)",
            ((None, "green"), (1, "orange"), (1_000, "red")),
        ),
    ]


def _keeps_up() -> list[panels.Panel]:
    delay = f"sum by (topic, le) (rate(tower_event_delay_seconds_bucket{RATE}))"
    work = f"sum by (agent, le) (rate(tower_event_processing_seconds_bucket{RATE}))"
    return [
        panels.lines(
            Text(
                "Events accepted a second",
                "By topic, and copies of events known already. A topic at zero by day has lost "
                "its producer; many copies: a producer sends again and again.",
                units.EventsPerSecond,
            ),
            query(f"sum by (topic) (rate(tower_events_consumed_total{RATE}))", "{{topic}}"),
            query(
                f"sum by (topic) (rate(tower_events_duplicate_total{RATE}))",
                "{{topic}} again",
                "B",
            ),
        ),
        panels.lines(
            Text(
                "Records waiting by topic",
                "All of a topic, and its worst partition. One partition alone: its worker "
                "hangs. All of them: too few workers, or slow Kafka.",
            ),
            query("sum by (topic) (tower_consumer_lag_records)", "{{topic}}"),
            query("max by (topic) (tower_consumer_lag_records)", "{{topic}} worst", "B"),
        ),
        panels.lines(
            Text(
                "Newest event received by topic",
                "Age of the newest event of a topic. A steady climb is a feed that stopped; "
                "a saw with large teeth is a feed that comes in batches.",
                units.Seconds,
            ),
            query("time() - max by (topic) (tower_last_event_timestamp_seconds)", "{{topic}}"),
        ),
        panels.lines(
            Text(
                "From an event to its receipt",
                "Half of the events, and all but 1 in 100. Growing at the source: tell whoever "
                "sends them; predictions and notices can only be as early as this.",
                units.Seconds,
            ),
            query(f"histogram_quantile(0.5, {delay})", "{{topic}} half"),
            query(f"histogram_quantile(0.99, {delay})", "{{topic}} 99 of 100", "B"),
        ),
        panels.lines(
            Text(
                "Time an agent takes for a record",
                "All but 1 in 100, by agent. One agent rising: its partition has orders with "
                "very many events, or the machine is short of processor.",
                units.Seconds,
            ),
            query(f"histogram_quantile(0.99, {work})", "{{agent}}"),
        ),
        panels.lines(
            Text(
                "Clock behind the present, by worker",
                "Seconds; 3 to 5 in good health. One worker alone: restart it. All: the "
                "inbound topics have a partition without a leader.",
                units.Seconds,
            ),
            query("tower_clock_lag_seconds", "{{instance}}"),
        ),
    ]


def _refused() -> list[panels.Panel]:
    return [
        panels.lines(
            Text(
                "Events set aside by reason, an hour",
                "Read some with `tower dead-letters list`; a new reason is a producer that "
                "changed its format, and its events are missing from all numbers.",
            ),
            query(
                f"sum by (topic, reason) (rate(tower_events_rejected_total{RATE})) * 3600 > 0",
                "{{topic}} {{reason}}",
            ),
            stacked=True,
        ),
        panels.lines(
            Text(
                "Events by kind, an hour",
                "A kind that vanishes is a state that orders do not leave: ask its producer. "
                "Many withdrawn events: somebody corrects a mistake.",
            ),
            query(
                f"sum by (event_type) (rate(tower_events_consumed_total{RATE})) * 3600 > 0",
                "{{event_type}}",
            ),
            stacked=True,
            many=True,
        ),
        panels.lines(
            Text(
                "Events received late, an hour",
                "Events received more than six hours after they happened. They still count in "
                "the report; a notice of them would be stale, so none is sent.",
            ),
            query(f"sum by (topic) (rate(tower_events_late_total{RATE})) * 3600", "{{topic}}"),
        ),
    ]


def _durable() -> list[panels.Panel]:
    return [
        panels.lines(
            Text(
                "Age of commits by topic",
                "The oldest partition of each topic. A line that climbs is a partition whose "
                "writes Kafka does not acknowledge: look at that broker.",
                units.Seconds,
            ),
            query("max by (topic) (tower_partition_commit_age_seconds)", "{{topic}}"),
        ),
        panels.lines(
            Text(
                "Flushes and pauses",
                "Flushes in flight and partitions that wait for them. Pauses that last: Kafka "
                "is too slow for this load; look at its disks.",
            ),
            query("sum(tower_flushes_in_flight)", "in flight"),
            query("sum(tower_partitions_paused)", "paused partitions", "B"),
            query(f"sum(rate(tower_flushes_total{RATE}))", "flushes a second", "C"),
        ),
        panels.lines(
            Text(
                "Recovery after a start",
                "Offsets read and wanted by recoveries under way; both 0 in good health. "
                "Reading does not move: the changelog's broker is away.",
            ),
            query("sum(tower_recovery_offsets_read)", "read"),
            query("sum(tower_recovery_offsets_wanted)", "wanted", "B"),
        ),
        panels.lines(
            Text(
                "Rebalances, an hour",
                "Assignments of partitions. More than the starts you made: a worker is too "
                "slow to answer in its session; give it more processor or a longer session.",
            ),
            query(f"sum(rate(tower_rebalances_total{RATE})) * 3600", "rebalances"),
        ).span(12),
        panels.lines(
            Text(
                "Offsets without a record",
                "Control records and what retention removed before it was read. Jumps at a "
                "start after a long outage: events were lost; send them again from the "
                "source.",
            ),
            query("sum(tower_holes)", "offsets"),
        ).span(12),
    ]


def _measured() -> list[panels.Panel]:
    tower = 'job=~"tower-.+"'
    return [
        panels.lines(
            Text(
                "Time a scrape takes",
                "By process. Near ten seconds scrapes fail and boards have gaps: fewer "
                "carriers a worker, so start another.",
                units.Seconds,
            ),
            query(f"scrape_duration_seconds{{{tower}}}", "{{job}} {{instance}}"),
        ).span(12),
        panels.lines(
            Text(
                "Series a scrape brings",
                "By process. Near the limit of deploy/prometheus/prometheus.yml the whole "
                "scrape is refused: name the carriers that matter in the rules file.",
            ),
            query(f"scrape_samples_scraped{{{tower}}}", "{{job}} {{instance}}"),
        ).span(12),
    ]
