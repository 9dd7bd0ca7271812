"""Scores of predictions: errors, ranges, probabilities; each over arrays in the order made."""

import numpy as np

WINDOW, SKIPPED = 1_000, 500  # orders of a window, and those before the first one
ENOUGH = 500  # orders of a carrier whose ranges are held to account


def auc(p: np.ndarray, late: np.ndarray) -> float:
    """Return P(a late order was given a higher probability than another), ties half."""
    _, place, counts = np.unique(p, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[place]
    yes, no = late.sum(), (~late).sum()
    if not yes or not no:
        return float("nan")
    return float((ranks[late].sum() - yes * (yes + 1) / 2) / (yes * no))


def average_precision(p: np.ndarray, late: np.ndarray) -> float:
    """Return the mean over late orders of the precision at their probability."""
    if not late.any():
        return float("nan")
    order = np.argsort(-p, kind="stable")
    found = np.cumsum(late[order])
    last = np.flatnonzero(np.r_[np.diff(-p[order]) > 0, True])  # of those with one probability
    hits = np.diff(np.r_[0, found[last]])
    return float((hits * found[last] / (last + 1)).sum() / late.sum())


def worst_window(error: np.ndarray, promise: np.ndarray) -> float:
    """Return the greatest ratio of mean errors over so many orders in a row."""
    if len(error) < SKIPPED + WINDOW:
        return float("nan")
    ours, theirs = (np.cumsum(np.r_[0.0, each[SKIPPED:]]) for each in (error, promise))
    sums = theirs[WINDOW:] - theirs[:-WINDOW]
    return float(((ours[WINDOW:] - ours[:-WINDOW]) / np.maximum(sums, 1e-9)).max())


def coverages(inside: np.ndarray, carriers: np.ndarray) -> list[float]:
    """Return the share inside the range for each carrier with enough orders, rising."""
    names, counts = np.unique(carriers, return_counts=True)
    return sorted(float(inside[carriers == each].mean()) for each in names[counts >= ENOUGH])
