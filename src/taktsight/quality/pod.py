"""Probability of detection by defect size, in figures that can be signed: a50, a90, a90/95, and doubts.

Sizes are in one unit, of the targets' own measure (a drawing, a microscope, a mask in mm), never of what
the inspection said. A target of size 0 is a place without a defect: it takes no part in the fit, and what
is called there is a false call.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from taktsight.errors import DataError
from taktsight.quality.pod_links import Link
from taktsight.quality.rates import clopper_pearson
from taktsight.quality.tables import Bools, Floats
from taktsight.strict_model import StrictModel

Scale = Literal["linear", "log"]
Origin = Literal["real", "synthetic"]
"""Synthetic: made defects. Their curve is that of the challenge set, not of a product."""


class FalseCalls(StrictModel):
    """What was called where there was no defect."""

    calls: int
    places: int
    """Without a defect that were inspected."""
    rate: float
    """calls ÷ places, 0–1."""
    high: float
    """Its upper bound, one-sided, exact (Clopper–Pearson)."""
    modelled: float | None = None
    """Chance that noise exceeds the decision, where signals were recorded and taken as normal."""


class CurvePoint(StrictModel):
    """One size of the curve."""

    size: float
    pod: float
    """0–1."""
    low: float | None
    """Lower bound of pod, 0–1; None where it was not asked for or cannot be had."""


class GroupFigures(StrictModel):
    """One group of targets: an operator, a lot, a kind of defect."""

    name: str
    n: int
    hits: int
    a50: float | None
    a90: float | None


class Pod(StrictModel):
    """A curve of detection; every size in ``unit``."""

    kind: Literal["hit/miss", "signal"]
    link: Link
    """Of a signal always probit: its scatter is normal."""
    size_scale: Scale
    unit: str
    """Of sizes: mm, or what the table says; "" where it says nothing."""
    origin: Origin
    n: int
    hits: int
    confidence: float
    """Of the bounds, 0–1."""
    b0: float | None
    b1: float | None
    """g(POD) = b0 + b1·x of hits and misses; of signals y = b0 + b1·x. None where the curve is a step."""
    scatter: float | None = None
    """Of signals about their line, s."""
    mu: float | None
    sigma: float | None
    """g(POD) = (x − mu) / sigma, on the scale of the fit: of sizes or of their natural logarithms."""
    covariance: tuple[tuple[float, float], tuple[float, float]] | None
    """Of mu and sigma."""
    a50: float
    a90: float
    a90_95: float | None
    """The size that is found with a POD of 0.9, at the confidence, by the handbook's own bound: likelihood
    ratio at χ²₁(confidence) for hits and misses, Wald for signals. None: no size is."""
    a90_95_wald: float | None
    """One-sided by the standard error."""
    a90_95_one_sided: float | None = None
    """One-sided by the likelihood ratio, χ²₁(2·confidence − 1); hits and misses alone."""
    deviance: float | None = None
    null_deviance: float | None = None
    ends: tuple[float | None, float | None] | None = None
    """Signals at or beyond which nothing is told apart."""
    censored: tuple[int, int] | None = None
    """How many targets lie at the lower and at the upper one."""
    signal_scale: Scale | None = None
    """Of y: signals or their natural logarithms."""
    decision: float | None = None
    """Signal above which a defect is called."""
    false_calls: FalseCalls | None
    groups: tuple[GroupFigures, ...] = ()
    curve: tuple[CurvePoint, ...] = ()
    convention: str
    """How the bounds are meant, in words."""
    warnings: tuple[str, ...]
    """What makes the figures doubtful, gravest first."""


def with_defect(sizes: Floats, answers: Floats | Bools, confidence: float) -> Bools:
    """Where there is a defect."""
    if sizes.shape != answers.shape or sizes.ndim != 1:
        raise ValueError(f"one answer per target: got {sizes.shape} and {answers.shape}")
    if not 0.5 < confidence < 1:
        raise DataError(f"confidence must lie between 0.5 and 1, got {confidence}")
    for name, values in (("size", sizes), ("answer", answers)):
        if not np.isfinite(np.asarray(values, float)).all():
            index = int(np.flatnonzero(~np.isfinite(np.asarray(values, float)))[0])
            raise DataError(f"target {index + 1}: its {name} is no finite number")
    if (sizes < 0).any():
        index = int(np.flatnonzero(sizes < 0)[0])
        raise DataError(f"target {index + 1}: its size {sizes[index]:g} lies below 0")
    return np.asarray(sizes > 0)


def check_both(found: Bools) -> None:
    if not len(found):
        raise DataError("there is no target with a size above 0")
    if found.all() or not found.any():
        what = "found, none was missed" if found.all() else "missed, none was found"
        raise DataError(
            f"all {len(found)} targets were {what}: a curve needs both; add "
            f"{'smaller' if found.all() else 'larger'} ones"
        )


def check_sizes(x: Floats) -> None:
    if len(x) < 3:
        raise DataError(f"{len(x)} targets with a size above 0 are too few for a curve; 3 is the least")
    if np.ptp(x) == 0:
        raise DataError("all targets have the same size: a curve needs several")


LARGEST_LOG = 700.0
"""Of a size that is still a number; only a line without a slope gets there, and it is told."""


def size_of(x: float, scale: Scale) -> float:
    return float(np.exp(min(x, LARGEST_LOG))) if scale == "log" else float(x)


def maybe_size_of(x: float | None, scale: Scale) -> float | None:
    return None if x is None else size_of(x, scale)


def false_calls_of(called: Bools, confidence: float, modelled: float | None) -> FalseCalls | None:
    """What was called at places without a defect; None where none was inspected."""
    if not len(called):
        return None
    rate = clopper_pearson(int(called.sum()), len(called), 2 * confidence - 1)
    return FalseCalls(
        calls=rate.events, places=rate.parts, rate=rate.value, high=rate.high, modelled=modelled
    )


def origin_warning(origin: Origin) -> list[str]:
    """That a challenge set is no product."""
    if origin == "real":
        return []
    return ["synthetic challenge set: the curve is that of made defects, not of a product's"]


def names_of(groups: Sequence[str] | None, there: Bools) -> list[str] | None:
    """The groups of the targets that have a defect; None where there is one group alone."""
    if groups is None:
        return None
    names = [name for name, is_one in zip(groups, there, strict=True) if is_one]
    return names if len(set(names)) > 1 else None
