"""What "good" means for a product: its views, its limits, and the decision they lead to."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from taktsight.defect_book import Entry, load_book
from taktsight.errors import ConfigError
from taktsight.health_bands import Health
from taktsight.records import Box, Outcome, Prediction, Verdict
from taktsight.strict_model import StrictModel

Share = Annotated[float, Field(ge=0, le=1)]


class View(StrictModel):
    """One camera's look at the part."""

    camera: str = "camera"
    """The station's name of the camera."""
    roi_px: Box | None = None
    """The judged region x0, y0, x1, y1 in frame pixels, end-exclusive. Absent: the whole frame."""
    mm_per_px: float = Field(gt=0, allow_inf_nan=False)
    """Millimetres per frame pixel at the part's surface."""
    reference: Path | None = Field(default=None, exclude=True)
    """Image of the golden template, taken with this camera, for a bundle that compares; relative to the
    recipe. Its content is part of the recipe's digest, its place is not."""
    reference_sha256: str | None = Field(default=None, pattern="^[0-9a-f]{64}$")
    """SHA-256 of that file. Given, another file is refused; absent, it is filled in when it is read."""
    health: Health | None = None
    """What the view's frames must be like. Absent: nothing is measured."""

    @model_serializer(mode="wrap")
    def _without_what_is_absent(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        # A recipe that says nothing of it keeps the digest that it had before there were bands.
        dumped: dict[str, Any] = dump(self)
        if self.health is None:
            dumped.pop("health", None)
        return dumped

    @model_validator(mode="after")
    def _roi_holds_pixels(self) -> View:
        if self.roi_px is not None:
            x0, y0, x1, y1 = self.roi_px
            if not (0 <= x0 < x1 and 0 <= y0 < y1):
                raise ValueError(f"roi_px {self.roi_px} holds no pixel: 0 ≤ x0 < x1 and 0 ≤ y0 < y1")
        if self.reference_sha256 is not None and self.reference is None:
            raise ValueError("reference_sha256 is that of a reference, and there is none")
        if self.health and self.health.needs_reference and not (self.health.reference or self.reference):
            raise ValueError("health: shift_mm and likeness need a reference, an image of a good part")
        return self


class Limit(StrictModel):
    """How much of one defect label is allowed."""

    label: str
    """A label of the bundle."""
    reject_score: Share
    """Part score from which the part is rejected, 0–1."""
    review_score: Share
    """Part score from which a person decides, 0–1, at most reject_score."""
    max_area_mm2: float = Field(default=0.0, ge=0, allow_inf_nan=False)
    """Largest single region that is tolerated, mm²; 0 tolerates none. Absent: as the recipe's book says."""
    map_score: Annotated[float, Field(gt=0, le=1)] = 0.5
    """Map value from which a pixel belongs to a region, 0–1."""
    why: str = ""
    """Where the numbers come from: a drawing, a standard, a study. Absent: as the recipe's book says."""

    @model_validator(mode="after")
    def _band_is_in_order(self) -> Limit:
        if self.review_score > self.reject_score:
            raise ValueError(
                f"review_score {self.review_score} lies above reject_score {self.reject_score}"
            )
        return self


class Recipe(StrictModel):
    """What is looked at, and what may be seen there."""

    product: str = Field(min_length=1)
    """The ``name`` on the card of the bundle that it is for."""
    views: tuple[View, ...] = Field(min_length=1)
    limits: tuple[Limit, ...] = Field(min_length=1)
    max_flip_share: float = Field(default=0.0, ge=0, le=0.05)
    """Share of parts that the station's engine may have judged otherwise than the trained network when the
    bundle was proved. An engine that exceeded it, or that nothing was proved of, is refused."""
    book: Path | None = None
    """Defect book that says what the limits do not, relative to the recipe. Only :func:`load_recipe`
    reads it; a recipe that was loaded has the numbers and no book."""

    @model_validator(mode="after")
    def _names_are_unique(self) -> Recipe:
        for kind, names in (
            ("camera", [view.camera for view in self.views]),
            ("label", [limit.label for limit in self.limits]),
        ):
            twice = sorted({name for name in names if names.count(name) > 1})
            if twice:
                raise ValueError(f"{kind} {', '.join(twice)} stands twice")
        return self


def load_recipe(path: Path) -> Recipe:
    """The recipe in a YAML file, with what its defect book says of areas and reasons.

    Raises:
        ConfigError: Listing every mistake in the file or in its book, or naming the labels that the book
            does not know.
    """
    from taktsight.strict_yaml import read_yaml  # not needed where the card has the limits

    recipe = read_yaml(path, Recipe)
    if recipe.book is None:
        return recipe
    entries = {entry.name: entry for entry in load_book(path.parent / recipe.book).labels}
    unknown = [limit.label for limit in recipe.limits if limit.label not in entries]
    if unknown:
        raise ConfigError(
            f"{path}: the book {recipe.book} has no label {', '.join(unknown)} "
            f"(it has {', '.join(entries)}); correct the label or add it to the book"
        )
    limits = [_completed(limit, entries[limit.label]) for limit in recipe.limits]
    return recipe.model_copy(update={"limits": tuple(limits), "book": None})


def _completed(limit: Limit, entry: Entry) -> Limit:
    """The limit; what it does not say itself is as the book says."""
    said = {"max_area_mm2": entry.max_area_mm2, "why": entry.why}
    return limit.model_copy(
        update={key: value for key, value in said.items() if key not in limit.model_fields_set}
    )


def check_fit(
    recipe: Recipe, labels: Sequence[str], *, located: bool, paired: bool = False, views: int = 1
) -> None:
    """Every label of the bundle is limited, every limit is about one, and no view of the part is left out.

    Args:
        recipe: the limits.
        labels: the bundle's K labels.
        located: whether the bundle's maps have pixels; a classifier's have none, so an area
            limit would tolerate everything.
        paired: whether the bundle compares each view with a golden template.
        views: from how many the bundle's figures judged each part.

    Raises:
        ConfigError: Naming the labels on both sides. A label without a limit would be a defect
            that nobody judges.
    """
    limited = [limit.label for limit in recipe.limits]
    unknown = [label for label in limited if label not in labels]
    unjudged = [label for label in labels if label not in limited]
    mistakes = []
    if unknown:
        mistakes.append(f"the bundle has no label {', '.join(unknown)} (it has {', '.join(labels)})")
    if unjudged:
        mistakes.append(f"no limit for {', '.join(unjudged)}: add one, or it would be judged by nobody")
    areas = [limit.label for limit in recipe.limits if limit.max_area_mm2 and not located]
    if areas:
        mistakes.append(f"max_area_mm2 for {', '.join(areas)}: a classifier measures no area, set it to 0")
    bare = [view.camera for view in recipe.views if view.reference is None]
    if paired and bare:
        mistakes.append(
            f"the bundle compares with golden templates, and views {', '.join(bare)} name none: "
            "give each view 'reference: template.png', an image of a good part taken with that camera"
        )
    if not paired and len(bare) < len(recipe.views):
        mistakes.append("a view names a reference, and the bundle compares with none: remove it")
    if len(recipe.views) < views:
        mistakes.append(
            f"the bundle was measured on parts seen from {views} views, and the recipe has "
            f"{len(recipe.views)}: give it one for each, or what the others would show is seen by nobody"
        )
    if mistakes:
        raise ConfigError(f"recipe {recipe.product!r} does not fit the bundle: " + "; ".join(mistakes))


def decide(predictions: Sequence[Prediction], recipe: Recipe) -> Verdict:
    """The verdict of a part from what was predicted of its views.

    A label rejects where its score reaches ``reject_score`` and asks for review where it reaches
    ``review_score``, unless every region found is within ``max_area_mm2``. A high score with no
    region found is never tolerated: the defect is there and could not be measured. A view without a
    prediction makes the part UNINSPECTED. The worst label decides.

    Args:
        predictions: one per view of the recipe, each with its view's name.
        recipe: views and limits; it has passed :func:`check_fit`.
    """
    seen = [prediction.view for prediction in predictions]
    missing = [view.camera for view in recipe.views if seen.count(view.camera) != 1]
    if missing or len(seen) != len(recipe.views):
        return Verdict(
            Outcome.UNINSPECTED, (f"views {seen} were judged, one each of {_cameras(recipe)} is wanted",)
        )
    rejects: list[str] = []
    reviews: list[str] = []
    for prediction in predictions:
        for limit in recipe.limits:
            score = prediction.score_of(limit.label)
            if score < limit.review_score:
                continue
            reason = _exceeds(prediction, limit, score)
            if reason:
                (rejects if score >= limit.reject_score else reviews).append(reason)
    if rejects:
        return Verdict(Outcome.REJECT, tuple(rejects + reviews))
    if reviews:
        return Verdict(Outcome.REVIEW, tuple(reviews))
    return Verdict(Outcome.PASS)


def _exceeds(prediction: Prediction, limit: Limit, score: float) -> str | None:
    """Why this label is more than the limit allows, or None where it is tolerated."""
    largest = max(
        (defect.area_mm2 for defect in prediction.defects if defect.label == limit.label), default=None
    )
    if largest is None or limit.max_area_mm2 == 0:  # no area would do: the score is the reason
        return f"{limit.label}: {_score_reason(limit, score)}"
    if largest > limit.max_area_mm2:
        area, most = _told_apart(largest, limit.max_area_mm2)
        return f"{limit.label}: {area} mm² > {most} mm² (score {score:.2f})"
    return None


def _score_reason(limit: Limit, score: float) -> str:
    name = "reject_score" if score >= limit.reject_score else "review_score"
    threshold = limit.reject_score if name == "reject_score" else limit.review_score
    if threshold == 0:
        return f"no part may pass while its {name} is 0 (score {score:.2f})"
    reached, edge = _told_apart(score, threshold)
    return f"score {reached} ≥ {edge}"


def _told_apart(value: float, edge: float) -> tuple[str, str]:
    """Both with two decimals, or with as many as it takes to see that they differ and are not 0."""
    said = [(f"{value:.{digits}f}", f"{edge:.{digits}f}") for digits in range(2, 7)]
    return next(((one, other) for one, other in said if one != other and float(other)), said[0])


def _cameras(recipe: Recipe) -> list[str]:
    return [view.camera for view in recipe.views]
