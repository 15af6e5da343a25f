"""The trained network as ONNX: what the line gets is what was trained, and says nothing of this machine."""

from __future__ import annotations

import getpass
import socket

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from taktsight.export.to_onnx import to_onnx
from taktsight.imaging import Canvas
from taktsight.training.networks import ClassificationNetwork, Network, SegmentationNetwork

SMALL = "test_efficientnet"
SIZE_PX = 64


def network(task: str, channels: int) -> Network:
    torch.manual_seed(0)
    if task == "classification":
        return ClassificationNetwork(2, channels, SMALL).eval()
    return SegmentationNetwork(2, channels, "unet", SMALL, None, (32, 16, 16, 8, 8)).eval()


@pytest.fixture(scope="module", params=[("segmentation", 1), ("classification", 3)], ids=lambda p: p[0])
def trained(request: pytest.FixtureRequest) -> tuple[Network, int, bytes]:
    task, channels = request.param
    made = network(task, channels)
    return made, channels, to_onnx(made, Canvas(SIZE_PX, SIZE_PX, channels, 1, 32))


def test_cast_is_the_first_thing_that_happens_to_an_image(trained: tuple[Network, int, bytes]) -> None:
    graph = onnx.load_from_string(trained[2]).graph
    consumers = [node.op_type for node in graph.node if graph.input[0].name in node.input]
    assert [value.name for value in graph.input] == ["images"]
    assert "Cast" in consumers
    assert set(consumers) <= {"Cast", "Shape"}  # the batch's size may be read


def test_model_is_one_file_with_standard_operators_only(trained: tuple[Network, int, bytes]) -> None:
    model = onnx.load_from_string(trained[2])
    assert not any(
        onnx.external_data_helper.uses_external_data(tensor) for tensor in model.graph.initializer
    )
    assert {node.domain for node in model.graph.node} <= {"", "ai.onnx"}
    assert [function.name for function in model.functions] == []


def test_model_names_no_path_no_user_and_no_source_line(trained: tuple[Network, int, bytes]) -> None:
    content = trained[2]
    names = [b"site-packages", b".py", b"Traceback", b'File "', b"/home/", b"/root", b"/tmp/", b"forward("]
    names += [f"/{getpass.getuser()}/".encode(), socket.gethostname().encode() + b"/"]
    assert [name for name in names if name in content] == []


def test_batch_of_any_size_gets_the_answers_of_the_trained_network(
    trained: tuple[Network, int, bytes],
) -> None:
    made, channels, content = trained
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    for count in (1, 2, 5):
        shape = (count, SIZE_PX, SIZE_PX, channels)
        images = np.random.default_rng(count).integers(0, 256, shape, dtype=np.uint8)
        with torch.inference_mode():
            wanted = [output.numpy() for output in made(torch.from_numpy(images))]
        got = session.run(["maps", "scores"], {"images": images})
        for ours, theirs in zip(got, wanted, strict=True):
            assert ours.shape == theirs.shape
            assert np.abs(ours - theirs).max() < 1e-5  # float32, added in another order
