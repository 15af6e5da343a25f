"""A foreign graph within the model contract: old or new, for one image at a time or for many."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from taktsight.bundle import read_bundle
from taktsight.cli import main

from .foreign_models import (
    ANOMALIB_OUTPUTS,
    CLASSES,
    LABELS,
    MODELS,
    SIDE,
    AnomalibShaped,
    classifier,
    export,
    importing,
    stated,
)

Said = pytest.CaptureFixture[str]


@pytest.mark.parametrize("task", MODELS)
def test_wrapped_graph_keeps_the_model_contract(task: str, shop: Path, tmp_path: Path) -> None:
    assert importing(shop, task, tmp_path / "part.taktsight") == 0
    model = onnx.load_from_string(read_bundle(tmp_path / "part.taktsight").model)
    consumers = [node.op_type for node in model.graph.node if "images" in node.input]
    assert consumers == ["Cast"]
    assert {node.domain for node in model.graph.node} <= {"", "ai.onnx"}
    assert b"/tmp" not in model.SerializeToString()
    outputs = {name for node in model.graph.node for name in node.output}
    assert not any("pred_mask" in name or "pred_label" in name for name in outputs)  # nobody asks for them
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    images = np.random.default_rng(0).integers(0, 256, (3, SIDE, SIDE, 3), dtype=np.uint8)
    maps, scores = session.run(["maps", "scores"], {"images": images})
    labels = 1 if task == "anomaly" else len(LABELS)
    side = 1 if task == "classification" else SIDE
    assert (maps.shape, scores.shape) == ((3, labels, side, side), (3, labels))
    assert (maps.min() >= 0, maps.max() <= 1, maps.dtype == np.float32) == (True, True, True)


def test_network_for_one_image_at_a_time_judges_parts_of_one_tile(
    shop: Path, tmp_path: Path, capsys: Said
) -> None:
    alone = shop / "one-at-a-time.onnx"
    assert importing(shop, "classification", tmp_path / "part.taktsight", model=alone) == 0
    session = onnxruntime.InferenceSession(
        read_bundle(tmp_path / "part.taktsight").model, providers=["CPUExecutionProvider"]
    )
    assert session.get_inputs()[0].shape == [1, SIDE, SIDE, 3]
    small = export(nn.Sequential(classifier(), nn.Identity()), tmp_path / "c.onnx", batch_is_free=False)
    large = tmp_path / "large"
    assert main(f"data synth {large} --parts 30 --size-px 192 --defective-share 0.5".split()) == 0
    line = ["import", str(small), str(large), "--layout", "mask_folder", *stated("classification")]
    assert main([*line, "--out", str(tmp_path / "no.taktsight")]) == 1
    assert "takes 1 image at a time, and parts of this size are cut into 4 tiles" in capsys.readouterr().err


class OverTheBatch(nn.Module):
    """Divides by the highest value of the batch, as Cflow does."""

    def __init__(self) -> None:
        super().__init__()
        self.network = classifier()

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        answer = self.network(images)
        return torch.as_tensor(answer / answer.abs().reshape(-1).amax(dim=0))


class MapsOverTheBatch(AnomalibShaped):
    """Its scores are of each image, its maps are not."""

    def forward(
        self, images: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
        score, label, maps, mask = super().forward(images)
        return score, label, maps / (0.1 + maps.reshape(-1).amax(dim=0)), mask


@pytest.mark.parametrize(
    ("task", "made", "what"),
    [("classification", OverTheBatch, "scores"), ("anomaly", MapsOverTheBatch, "maps")],
)
def test_network_whose_answer_depends_on_its_neighbours_is_refused(
    task: str, made: Callable[[], nn.Module], what: str, shop: Path, tmp_path: Path, capsys: Said
) -> None:
    outputs = ("output",) if task == "classification" else ANOMALIB_OUTPUTS
    model = export(made(), tmp_path / "batch.onnx", outputs=outputs)
    assert importing(shop, task, tmp_path / "part.taktsight", model=model) == 1
    assert f"an image has other {what} beside another one" in capsys.readouterr().err


def test_older_opset_is_read_and_gives_the_same_answers(shop: Path, tmp_path: Path) -> None:
    """ReduceMean took its axes as an attribute then."""
    rng = np.random.default_rng(0)
    kernel = rng.normal(0, 1, (len(CLASSES), 3, 3, 3)).astype(np.float32)
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["input", "kernel"], ["maps"], pads=[1, 1, 1, 1]),
            helper.make_node("Relu", ["maps"], ["found"]),
            helper.make_node("ReduceMean", ["found"], ["output"], axes=[2, 3], keepdims=0),
        ],
        "old",
        [value("input", TensorProto.FLOAT, ["N", 3, SIDE, SIDE])],
        [value("output", TensorProto.FLOAT, ["N", len(CLASSES)])],
        [numpy_helper.from_array(kernel, "kernel")],
    )
    old = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=7)
    onnx.save(old, tmp_path / "old.onnx")
    out = tmp_path / "part.taktsight"
    assert importing(shop, "classification", out, model=tmp_path / "old.onnx") == 0
    bundle = read_bundle(out)
    assert bundle.card.parity[0].max_score_difference < 1e-4
    names = [node.name for node in onnx.load_from_string(bundle.model).graph.node]
    assert all(names)  # it had none; int8 leaves layers out by theirs
    assert len(set(names)) == len(names)
