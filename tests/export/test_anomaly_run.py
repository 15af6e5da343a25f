"""Good parts alone, from rendered parts to a verified bundle, through the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from taktsight.bundle import read_bundle
from taktsight.cli import main

DATA = """
data:
  root: learn
  layout: mask_folder
  learn_from: good
  index: learn/index.csv
  part_column: part
  mm_per_px: 0.4
  canvas: {height: 128, width: 128, channels: 1}
  cache_dir: cache
  balance: 0
"""
MEMORY = f"""
model:
  class_path: taktsight.training.anomaly_detector.AnomalyDetector
  init_args: {{encoder: test_efficientnet, examples: 256}}
trainer: {{accelerator: cpu, max_epochs: 1}}
{DATA}
  batch_size: 1
  augment: none
"""
MADE_UP = f"""
model:
  class_path: taktsight.training.anomaly_segmenter.AnomalySegmenter
  init_args: {{encoder: test_efficientnet, decoder_channels: [32, 16, 16, 8, 8]}}
trainer: {{accelerator: cpu, max_epochs: 2}}
{DATA}
  batch_size: 4
  made_up: 0.5
"""


@pytest.fixture(scope="module", params=[MEMORY, MADE_UP], ids=["memory", "made-up defects"])
def shop(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("anomaly")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        Path("training.yaml").write_text(request.param)
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


def test_bundle_learned_from_good_parts_keeps_the_contract(shop: Path) -> None:
    card = read_bundle(shop / "part.taktsight").card
    assert (card.task, card.labels, card.located) == ("anomaly", ("anomaly",), True)
    assert [parity.flips for parity in card.parity] == [0]


def test_whatever_is_wrong_with_a_test_part_is_an_anomaly(shop: Path) -> None:
    figures = json.loads((shop / "run" / "evaluation" / "evaluation.json").read_text())["figures"]
    assert figures["operating_point"]["defective"] > 0
    assert figures["labels"] == ["anomaly"]


def test_what_is_learned_is_the_same_every_time(shop: Path) -> None:
    run, twin = (
        torch.load(shop / name / "best.ckpt", weights_only=True)["state_dict"] for name in ("run", "twin")
    )
    assert all(torch.equal(run[name], twin[name]) for name in run)
