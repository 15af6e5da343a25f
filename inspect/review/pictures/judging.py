"""The process that judges frames again for the review: one, on one thread, only where nobody wants the
core.

It answers one question after the other and holds two bundles at most. What it says moves no gate: it is
drawn over a picture, with what differs from what the ledger has.
"""

from __future__ import annotations

import signal
from collections import OrderedDict
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import cv2
import numpy as np

from taktsight.bundle import Bundle, read_bundle
from taktsight.errors import BackendError, BundleError, TaktsightError
from taktsight.imaging import Layout, map_stride, prepare, read_outputs
from taktsight.inspect.backends.ort import OnnxRuntimeBackend
from taktsight.inspect.inspector import GOLDEN_TOLERANCE
from taktsight.inspect.realtime import die_with_line, yield_to_everyone
from taktsight.inspect.review.pictures.bundles import Judging, judging_of
from taktsight.inspect.review.pictures.overlays import Overlay, contours_of, map_box, map_png
from taktsight.inspect.review.pictures.picture_files import read_picture
from taktsight.records import Image, Prediction

HELD = 2
"""Bundles whose engine is kept open."""


@dataclass(frozen=True, slots=True)
class JudgeFrame:
    """A frame, and by what it was judged."""

    bundle_path: Path
    bundle: str
    """Digest."""
    recipe: str
    """Digest; "" of a golden sample."""
    recipe_files: tuple[Path, ...]
    view: str
    records: Path
    file: str
    """Relative to the records; the entry's name of a golden sample."""
    sha256: str
    """Of the pixels that were judged; "" where nobody knows."""
    scores: tuple[tuple[str, float], ...] = ()
    """As recorded."""
    is_golden: bool = False


@dataclass(frozen=True, slots=True)
class _Opened:
    bundle: Bundle
    backend: OnnxRuntimeBackend


class Judge:
    """Judges in this process."""

    def __init__(self) -> None:
        self._opened: OrderedDict[str, _Opened] = OrderedDict()

    def judge(self, asked: JudgeFrame) -> Overlay:
        """What is drawn over a frame; where it cannot be judged, why."""
        try:
            return self._judge(asked)
        except (TaktsightError, ValueError) as error:
            return Overlay(is_ready=False, why=f"it cannot be judged again: {error}")

    def _judge(self, asked: JudgeFrame) -> Overlay:
        opened = self._open(asked.bundle_path, asked.bundle)
        image, references = self._frame(asked, opened.bundle)
        judging = judging_of(opened.bundle, asked.recipe_files, asked.recipe, asked.view)
        prediction, layout, cell_px = _predict(opened, judging, asked.view, image, references)
        limits = {limit.label: limit.map_score for limit in judging.recipe.limits}
        scale = next(view.mm_per_px for view in judging.recipe.views if view.camera == asked.view)
        scores = dict(zip(prediction.labels, map(float, prediction.scores), strict=True))
        located = opened.bundle.card.located
        return Overlay(
            is_ready=True,
            why=" ".join(_remarks(asked, judging, scores)),
            labels=prediction.labels,
            scores=scores,
            maps={
                label: map_png(score_map)
                for label, score_map in zip(prediction.labels, prediction.maps, strict=True)
                if located
            },
            map_box_px=map_box(prediction.maps[0], cell_px, layout.roi_px),
            contours=contours_of(
                prediction.maps,
                prediction.labels,
                [limits[label] for label in prediction.labels],
                layout,
                cell_px=cell_px,
                mm_per_px=scale,
            )
            if located
            else (),
        )

    def _open(self, path: Path, digest: str) -> _Opened:
        if digest not in self._opened:
            bundle = read_bundle(path)
            if bundle.digest != digest:
                raise BundleError(f"{path.name} is not the bundle that it was when the bench was started")
            self._opened[digest] = _Opened(bundle, OnnxRuntimeBackend(bundle.model, threads=1))
            if len(self._opened) > HELD:
                self._opened.popitem(last=False)
        self._opened.move_to_end(digest)
        return self._opened[digest]

    def _frame(self, asked: JudgeFrame, bundle: Bundle) -> tuple[Image, Image | None]:
        """The pixels, and the golden template that a golden sample is compared with."""
        if not asked.is_golden:
            picture = read_picture(asked.records, asked.file)
            if asked.sha256 and picture.sha256 != asked.sha256:
                raise ValueError("the file is not the frame that was judged")
            return picture.image, None
        sample = next(each for each in bundle.card.golden if asked.file in each.frames)
        place = sample.frames.index(asked.file)
        template = bundle.golden[sample.references[place]] if sample.references else None
        return bundle.golden[asked.file], template


def _predict(
    opened: _Opened, judging: Judging, view_name: str, image: Image, template: Image | None
) -> tuple[Prediction, Layout, int]:
    """The prediction of one view, its layout, and frame pixels per map pixel."""
    card = opened.bundle.card
    view = next((each for each in judging.recipe.views if each.camera == view_name), None)
    if view is None:
        raise ValueError(f"the recipe has no view {view_name}")
    reference = template if template is not None else judging.references.get(view_name)
    if card.canvas.paired and reference is None:
        raise ValueError(
            "the bundle compares with a golden template, and the recipe that names it is not at hand"
        )
    batch, layout = prepare(image, view.roi_px, card.canvas, reference)
    maps, scores = opened.backend.infer(batch)
    if maps.shape[:2] != (len(batch), len(card.labels)):
        raise BackendError(f"the network gave maps {maps.shape} for {len(batch)} tiles")
    limits = {limit.label: limit.map_score for limit in judging.recipe.limits}
    prediction = read_outputs(
        maps,
        scores,
        card.labels,
        [limits[label] for label in card.labels],
        layout,
        mm_per_px=view.mm_per_px,
        view=view_name,
    )
    stride = map_stride(card.canvas, maps.shape[2], maps.shape[3]) if card.located else 1
    return prediction, layout, stride * card.canvas.factor


def _remarks(asked: JudgeFrame, judging: Judging, scores: dict[str, float]) -> list[str]:
    """What a reader must know of it."""
    remarks = []
    if not judging.is_the_one and not asked.is_golden:
        remarks.append(
            "The recipe that judged it is not at hand: the bundle's own limits are drawn, on whole frames."
        )
    recorded = dict(asked.scores)
    apart = [
        label for label in recorded if abs(recorded[label] - scores.get(label, np.inf)) > GOLDEN_TOLERANCE
    ]
    if apart and judging.is_the_one:
        said = ", ".join(
            f"{label} {scores.get(label, np.nan):.3f} (recorded {recorded[label]:.3f})" for label in apart
        )
        remarks.append(f"Judged again it scores otherwise: {said}.")
    return remarks


def serve(connection: Connection, parent: int) -> None:
    """Runs as a process of the bench until the other end is closed."""
    yield_to_everyone()
    cv2.setNumThreads(1)
    die_with_line(parent)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # by which a bench that ends unclosed ends it
    judge = Judge()
    while True:
        try:
            asked = connection.recv()
            connection.send(judge.judge(asked))
        except (EOFError, BrokenPipeError, ConnectionResetError):
            return
