"""Two processes that share a batch train what one process trains with all of it."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from taktsight.datasets.learn_from import ANOMALY
from taktsight.errors import ConfigError
from taktsight.training import batch_norms, validation
from taktsight.training.anomaly_detector import AnomalyDetector
from taktsight.training.batch_norms import WholeBatchNorm, synchronise_batch_norms
from taktsight.training.losses import map_loss
from taktsight.training.validation import ValidationParts

from .spots import SEGMENTER, make_parts

ENVIRONMENT = os.environ | {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}


def train(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", "taktsight.cli", "train", *arguments],
        cwd=folder,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
    )


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``two`` was trained by two processes through the command line, ``one`` by one, ``start`` hardly."""
    folder = tmp_path_factory.mktemp("processes")
    make_parts(folder / "parts", 70, masks=True)
    text = SEGMENTER.format(root="parts", batch=6, epochs=2).replace("0.01", "0.00003")
    text = text.replace("check_val_every_n_epoch: 5", "check_val_every_n_epoch: 1\n  precision: 32-true")
    (folder / "training.yaml").write_text(text)
    for name, more in {
        "two": ["--trainer.devices=2", "--trainer.strategy=ddp"],
        "one": [],
        "start": ["--model.init_args.learning_rate=0.0"],
    }.items():
        done = train(folder, "training.yaml", "--run", name, *more)
        assert done.returncode == 0, done.stderr
        (folder / name / "said.txt").write_text(done.stdout)
    return folder


def weights(run: Path, key: str) -> dict[str, Tensor]:
    state: dict[str, Tensor] = torch.load(run / "last.ckpt", weights_only=True)[key]
    return state


def learned(run: Path, key: str) -> Tensor:
    """All that is learned, in a row; running statistics are not."""
    state = weights(run, key)
    return torch.cat([state[name].flatten() for name in sorted(state) if not is_statistic(name)])


def is_statistic(name: str) -> bool:
    return name.endswith(("running_mean", "running_var", "num_batches_tracked"))


@pytest.mark.parametrize("key", ["state_dict", "current_model_state"])
def test_two_processes_learn_what_one_learns(trained: Path, key: str) -> None:
    two, one, start = (learned(trained / name, key) for name in ("two", "one", "start"))
    # 14 steps of AdamW turn the last bit of a gradient that is nearly 0 into a step of the learning rate.
    assert float((two - one).abs().max()) < 1e-4
    # What was learned is the same to a hundredth: without whole-batch norms or losses a tenth differs.
    assert float((two - one).norm()) < 0.01 * float((one - start).norm())


def test_two_processes_keep_the_statistics_that_one_keeps(trained: Path) -> None:
    two, one = (weights(trained / name, "current_model_state") for name in ("two", "one"))
    assert two.keys() == one.keys()
    for name in filter(is_statistic, two):
        torch.testing.assert_close(two[name], one[name], rtol=1e-3, atol=1e-4, msg=name)


def test_two_processes_measure_what_one_measures(trained: Path) -> None:
    rows = []
    for name in ("two", "one"):
        with (trained / name / "metrics.csv").open(newline="") as file:
            rows.append([{key: float(of) for key, of in row.items() if of} for row in csv.DictReader(file)])
    assert len(rows[0]) == len(rows[1]) == 4
    for two, one in zip(*rows, strict=True):
        assert two == pytest.approx(one, rel=1e-3)


def test_one_manifest_and_one_message_of_two_processes(trained: Path) -> None:
    manifests = [json.loads((trained / name / "manifest.json").read_text()) for name in ("two", "one")]
    assert [manifest["environment"].pop("processes") for manifest in manifests] == [2, 1]
    weights_of = [manifest.pop("weights") for manifest in manifests]
    assert len({manifest["config"].pop("trainer") for manifest in manifests}) == 2
    assert manifests[0] == manifests[1]
    said = (trained / "two" / "said.txt").read_text()
    assert said.count("weights ") == 1
    assert f"weights {weights_of[0]}" in said


def test_anomaly_detector_is_not_shared() -> None:
    detector, trainer = AnomalyDetector((ANOMALY,), 1, "test_efficientnet"), SimpleNamespace(world_size=2)
    detector.trainer = trainer  # type: ignore[assignment]  # all that is asked of it
    with pytest.raises(ConfigError, match=r"one process, not 2: set trainer\.devices to 1"):
        detector.setup("fit")


class Shares:
    """Two processes in one: what the other one says is added here."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.told: list[Tensor] = []
        patch.setattr(batch_norms, "processes", lambda: 2)
        patch.setattr(batch_norms, "whole_batch", self.summed)

    def summed(self, own: Tensor) -> Tensor:
        self.told.append(own)
        return own + self.other

    other: Tensor


def test_norm_over_shares_is_the_norm_over_the_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    whole = nn.BatchNorm2d(3, momentum=0.3)
    shares = [WholeBatchNorm(nn.BatchNorm2d(3, momentum=0.3)) for _ in range(2)]
    features = torch.randn(6, 3, 5, 4) * 40 + 1000  # far from 0: a naive variance would lose its digits
    told = Shares(monkeypatch)
    told.other = torch.zeros(2, 3, dtype=torch.float64)
    for share, half in zip(shares, (features[:3], features[3:]), strict=True):
        share(half)
    first, second = told.told
    answers = []
    for share, half, other in zip(shares, (features[:3], features[3:]), (second, first), strict=True):
        share.reset_running_stats()
        told.other = other
        answers.append(share(half))
    torch.testing.assert_close(torch.cat(answers), whole(features), atol=1e-4, rtol=1e-4)
    for share in shares:
        torch.testing.assert_close(share.running_mean, whole.running_mean)
        torch.testing.assert_close(share.running_var, whole.running_var, rtol=1e-4, atol=0)


def test_synchronised_network_keeps_the_names_and_values_of_its_weights() -> None:
    import timm

    network = timm.create_model("test_efficientnet", pretrained=False)
    before, images = (
        {name: of.clone() for name, of in network.state_dict().items()},
        torch.rand(2, 3, 64, 64),
    )
    network.eval()
    wanted = network(images)
    synchronise_batch_norms(network, "cpu")
    assert not [norm for norm in network.modules() if type(norm) is nn.BatchNorm2d]
    assert sum(isinstance(norm, WholeBatchNorm) for norm in network.modules()) > 10
    after = network.state_dict()
    assert list(after) == list(before)
    assert all(torch.equal(after[name], before[name]) for name in before)
    assert torch.equal(network(images), wanted)


def test_loss_over_the_sums_of_all_shares_is_that_of_the_batch() -> None:
    """The first image shows a defect, the second nothing: a mean of two losses would be another number."""
    torch.manual_seed(0)
    logits, share, known = torch.randn(2, 2, 16, 16), torch.zeros(2, 2, 16, 16), torch.ones(2, 1, 16, 16)
    share[0, 0, 2:5, 3:9] = 1
    seen: list[list[Tensor]] = []

    def told_of(half: int, others: Iterator[Tensor] | None) -> Tensor:
        own: list[Tensor] = []

        def over(sums: Tensor) -> Tensor:
            own.append(sums)
            return sums if others is None else sums + next(others)

        seen.append(own)
        place = slice(half, half + 1)
        return map_loss(logits[place], share[place], known[place], over)

    alone = [told_of(half, None) for half in range(2)]
    together = [told_of(half, iter(seen[1 - half])) for half in range(2)]
    wanted = map_loss(logits, share, known)
    assert float(sum(together)) / 2 == pytest.approx(float(wanted), rel=1e-6)
    assert float(sum(alone)) / 2 != pytest.approx(float(wanted), rel=1e-2)


def test_validation_counts_the_parts_of_all_processes_once(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    owners, labels = torch.arange(40) % 20, (torch.arange(40) % 20) % 3
    scores, masks = torch.from_numpy(rng.random((40, 3))), torch.from_numpy(rng.random((2, 40, 8, 8)) > 0.6)

    def gathered(rows: Tensor) -> ValidationParts:
        parts = ValidationParts()
        parts.add(owners[rows], labels[rows], scores[rows], 2)
        found, truth = masks[0, rows], masks[1, rows]
        parts.add_pixels(owners[rows], found & truth, found, truth)
        parts.add_loss(scores[rows].mean(), len(rows))
        return parts

    whole, shares = gathered(torch.arange(40)), [gathered(torch.arange(start, 40, 2)) for start in range(2)]
    monkeypatch.setattr(validation, "from_all_processes", lambda _: shares)
    together = shares[0].of_all_processes()
    for figure in ("auroc", "mean_pixel_f1", "accuracy", "macro_f1"):
        assert getattr(together, figure)() == getattr(whole, figure)(), figure
    assert together.mean_loss() == pytest.approx(whole.mean_loss())
