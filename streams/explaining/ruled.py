"""The rules that touched an order, each with the file and the line that says it."""

from collections.abc import Iterator
from typing import Any

from models.rules import CarrierRules
from streams.domain.arrivals import Arrived
from streams.domain.order import Order
from streams.domain.promises import Resolved
from streams.domain.row import Row
from streams.rules import SHIPPED, RulesFile
from streams.wording import Face, plain

Json = dict[str, Any]
Place = tuple[str | int, ...]


class Places:
    """Where rules are said: the rules file that was given, and the shipped one behind it."""

    def __init__(self, *files: RulesFile) -> None:
        self._files = files

    def where(self, *place: str | int) -> str:
        """Return file and line of a rule; of a default that no file at hand says, its file."""
        for file in self._files:
            line = file.line(*place)
            if line is not None:
                return f"{file.name}:{line}"
        return SHIPPED

    def level(self, number: int) -> int | None:
        """Return the line of a service level in the rules file that was given."""
        return next((file.line("sla", number) for file in self._files), None)


def rules_used(order: Order, row: Row, places: Places, face: Face) -> list[Json]:
    """Return every setting that had a part in how this order was judged."""
    found = []
    for place, value, says in _settings(order, row, face):
        told = {"rule": ".".join(map(str, place)), "value": value}
        found.append(told | {"where": places.where(*place), "says": says})
    return found


def _settings(order: Order, row: Row, face: Face) -> Iterator[tuple[Place, object, str]]:
    """Yield the place of a setting, its value, and what it did here."""
    if order.promise is not None:
        yield from _of_the_promise(order, order.promise, face)
    handover = order.track.handover
    if handover is not None and _at_neighbour(handover):
        place, counts, _ = _tolerance(order, "neighbour_counts", "")
        yield place, counts, _NEIGHBOUR[bool(counts)]
    for agreement in order.agreements:
        rule = agreement.level.rule
        yield ("sla", agreement.level.number), rule.name, f"holds for its {plain(rule.metric)}"
    if row.ledger.version:
        policy = row.judgement.notices
        enter, hold = policy.enter_minutes, policy.hold_minutes
        yield ("notices", "enter_minutes"), enter, "a customer is told from so many late on"
        yield ("notices", "hold_minutes"), hold, "if it has held for so many minutes"
    name = "silent_days" if order.track.open else "ended_days"
    kept = getattr(row.judgement.rules.retention, name)
    yield ("retention", name), kept, f"its row is kept until {face.words(order.closes_at)}"


_NEIGHBOUR = {
    False: "a neighbour without consent is a failed attempt; the time of the handover counts",
    True: "a neighbour without consent is a success",
}


def _at_neighbour(handover: Arrived) -> bool:
    """Tell whether a neighbour took the parcel without the customer's consent."""
    event = handover.event
    return event.kind == "delivered" and event.to == "neighbour" and not event.consented


def _of_the_promise(
    order: Order, promise: Resolved, face: Face
) -> Iterator[tuple[Place, object, str]]:
    grace = promise.deadline - promise.end
    says = f"on time up to {face.words(promise.last_good)}" if grace else "no grace"
    yield _tolerance(order, "grace_minutes", says, promise.precision)
    if promise.first_good is not None:
        says = f"early before {face.words(promise.first_good)}"
        yield _tolerance(order, "early_minutes", says)
    if promise.precision == "date":
        yield _tolerance(order, "day_end", f"the day ends {face.words(promise.end)}")
        if order.track.timezone is None and _carrier(order).timezone is not None:
            yield _tolerance(order, "timezone", "whose local day was promised")
    mature = order.matures_at
    if mature is not None:
        says = f"judged by what is received up to {face.words(mature)}"
        yield _tolerance(order, "maturity_days", says)


def _carrier(order: Order) -> CarrierRules:
    return order.judgement.rules.carriers.get(order.track.carrier, CarrierRules())


def _tolerance(
    order: Order, name: str, says: str, part: str | None = None
) -> tuple[Place, object, str]:
    """Return a tolerance where it is said: with the carrier, else among the defaults."""
    own, rules = getattr(_carrier(order), name), order.judgement.rules
    value = getattr(rules.defaults, name) if own is None else own
    place: Place = ("defaults",) if own is None else ("carriers", order.track.carrier)
    if part is None:
        return (*place, name), value, says
    return (*place, name, part), getattr(value, part), says
