"""Every criterion against what was measured: those of the file, and those that the certificate claims."""

from __future__ import annotations

from collections.abc import Sequence

from taktsight.export.acceptance.criteria import Criteria
from taktsight.export.acceptance.decisions import (
    Criterion,
    counts_of,
    estimate_at_most,
    kappa_at_least,
    percent,
    rate_at_most,
    size_at_most,
    undecided,
)
from taktsight.export.acceptance.document import (
    AgreementSection,
    AuditSection,
    GageSection,
    PodSection,
    Production,
    Rates,
    Standing,
)
from taktsight.export.acceptance.ledger_figures import Recorded, slower_than
from taktsight.quality.agreement import Appraiser, Share
from taktsight.quality.audit_estimate import AuditFigures
from taktsight.quality.audit_more import more_for_ppm
from taktsight.quality.certificate import Claim, Kind
from taktsight.quality.certifying import LEARNED
from taktsight.quality.exact_binomial import parts_needed
from taktsight.quality.rates import lower_bound, upper_bound

NOT_GIVEN = {
    "pod": "no table of targets was given (--targets)",
    "agreement": "no agreement study was given (--agreement)",
    "gage": "no gage study was given (--gage)",
    "ledger": "no ledger was given (--records)",
    "audit": "no audit was given (--audit)",
}


def certified_criteria(standing: Standing | None) -> list[Criterion]:
    """What the certificate claims, as far as it holds for what is here."""
    if standing is None:
        return []
    return [_claimed(standing, claim) for claim in standing.certificate.claims]


def _claimed(standing: Standing, claim: Claim) -> Criterion:
    holds = standing.state == "VALID" or (standing.state == "TIGHTENED" and claim.kind == "escape")
    sure = 1 - claim.delta
    return Criterion(
        name=f"certified: {claim.subject}",
        agreed=f"≤ {percent(claim.alpha)}",
        limit=claim.alpha,
        measured=(
            f"{claim.events:,} of {claim.units:,} {standing.certificate.unit}s, {claim.allowed:,} allowed"
        ),
        value=claim.events / claim.units,
        bound=f"≤ {percent(claim.alpha)} at {percent(sure)} confidence",
        bound_value=claim.alpha,
        decision="fulfilled" if holds else "cannot be decided",
        why="" if holds else f"the certificate is {standing.state}: {'; '.join(standing.reasons)}",
        sources=(standing.source,),
    )


def rate_criteria(agreed: Criteria, rates: Rates, standing: Standing | None) -> list[Criterion]:
    """Escapes, overkill and review load."""
    whole, source = rates.groups[0], rates.source
    by_label = {group.name: group for group in rates.groups if group.by == "label"}
    found = []
    if agreed.escape_rate is not None:
        place = ("escape rate", whole.escape, agreed.escape_rate)
        found.append(_rate(place, agreed.confidence, source, standing, "escape"))
    for label, limit in agreed.escape_rate_of.items():
        name = f"escape rate of {label}"
        if label not in by_label:
            found.append(undecided(name, f"≤ {percent(limit)}", limit, f"no part has the label {label}"))
        else:
            place = (name, by_label[label].escape, limit)
            found.append(_rate(place, agreed.confidence, source, standing, "escape", label))
    if agreed.overkill_rate is not None and whole.overkill is not None:
        place = ("overkill rate", whole.overkill, agreed.overkill_rate)
        found.append(_rate(place, agreed.confidence, source, standing, "overkill"))
    if agreed.review_load is not None:
        place = ("review load", whole.review, agreed.review_load)
        found.append(_rate(place, agreed.confidence, source, standing, None))
    return found


def _rate(
    place: tuple[str, Share, float],
    confidence: float,
    source: str,
    standing: Standing | None,
    kind: Kind | None,
    label: str | None = None,
) -> Criterion:
    """By the exact bound; by the certificate where limits were chosen on these very parts."""
    name, share, limit = place
    if standing is None or not standing.same_parts or standing.certificate.method != LEARNED:
        return rate_at_most(name, (share.events, share.of), limit, confidence, (source,))
    alpha, sure = (None, 0.0) if kind is None else _certified(standing, kind, label)
    lower = lower_bound(share.events, share.of, confidence) if share.of else 0.0
    shows = alpha is not None and alpha <= limit and sure >= confidence - 1e-12
    refuted = not shows and lower > limit
    # With more parts, Learn-then-Test could claim this: each label needs so many without a miss.
    needed = None if shows or refuted else parts_needed(0, limit, 1 - confidence)
    bound = "none" if alpha is None else f"≤ {percent(alpha)}, certified"
    return Criterion(
        name=name,
        agreed=f"≤ {percent(limit)}",
        limit=limit,
        measured=f"{share.events:,} of {share.of:,} = {percent(share.value or 0.0)}",
        value=share.value,
        bound=f"≥ {percent(lower)}" if refuted else bound,
        bound_value=lower if refuted else alpha,
        decision="fulfilled" if shows else "not fulfilled" if refuted else "cannot be decided",
        missing=None if needed is None or kind is None else max(0, needed - share.of) or None,
        why="" if shows else _why_not(standing, kind, alpha, needed, lower),
        sources=(source, standing.source),
    )


def _why_not(
    standing: Standing, kind: Kind | None, alpha: float | None, needed: int | None, lower: float
) -> str:
    if needed is None:
        return f"at least {percent(lower)}"
    if kind is None:
        return "the limits were chosen on these very parts, and nothing is certified of it: measure others"
    if alpha is None and standing.state in ("VALID", "TIGHTENED"):
        return (
            "the limits were chosen on these very parts, and the certificate claims nothing of it: certify "
            f"by label ({needed:,} parts at least), or measure on other parts"
        )
    if alpha is None:
        return f"the certificate is {standing.state}, and the limits were chosen on these very parts"
    return (
        "the limits were chosen on these very parts, so only what was certified bounds it; certify at this "
        f"rate ({needed:,} parts at least), or measure on other parts"
    )


def _certified(standing: Standing, kind: Kind, label: str | None) -> tuple[float | None, float]:
    """The rate that the certificate bounds, and its confidence; None where it does not."""
    certificate = standing.certificate
    holds = standing.state == "VALID" or (standing.state == "TIGHTENED" and kind == "escape")
    claims = certificate.claims_of(kind)
    if label is not None and certificate.scope == "label":
        claims = [claim for claim in claims if claim.label == label]
    elif label is not None:
        claims = []  # all labels as they were mixed: nothing is said of one
    if kind == "overkill" and not claims:
        rejects = certificate.claims_of("false reject")
        return (certificate.overkill.upper if holds else None), 1 - sum(claim.delta for claim in rejects)
    if not claims or not holds:
        return None, 0.0
    return max(claim.alpha for claim in claims), 1 - sum(claim.delta for claim in claims)


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


def line_criteria(
    agreed: Criteria,
    production: Production | None,
    recorded: Recorded | None,
    audit: tuple[AuditSection, AuditFigures] | None,
) -> list[Criterion]:
    """Cycle times, parts that nobody looked at, and what audits found."""
    found = []
    if agreed.cycle_p99_ms is not None:
        found.append(_cycle(agreed.cycle_p99_ms, agreed.confidence, production, recorded))
    if agreed.uninspected_rate is not None:
        limit = agreed.uninspected_rate
        if production is None:
            found.append(undecided("UNINSPECTED", f"≤ {percent(limit)}", limit, NOT_GIVEN["ledger"]))
        else:
            share = production.timing.uninspected
            counted, sources = (share.events, share.of), (production.source,)
            found.append(
                rate_at_most("UNINSPECTED", counted, limit, agreed.confidence, sources, unit="triggers")
            )
    if agreed.passed_defective_ppm is not None:
        found.append(_ppm(agreed.passed_defective_ppm, audit))
    return found


def _cycle(
    limit_ms: float, confidence: float, production: Production | None, recorded: Recorded | None
) -> Criterion:
    """p99 is at most so much just where at most 1 % of the verdicts take longer."""
    name, agreed = "cycle time p99", f"≤ {limit_ms:g} ms"
    if production is None or recorded is None:
        return undecided(name, agreed, limit_ms, NOT_GIVEN["ledger"])
    p99 = production.timing.p99_ms
    if p99 is None:
        return undecided(name, agreed, limit_ms, "no verdict has a cycle time", (production.source,))
    slow = slower_than(recorded, limit_ms)
    others = production.timing.other_bundles
    other = f"{others:,} verdicts are of a bundle with another digest" if others else ""
    decided = rate_at_most(name, slow, 0.01, confidence, (production.source,), unit="verdicts")
    return decided.model_copy(
        update={
            "agreed": agreed,
            "limit": limit_ms,
            "measured": f"p99 = {p99:.1f} ms",
            "value": p99,
            "bound": f"{slow[0]:,} of {slow[1]:,} took longer: {decided.bound}",
            "why": "; ".join(each for each in (decided.why, other) if each),
        }
    )


def _ppm(limit: float, audit: tuple[AuditSection, AuditFigures] | None) -> Criterion:
    name, agreed = "defective among passed parts", f"≤ {limit:,g} ppm"
    if audit is None:
        return undecided(name, agreed, limit, NOT_GIVEN["audit"])
    section, figures = audit
    shows, refuted = section.ppm_upper <= limit, section.ppm.low > limit
    more = None if shows or refuted else more_for_ppm(figures, limit)
    return Criterion(
        name=name,
        agreed=agreed,
        limit=limit,
        measured=f"{section.defective:,} of {section.audited:,} audited: {section.ppm.value:,.0f} ppm",
        value=section.ppm.value,
        bound=f"≥ {section.ppm.low:,.0f} ppm" if refuted else f"≤ {section.ppm_upper:,.0f} ppm",
        bound_value=section.ppm.low if refuted else section.ppm_upper,
        decision="fulfilled" if shows else "not fulfilled" if refuted else "cannot be decided",
        missing=None if more is None else more.audits,
        why="" if more is None else f"{more.audits:,} more audits if none finds a defective part",
        sources=section.sources,
    )


def in_a_sentence(criteria: Sequence[Criterion]) -> str:
    """The verdict of them all."""
    if not criteria:
        return "No criteria were agreed: the figures stand without a verdict."
    counts = counts_of(criteria)
    total = "the criterion is" if len(criteria) == 1 else f"all {len(criteria)} criteria are"
    if counts["fulfilled"] == len(criteria):
        return f"Fulfilled: {total} fulfilled."
    said = [
        f"{count} of {len(criteria)} {'is' if count == 1 else 'are'} {state}"
        if state != "cannot be decided"
        else f"{count} of {len(criteria)} cannot be decided"
        for state, count in counts.items()
        if count
    ]
    first = "Not fulfilled" if counts["not fulfilled"] else "Not decided"
    return f"{first}: {', '.join(said)}."
