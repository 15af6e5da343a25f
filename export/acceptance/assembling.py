"""From what was given to the whole report: each section, each criterion, and what is not shown and why."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import numpy as np

from taktsight import __version__
from taktsight.bundle import Bundle
from taktsight.defect_book import Described
from taktsight.errors import ConfigError, DataError
from taktsight.export.acceptance.criteria import Criteria
from taktsight.export.acceptance.document import (
    Acceptance,
    AgreementSection,
    AuditSection,
    GageSection,
    Group,
    InLots,
    Interval,
    NotShown,
    PodSection,
    Population,
    Production,
    Rates,
    Standing,
    Subject,
)
from taktsight.export.acceptance.judging import (
    NOT_GIVEN,
    certified_criteria,
    in_a_sentence,
    line_criteria,
    rate_criteria,
    study_criteria,
)
from taktsight.export.acceptance.ledger_figures import (
    Recorded,
    label_pareto,
    reject_chart,
    repeated,
    timing,
)
from taktsight.export.acceptance.measured_parts import Limits, Measured
from taktsight.export.acceptance.sources import Sources
from taktsight.export.acceptance.trade_off import label_scores, share_of, trade_off
from taktsight.quality.audit_estimate import AuditFigures, Between
from taktsight.quality.design_effect import LotRate
from taktsight.quality.grouped_rates import GroupRates, overview
from taktsight.quality.parts import OUTCOMES, Floats, Parts
from taktsight.quality.spc_limits import FrozenLimits
from taktsight.recipe import Recipe

CONFIDENCE = 0.95
"""Two-sided, of every interval that is shown; what decides is one-sided, as agreed."""
Figures = TypeVar("Figures")


@dataclass(frozen=True, slots=True)
class Pictured:
    """What charts draw beyond the report's own figures."""

    targets: tuple[Floats, Floats] | None = None
    """Sizes, and 1 where found."""
    gage: tuple[Floats, tuple[str, ...], tuple[str, ...]] | None = None
    """Values (A, N, T), names of appraisers and of parts."""


@dataclass(slots=True)
class Given:
    """Everything that was read."""

    file: Path
    bundle: Bundle
    source: str
    """Marker of the bundle."""
    recipe: Recipe
    limits: Limits
    limits_from: str
    measured: Measured
    sources: Sources
    criteria: Criteria = field(default_factory=Criteria)
    date: str = ""
    population: str = ""
    catalogue: tuple[Described, ...] = ()
    catalogue_source: str | None = None
    station: tuple[str, str] | None = None
    """Name, and SHA-256 of the settings of its cameras."""
    standing: Standing | None = None
    pod: PodSection | None = None
    agreement: AgreementSection | None = None
    gage: GageSection | None = None
    audit: tuple[AuditSection, AuditFigures] | None = None
    recorded: Recorded | None = None
    per: int = 50
    frozen: FrozenLimits | None = None
    drift: tuple[str, ...] = ()
    drift_source: str | None = None
    pictured: Pictured = field(default_factory=Pictured)
    not_shown: dict[str, str] = field(default_factory=dict)
    """Section → why it is not there."""


NONE_CHOSEN_ON = (
    "the certificate was issued on other data: that none of these parts is among those that its limits were "
    "chosen on is assumed, for a certificate holds digests and no parts"
)
NAMES = {
    "certificate": "certificate",
    "criteria": "agreed criteria",
    "book": "defect catalogue",
    "scores": "score histograms and trade-off",
    "lots": "rates by lot",
    "stations": "rates by station",
    "sizes": "rates by size of the defect",
    "days": "range of dates of the parts",
    "pod": "probability of detection by size",
    "agreement": "agreement of people and machine",
    "gage": "gage R&R",
    "ledger": "cycle times and verdicts of the line",
    "chart": "control chart",
    "pareto": "Pareto of labels",
    "repeats": "repeatability of the station",
    "audit": "escapes in production",
    "drift": "drift",
    "station": "station",
}


def assemble(given: Given) -> Acceptance:
    """The report.

    Raises:
        ConfigError: If nothing says which day it is of.
        DataError: If a kind of figures cannot be made of what was given.
    """
    rates = _rates(given)
    production = _production(given)
    criteria = [
        *rate_criteria(given.criteria, rates, given.standing),
        *certified_criteria(given.standing),
        *study_criteria(given.criteria, given.pod, given.agreement, given.gage, given.not_shown),
        *line_criteria(given.criteria, production, given.recorded, given.audit),
    ]
    subject = _subject(given)
    return Acceptance(
        taktsight=__version__,
        date=_date(given),
        title=f"Acceptance test of the inspection of {subject.product}",
        verdict=in_a_sentence(criteria),
        confidence=CONFIDENCE,
        task=given.criteria.task or _task(subject),
        agreed=given.criteria.agreed,
        subject=subject,
        catalogue=given.catalogue,
        catalogue_source=given.catalogue_source,
        standing=given.standing,
        population=_population(given),
        criteria=tuple(criteria),
        rates=rates,
        pod=given.pod,
        agreement=given.agreement,
        gage=given.gage,
        audit=given.audit[0] if given.audit else None,
        production=production,
        drift=given.drift,
        drift_source=given.drift_source,
        not_shown=_not_shown(given),
        signatories=given.criteria.signatories,
        sources=given.sources.listed,
    )


def _subject(given: Given) -> Subject:
    bundle, card = given.bundle, given.bundle.card
    canvas = card.canvas
    return Subject(
        product=card.name,
        version=card.version,
        task=card.task,
        bundle=bundle.digest,
        file=given.file.name,
        signed_by=bundle.signed_by,
        expires=None if card.expires is None else card.expires.isoformat(),
        labels=card.labels,
        views=card.views,
        mm_per_px=card.mm_per_px,
        canvas=(
            f"{canvas.width} × {canvas.height} px, {canvas.channels} channel(s), frames scaled by "
            f"1/{canvas.factor}"
        ),
        parity=card.parity,
        flip_limit=card.flip_limit,
        weights=card.origin.weights,
        code=card.origin.code,
        taktsight=card.origin.taktsight,
        station=given.station[0] if given.station else None,
        cameras=given.station[1] if given.station else None,
        recipe=given.recipe.digest,
        limits=tuple(given.limits[label] for label in card.labels),
        limits_from=given.limits_from,
        source=given.source,
    )


def _task(subject: Subject) -> str:
    labels = ", ".join(subject.labels)
    views = "one view" if len(subject.views) == 1 else f"{len(subject.views)} views"
    return (
        f"Each {subject.product} is judged from {views}. A part with any of the defects {labels} must not "
        "pass; a part without them must."
    )


def _population(given: Given) -> Population:
    measured, parts = given.measured, given.measured.parts
    names = {name: parts.group(name) for name in ("lot", "station")}
    cameras = measured.looks.group("camera")
    lots, stations = names["lot"], names["station"]
    warnings = list(measured.warnings)
    if given.standing is not None and given.standing.same_parts:
        warnings += list(given.standing.certificate.warnings)
    elif given.standing is not None:
        warnings.append(NONE_CHOSEN_ON)
    bad, count = parts.is_defective, int(np.unique(parts.part.codes).size)
    if len(parts) > count:
        warnings.append(
            f"{len(parts):,} looks at {count:,} parts: looks are counted, and taken for independent"
        )
    described = given.population
    if not described and given.standing is not None and given.standing.same_parts:
        described = given.standing.certificate.population
    return Population(
        described=described,
        parts=count,
        looks=len(measured.looks),
        defective=int(bad.sum()),
        good=int((~bad).sum()),
        by_truth={name: sum(counts.values()) for name, counts in _verdicts(parts).items()},
        lots=None if lots is None else int(np.unique(lots.codes).size),
        stations=() if stations is None else tuple(sorted(stations.names)),
        cameras=() if cameras is None else tuple(sorted(cameras.names)),
        first_day=measured.first,
        last_day=measured.last,
        verdicts_from=measured.verdicts_from,
        verdicts=_verdicts(parts),
        warnings=tuple(dict.fromkeys(warnings)),
        source=measured.source,
    )


def _verdicts(parts: Parts) -> dict[str, dict[str, int]]:
    """Truth → verdict → rows; good parts first."""
    assert parts.outcome is not None  # whoever measured them judged them
    table = np.zeros((len(parts.truth.names), len(OUTCOMES)), np.int64)
    np.add.at(table, (parts.truth.codes, parts.outcome), 1)
    named = sorted(zip(parts.truth.names, table.tolist(), strict=True), key=lambda row: row[0])
    named.sort(key=lambda row: row[0] != "good")
    return {name: dict(zip(OUTCOMES, counts, strict=True)) for name, counts in named if any(counts)}


def _rates(given: Given) -> Rates:
    measured = given.measured
    seen = overview(measured.looks, CONFIDENCE)
    parts, is_scored = measured.parts, measured.is_scored
    both = parts.is_defective.any() and not parts.is_defective.all()
    if not is_scored:
        given.not_shown["scores"] = "the parts have no scores, verdicts alone"
    elif not both:
        given.not_shown["scores"] = "it wants good and defective parts, and one kind is missing"
    return Rates(
        confidence=CONFIDENCE,
        groups=tuple(_group(group) for group in seen.groups),
        in_lots=tuple(
            _in_lots(name, rate)
            for name, rate in (("escape", seen.escape_by_lot), ("overkill", seen.overkill_by_lot))
            if rate is not None and rate.rate.parts
        ),
        histograms=label_scores(parts, given.limits) if is_scored else (),
        trade_off=trade_off(parts, given.limits, CONFIDENCE) if is_scored and both else (),
        source=measured.source,
    )


def _group(group: GroupRates) -> Group:
    return Group(
        by=group.by,
        name=group.name,
        escape=share_of(group.escape),
        overkill=None if group.overkill is None else share_of(group.overkill),
        review=share_of(group.review),
    )


def _in_lots(name: str, rate: LotRate) -> InLots:
    return InLots.model_validate(
        {
            "name": name,
            "share": share_of(rate.rate),
            "low": rate.low,
            "high": rate.high,
            "lots": rate.lots,
            "design_effect": rate.design_effect,
            "effective_parts": rate.effective_parts,
            "said": rate.in_words,
        }
    )


def audit_section(figures: AuditFigures, strata: int, sources: Sequence[str]) -> AuditSection:
    """An audit as the report has it."""
    recall = figures.recall
    return AuditSection(
        passed=figures.passed,
        audited=figures.audited,
        defective=figures.defective,
        strata=strata,
        confidence=figures.confidence,
        escaped=_interval(figures.escaped),
        ppm=_interval(figures.ppm),
        ppm_upper=figures.ppm_upper,
        ppm_upper_any_time=figures.ppm_upper_any_time,
        recall=None if recall is None else _interval(recall),
        recall_naive=figures.recall_naive,
        sources=tuple(sources),
    )


def _interval(between: Between) -> Interval:
    return Interval(value=between.value, low=between.low, high=between.high)


def _production(given: Given) -> Production | None:
    recorded = given.recorded
    if recorded is None:
        return None
    return Production(
        timing=timing(recorded, given.bundle.digest, CONFIDENCE),
        chart=_tried(given, "chart", lambda: reject_chart(recorded, given.per, given.frozen)),
        per=given.per,
        pareto=_tried(given, "pareto", lambda: label_pareto(recorded)) or (),
        repeats=_tried(given, "repeats", lambda: repeated(recorded)),
        source=recorded.source,
    )


def _tried(given: Given, section: str, make: Callable[[], Figures]) -> Figures | None:
    """The figures; None where the ledger has too few parts for them, and the report says so."""
    try:
        return make()
    except DataError as error:
        given.not_shown[section] = str(error)
        return None


def _not_shown(given: Given) -> tuple[NotShown, ...]:
    """What a reader would look for and not find."""
    said = dict(given.not_shown)
    absent = {
        "pod": given.pod,
        "agreement": given.agreement,
        "gage": given.gage,
        "audit": given.audit,
        "ledger": given.recorded,
    }
    for section, there in absent.items():
        if there is None:
            said.setdefault(section, NOT_GIVEN[section])
    if given.standing is None:
        said["certificate"] = "the bundle has none; 'taktsight certify' makes one"
    if not given.catalogue:
        said["book"] = "no defect book was given (--book), and the bundle's card describes no label"
    parts = given.measured.parts
    for section, column in (("lots", "lot"), ("stations", "station")):
        if parts.group(column) is None:
            said.setdefault(section, f"nothing says the {column} of the parts (column {column})")
    if parts.size_mm is None:
        said.setdefault("sizes", "nothing says the size of their defects (column size_mm)")
    if not given.measured.first:
        said.setdefault("days", "nothing says when the parts were taken (column time)")
    if given.station is None:
        said.setdefault("station", "no station file was given (--station)")
    order = list(NAMES)
    return tuple(
        NotShown(what=NAMES[section], why=said[section]) for section in sorted(said, key=order.index)
    )


def _date(given: Given) -> str:
    """Of the report: as it was said, else of the newest thing it is made of that has one."""
    if given.date:
        return given.date
    days = [given.measured.last] if given.measured.last else []
    if given.standing is not None:
        days.append(given.standing.certificate.issued.isoformat())
    if given.recorded is not None:
        days.append(max(row["utc"] for row in given.recorded.rows)[:10])
    if not days:
        raise ConfigError("nothing that was given says which day it is of: say it with --date 2027-03-01")
    return max(days)
