"""Tower against oracle: the same lines through both, the reports compared field by field.

    python -m tests.domain.duel --seeds 5000

prints the first history on which they differ, without the events that do not matter; after
`--inbox` it compares replay with the orders fold over random inboxes instead.
"""

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

from models.rules import Rules
from streams.domain.judgement import Judgement
from streams.replay import Replay
from tests import oracle
from tests.domain import inbox
from tests.domain.histories import aimed, history, lines, text
from tests.domain.worlds import world
from tests.oracle.report import Judged

Json = dict[str, Any]
QUANTILES = {
    "median", "p90", "slack_median", "slack_p90", "p50_abs", "p80_abs", "p90_abs", "p95_abs",
}  # fmt: skip
WHOLE = {"carriers", "service", "region", "reasons", "events"}  # no key more, no key less
DEFAULTS = (
    "grace_minutes", "early_minutes", "day_end", "maturity_days", "neighbour_counts",
)  # fmt: skip
RETENTION = ("ended_days", "silent_days", "stub_days")
FOR_EVER = 1 << 50  # the definitions know no end of a customer's history
SPARE = (
    "observed_at", "time_quality", "timezone", "service", "region", "to", "consented",
    "direction", "colour",
)  # fmt: skip


def rules_of(rules: Json) -> Rules:
    """Return the oracle's plain rules as the tower's."""
    told = {
        "schema": 1,
        "defaults": {name: rules[name] for name in DEFAULTS},
        "retention": {name: rules[name] for name in RETENTION},
        "carriers": rules["carriers"],
    }
    return Rules.model_validate(told)


def differences(events: list[Json], as_of: int, rules: Json) -> list[str]:
    """Return one line for each field in which the tower's report is not the oracle's."""
    return against(judged(events, as_of, rules).report, events, as_of, rules)


def judged(events: list[Json], as_of: int, rules: Json) -> Judged:
    """Return the oracle's judgement of a file of events."""
    return Judged([(oracle.received(each), each) for each in events], as_of, rules)


def against(wanted: Json, events: list[Json], as_of: int, rules: Json) -> list[str]:
    """Return one line for each field in which the tower's report of events is not `wanted`."""
    replay = Replay(rules_of(rules))
    replay.groups.kept = FOR_EVER
    replay.run(lines(events), as_of)
    found = apart(wanted, replay.report())
    if any(event["kind"] == "route_planned" for event in events):
        # The definitions do not say when a courier will come; all else is as without routes.
        return [line for line in found if ".eta_deviation_by.tower." not in line]
    return found


def apart(wanted: Json, found: Json) -> list[str]:
    """Return one line for each field of `wanted` that a report of the tower has otherwise."""
    rejected = found["events"].pop("rejected")
    found["events"] = {
        name: n
        for name, n in {**found["events"], **rejected}.items()
        if n or name in wanted["events"]
    }
    alike = {name: part for name, part in wanted["loyalty"].items() if name != "late"}
    return list(_compare("report", {**wanted, "loyalty": alike}, found))


def inbox_differs(events: list[Json], as_of: int, rules: Json, seed: int) -> bool:
    """Tell whether the fold over a random inbox has other cells than replay."""
    events = [event for event in events if oracle.received(event) <= as_of]
    replay = Replay(rules_of(rules))
    replay.run(lines(events), as_of)
    rng = Random(seed)  # noqa: S311 - a seeded schedule, not a secret
    folded = inbox.fold(inbox.log(events, as_of, rng), Judgement(rules_of(rules)), rng)
    return inbox.cells(folded) != inbox.cells(replay.orders)


def _compare(path: str, wanted: Any, found: Any) -> Iterator[str]:
    name = path.rsplit(".", 1)[-1]
    if isinstance(wanted, dict) and isinstance(found, dict):
        absent = 0 if name == "events" else None
        for key in sorted(set(wanted) | (set(found) if name in WHOLE else set())):
            yield from _compare(
                f"{path}.{key}", wanted.get(key, absent), found.get(key, absent)
            )
    elif not _equal(name, wanted, found):
        yield f"{path}: oracle {str(wanted)[:200]} tower {str(found)[:200]}"


def _equal(name: str, wanted: Any, found: Any) -> bool:
    if isinstance(wanted, int | float) and isinstance(found, int | float):
        tolerance = 0.01 if name in QUANTILES else 1e-9
        return abs(wanted - found) <= tolerance * abs(wanted) + 1e-9
    return bool(wanted == found)


def minimised(events: list[Json], differ: Callable[[list[Json]], bool]) -> list[Json]:
    """Return the events without each event and field that the difference can spare."""
    number = 0
    while number < len(events):
        fewer = events[:number] + events[number + 1 :]
        if differ(fewer):
            events, number = fewer, 0
        else:
            number += 1
    for place in range(len(events)):
        for name in SPARE:
            slim = {key: value for key, value in events[place].items() if key != name}
            fewer = [*events[:place], slim, *events[place + 1 :]]
            if slim != events[place] and differ(fewer):
                events = fewer
    return events


def show(events: list[Json], as_of: int, rules: Json) -> str:
    """Return a history as text, in the order of receipt."""
    told = [json.dumps(event) for event in sorted(events, key=oracle.received)]
    plain = "default" if rules is oracle.RULES else "odd"
    return "\n".join([*told, f"as_of {as_of} = {text(as_of)}, {plain} rules"])


def main() -> int:
    """Compare as many histories as asked for; return how it went."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=2000)
    parser.add_argument("--start", type=int, default=0)
    parser.add_argument("--inbox", action="store_true", help="replay against the fold")
    parser.add_argument("--aimed", action="store_true", help="short lives on boundaries")
    parser.add_argument("--worlds", action="store_true", help="customers, groups, couriers")
    given = parser.parse_args()
    different = 0
    for seed in range(given.start, given.start + given.seeds):
        events, as_of, rules = (world if given.worlds else aimed if given.aimed else history)(
            seed
        )

        def differ(some: list[Json]) -> bool:
            if given.inbox:
                return inbox_differs(some, as_of, rules, seed)  # noqa: B023
            return bool(differences(some, as_of, rules))  # noqa: B023

        if not differ(events):
            continue
        different += 1
        if different == 1:
            least = minimised(events, differ)
            print(f"seed {seed}\n{show(least, as_of, rules)}")
            print("\n".join(differences(least, as_of, rules)))
    print(f"{different} of {given.seeds} histories differ")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
