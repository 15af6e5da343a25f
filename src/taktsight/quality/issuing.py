"""The certificate of limits that were certified, with everything that it holds for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import taktsight
from taktsight.bundle import Bundle
from taktsight.quality.certificate import Certificate, Evidence, Place, preprocessing_digest
from taktsight.quality.certifying import LEARNED, Certified
from taktsight.quality.claims import Wanted
from taktsight.quality.standing import network_digest
from taktsight.recipe import Limit, Recipe


@dataclass(frozen=True, slots=True)
class Subject:
    """What the parts were judged with, and where they came from."""

    bundle: Bundle
    recipe: Recipe
    """Its views judged the parts; of its limits the areas and map values are kept."""
    engine: str
    """As cards name it."""
    precision: str
    evidence: tuple[Evidence, ...]
    population: str
    issued: date
    station: Place | None = None
    warnings: tuple[str, ...] = ()
    """Besides those of the parts themselves."""


def certified_recipe(certified: Certified, subject: Subject, wanted: Wanted) -> Recipe:
    """The recipe with the certified limits."""
    if certified.thresholds is None or certified.missing:
        raise ValueError("nothing was certified")
    before = {limit.label: limit for limit in subject.recipe.limits}
    chosen = certified.method == LEARNED
    limits = []
    for place, label in enumerate(certified.labels):
        why = (
            f"certified on {subject.issued}: at most {100 * wanted.escape:.4g} % of defective and "
            f"{100 * wanted.overkill:.4g} % of good {wanted.unit}s are judged wrongly; see the certificate"
        )
        update = {
            "review_score": certified.thresholds.review[place],
            "reject_score": certified.thresholds.reject[place],
            "why": why if chosen else before[label].why,
        }
        limits.append(Limit.model_validate(before[label].model_dump() | update))
    order = subject.bundle.card.labels
    limits.sort(key=lambda limit: order.index(limit.label))
    return subject.recipe.model_copy(update={"limits": tuple(limits)})


def issue(certified: Certified, subject: Subject, wanted: Wanted) -> Certificate:
    """The certificate.

    Raises:
        ValueError: If nothing was certified.
    """
    recipe = certified_recipe(certified, subject, wanted)
    if certified.overkill is None or certified.reviewed is None:
        raise ValueError("nothing was certified")
    card = subject.bundle.card
    return Certificate(
        product=card.name,
        model=network_digest(subject.bundle, subject.precision),
        engine=subject.engine,
        preprocessing=preprocessing_digest(recipe, card.canvas),
        recipe=recipe.digest,
        limits=recipe.limits,
        station=subject.station,
        data=subject.evidence,
        unit=wanted.unit,
        scope=wanted.scope,
        defective=certified.defective,
        good=certified.good,
        method=certified.method,
        claims=certified.claims,
        simultaneous=certified.simultaneous,
        overkill=certified.overkill,
        reviewed=certified.reviewed,
        population=subject.population,
        issued=subject.issued,
        taktsight=taktsight.__version__,
        warnings=(*certified.warnings, *subject.warnings),
    )
