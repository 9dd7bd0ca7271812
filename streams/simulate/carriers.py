"""The carriers of the simulated day as one table: how well they work, how honest they are."""

from dataclasses import dataclass

from streams.simulate.city import BERLIN, NEW_YORK, City


@dataclass(frozen=True)
class Carrier:
    """A carrier's quality.

    `share`: of all orders. `pace`: true travel time over the planned one. `buffer`: minutes
    between the planned handover and the promised end. `fails`: share of visits without a
    handover. `strays`: share of handovers to a third person without consent. `arrivals`: share
    of visits whose arrival is scanned. ETAs come every `eta_every` minutes with `eta_noise`
    minutes of spread and `eta_bias` minutes added (negative promises too much); `eta_pace`: how
    much of today's slowness it believes goes on. `zoned`: tells the order's time zone.
    """

    name: str
    city: City
    share: float
    pace: float
    buffer: tuple[float, float]
    fails: float
    strays: float
    arrivals: float
    eta_every: int
    eta_noise: float
    eta_bias: float
    eta_pace: float
    eta_range: bool = False
    zoned: bool = True


CARRIERS = (
    Carrier("nordpost", BERLIN, 0.28, 1.00, (35, 100), 0.07, 0.010, 0.90, 10, 2.0, 0.0, 0.9),
    Carrier(
        "hudson", NEW_YORK, 0.24, 0.98, (30, 100), 0.06, 0.010, 0.95, 10, 2.5, 1.0, 0.8, True
    ),
    Carrier("kurio", BERLIN, 0.20, 1.08, (20, 90), 0.10, 0.030, 0.75, 15, 4.0, -6.0, 0.5),
    Carrier(
        "bluebike",
        NEW_YORK,
        0.16,
        1.12,
        (15, 85),
        0.12,
        0.025,
        0.65,
        20,
        6.0,
        -3.0,
        0.3,
        zoned=False,
    ),
    Carrier(
        "spreekurier", BERLIN, 0.12, 1.04, (20, 95), 0.09, 0.020, 0.80, 15, 3.0, 2.0, 0.6, True
    ),
)
