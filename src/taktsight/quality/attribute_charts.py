"""Charts of counted things: p, np, u, c, and Laney's p′ and u′ for large subgroups.

p is defective ÷ inspected parts, u defects ÷ units. Limits are centre ± 3 σ where that is near the truth,
else exact: no more than 0.00135 beyond each.
"""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from scipy.stats import binom, poisson

from taktsight.errors import DataError
from taktsight.quality.control_chart import Drawn, kept, moving_range_sigma
from taktsight.quality.spc_limits import TAIL, CountLimits, LaneyLimits, Method, ShareLimits
from taktsight.quality.tables import Bools, Floats

LEAST_EXPECTED = 5.0
"""Events and non-events per subgroup below which a normal curve is far from the counts."""
MethodAsked = Literal["auto", "normal", "exact"]


def share_limits(
    chart: Literal["p", "np"],
    defective: Floats,
    inspected: Floats,
    *,
    excluded: Bools | None = None,
    method: MethodAsked = "auto",
) -> ShareLimits:
    """p̄ of phase I, and which limits suit it.

    Args:
        chart: np charts counts, so its subgroups must be equal.
        defective: (N,) defective parts of each subgroup.
        inspected: (N,) inspected parts of each.
        excluded: (N,) left out, with a cause.
        method: auto takes exact limits where a subgroup expects fewer than 5 events, or non-events, or the
            lower limit would not lie above 0.

    Raises:
        DataError: If the counts cannot be, or nothing or everything was defective.
    """
    check_shares(chart, defective, inspected)
    chosen = kept(len(defective), excluded, 2)
    share = float(defective[chosen].sum() / inspected[chosen].sum())
    if not 0 < share < 1:
        what = "nothing was" if share == 0 else "everything was"
        raise DataError(f"{what} defective: a share of {share:g} has no limits; use 'g' or more parts")
    return ShareLimits(chart=chart, share=share, method=_share_method(share, inspected, method))


def check_shares(chart: str, defective: Floats, inspected: Floats) -> None:
    """Raises ``DataError`` naming the first subgroup whose counts cannot be."""
    for wrong, said in (
        (inspected < 1, "cannot be inspected parts; 1 at least is wanted"),
        (defective > inspected, "parts cannot hold so many defective ones"),
    ):
        if wrong.any():
            first = int(np.argmax(wrong))
            raise DataError(f"point {first + 1}: {defective[first]:g} of {inspected[first]:g} {said}")
    if chart == "np" and np.ptp(inspected) > 0:
        index = int(np.argmax(inspected != inspected[0]))
        raise DataError(
            f"point {index + 1}: {inspected[index]:g} parts after {inspected[0]:g}; np needs equal "
            "subgroups, use p"
        )


def draw_shares(limits: ShareLimits, defective: Floats, inspected: Floats) -> Drawn:
    """Points and limits of a p or np chart."""
    check_shares(limits.chart, defective, inspected)
    share, scale = limits.share, (inspected if limits.chart == "np" else np.ones_like(inspected))
    sigma = np.sqrt(share * (1 - share) / inspected)
    if limits.method == "exact":
        lower, upper = binom.ppf(TAIL, inspected, share), binom.ppf(1 - TAIL, inspected, share)
        lower, upper = lower / inspected, upper / inspected
    else:
        lower, upper = np.maximum(share - 3 * sigma, 0.0), np.minimum(share + 3 * sigma, 1.0)
    chance = binom.sf(_floor(upper * inspected), inspected, share) + binom.cdf(
        _ceil(lower * inspected) - 1, inspected, share
    )
    return Drawn(
        limits=limits,
        values=defective / inspected * scale,
        centre=share * scale,
        lower=lower * scale,
        upper=upper * scale,
        sigma=sigma * scale,
        n=inspected,
        arl0=_arl0(chance),
        convention=_convention(limits.method, "binomial"),
        warnings=_too_small(limits.method, min(share, 1 - share) * inspected),
    )


def count_limits(
    chart: Literal["u", "c"],
    defects: Floats,
    units: Floats,
    *,
    excluded: Bools | None = None,
    method: MethodAsked = "auto",
) -> CountLimits:
    """ū of phase I, and which limits suit it; of a c chart each subgroup is one unit.

    Raises:
        DataError: If there was no defect, or a subgroup has no unit.
    """
    check_units(units)
    chosen = kept(len(defects), excluded, 2)
    rate = float(defects[chosen].sum() / units[chosen].sum())
    if rate == 0:
        raise DataError("there was no defect: a rate of 0 has no limits; use 't', or more units")
    expected = rate * units
    if method == "auto":
        fails = bool((expected < LEAST_EXPECTED).any() or (expected - 3 * np.sqrt(expected) <= 0).any())
        method = "exact" if fails else "normal"
    return CountLimits(chart=chart, rate=rate, method=method)


def check_units(units: Floats) -> None:
    """Raises ``DataError`` naming the first subgroup without a unit."""
    if not (units > 0).all():
        index = int(np.argmin(units > 0))
        raise DataError(f"point {index + 1}: {units[index]:g} units; more than 0 are wanted")


def draw_counts(limits: CountLimits, defects: Floats, units: Floats) -> Drawn:
    """Points and limits of a u or c chart."""
    check_units(units)
    expected = limits.rate * units
    if limits.method == "exact":
        lower, upper = poisson.ppf(TAIL, expected), poisson.ppf(1 - TAIL, expected)
    else:
        half = 3 * np.sqrt(expected)
        lower, upper = np.maximum(expected - half, 0.0), expected + half
    chance = poisson.sf(_floor(upper), expected) + poisson.cdf(_ceil(lower) - 1, expected)
    return Drawn(
        limits=limits,
        values=defects / units,
        centre=np.full(len(units), limits.rate),
        lower=lower / units,
        upper=upper / units,
        sigma=np.sqrt(limits.rate / units),
        n=units,
        arl0=_arl0(chance),
        convention=_convention(limits.method, "Poisson"),
        warnings=_too_small(limits.method, expected),
    )


def laney_limits(
    chart: Literal["laney-p", "laney-u"],
    events: Floats,
    units: Floats,
    *,
    excluded: Bools | None = None,
) -> LaneyLimits:
    """Centre and σ_z of phase I: subgroups of thousands scatter more than chance, or less.

    Raises:
        DataError: If there was no event, all were, or the subgroups do not differ at all.
    """
    if chart == "laney-p":
        check_shares(chart, events, units)
    check_units(units)
    chosen = kept(len(events), excluded, 3)
    centre = float(events[chosen].sum() / units[chosen].sum())
    if centre == 0 or (chart == "laney-p" and centre == 1):
        raise DataError(f"a mean of {centre:g} has no limits: nothing or everything happened")
    z = (events / units - centre) / _laney_sigma(chart, centre, units)
    sigma_z = moving_range_sigma(z[chosen])
    if sigma_z == 0:
        raise DataError("all subgroups are the same: there is no scatter to take limits from")
    return LaneyLimits(chart=chart, centre=centre, sigma_z=sigma_z)


def draw_laney(limits: LaneyLimits, events: Floats, units: Floats) -> Drawn:
    """Points and limits of a p′ or u′ chart."""
    if limits.chart == "laney-p":
        check_shares(limits.chart, events, units)
    check_units(units)
    sigma = _laney_sigma(limits.chart, limits.centre, units) * limits.sigma_z
    upper = limits.centre + 3 * sigma
    return Drawn(
        limits=limits,
        values=events / units,
        centre=np.full(len(units), limits.centre),
        lower=np.maximum(limits.centre - 3 * sigma, 0.0),
        upper=np.minimum(upper, 1.0) if limits.chart == "laney-p" else upper,
        sigma=sigma,
        n=units,
        convention="centre ± 3·σ_i·σ_z, σ_z from moving ranges of z (Laney 2002)",
        warnings=_laney_warnings(limits),
    )


def _laney_warnings(limits: LaneyLimits) -> tuple[str, ...]:
    if 0.8 <= limits.sigma_z <= 1.25:
        plain = limits.chart.removeprefix("laney-")
        return (f"σ_z = {limits.sigma_z:.2f} is near 1: a plain {plain} chart says the same, and exactly",)
    return ()


def _laney_sigma(chart: str, centre: float, units: Floats) -> Floats:
    variance = centre * (1 - centre) if chart == "laney-p" else centre
    return np.asarray(np.sqrt(variance / units))


def _share_method(share: float, inspected: Floats, asked: MethodAsked) -> Method:
    if asked != "auto":
        return asked
    smallest = float(inspected.min())
    few = min(share, 1 - share) * smallest < LEAST_EXPECTED
    half = 3 * math.sqrt(share * (1 - share) / smallest)
    return "exact" if few or share - half <= 0 or share + half >= 1 else "normal"


def _arl0(chance: Floats | float) -> float | None:
    mean = float(np.mean(chance))
    return 1 / mean if mean > 0 else None


def _floor(counts: Floats | float) -> Floats:
    """The largest count that is not strictly above a limit."""
    return np.asarray(np.floor(counts + 1e-7))


def _ceil(counts: Floats | float) -> Floats:
    return np.asarray(np.ceil(counts - 1e-7))


def _too_small(method: Method, expected: Floats) -> tuple[str, ...]:
    """That 3 σ limits were frozen for larger subgroups than these."""
    if method == "exact" or float(expected.min()) >= LEAST_EXPECTED:
        return ()
    return (
        f"a subgroup expects {float(expected.min()):.2g} events: 3 σ limits are far from the truth there; "
        "freeze exact ones (--method exact), or take larger subgroups",
    )


def _convention(method: Method, distribution: str) -> str:
    if method == "normal":
        return f"centre ± 3 σ of the {distribution} distribution; strictly beyond is out"
    return f"exact {distribution} limits, at most {TAIL} beyond each; strictly beyond is out"
