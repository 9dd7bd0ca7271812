"""What no single rule shows to be wrong: names the world does not know, rules that overlap."""

from collections.abc import Callable, Iterator
from itertools import combinations
from zoneinfo import available_timezones

from models.rules import GraceMinutes, Rules
from models.sla import Calendar, SlaRule
from streams.domain.calendars import subdivisions
from streams.domain.reasons import PARTY
from streams.domain.slarules import NO_REASON, overlap

OBJECTIVES = ("eta_within_15min", "first_attempt", "on_time")

Place = tuple[str | int, ...]
Where = Callable[[Place], str]  # the line of a place, as words


def mistakes_in(rules: Rules, where: Where) -> Iterator[str]:
    """Yield each mistake as words that name its place and its line."""
    for place, words in (*_carriers(rules), *_calendars(rules), *_sla(rules)):
        yield f"{'.'.join(map(str, place))}: {words}{where(place)}"
    for one, other in combinations(range(len(rules.sla)), 2):
        together = _together(rules.sla[one], rules.sla[other])
        if together is not None:
            both = (f"{rules.sla[each].name!r}{where(('sla', each))}" for each in (one, other))
            yield f"sla: {' and '.join(both)} {together}"


def _carriers(rules: Rules) -> Iterator[tuple[Place, str]]:
    for carrier, own in rules.carriers.items():
        place = ("carriers", carrier)
        yield from _zone(own.timezone, (*place, "timezone"))
        grace = own.grace_minutes
        if grace is not None and grace.model_fields_set != GraceMinutes.model_fields.keys():
            words = f"a carrier gives all of {', '.join(GraceMinutes.model_fields)}, or none"
            yield (*place, "grace_minutes"), words
        for each in sorted(own.objectives.keys() - OBJECTIVES):
            words = f"there is no such objective, only {', '.join(OBJECTIVES)}"
            yield (*place, "objectives", each), words


def _calendars(rules: Rules) -> Iterator[tuple[Place, str]]:
    for name, calendar in rules.calendars.items():
        place = ("calendars", name)
        yield from _zone(calendar.timezone, (*place, "timezone"))
        yield from _country(calendar, place)


def _zone(name: str | None, place: Place) -> Iterator[tuple[Place, str]]:
    if name is not None and name not in available_timezones():
        yield place, f"{name!r} is no zone of the IANA database"


def _country(calendar: Calendar, place: Place) -> Iterator[tuple[Place, str]]:
    if calendar.country is None:
        return
    parts = subdivisions(calendar.country)
    if parts is None:
        words = f"the public holidays of {calendar.country!r} are not known (ISO 3166-1: DE)"
        yield (*place, "country"), words
    elif calendar.subdivision is not None and calendar.subdivision not in parts:
        known = ", ".join(parts) or "none"
        words = f"{calendar.country} has no {calendar.subdivision!r}, only {known}"
        yield (*place, "subdivision"), words


def _sla(rules: Rules) -> Iterator[tuple[Place, str]]:
    for number, rule in enumerate(rules.sla):
        place = ("sla", number)
        calendar = rule.target.calendar
        if calendar is not None and calendar not in rules.calendars:
            yield (*place, "target", "calendar"), f"there is no calendar {calendar!r}"
        for at, code in enumerate(rule.clock_stops or ()):
            if code not in PARTY or code in NO_REASON:
                words = f"{code!r} is no reason code that stops a clock"
                yield (*place, "clock_stops", at), words


def _together(one: SlaRule, other: SlaRule) -> str | None:
    """Return what is wrong with two rules beside each other."""
    if one.name == other.name:
        return "have the same name"
    if overlap(one, other):
        return (
            f"overlap: both can hold the {one.metric} of one order at the same time,"
            " and neither is the more specific"
        )
    return None
