"""The line at work against its criteria: cycle times, parts that nobody looked at, what audits found."""

from __future__ import annotations

from taktsight.export.acceptance.criteria import Criteria
from taktsight.export.acceptance.decisions import NOT_GIVEN, Criterion, percent, rate_at_most, undecided
from taktsight.export.acceptance.document import AuditSection, Production
from taktsight.export.acceptance.ledger_figures import Recorded, slower_than
from taktsight.quality.audit_estimate import AuditFigures
from taktsight.quality.audit_more import more_for_ppm


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
