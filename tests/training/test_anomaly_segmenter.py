"""The anomaly segmenter: made-up defects teach it, held-out good parts calibrate it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

from taktsight.cli import main
from taktsight.training.anomaly_networks import ALARM, SOFTNESS
from taktsight.training.calibrated_network import CalibratedNetwork
from taktsight.training.run_folder import open_run

from .spots import SEGMENTER, make_parts

WIDTHS = (32, 16, 16, 8, 8)


def configuration(root: Path, *, made_up: float) -> Path:
    make_parts(root, 60, masks=True)
    config = yaml.safe_load(SEGMENTER.format(root=root, batch=4, epochs=6))
    config["model"]["class_path"] = "taktsight.training.anomaly_segmenter.AnomalySegmenter"
    config["data"] |= {"learn_from": "good", "made_up": made_up}
    config["trainer"]["check_val_every_n_epoch"] = 1
    file = root.parent / "training.yaml"
    file.write_text(yaml.safe_dump(config))
    return file


def test_half_is_four_spreads_above_the_good_parts() -> None:
    network = CalibratedNetwork(1, 1, "unet", "test_efficientnet", None, WIDTHS).eval()
    network.calibration.copy_(torch.tensor([-3.0, 0.5]))
    logits = torch.tensor([-3.0, -3.0 + ALARM * 0.5, -3.0 + (ALARM + SOFTNESS) * 0.5])
    wanted = torch.tensor([-ALARM / SOFTNESS, 0.0, 1.0]).sigmoid()
    torch.testing.assert_close(network.sureness(logits), wanted)


def test_several_labels_are_refused_with_the_way_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = configuration(tmp_path / "parts", made_up=0.0)
    given = ["train", str(config), "--run", str(tmp_path / "run"), "--data.learn_from=all"]
    assert main(given) == 2
    assert "have 2: set data.learn_from to good" in capsys.readouterr().err
    assert not list((tmp_path / "run").glob("*.ckpt"))


def test_without_made_up_defects_there_is_nothing_to_learn(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = configuration(tmp_path / "parts", made_up=0.0)
    assert main(["train", str(config), "--run", str(tmp_path / "run")]) == 2
    assert "set data.made_up above 0" in capsys.readouterr().err


def test_good_parts_of_val_calibrate_it_and_the_last_weights_are_kept(tmp_path: Path) -> None:
    config = configuration(tmp_path / "parts", made_up=0.5)
    assert main(["train", str(config), "--run", str(tmp_path / "run")]) == 0
    checkpoint = torch.load(tmp_path / "run" / "best.ckpt", weights_only=True)
    assert checkpoint["epoch"] == 5
    run = open_run(tmp_path / "run")
    network = run.module.network
    assert isinstance(network, CalibratedNetwork)
    cache, samples = run.data.cache("val"), run.data.split("val")
    with torch.no_grad():
        logits = network.logits(torch.from_numpy(np.array(cache.images)))[1][:, 0]
    good = [not samples[owner].is_defective for owner in cache.owners]
    mean, spread = network.calibration.tolist()
    assert mean == pytest.approx(float(logits[good].mean()), abs=1e-3)
    assert spread == pytest.approx(max(0.2, float(logits[good].std())), abs=1e-3)
