"""Good parts alone, from rendered parts to a verified bundle, through the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from taktsight.bundle import read_bundle
from taktsight.cli import main

TRAINING = """
model:
  class_path: taktsight.training.anomaly_detector.AnomalyDetector
  init_args: {encoder: test_efficientnet, examples: 256}
data:
  root: learn
  layout: mask_folder
  learn_from: good
  index: learn/index.csv
  part_column: part
  mm_per_px: 0.4
  canvas: {height: 128, width: 128, channels: 1}
  batch_size: 1
  balance: 0
  augment: none
  cache_dir: cache
trainer: {accelerator: cpu, max_epochs: 1}
"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("anomaly")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        Path("training.yaml").write_text(TRAINING)
        for line in (
            "data synth learn --parts 60 --size-px 128 --defective-share 0.4 --seed 1",
            "train training.yaml --run run",
            "train training.yaml --run twin",
            "evaluate run",
            "export run --out part.taktsight",
            "verify part.taktsight",
        ):
            assert main(line.split()) == 0, line
    return folder


def test_bundle_of_an_anomaly_detector_keeps_the_contract(shop: Path) -> None:
    card = read_bundle(shop / "part.taktsight").card
    assert (card.task, card.labels, card.located) == ("anomaly", ("anomaly",), True)
    assert card.parity.flips == 0


def test_whatever_is_wrong_with_a_test_part_is_an_anomaly(shop: Path) -> None:
    figures = json.loads((shop / "run" / "evaluation" / "evaluation.json").read_text())["figures"]
    assert figures["operating_point"]["defective"] > 0
    assert figures["labels"] == ["anomaly"]


def test_what_is_remembered_is_the_same_every_time(shop: Path) -> None:
    run, twin = (
        torch.load(shop / name / "best.ckpt", weights_only=True)["state_dict"] for name in ("run", "twin")
    )
    assert all(torch.equal(run[name], twin[name]) for name in run)
