"""Every check of the doctor in one table, and the verdicts they come to. Pure."""

from collections.abc import Callable
from dataclasses import dataclass

from streams.doctor import aside, flow
from streams.doctor.clocks import clocks
from streams.doctor.finding import Finding, Verdict
from streams.doctor.seen import Seen


@dataclass(frozen=True, slots=True)
class Check:
    """One check: its name, what it looks at, how it judges; `kafka`: it needs a broker."""

    name: str
    looks_at: str
    judge: Callable[[Seen], list[Finding]]
    kafka: bool = True


CHECKS = (
    Check("broker", "whether a Kafka broker answers", aside.broker, kafka=False),
    Check("topics", "topics, their partitions and settings", aside.topics),
    Check("workers", "the group of the workers and who has which partition", flow.workers),
    Check("lag", "records not applied yet, and whether they become fewer", flow.lag),
    Check("clocks", "the tower's clock, and who holds it back", clocks),
    Check("dead-letters", "messages set aside in the last hour", aside.letters),
    Check("rules", "the rules the workers judge by, and those of the file here", aside.rules),
    Check("model", "the age of the model that predicts", aside.model),
    Check(
        "dispatcher", "the dispatcher's group and the notices it has not read", flow.dispatcher
    ),
    Check(
        "claims", "notices in the dispatcher's file on this machine", aside.claims, kafka=False
    ),
    Check("disk", "room on the disk of the dispatcher's file", aside.disk, kafka=False),
)
NO_BROKER = (Finding("unseen", "No broker answers."),)
NAMES = tuple(check.name for check in CHECKS)


@dataclass(frozen=True, slots=True)
class Judged:
    """What a check came to; its findings all have one verdict."""

    check: Check
    verdict: Verdict
    findings: tuple[Finding, ...]


def judge(seen: Seen, without: frozenset[str] = frozenset()) -> list[Judged]:
    """Return the verdict of every check that is not left out, in the order of the table."""
    return [_judged(check, seen) for check in CHECKS if check.name not in without]


def _judged(check: Check, seen: Seen) -> Judged:
    if check.kafka and seen.broker is not None:
        return Judged(check, "unseen", NO_BROKER)
    findings = check.judge(seen)
    worst: Verdict = next(
        (
            verdict
            for verdict in ("wrong", "unseen")
            if any(each.verdict == verdict for each in findings)
        ),
        "ok",
    )
    return Judged(check, worst, tuple(findings))


def healthy(judged: list[Judged]) -> bool:
    """Return whether nothing is wrong; what could not be looked at here is no fault."""
    return all(each.verdict != "wrong" for each in judged)
