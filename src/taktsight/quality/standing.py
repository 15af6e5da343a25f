"""What of a certificate still holds for what a station runs: model, preprocessing, data, place and limits.

VALID       everything is as it was certified
TIGHTENED   a limit is stricter than certified: parts that escaped may be held now, so the escape claims
            stand; good parts may be held up that were not, so the claim about them is void
VOID        a limit is looser than certified: the escape claims are void
INVALID     a digest differs: nothing was certified for this
SUSPENDED   somebody who watches the line says why it may not be believed for now
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from taktsight.bundle import Bundle
from taktsight.quality.certificate import Certificate, Kind, preprocessing_digest
from taktsight.recipe import Limit, Recipe

State = Literal["VALID", "TIGHTENED", "VOID", "INVALID", "SUSPENDED"]
_SHORT = 12


@dataclass(frozen=True, slots=True)
class Found:
    """What is there now. What is None was not looked at."""

    recipe: Recipe
    """With the limits that parts are judged by."""
    model: str
    """SHA-256 of the network that runs."""
    preprocessing: str
    product: str | None = None
    engine: str | None = None
    station_name: str | None = None
    cameras: str | None = None
    """SHA-256 of the settings of the station's cameras."""
    data: Mapping[str, str] = field(default_factory=dict)
    """Name of an evidence → digest of what lies there now."""
    suspended: str | None = None
    """Why the claims may not be believed for now, from drift detection or a person."""


@dataclass(frozen=True, slots=True)
class Standing:
    """The state, and why."""

    state: State
    claims: tuple[Kind, ...]
    """Kinds of claims that still hold."""
    reasons: tuple[str, ...]
    """In sentences; empty where it is valid. A limit that moved without touching a claim is no reason."""

    def __str__(self) -> str:
        if self.state == "VALID":
            return "VALID"
        holds = f"; what still holds: {', '.join(self.claims)}" if self.claims else ""
        return f"{self.state}: {'; '.join(self.reasons)}{holds}"


def found_in(bundle: Bundle, recipe: Recipe, engine: str, precision: str) -> Found:
    """What a bundle and a recipe are now.

    Args:
        bundle: that was verified.
        recipe: that its parts are judged by; of golden templates it has the digests.
        engine: as cards name it.
        precision: f32 or another one that the engine runs.
    """
    return Found(
        recipe,
        network_digest(bundle, precision),
        preprocessing_digest(recipe, bundle.card.canvas),
        product=bundle.card.name,
        engine=engine,
    )


def network_digest(bundle: Bundle, precision: str) -> str:
    """SHA-256 of the network in a precision; bf16 is computed from the one in float32."""
    models = bundle.models
    return hashlib.sha256(models.get(precision, bundle.model)).hexdigest()


def standing(certificate: Certificate, found: Found) -> Standing:
    """What of the certificate holds."""
    different = _different(certificate, found)
    if different:
        return Standing("INVALID", (), tuple(different))
    if found.suspended:
        return Standing("SUSPENDED", (), (found.suspended,))
    pairs = [(certificate.by_label[limit.label], limit) for limit in found.recipe.limits]
    looser = [said for certified, now in pairs for said in _looser(certified, now)]
    kinds = dict.fromkeys(claim.kind for claim in certificate.claims)
    stricter = {
        kind: [said for certified, now in pairs for said in _stricter(certified, now, kind)]
        for kind in kinds
        if kind != "escape"
    }
    kept = tuple(kind for kind in kinds if not (looser if kind == "escape" else stricter[kind]))
    moved = [said for sentences in stricter.values() for said in sentences]
    reasons = tuple(dict.fromkeys([*looser, *moved]))
    return Standing("VOID" if looser else "TIGHTENED" if moved else "VALID", kept, reasons)


def _different(certificate: Certificate, found: Found) -> list[str]:
    """Sentences about everything that is another than the one it was certified with."""
    place = certificate.station
    pairs = [
        ("product", certificate.product, found.product),
        ("network", certificate.model, found.model),
        ("engine", certificate.engine, found.engine),
        ("preprocessing", certificate.preprocessing, found.preprocessing),
        ("station", place and place.name, found.station_name),
        ("station's camera settings", place and place.cameras, found.cameras),
        *((f"data {each.name}", each.sha256, found.data.get(each.name)) for each in certificate.data),
    ]
    said = [
        f"the {name} is another one ({now:.{_SHORT}}, certified was {was:.{_SHORT}})"
        for name, was, now in pairs
        if was is not None and now is not None and was != now
    ]
    labels = {limit.label for limit in found.recipe.limits}
    if labels != set(certificate.by_label):
        said.append(f"limits are for {_listed(labels)}, certified were {_listed(certificate.by_label)}")
    return said


def _looser(certified: Limit, now: Limit) -> list[str]:
    """How the limit lets parts pass that the certified one holds."""
    moves = []
    if now.review_score > certified.review_score:
        moves.append(_moved("review_score", certified, now))
    if now.max_area_mm2 > certified.max_area_mm2:
        moves.append(_moved("max_area_mm2", certified, now))
    if now.max_area_mm2 and now.map_score != certified.map_score:
        moves.append(_moved("map_score", certified, now))
    return moves


def _stricter(certified: Limit, now: Limit, kind: Kind) -> list[str]:
    """How the limit holds up, or rejects, parts that the certified one does not."""
    moves = []
    score: Literal["review_score", "reject_score"] = (
        "review_score" if kind == "overkill" else "reject_score"
    )
    if getattr(now, score) < getattr(certified, score):
        moves.append(_moved(score, certified, now))
    if now.max_area_mm2 < certified.max_area_mm2:
        moves.append(_moved("max_area_mm2", certified, now))
    if now.max_area_mm2 and now.map_score != certified.map_score:
        moves.append(_moved("map_score", certified, now))
    return moves


def _moved(name: str, certified: Limit, now: Limit) -> str:
    return f"{name} of {now.label} is {getattr(now, name):g}, certified was {getattr(certified, name):g}"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))
