"""Escape and overkill rates with exact bounds. The unit is the part."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv, ndtri

Bools = Sequence[bool] | NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Rate:
    """A share of parts with its confidence interval."""

    events: int
    parts: int
    low: float
    high: float
    confidence: float
    """Two-sided coverage of (low, high), 0–1; each bound alone is one-sided at (1 + confidence) / 2."""

    @property
    def value(self) -> float:
        """events ÷ parts, 0–1; NaN where there is no part to count."""
        return self.events / self.parts if self.parts else math.nan

    def __str__(self) -> str:
        if not self.parts:
            return "undefined (no parts)"
        return f"{self.value:.2%} [{self.low:.2%}, {self.high:.2%}] ({self.events}/{self.parts})"


def clopper_pearson(events: int, parts: int, confidence: float = 0.95) -> Rate:
    """The exact binomial interval: covers the true rate at least ``confidence`` of the time.

    Clopper and Pearson, Biometrika 26 (1934): the bounds are quantiles of Beta(k, n-k+1) and
    Beta(k+1, n-k). Without parts nothing is known: the interval is 0–1.

    >>> str(clopper_pearson(0, 299, 0.90))
    '0.00% [0.00%, 1.00%] (0/299)'
    """
    _check_counts(events, parts, confidence)
    tail = (1 - confidence) / 2
    low = float(betaincinv(events, parts - events + 1, tail)) if events else 0.0
    high = float(betaincinv(events + 1, parts - events, 1 - tail)) if events < parts else 1.0
    return Rate(events, parts, low, high, confidence)


def wilson(events: int, parts: int, confidence: float = 0.95) -> Rate:
    """The score interval: narrower than the exact one, right on average, not in every case.

    Wilson, JASA 22 (1927). Use it to draw curves; use :func:`clopper_pearson` to sign.

    >>> str(wilson(1, 10))
    '10.00% [1.79%, 40.42%] (1/10)'
    """
    _check_counts(events, parts, confidence)
    if not parts:
        return Rate(0, 0, 0.0, 1.0, confidence)
    z = float(ndtri((1 + confidence) / 2))
    share = events / parts
    centre = share + z * z / (2 * parts)
    half = z * math.sqrt(share * (1 - share) / parts + z * z / (4 * parts * parts))
    scale = 1 + z * z / parts
    low = 0.0 if events == 0 else (centre - half) / scale
    high = 1.0 if events == parts else (centre + half) / scale
    return Rate(events, parts, low, high, confidence)


def upper_bound(events: float, parts: float, confidence: float = 0.95) -> float:
    """The one-sided exact bound: the true rate lies above it at most 1 − ``confidence`` of the time.

    Clopper and Pearson's, which inverts the binomial test: that the rate is above α is refuted at this
    confidence just where the bound is at most α. Counts need not be whole.

    >>> upper_bound(0, 299) < 0.01 < upper_bound(0, 298)
    True
    """
    _check_counts(events, parts, confidence)
    return float(betaincinv(events + 1, parts - events, confidence)) if events < parts else 1.0


def lower_bound(events: float, parts: float, confidence: float = 0.95) -> float:
    """The one-sided exact bound from below; see :func:`upper_bound`."""
    _check_counts(events, parts, confidence)
    return float(betaincinv(events, parts - events + 1, 1 - confidence)) if events else 0.0


def wilson_upper(events: int, parts: int, confidence: float = 0.95) -> float:
    """The one-sided score bound: to draw with, as :func:`wilson`."""
    _check_counts(events, parts, confidence)
    if confidence <= 0.5:
        raise ValueError(f"a one-sided bound wants a confidence above 0.5, got {confidence}")
    return wilson(events, parts, 2 * confidence - 1).high


def wilson_lower(events: int, parts: int, confidence: float = 0.95) -> float:
    """The one-sided score bound from below."""
    _check_counts(events, parts, confidence)
    if confidence <= 0.5:
        raise ValueError(f"a one-sided bound wants a confidence above 0.5, got {confidence}")
    return wilson(events, parts, 2 * confidence - 1).low


def escape_rate(is_defective: Bools, passed: Bools, confidence: float = 0.95) -> Rate:
    """Share of the *defective* parts that the station let through, with its exact interval.

    Args:
        is_defective: (N,) the reference of each part.
        passed: (N,) True where the verdict was PASS. UNINSPECTED is not PASS.
        confidence: two-sided coverage of the interval, 0–1.
    """
    defective, opened = _aligned(is_defective, passed)
    return clopper_pearson(int(np.sum(defective & opened)), int(np.sum(defective)), confidence)


def overkill_rate(is_defective: Bools, passed: Bools, confidence: float = 0.95) -> Rate:
    """Share of the *good* parts that the station did not let through, with its exact interval.

    Args:
        is_defective: (N,) the reference of each part.
        passed: (N,) True where the verdict was PASS; REVIEW and UNINSPECTED hold a part up too.
        confidence: two-sided coverage of the interval, 0–1.
    """
    defective, opened = _aligned(is_defective, passed)
    return clopper_pearson(int(np.sum(~defective & ~opened)), int(np.sum(~defective)), confidence)


def review_load(reviewed: Bools, confidence: float = 0.95) -> Rate:
    """Share of *all* parts that a person has to decide on, with its exact interval.

    Args:
        reviewed: (N,) True where the verdict was REVIEW.
        confidence: two-sided coverage of the interval, 0–1.
    """
    asked = np.asarray(reviewed, dtype=bool)
    return clopper_pearson(int(np.sum(asked)), asked.size, confidence)


def _aligned(is_defective: Bools, passed: Bools) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    defective, opened = np.asarray(is_defective, dtype=bool), np.asarray(passed, dtype=bool)
    if defective.shape != opened.shape or defective.ndim != 1:
        raise ValueError(f"one reference per verdict: got {defective.shape} and {opened.shape}")
    return defective, opened


def _check_counts(events: float, parts: float, confidence: float) -> None:
    if not 0 <= events <= parts:
        raise ValueError(f"0 ≤ events ≤ parts is needed, got {events} of {parts}")
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must lie between 0 and 1, got {confidence}")
