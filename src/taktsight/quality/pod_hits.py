"""The curve of detection of targets that were found or missed, with its bounds and doubts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.special import chdtri, ndtr

from taktsight.errors import DataError
from taktsight.quality.pod import (
    CurvePoint,
    GroupFigures,
    Origin,
    Pod,
    Scale,
    check_both,
    check_sizes,
    false_calls_of,
    maybe_size_of,
    names_of,
    origin_warning,
    size_of,
    with_defect,
)
from taktsight.quality.pod_checks import (
    ENOUGH_HIT_MISS,
    UNLIKELY,
    asymptotes,
    group_likelihood,
    pooling_chance,
    slope_chance,
)
from taktsight.quality.pod_hit_miss import (
    HitMissFit,
    fit_hit_miss,
    likelihood_bound,
    size_bound_by_likelihood,
    size_bound_by_wald,
)
from taktsight.quality.pod_links import Link, probability
from taktsight.quality.tables import Bools, Floats

CURVE_POINTS = 49


def pod_hit_miss(
    sizes: Floats,
    hit: Bools,
    *,
    link: Link = "logit",
    size_scale: Scale = "linear",
    confidence: float = 0.95,
    groups: Sequence[str] | None = None,
    unit: str = "",
    origin: Origin = "real",
) -> Pod:
    """The curve of targets that were found or missed.

    Args:
        sizes: (N,) of the targets, one unit, ≥ 0; 0 where there was none.
        hit: (N,) whether something was called there.
        link: the shape of the curve.
        size_scale: whether it is fitted on sizes or on their logarithms.
        confidence: of the bounds, 0.5–1.
        groups: (N,) what each target belongs to, where several kinds are pooled.
        unit: of the sizes.
        origin: whether the defects are a product's or made ones.

    Raises:
        DataError: If all were found, none was, all have one size, or detection falls with size.
    """
    there = with_defect(sizes, hit, confidence)
    x = np.log(sizes[there]) if size_scale == "log" else sizes[there]
    found = hit[there]
    check_both(found)
    check_sizes(x)
    fit = fit_hit_miss(x, found, link)
    if not fit.slope > 0 and fit.gap is None:
        raise DataError(
            f"detection does not rise with size (slope {fit.slope:.4g}): larger defects were missed more "
            "often; check that size and hit are the columns that were meant"
        )
    drop = float(chdtri(1, 1 - confidence))
    bounds = (
        size_bound_by_likelihood(fit, 0.9, drop),
        size_bound_by_wald(fit, 0.9, confidence),
        size_bound_by_likelihood(fit, 0.9, float(chdtri(1, 2 * (1 - confidence)))),
    )
    by_group = names_of(groups, there)
    step = fit.gap is not None
    return Pod(
        kind="hit/miss",
        link=link,
        size_scale=size_scale,
        unit=unit,
        origin=origin,
        n=len(x),
        hits=int(found.sum()),
        confidence=confidence,
        b0=None if step else fit.intercept,
        b1=None if step else fit.slope,
        mu=None if step else -fit.intercept / fit.slope,
        sigma=None if step else 1 / fit.slope,
        covariance=None if step else _mu_sigma_covariance(fit),
        a50=size_of(fit.at(0.5), size_scale),
        a90=size_of(fit.at(0.9), size_scale),
        a90_95=maybe_size_of(bounds[0], size_scale),
        a90_95_wald=maybe_size_of(bounds[1], size_scale),
        a90_95_one_sided=maybe_size_of(bounds[2], size_scale),
        deviance=-2 * fit.log_likelihood,
        null_deviance=-2 * fit.null_log_likelihood,
        false_calls=false_calls_of(hit[~there], confidence, None),
        groups=_groups_of(x, found, by_group, link, size_scale),
        curve=_curve(fit, size_scale, drop),
        convention=(
            f"a90/{confidence * 100:g}: likelihood ratio at χ²₁({confidence:g}) = {drop:.3f} as in "
            "MIL-HDBK-1823A; as a one-sided bound its confidence is "
            f"{100 * ndtr(np.sqrt(drop)):.4g} %. Wald: one-sided {confidence * 100:g} % on g(POD)"
        ),
        warnings=_warnings(fit, by_group, size_scale, origin, bounds[0]),
    )


def _mu_sigma_covariance(fit: HitMissFit) -> tuple[tuple[float, float], tuple[float, float]]:
    b0, b1 = fit.intercept, fit.slope
    turn = np.array([[-1 / b1, b0 / b1**2], [0.0, -1 / b1**2]])
    cov = turn @ fit.covariance @ turn.T
    return (float(cov[0, 0]), float(cov[0, 1])), (float(cov[1, 0]), float(cov[1, 1]))


def _groups_of(
    x: Floats, found: Bools, names: Sequence[str] | None, link: Link, scale: Scale
) -> tuple[GroupFigures, ...]:
    if names is None:
        return ()
    figures = []
    for name in sorted(set(names)):
        inside = np.array([one == name for one in names])
        hits, n = int(found[inside].sum()), int(inside.sum())
        sizes: tuple[float | None, float | None] = (None, None)
        if 0 < hits < n and np.ptp(x[inside]) > 0:
            fit = fit_hit_miss(x[inside], found[inside], link)
            if fit.gap is not None or 0 < fit.slope < np.inf:
                sizes = (size_of(fit.at(0.5), scale), size_of(fit.at(0.9), scale))
        figures.append(GroupFigures(name=name, n=n, hits=hits, a50=sizes[0], a90=sizes[1]))
    return tuple(figures)


def _curve(fit: HitMissFit, scale: Scale, drop: float) -> tuple[CurvePoint, ...]:
    low, high = float(fit.x.min()), float(fit.x.max())
    if scale == "linear":
        low = min(low, max(0.0, 2 * low - high))
    x = np.linspace(low, high, CURVE_POINTS)
    bound = probability(fit.link, likelihood_bound(fit, x, drop))
    if fit.gap is None:
        pod = probability(fit.link, fit.intercept + fit.slope * x)
    else:
        pod = np.where(x < sum(fit.gap) / 2, 0.0, 1.0)
    bound = np.minimum(bound, pod)
    return tuple(
        CurvePoint(size=size_of(one, scale), pod=float(p), low=float(lowest))
        for one, p, lowest in zip(x, pod, bound, strict=True)
    )


def _warnings(
    fit: HitMissFit, names: Sequence[str] | None, scale: Scale, origin: Origin, bound: float | None
) -> tuple[str, ...]:
    said = origin_warning(origin)
    if fit.gap is not None:
        miss, hit = (size_of(end, scale) for end in fit.gap)
        said.append(
            f"separation: every target above {miss:.4g} was found and every one below {hit:.4g} missed, so "
            "the curve is a step and a50 = a90 its middle; add targets of sizes in between"
        )
    chance = slope_chance(fit)
    if bound is None:
        said.append(
            f"no slope: chance {chance:.2g} that detection does not depend on size at all, so no size has "
            "the POD asked for at this confidence"
        )
    elif bound > fit.x.max():
        said.append(
            f"a90/95 {size_of(bound, scale):.4g} lies beyond the largest target "
            f"{size_of(float(fit.x.max()), scale):.4g}: it is extrapolated"
        )
    if len(fit.x) < ENOUGH_HIT_MISS:
        said.append(f"{len(fit.x)} targets; MIL-HDBK-1823A asks for {ENOUGH_HIT_MISS} with hits and misses")
    said += _asymptote_warnings(fit)
    if names is not None:
        own = [
            group_likelihood(fit.x[inside], fit.hit[inside], fit.link)
            for inside in (np.array([one == name for one in names]) for name in sorted(set(names)))
        ]
        said.append(pooled_sentence(len(own), pooling_chance(fit.log_likelihood, own, 2)))
    return tuple(said)


def pooled_sentence(groups: int, chance: float) -> str:
    """What pooling several groups does to the curve."""
    if chance < UNLIKELY:
        return (
            f"{groups} groups are pooled and differ (chance {chance:.2g} if they were alike): "
            "the curve holds for none of them; make one for each"
        )
    return f"{groups} groups are pooled; they do not differ beyond chance ({chance:.2g})"


def _asymptote_warnings(fit: HitMissFit) -> list[str]:
    lower, low_chance, upper, high_chance = asymptotes(fit)
    said = []
    if high_chance < UNLIKELY:
        said.append(
            f"the curve does not reach 1 (it ends near {upper:.2f}; chance {high_chance:.2g} if it did): "
            "large defects are missed for another reason than their size"
        )
    if low_chance < UNLIKELY:
        said.append(
            f"the curve does not start at 0 (but near {lower:.2f}; chance {low_chance:.2g} if it did): "
            "small targets are called by false calls too"
        )
    return said
