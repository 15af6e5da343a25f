"""Whether a score of 0.8 means that four of five such parts have the defect; and what makes it so.

Scores are those of one label, truths whether the part has that label. Nothing here changes what a
certificate binds: a calibrated score is for people who read it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression, minimize_scalar
from scipy.special import expit, log_expit, logit

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Binning = Literal["equal width", "equal mass"]

BINS = 10
LEAST_SCORE = 1e-6
"""Scores nearer to 0 or 1 are taken as this far from them: a logit has an end."""
TEMPERATURES = (0.05, 20.0)


@dataclass(frozen=True, slots=True)
class Bin:
    """Parts of about one score."""

    low: float
    high: float
    """Scores from low, exclusive but in the first bin, to high, inclusive."""
    parts: int
    score: float
    """Their mean score."""
    share: float
    """Of them that have the defect."""


@dataclass(frozen=True, slots=True)
class Brier:
    """The mean squared difference of score and truth, and what it is made of (Murphy, 1973).

    value = reliability − resolution + uncertainty + within, exactly: ``within`` is what scores of one bin
    differ by, which Murphy's three terms leave out where a bin holds different scores.
    """

    value: float
    reliability: float
    """Mean squared difference of score and share, over bins: 0 is calibrated."""
    resolution: float
    """Mean squared difference of a bin's share and that of all parts: higher tells parts apart."""
    uncertainty: float
    """p·(1 − p) of all parts: what nobody can do anything about."""
    within: float


def bins_of(scores: Floats, is_defect: Bools, binning: Binning, count: int = BINS) -> tuple[Bin, ...]:
    """The reliability diagram: bins that hold parts, in order.

    Args:
        scores: (N,) 0–1.
        is_defect: (N,).
        binning: bins of one width, or of one number of parts; equal scores share a bin.
        count: how many bins at most.
    """
    _check(scores, is_defect)
    edges = edges_of(scores, binning, count)
    numbers = np.clip(np.searchsorted(edges, scores, side="left") - 1, 0, len(edges) - 2)
    parts = np.bincount(numbers, minlength=len(edges) - 1)
    sums = np.bincount(numbers, scores, len(edges) - 1)
    defects = np.bincount(numbers, is_defect, len(edges) - 1)
    return tuple(
        Bin(
            float(edges[place]),
            float(edges[place + 1]),
            int(parts[place]),
            float(sums[place] / parts[place]),
            float(defects[place] / parts[place]),
        )
        for place in np.flatnonzero(parts)
    )


def edges_of(scores: Floats, binning: Binning, count: int) -> Floats:
    """Edges of the bins, 0 and 1 among them."""
    if binning == "equal width":
        return np.linspace(0.0, 1.0, count + 1)
    inner = np.quantile(scores, np.arange(1, count) / count, method="inverted_cdf")
    return np.unique(np.concatenate([[0.0], inner, [1.0]]))


def expected_error(bins: tuple[Bin, ...]) -> float:
    """ECE: mean difference of score and share over bins, weighed by parts.

    It depends on the bins, and with few parts in each it is above 0 even for perfect scores: never compare
    two that were computed with other bins, or of other numbers of parts.
    """
    total = sum(each.parts for each in bins)
    return sum(each.parts * abs(each.score - each.share) for each in bins) / total


def brier(scores: Floats, is_defect: Bools, bins: tuple[Bin, ...]) -> Brier:
    """The Brier score, taken apart along bins of the same parts."""
    _check(scores, is_defect)
    truth = is_defect.astype(np.float64)
    base = float(truth.mean())
    weights = np.array([each.parts for each in bins]) / scores.size
    shares = np.array([each.share for each in bins])
    means = np.array([each.score for each in bins])
    value = float(((scores - truth) ** 2).mean())
    reliability = float(weights @ (means - shares) ** 2)
    resolution = float(weights @ (shares - base) ** 2)
    uncertainty = base * (1 - base)
    return Brier(
        value, reliability, resolution, uncertainty, value - (reliability - resolution + uncertainty)
    )


def log_loss(scores: Floats, is_defect: Bools) -> float:
    """Mean negative log-likelihood, natural logarithm; scores are kept ``LEAST_SCORE`` from 0 and 1."""
    logits = _logits(scores)
    return float(-np.where(is_defect, log_expit(logits), log_expit(-logits)).mean())


@dataclass(frozen=True, slots=True)
class Temperature:
    """score → expit(logit(score) ÷ temperature): the order of parts stays what it was."""

    temperature: float
    """Above 1: the network was surer than it had reason to be."""

    def __call__(self, scores: Floats) -> Floats:
        """(N,) calibrated scores."""
        return np.asarray(expit(_logits(scores) / self.temperature), np.float64)


def fit_temperature(scores: Floats, is_defect: Bools) -> Temperature:
    """The temperature of the least log loss (Guo et al., ICML 2017), 0.05–20.

    Raises:
        ValueError: If all parts are of one kind.
    """
    _check(scores, is_defect, both=True)
    logits = _logits(scores)
    signed = np.where(is_defect, logits, -logits)

    def loss(log_temperature: float) -> float:
        return float(-log_expit(signed / np.exp(log_temperature)).mean())

    low, high = np.log(TEMPERATURES)
    found = minimize_scalar(loss, bounds=(low, high), method="bounded", options={"xatol": 1e-6})
    return Temperature(float(np.exp(found.x)))


@dataclass(frozen=True, slots=True)
class Isotonic:
    """A staircase that never falls, straight between its corners, level beyond its ends."""

    scores: tuple[float, ...]
    shares: tuple[float, ...]

    def __call__(self, scores: Floats) -> Floats:
        """(N,) calibrated scores."""
        return np.asarray(np.interp(scores, self.scores, self.shares), np.float64)


def fit_isotonic(scores: Floats, is_defect: Bools) -> Isotonic:
    """The rising function of the least squared error, by pooling adjacent violators.

    Equal scores get one value. It takes more parts than a temperature, and ties scores that were not.

    Raises:
        ValueError: If all parts are of one kind.
    """
    _check(scores, is_defect, both=True)
    levels, places, counts = np.unique(scores, return_inverse=True, return_counts=True)
    means = np.bincount(places, is_defect) / counts
    shares = np.asarray(isotonic_regression(means, weights=counts).x)
    step = np.concatenate([[True], np.diff(shares) > 0])
    is_corner = step | np.concatenate([step[1:], [True]])
    return Isotonic(tuple(levels[is_corner].tolist()), tuple(shares[is_corner].tolist()))


def _logits(scores: Floats) -> Floats:
    return np.asarray(logit(np.clip(scores, LEAST_SCORE, 1 - LEAST_SCORE)), np.float64)


def _check(scores: Floats, is_defect: Bools, *, both: bool = False) -> None:
    if scores.ndim != 1 or scores.shape != is_defect.shape or not scores.size:
        raise ValueError(f"one truth per score is wanted, got {scores.shape} and {is_defect.shape}")
    if not (scores.min() >= 0 and scores.max() <= 1):  # NaN fails both
        raise ValueError("scores lie within 0–1")
    if both and is_defect.all() == is_defect.any():
        raise ValueError("parts with the defect and parts without are wanted, all are of one kind")
