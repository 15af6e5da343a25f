"""What a trained network says of labelled parts, prepared and read exactly as on the line."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from taktsight.datasets.masks import FULL, read_mask
from taktsight.datasets.samples import Sample, Split
from taktsight.image_files import read_image
from taktsight.imaging import Layout, map_stride, prepare, read_outputs
from taktsight.records import Image, Maps, Prediction
from taktsight.training.evaluation.judged import JudgedPart, OpenedPart, TrueDefect
from taktsight.training.evaluation.sizes import true_defects
from taktsight.training.run_folder import TrainedRun

MAP_SCORES = tuple(round(step / 10, 1) for step in range(1, 10))
"""Map values that are tried as the edge of a region."""


def predict(
    run: TrainedRun, image: Image, map_scores: Sequence[float] | None = None
) -> tuple[Prediction, Layout, int]:
    """One view's prediction by the trained network in float32, its layout and its map's stride."""
    canvas = run.data.canvas
    batch, layout = prepare(image, None, canvas)
    with torch.inference_mode():
        maps, scores = (output.numpy() for output in run.module(torch.from_numpy(batch)))
    labels = run.module.labels
    prediction = read_outputs(
        maps,
        scores,
        labels,
        map_scores or [0.5] * len(labels),
        layout,
        mm_per_px=run.data.mm_per_px or 1.0,
        view="camera",
    )
    stride = 1 if maps.shape[2:] == (1, 1) else map_stride(canvas, maps.shape[2], maps.shape[3])
    return prediction, layout, stride


@dataclass(frozen=True, slots=True)
class Seen:
    """A judged part before anyone has said from which map value on a pixel counts as defective."""

    part: JudgedPart
    """Without its pixel F1."""
    pixel_f1s: NDArray[np.float64] | None
    """(T,) F1 of the defective pixels at each of MAP_SCORES; None for good parts and unknown pixels."""

    def at(self, map_score: float) -> JudgedPart:
        """The part with its pixel F1 at one of ``MAP_SCORES``."""
        if self.pixel_f1s is None:
            return self.part
        return replace(self.part, pixel_f1=float(self.pixel_f1s[MAP_SCORES.index(map_score)]))


def judge_split(run: TrainedRun, split: Split) -> Iterator[Seen]:
    """Every sample of a split with its scores."""
    for sample in run.data.split(split):
        image = read_image(sample.images[0], run.data.canvas.channels)
        prediction, _, stride = predict(run, image)
        map_px = stride * run.data.canvas.factor
        part = JudgedPart(
            name=part_name(run, sample.images[0]),
            label=sample.label,
            scores=prediction.scores,
            split=split,
            part=sample.part,
            lot=sample.lot,
            image_paths=sample.images,
            defects=prediction.defects,
            true_defects=_true_defects(sample, image, prediction.maps, map_px),
        )
        yield Seen(part, _pixel_f1s(sample, image, prediction.maps, map_px))


def choose_map_score(seen: Sequence[Seen]) -> float:
    """The map value that gives the highest mean pixel F1 over these parts' defect images.

    0.5 for a classifier and where no defect image has known pixels.
    """
    figures = [each.pixel_f1s for each in seen if each.pixel_f1s is not None]
    return MAP_SCORES[int(np.argmax(np.mean(figures, axis=0)))] if figures else 0.5


def open_sample(run: TrainedRun, sample: Sample) -> OpenedPart:
    """The pictures of one part for a report."""
    image = read_image(sample.images[0], run.data.canvas.channels)
    prediction, layout, stride = predict(run, image)
    return OpenedPart(
        image, prediction.maps, read_mask(sample, image.shape[:2]), stride * layout.canvas.factor
    )


def part_name(run: TrainedRun, image: Path) -> str:
    """The image's path below the data set's root."""
    return os.path.relpath(image, run.data.root)


def _true_defects(sample: Sample, image: Image, maps: Maps, map_px: int) -> tuple[TrueDefect, ...] | None:
    size = image.shape[:2]
    if maps.shape[1:] == (1, 1) or read_mask(sample, size) is None:
        return None
    every: list[TrueDefect] = []
    for label in sample.labels:
        mask = read_mask(sample, size, label=label)
        if mask is not None:
            every += true_defects(mask == FULL, label, maps, map_px)
    return tuple(every)


def _pixel_f1s(sample: Sample, image: Image, maps: Maps, map_px: int) -> NDArray[np.float64] | None:
    mask = read_mask(sample, image.shape[:2]) if sample.is_defective else None
    if mask is None or maps.shape[1:] == (1, 1):
        return None
    truth = mask == FULL
    likeliest = (
        maps.max(axis=0).repeat(map_px, axis=0).repeat(map_px, axis=1)[: image.shape[0], : image.shape[1]]
    )
    found = [likeliest >= map_score for map_score in MAP_SCORES]
    hits = np.array([np.sum(each & truth) for each in found])
    return np.asarray(2 * hits / (np.array([np.sum(each) for each in found]) + np.sum(truth)))
