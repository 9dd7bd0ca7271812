"""One visit of the doctor: look at everything, judge, and say it as text or JSON."""

import json
import time
from pathlib import Path

from streams.config import Settings
from streams.doctor.judge import NO_BROKER, Judged, healthy
from streams.doctor.local import claims_at, rules_at
from streams.doctor.look import look_at
from streams.doctor.seen import Place, Seen, Unseen
from streams.domain.zones import instant

_MARKS = {"ok": "ok", "wrong": "WRONG", "unseen": "-"}


async def see(settings: Settings, rules: Path | None) -> Seen:
    """Look at a tower; `rules` is the file it should judge by. Never raises."""
    kafka = await look_at(settings)
    clocks = {} if isinstance(kafka.looks, Unseen) else kafka.looks.second.clocks
    by_inbox = {
        int(key.split("/")[1]): at for key, at in clocks.items() if key.startswith("orders/")
    }
    return Seen(
        at=time.time_ns() // 1_000_000,
        place=Place(settings.brokers, settings.namespace, settings.clock),
        broker=kafka.broker,
        topics=kafka.topics,
        looks=kafka.looks,
        letters=kafka.letters,
        unread=kafka.unread,
        model=kafka.model,
        rules=rules_at(rules),
        claims=claims_at(settings.claims, by_inbox),
    )


def as_lines(judged: list[Judged]) -> str:
    """Return the verdicts for reading, what to do first below what is seen."""
    width = max((len(each.check.name) for each in judged), default=0)
    lines = []
    blind = [each.check.name for each in judged if each.findings == NO_BROKER]
    for each in judged:
        for finding in () if each.findings == NO_BROKER else each.findings:
            lines.append(
                f"{_MARKS[finding.verdict]:5}  {each.check.name:{width}}  {finding.seen}"
            )
            if finding.first:
                lines.append(f"{'':5}  {'':{width}}  First: {finding.first}")
    if blind:
        lines.append(
            f"{_MARKS['unseen']:5}  Not looked at without a broker: {', '.join(blind)}."
        )
    wrong = sum(each.verdict == "wrong" for each in judged)
    lines.append(f"Something is wrong in {wrong}." if wrong else "Nothing is wrong.")
    return "\n".join(lines)


def as_json(seen: Seen, judged: list[Judged]) -> str:
    """Return the verdicts as JSON; keys are only ever added."""
    said = {
        "schema": 1,
        "at": instant(seen.at).isoformat(timespec="milliseconds"),
        "namespace": seen.place.namespace,
        "healthy": healthy(judged),
        "checks": [
            {
                "name": each.check.name,
                "looks_at": each.check.looks_at,
                "verdict": each.verdict,
                "findings": [
                    {"verdict": one.verdict, "seen": one.seen, "first": one.first}
                    for one in each.findings
                ],
            }
            for each in judged
        ],
    }
    return json.dumps(said, indent=1)
