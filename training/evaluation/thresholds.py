"""Where between two scores a threshold stands: half-way in the logit, with few decimals, clear of both."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.special import expit, logit

SCORE_DECIMALS = 4
SCORE_END = 1e-4
"""Scores nearer to 0 or 1 than this are taken as equally sure when a place between two is sought."""
LEAN = 0.25
"""Where the classes separate, so far of the way from the good parts up to the defective ones: a part
that neither split showed escapes rarely, at the cost of some overkill."""

HEADROOM = 0.5
"""Where no defective part is known, so far above the highest good part, as a share of its own way up
from their median: parts to come are not all as good as the best dozen."""


def allowed(target: float, parts: int) -> int:
    """The largest count whose share of ``parts`` is at most ``target``."""
    count = int(target * parts)
    return count + 1 if (count + 1) / parts <= target else count


def threshold_below(score: float, observed: Sequence[float]) -> float:
    """The highest threshold that ``score`` still reaches, clear of every observed score."""
    lower = max((other for other in observed if other < score), default=0.0)
    return _between(lower, score) if score > 0.0 else 0.0


def threshold_above(score: float, observed: Sequence[float]) -> float:
    """The lowest threshold that ``score`` no longer reaches; 1 where ``score`` is 1 itself."""
    upper = min((other for other in observed if other > score), default=1.0)
    return _between(score, upper) if score < 1.0 else 1.0


def leaning(highest: float, lowest: float, observed: Sequence[float]) -> float:
    """The threshold a quarter of the way from good up to defective, clear of every observed score."""
    wanted = _way_up(highest, lowest, LEAN)
    lower = max((other for other in observed if other < wanted), default=0.0)
    upper = min((other for other in observed if other >= wanted), default=1.0)
    return _rounded(wanted, lower, upper) if wanted < upper else _between(lower, upper)


def above_good(good: Sequence[float], target_overkill: float) -> tuple[float, float]:
    """The highest score that counts, and a threshold above it; scores of good parts, highest first."""
    highest = good[allowed(target_overkill, len(good))]
    middle, top = logit(np.clip([np.median(good), highest], SCORE_END, 1 - SCORE_END))
    wanted = max(float(expit(top + HEADROOM * (top - middle))), highest)
    if wanted > highest:
        return highest, _rounded(wanted, highest, 1.0)
    return highest, threshold_above(highest, good)


def _between(lower: float, upper: float) -> float:
    return _rounded(_way_up(lower, upper, 0.5), lower, upper)


def _rounded(score: float, lower: float, upper: float) -> float:
    """``score`` with as few decimals, from 4 up, as keep it between the two observed scores."""
    for decimals in range(SCORE_DECIMALS, 17):
        rounded = round(score, decimals)
        if lower < rounded < upper:
            return rounded
    return score


def _way_up(lower: float, upper: float, share: float) -> float:
    """The score at this share of the way, in the logit, from one score up to another."""
    start, end = logit(np.clip([lower, upper], SCORE_END, 1.0 - SCORE_END))
    score = float(expit(start + share * (end - start)))
    # Beyond the ends the logits are cut off; there the plain scale must do.
    return score if lower < score < upper else lower + share * (upper - lower)
