"""Where a defect lies on a large frame does not matter: tiles on the line are the tiles of the training."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch

from taktsight.cli import main
from taktsight.imaging import prepare, read_outputs
from taktsight.records import Image
from taktsight.training.run_folder import TrainedRun, open_run

from .spots import SEGMENTER, make_parts

WIDE_PX = 320
TOLERANCE = 0.02
"""Of a score: a limit is not written finer than that."""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> TrainedRun:
    folder = tmp_path_factory.mktemp("seams")
    make_parts(folder / "parts", 90, masks=True)
    text = SEGMENTER.format(root=folder / "parts", batch=8, epochs=30)
    (folder / "training.yaml").write_text(text)
    assert main(["train", str(folder / "training.yaml"), "--run", str(folder / "run")]) == 0
    return open_run(folder / "run")


def frame(spot_at: int | None) -> Image:
    """Five tiles wide, the same noise every time, with a bright spot or without one."""
    image = np.random.default_rng(7).normal(110, 8, (64, WIDE_PX))
    if spot_at is not None:
        mask = np.zeros((64, WIDE_PX), np.uint8)
        cv2.circle(mask, (spot_at, 32), 7, (255,), -1)
        image[mask > 0] += 90
    return image.clip(0, 255).astype(np.uint8)[:, :, np.newaxis]


def score(run: TrainedRun, image: Image) -> float:
    batch, layout = prepare(image, None, run.data.canvas)
    assert len(layout.starts) > 5
    with torch.inference_mode():
        maps, scores = (output.numpy() for output in run.module(torch.from_numpy(batch)))
    labels = run.module.labels
    edges = [0.5] * len(labels)
    prediction = read_outputs(maps, scores, labels, edges, layout, mm_per_px=1.0, view="camera")
    return prediction.score_of("spot")


def test_defect_scores_the_same_wherever_it_lies_on_a_tile_or_across_a_seam(run: TrainedRun) -> None:
    scores = [score(run, frame(x)) for x in range(8, WIDE_PX - 7, 5)]
    assert min(scores) > 0.9
    assert max(scores) - min(scores) <= TOLERANCE
    assert score(run, frame(None)) < 0.5
