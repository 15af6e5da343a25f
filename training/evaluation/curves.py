"""How well scores tell defective from good parts: ROC, precision–recall, AUROC, average precision."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit, ndtri
from scipy.stats import rankdata

from taktsight.strict_model import StrictModel
from taktsight.training.evaluation.estimates import Estimate, Floats, Statistic, divided
from taktsight.training.evaluation.judged import Clusters

Bools = NDArray[np.bool_]


class CurvePoint(StrictModel):
    """What holding up every part from one score on would do."""

    score: float
    """Parts at or above it are held up, 0–1."""
    detected: float | None
    """Defective parts held up ÷ defective parts: 1 − escape rate, recall. None without defective parts."""
    overkill: float | None
    """Good parts held up ÷ good parts. None without good parts."""
    precision: float
    """Defective parts held up ÷ parts held up."""


def curve(is_defective: Bools, scores: Floats) -> tuple[CurvePoint, ...]:
    """One point per distinct score, from the highest down; parts of equal score move together.

    ROC is detected over overkill from (0, 0), precision–recall is precision over detected.
    """
    order, ends = _ranks(scores)
    detected = np.cumsum(is_defective[order])[ends]
    held = ends + 1
    defective, good = int(is_defective.sum()), int((~is_defective).sum())
    return tuple(
        CurvePoint(
            score=shortest(scores[order[end]]),
            detected=hit / defective if defective else None,
            overkill=(count - hit) / good if good else None,
            precision=hit / count,
        )
        for end, hit, count in zip(ends, detected.tolist(), held.tolist(), strict=True)
    )


def auroc(is_defective: Bools, scores: Floats, clusters: Clusters) -> Estimate | None:
    """The chance that a defective part scores higher than a good one, with its 95 % interval.

    Two equal scores count half. The variance is that of DeLong, DeLong and Clarke-Pearson,
    Biometrics 44 (1988), in the form of Obuchowski, Biometrics 53 (1997), for clustered parts: the
    two are equal where every physical part was seen once. The interval is symmetric in the logit
    (Pepe, The Statistical Evaluation of Medical Tests, 2003, section 5.2), so it stays within 0–1.

    Args:
        is_defective: (N,) the reference of each part.
        scores: (N,) part scores.
        clusters: (N,) the physical part of each part.

    Returns:
        None where defective or good parts are missing. No interval where one kind has fewer than two
        physical parts, or where no pair, or every pair, is out of order: the variance is then not
        known to be zero, it is not known.
    """
    if is_defective.all() or not is_defective.any():
        return None
    area, variance = _area_and_variance(is_defective, scores, clusters)
    if variance is None or variance <= 0.0 or not 0.0 < area < 1.0:
        return Estimate(value=area, low=None, high=None)
    half = float(ndtri(0.975)) * math.sqrt(variance) / (area * (1 - area))
    centre = float(logit(area))
    return Estimate(value=area, low=float(expit(centre - half)), high=float(expit(centre + half)))


def average_precision(is_defective: Bools, scores: Floats) -> Statistic:
    """Average precision as a statistic of the parts' weights: Σ (R_n − R_n₋₁) P_n over distinct scores.

    No interpolation. NaN where no defective part has a weight.
    """
    order, ends = _ranks(scores)
    defective = is_defective[order].astype(np.float64)

    def statistic(weights: Floats) -> Floats:
        ordered = weights[:, order]
        hits = np.cumsum(ordered * defective, axis=1)[:, ends]
        held = np.cumsum(ordered, axis=1)[:, ends]
        precision = np.nan_to_num(divided(hits, held))  # nobody held up yet adds nothing
        return divided(np.sum(np.diff(hits, axis=1, prepend=0.0) * precision, axis=1), hits[:, -1])

    return statistic


def shortest(score: np.floating) -> float:
    """The float32 score as the shortest decimal that means the same float32: 0.04, not 0.03999999911."""
    return float(str(np.float32(score)))


def _ranks(scores: Floats) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The order from the highest score down, and where in it each group of equal scores ends."""
    order = np.argsort(-scores, kind="stable")
    ends = np.flatnonzero(np.append(np.diff(scores[order]) != 0.0, True))
    return order, ends


def _area_and_variance(
    is_defective: Bools, scores: Floats, clusters: Clusters
) -> tuple[float, float | None]:
    high, low = scores[is_defective], scores[~is_defective]
    ranks = rankdata(np.concatenate([high, low]))
    # Placements: the share of the other kind that each part beats, ties half.
    above = (ranks[: high.size] - rankdata(high)) / low.size
    below = 1.0 - (ranks[high.size :] - rankdata(low)) / high.size
    area = float(above.mean())
    names, numbers = np.unique(clusters, return_inverse=True)
    pieces = names.size
    of_high, of_low = numbers[is_defective], numbers[~is_defective]
    high_pieces, low_pieces = np.unique(of_high).size, np.unique(of_low).size
    if high_pieces < 2 or low_pieces < 2:
        return area, None
    high_sums = np.bincount(of_high, above - area, minlength=pieces)
    low_sums = np.bincount(of_low, below - area, minlength=pieces)
    high_part = high_pieces / (high_pieces - 1) * float(high_sums @ high_sums) / high.size**2
    low_part = low_pieces / (low_pieces - 1) * float(low_sums @ low_sums) / low.size**2
    both = pieces / (pieces - 1) * float(high_sums @ low_sums) / (high.size * low.size)
    return area, high_part + low_part + 2 * both
