"""A training on a version of a data set says which, and trains on nothing that was changed."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
import torch

from taktsight.cli import main
from taktsight.datasets.dataset_card import Reviews, checked_card
from taktsight.datasets.readers import read_samples
from taktsight.datasets.writers.version_folder import Origin, VersionImage, write_version

from .spots import SEGMENTER, make_parts


@pytest.fixture(scope="module")
def version(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Thirty labelled parts as the first version of ``spots``."""
    folder = tmp_path_factory.mktemp("versions")
    make_parts(folder / "parts", 30, masks=True)
    samples = read_samples("mask_folder", folder / "parts")
    images = [
        VersionImage(each, each.images[0].relative_to(folder / "parts"), each.part, {"source": "base"})
        for each in samples
    ]
    nobody = Reviews(decisions=0, last_row=0, last_digest=64 * "0")
    return write_version(folder / "spots", images, Origin("spots", nobody, None, [])).folder


def config(version: Path, folder: Path) -> Path:
    text = SEGMENTER.format(root=version, batch=6, epochs=1).replace("n_epoch: 5", "n_epoch: 1")
    text = text.replace("mask_folder", "coco").replace(f"{version}-cache", str(folder / "cache"))
    file = folder / "training.yaml"
    file.write_text(
        text.replace("data:", f"data:\n  index: {version / 'index.csv'}\n  part_column: part"),
        encoding="utf-8",
    )
    return file


def test_manifest_names_the_version(version: Path, tmp_path: Path) -> None:
    torch.set_num_threads(1)
    assert main(["train", str(config(version, tmp_path)), "--run", str(tmp_path / "run")]) == 0
    card = checked_card(version)
    assert card is not None
    manifest = json.loads((tmp_path / "run" / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["dataset"] == {"name": "spots", "version": 1, "sha256": card.sha256}


def test_label_that_was_edited_in_a_version_trains_nothing(
    version: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    index = version / "index.csv"
    before = index.read_bytes()
    rows = list(csv.reader(before.decode().splitlines()))
    rows[1][3] = "other"
    try:
        index.write_text("\n".join(map(",".join, rows)) + "\n", encoding="utf-8")
        assert main(["train", str(config(version, tmp_path)), "--run", str(tmp_path / "run")]) == 1
    finally:
        index.write_bytes(before)
    assert f"{index}: was changed since spots version 1" in capsys.readouterr().err
