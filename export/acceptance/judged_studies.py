"""Studies against their criteria: detection by size, agreement, gage R&R."""

from __future__ import annotations

from taktsight.export.acceptance.criteria import Criteria
from taktsight.export.acceptance.decisions import (
    NOT_GIVEN,
    Criterion,
    estimate_at_most,
    kappa_at_least,
    percent,
    size_at_most,
    undecided,
)
from taktsight.export.acceptance.document import AgreementSection, GageSection, PodSection
from taktsight.quality.agreement import Appraiser
from taktsight.quality.rates import upper_bound


def study_criteria(
    agreed: Criteria,
    pod: PodSection | None,
    agreement: AgreementSection | None,
    gage: GageSection | None,
    not_shown: dict[str, str],
) -> list[Criterion]:
    """Detection by size, agreement, R&R. Without the study they cannot be decided."""
    found = []
    if agreed.a90_95_mm is not None:
        found.append(_size(agreed.a90_95_mm, pod, not_shown))
    if agreed.kappa is not None:
        found += _kappas(agreed.kappa, agreement)
    if agreed.gage_rr is not None:
        found.append(_gage(agreed.gage_rr, gage))
    return found


def _size(limit: float, pod: PodSection | None, not_shown: dict[str, str]) -> Criterion:
    if pod is None:
        why = not_shown.get("pod", NOT_GIVEN["pod"])
        return undecided("a90/95", f"≤ {limit:g} mm", limit, why)
    figures = pod.figures
    if figures.unit != "mm":
        why = f"the sizes of the targets are in {figures.unit or 'no unit'}, the criterion is in mm"
        return undecided("a90/95", f"≤ {limit:g} mm", limit, why, (pod.source,))
    name = f"a90/{100 * figures.confidence:g}"
    return size_at_most(name, (figures.a90, figures.a90_95), limit, figures.n, (pod.source,))


def _kappas(limit: float, agreement: AgreementSection | None) -> list[Criterion]:
    if agreement is None:
        return [undecided("kappa to the reference", f"≥ {limit:.2f}", limit, NOT_GIVEN["agreement"])]
    figures = agreement.figures
    found = []
    for one in figures.appraisers:
        name, kappa = f"kappa of {one.name} to the reference", one.to_reference
        if kappa is None or kappa.value is None:
            why = "the study has no reference" if kappa is None else "one verdict alone was ever given"
            found.append(undecided(name, f"≥ {limit:.2f}", limit, why, agreement.sources))
            continue
        low = kappa.low if kappa.low is not None else _low_without_a_miss(one, figures.parts)
        measured = (kappa.value, low, kappa.high)
        found.append(kappa_at_least(name, measured, limit, figures.parts, agreement.sources))
    return found


def _low_without_a_miss(one: Appraiser, parts: int) -> float | None:
    """A bound on kappa where no look was ever wrong, of two kinds of parts.

    So many parts without an error bound the share of parts with one (Clopper–Pearson, one-sided 97.5 %, as
    the ends of the intervals are); kappa is 1 − disagreement ÷ what chance would disagree.
    """
    if one.missed is None or one.false_alarms is None or one.missed.events or one.false_alarms.events:
        return None
    looks = one.missed.of + one.false_alarms.of
    defective = one.missed.of / looks if looks else 0.0
    by_chance = 2 * defective * (1 - defective)
    return max(-1.0, 1 - upper_bound(0, parts, 0.975) / by_chance) if by_chance else None


def _gage(limit: float, gage: GageSection | None) -> Criterion:
    if gage is None:
        return undecided("gage R&R", f"≤ {percent(limit)}", limit, NOT_GIVEN["gage"])
    anova = gage.figures.studies[-1]
    spread = next(each for each in anova.spreads if each.source == "gage R&R")
    of = "study" if spread.of_tolerance is None else "tolerance"
    value = spread.of_study if spread.of_tolerance is None else spread.of_tolerance
    why = "judged by the estimate, as the handbook does"
    return estimate_at_most(f"gage R&R of the {of}, ANOVA", value, limit, why, gage.sources)
