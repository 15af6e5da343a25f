"""How long a CUSUM runs without an alarm: a Markov chain, and thresholds for a stated ARL₀.

ARL₀ is the mean number of values from one false alarm to the next while nothing changes. The CUSUM is
max(0, C + z − k) of normal scores z (:mod:`taktsight.quality.drift_ranks`), upwards and downwards; it
alarms above h. Brook and Evans, Biometrika 59 (1972): cut 0…h into states, and the mean run is a linear
system.

A frozen reference of n values is itself a sample: with an unlucky one a detector that has the stated ARL₀
on average alarms far more often. As scores come of ranks, what luck can do is known whatever is measured:
the gaps between n sorted values hold shares of the population that are Dirichlet(1, …, 1) distributed. h is
chosen so that nine of ten references reach the ARL₀ (Gandy and Kvaløy, Scand. J. Statist. 40, 2013,
bootstrap it; here it is drawn from the known law).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from taktsight.quality.drift_ranks import normal_scores

Floats = NDArray[np.float64]

ALLOWANCE = 0.25
"""k: half of the shift, in standard deviations, that shall be found soonest."""
STATES = 80
"""At least; a state is never wider than a fifth of a standard deviation, or small steps would be lost."""
WIDEST = 0.2
REFERENCES = 200
"""Drawn, to know what the luck of the reference does."""
GUARANTEED = 0.9
"""Share of references whose detector keeps the stated ARL₀."""
MAX_THRESHOLD = 56.0
LONGEST = 1e12
"""Runs beyond are not told apart: doubles do not resolve them."""
_CLOSE = 0.01
"""Of the logarithm of a run: 1 % above what is stated, and never below."""
_SEED = 20240


def run_lengths(lower: Floats) -> Floats:
    """(B,) mean run length of B one-sided CUSUMs that start at 0.

    Args:
        lower: (B, 2·M) the chance that z − k is at most (j + ½)·w, j = −M … M − 1, in ascending order; w
            is the width of the M states: h = (M − ½)·w.
    """
    moves = _moves(lower)
    ones = np.ones((*moves.shape[:2], 1))
    chances = np.eye(moves.shape[1]) - moves * (1 - 1 / LONGEST)
    found = np.asarray(np.linalg.solve(chances, ones)[:, 0, 0], np.float64)
    return np.where(found > 0, found, np.inf)  # beyond what doubles resolve: without end


def _moves(lower: Floats) -> Floats:
    """(B, M, M) chances to go from state to state; the rest is the alarm."""
    states = lower.shape[1] // 2
    start, end = np.indices((states, states))
    place = end - start + states
    upper = lower[:, place]
    below = np.where(end == 0, 0.0, lower[:, place - 1])
    moves: Floats = upper - below
    return moves


def _edges(threshold: float) -> Floats:
    states = max(STATES, math.ceil(threshold / WIDEST))
    width = threshold / (states - 0.5)
    return np.asarray((np.arange(-states, states) + 0.5) * width, np.float64)


def normal_run_length(threshold: float, *, allowance: float = ALLOWANCE, shift: float = 0.0) -> float:
    """Mean run of the two-sided CUSUM of normal values that are shifted by so many deviations.

    The two sides combine as 1/ARL = 1/ARL⁺ + 1/ARL⁻.

    >>> round(normal_run_length(8.01, allowance=0.25)), round(normal_run_length(4.0, allowance=0.5))
    (370, 168)
    """
    edges = _edges(threshold)
    sides = np.stack([ndtr(edges + allowance - shift), ndtr(edges + allowance + shift)])
    return float(1 / np.sum(1 / run_lengths(sides)))


def run_quantile(threshold: float, share: float, *, allowance: float = ALLOWANCE, shift: float) -> int:
    """By which value the CUSUM of shifted normal values has alarmed in so large a share of cases.

    It starts at 0, the worst case; one that has been running starts a little above.
    """
    edges = _edges(threshold)
    moves = _moves(ndtr(edges + allowance - abs(shift))[np.newaxis])[0]
    there = np.zeros(len(moves))
    there[0], values = 1.0, 0
    while there.sum() > 1 - share and values < 100_000:
        there, values = there @ moves, values + 1
    return values


def unlucky_run_length(
    threshold: float, gaps: Floats, *, allowance: float = ALLOWANCE, share: float = GUARANTEED
) -> float:
    """The mean run that a share of references reach.

    Args:
        threshold: h.
        gaps: (B, n + 1) what share of the population lies between sorted values, of B references.
        allowance: k.
        share: of the references.
    """
    edges = _edges(threshold)
    scores = normal_scores(gaps.shape[1] - 1)
    sides = []
    for shares in (gaps, gaps[:, ::-1]):  # downwards is upwards of the mirror image
        cumulated = np.concatenate([np.zeros((len(gaps), 1)), np.cumsum(shares, axis=1)], axis=1)
        lower = cumulated[:, np.searchsorted(scores, edges + allowance, side="right")]
        sides.append(run_lengths(lower))
    with np.errstate(divide="ignore"):  # without end on both sides
        both = 1 / (1 / sides[0] + 1 / sides[1])
    return float(np.quantile(both, 1 - share, method="lower"))


@dataclass(frozen=True, slots=True)
class Threshold:
    """When a CUSUM alarms, and what that means."""

    h: float
    arl0: float
    """Values from one false alarm to the next, that nine of ten references reach."""
    count: int
    """Values in the reference."""

    def delay(self, shift: float) -> tuple[float, int]:
        """Values until a shift of so many deviations is found: the mean, and in nine of ten cases."""
        mean = normal_run_length(self.h, shift=shift)
        return mean, run_quantile(self.h, 0.9, shift=shift)


@lru_cache(maxsize=64)
def rank_threshold(count: int, arl0: float) -> Threshold:
    """The least h whose two-sided CUSUM keeps the ARL₀ with nine of ten references of ``count`` values.

    Raises:
        ValueError: If there is none, as the reference is too small for so long a run.
    """
    if count < 2 or not arl0 > 1:
        raise ValueError(f"two values and an ARL₀ above 1 are wanted, got {count} and {arl0}")
    gaps = np.random.default_rng(_SEED).dirichlet(np.ones(count + 1), REFERENCES)
    low, low_log, high, high_log = 0.0, 0.0, 8.0, _log_run(8.0, gaps)
    wanted = math.log(arl0)
    while high_log < wanted:
        if high >= MAX_THRESHOLD:
            raise ValueError(
                f"a reference of {count} values cannot promise one false alarm in {arl0:,.0f}: take more "
                "parts into it, or a shorter ARL₀"
            )
        low, low_log, high = high, high_log, high + 8.0
        high_log = _log_run(high, gaps)
    while high_log - wanted > _CLOSE and high - low > _CLOSE:  # its logarithm is nearly straight in h
        share = (wanted + _CLOSE / 2 - low_log) / (high_log - low_log)
        middle = low + (high - low) * min(max(share, 0.05), 0.95)
        middle_log = _log_run(middle, gaps)
        if middle_log < wanted:
            low, low_log = middle, middle_log
        else:
            high, high_log = middle, middle_log
    return Threshold(high, arl0, count)


def _log_run(threshold: float, gaps: Floats) -> float:
    return math.log(max(min(unlucky_run_length(threshold, gaps), 1e300), 1.0))
