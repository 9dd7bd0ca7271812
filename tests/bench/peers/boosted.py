"""LightGBM, refitted through the time that is scored on every label known by then.

    python -m tests.bench.peers.boosted IN.npz OUT.npz

IN holds the predictions of a horizon in the order made: their `numbers`, when each was made
and when its label was known (`at`, `known`, ms), the labels (`deviation`, s), the first one to
score (`first`), the bar of lateness (`bar`, s) and how often to refit (`every`, ms). OUT holds
what was said of the scored ones: `mean`, `low`, `middle`, `high` (s), `late`. Stock settings;
as many trees as do best on the last fifth, then fitted on all.
"""

import sys

import lightgbm
import numpy as np

LEAST = 200  # labels before anything is fitted
TREES = 400
STOCK = {"learning_rate": 0.08, "num_threads": 1, "verbosity": -1, "seed": 7}
WAYS: dict[str, dict[str, object]] = {
    "mean": {"objective": "regression"},
    "low": {"objective": "quantile", "alpha": 0.1},
    "middle": {"objective": "quantile", "alpha": 0.5},
    "high": {"objective": "quantile", "alpha": 0.9},
    "late": {"objective": "binary"},
}


def fitted(way: str, numbers: np.ndarray, labels: np.ndarray) -> lightgbm.Booster:
    """Return a model of all labels, with as many trees as did best on the last fifth."""
    first = len(labels) * 4 // 5
    known = lightgbm.Dataset(numbers[:first], labels[:first])
    held = lightgbm.Dataset(numbers[first:], labels[first:], reference=known)
    stop = lightgbm.early_stopping(20, verbose=False)
    given = STOCK | WAYS[way]
    trial = lightgbm.train(given, known, TREES, valid_sets=[held], callbacks=[stop])
    return lightgbm.train(
        given, lightgbm.Dataset(numbers, labels), max(trial.best_iteration, 1)
    )


def said(given: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return what each way of fitting said of the predictions from the first scored one on."""
    at, first = given["at"], int(given["first"])
    found = {way: np.zeros(len(at) - first) for way in WAYS}
    begin = first
    while begin < len(at):
        end = int(np.searchsorted(at, at[begin] + given["every"], side="left"))
        known = np.flatnonzero(given["known"] < at[begin])
        known = known[np.argsort(given["known"][known], kind="stable")]
        if len(known) >= LEAST:
            labels = given["deviation"][known]
            for way, of in found.items():
                y = (labels > given["bar"]) * 1.0 if way == "late" else labels
                model = fitted(way, given["numbers"][known], y)
                of[begin - first : end - first] = model.predict(given["numbers"][begin:end])
        begin = end
    return found


if __name__ == "__main__":
    np.savez(sys.argv[2], **said(dict(np.load(sys.argv[1]))))
