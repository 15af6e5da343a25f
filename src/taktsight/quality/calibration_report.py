"""How well each label's scores are calibrated, before and after, with intervals by bootstrap over parts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from taktsight.errors import DataError
from taktsight.quality.calibration import (
    BINS,
    Bin,
    Binning,
    Bools,
    Brier,
    Floats,
    Isotonic,
    Temperature,
    bins_of,
    brier,
    expected_error,
    fit_isotonic,
    fit_temperature,
    log_loss,
)
from taktsight.quality.parts import Codes, Parts, one_row_each

RESAMPLES = 1000
CONFIDENCE = 0.95
CHANCES = 300
"""Draws of truths that the scores foretell."""
FOLDS = 5
"""Calibrated scores are measured on parts that their calibration was not fitted to."""
LEAST_OF_A_KIND = 10
"""Parts with the label, and parts without: fewer, and nothing can be said."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with its bootstrap interval.

    Percentiles for means over parts. An ECE is biased upwards, and its resamples are so again: its interval
    is mirrored at the value (the basic bootstrap), which takes that out, and ends at 0.
    """

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


@dataclass(frozen=True, slots=True)
class Measured:
    """One way to score: as the network gives them, or calibrated on other parts."""

    name: str
    ece_width: Estimate
    """Bins of equal width."""
    ece_mass: Estimate
    """Bins of equal mass."""
    ece_by_chance: float
    """What 95 % of perfectly calibrated scores like these stay below, with bins of equal width: an ECE
    below that shows no fault."""
    brier: Estimate
    parts_of_brier: Brier
    log_loss: Estimate
    width_bins: tuple[Bin, ...]
    mass_bins: tuple[Bin, ...]


@dataclass(frozen=True, slots=True)
class LabelCalibration:
    """Of one label."""

    label: str
    parts: int
    defective: int
    temperature: Temperature
    """Fitted to every part."""
    isotonic: Isotonic
    """Fitted to every part."""
    measured: tuple[Measured, ...]
    """As given; with temperature; isotonic."""


def calibrate(
    parts: Parts, *, bins: int = BINS, resamples: int = RESAMPLES, seed: int = 0
) -> tuple[LabelCalibration, ...]:
    """Each label's scores, as they are and calibrated.

    A part that several cameras saw counts once, with its highest score. What is calibrated is judged by
    cross-fitting over parts: five times four fifths are fitted to, and the rest is scored. Parts of one lot
    stay in one fold, where lots are known, and the bootstrap draws lots then.

    Args:
        parts: with scores and truth.
        bins: of each kind.
        resamples: of the bootstrap.
        seed: of folds and bootstrap.

    Raises:
        DataError: If no label is scored, or a label has too few parts of a kind.
    """
    if not parts.labels:
        raise DataError("the file has no column of scores: score:LABEL, one for each label")
    each = one_row_each(parts)
    lot = each.group("lot")
    units = np.arange(len(each)) if lot is None else np.unique(lot.codes, return_inverse=True)[1]
    return tuple(
        _label(each, place, np.asarray(units, np.int64), bins, resamples, seed)
        for place in range(len(each.labels))
    )


def _label(
    parts: Parts, place: int, units: Codes, bins: int, resamples: int, seed: int
) -> LabelCalibration:
    label = parts.labels[place]
    scores, is_defect = parts.scores[:, place], parts.has(label)
    defective = int(is_defect.sum())
    if min(defective, is_defect.size - defective) < LEAST_OF_A_KIND:
        raise DataError(
            f"label {label}: {defective} parts have it and {is_defect.size - defective} do not; "
            f"{LEAST_OF_A_KIND} of each are wanted to say how its scores are calibrated"
        )
    folds = _folds(is_defect, units, seed)
    ways = {
        "as given": scores,
        "temperature": _cross_fitted(scores, is_defect, folds, fit_temperature),
        "isotonic": _cross_fitted(scores, is_defect, folds, fit_isotonic),
    }
    drawn = _draws(units, resamples, seed)
    return LabelCalibration(
        label,
        is_defect.size,
        defective,
        fit_temperature(scores, is_defect),
        fit_isotonic(scores, is_defect),
        tuple(_measured(name, found, is_defect, bins, drawn) for name, found in ways.items()),
    )


def _folds(is_defect: Bools, units: Codes, seed: int) -> Codes:
    """(N,) fold of each part: units whole, those with the defect evenly spread."""
    rng = np.random.default_rng(seed)
    defects = np.bincount(units, is_defect)
    order = np.lexsort([rng.random(defects.size), defects > 0])
    fold = np.empty(defects.size, np.int64)
    fold[order] = np.arange(defects.size) % FOLDS
    return np.asarray(fold[units], np.int64)


def _cross_fitted(
    scores: Floats,
    is_defect: Bools,
    folds: Codes,
    fit: Callable[[Floats, Bools], Temperature | Isotonic],
) -> Floats:
    found = scores.copy()
    for fold in range(FOLDS):
        kept = folds == fold
        if not kept.any():
            continue
        try:
            found[kept] = fit(scores[~kept], is_defect[~kept])(scores[kept])
        except ValueError as error:
            raise DataError(
                f"{error}: without one fifth of the lots; the defect is in too few lots to be calibrated"
            ) from error
    return found


def _draws(units: Codes, resamples: int, seed: int) -> list[Codes]:
    """Rows of each resample: units drawn with replacement, each with all its rows."""
    rng = np.random.default_rng(seed)
    order = np.argsort(units, kind="stable")
    starts = np.concatenate([[0], np.cumsum(np.bincount(units))])
    count = starts.size - 1
    if count == units.size:
        return [rng.integers(count, size=count) for _ in range(resamples)]
    return [
        np.concatenate([order[starts[unit] : starts[unit + 1]] for unit in rng.integers(count, size=count)])
        for _ in range(resamples)
    ]


def _measured(name: str, scores: Floats, is_defect: Bools, count: int, drawn: list[Codes]) -> Measured:
    width: Binning = "equal width"
    mass: Binning = "equal mass"
    wide, heavy = bins_of(scores, is_defect, width, count), bins_of(scores, is_defect, mass, count)
    rows = np.array([_figures(scores[draw], is_defect[draw], count) for draw in drawn])
    values = _figures(scores, is_defect, count)
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(rows, (tail, 1 - tail), axis=0)
    is_ece = np.arange(values.size) < 2
    low, high = np.where(is_ece, (2 * values - high).clip(0), low), np.where(is_ece, 2 * values - low, high)
    estimates = [Estimate(*each) for each in np.stack([values, low, high], axis=1).tolist()]
    return Measured(
        name,
        estimates[0],
        estimates[1],
        _by_chance(scores, count),
        estimates[2],
        brier(scores, is_defect, wide),
        estimates[3],
        wide,
        heavy,
    )


def _by_chance(scores: Floats, count: int) -> float:
    """Truths are drawn from the scores themselves (Bröcker and Smith, 2007)."""
    rng = np.random.default_rng(0)
    drawn = (rng.random(scores.size) < scores for _ in range(CHANCES))
    errors = [expected_error(bins_of(scores, truth, "equal width", count)) for truth in drawn]
    return float(np.quantile(errors, 0.95))


def _figures(scores: Floats, is_defect: Bools, count: int) -> Floats:
    """ECE of equal width and of equal mass, Brier, log loss."""
    figures = (
        expected_error(bins_of(scores, is_defect, "equal width", count)),
        expected_error(bins_of(scores, is_defect, "equal mass", count)),
        float(((scores - is_defect) ** 2).mean()),
        log_loss(scores, is_defect),
    )
    return np.array(figures)
