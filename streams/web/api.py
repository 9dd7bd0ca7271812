"""The operations API: what is asked, answered from the mirror; what is said, written down."""

import re
import time
import uuid
from typing import Any, Protocol

from aiohttp import web

from models.alerts import Notification
from models.base import Millis, millis
from models.desk import Acknowledge, Annotate, Assign, Intervene, Mark, Note
from models.events import InterventionMade
from streams.domain.zones import DAY_MS, instant
from streams.engine.rows import unpack
from streams.errors import TowerError
from streams.explaining import explain
from streams.explaining.ruled import Places
from streams.rowcodec import decode_row
from streams.topics import DESK, ORDER_EVENTS
from streams.web.answers import CALLER, RefusalError, said_in
from streams.web.desk import Desk, iso, key_of, on_desk
from streams.web.mirror import Mirror, Place
from streams.web.risks import BANDS, Open, as_json, band
from streams.web.routes import openapi

Json = dict[str, Any]

MOST = 1_000
SOURCE = "tower-web"


class Log(Protocol):
    """The tower's topics: how fresh what was read of them is, and a way to write.

    `heard_seconds` is for how long nothing came, `complete` whether all that was there at the
    start has been read. With `feed` the tower replays a feed, and nothing of now can be an
    event of it.
    """

    feed: bool

    @property
    def heard_seconds(self) -> float: ...
    @property
    def complete(self) -> bool: ...

    async def write(self, topic: str, key: bytes, value: bytes) -> None:
        """Send a record (topic without namespace); return once it is durable."""

    async def fetch(self, key: bytes, place: Place) -> bytes | None:
        """Return the row of an order as the changelog holds it, None if it was replaced."""


class Api:
    """What the paths of `ROUTES` answer."""

    def __init__(self, mirror: Mirror, desk: Desk, places: Places, log: Log) -> None:
        self.mirror = mirror
        self.desk = desk
        self._places = places
        self._log = log

    # -- reading -------------------------------------------------------------------------

    async def report(self, request: web.Request) -> Json:
        """Answer with the whole report; a carrier's token sees its own part by `carrier`."""
        _operations(request)
        return self._report()

    async def at_risk(self, request: web.Request) -> Json:
        """Answer with open orders at risk, the worst first."""
        carrier = _own(request, request.query.get("carrier"))
        wanted, clock = request.query.get("band"), self.mirror.clock
        if wanted is not None and wanted not in BANDS:
            raise RefusalError(400, f"band should be one of {', '.join(BANDS)}.")
        found = [
            (BANDS.index(at), _urgency(order, clock), order, at)
            for order in self.mirror.open.values()
            if (carrier is None or order.carrier == carrier)
            and (at := band(order, clock)) is not None
        ]
        counts = {name: sum(at == name for *_, at in found) for name in BANDS}
        shown = sorted(each for each in found if wanted in {None, each[3]})
        return self._fresh() | {
            "bands": counts,
            "orders": [
                as_json(order, clock, at) | on_desk(self.desk.of(order.order_id))
                for *_, order, at in shown[: _limit(request)]
            ],
        }

    async def order(self, request: web.Request) -> Json:
        """Answer with the unified view of one order."""
        order_id, key, place = self._known(request)
        kept = await self._log.fetch(key, place)
        if kept is None:
            raise RefusalError(503, "The row of the order is just being written: ask again.")
        row = decode_row(unpack(kept)[1], self.mirror.judgement)
        told = explain(order_id, row, self.mirror.clock_of(place.partition), self._places)
        if told is None or not request[CALLER].may_see(told.get("carrier", "")):
            raise _unknown(order_id)
        feedback = {} if row.order is None else row.order.track.answers
        desk = on_desk(self.desk.of(order_id))
        return self._fresh() | told | {"feedback": feedback, "desk": desk}

    async def carrier(self, request: web.Request) -> Json:
        """Answer with one carrier: report, orders at risk, couriers."""
        name = request.match_info["carrier"]
        _own(request, name)
        said = self._report()
        if name not in said["carriers"]:
            raise RefusalError(404, f"No order of a carrier {name!r} is known.")
        clock = self.mirror.clock
        at = [band(each, clock) for each in self.mirror.open.values() if each.carrier == name]
        return self._fresh() | {
            "carrier": name,
            "rules": said["rules"],
            "kpi": said["carriers"][name],
            "bands": {each: at.count(each) for each in BANDS},
            "couriers": sum(1 for _ in self.mirror.couriers(name)),
        }

    async def couriers(self, request: web.Request) -> Json:
        """Answer with couriers, those heard of last first."""
        carrier = _own(request, request.query.get("carrier"))
        found = sorted(self.mirror.couriers(carrier), key=_heard_of, reverse=True)
        return self._fresh() | {"couriers": found[: _limit(request)]}

    async def annotations(self, request: web.Request) -> list[Json]:
        """Answer with a list, as Grafana's annotation queries want it."""
        _operations(request)
        now = _now()
        since, until = _whole(request, "from", now - DAY_MS), _whole(request, "to", now)
        return self.desk.annotations(since, until, now)

    async def openapi(self, _: web.Request) -> Json:
        """Answer with the description of all this."""
        return openapi()

    # -- writing -------------------------------------------------------------------------

    async def acknowledge(self, request: web.Request) -> Json:
        """Note that somebody has seen an order."""
        said = await said_in(request, Acknowledge)
        return await self._mark(request, "acknowledged", said.by)

    async def assign(self, request: web.Request) -> Json:
        """Note who takes care of an order."""
        said = await said_in(request, Assign)
        return await self._mark(request, "assigned", said.by, to=said.to)

    async def note(self, request: web.Request) -> Json:
        """Note a note."""
        said = await said_in(request, Note)
        return await self._mark(request, "noted", said.by, text=said.text)

    async def intervene(self, request: web.Request) -> Json:
        """Send the event of an intervention, and note it."""
        if self._log.feed:
            raise RefusalError(
                409, "This tower replays a feed: nothing of now can be an event of it."
            )
        said = await said_in(request, Intervene)
        (order_id, key, _), now = self._known(request), _now()
        event = InterventionMade(
            event_id=f"{SOURCE}-{uuid.uuid4()}",
            kind="intervention_made",
            source=SOURCE,
            occurred_at=instant(now),
            order_id=order_id,
            action=said.action,
            by=_author(request, said.by),
            note=said.note,
        )
        value = event.model_dump_json(exclude_defaults=True).encode()
        await self._log.write(ORDER_EVENTS, key, value)
        text = said.action if said.note is None else f"{said.action}: {said.note}"
        return await self._mark(request, "intervened", said.by, at=now, text=text)

    async def annotate(self, request: web.Request) -> Json:
        """Keep an annotation."""
        said = await said_in(request, Annotate)
        mark = Mark(
            kind="annotated",
            about="",
            by=_author(request, said.by),
            at=_now() if said.at is None else millis(said.at),
            title=said.title,
            text=said.text,
            until=None if said.until is None else millis(said.until),
            tags=said.tags,
        )
        await self._keep(key_of(mark), mark)
        return {"kept": True, "at": iso(mark.at), "by": mark.by}

    async def alertmanager(self, request: web.Request) -> Json:
        """Keep incidents that began, ended or say something new."""
        _operations(request)
        news = self.desk.news((await said_in(request, Notification)).alerts)
        for key, mark in news.items():
            await self._keep(key, mark)
        return {"kept": len(news)}

    # -- what they share -----------------------------------------------------------------

    def _fresh(self) -> Json:
        """Return how old an answer is."""
        return {
            "as_of": iso(self.mirror.clock),
            "heard_seconds_ago": round(self._log.heard_seconds, 1),
            "complete": self._log.complete,
        }

    def _report(self) -> Json:
        try:
            return self.mirror.report()
        except TowerError as error:
            raise RefusalError(503, str(error)) from error

    def _known(self, request: web.Request) -> tuple[str, bytes, Place]:
        """Return the id of the order that is asked for, its key and where its row lies."""
        order_id = request.match_info["order_id"]
        key = order_id.encode("utf-8", "replace")
        place = self.mirror.places.get(key)
        if place is None:
            raise _unknown(order_id)
        return order_id, key, place

    async def _mark(
        self, request: web.Request, kind: Any, by: str | None, at: Millis | None = None,  # noqa: ANN401
        text: str = "", to: str | None = None,
    ) -> Json:  # fmt: skip
        (order_id, *_), author = self._known(request), _author(request, by)
        at = _now() if at is None else at
        mark = Mark(kind=kind, about=order_id, by=author, at=at, text=text, to=to)
        await self._keep(key_of(mark), mark)
        return on_desk(self.desk.of(order_id))

    async def _keep(self, key: bytes, mark: Mark) -> None:
        value = mark.model_dump_json().encode()
        await self._log.write(DESK, key, value)
        self.desk.heard(key, value)


def _unknown(order_id: str) -> RefusalError:
    return RefusalError(404, f"The tower knows no order {order_id!r}.")


def _author(request: web.Request, by: str | None) -> str:
    """Return who writes: the token's name, else what the request says."""
    author = request[CALLER].name or by
    if author is None:
        raise RefusalError(400, "by: say who you are.")
    return author


def _operations(request: web.Request) -> None:
    if request[CALLER].carrier is not None:
        raise RefusalError(403, "This token is one carrier's: it sees its own orders alone.")


def _own(request: web.Request, carrier: str | None) -> str | None:
    """Return whose orders are asked for; a carrier's token may ask for its own alone."""
    caller = request[CALLER]
    if caller.carrier is None:
        return carrier
    if carrier is not None and carrier != caller.carrier:
        raise RefusalError(403, "This token is another carrier's.")
    return caller.carrier


def _limit(request: web.Request) -> int:
    limit = _whole(request, "limit", 100)
    if not 1 <= limit <= MOST:
        raise RefusalError(400, f"limit should be from 1 to {MOST}.")
    return limit


def _whole(request: web.Request, name: str, default: int) -> int:
    said = request.query.get(name)
    if said is None:
        return default
    if re.fullmatch("-?[0-9]{1,14}", said) is None:
        raise RefusalError(400, f"{name} should be a whole number.")
    return int(said)


def _urgency(order: Open, clock: Millis) -> tuple[int, str]:
    """Return what sorts orders of a band: how late each is or will be, the latest first."""
    so_far, lateness = clock - order.last_good, order.lateness
    return (-so_far if lateness is None else -max(so_far, lateness), order.order_id)


def _heard_of(courier: Json) -> Millis:
    position = courier["position"]
    return 0 if position is None else int(position["at"])


def _now() -> Millis:
    return time.time_ns() // 1_000_000
