"""The leak probe: memory is flagged, an honest split passes, an easy product is not called a leak."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from random import Random

import numpy as np
import pytest

from taktsight.datasets.checks.look import look_at
from taktsight.datasets.leak import LEAKS_FROM, Leak, probe
from taktsight.datasets.readers import apply_index, read_samples
from taktsight.datasets.samples import Sample, Split
from taktsight.errors import DataError
from taktsight.image_files import encode_png

SOURCES = Path(__file__).parents[3] / "shared" / "data"
SPLITS: tuple[Split, ...] = ("train", "train", "train", "test")


def photographs(folder: Path, *, tells: bool) -> list[Sample]:
    """Forty pieces, six photographs each. Labels are drawn by lot unless a piece's looks tell them."""
    rng = np.random.default_rng(0)
    samples = []
    for piece in range(40):
        label = "pit" if piece % 2 else "good"
        surface = rng.normal(0, 30, (32, 32)) + (np.linspace(-99, 99, 32) if tells and piece % 2 else 0)
        for shot in range(6):
            pixels = np.clip(120 + surface + rng.normal(0, 6, (32, 32)), 0, 255).astype(np.uint8)
            path = folder / f"{piece}-{shot}.png"
            path.write_bytes(encode_png(pixels[:, :, np.newaxis]))
            samples.append(Sample((path,), label, part=str(piece)))
    return samples


def probed(samples: list[Sample]) -> Leak:
    return probe(samples, look_at([sample.images[0] for sample in samples], []))


def by_photograph(samples: list[Sample]) -> list[Sample]:
    draw = Random(1)
    return [replace(sample, split=draw.choice(SPLITS)) for sample in samples]


def by_piece(samples: list[Sample]) -> list[Sample]:
    return [replace(sample, split=SPLITS[int(sample.part) // 2 % 4]) for sample in samples]


def test_split_that_cuts_pieces_leaks(tmp_path: Path) -> None:
    leak = probed(by_photograph(photographs(tmp_path, tells=False)))
    assert leak.nearest > 0.95
    assert leak.score > 0.3
    assert leak.is_flagged


def test_split_by_piece_passes(tmp_path: Path) -> None:
    leak = probed(by_piece(photographs(tmp_path, tells=False)))
    assert abs(leak.score) < LEAKS_FROM
    assert not leak.is_flagged


def test_product_whose_defects_are_plain_to_see_is_no_leak(tmp_path: Path) -> None:
    leak = probed(by_piece(photographs(tmp_path, tells=True)))
    assert leak.nearest > 0.95
    assert not leak.is_flagged


def test_too_few_parts_to_probe_are_refused(tmp_path: Path) -> None:
    samples = [replace(sample, split="test") for sample in photographs(tmp_path, tells=False)[:30]]
    with pytest.raises(DataError, match="there are 0 and 30"):
        probed(samples)


def magnetic_tiles() -> list[Sample]:
    root = SOURCES / "magnetic-tile"
    if not (root / "index.csv").is_file():
        pytest.skip("the public data set magnetic-tile does not lie beside the repository")
    samples = read_samples("mask_folder", root, good="MT_Free")
    return apply_index(samples, root / "index.csv", part="physical_group", split="split")


def test_magnetic_tiles_split_by_tile_pass_and_split_by_image_are_flagged() -> None:
    honest = magnetic_tiles()
    leak = probed(honest)
    assert not leak.is_flagged
    assert leak.score < 0.1
    order = [sample.split for sample in honest]
    Random(3).shuffle(order)
    cut = probed([replace(sample, split=split) for sample, split in zip(honest, order, strict=True)])
    assert cut.is_flagged
    assert cut.nearest > 0.9
