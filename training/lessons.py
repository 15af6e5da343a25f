"""What a run tells whoever trains the next one: curves, likes of the worst parts, doubtful labels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from taktsight.datasets.masks import UNKNOWN, prepare_masks, read_mask
from taktsight.datasets.samples import Sample
from taktsight.datasets.view_files import read_view
from taktsight.image_files import read_image
from taktsight.imaging import prepare
from taktsight.training.evaluation.judged import JudgedPart
from taktsight.training.evaluation.label_noise import Labelled, rank
from taktsight.training.evaluation.learning_curves import read_learning
from taktsight.training.evaluation.lessons import Lessons, picture_of
from taktsight.training.evaluation.nearest import Features, Neighbour, nearest_parts
from taktsight.training.evaluation.pictures import THUMB_PX
from taktsight.training.predict import part_name
from taktsight.training.run_folder import TrainedRun

BATCH = 16


@dataclass(frozen=True, slots=True)
class _TrainingParts:
    """The training split as the trained network sees it."""

    samples: tuple[Sample, ...]
    features: Features
    """(T, F) one row per tile."""
    scores: NDArray[np.float32]
    """(T, K) likewise."""
    owners: NDArray[np.int32]
    """(T,) index of the sample."""


def learn_lessons(run: TrainedRun, val: Sequence[JudgedPart]) -> Lessons:
    """Everything for the report's sections about the training.

    Args:
        run: a finished training.
        val: its val parts as they were judged.
    """
    seen = _look_at_training(run)
    named = {part_name(run, sample.images[0]): sample for sample in run.data.samples}
    train = [
        Labelled(part_name(run, sample.images[0]), sample.label, "train", scores)
        for sample, scores in zip(seen.samples, _part_scores(seen), strict=True)
    ]
    labelled = [*train, *(Labelled(part.name, part.label, "val", part.scores) for part in val)]

    def find_nearest(name: str) -> tuple[Neighbour, ...]:
        query = _features_of(run, named[name])
        pieces = [sample.part for sample in seen.samples]
        found = nearest_parts(query, seen.features, seen.owners.tolist(), pieces)
        return tuple(_neighbour(run, seen.samples[owner], distance) for owner, distance in found)

    def show(name: str) -> str:
        return _picture(run, named[name])

    return Lessons(
        learning=read_learning(run.folder, _kept_epoch(run)),
        suspects=rank(labelled, run.module.labels, run.task),
        find_nearest=find_nearest,
        show=show,
    )


def _look_at_training(run: TrainedRun) -> _TrainingParts:
    cache = run.data.cache("train")
    looked = [_look(run, batch) for batch in _batches(cache.images)]
    features, scores = (np.concatenate(each) for each in zip(*looked, strict=True))
    return _TrainingParts(tuple(run.data.split("train")), features, scores, cache.owners)


def _batches(tiles: NDArray[np.uint8]) -> Iterator[NDArray[np.uint8]]:
    for start in range(0, len(tiles), BATCH):
        yield np.array(tiles[start : start + BATCH])  # a copy: torch does not take a read-only map


def _look(run: TrainedRun, tiles: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    with torch.inference_mode():
        features, scores = run.module.network.look(torch.from_numpy(tiles))
    return features.numpy(), scores.numpy()


def _part_scores(seen: _TrainingParts) -> NDArray[np.float32]:
    """(N, K): the highest of each part's tiles, as on the line."""
    scores = np.zeros((len(seen.samples), seen.scores.shape[1]), np.float32)
    np.maximum.at(scores, seen.owners, seen.scores)
    return scores.clip(0, 1)


def _features_of(run: TrainedRun, sample: Sample) -> NDArray[np.float32]:
    """(F,) of the tile that counts: the one with most of the defect, else with the highest score."""
    views = [_tiles_of(run, view) for view in sample.each_view()]
    tiles, masks = (np.concatenate(each) for each in zip(*views, strict=True))
    features, scores = _look(run, tiles)
    defective = np.where(masks == UNKNOWN, 0, masks).sum(axis=(1, 2), dtype=np.int64)
    counts = defective if defective.any() else scores.max(axis=1)
    return np.asarray(features[int(counts.argmax())])


def _tiles_of(run: TrainedRun, view: Sample) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Input (T, H, W, C) and masks (T, H, W) of one view."""
    canvas = run.data.canvas
    image, reference = read_view(view, canvas)
    masks, _ = prepare_masks(view, image.shape[:2], canvas, run.module.labels)
    return prepare(image, None, canvas, reference)[0], masks


def _neighbour(run: TrainedRun, sample: Sample, distance: float) -> Neighbour:
    name = part_name(run, sample.images[0])
    return Neighbour(name, sample.label, distance, _picture(run, sample))


def _picture(run: TrainedRun, sample: Sample) -> str:
    """Of several views the first that shows a defect."""
    views = sample.each_view()
    view = next((each for each in views if each.is_defective), views[0])
    image = read_image(view.images[0], run.data.canvas.channels)
    return picture_of(image, read_mask(view, image.shape[:2]), THUMB_PX)


def _kept_epoch(run: TrainedRun) -> int:
    """Counted from 1."""
    checkpoint = torch.load(run.folder / "best.ckpt", map_location="cpu", weights_only=True)
    return int(checkpoint["epoch"]) + 1
