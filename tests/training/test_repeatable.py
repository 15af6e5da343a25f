"""The same data, seed and code give the same weights: in another process, and after a kill -9."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch

from taktsight.manifest import Manifest
from taktsight.training.weights_digest import weights_digest

from .spots import CLASSIFIER, SEGMENTER, make_parts

ANOMALY = """
model:
  class_path: taktsight.training.anomaly_detector.AnomalyDetector
  init_args: {{encoder: test_efficientnet, examples: 64}}
data:
  root: {root}
  layout: mask_folder
  learn_from: good
  canvas: {{height: 64, width: 64, channels: 1, overlap: 32}}
  batch_size: {batch}
  augment: light
  cache_dir: {root}-cache
trainer: {{accelerator: cpu, max_epochs: {epochs}}}
"""
FILES = {
    "segmenter": SEGMENTER,
    "classifier": CLASSIFIER.replace("class_folder", "mask_folder"),  # has dropout
    "anomaly": ANOMALY,
}
ENVIRONMENT = os.environ | {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
ONE_BY_ONE = """
import json, sys
from taktsight.cli import main
for arguments in json.loads(sys.argv[1]):
    assert main(arguments) == 0, arguments
"""


def start(folder: Path, *runs: str) -> subprocess.Popen[str]:
    """One process that trains all of ``runs``, each NAME/PLACE or NAME/PLACE/SEED, one after the other."""
    lines = []
    for run in runs:
        name, place, *seed = run.split("/")
        lines.append(["train", f"{name}.yaml", "--run", f"{place}/{name}"])
        lines[-1] += [f"--seed_everything={number}" for number in seed]
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", ONE_BY_ONE, json.dumps(lines)],
        cwd=folder,
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def finish(process: subprocess.Popen[str]) -> str:
    said, _ = process.communicate(timeout=240)
    assert process.returncode == 0, said
    return said


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Each model twice, in two processes that train them in another order, and once with another seed.

    ``said.txt`` is what the first process printed.
    """
    folder = tmp_path_factory.mktemp("repeatable")
    make_parts(folder / "parts", 120, masks=True)
    for name, template in FILES.items():
        text = template.format(root="parts", batch=2, epochs=3)
        text = text.replace("check_val_every_n_epoch: 5", "check_val_every_n_epoch: 1")
        (folder / f"{name}.yaml").write_text(text)
    first = start(folder, "segmenter/one", "classifier/one", "anomaly/one")
    second = start(folder, "anomaly/two", "segmenter/two", "segmenter/other/7", "anomaly/other/7")
    (folder / "said.txt").write_text(finish(first))
    finish(second)
    return folder


def checkpoint(path: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    return loaded


def weights(run: Path) -> str:
    return weights_digest(checkpoint(run / "best.ckpt")["state_dict"])


def measured(run: Path) -> list[tuple[str, str, str]]:
    """Epoch, column and value of all that was logged, over all starts."""
    values = []
    for file in [*sorted(run.glob("metrics-*.csv")), run / "metrics.csv"]:
        with file.open(newline="") as opened:
            for row in csv.DictReader(opened):
                values += [(row["epoch"], column, text) for column, text in row.items() if text]
    return sorted(value for value in values if value[1] not in ("epoch", "step"))


@pytest.mark.parametrize("name", ["segmenter", "anomaly"])
def test_another_process_gives_the_same_weights(trained: Path, name: str) -> None:
    assert weights(trained / "one" / name) == weights(trained / "two" / name)


@pytest.mark.parametrize("name", ["segmenter", "anomaly"])
def test_another_seed_gives_other_weights(trained: Path, name: str) -> None:
    assert weights(trained / "one" / name) != weights(trained / "other" / name)


@pytest.mark.parametrize("name", ["segmenter", "anomaly"])
def test_manifests_of_the_same_training_are_the_same_wherever_it_ran(trained: Path, name: str) -> None:
    one, two, other = (
        Manifest.model_validate_json((trained / place / name / "manifest.json").read_text())
        for place in ("one", "two", "other")
    )
    assert one == two
    assert one.seed != other.seed
    assert one.model_copy(update={"seed": 7, "weights": other.weights}) == other


def test_training_says_the_digest_that_its_manifest_and_its_checkpoint_carry(trained: Path) -> None:
    said = (trained / "said.txt").read_text()
    for name in FILES:
        run = trained / "one" / name
        manifest = Manifest.model_validate_json((run / "manifest.json").read_text())
        kept = Manifest.model_validate_json(checkpoint(run / "best.ckpt")["taktsight_manifest"])
        assert manifest == kept
        assert manifest.weights == weights(run)
        assert f"weights {manifest.weights}\n" in said


@pytest.mark.parametrize("name", ["segmenter", "classifier"])
def test_killed_within_an_epoch_and_resumed_gives_the_same_weights(trained: Path, name: str) -> None:
    run, whole = trained / "killed" / name, trained / "one" / name
    process = start(trained, f"{name}/killed")
    while not (run / "metrics.csv").is_file() or "train_loss" not in (run / "metrics.csv").read_text():
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    time.sleep(0.2)  # some steps into the second epoch, of 36
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert checkpoint(run / "last.ckpt")["epoch"] == 0
    assert {epoch for epoch, column, _ in measured(run) if column == "train_loss"} == {"0"}

    resume = ["train", f"{name}.yaml", "--run", str(run), "--resume"]
    resumed = subprocess.run(
        [sys.executable, "-W", "error", "-m", "taktsight.cli", *resume],
        cwd=trained,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert resumed.returncode == 0, resumed.stderr
    assert f"weights {weights(whole)}\n" in resumed.stdout
    last, wanted = (checkpoint(of / "last.ckpt") for of in (run, whole))
    for key in ("state_dict", "current_model_state"):
        assert weights_digest(last[key]) == weights_digest(wanted[key])
    assert measured(run) == measured(whole)
    manifests = [(of / "manifest.json").read_text() for of in (run, whole)]
    assert manifests[0] == manifests[1]
