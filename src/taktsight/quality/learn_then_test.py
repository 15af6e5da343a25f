"""Limits that are certain enough, chosen and certified on the same parts: fixed-sequence Learn-then-Test.

Angelopoulos, Bates, Candès, Jordan and Lei, Learn then Test (2021). Thresholds are tried from the safest
on, each is tested by the exact binomial at δ, and the first that fails ends it: whatever stood before is
certified, all of it at once, with confidence 1 − δ. Every real threshold is tried, not a grid: the counts
only grow on the way, so the last that holds is an order statistic, found without a loop. (For the escapes
of one label this is Wilks' tolerance limit, 1941.)

    escape     a part passes below ``review_score``; the sequence runs from 0 up, on defective parts
    overkill   the sequence runs from "no part is rejected" down to the review thresholds, for all labels
               together, on good parts. Where it ends above them there is a review band, and what is
               certified is the share of good parts that are *rejected*. Where it reaches them there is
               none, and it goes on below: one threshold for both claims.

The second sequence is fixed before a good part is looked at, because it depends on defective parts alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit

from taktsight.quality.parts import Bools, Floats

CLEAR = 0.01
"""Thresholds stand so far from the score they are taken from, in the logit: another engine's rounding must
not move a part across."""
LEAN = 0.25
"""Without a review band, so far of the way from the good parts up to the defective ones."""
_SURE = 1e-9
"""Scores nearer to 0 or 1 are taken as equally sure when a threshold beside them is sought."""


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Where a part is held up and where it is rejected."""

    review: tuple[float, ...]
    """One per label: a part passes only below all of them."""
    reject: tuple[float, ...]
    """One per label, none below its ``review``."""

    @property
    def has_band(self) -> bool:
        """Whether some parts go to a person."""
        return self.review != self.reject

    def held(self, scores: Floats) -> Bools:
        """(N,) whether a part does not pass, from its (N, K) scores."""
        return np.asarray((scores >= np.array(self.review)).any(axis=1))

    def rejected(self, scores: Floats) -> Bools:
        """(N,) whether a part is rejected."""
        return np.asarray((scores >= np.array(self.reject)).any(axis=1))


def review_threshold(scores: Floats, allowed: int) -> float:
    """The highest threshold, clear of the scores, below which at most ``allowed`` of them lie.

    0 where more than ``allowed`` scores are 0: no part may pass then.
    """
    return clear_below(float(np.partition(scores, allowed)[allowed]))


def way_up(scores: Floats, review: Sequence[float]) -> Floats:
    """(N,) where on the way of reject thresholds each part is rejected; the highest of its labels counts.

    The way runs from −1 (every part is rejected) over 0 (at the review thresholds) to 1 (at score 1).
    """
    edges = np.array(review)
    above = np.divide(scores - edges, 1 - edges, out=np.zeros_like(scores), where=edges < 1)
    below = np.divide(scores, edges, out=np.ones_like(scores), where=edges > 0) - 1
    return np.asarray(np.where(scores >= edges, above, below).max(axis=1, initial=-1.0))


def reject_thresholds(review: Sequence[float], ways: Floats, allowed: int) -> Thresholds | None:
    """The lowest thresholds that at most ``allowed`` good parts reach.

    Args:
        review: one per label, chosen without looking at a good part.
        ways: (N,) of the good parts, from :func:`way_up`; of a lot the highest of its parts.
        allowed: good parts that may be rejected.

    Returns:
        None where more than ``allowed`` good parts score 1 and no threshold would spare them.
    """
    highest = float(np.partition(ways, ways.size - 1 - allowed)[ways.size - 1 - allowed])
    if highest >= 1:
        return None
    if highest < 0:
        least = [edge * (1 + highest) for edge in review]
        wanted = [edge * (1 + (1 - LEAN) * highest) for edge in review]
        one = tuple(_few_digits(want, low) for want, low in zip(wanted, least, strict=True))
        return Thresholds(one, one)
    reject = tuple(clear_above(edge + highest * (1 - edge)) for edge in review)
    return Thresholds(tuple(review), tuple(map(max, reject, review)))


def clear_below(score: float) -> float:
    """A threshold that this score reaches, clear of it, with few digits."""
    if score <= 0:
        return 0.0
    nearest, farthest = (_moved(score, -steps * CLEAR) for steps in (1, 2))
    return _digits(nearest, farthest, math.floor)


def clear_above(score: float) -> float:
    """A threshold that this score does not reach, clear of it, with few digits; at most 1."""
    nearest, farthest = (_moved(score, steps * CLEAR) for steps in (1, 2))
    return min(1.0, _digits(nearest, farthest, math.ceil))


def _moved(score: float, logits: float) -> float:
    clipped = min(max(score, _SURE), 1 - _SURE)
    moved = float(expit(logit(clipped) + logits))
    # Beyond the ends the logits are cut off; there the plain scale must do.
    if logits < 0:
        return moved if moved < score else score * (1 + logits)
    return moved if moved > score else score + (1 - score) * logits


def _digits(nearest: float, farthest: float, towards: Callable[[float], int]) -> float:
    """``nearest`` with as few decimals, from 4 up, as keep it from going beyond ``farthest``."""
    low, high = sorted((nearest, farthest))
    for decimals in range(4, 17):
        rounded = towards(nearest * 10.0**decimals) / 10.0**decimals
        if low <= rounded <= high:
            return float(rounded)
    return nearest


def _few_digits(wanted: float, low: float) -> float:
    """``wanted`` with as few decimals, from 4 up, as keep it above ``low``; never higher than it was."""
    for decimals in range(4, 17):
        rounded = math.floor(wanted * 10.0**decimals) / 10.0**decimals
        if rounded > low:
            return float(rounded)
    return wanted
