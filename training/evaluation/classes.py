"""Which label a classifier gives: accuracy, macro-F1 and the confusion matrix."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from taktsight.datasets.samples import GOOD
from taktsight.strict_model import StrictModel
from taktsight.training.evaluation.estimates import (
    Estimate,
    Floats,
    Statistic,
    bootstrap,
    divided,
    weighted_mean,
)
from taktsight.training.evaluation.judged import Clusters, JudgedPart

Indices = NDArray[np.int64]


class ClassFigures(StrictModel):
    """What a classifier called the parts; the limits play no role here."""

    classes: tuple[str, ...]
    """The defect labels, and ``good`` last where the data have good parts."""
    confusion: tuple[tuple[int, ...], ...]
    """Rows: the reference. Columns: what the network said. Both in the order of ``classes``."""
    accuracy: Estimate
    """Share of the parts that were called what they are."""
    macro_f1: Estimate
    """Mean F1 of the classes, each counted once however many parts it has. A class that is neither
    in the reference nor ever said has no F1 and is left out."""
    f1: tuple[float | None, ...]
    """F1 of each class; None where the class is neither in the reference nor ever said."""


def classify(
    parts: Sequence[JudgedPart],
    labels: Sequence[str],
    clusters: Clusters,
    *,
    seed: int,
    resamples: int = 2000,
) -> ClassFigures:
    """The figures of a network with K exclusive labels.

    A part is called by its highest score. Where there are good parts, it is called good if what the
    scores leave of 1 (the softmax share of the class that has no defect) is larger than any of them.
    Intervals are bootstrapped over physical parts.
    """
    has_good = any(not part.is_defective for part in parts)
    classes = (*labels, GOOD) if has_good else tuple(labels)
    truth = np.array([classes.index(part.label) for part in parts], dtype=np.int64)
    said = _said(np.stack([part.scores for part in parts]).astype(np.float64), has_good=has_good)
    confusion = np.zeros((len(classes), len(classes)), dtype=np.int64)
    np.add.at(confusion, (truth, said), 1)
    hits = weighted_mean((truth == said).astype(np.float64))
    accuracy = bootstrap(hits, clusters, seed=seed, resamples=resamples)
    macro_f1 = bootstrap(_macro_f1(truth, said, len(classes)), clusters, seed=seed, resamples=resamples)
    assert accuracy is not None  # there is at least one part, and it has a class
    assert macro_f1 is not None
    f1 = _f1(truth, said, len(classes), np.ones((1, len(parts))))[0]
    return ClassFigures(
        classes=classes,
        confusion=tuple(tuple(row) for row in confusion.tolist()),
        accuracy=accuracy,
        macro_f1=macro_f1,
        f1=tuple(None if np.isnan(value) else float(value) for value in f1),
    )


def _said(scores: Floats, *, has_good: bool) -> Indices:
    if has_good:
        scores = np.column_stack([scores, 1.0 - scores.sum(axis=1)])
    return np.asarray(scores.argmax(axis=1), dtype=np.int64)


def _f1(truth: Indices, said: Indices, classes: int, weights: Floats) -> Floats:
    """(R, classes): 2 × hits ÷ (parts of the class + parts called so)."""
    is_truth = np.eye(classes)[truth]
    is_said = np.eye(classes)[said]
    return divided(2 * (weights @ (is_truth * is_said)), weights @ is_truth + weights @ is_said)


def _macro_f1(truth: Indices, said: Indices, classes: int) -> Statistic:
    def statistic(weights: Floats) -> Floats:
        f1 = _f1(truth, said, classes, weights)
        return divided(np.nansum(f1, axis=1), np.sum(~np.isnan(f1), axis=1).astype(np.float64))

    return statistic
