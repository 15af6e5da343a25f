"""What is stated of a foreign network is held against its own framework, and the graph against both."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from torch import nn

from taktsight.bundle import read_bundle
from taktsight.cli import main
from taktsight.export.foreign import build
from taktsight.export.foreign.wrap import wrap
from taktsight.foreign import Foreign, Preparation
from taktsight.image_files import read_image

from .foreign_models import (
    CLASSES,
    IMAGENET,
    LABELS,
    MODELS,
    Arguments,
    classifier,
    data_of,
    importing,
    segmenter,
    stated,
)

Said = pytest.CaptureFixture[str]


def in_torch(network: nn.Module, image: Path, colour: str = "rgb") -> torch.Tensor:
    """As its owner runs it, in its own framework: (1, classes, …) after the softmax."""
    pixels = torch.from_numpy(read_image(image, 3).copy())
    if colour == "bgr":
        pixels = pixels.flip(2)
    mean, deviation = IMAGENET
    batch = ((pixels / 255 - mean) / deviation).permute(2, 0, 1)[None]
    with torch.inference_mode():
        answer: torch.Tensor = network(batch.float()).softmax(dim=1)
    return answer


def write_answers(shop: Path, file: Path, network: nn.Module) -> Path:
    """The highest of each label's outputs."""
    with (shop / "parts" / "index.csv").open(encoding="utf-8") as index, file.open("w") as answers:
        writer = csv.writer(answers)
        writer.writerow(["image", *LABELS])
        for row in list(csv.DictReader(index))[:12]:
            highest = (
                in_torch(network, shop / "parts" / row["image"])[0]
                .reshape(len(CLASSES), -1)[1:]
                .amax(dim=1)
            )
            writer.writerow([row["image"], *highest.tolist()])
    return file


@pytest.mark.parametrize(("task", "made"), [("segmentation", segmenter), ("classification", classifier)])
def test_scores_of_the_networks_own_framework_are_found_again(
    task: str, made: Callable[[], nn.Module], shop: Path, tmp_path: Path, capsys: Said
) -> None:
    answers = write_answers(shop, tmp_path / "answers.csv", made())
    assert importing(shop, task, tmp_path / "part.taktsight", "--answers", str(answers)) == 0
    assert "answers: 12 images score as in the model's own framework" in capsys.readouterr().out
    origin = read_bundle(tmp_path / "part.taktsight").card.origin.training
    assert isinstance(origin, Foreign)
    assert origin.answers is not None
    assert origin.answered == 12
    assert "its own framework's scores of 12 images were found again" in "\n".join(origin.in_words())


def test_card_of_before_answers_were_counted_is_read(shop: Path, tmp_path: Path) -> None:
    assert importing(shop, "anomaly", tmp_path / "part.taktsight") == 0
    origin = read_bundle(tmp_path / "part.taktsight").card.origin.training
    before = origin.model_dump(mode="json", exclude={"answered"}) | {"answers": 64 * "a"}
    old = Foreign.model_validate(before)
    assert old.answered is None
    assert "its own framework's scores were found again" in "\n".join(old.in_words())


@pytest.mark.parametrize("task", ["segmentation", "classification"])
@pytest.mark.parametrize(
    "wrong",
    [
        ["--normalise", "unit"],
        ["--normalise", "half"],
        ["--mean", "0.229,0.224,0.225", "--std", "0.485,0.456,0.406"],  # the two exchanged
        ["--activation", "sigmoid"],
    ],
    ids=["no mean", "other mean", "mean and std exchanged", "activation"],
)
def test_wrong_statement_is_caught_by_the_networks_own_scores(
    task: str, wrong: Arguments, shop: Path, tmp_path: Path, capsys: Said
) -> None:
    made = segmenter if task == "segmentation" else classifier
    answers = write_answers(shop, tmp_path / "answers.csv", made())
    given = stated(task)
    if "--mean" in wrong:
        place = given.index("--normalise")
        del given[place : place + 2]
    out = tmp_path / "part.taktsight"
    line = ["import", str(shop / MODELS[task]), *data_of(shop), *given, *wrong, "--out", str(out)]
    assert main([*line, "--answers", str(answers)]) == 1
    assert "score otherwise here than in the network's own framework" in capsys.readouterr().err
    assert not out.exists()


FAULTS: dict[str, dict[str, object]] = {
    "mean of zero": {"mean": (0.0, 0.0, 0.0)},
    "mean and deviation exchanged": {"mean": IMAGENET[1].tolist(), "deviation": IMAGENET[0].tolist()},
    "not divided by 255": {"deviation": (0.229 / 255, 0.224 / 255, 0.225 / 255)},
    "good parts taken for a defect": {"classes": (*LABELS, "good")},
    "sigmoid for softmax": {"activation": "sigmoid"},
}


@pytest.mark.parametrize("fault", FAULTS)
def test_fault_in_the_wrapped_graph_is_caught_by_the_parity_gate(
    fault: str, shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Said
) -> None:
    def faulty(graph, chosen, preparation, canvas, size):  # type: ignore[no-untyped-def]  # passed on
        wrong = Preparation(**preparation.model_dump() | FAULTS[fault])
        return wrap(graph, chosen, wrong, canvas, size)

    monkeypatch.setattr(build, "wrap", faulty)
    assert importing(shop, "segmentation", tmp_path / "part.taktsight") == 1
    said = capsys.readouterr().err
    assert "another verdict" in said or "differ by" in said
    assert "a fault of the import" in said
    assert not (tmp_path / "part.taktsight").exists()


def test_channels_of_a_network_that_learned_from_bgr_are_turned_round(shop: Path, tmp_path: Path) -> None:
    """On colour images: turning grey ones changes nothing."""
    root = tmp_path / "parts"
    shutil.copytree(shop / "parts", root)
    rng = np.random.default_rng(0)
    for file in sorted((root / "images").rglob("*.png")):
        tinted = read_image(file, 3) * rng.uniform(0.3, 1.0, 3)
        import cv2

        cv2.imwrite(str(file), tinted.astype(np.uint8))
    data = [
        str(root),
        "--layout",
        "mask_folder",
        "--index",
        str(root / "index.csv"),
        "--part-column",
        "part",
    ]
    line = ["import", str(shop / "resnet.onnx"), *data, *stated("classification"), "--colour", "bgr"]
    easy = ["--target-escape", "0.5", "--target-overkill", "0.3"]
    assert main([*line, *easy, "--out", str(tmp_path / "part.taktsight")]) == 0
    bundle = read_bundle(tmp_path / "part.taktsight")
    session = onnxruntime.InferenceSession(bundle.model, providers=["CPUExecutionProvider"])
    file = next((root / "images" / "pit").glob("*.png"))
    (scores,) = session.run(["scores"], {"images": read_image(file, 3)[np.newaxis]})
    wanted = in_torch(classifier(), file, "bgr")[:, 1:].numpy()
    assert np.abs(scores - wanted).max() < 1e-4
    assert np.abs(scores - in_torch(classifier(), file)[:, 1:].numpy()).max() > 1e-3
