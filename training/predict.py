"""What a trained network says of labelled parts, prepared and read exactly as on the line."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from taktsight.datasets.cache import FULL, read_mask
from taktsight.datasets.samples import Sample, Split
from taktsight.image_files import read_image
from taktsight.imaging import Layout, map_stride, prepare, read_outputs
from taktsight.records import Image, Maps, Prediction
from taktsight.training.evaluation.judged import JudgedPart, OpenedPart
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


def judge_split(run: TrainedRun, split: Split, map_score: float | None = None) -> Iterator[JudgedPart]:
    """Every sample of a split with its scores.

    Args:
        run: the trained network and its data.
        split: which samples.
        map_score: map value from which a pixel counts as defective; None leaves pixel F1 out.
    """
    for sample in run.data.split(split):
        image = read_image(sample.images[0], run.data.canvas.channels)
        prediction, _, stride = predict(run, image)
        overlap = None
        if map_score is not None:
            counts = _pixel_counts(
                sample, image, prediction.maps, stride * run.data.canvas.factor, (map_score,)
            )
            overlap = None if counts is None else float(_f1(counts)[0])
        yield JudgedPart(
            name=part_name(run, sample.images[0]),
            label=sample.label,
            scores=prediction.scores,
            split=split,
            part=sample.part,
            lot=sample.lot,
            image_paths=sample.images,
            defects=prediction.defects,
            pixel_f1=overlap,
        )


def choose_map_score(run: TrainedRun, split: Split = "val") -> float:
    """The map value that gives the highest mean pixel F1 over the defect images of ``split``.

    0.5 for a classifier and where no defect image has known pixels.
    """
    if run.task == "classification":
        return 0.5
    figures = []
    for sample in run.data.split(split):
        if not sample.is_defective:
            continue
        image = read_image(sample.images[0], run.data.canvas.channels)
        prediction, _, stride = predict(run, image)
        counts = _pixel_counts(sample, image, prediction.maps, stride * run.data.canvas.factor, MAP_SCORES)
        if counts is not None:
            figures.append(_f1(counts))
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


def _pixel_counts(
    sample: Sample, image: Image, maps: Maps, map_px: int, map_scores: tuple[float, ...]
) -> NDArray[np.float64] | None:
    """(T, 3) pixels hit, found and true at each threshold; None for good parts and unknown pixels."""
    mask = read_mask(sample, image.shape[:2]) if sample.is_defective and sample.masks else None
    if mask is None or maps.shape[1:] == (1, 1):
        return None
    truth = mask == FULL
    likeliest = (
        maps.max(axis=0).repeat(map_px, axis=0).repeat(map_px, axis=1)[: image.shape[0], : image.shape[1]]
    )
    found = [likeliest >= map_score for map_score in map_scores]
    return np.array([[np.sum(each & truth), np.sum(each), np.sum(truth)] for each in found], np.float64)


def _f1(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(2 * counts[:, 0] / (counts[:, 1] + counts[:, 2]), dtype=np.float64)
