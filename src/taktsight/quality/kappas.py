"""Agreement beyond chance: Cohen's kappa of two appraisers, Fleiss's of several.

Cohen, Educational and Psychological Measurement 20 (1960); Fleiss, Psychological Bulletin 76 (1971). The
intervals leave out one part at a time (jackknife): repeated looks at one part are not independent, and
the textbook's variances take them for it.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from taktsight.quality.tables import Floats
from taktsight.strict_model import StrictModel

Codes = NDArray[np.intp]
"""Verdicts as numbers from 0; their names do not matter."""


class Kappa(StrictModel):
    """Agreement beyond chance, 1 at most; 0 is what chance does."""

    value: float | None
    """None where one verdict alone was ever given: chance alone would agree always."""
    low: float | None
    high: float | None
    """Interval over parts; None where it cannot be had."""
    observed: float
    """Share of pairs of verdicts that agree, 0–1."""


def cohen(tables: Floats) -> tuple[float, float]:
    """Kappa and observed agreement of (…, C, C) counts; NaN where chance alone agrees always."""
    total = tables.sum()
    shares = tables / total
    observed = float(np.trace(shares))
    expected = float(shares.sum(axis=0) @ shares.sum(axis=1))
    return (math.nan if expected >= 1 - 1e-12 else (observed - expected) / (1 - expected)), observed


def fleiss(counts: Floats) -> tuple[float, float]:
    """Kappa and observed agreement of (N, C) counts of verdicts on each part, the same number on each."""
    raters = counts.sum(axis=1)
    agreeing = (counts * (counts - 1)).sum(axis=1) / (raters * (raters - 1))
    observed = float(agreeing.mean())
    shares = counts.sum(axis=0) / counts.sum()
    expected = float(shares @ shares)
    return (math.nan if expected >= 1 - 1e-12 else (observed - expected) / (1 - expected)), observed


def cohen_kappa(first: Codes, second: Codes, categories: int, confidence: float = 0.95) -> Kappa:
    """Of two appraisers, with its interval over parts.

    Args:
        first: (N, T) verdicts of one on N parts, T looks each.
        second: (N, T) of the other.
        categories: C.
        confidence: two-sided coverage of the interval.
    """
    per_part = np.zeros((len(first), categories, categories))
    rows = np.repeat(np.arange(len(first)), first.shape[1])
    np.add.at(per_part, (rows, first.ravel(), second.ravel()), 1.0)
    return _with_interval(per_part, lambda kept: cohen(kept.sum(axis=0)), confidence)


def fleiss_kappa(verdicts: Codes, categories: int, confidence: float = 0.95) -> Kappa:
    """Of M looks at each of N parts, whoever looked; (N, M) verdicts."""
    counts = np.stack([(verdicts == category).sum(axis=1) for category in range(categories)], axis=1)
    return _with_interval(counts.astype(np.float64), fleiss, confidence)


def _with_interval(
    per_part: Floats, kappa: Callable[[Floats], tuple[float, float]], confidence: float
) -> Kappa:
    value, observed = kappa(per_part)
    n = len(per_part)
    if math.isnan(value) or n < 3:
        value_or_none = None if math.isnan(value) else value
        return Kappa(value=value_or_none, low=None, high=None, observed=observed)
    without = np.array([kappa(np.delete(per_part, index, axis=0))[0] for index in range(n)])
    if np.isnan(without).any():
        return Kappa(value=value, low=None, high=None, observed=observed)
    error = math.sqrt((n - 1) / n * float(((without - without.mean()) ** 2).sum()))
    half = float(ndtri((1 + confidence) / 2)) * error
    if error == 0:  # all alike: the parts do not say how much kappa would differ with others
        return Kappa(value=value, low=None, high=None, observed=observed)
    return Kappa(value=value, low=max(-1.0, value - half), high=min(1.0, value + half), observed=observed)
