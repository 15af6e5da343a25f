"""Escapes in production from an audit of passed parts: how many there were, and how many there may be.

Only a sample of the passed parts is looked at, so what it shows counts as many times as parts stand behind
it (inverse probability). Recall from audited parts as they are counts the rejects in full and the passes in
part, and flatters: Begg and Greenes, Biometrics 39 (1983), correct it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from scipy.optimize import brentq
from scipy.special import betaln, expit, gammaincinv, ndtri

from taktsight.errors import DataError
from taktsight.quality.rates import lower_bound, upper_bound

MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Stratum:
    """Passed parts that were drawn from alike."""

    name: str
    passed: int
    audited: int
    defective: int
    """Of those audited."""


@dataclass(frozen=True, slots=True)
class Flagged:
    """Parts that did not pass and were looked at."""

    parts: int
    """All that were rejected or sent to review."""
    verified: int
    """Of those, how many somebody looked at; their findings stand for the others."""
    defective: int
    """Of those verified."""


@dataclass(frozen=True, slots=True)
class Between:
    """An estimate and its two-sided interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class AuditFigures:
    """What an audit says of everything that passed."""

    passed: int
    audited: int
    defective: int
    confidence: float
    """Two-sided, of every interval; one-sided, of every upper bound."""
    escaped: Between
    """Defective parts among these passed ones."""
    ppm: Between
    """Defective parts of a million passed ones, of the process that made these."""
    ppm_upper: float
    """One-sided bound, where the audit's size was fixed beforehand."""
    ppm_upper_any_time: float
    """One-sided bound that holds however often one looks while the audit grows."""
    recall: Between | None
    """Defective parts that were flagged ÷ all; the interval is Begg and Greenes', on the logit. None where
    nothing is known of flagged parts; without a defective pass it runs from the exact bound to 1."""
    recall_exact: Between | None
    """The same for these very parts, from the interval of ``escaped``."""
    recall_naive: float | None
    """As the audited parts are, uncorrected: what not to believe."""


def estimate(
    strata: Sequence[Stratum], flagged: Flagged | None = None, confidence: float = 0.95
) -> AuditFigures:
    """The figures of an audit.

    Args:
        strata: of the passed parts, one at least.
        flagged: what is known of parts that did not pass; None: recall stays unknown.
        confidence: of intervals and bounds, 0–1.

    Raises:
        DataError: If a stratum's numbers cannot be, or nobody looked at any part of it.
    """
    _check(strata, flagged, confidence)
    passed, audited, defective = (
        sum(getattr(each, name) for each in strata) for name in ("passed", "audited", "defective")
    )
    total = sum(each.passed * each.defective / each.audited for each in strata)
    escaped = Between(total, *_escaped_between(strata, confidence))
    one_sided = _rate_upper(strata, confidence)
    tail = (1 + confidence) / 2
    ppm = Between(
        total / passed * MILLION, _rate_lower(strata, tail) * MILLION, _rate_upper(strata, tail) * MILLION
    )
    found = None if flagged is None else flagged.parts * flagged.defective / max(1, flagged.verified)
    return AuditFigures(
        passed,
        audited,
        defective,
        confidence,
        escaped,
        ppm,
        one_sided * MILLION,
        _any_time(strata, 1 - confidence) * MILLION,
        None if flagged is None else _begg_greenes(strata, flagged, escaped, confidence),
        None if found is None else _recall(found, escaped),
        None if not found or flagged is None else flagged.defective / (flagged.defective + defective),
    )


def any_time_upper(events: int, parts: int, delta: float) -> float:
    """A bound on the rate that holds at every number of parts at once, with confidence 1 − ``delta``.

    The mixture of binomial likelihoods over Jeffreys' prior is a martingale under the true rate, and by
    Ville's inequality it exceeds 1 ÷ delta with chance delta at most, ever (Robbins, 1970).
    """
    if not parts or events == parts:
        return 1.0

    def surprise(rate: float) -> float:
        mixed = betaln(events + 0.5, parts - events + 0.5) - betaln(0.5, 0.5)
        likelihood = events * math.log(rate) + (parts - events) * math.log1p(-rate)
        return float(mixed - likelihood + math.log(delta))

    return float(brentq(surprise, max(events / parts, 1e-15), 1 - 1e-15, xtol=1e-15))


def _check(strata: Sequence[Stratum], flagged: Flagged | None, confidence: float) -> None:
    if not 0 < confidence < 1:
        raise DataError(f"a confidence lies between 0 and 1, got {confidence}")
    if not strata:
        raise DataError("no passed part was audited, so nothing is known of escapes")
    for each in strata:
        if not 0 <= each.defective <= each.audited <= each.passed:
            raise DataError(
                f"stratum {each.name!r}: {each.defective} defective of {each.audited} audited of "
                f"{each.passed} passed cannot be"
            )
        if not each.audited:
            raise DataError(f"stratum {each.name!r}: none of its {each.passed} parts was audited")
    if flagged is not None and not 0 <= flagged.defective <= flagged.verified <= flagged.parts:
        raise DataError(
            f"{flagged.defective} defective of {flagged.verified} verified of {flagged.parts} flagged "
            "cannot be"
        )
    if flagged is not None and flagged.parts and not flagged.verified:
        raise DataError(f"none of {flagged.parts} flagged parts was verified, so recall stays unknown")


def _escaped_between(strata: Sequence[Stratum], confidence: float) -> tuple[float, float]:
    """Of these very parts: exact by the hypergeometric where there is one stratum."""
    tail = (1 - confidence) / 2
    if len(strata) == 1:
        return _hypergeometric(strata[0], tail)
    passed = sum(each.passed for each in strata)
    seen = sum(each.defective for each in strata)
    low, high = (bound(strata, 1 - tail) * passed for bound in (_rate_lower, _rate_upper))
    unseen = passed - sum(each.audited - each.defective for each in strata)
    return max(low, seen), min(high, unseen)


def _hypergeometric(stratum: Stratum, tail: float) -> tuple[float, float]:
    """The fewest and the most defective parts in the stratum that do not contradict what was seen."""
    from scipy.stats import hypergeom

    passed, audited, seen = stratum.passed, stratum.audited, stratum.defective

    def too_few(defective: int) -> bool:
        return bool(hypergeom.sf(seen - 1, passed, defective, audited) <= tail)

    def possible(defective: int) -> bool:
        return bool(hypergeom.cdf(seen, passed, defective, audited) > tail)

    low, high = seen, passed - audited + seen
    first, last = low - 1, high
    while last - first > 1:  # the first that is not too few
        middle = (first + last) // 2
        first, last = (middle, last) if seen and too_few(middle) else (first, middle)
    least, first, beyond = last if seen else 0, low, high + 1
    while beyond - first > 1:  # the last that is possible
        middle = (first + beyond) // 2
        first, beyond = (middle, beyond) if possible(middle) else (first, middle)
    return float(least), float(first)


def _rate_upper(strata: Sequence[Stratum], confidence: float) -> float:
    """One-sided bound on defective ÷ passed: Clopper–Pearson, of several strata Fay and Feuer (1997)."""
    if len(strata) == 1:
        return upper_bound(strata[0].defective, strata[0].audited, confidence)
    weights, total, variance = _weighted(strata)
    most = max(weights)
    grown, spread = total + most, variance + most**2
    return min(1.0, spread / grown * float(gammaincinv(grown**2 / spread, confidence)))


def _rate_lower(strata: Sequence[Stratum], confidence: float) -> float:
    if len(strata) == 1:
        return lower_bound(strata[0].defective, strata[0].audited, confidence)
    _, total, variance = _weighted(strata)
    return variance / total * float(gammaincinv(total**2 / variance, 1 - confidence)) if total else 0.0


def _weighted(strata: Sequence[Stratum]) -> tuple[list[float], float, float]:
    """Weight of one defective part in each stratum, and their sum's value and variance."""
    passed = sum(each.passed for each in strata)
    weights = [each.passed / passed / each.audited for each in strata]
    pairs = list(zip(weights, strata, strict=True))
    total = sum(weight * each.defective for weight, each in pairs)
    return weights, total, sum(weight**2 * each.defective for weight, each in pairs)


def _any_time(strata: Sequence[Stratum], delta: float) -> float:
    """The bound of each stratum at its share of delta, weighted by its size."""
    passed = sum(each.passed for each in strata)
    share = delta / len(strata)
    return sum(
        each.passed / passed * any_time_upper(each.defective, each.audited, share) for each in strata
    )


def _recall(found: float, escaped: Between) -> Between | None:
    if not found:
        return None
    value, low, high = (found / (found + missed) for missed in (escaped.value, escaped.high, escaped.low))
    return Between(value, low, high)


def _begg_greenes(
    strata: Sequence[Stratum], flagged: Flagged, escaped: Between, confidence: float
) -> Between | None:
    if not flagged.defective:
        return None
    found = flagged.parts * flagged.defective / flagged.verified
    if not escaped.value:
        return Between(1.0, found / (found + escaped.high), 1.0)
    true_share, passed = flagged.defective / flagged.verified, sum(each.passed for each in strata)
    flagged_share = flagged.parts / (flagged.parts + passed)
    missed = sum(
        each.passed**2 * _binomial_variance(each.defective / each.audited, each.audited) for each in strata
    )
    variance = (
        (1 - true_share) / (true_share * flagged.verified)
        + missed / escaped.value**2
        + 1 / ((flagged.parts + passed) * flagged_share * (1 - flagged_share))
    )
    centre = math.log(found / escaped.value)
    half = float(ndtri((1 + confidence) / 2)) * math.sqrt(variance)
    low, high = float(expit(centre - half)), float(expit(centre + half))
    return Between(found / (found + escaped.value), low, high)


def _binomial_variance(share: float, parts: int) -> float:
    return share * (1 - share) / parts
