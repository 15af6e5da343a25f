"""Sections of a report that are made of bundle, parts and ledger."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np

from taktsight.errors import DataError
from taktsight.export.acceptance.document import (
    AuditSection,
    Group,
    InLots,
    Interval,
    Population,
    Production,
    Rates,
    Subject,
)
from taktsight.export.acceptance.given import CONFIDENCE, Given
from taktsight.export.acceptance.ledger_figures import (
    label_pareto,
    reject_chart,
    repeated,
    timing,
)
from taktsight.export.acceptance.trade_off import label_scores, share_of, trade_off
from taktsight.quality.audit_estimate import AuditFigures, Between
from taktsight.quality.design_effect import LotRate
from taktsight.quality.grouped_rates import GroupRates, overview
from taktsight.quality.parts import OUTCOMES, Parts

Figures = TypeVar("Figures")


NONE_CHOSEN_ON = (
    "the certificate was issued on other data: that none of these parts is among those its limits were "
    "chosen on is assumed, for a certificate holds digests and no parts"
)


def subject_of(given: Given) -> Subject:
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


def population_of(given: Given) -> Population:
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


def rates_of(given: Given) -> Rates:
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


def production_of(given: Given) -> Production | None:
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
