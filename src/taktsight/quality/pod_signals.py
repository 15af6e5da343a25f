"""The curve of detection of targets that gave a signal (â versus a), with its bounds and doubts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from taktsight.errors import DataError
from taktsight.quality.pod import (
    CurvePoint,
    GroupFigures,
    Origin,
    Pod,
    Scale,
    check_sizes,
    false_calls_of,
    names_of,
    origin_warning,
    size_of,
    with_defect,
)
from taktsight.quality.pod_checks import (
    ENOUGH_SIGNALS,
    UNLIKELY,
    bend_chance,
    pooling_chance,
    spread_chance,
)
from taktsight.quality.pod_hits import pooled_sentence
from taktsight.quality.pod_signal import NormalPod, SignalFit, fit_censored, pod_of
from taktsight.quality.tables import Bools, Floats

CURVE_SHARES = np.concatenate([[0.001, 0.003, 0.006], np.linspace(0.01, 0.99, 55), [0.994, 0.997, 0.999]])


@dataclass(frozen=True, slots=True)
class Signals:
    """Targets on the scales of the fit."""

    x: Floats
    y: Floats
    at_most: Bools
    at_least: Bools
    called: Bools

    def of(self, chosen: Bools) -> Signals:
        """Some of them."""
        return Signals(
            self.x[chosen], self.y[chosen], self.at_most[chosen], self.at_least[chosen], self.called[chosen]
        )

    def fit(self) -> SignalFit:
        """Their line.

        Raises:
            DataError: If there is none.
        """
        design = np.column_stack([np.ones(len(self.x)), self.x])
        try:
            return fit_censored(design, self.y, at_most=self.at_most, at_least=self.at_least)
        except (ValueError, np.linalg.LinAlgError) as error:
            raise DataError(f"no line can be fitted: {error}") from error


def pod_signal(
    sizes: Floats,
    signals: Floats,
    *,
    decision: float,
    size_scale: Scale = "log",
    signal_scale: Scale = "linear",
    lowest: float | None = None,
    highest: float | None = None,
    confidence: float = 0.95,
    groups: Sequence[str] | None = None,
    unit: str = "",
    origin: Origin = "real",
) -> Pod:
    """The curve of targets that gave a signal, â versus a.

    Args:
        sizes: (N,) of the targets, one unit, ≥ 0; 0 where there was none: what it gave is noise.
        signals: (N,) what each gave.
        decision: signal above which a defect is called.
        size_scale: whether the line is fitted over sizes or their logarithms.
        signal_scale: whether it is fitted to signals or their logarithms.
        lowest: signal at or below which nothing is told apart; those there are left-censored.
        highest: signal at or above which nothing is; those there are right-censored.
        confidence: of the bounds, 0.5–1.
        groups: (N,) what each target belongs to, where several kinds are pooled.
        unit: of the sizes.
        origin: whether the defects are a product's or made ones.

    Raises:
        DataError: If signals do not rise with size, do not scatter, or lie beyond both ends.
    """
    there = with_defect(sizes, signals, confidence)
    every = _on_scale(sizes, signals, (decision, lowest, highest), size_scale, signal_scale)
    cut = math.log(decision) if signal_scale == "log" else decision
    targets, noise = every.of(there), every.of(~there)
    check_sizes(targets.x)
    fit = targets.fit()
    if not fit.coefficients[1] > 0:
        raise DataError(
            f"the signal does not rise with size (slope {fit.coefficients[1]:.4g}); check that size and "
            "signal are the columns that were meant"
        )
    pod = pod_of(fit, cut)
    by_group = names_of(groups, there)
    bound = size_of(pod.bound(0.9, confidence), size_scale)
    cov = pod.covariance
    return Pod(
        kind="signal",
        link="probit",
        size_scale=size_scale,
        unit=unit,
        origin=origin,
        n=len(targets.x),
        hits=int(targets.called.sum()),
        confidence=confidence,
        b0=float(fit.coefficients[0]),
        b1=float(fit.coefficients[1]),
        scatter=fit.scatter,
        mu=pod.mu,
        sigma=pod.sigma,
        covariance=((float(cov[0, 0]), float(cov[0, 1])), (float(cov[1, 0]), float(cov[1, 1]))),
        a50=size_of(pod.at(0.5), size_scale),
        a90=size_of(pod.at(0.9), size_scale),
        a90_95=bound,
        a90_95_wald=bound,
        ends=(lowest, highest),
        censored=(int(targets.at_most.sum()), int(targets.at_least.sum())),
        signal_scale=signal_scale,
        decision=decision,
        false_calls=false_calls_of(noise.called, confidence, _noise_chance(noise, cut)),
        groups=_groups_of(targets, by_group, cut, size_scale),
        curve=_curve(pod, size_scale, confidence, targets.x),
        convention=(
            f"a90/{confidence * 100:g}: one-sided {confidence * 100:g} % by the standard error of the size "
            "at POD 0.9 (Wald), as in MIL-HDBK-1823A; s of maximum likelihood"
        ),
        warnings=_warnings(
            fit, targets, by_group, origin, bound > size_of(float(targets.x.max()), size_scale)
        ),
    )


def _on_scale(
    sizes: Floats,
    signals: Floats,
    ends: tuple[float, float | None, float | None],
    size_scale: Scale,
    signal_scale: Scale,
) -> Signals:
    decision, lowest, highest = ends
    for value, name in ((decision, "decision"), (lowest, "lowest"), (highest, "highest")):
        if value is not None and not np.isfinite(value):
            raise DataError(f"{name} must be a finite signal, got {value}")
        if value is not None and value <= 0 and signal_scale == "log":
            raise DataError(f"{name} {value:g} has no logarithm; fit signals on the linear scale")
    if lowest is not None and highest is not None and not lowest < highest:
        raise DataError(f"lowest {lowest:g} must lie below highest {highest:g}")
    if (lowest is not None and decision < lowest) or (highest is not None and decision >= highest):
        raise DataError(
            f"decision {decision:g} lies beyond the ends {lowest} and {highest}, where signals are not "
            "told apart: what is found there is not known"
        )
    at_most = np.zeros(len(signals), bool) if lowest is None else signals <= lowest
    at_least = np.zeros(len(signals), bool) if highest is None else signals >= highest
    y = np.clip(signals, lowest, highest) if lowest is not None or highest is not None else signals
    if signal_scale == "log":
        if (y <= 0).any():
            index = int(np.flatnonzero(y <= 0)[0])
            raise DataError(f"target {index + 1}: its signal {y[index]:g} has no logarithm")
        y = np.log(y)
    x = np.log(np.where(sizes > 0, sizes, 1.0)) if size_scale == "log" else sizes
    return Signals(x, y, np.asarray(at_most), np.asarray(at_least), np.asarray(signals > decision))


def _noise_chance(noise: Signals, cut: float) -> float | None:
    """Chance that the signal of a place without a defect exceeds the decision, if noise is normal."""
    if len(noise.y) < 5 or np.ptp(noise.y) == 0:
        return None
    design = np.ones((len(noise.y), 1))
    try:
        fit = fit_censored(design, noise.y, at_most=noise.at_most, at_least=noise.at_least)
    except (ValueError, np.linalg.LinAlgError):
        return None  # nearly all of it lies beyond an end; what was counted stands beside it
    return float(ndtr((fit.coefficients[0] - cut) / fit.scatter))


def _groups_of(
    targets: Signals, names: Sequence[str] | None, cut: float, scale: Scale
) -> tuple[GroupFigures, ...]:
    if names is None:
        return ()
    figures = []
    for name in sorted(set(names)):
        group = targets.of(np.array([one == name for one in names]))
        sizes: tuple[float | None, float | None] = (None, None)
        fit = _own_line(group)
        if fit is not None and fit.coefficients[1] > 0:
            pod = pod_of(fit, cut)
            sizes = (size_of(pod.at(0.5), scale), size_of(pod.at(0.9), scale))
        figures.append(
            GroupFigures(
                name=name, n=len(group.x), hits=int(group.called.sum()), a50=sizes[0], a90=sizes[1]
            )
        )
    return tuple(figures)


def _own_line(group: Signals) -> SignalFit | None:
    if len(group.x) < 5 or np.ptp(group.x) == 0:
        return None
    try:
        return group.fit()
    except DataError:
        return None  # too small or too plain a group for a curve of its own


def _curve(pod: NormalPod, scale: Scale, confidence: float, x: Floats) -> tuple[CurvePoint, ...]:
    """POD over sizes, and the bound at the same sizes: the share whose own size bound they are."""
    shares = CURVE_SHARES
    bounds = np.maximum.accumulate([pod.bound(float(share), confidence) for share in shares])
    low, high = float(x.min()), max(float(x.max()), pod.bound(0.95, confidence))
    grid = np.unique(np.concatenate([[pod.at(float(share)) for share in shares], bounds, [low, high]]))
    grid = grid[(grid >= min(low, pod.at(0.01))) & (grid <= high)]
    lows = np.interp(grid, bounds, shares, left=0.0, right=float(shares[-1]))
    pods = ndtr((grid - pod.mu) / pod.sigma)
    return tuple(
        CurvePoint(size=size_of(one, scale), pod=float(p), low=float(min(lowest, p)))
        for one, p, lowest in zip(grid, pods, lows, strict=True)
    )


def _warnings(
    fit: SignalFit, targets: Signals, names: Sequence[str] | None, origin: Origin, bound: float
) -> tuple[str, ...]:
    said = origin_warning(origin)
    chance = 2 * float(ndtr(-fit.coefficients[1] / math.sqrt(fit.covariance[1, 1])))
    if chance > UNLIKELY:
        said.append(f"no slope: chance {chance:.2g} that the signal does not depend on size at all")
    if bound > targets.x.max():
        said.append("a90/95 lies beyond the largest target: it is extrapolated")
    if len(targets.x) < ENOUGH_SIGNALS:
        said.append(f"{len(targets.x)} targets; MIL-HDBK-1823A asks for {ENOUGH_SIGNALS} with signals")
    inner = ~(targets.at_most | targets.at_least)
    residuals = (targets.y - fit.coefficients[0] - fit.coefficients[1] * targets.x)[inner]
    bend, spread = bend_chance(targets.x[inner], residuals), spread_chance(targets.x[inner], residuals)
    if bend < UNLIKELY:
        said.append(
            f"the line is bent (chance {bend:.2g} if it were straight): try another scale of size or signal"
        )
    if spread < UNLIKELY:
        said.append(f"the scatter changes with size (chance {spread:.2g} if not): try another scale")
    if names is not None:
        own = [
            _own_line(targets.of(np.array([one == name for one in names]))) for name in sorted(set(names))
        ]
        if all(line is not None for line in own):
            parts = [(line.log_likelihood, 3) for line in own if line is not None]
            said.append(pooled_sentence(len(parts), pooling_chance(fit.log_likelihood, parts, 3)))
        else:
            said.append(f"{len(own)} groups are pooled, some too small to see whether they differ")
    return tuple(said)
