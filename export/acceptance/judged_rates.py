"""Rates against their criteria: what the certificate claims, escapes, overkill and review load."""

from __future__ import annotations

from taktsight.export.acceptance.criteria import Criteria
from taktsight.export.acceptance.decisions import Criterion, percent, rate_at_most, undecided
from taktsight.export.acceptance.document import Rates, Standing
from taktsight.quality.agreement import Share
from taktsight.quality.certificate import Claim, Kind
from taktsight.quality.certifying import LEARNED
from taktsight.quality.exact_binomial import parts_needed
from taktsight.quality.rates import lower_bound


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
