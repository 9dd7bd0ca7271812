"""What is stopped: the kill switch of notices, by carrier, by kind, by both, or all of them."""

from pydantic import ValidationError

from models.notices import NoticeCommand, NoticeSwitch

Scope = tuple[str | None, str | None]  # carrier and kind; None is any
Stops = frozenset[Scope]

NEVER_STOPPED: Stops = frozenset()


def switched(stops: Stops, switch: NoticeSwitch) -> Stops:
    """Return what is stopped after a switch; starting all starts everything."""
    scope: Scope = (switch.carrier, switch.kind)
    if switch.stopped:
        return stops | {scope}
    return NEVER_STOPPED if scope == (None, None) else stops - {scope}


def is_stopped(command: NoticeCommand, stops: Stops) -> bool:
    """Tell whether a notice must not be sent."""
    carrier, kind = command.carrier, command.kind
    return bool(stops) and not stops.isdisjoint(
        {(None, None), (carrier, None), (None, kind), (carrier, kind)}
    )


def decode(raw: bytes | None) -> NoticeSwitch | None:
    """Return what a record says, None if it is no switch."""
    try:
        return None if raw is None else NoticeSwitch.model_validate_json(raw)
    except ValidationError:
        return None
