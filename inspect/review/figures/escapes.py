"""Escape and overkill rate of a station out of an audit and the reviews of what it flagged."""

from __future__ import annotations

from dataclasses import dataclass

from taktsight.inspect.review.audits.progress import Now
from taktsight.quality.audit_estimate import Between, Stratum, estimate
from taktsight.quality.rates import clopper_pearson


@dataclass(frozen=True, slots=True)
class Rates:
    """Both rates; None where too little was looked at."""

    escape: Between | None
    """Defective parts passed ÷ defective parts: 1 − recall, corrected for passes that nobody audited."""
    overkill: Between | None
    """Good parts not passed ÷ good parts; its interval from two that hold together, by Bonferroni."""


def rates(now: Now, confidence: float = 0.95) -> Rates:
    """Of the parts that an audit was drawn from."""
    recall = now.figures.recall if now.figures else None
    escape = Between(1 - recall.value, 1 - recall.high, 1 - recall.low) if recall else None
    return Rates(escape, _overkill(now, confidence))


def _overkill(now: Now, confidence: float) -> Between | None:
    if now.figures is None or now.flagged is None:
        return None
    both = (1 + confidence) / 2
    counted = [Stratum(each.name, each.passed, each.counted, each.defective) for each in now.strata]
    escaped = estimate(counted, None, both).escaped
    flagged, passed = now.flagged, now.figures.passed
    good = clopper_pearson(flagged.verified - flagged.defective, flagged.verified, both)

    def share(of_flagged: float, missed: float) -> float:
        stopped = flagged.parts * of_flagged
        all_good = stopped + passed - missed
        return stopped / all_good if all_good > 0 else 0.0

    return Between(
        share(good.value, escaped.value), share(good.low, escaped.low), share(good.high, escaped.high)
    )
