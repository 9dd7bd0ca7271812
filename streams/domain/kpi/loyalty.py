"""What delivery does to loyalty: who orders again, and for how much (kpis 2.12 L20)."""

from streams.domain.cells import Measures
from streams.domain.kpi.figures import Json, part, ratio
from streams.domain.loyalty import EXPERIENCES, WINDOWS
from streams.domain.parcels import PARTS


def block(m: Measures) -> Json:
    """Return the section `loyalty`, a part for each experience."""
    return {name: _after(part(m, f"{name}.")) for name in EXPERIENCES}


def _after(m: Measures) -> Json:
    found: Json = {"customers": m.get("customers", 0)}
    for window in WINDOWS:
        again, observed = m.get(f"{window}.again", 0), m.get(f"{window}.observed", 0)
        found[f"repeat_{window}"] = ratio(again, observed)
    if values := _values(part(m, "value.")):
        found["order_value"] = values
    return found


def _values(m: Measures) -> Json:
    """Return by currency the mean value of the order and of the next one, and of how many."""
    currencies = sorted({name.partition(".")[0] for name in m})
    return {
        each: {
            "n": (n := m[f"{each}.n"]),
            "before": m.get(f"{each}.before", 0) / n / PARTS,
            "after": m.get(f"{each}.after", 0) / n / PARTS,
        }
        for each in currencies
    }
