"""Charts of measured values: single ones, their weighted moving average (EWMA) and cumulative sums (CUSUM).

Mean run lengths come from the integral equations of the two schemes, by Gauss–Legendre quadrature.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtr

from taktsight.errors import DataError
from taktsight.quality.control_chart import Drawn, kept, moving_range_sigma
from taktsight.quality.spc_limits import CusumLimits, EwmaLimits, ValueLimits
from taktsight.quality.tables import Bools, Floats

NODES = 64
ARL0 = 370.4
"""Mean points to a false alarm of a 3 σ chart of normal values: what a design aims at otherwise."""


def value_limits(
    values: Floats, *, mean: float | None = None, sigma: float | None = None, excluded: Bools | None = None
) -> ValueLimits:
    """Mean and σ of phase I, or as they are given.

    Raises:
        DataError: If there is no scatter to take σ from, or σ is not above 0.
    """
    chosen = values[kept(len(values), excluded, 1 if sigma is not None else 2)]
    found = moving_range_sigma(chosen) if sigma is None else sigma
    if not (found > 0 and math.isfinite(found)):
        raise DataError(f"sigma is {found:g}: a chart needs values that scatter, or a sigma above 0")
    return ValueLimits(chart="i", mean=float(chosen.mean()) if mean is None else mean, sigma=found)


def draw_values(limits: ValueLimits, values: Floats) -> Drawn:
    """Points and limits of single values."""
    ones = np.ones(len(values))
    return Drawn(
        limits=limits,
        values=values,
        centre=limits.mean * ones,
        lower=(limits.mean - 3 * limits.sigma) * ones,
        upper=(limits.mean + 3 * limits.sigma) * ones,
        sigma=limits.sigma * ones,
        arl0=1 / float(2 * ndtr(-3.0)),
        convention="mean ± 3 σ, σ from moving ranges of two unless given; values normal",
    )


def ewma_limits(
    base: ValueLimits,
    *,
    weight: float = 0.2,
    width: float | None = None,
    start: Literal["steady", "growing"] = "steady",
    arl0: float = ARL0,
) -> EwmaLimits:
    """Limits of a moving average; without ``width`` the one that gives ``arl0`` is taken.

    Raises:
        DataError: If weight or arl0 cannot be.
    """
    if not 0 < weight <= 1:
        raise DataError(f"weight must lie above 0 and at most at 1, got {weight}")
    if width is None:
        width = _solve(lambda wide: ewma_arl(weight, wide), arl0, 0.5)
    return EwmaLimits(
        chart="ewma", target=base.mean, sigma=base.sigma, weight=weight, width=width, start=start
    )


def draw_ewma(limits: EwmaLimits, values: Floats) -> Drawn:
    """z_i = λ x_i + (1 − λ) z_{i−1} from z_0 = target, and its limits."""
    averages, average = np.empty(len(values)), limits.target
    for index, value in enumerate(values):
        average = limits.weight * float(value) + (1 - limits.weight) * average
        averages[index] = average
    steady = limits.sigma * math.sqrt(limits.weight / (2 - limits.weight))
    sigma = np.full(len(values), steady)
    if limits.start == "growing":
        sigma *= np.sqrt(1 - (1 - limits.weight) ** (2 * np.arange(1, len(values) + 1)))
    return Drawn(
        limits=limits,
        values=averages,
        centre=np.full(len(values), limits.target),
        lower=limits.target - limits.width * sigma,
        upper=limits.target + limits.width * sigma,
        sigma=sigma,
        arl0=ewma_arl(limits.weight, limits.width),
        convention=(
            f"target ± {limits.width:.4g} standard deviations of the average "
            f"({'as it settles' if limits.start == 'growing' else 'settled'}); strictly beyond is out; "
            "ARL₀ for normal values and settled limits"
        ),
    )


def cusum_limits(
    base: ValueLimits,
    *,
    allowance: float | None = None,
    interval: float | None = None,
    arl0: float = ARL0,
) -> CusumLimits:
    """Limits of cumulative sums, in the unit of the values.

    Args:
        base: target and σ.
        allowance: k, half the shift that should be found; 0.5 σ where nothing is said.
        interval: h; where nothing is said, that which gives ``arl0`` with both sides.
        arl0: mean points to a false alarm.
    """
    k = 0.5 * base.sigma if allowance is None else allowance
    if not k >= 0:
        raise DataError(f"allowance must be 0 or more, got {k}")
    if interval is None:
        interval = base.sigma * _solve(lambda h: cusum_arl(k / base.sigma, h), arl0, 0.5)
    if not interval > 0:
        raise DataError(f"interval must lie above 0, got {interval}")
    return CusumLimits(chart="cusum", target=base.mean, sigma=base.sigma, allowance=k, interval=interval)


def draw_cusum(limits: CusumLimits, values: Floats) -> Drawn:
    """The upper sum max(0, S + x − target − k), and the lower one the other way round."""
    deviations = values - limits.target
    high, low = (_sums(sign * deviations - limits.allowance) for sign in (1.0, -1.0))
    ones = np.ones(len(values))
    return Drawn(
        limits=limits,
        values=high,
        low_sums=low,
        centre=0.0 * ones,
        lower=-np.inf * ones,
        upper=limits.interval * ones,
        sigma=limits.sigma * ones,
        arl0=cusum_arl(limits.allowance / limits.sigma, limits.interval / limits.sigma),
        convention="tabular sums from 0; strictly above h is out; ARL₀ for normal values, both sides",
    )


def _sums(steps: Floats) -> Floats:
    sums, total = np.empty(len(steps)), 0.0
    for index, step in enumerate(steps):
        total = max(0.0, total + float(step))
        sums[index] = total
    return sums


def cusum_arl(k: float, h: float, shift: float = 0.0, *, sides: Literal[1, 2] = 2) -> float:
    """Mean points to a signal of tabular sums of normal values; k, h and shift in σ."""
    upper = _one_sided_arl(k, h, shift)
    return upper if sides == 1 else 1 / (1 / upper + 1 / _one_sided_arl(k, h, -shift))


def _one_sided_arl(k: float, h: float, shift: float) -> float:
    """L(z) = 1 + L(0) Φ(k − z) + ∫₀ʰ L(y) φ(y + k − z) dy, at z = 0 (Page 1954)."""
    nodes, weights = np.polynomial.legendre.leggauss(NODES)
    y, w = h * (nodes + 1) / 2, h * weights / 2
    z = np.concatenate([[0.0], y])
    system = np.eye(NODES + 1)
    system[:, 0] -= ndtr(k - shift - z)
    system[:, 1:] -= w * _phi(y[None, :] + k - shift - z[:, None])
    return float(np.linalg.solve(system, np.ones(NODES + 1))[0])


def ewma_arl(weight: float, width: float, shift: float = 0.0) -> float:
    """Mean points to a signal of the average of normal values, limits settled; shift in σ (Crowder)."""
    nodes, weights = np.polynomial.legendre.leggauss(NODES)
    half = width * math.sqrt(weight / (2 - weight))
    y, w = half * nodes, half * weights
    z = np.concatenate([[0.0], y])
    kernel = w * _phi((y[None, :] - (1 - weight) * z[:, None]) / weight - shift) / weight
    inner = np.linalg.solve(np.eye(NODES) - kernel[1:], np.ones(NODES))
    return float(1 + kernel[0] @ inner)


def _phi(x: Floats) -> Floats:
    return np.asarray(np.exp(-0.5 * x * x) / math.sqrt(2 * math.pi))


def _solve(arl: Callable[[float], float], wanted: float, start: float) -> float:
    if not 2 <= wanted <= 1e7:
        raise DataError(f"arl0 must lie between 2 and 10,000,000 points, got {wanted:g}")
    low = high = start
    while arl(high) < wanted:
        low, high = high, high * 1.4
    while arl(low) > wanted:
        low /= 2
    return float(brentq(lambda width: math.log(arl(width) / wanted), low, high, xtol=1e-9))
