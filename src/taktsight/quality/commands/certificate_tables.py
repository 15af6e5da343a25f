"""A certificate, and what is missing for one, as a person reads them."""

from __future__ import annotations

from rich.table import Table

from taktsight.quality.certificate import Certificate
from taktsight.quality.certifying import Certified
from taktsight.quality.commands.output import table


def certificate_tables(certificate: Certificate) -> list[Table | str]:
    """Claims, limits and what it holds for."""
    claims = [
        (
            claim.subject,
            f"≤ {100 * claim.alpha:.4g} %",
            f"{1 - claim.delta:.2%}",
            f"{claim.events:,} of {claim.units:,}",
            f"{claim.allowed:,}",
        )
        for claim in certificate.claims
    ]
    limits = [
        (limit.label, f"{limit.review_score:.6g}", f"{limit.reject_score:.6g}", f"{limit.max_area_mm2:g}")
        for limit in certificate.limits
    ]
    return [
        table("Certified", ("claim", "rate", "each with", "seen", "allowed"), claims),
        table("Limits", ("label", "review from", "reject from", "mm² tolerated"), limits),
        f"{certificate.simultaneous}.",
        _good(certificate),
        *(f"Warning: {warning}." for warning in certificate.warnings),
        *_holds_for(certificate),
    ]


def missing_tables(certified: Certified) -> list[Table | str]:
    """What these parts cannot show, and what would."""
    rows = [
        (
            each.kind if each.label is None else f"{each.kind} of {each.label}",
            f"≤ {100 * each.alpha:.4g} %",
            f"{1 - each.delta:.2%}",
            f"{each.units:,}",
            "" if each.needed is None else f"{each.needed:,}",
            "" if each.needed is None else f"{each.needed - each.units:,}",
        )
        for each in certified.missing
    ]
    columns = ("claim", "rate", "with", "there are", "needed", "missing")
    reasons = [
        f"{each.kind if each.label is None else f'{each.kind} of {each.label}'}: {each.reason}."
        for each in certified.missing
    ]
    return [
        table("INFEASIBLE: these parts cannot show it", columns, rows),
        *reasons,
        "Nothing was certified. 'taktsight plan' says what other claims would take.",
    ]


def _good(certificate: Certificate) -> str:
    overkill, reviewed = certificate.overkill, certificate.reviewed
    return (
        f"Of {overkill.parts:,} good {certificate.unit}s {overkill.events:,} did not pass (bound "
        f"{overkill.upper:.2%}), {reviewed.events:,} of them to review (bound {reviewed.upper:.2%})."
    )


def _holds_for(certificate: Certificate) -> list[str]:
    station = certificate.station
    rows = [
        ("population", certificate.population),
        ("product", f"{certificate.product}, network {certificate.model[:16]}… on {certificate.engine}"),
        ("recipe", f"{certificate.recipe[:16]}…, preprocessing {certificate.preprocessing[:16]}…"),
        (
            "station",
            "not named" if station is None else f"{station.name}, its cameras {station.cameras[:16]}…",
        ),
        *(
            ("data", f"{each.name}, {each.rows:,} rows, {each.kind}, {each.sha256[:16]}…")
            for each in certificate.data
        ),
        ("parts", f"{certificate.defective:,} defective and {certificate.good:,} good {certificate.unit}s"),
        ("method", certificate.method),
        ("issued", f"{certificate.issued} by Taktsight {certificate.taktsight}"),
        ("digest", certificate.digest),
    ]
    return [f"{name:<12}{text}" for name, text in rows]
