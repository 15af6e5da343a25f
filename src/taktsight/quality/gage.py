"""Gage R&R: how much of what is measured is the measuring (AIAG, Measurement Systems Analysis, 4th ed.).

Average-and-range takes K1 = 1/d2 of the trials, K2 and K3 = 1/d2* of one range over appraisers and parts;
d2* = √(d2² + d3²/g) of g ranges is computed, not looked up. ANOVA is the two-way random one; where the
interaction is not significant at 0.25 it is pooled with repeatability. With one appraiser, such as a
station, what is left is repeatability.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from typing import Literal

import numpy as np
from scipy.special import fdtrc, ndtr

from taktsight.errors import DataError
from taktsight.quality.tables import Floats
from taktsight.strict_model import StrictModel

POOLING_P = 0.25
MethodName = Literal["average-range", "anova"]


class Spread(StrictModel):
    """One source of scatter."""

    source: Literal["repeatability", "reproducibility", "interaction", "gage R&R", "parts", "total"]
    sigma: float
    """Standard deviation, in the unit of the values."""
    of_study: float
    """6 σ of it ÷ 6 σ of the total, 0–1."""
    contribution: float
    """Its share of the total variance, 0–1."""
    of_tolerance: float | None
    """6 σ of it ÷ tolerance; None where no tolerance is given."""


class GageStudy(StrictModel):
    """What one method says."""

    method: MethodName
    spreads: tuple[Spread, ...]
    ndc: int
    """Distinct categories: ⌊1.41 · parts ÷ R&R⌋."""
    interaction_p: float | None = None
    """Chance of such an interaction by chance alone; ANOVA of several appraisers."""
    pooled: bool | None = None
    """Whether the interaction was pooled, p > 0.25."""
    verdict: Literal["acceptable", "marginal", "unacceptable"]
    """By R&R of the tolerance, where there is one, else of the study: below 10 %, to 30 %, above."""


class Gage(StrictModel):
    """A study of one measure."""

    parts: int
    appraisers: int
    trials: int
    unit: str
    tolerance: float | None
    studies: tuple[GageStudy, ...]
    convention: str
    warnings: tuple[str, ...]


def gage_table(
    parts: Sequence[str], appraisers: Sequence[str], values: Floats
) -> tuple[Floats, tuple[str, ...], tuple[str, ...]]:
    """The values of a long list as (A, N, T), with the names of appraisers and parts.

    Raises:
        DataError: If somebody measured a part more or less often than the others.
    """
    cells: dict[tuple[str, str], list[float]] = {}
    for part, appraiser, value in zip(parts, appraisers, values, strict=True):
        cells.setdefault((appraiser, part), []).append(float(value))
    names = tuple(sorted(set(appraisers))), tuple(sorted(set(parts)))
    trials = max(len(cell) for cell in cells.values())
    for appraiser in names[0]:
        for part in names[1]:
            got = len(cells.get((appraiser, part), []))
            if got != trials:
                raise DataError(
                    f"{appraiser} measured part {part!r} {got} times, others {trials} times: every "
                    "appraiser must measure every part as often"
                )
    # Sorted within a cell, since the order of its trials tells nothing here and rows come in any order.
    table = [[sorted(cells[appraiser, part]) for part in names[1]] for appraiser in names[0]]
    return np.array(table), names[0], names[1]


def gage(values: Floats, *, tolerance: float | None = None, unit: str = "") -> Gage:
    """Both methods on one study.

    Args:
        values: (A, N, T) of A appraisers, N parts, T trials.
        tolerance: width of what the drawing allows, in the unit of the values.
        unit: of the values.

    Raises:
        DataError: If there are fewer than two parts or trials, or nothing differs.
    """
    count, n, trials = values.shape
    if n < 2 or trials < 2:
        raise DataError(f"{n} parts and {trials} trials; two of each at least are wanted")
    if tolerance is not None and not tolerance > 0:
        raise DataError(f"tolerance must lie above 0, got {tolerance:g}")
    if np.ptp(values) == 0:
        raise DataError("all values are the same: the measure does not resolve these parts")
    studies = (_average_range(values, tolerance), _anova(values, tolerance))
    warnings = []
    if n < 10:
        warnings.append(f"{n} parts; 10 that span what the process makes are usual")
    if count == 1:
        warnings.append("one appraiser: what is shown is repeatability alone")
    if not np.ptp(values, axis=2).any():
        warnings.append(
            "no trial differs from another: the values are rounded too coarsely, or were copied"
        )
    if min(study.ndc for study in studies) < 5:
        warnings.append(
            f"ndc {min(study.ndc for study in studies)}; 5 at least are wanted to tell parts apart"
        )
    return Gage(
        parts=n,
        appraisers=count,
        trials=trials,
        unit=unit,
        tolerance=tolerance,
        studies=studies,
        convention=(
            "AIAG MSA 4: study variation 6 σ; R&R below 10 % acceptable, to 30 % marginal; K "
            f"constants from d2*; ANOVA random effects, interaction pooled where p > {POOLING_P}, "
            "negative variances 0"
        ),
        warnings=tuple(warnings),
    )


def _average_range(values: Floats, tolerance: float | None) -> GageStudy:
    count, n, trials = values.shape
    repeat = float(np.ptp(values, axis=2).mean()) / d2_star(trials, math.inf)
    reproduced = 0.0
    if count > 1:
        between = float(np.ptp(values.mean(axis=(1, 2)))) / d2_star(count, 1)
        reproduced = math.sqrt(max(0.0, between**2 - repeat**2 / (n * trials)))
    of_parts = float(np.ptp(values.mean(axis=(0, 2)))) / d2_star(n, 1)
    return _study("average-range", repeat, reproduced, None, of_parts, tolerance)


def _anova(values: Floats, tolerance: float | None) -> GageStudy:
    count, n, trials = values.shape
    mean = values.mean()
    of_parts = count * trials * float(((values.mean(axis=(0, 2)) - mean) ** 2).sum()) / (n - 1)
    within = float(((values - values.mean(axis=2, keepdims=True)) ** 2).sum())
    freedom = count * n * (trials - 1)
    if count == 1:
        error = within / freedom
        part = max(0.0, (of_parts - error) / trials)
        return _study("anova", math.sqrt(error), 0.0, None, math.sqrt(part), tolerance)
    of_people = n * trials * float(((values.mean(axis=(1, 2)) - mean) ** 2).sum()) / (count - 1)
    cells = values.mean(axis=2)
    crossed = cells - cells.mean(axis=1, keepdims=True) - cells.mean(axis=0, keepdims=True) + mean
    crossed_sum, crossed_freedom = trials * float((crossed**2).sum()), (count - 1) * (n - 1)
    p = _interaction_p(crossed_sum / crossed_freedom, within / freedom, crossed_freedom, freedom)
    if p > POOLING_P:
        error = (within + crossed_sum) / (freedom + crossed_freedom)
        base, interaction = error, None
    else:
        error, base = within / freedom, crossed_sum / crossed_freedom
        interaction = math.sqrt(max(0.0, (base - error) / trials))
    person = math.sqrt(max(0.0, (of_people - base) / (n * trials)))
    part_sigma = math.sqrt(max(0.0, (of_parts - base) / (count * trials)))
    study = _study("anova", math.sqrt(error), person, interaction, part_sigma, tolerance)
    return study.model_copy(update={"interaction_p": p, "pooled": p > POOLING_P})


def _interaction_p(crossed: float, error: float, crossed_freedom: int, freedom: int) -> float:
    if error == 0:
        return 0.0 if crossed > 0 else 1.0
    return float(fdtrc(crossed_freedom, freedom, crossed / error))


def _study(
    method: MethodName,
    repeat: float,
    reproduced: float,
    interaction: float | None,
    of_parts: float,
    tolerance: float | None,
) -> GageStudy:
    measuring = math.sqrt(repeat**2 + reproduced**2 + (interaction or 0.0) ** 2)
    total = math.sqrt(measuring**2 + of_parts**2)
    if total == 0:
        raise DataError("nothing differs: the measure does not resolve these parts")
    named: list[tuple[str, float]] = [("repeatability", repeat), ("reproducibility", reproduced)]
    if interaction is not None:
        named.append(("interaction", interaction))
    named += [("gage R&R", measuring), ("parts", of_parts), ("total", total)]
    spreads = tuple(
        Spread.model_validate(
            {
                "source": name,
                "sigma": sigma,
                "of_study": sigma / total,
                "contribution": (sigma / total) ** 2,
                "of_tolerance": None if tolerance is None else 6 * sigma / tolerance,
            }
        )
        for name, sigma in named
    )
    decisive = measuring / total if tolerance is None else 6 * measuring / tolerance
    return GageStudy(
        method=method,
        spreads=spreads,
        ndc=int(1.41 * of_parts / measuring) if measuring > 0 else 10**6,
        verdict="acceptable" if decisive < 0.1 else "marginal" if decisive <= 0.3 else "unacceptable",
    )


@cache
def range_moments(size: int) -> tuple[float, float]:
    """d2 and d3: mean and standard deviation of the range of ``size`` standard normal values."""
    if size < 2:
        raise ValueError(f"a range needs two values, got {size}")
    x = np.linspace(-9.0, 9.0, 181)
    nodes, weights = np.polynomial.legendre.leggauss(120)
    width, weight = 7.0 * (nodes + 1), 7.0 * weights
    upper = x[:, None] + width
    between = np.clip(ndtr(upper) - ndtr(x)[:, None], 0.0, 1.0) ** (size - 2)
    joint = np.exp(-0.5 * (x[:, None] ** 2 + upper**2)) / (2 * math.pi) * between
    density = size * (size - 1) * joint.sum(axis=0) * float(x[1] - x[0])
    mean = float((weight * density * width).sum())
    return mean, math.sqrt(float((weight * density * width**2).sum()) - mean * mean)


def d2_star(size: int, ranges: float) -> float:
    """d2*: what the mean of ``ranges`` ranges of ``size`` values is divided by (Duncan 1974)."""
    d2, d3 = range_moments(size)
    return math.sqrt(d2**2 + d3**2 / ranges)
