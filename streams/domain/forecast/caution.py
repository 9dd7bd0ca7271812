"""How far from the promise a median goes: as far as it was never much worse for long.

A model that is right on the whole can be wrong for days, when what moved it is over and the
labels that say so are still on their way. So each way of going only part of the distance is
tried on every label, and of those that were never much worse than the promise over a window
of labels the one that erred least is taken.
"""

WAYS = (0.0, 0.25, 0.5, 0.75, 1.0)  # parts of the distance from the promise to the median
BLOCK, BLOCKS = 100, 5  # labels of a block, blocks of a window
BEARABLE = 1.015  # times the promise's error over a window
DOUBT = 0.15  # of the promise's error, that a window may be worse than the mean at first
FADE = 0.95  # a block, of the doubt
PARDON = 0.98  # a block, of how much worse than the promise the worst window was
MEMORY = 0.9998  # a label, of the mean errors
EDGE = 0.99  # of the least error: a shorter way that errs but this more is gone


# What was tried so far: the `part` in force and the `doubt` left, the mean `errors` of each
# way, its `worst` window, and the sums of the blocks of a window, the one under way the last.
Tried = dict[str, list[float]]


def begun() -> Tried:
    """Return what is known before the first label: half the way is gone."""
    none = [0.0] * len(WAYS)
    return {
        "part": [WAYS[len(WAYS) // 2]], "doubt": [DOUBT], "labels": [0],
        "errors": list(none), "worst": list(none), "blocks": list(none),
    }  # fmt: skip


def note(tried: Tried, point: float, middle: float, deviation: float) -> None:
    """Take what happened where a promise expected `point` and a model `middle` (s)."""
    off, way = deviation - point, middle - point
    errors, blocks = tried["errors"], tried["blocks"]
    under_way = len(blocks) - len(WAYS)
    for place, part in enumerate(WAYS):
        error = abs(off - part * way)
        errors[place] = MEMORY * errors[place] + error
        blocks[under_way + place] += error
    tried["labels"][0] += 1
    if tried["labels"][0] % BLOCK == 0:
        _choose(tried)


def _choose(tried: Tried) -> None:
    """Close a block: note the worst windows, and choose the part to go."""
    errors, worst, blocks = tried["errors"], tried["worst"], tried["blocks"]
    sums = [sum(blocks[place :: len(WAYS)]) for place in range(len(WAYS))]
    tried["blocks"] = [*blocks[-len(WAYS) * (BLOCKS - 1) :], *([0.0] * len(WAYS))]
    tried["doubt"][0] *= FADE
    fit = [0]
    for place, part in enumerate(WAYS):
        worst[place] = max(sums[place] / (sums[0] + 1e-9) - 1, PARDON * worst[place])
        usual = errors[place] / (errors[0] + 1e-9) + part * tried["doubt"][0]
        if place and max(1 + worst[place], usual) <= BEARABLE:
            fit.append(place)
    least = min(errors[place] for place in fit)
    tried["part"] = [next(WAYS[place] for place in fit if EDGE * errors[place] <= least)]
