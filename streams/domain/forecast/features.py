"""Numbers of a moment: what is known of the order, and what happened to others lately."""

from collections.abc import Hashable
from dataclasses import dataclass
from datetime import datetime
from math import cos, log1p, pi, sin

import numpy as np

from models.base import Millis
from streams.domain.forecast.averages import KeyMeans, Trail
from streams.domain.forecast.moment import Moment
from streams.domain.forecast.regression import Floats
from streams.domain.zones import HOUR_MS, MINUTE_MS, instant, zone

ATTRIBUTES = 16  # numbers and texts an order may carry (contract)
WINSOR = 6.0  # times what is usual, beyond which a deviation says no more
LEARNING = 20  # labels before anything is usual

# Half-lives in hours of what happened lately, and how many zeros each begins with.
LATELY = {1: 3.0, 6: 3.0, 48: 5.0}

Chain = tuple[Hashable, ...]

# What the numbers of a moment are, in their order; those of attributes follow (`names`).
NAMES = (
    "promised", "left", "waited", "distance", "attempts", "changes", "before", "has_eta", "eta",
    "eta_age", "out_for", "picked_up_for", "open", "lately",
    "late.all", "late.carrier", "late.region", "late.route", "late.service", "late.hour",
    "leg.region", "leg.route",
    *(f"late_{hours}h.{whose}" for whose in ("all", "carrier", "region") for hours in LATELY),
    "pace.all", "pace.carrier", "pace.region",
    *(f"{when}.{what}" for when in ("now", "end") for what in ("day", "day2", "week", "week2")),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class View:
    """A moment with its numbers and the keys of those it is like, from general to special.

    `leg` is how long it usually takes from such a moment to the handover, milliseconds.
    """

    moment: Moment
    vector: Floats
    keys: Chain
    leg: float
    chains: tuple[Chain, ...]


class Features:
    """What happened to all orders so far, as far as a moment's numbers are made of it."""

    def __init__(self) -> None:
        self.open: dict[str, int] = {}
        self._deviations = KeyMeans(half_life=300, prior=10)
        self._legs = KeyMeans(half_life=300, prior=5)
        self._elapsed = KeyMeans(half_life=300, prior=5)
        self._lately = [Trail(hours * HOUR_MS, prior) for hours, prior in LATELY.items()]
        self._pace = Trail(3 * HOUR_MS, 3.0)
        self._attributes: dict[str, int] = {}
        self._usual: dict[Hashable, tuple[int, float]] = {}

    # -- asking --------------------------------------------------------------------------

    def view(self, m: Moment) -> View:
        """Return a moment with its numbers; durations in hours, deviations in minutes."""
        local = instant(m.at).astimezone(zone(m.zone or "UTC"))
        chains = _chains(m, local)
        slack = m.end - m.at
        legs = [self._legs.mean(chain, slack) for chain in (chains[2], chains[3])]
        numbers = [
            (m.end - m.promised_at) / HOUR_MS,
            slack / HOUR_MS,
            (m.at - m.promised_at) / HOUR_MS,
            m.distance or 0.0,
            m.attempts,
            m.changes,
            m.before or 0,
            m.eta is not None,
            0.0 if m.eta is None else (m.eta - m.end) / MINUTE_MS,
            0.0 if m.eta_at is None else (m.at - m.eta_at) / HOUR_MS,
            0.0 if m.out_at is None else (m.at - m.out_at) / HOUR_MS,
            0.0 if m.picked_at is None else (m.at - m.picked_at) / HOUR_MS,
            log1p(self.open.get(m.carrier, 0)),
            log1p(self._lately[0].count(m.precision, m.at)),
        ]
        numbers += [self._deviations.mean(chain) / MINUTE_MS for chain in chains]
        numbers += [(leg - slack) / MINUTE_MS for leg in legs]
        for key in _subjects(m, m.precision):
            numbers += [trail.mean(key, m.at) / MINUTE_MS for trail in self._lately]
        numbers += [self._pace.mean(key, m.at) / MINUTE_MS for key in _subjects(m, m.kind)]
        numbers += _rhythm(local)
        numbers += _rhythm(instant(m.end).astimezone(local.tzinfo))
        numbers += self._said(m)
        return View(m, np.array(numbers, dtype=np.float64), _keys(m, local), legs[1], chains)

    @staticmethod
    def view_again(m: Moment, vector: Floats) -> View:
        """Return a moment with the numbers it had when it was asked about."""
        local = instant(m.at).astimezone(zone(m.zone or "UTC"))
        return View(m, vector, _keys(m, local), 0.0, _chains(m, local))

    def _said(self, m: Moment) -> list[float]:
        """Return a number for each attribute: its own, or the mean deviation of its text."""
        numbers = [0.0] * (2 * len(self._attributes))
        for name, value in m.attributes.items():
            place = self._attributes.get(name)
            if place is None:
                continue
            if isinstance(value, str):
                chain = (m.kind, (m.kind, name, value))
                numbers[2 * place] = self._deviations.mean(chain) / MINUTE_MS
            else:
                numbers[2 * place + 1] = float(value)
        return numbers

    def names(self) -> list[str]:
        """Return what each number of a view is."""
        said = (f"{what}:{name}" for name in self._attributes for what in ("text", "number"))
        return [*NAMES, *said]

    # -- learning ------------------------------------------------------------------------

    def reached(self, m: Moment) -> None:
        """Note that an order reached a stage: how fast stages are reached lately."""
        for name in sorted(m.attributes):
            if name not in self._attributes and len(self._attributes) < ATTRIBUTES:
                self._attributes[name] = len(self._attributes)
        every, carrier, _ = _subjects(m, m.kind)
        elapsed = float(m.at - m.promised_at)
        usual = self._elapsed.mean((every, carrier), elapsed)
        for key in _subjects(m, m.kind):
            self._pace.add(key, m.at, elapsed - usual)
        self._elapsed.add((every, carrier), elapsed)

    def learn(self, view: View, handed_at: Millis) -> None:
        """Take what became of a moment."""
        m = view.moment
        deviation = self._winsorised(m.kind, float(handed_at - m.point))
        leg = self._winsorised((m.kind, "leg"), float(handed_at - m.at))
        # Each chain begins with all of its kind, which counts once.
        keys = [view.chains[0][0], *(chain[-1] for chain in view.chains[1:])]
        keys += [(m.kind, name, v) for name, v in m.attributes.items() if isinstance(v, str)]
        self._deviations.add(keys, deviation)
        self._legs.add([chain[-1] for chain in view.chains[:4]], leg)

    def concluded(self, m: Moment, handed_at: Millis, now: Millis) -> None:
        """Note the handover of an order once, whatever stages it had."""
        deviation = self._winsorised(m.precision, float(handed_at - m.point))
        for key in _subjects(m, m.precision):
            for trail in self._lately:
                trail.add(key, now, deviation)

    def _winsorised(self, kind: Hashable, value: float) -> float:
        """Return a value no further from 0 than some times what is usual."""
        count, usual = self._usual.get(kind, (0, 0.0))
        if count >= LEARNING:
            value = min(max(value, -WINSOR * usual), WINSOR * usual)
        share = max(1 / (count + 1), 0.002)
        self._usual[kind] = (count + 1, usual + share * (abs(value) - usual))
        return value


def _subjects(m: Moment, kind: Hashable) -> tuple[Hashable, ...]:
    """Return of whom something is kept: all, the carrier's, the region's."""
    return kind, (kind, "carrier", m.carrier), (kind, "region", m.region)


def _keys(m: Moment, local: datetime) -> Chain:
    """Return the keys of those a moment is like."""
    return (("hour", local.hour), ("region", m.region), ("carrier", m.carrier))


def _chains(m: Moment, local: datetime) -> tuple[Chain, ...]:
    """Return the chains of keys that means are kept by, each from general to special."""
    every, carrier, region = _subjects(m, m.kind)
    both = (m.kind, "both", m.carrier, m.region)
    return (
        (every,),
        (every, carrier),
        (every, region),
        (every, region, both),
        (every, (m.kind, "service", m.service)),
        (every, (m.kind, "hour", local.hour)),
    )


def _rhythm(moment: datetime) -> list[float]:
    """Return where an instant is in its day and its week."""
    day = 2 * pi * (moment.hour + moment.minute / 60) / 24
    week = 2 * pi * moment.weekday() / 7
    return [sin(day), cos(day), sin(week), cos(week)]
