"""The desk: what people said about orders at risk, and the timeline of incidents.

Every mark is a record of the compacted log `desk` under a key of its own, so that two people,
or two processes, never write over each other. An incident has one key from its first firing
to its end; Alertmanager repeats itself, and only what is new is written.
"""

import hashlib
from collections.abc import Iterable
from typing import Any

from models.alerts import Alert
from models.base import Millis, millis
from models.desk import Mark
from streams.domain.zones import DAY_MS, instant

KEPT_MS = 90 * DAY_MS
_NAMED = ("alertname", "carrier", "severity", "slo", "partition")

Json = dict[str, Any]


class Desk:
    """All marks, by key; those of an order in the order of their instants."""

    def __init__(self) -> None:
        self._marks: dict[bytes, Mark] = {}
        self._of: dict[str, dict[bytes, None]] = {}

    def heard(self, key: bytes, value: bytes | None) -> None:
        """Take a record of the log."""
        before = self._marks.pop(key, None)
        if before is not None:
            self._of[before.about].pop(key, None)
        if value is not None:
            mark = Mark.model_validate_json(value)
            self._marks[key] = mark
            self._of.setdefault(mark.about, {})[key] = None

    def of(self, order_id: str) -> list[Mark]:
        """Return what was said about an order, oldest first, as it came where that is one."""
        marks = (self._marks[key] for key in self._of.get(order_id, ()))
        return sorted((m for m in marks if m.kind != "incident"), key=_at)

    def forgets(self, now: Millis) -> list[bytes]:
        """Return the keys of what is so old that nobody asks for it any more."""
        return [key for key, mark in self._marks.items() if _end(mark, now) < now - KEPT_MS]

    def annotations(self, since: Millis, until: Millis, now: Millis) -> list[Json]:
        """Return incidents, annotations and interventions of a span as Grafana reads them."""
        found = [
            mark
            for mark in self._marks.values()
            if mark.kind in _ON_BOARDS and mark.at <= until and _end(mark, now) >= since
        ]
        return [_annotation(mark, now) for mark in sorted(found, key=_at)]

    def news(self, alerts: Iterable[Alert]) -> dict[bytes, Mark]:
        """Return the incidents that began, ended or say something else now, by key."""
        told = dict(map(_incident, alerts))
        return {key: mark for key, mark in told.items() if self._marks.get(key) != mark}


_ON_BOARDS = {"incident", "annotated", "intervened"}


def key_of(mark: Mark) -> bytes:
    """Return the key of what a person said: the same thing at the same instant is one."""
    digest = hashlib.blake2b(mark.model_dump_json().encode(), digest_size=8).hexdigest()
    return f"{mark.kind}/{mark.at}/{digest}".encode()


def on_desk(marks: list[Mark]) -> Json:
    """Return what boards show beside an order: who saw it, whose it is, what was said."""
    seen = [each for each in marks if each.kind == "acknowledged"]
    taken = [each for each in marks if each.kind == "assigned"]
    return {
        "acknowledged_by": seen[-1].by if seen else None,
        "acknowledged_at": iso(seen[-1].at) if seen else None,
        "assigned_to": taken[-1].to if taken else None,
        "marks": [
            {"kind": m.kind, "by": m.by, "at": iso(m.at), "to": m.to, "text": m.text}
            for m in marks
        ],
    }


def iso(at: Millis) -> str:
    """Return an instant in UTC."""
    return instant(at).isoformat(timespec="milliseconds")


def _incident(alert: Alert) -> tuple[bytes, Mark]:
    began = millis(alert.starts_at)
    ended = alert.ended
    mark = Mark(
        kind="incident",
        about=alert.fingerprint,
        by="alertmanager",
        at=began,
        title=alert.labels.get("alertname", "an alert"),
        text=alert.annotations.get("summary", ""),
        until=None if ended is None else millis(ended),
        labels={name: alert.labels[name] for name in _NAMED if name in alert.labels},
    )
    return f"incident/{alert.fingerprint}/{began}".encode(), mark


def _annotation(mark: Mark, now: Millis) -> Json:
    said: Json = {
        "time": mark.at,
        "title": mark.title or mark.kind,
        "text": mark.text,
        "tags": [mark.kind, *mark.tags, *mark.labels.values()],
        "by": mark.by,
    }
    if mark.kind == "incident":
        return said | {"timeEnd": _end(mark, now), "open": mark.until is None}
    return said if mark.until is None else said | {"timeEnd": mark.until}


def _end(mark: Mark, now: Millis) -> Millis:
    if mark.until is not None:
        return mark.until
    return now if mark.kind == "incident" else mark.at


def _at(mark: Mark) -> Millis:
    return mark.at
