"""P(defective) of a part from its score, and P(wrong) of its verdict.

A score counts by where it stands against the limits that judged it, its *position*: 0 to 1/3 below
``review_score``, 1/3 to 2/3 in the unsure band, 2/3 to 1 from ``reject_score`` on, straight in between. So
parts of different labels and recipes can be held against each other.

    before anybody decided     P(defective) = 1 / (1 + exp(-8 · (position - 1/2)))
    with n decisions           (n · I(position) + 40 · the above) / (n + 40)

I is the rising staircase of the decided parts (isotonic regression, as Zadrozny and Elkan calibrate
classifiers, KDD 2002; :func:`taktsight.quality.calibration.fit_isotonic`). Decided parts are mostly flagged
ones, so of parts that passed it is an extrapolation; audits are what corrects it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from taktsight.inspect.review.parts.tables import OUTCOMES
from taktsight.quality.calibration import Isotonic, fit_isotonic
from taktsight.recipe import Limit
from taktsight.records import Outcome

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

STEEPNESS = 8.0
PRIOR_PARTS = 40
"""Decisions that weigh as much as the curve before there were any."""
THIRD = 1 / 3
UNKNOWN = 0.5
"""Of a part about which the scores say nothing: nobody judged it, or the look has drifted."""


@dataclass(frozen=True, slots=True)
class Chances:
    """P(defective) by position."""

    decided: int = 0
    staircase: Isotonic | None = None
    share: float = UNKNOWN
    """Of the decided parts that were defective."""

    def of_positions(self, positions: Floats) -> Floats:
        """(N,) 0–1; of a position that is NaN, the share of the decided parts."""
        before = expit(STEEPNESS * (positions - 0.5))
        learned = before if self.staircase is None else self.staircase(np.nan_to_num(positions, nan=0.5))
        weight = self.decided / (self.decided + PRIOR_PARTS)
        known = weight * learned + (1 - weight) * before
        unknown = weight * self.share + (1 - weight) * UNKNOWN
        return np.where(np.isnan(positions), unknown, known)


def learn(positions: Floats, is_defective: NDArray[np.bool_]) -> Chances:
    """From decided parts; those whose position is NaN count for the share alone."""
    if not positions.size:
        return Chances()
    share = float(is_defective.mean())
    known = ~np.isnan(positions)
    truths = is_defective[known]
    if not known.any() or truths.all() == truths.any():  # of one kind: they say how many, and not where
        level = Isotonic((0.0, 1.0), (share, share)) if known.any() else None
        return Chances(int(positions.size), level, share)
    return Chances(int(positions.size), fit_isotonic(positions[known], truths), share)


def positions_of(scores: Floats, outcomes: Ints, review: Floats, reject: Floats) -> Floats:
    """(N,) where scores stand against their limits.

    Args:
        scores: (N,) 0–1, NaN where nobody judged.
        outcomes: (N,) places in :data:`OUTCOMES`.
        review: (N,) the limits' ``review_score``; NaN where no limit is known. The outcome then says the
            third, and the score the place in it.
        reject: (N,) the limits' ``reject_score``.
    """
    below = _share(scores, np.zeros_like(scores), review)
    within = 1 + _share(scores, review, reject)
    above = 2 + _share(scores, reject, np.ones_like(scores))
    known = np.where(scores >= reject, above, np.where(scores >= review, within, below))
    thirds = np.full(scores.shape, np.nan)
    for place, third in ((Outcome.PASS, 0), (Outcome.REVIEW, 1), (Outcome.REJECT, 2)):
        thirds[outcomes == OUTCOMES.index(place)] = third
    guessed = thirds + scores
    return np.asarray(np.where(np.isnan(review), guessed, known) * THIRD, np.float64)


def wrong(defective: Floats, outcomes: Ints) -> Floats:
    """(N,) P(wrong) of the verdicts.

    A passed part is wrong if it is defective; a rejected or uninspected one, which did not pass either, if
    it is good. REVIEW says neither: whichever way it goes by itself is wrong with the lesser of both.
    """
    found = 1 - defective
    is_pass = outcomes == OUTCOMES.index(Outcome.PASS)
    is_review = outcomes == OUTCOMES.index(Outcome.REVIEW)
    found = np.where(is_pass, defective, found)
    return np.where(is_review, np.minimum(defective, 1 - defective), found)


def limit_table(
    limits: Mapping[str, Sequence[Limit]], recipes: Mapping[int, str], labels: Mapping[int, str]
) -> dict[tuple[int, int], tuple[float, float]]:
    """Recipe and label, as the index numbers them → review_score, reject_score.

    Args:
        limits: digest of a recipe → its limits.
        recipes: number → digest.
        labels: number → label.
    """
    numbers = {label: number for number, label in labels.items()}
    return {
        (recipe, numbers[limit.label]): (limit.review_score, limit.reject_score)
        for recipe, digest in recipes.items()
        for limit in limits.get(digest, ())
        if limit.label in numbers
    }


def _share(scores: Floats, low: Floats, high: Floats) -> Floats:
    """How far between low and high, 0–1; one half where there is nothing between them."""
    width = high - low
    with np.errstate(invalid="ignore", divide="ignore"):
        share = (scores - low) / width
    return np.clip(np.where(width > 0, share, np.where(np.isnan(width), np.nan, 0.5)), 0.0, 1.0)
