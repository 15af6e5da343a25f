"""How many more passed parts must be audited before a claim about escapes can be made."""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy.special import bdtr

from taktsight.errors import ConfigError
from taktsight.quality.audit_estimate import MILLION, AuditFigures, Flagged
from taktsight.quality.exact_binomial import parts_needed


@dataclass(frozen=True, slots=True)
class More:
    """What a claim still takes, where audits are drawn without strata or in proportion to them."""

    claim: str
    rate: float
    """The share of passed parts that may be defective for it to hold."""
    is_shown: bool
    audits: int
    """More audits, if none of them finds a defective part; 0 where it is shown."""
    likely_audits: int | None
    """More audits after which it is shown with a chance of 80 %, if defective parts go on being found at
    the rate seen; None where that rate is too near to the claim or above it."""


def more_for_ppm(figures: AuditFigures, max_ppm: float) -> More:
    """For "at most so many defective parts of a million passed ones".

    Raises:
        ConfigError: If that is no rate.
    """
    if not 0 < max_ppm < MILLION:
        raise ConfigError(f"a claim of {max_ppm:g} ppm cannot be: 0 to 1,000,000")
    return _more(figures, f"at most {max_ppm:g} ppm of the passed parts", max_ppm / MILLION)


def more_for_recall(figures: AuditFigures, flagged: Flagged, min_recall: float) -> More:
    """For "at least this share of the defective parts is flagged", if as many are flagged as were.

    Raises:
        ConfigError: If that is no share, or no flagged part was defective.
    """
    if not 0 < min_recall < 1:
        raise ConfigError(f"a recall lies between 0 and 1, got {min_recall}")
    if not flagged.defective:
        raise ConfigError("no flagged part was defective, so no recall can be claimed")
    found = flagged.parts * flagged.defective / flagged.verified
    rate = found * (1 - min_recall) / min_recall / figures.passed
    claim = f"at least {min_recall:.2%} of the defective parts flagged"
    if rate >= 1:
        return More(claim, 1.0, True, 0, 0)
    return _more(figures, claim, rate)


def _more(figures: AuditFigures, claim: str, rate: float) -> More:
    delta = 1 - figures.confidence
    needed = parts_needed(figures.defective, rate, delta)
    if needed <= figures.audited:
        return More(claim, rate, True, 0, 0)
    return More(claim, rate, False, needed - figures.audited, _likely(figures, rate, delta))


def _likely(figures: AuditFigures, rate: float, delta: float, chance: float = 0.8) -> int | None:
    """The first number of further defects that leaves the wanted chance, within a thousand."""
    seen = figures.defective / figures.audited
    for further in range(1000):
        more = parts_needed(figures.defective + further, rate, delta) - figures.audited
        if more >= 0 and float(bdtr(further, more, seen)) >= chance:
            return math.ceil(more)
    return None
