"""The exported model against the trained one, counted in verdicts on real parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from taktsight.card import Parity
from taktsight.datasets.samples import Sample
from taktsight.errors import ExportError
from taktsight.inspect.inspector import Inspector
from taktsight.quality.rates import clopper_pearson
from taktsight.recipe import decide
from taktsight.records import Frame, Image, Part, Prediction, Verdict
from taktsight.training.predict import Look, look_at
from taktsight.training.run_folder import TrainedRun

MAX_DIFFERENCE = 1e-3
"""float32 against float32: differences stay near 1e-5, a wrong mean or a shifted pixel is above 1e-2."""


@dataclass(frozen=True, slots=True)
class Compared:
    """One part as both saw it."""

    sample: Sample
    images: tuple[Image, ...]
    """One per view."""
    references: tuple[Image, ...]
    """Of a model that compares: the golden template of each view."""
    trained: Verdict
    exported: Verdict
    predictions: tuple[Prediction, ...]
    """By the exported model, one per view."""
    map_difference: float
    score_difference: float

    @property
    def flipped(self) -> bool:
        """Whether the gate would have been told something else."""
        return self.trained.outcome is not self.exported.outcome


def compare(run: TrainedRun, inspector: Inspector, samples: Sequence[Sample]) -> list[Compared]:
    """Each sample through PyTorch and through the line's own inspector, under the same limits."""
    edges = {limit.label: limit.map_score for limit in inspector.recipe.limits}
    map_scores = [edges[label] for label in run.module.labels]
    return [
        _compare(inspector, sample, number, look_at(run, sample, map_scores))
        for number, sample in enumerate(samples)
    ]


def _compare(inspector: Inspector, sample: Sample, number: int, looks: Sequence[Look]) -> Compared:
    wanted = [look.prediction for look in looks]
    templates = {look.prediction.view: look.reference for look in looks if look.reference is not None}
    part = Part(number, tuple(Frame(look.image, number, 0, look.prediction.view) for look in looks))
    inspection = inspector.against(templates).inspect(part)
    pairs = list(zip(wanted, inspection.predictions, strict=True))
    return Compared(
        sample,
        tuple(look.image for look in looks),
        tuple(templates.values()),
        decide(wanted, inspector.recipe),
        inspection.verdict,
        inspection.predictions,
        max(float(np.abs(one.maps - other.maps).max()) for one, other in pairs),
        max(float(np.abs(one.scores - other.scores).max()) for one, other in pairs),
    )


def prove(compared: Sequence[Compared], reference: str) -> Parity:
    """The parity figures of the card.

    Raises:
        ExportError: If a verdict flips or a map or score differs by more than float32 rounding explains.
    """
    flips = [each for each in compared if each.flipped]
    parity = Parity(
        reference=reference,
        parts=len(compared),
        flips=len(flips),
        flips_upper=clopper_pearson(len(flips), len(compared), 0.90).high,
        max_map_difference=max(each.map_difference for each in compared),
        max_score_difference=max(each.score_difference for each in compared),
    )
    if flips:
        first = flips[0]
        raise ExportError(
            f"{len(flips)} of {len(compared)} parts get another verdict from the exported model, the first "
            f"is {first.sample.images[0]}: {first.trained.outcome.value} became "
            f"{first.exported.outcome.value}. Nothing was written"
        )
    for name, difference in (("maps", parity.max_map_difference), ("scores", parity.max_score_difference)):
        if difference > MAX_DIFFERENCE:
            raise ExportError(
                f"the exported model's {name} differ by {difference:.2g}, at most "
                f"{MAX_DIFFERENCE:g} is rounding. Nothing was written"
            )
    return parity
