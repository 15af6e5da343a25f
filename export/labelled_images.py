"""Labelled images judged by a bundle as on the line: the scores that limits are certified on."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from taktsight.datasets.samples import Sample
from taktsight.datasets.view_files import read_view
from taktsight.errors import DataError
from taktsight.imaging import Canvas
from taktsight.inspect.inspector import Inspector
from taktsight.quality.certificate import Evidence
from taktsight.quality.parts import GOOD, Names, Parts, numbered
from taktsight.quality.parts_file import file_digest
from taktsight.recipe import Limit, Recipe
from taktsight.records import Frame, Image, Part, Prediction

NO_SPLIT = (
    "nothing says which split the images are in: that the network learned from none of them is assumed"
)


@dataclass(frozen=True, slots=True)
class JudgedImages:
    """Parts with the scores that a bundle gave them."""

    parts: Parts
    evidence: Evidence
    warnings: tuple[str, ...]


def judge_images(
    samples: Sequence[Sample], name: str, inspector: Inspector, labels: tuple[str, ...], canvas: Canvas
) -> JudgedImages:
    """Every sample through the inspector.

    A score counts as far as the limit does not tolerate it: where all regions of a label are within
    ``max_area_mm2``, its score is 0, whatever the network says.

    Args:
        samples: labelled parts; of those with a split only the test parts are judged.
        name: of the data set, for the certificate.
        inspector: with the recipe whose views, areas and map values hold.
        labels: the bundle's.
        canvas: the bundle's.

    Raises:
        DataError: If there is no test part, an image cannot be read, or a part has another number of views.
    """
    chosen, warnings = _unseen(samples)
    scores = np.array([_score(sample, inspector, labels, canvas) for sample in chosen])
    lots = [sample.lot for sample in chosen]
    parts = Parts(
        numbered([each.part or str(each.images[0]) for each in chosen]),
        _truths(chosen),
        labels,
        scores,
        {"lot": numbered(lots)} if all(lots) else {},
    )
    evidence = Evidence(name=name, kind="images", sha256=images_digest(chosen), rows=len(chosen))
    return JudgedImages(parts, evidence, warnings)


def images_digest(samples: Sequence[Sample]) -> str:
    """SHA-256 of the files' content with labels, part and lot of each, whatever their order and place."""
    lines = sorted(
        " ".join([*map(file_digest, each.images), "|".join(each.labels) or GOOD, each.part, each.lot])
        for each in samples
    )
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _unseen(samples: Sequence[Sample]) -> tuple[list[Sample], tuple[str, ...]]:
    """The test parts; where nothing has a split, all of them."""
    if not any(sample.split for sample in samples):
        return list(samples), (NO_SPLIT,)
    chosen = [sample for sample in samples if sample.split == "test"]
    if not chosen:
        raise DataError(
            "no image is in the split test: the network learned from train and was chosen on val, so such "
            "parts prove nothing of it"
        )
    return chosen, ()


def _truths(samples: Sequence[Sample]) -> Names:
    return numbered(["|".join(sample.labels) or GOOD for sample in samples])


def _score(sample: Sample, inspector: Inspector, labels: tuple[str, ...], canvas: Canvas) -> list[float]:
    recipe = inspector.recipe
    views, looks = recipe.views, sample.each_view()
    if len(views) != len(looks):
        raise DataError(
            f"{sample.images[0]}: the part has {len(looks)} views, the recipe {len(views)}; "
            "name the column that joins them with --view-column"
        )
    frames: list[Frame] = []
    references: dict[str, Image] = {}
    for view, look in zip(views, looks, strict=True):
        image, reference = read_view(look, canvas)
        frames.append(Frame(image, 0, 0, view.camera))
        if reference is not None:
            references[view.camera] = reference
    judge = inspector.against(references) if references else inspector
    try:
        predictions = judge.inspect(Part(0, tuple(frames))).predictions
    except ValueError as error:
        raise DataError(f"{sample.images[0]}: does not fit the recipe's view: {error}") from error
    return [max(_counted(each, recipe, label) for each in predictions) for label in labels]


def _counted(prediction: Prediction, recipe: Recipe, label: str) -> float:
    """The score of a label; 0 where every region of it is tolerated."""
    limit = next(limit for limit in recipe.limits if limit.label == label)
    return 0.0 if _is_tolerated(prediction, limit) else prediction.score_of(label)


def _is_tolerated(prediction: Prediction, limit: Limit) -> bool:
    areas = [defect.area_mm2 for defect in prediction.defects if defect.label == limit.label]
    return bool(areas) and limit.max_area_mm2 > 0 and max(areas) <= limit.max_area_mm2
