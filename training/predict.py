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
from taktsight.datasets.regions import box_of
from taktsight.datasets.samples import Sample, Split
from taktsight.datasets.view_files import read_view
from taktsight.imaging import Layout, locate, map_stride, prepare, read_outputs
from taktsight.records import Defect, Image, Prediction, Scores
from taktsight.training.evaluation.found_regions import count_regions, total
from taktsight.training.evaluation.judged import DrawnBox, JudgedPart, OpenedPart, TrueDefect
from taktsight.training.evaluation.sizes import true_defects
from taktsight.training.run_folder import TrainedRun

MAP_SCORES = tuple(round(step / 10, 1) for step in range(1, 10))
"""Map values that are tried as the edge of a region."""
Counts = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Look:
    """One view of a part, and what the trained network says of it."""

    sample: Sample
    """Of this view alone."""
    image: Image
    reference: Image | None
    """The golden template it was compared with."""
    prediction: Prediction
    layout: Layout
    stride: int
    """Canvas pixels per map pixel."""

    @property
    def map_px(self) -> int:
        """Frame pixels per map pixel."""
        return self.stride * self.layout.canvas.factor

    @property
    def is_located(self) -> bool:
        """Whether the maps have pixels."""
        return self.prediction.maps.shape[1:] != (1, 1)


def look_at(run: TrainedRun, sample: Sample, map_scores: Sequence[float] | None = None) -> tuple[Look, ...]:
    """Every view of a part through the trained network in float32.

    Args:
        run: a finished training.
        sample: the part.
        map_scores: K map values from which a pixel belongs to a region; 0.5 where left out.
    """
    edges = map_scores or [0.5] * len(run.module.labels)
    views = zip(run.data.views, sample.each_view(), strict=True)
    return tuple(_look(run, view, name, edges) for name, view in views)


def _look(run: TrainedRun, sample: Sample, view: str, map_scores: Sequence[float]) -> Look:
    canvas = run.data.canvas
    image, reference = read_view(sample, canvas)
    batch, layout = prepare(image, None, canvas, reference)
    with torch.inference_mode():
        maps, scores = (output.numpy() for output in run.module(torch.from_numpy(batch)))
    scale = run.data.mm_per_px or 1.0
    prediction = read_outputs(
        maps, scores, run.module.labels, map_scores, layout, mm_per_px=scale, view=view
    )
    stride = 1 if maps.shape[2:] == (1, 1) else map_stride(canvas, maps.shape[2], maps.shape[3])
    return Look(sample, image, reference, prediction, layout, stride)


@dataclass(frozen=True, slots=True)
class SweptPart:
    """A part judged at each of MAP_SCORES: nobody has said yet from which a pixel counts as defective."""

    part: JudgedPart
    """Without its pixel F1 and its regions."""
    pixel_f1s: NDArray[np.float64] | None
    """(T,) F1 of the defective pixels at each of MAP_SCORES; None for good parts and unknown pixels."""
    defects: tuple[tuple[Defect, ...], ...]
    """The regions found at each of MAP_SCORES."""

    def at(self, map_score: float) -> JudgedPart:
        """The part with its regions and pixel F1 at one of ``MAP_SCORES``."""
        step = MAP_SCORES.index(map_score)
        pixel_f1 = None if self.pixel_f1s is None else float(self.pixel_f1s[step])
        return replace(self.part, pixel_f1=pixel_f1, defects=self.defects[step])


def judge_split(run: TrainedRun, split: Split) -> Iterator[SweptPart]:
    """Every sample of a split with its scores; of several views the highest counts, as on the line."""
    for sample in run.data.split(split):
        name = part_name(run, sample.images[0])
        yield judge_part(look_at(run, sample), sample, split, name, run.data.mm_per_px)


def judge_part(
    looks: Sequence[Look], sample: Sample, split: Split, name: str, mm_per_px: float | None
) -> SweptPart:
    """What was seen of a part beside what is true of it.

    Args:
        looks: one per view.
        sample: the part.
        split: it counts as one of.
        name: unique within the split.
        mm_per_px: scale of the frames; None where nobody knows.
    """
    part = JudgedPart(
        name=name,
        label=sample.label,
        scores=part_scores([look.prediction for look in looks]),
        split=split,
        part=sample.part,
        lot=sample.lot,
        time=sample.time,
        image_paths=sample.images,
        true_defects=_true_defects(looks),
        drawn=_drawn(looks),
        view_scores=tuple((look.prediction.view, look.prediction.scores) for look in looks)
        if len(looks) > 1
        else (),
    )
    defects = tuple(_defects(looks, mm_per_px or 1.0, map_score) for map_score in MAP_SCORES)
    return SweptPart(part, _pixel_f1s(looks) if sample.is_defective else None, defects)


def part_scores(predictions: Sequence[Prediction]) -> Scores:
    """(K,) float32: the highest of each label over the views."""
    highest: Scores = np.max([prediction.scores for prediction in predictions], axis=0)
    return highest


def choose_map_score(seen: Sequence[SweptPart]) -> float:
    """The map value that gives the highest mean pixel F1 over these parts' defect images.

    Where defects were drawn one by one, finding each of them counts as much: the pixels of a box hardly
    say whether two defects lie in one region. 0.5 for a classifier and where no defect image has known
    pixels.
    """
    figures = [each.pixel_f1s for each in seen if each.pixel_f1s is not None]
    if not figures:
        return 0.5
    drawn = [each for each in seen if each.part.drawn is not None]
    regions = [_region_f1([each.at(map_score) for each in drawn]) for map_score in MAP_SCORES]
    return MAP_SCORES[int(np.argmax(np.mean(figures, axis=0) + regions))]


def _region_f1(parts: Sequence[JudgedPart]) -> float:
    """0 where nothing was drawn."""
    counts = total([count_regions(part.defects, part.drawn or ()) for part in parts])
    return 2 * counts.named / max(1, counts.found + counts.drawn) if counts.drawn else 0.0


def open_sample(run: TrainedRun, sample: Sample) -> OpenedPart:
    """The pictures of one part for a report: of several views the one that decided."""
    return open_looks(look_at(run, sample))


def open_looks(looks: Sequence[Look]) -> OpenedPart:
    """The same of a part that was looked at."""
    look = max(looks, key=lambda each: each.prediction.scores.max())
    return OpenedPart(
        look.image,
        look.prediction.maps,
        read_mask(look.sample, look.image.shape[:2]),
        look.map_px,
        view=look.prediction.view if len(looks) > 1 else "",
        reference=look.reference,
    )


def part_name(run: TrainedRun, image: Path) -> str:
    """The image's path below the data set's root."""
    return os.path.relpath(image, run.data.root)


def _defects(looks: Sequence[Look], mm_per_px: float, map_score: float) -> tuple[Defect, ...]:
    return tuple(
        defect
        for look in looks
        if look.is_located
        for defect in locate(
            look.prediction.maps,
            look.prediction.labels,
            [map_score] * len(look.prediction.labels),
            look.layout,
            stride=look.stride,
            mm_per_px=mm_per_px,
            view=look.prediction.view,
        )
    )


def _drawn(looks: Sequence[Look]) -> tuple[DrawnBox, ...] | None:
    """None where a view shows defects that nobody drew one by one."""
    every: list[DrawnBox] = []
    for look in looks:
        drawn = look.sample.regions[0] if look.sample.regions else None
        if not look.is_located or (look.sample.is_defective and not drawn):
            return None
        every += [DrawnBox(each.label, box_of(each.shape), look.prediction.view) for each in drawn or ()]
    return tuple(every)


def _true_defects(looks: Sequence[Look]) -> tuple[TrueDefect, ...] | None:
    every: list[TrueDefect] = []
    for look in looks:
        size = look.image.shape[:2]
        if not look.is_located or read_mask(look.sample, size) is None:
            return None
        for label in look.sample.labels:
            mask = read_mask(look.sample, size, label=label)
            if mask is not None:
                every += true_defects(mask == FULL, label, look.prediction.maps, look.map_px)
    return tuple(every)


def _pixel_f1s(looks: Sequence[Look]) -> NDArray[np.float64] | None:
    """Over the pixels of all views; None where those of a view are not known."""
    counts = [_pixel_counts(look) for look in looks]
    known = [each for each in counts if each is not None]
    if len(known) < len(counts):
        return None
    hits, both = np.sum(known, axis=0)
    return np.asarray(2 * hits / both)


def _pixel_counts(look: Look) -> Counts | None:
    """(2, T) at each of MAP_SCORES: pixels found rightly, and pixels found plus pixels defective."""
    height, width = size = look.image.shape[:2]
    mask = read_mask(look.sample, size)
    if mask is None or not look.is_located:
        return None
    truth = mask == FULL
    likeliest = look.prediction.maps.max(axis=0).repeat(look.map_px, axis=0).repeat(look.map_px, axis=1)
    found = [likeliest[:height, :width] >= map_score for map_score in MAP_SCORES]
    hits = [np.sum(each & truth) for each in found]
    return np.array([hits, [np.sum(each) + np.sum(truth) for each in found]])
