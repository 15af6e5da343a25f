"""Engines against the trained network, counted in verdicts on real parts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from taktsight.card import Parity
from taktsight.datasets.samples import Sample
from taktsight.errors import BackendError, ExportError
from taktsight.inspect.engines import REFERENCE, engine_named
from taktsight.inspect.inspector import Inspector
from taktsight.quality.rates import clopper_pearson
from taktsight.recipe import Recipe, decide
from taktsight.records import Frame, Image, Part, Prediction, Verdict
from taktsight.training.predict import Look, look_at, part_scores
from taktsight.training.run_folder import TrainedRun

MAX_DIFFERENCE = {"f32": 1e-3}
"""float32 against float32: differences stay near 1e-5, a wrong mean or a shifted pixel is above 1e-2."""
SHOWN_FLIPS = 24
"""Flips of an engine that keep their maps, for the report."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One part as the trained network saw it: what every engine is held against."""

    sample: Sample
    part: Part
    references: Mapping[str, Image]
    """Of a model that compares: the golden template of each view."""
    predictions: tuple[Prediction, ...]
    """One per view."""
    map_px: tuple[int, ...]
    """Frame pixels per map pixel, of each view."""


@dataclass(frozen=True, slots=True)
class Flip:
    """What a flipped verdict rests on, one prediction per view."""

    trained: tuple[Prediction, ...]
    exported: tuple[Prediction, ...]
    map_px: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Compared:
    """One part as the trained network and as an engine saw it."""

    sample: Sample
    images: tuple[Image, ...]
    """One per view."""
    references: tuple[Image, ...]
    """Of a model that compares: the golden template of each view."""
    trained: Verdict
    exported: Verdict
    scores: NDArray[np.float32]
    """(K,) by the engine; of several views each label's highest."""
    map_difference: float
    p999_difference: float
    score_difference: float
    squares: tuple[float, float] = (0.0, 0.0)
    """Sum over the pixels of the squared difference, and of the squared map."""
    flip: Flip | None = None
    """Of a flipped part; of the first :data:`SHOWN_FLIPS` of an engine only, for they are large."""

    @property
    def flipped(self) -> bool:
        """Whether the gate would have been told something else."""
        return self.trained.outcome is not self.exported.outcome


def see(run: TrainedRun, sample: Sample, number: int, recipe: Recipe) -> Seen:
    """A sample through PyTorch in float32."""
    edges = {limit.label: limit.map_score for limit in recipe.limits}
    looks: Sequence[Look] = look_at(run, sample, [edges[label] for label in run.module.labels])
    frames = tuple(Frame(look.image, number, 0, look.prediction.view) for look in looks)
    templates = {look.prediction.view: look.reference for look in looks if look.reference is not None}
    predictions = tuple(look.prediction for look in looks)
    return Seen(sample, Part(number, frames), templates, predictions, tuple(look.map_px for look in looks))


def compare(
    run: TrainedRun,
    inspectors: Mapping[str, Inspector],
    samples: Iterable[Sample],
) -> dict[str, list[Compared]]:
    """Each sample through PyTorch once and through the line's own inspector on each engine.

    Args:
        run: the trained network and its data.
        inspectors: by engine, all with the same recipe.
        samples: real parts.
    """
    recipe = next(iter(inspectors.values())).recipe
    return compare_seen(
        inspectors, (see(run, sample, number, recipe) for number, sample in enumerate(samples))
    )


def compare_seen(inspectors: Mapping[str, Inspector], parts: Iterable[Seen]) -> dict[str, list[Compared]]:
    """The same of parts that the reference has seen, one after the other."""
    found: dict[str, list[Compared]] = {engine: [] for engine in inspectors}
    for seen in parts:
        for engine, inspector in inspectors.items():
            each = hold_against(seen, inspector)
            shown = sum(before.flip is not None for before in found[engine])
            found[engine].append(each if shown < SHOWN_FLIPS else replace(each, flip=None))
    return found


def hold_against(seen: Seen, inspector: Inspector) -> Compared:
    """The part on one engine, against what was seen of it.

    Raises:
        ExportError: If the engine fails on it, or answers with something that is no score.
    """
    try:
        inspection = inspector.against(seen.references).inspect(seen.part)
    except (ValueError, BackendError) as error:
        raise ExportError(
            f"{seen.sample.images[0]} has no verdict from the exported model: {error}"
        ) from error
    trained = decide(seen.predictions, inspector.recipe)
    pairs = list(zip(seen.predictions, inspection.predictions, strict=True))
    maps = [np.abs(one.maps - other.maps) for one, other in pairs]
    flipped = trained.outcome is not inspection.verdict.outcome
    return Compared(
        seen.sample,
        tuple(frame.image for frame in seen.part.frames),
        tuple(seen.references.values()),
        trained,
        inspection.verdict,
        part_scores(inspection.predictions),
        max(float(each.max()) for each in maps),
        max(float(np.quantile(each, 0.999)) for each in maps),
        max(float(np.abs(one.scores - other.scores).max()) for one, other in pairs),
        (
            sum(float(np.square(each).sum()) for each in maps),
            sum(float(np.square(one.maps).sum()) for one, _ in pairs),
        ),
        Flip(seen.predictions, inspection.predictions, seen.map_px) if flipped else None,
    )


def parity_of(compared: Sequence[Compared], engine: str, reference: str) -> Parity:
    """The figures of one engine, whatever they are."""
    flips = sum(each.flipped for each in compared)
    apart, size = (sum(each.squares[place] for each in compared) for place in (0, 1))
    return Parity(
        engine=engine,
        reference=reference,
        parts=len(compared),
        flips=flips,
        flips_upper=clopper_pearson(flips, len(compared), 0.90).high,
        max_map_difference=max(each.map_difference for each in compared),
        p999_map_difference=max(each.p999_difference for each in compared),
        relative_map_difference=float(np.sqrt(apart / size)) if size else 0.0,
        max_score_difference=max(each.score_difference for each in compared),
    )


def prove(
    compared: Sequence[Compared], reference: str, *, engine: str = REFERENCE, flip_limit: float = 0.0
) -> Parity:
    """The parity figures of the card.

    Args:
        compared: the same parts by both.
        reference: what was compared with what.
        engine: its name.
        flip_limit: share of the parts whose verdict may flip.

    Raises:
        ExportError: If more verdicts flip, or maps or scores of an engine in float32 differ by more than
            rounding explains.
    """
    parity = parity_of(compared, engine, reference)
    if parity.flip_share > flip_limit:
        flips = [each for each in compared if each.flipped]
        first = flips[0]
        raise ExportError(
            f"{engine}: {len(flips)} of {len(compared)} parts get another verdict than from the trained "
            f"network ({flip_limit:.2%} may), the first is {first.sample.images[0]}: "
            f"{first.trained.outcome.value} became {first.exported.outcome.value}"
        )
    limit = MAX_DIFFERENCE.get(engine_named(engine).precision, 1.0)
    for name, difference in (("maps", parity.max_map_difference), ("scores", parity.max_score_difference)):
        if difference > limit:
            raise ExportError(
                f"{engine}: the exported model's {name} differ by {difference:.2g}, at most "
                f"{limit:g} is rounding"
            )
    return parity
