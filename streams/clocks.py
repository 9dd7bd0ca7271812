"""Watermarks: an inbox partition's clock is the minimum over its upstreams (decision 3)."""

import json
from collections.abc import Iterable
from typing import Any

from models.base import Millis
from streams.engine.api import Headers, Outputs

TICK: Headers = (("kind", b"tick"),)

Origin = tuple[int, int]
NONE_YET: Origin = (-(1 << 63), 0)  # rebuilt logs hold origins below 0 (streams/exporting)


class Watermarks:
    """What each upstream of a partition has promised: later records arrive at or after T."""

    def __init__(self, upstreams: Iterable[str]) -> None:
        self.upstreams = tuple(upstreams)
        self.entries: dict[str, Millis] = {}
        self.behind: set[str] = set(self.upstreams)
        self.origins: dict[str, Origin] = {}

    @property
    def clock(self) -> Millis:
        """Return the least entry, 0 while an upstream has not been heard."""
        if len(self.entries) < len(self.upstreams):
            return 0
        return min(self.entries.values(), default=0)

    @property
    def caught_up(self) -> bool:
        """Tell whether every upstream has said that it does not lag behind."""
        return not self.behind

    def tick(self, value: bytes, *, caught_up: bool) -> None:
        """Take a tick; entries never fall, strangers are ignored."""
        for upstream, at in json.loads(value).items():
            if upstream in self.upstreams:
                self.entries[upstream] = max(self.entries.get(upstream, 0), int(at))
                (self.behind.discard if caught_up else self.behind.add)(upstream)

    def clamp(self, upstream: str, received_at: Millis) -> Millis:
        """Return when a record counts as received: never before its upstream's entry."""
        return max(received_at, self.entries.get(upstream, 0))

    def repeats(self, upstream: str, origin: Origin) -> bool:
        """Tell whether a record was here before, and remember it if not."""
        if origin <= self.origins.get(upstream, NONE_YET):
            return True
        self.origins[upstream] = origin
        return False

    def encode(self) -> dict[str, object]:
        """Return what the partition row remembers."""
        return {
            "entries": self.entries,
            "origins": self.origins,
            "behind": sorted(self.behind),
        }

    def decode(self, stored: dict[str, Any]) -> None:
        """Take what the partition row remembered: all of it follows from the log alone."""
        self.entries = dict(stored["entries"])
        self.behind = set(stored.get("behind", self.upstreams))
        self.origins = {
            name: (offset, index) for name, (offset, index) in stored["origins"].items()
        }


def send_ticks(
    out: Outputs, topic: str, partitions: int, upstream: str, at: Millis, *, caught_up: bool
) -> None:
    """Tell every partition of a log what an upstream promises."""
    value = json.dumps({upstream: at}).encode()
    headers = (*TICK, ("caught_up", b"1" if caught_up else b"0"))
    for partition in range(partitions):
        out.send(topic, None, value, headers, partition)


def origin_header(upstream: str, offset: int, index: int = 0) -> bytes:
    """Return the header that says where a record came from."""
    return f"{upstream}/{offset}/{index}".encode()


def parse_origin(header: bytes) -> tuple[str, Origin]:
    """Return the upstream and its (offset, index)."""
    upstream, offset, index = header.decode().rsplit("/", 2)
    return upstream, (int(offset), int(index))
