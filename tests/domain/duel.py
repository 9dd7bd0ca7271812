"""Tower against oracle: the same lines through both, the reports compared field by field.

    python -m tests.domain.duel --seeds 5000

prints the first history on which they differ, with every event left out that does not matter.
"""

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from typing import Any

from models.rules import Rules
from streams.replay import Replay
from tests.domain import oracle
from tests.domain.histories import history, lines

Json = dict[str, Any]
QUANTILES = {"median", "p80_abs", "p90_abs", "slack_median", "slack_p90"}


def rules_of(rules: Json) -> Rules:
    """Return the oracle's plain rules as the tower's."""
    defaults = {
        name: rules[name]
        for name in (
            "grace_minutes", "early_minutes", "day_end", "maturity_days", "neighbour_counts",
        )
    }  # fmt: skip
    retention = {name: rules[name] for name in ("ended_days", "silent_days", "stub_days")}
    return Rules.model_validate(
        {
            "schema": 1,
            "defaults": defaults,
            "retention": retention,
            "carriers": rules["carriers"],
        }
    )


def tower(events: list[Json], as_of: int, rules: Json) -> Json:
    replay = Replay(rules_of(rules))
    replay.run(lines(events), as_of)
    return replay.report()


def differences(events: list[Json], as_of: int, rules: Json) -> list[str]:
    expected = oracle.report([(oracle.received(e), e) for e in events], as_of, rules)
    found = tower(events, as_of, rules)
    rejected = found["events"].pop("rejected")
    events_found = {**found["events"], **rejected}
    wanted = expected.pop("events")
    return [
        *_compare("events", wanted, {k: v for k, v in events_found.items() if v or k in wanted}),
        *_compare("", expected, found),
    ]


def _compare(path: str, wanted: Any, found: Any) -> Iterator[str]:
    name = path.rsplit(".", 1)[-1]
    if isinstance(wanted, dict) and isinstance(found, dict):
        whole = {"carriers", "service", "region", "reasons", "events"}
        names = set(wanted) | (set(found) if name in whole else set())
        if "carriers" not in wanted:
            for key in sorted(names):
                missing = 0 if name == "events" else None
                yield from _compare(
                    f"{path}.{key}", wanted.get(key, missing), found.get(key, missing)
                )
            return
        for key in sorted(names):
            yield from _compare(key, wanted.get(key), found.get(key))
    elif not _equal(name, wanted, found):
        yield f"{path}: oracle {str(wanted)[:200]} tower {str(found)[:200]}"


def _equal(name: str, wanted: Any, found: Any) -> bool:
    if isinstance(wanted, bool | int | float) and isinstance(found, bool | int | float):
        tolerance = 0.01 if name in QUANTILES else 1e-9
        return abs(wanted - found) <= tolerance * abs(wanted) + 1e-9
    return bool(wanted == found)


def minimised(events: list[Json], differ: Callable[[list[Json]], bool]) -> list[Json]:
    """Return the events without every one, and every field, that the difference can spare."""
    shrunk = True
    while shrunk:
        shrunk = False
        for number in range(len(events)):
            fewer = events[:number] + events[number + 1 :]
            if differ(fewer):
                events, shrunk = fewer, True
                break
    for number, event in enumerate(events):
        for name in ("observed_at", "time_quality", "timezone", "service", "region", "to",
                     "consented", "direction", "colour", "reason", "by"):  # fmt: skip
            slimmer = {k: v for k, v in event.items() if k != name}
            fewer = [*events[:number], slimmer, *events[number + 1 :]]
            if name in event and differ(fewer):
                events, event = fewer, slimmer
    return events


def _guarded(events: list[Json], as_of: int, rules: Json) -> list[str]:
    try:
        return differences(events, as_of, rules)
    except (KeyError, IndexError, AssertionError, ValueError) as error:
        return [f"raised {error!r}"]


def show(events: list[Json], as_of: int, rules: Json) -> str:
    told = sorted(events, key=oracle.received)
    parts = [json.dumps(event) for event in told]
    parts += [f"as_of {as_of} = {oracle_text(as_of)}", f"odd rules {rules is not oracle.RULES}"]
    return "\n".join(parts)


def oracle_text(at: int) -> str:
    from tests.domain.histories import text  # noqa: PLC0415

    return text(at)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=2000)
    parser.add_argument("--start", type=int, default=0)
    parser.add_argument("--most", type=int, default=1, help="differences to show")
    given = parser.parse_args()
    shown = different = 0
    for seed in range(given.start, given.start + given.seeds):
        events, as_of, rules = history(seed)
        if not _guarded(events, as_of, rules):
            continue
        different += 1
        if shown < given.most:
            shown += 1

            def differ(some: list[Json]) -> bool:
                found = _guarded(some, as_of, rules)  # noqa: B023
                return bool(found) and not any("raised" in f or "missing_field" in f for f in found)

            least = minimised(events, differ) if differ(events) else events
            print(f"--- seed {seed}")
            print(show(least, as_of, rules))
            wanted = _guarded(least, as_of, rules)
            print("\n".join([w for w in wanted if w.startswith(("total", "returns", "events", "raised"))] or wanted[:5]))
    print(f"{different} of {given.seeds} histories differ")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
