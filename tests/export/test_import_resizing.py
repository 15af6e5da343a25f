"""Parts that do not have the size of the network: resized in its graph, halved, or cut into tiles."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pictures

from taktsight.bundle import read_bundle
from taktsight.cli import main
from taktsight.export.foreign.wrap import shrunk

from .foreign_models import (
    classifier,
    export,
    importing,
    segmenter,
)

Said = pytest.CaptureFixture[str]


def test_resize_in_the_graph_is_that_of_pillow_and_is_said_to_be_lossy(
    shop: Path, tmp_path: Path, capsys: Said
) -> None:
    """The reference resizes with Pillow, the graph with two products of matrices."""
    model = export(classifier(), tmp_path / "resnet.onnx", size_is_free=True)
    more = ["--resize", "96x72", "--canvas", "128x128", "--axes", "nchw"]
    assert importing(shop, "classification", tmp_path / "part.taktsight", *more, model=model) == 0
    parity = read_bundle(tmp_path / "part.taktsight").card.parity[0]
    assert 0 < parity.max_score_difference < 1e-4
    capsys.readouterr()
    assert main(["verify", str(tmp_path / "part.taktsight")]) == 0
    assert "resized to 96×72 (lossy)" in capsys.readouterr().out


def test_parts_larger_than_the_network_are_halved_and_cut_into_tiles(
    shop: Path, tmp_path: Path, capsys: Said
) -> None:
    model = export(segmenter(), tmp_path / "free.onnx", size_is_free=True)
    more = ["--canvas", "64x64", "--overlap", "32"]
    assert importing(shop, "segmentation", tmp_path / "part.taktsight", *more, model=model) == 0
    assert "tiles: parts are cut into up to 9" in capsys.readouterr().out
    more = ["--canvas", "64x64", "--factor", "2", "--overlap", "32"]
    assert importing(shop, "segmentation", tmp_path / "half.taktsight", *more, model=model) == 0
    assert read_bundle(tmp_path / "half.taktsight").card.canvas.factor == 2


@pytest.mark.parametrize(
    ("length", "wanted"), [(128, 96), (128, 128), (100, 33), (97, 96), (64, 160), (512, 224), (5, 1)]
)
def test_one_axis_is_resized_as_pillow_does_it(length: int, wanted: int) -> None:
    row = np.random.default_rng(length).normal(0, 1, (1, length)).astype(np.float32)
    pillow = Pictures.fromarray(row).resize((wanted, 1), Pictures.Resampling.BILINEAR)
    assert np.abs(row @ shrunk(length, wanted).T - np.asarray(pillow)).max() < 1e-5  # float32 sums


def test_one_defect_of_two_pixels_may_be_lost_by_resizing() -> None:
    """Why it is lossy: at a quarter of the size a pit of 2×2 pixels keeps a fifth of its height."""
    pit = np.zeros((128, 128), np.float32)
    pit[65:67, 65:67] = 1
    small = shrunk(128, 32) @ pit @ shrunk(128, 32).T
    assert small.max() < 0.2
