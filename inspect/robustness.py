"""Images judged as they are and perturbed, on the path that the line takes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from taktsight.errors import BackendError, DataError
from taktsight.health_bands import Health
from taktsight.image_files import read_image
from taktsight.image_health import Reference, make_reference, measure
from taktsight.inspect.health_learning import FEW_FRAMES, learn_from_values
from taktsight.inspect.inspector import Inspector
from taktsight.inspect.perturbations import Perturbation, perturb
from taktsight.quality.robustness import Judged
from taktsight.recipe import View
from taktsight.records import Frame, Image, Outcome, Part

NO_HEALTH = Health()


@dataclass(frozen=True, slots=True)
class Bands:
    """What the frames of the view must be like, and where that is from."""

    health: Health
    reference: Reference | None
    said: str


def own_bands(view: View, reference: Reference | None) -> Bands | None:
    """The bands of a recipe's view; None where it has none."""
    if view.health is None or not view.health.bands:
        return None
    return Bands(view.health, reference, "the recipe's bands")


def learned_bands(inspector: Inspector, images: Sequence[Path], view: View, channels: int) -> Bands:
    """Bands from those of the images that pass as they are, with the first of them as the reference.

    They are the same images that are perturbed then, so without a perturbation none is out of band.

    Raises:
        DataError: If too few pass.
    """
    reference, values = None, []
    for number, file in enumerate(images):
        image = read_image(file, channels)
        if _judge(inspector, view, image, number) is not Outcome.PASS:
            continue
        if reference is None:
            try:
                reference = make_reference(image, view.roi_px)
            except ValueError as error:
                raise DataError(f"{file}: {error}") from error
        fits = reference.size_px == image.shape[:2]
        held = measure(image, view.roi_px, mm_per_px=view.mm_per_px, reference=reference if fits else None)
        values.append(held)
        if len(values) == 4 * FEW_FRAMES:
            break
    bands = learn_from_values(values, mm_per_px=view.mm_per_px).bands
    named = {"reference": images[0]} if {"shift_mm", "likeness"} & set(bands) else {}
    health = Health.model_validate(bands | named)
    return Bands(
        health, reference, f"bands learned from {len(values)} of these images, that pass as they are"
    )


def judge_all(
    inspector: Inspector,
    images: Sequence[Path],
    perturbations: Sequence[Perturbation],
    *,
    view: View,
    channels: int,
    bands: Bands,
    is_defective: Mapping[Path, bool],
    gamma: float,
    seed: int,
    progress: Callable[[], None],
) -> dict[Perturbation, list[Judged]]:
    """Each image under each perturbation.

    Args:
        inspector: of the bundle and recipe.
        images: of one view.
        perturbations: what is tried.
        view: the recipe's only one.
        channels: 1 or 3, as the bundle wants frames.
        bands: what image health asks for.
        is_defective: of those images of which it is known.
        gamma: of the camera.
        seed: of the noise.
        progress: called after each image.

    Raises:
        DataError: If an image cannot be read, or does not fit the view.
    """
    found: dict[Perturbation, list[Judged]] = {each: [] for each in perturbations}
    for number, file in enumerate(images):
        image = read_image(file, channels)
        try:
            before = _judge(inspector, view, image, number)
            for each in perturbations:
                rng = np.random.default_rng((seed, number, *each.seed))
                changed = perturb(image, each, rng, gamma=gamma)
                after = _judge(inspector, view, changed, number)
                stopped = _is_stopped(changed, view, bands)
                found[each].append(Judged(before, after, stopped, is_defective.get(file)))
        except ValueError as error:
            raise DataError(f"{file}: {error}") from error
        progress()
    return found


def _judge(inspector: Inspector, view: View, image: Image, number: int) -> Outcome:
    """The verdict; a broken answer of the engine is UNINSPECTED, as on the line."""
    try:
        part = Part(number, (Frame(image, number, 0, view.camera),))
        return inspector.inspect(part).verdict.outcome
    except BackendError:
        return Outcome.UNINSPECTED


def _is_stopped(image: Image, view: View, bands: Bands) -> bool:
    """Whether a band is left, and the recipe makes the part UNINSPECTED for it."""
    if not bands.health.bands or bands.health.when_out == "alarm":
        return False
    fits = bands.reference is not None and bands.reference.size_px == image.shape[:2]
    reference = bands.reference if fits else None
    values = measure(image, view.roi_px, mm_per_px=view.mm_per_px, reference=reference)
    return bool(bands.health.faults(values))
