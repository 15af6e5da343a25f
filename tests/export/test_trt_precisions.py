"""fp16 and int8 for NVIDIA's engines: in the ONNX, close to the float32 network, and built for real."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from taktsight.bundle import read_bundle, write_bundle
from taktsight.cli import main
from taktsight.errors import BackendError
from taktsight.export.divergence import where_it_begins
from taktsight.export.half import halve_precision
from taktsight.export.quantize import quantise
from taktsight.export.symmetric import make_symmetric
from taktsight.export.to_onnx import to_onnx
from taktsight.imaging import Canvas
from taktsight.inspect.backends.trt.engine_files import list_engines
from taktsight.inspect.backends.trt.parse import parse
from taktsight.inspect.backends.trt.vendor import open_vendor
from taktsight.inspect.backends.trt.vendor_log import listen
from taktsight.inspect.engines import engine_named
from taktsight.training.networks import SegmentationNetwork

from ..inspect.spots import spot_bundle

LIMITS = np.full((1, 2), 0.5)
TILES = np.random.default_rng(0).integers(0, 256, (16, 64, 64, 1), np.uint8)


@pytest.fixture(scope="module")
def network() -> SegmentationNetwork:
    torch.manual_seed(0)
    return SegmentationNetwork(2, 1, "unet", "test_efficientnet", None, (32, 16, 16, 8, 8)).eval()


@pytest.fixture(scope="module")
def model(network: SegmentationNetwork) -> bytes:
    return to_onnx(network, Canvas(64, 64, 1, 1, 32))


@pytest.fixture(scope="module")
def int8(model: bytes) -> bytes:
    pytest.importorskip("nncf")
    return quantise(model, TILES, LIMITS, symmetric=True).model


def answers(content: bytes) -> Any:
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    return session.run(["maps", "scores"], {"images": TILES})


def test_fp16_answers_as_float32_does_and_takes_half_the_room(model: bytes) -> None:
    halved = halve_precision(model)
    assert len(halved) < 0.6 * len(model)
    for short, exact in zip(answers(halved), answers(model), strict=True):
        assert short.dtype == np.float32
        # eleven bits of mantissa, some hundred layers
        assert 0 < np.abs(short - exact).max() < 5e-3


def test_fp16_casts_the_image_first_and_is_the_same_bytes_each_time(model: bytes) -> None:
    halved = halve_precision(model)
    assert halved == halve_precision(model)
    graph = onnx.load_from_string(halved).graph
    assert {node.op_type for node in graph.node if "images" in node.input} <= {"Cast", "Shape"}


def test_symmetric_int8_has_signed_zero_points_of_zero_and_nothing_unused(int8: bytes) -> None:
    graph = onnx.load_from_string(int8).graph
    tensors = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in graph.initializer}
    rounding = [n for n in graph.node if n.op_type in ("QuantizeLinear", "DequantizeLinear")]
    zeros = [tensors[node.input[2]] for node in rounding]
    assert len(zeros) > 20
    assert {zero.dtype for zero in zeros} == {np.dtype(np.int8)}
    assert not any(zero.any() for zero in zeros)
    assert set(tensors) <= {name for node in graph.node for name in node.input}


def test_symmetric_int8_answers_nearly_as_float32_does(model: bytes, int8: bytes) -> None:
    for short, exact in zip(answers(int8), answers(model), strict=True):
        assert 0 < np.abs(short - exact).max() < 0.1  # the untrained network is all but flat


def test_range_is_widened_around_zero_and_never_narrowed() -> None:
    nodes = [
        onnx.helper.make_node("QuantizeLinear", ["x", "scale", "zero"], ["q"], name="q"),
        onnx.helper.make_node("DequantizeLinear", ["q", "scale", "zero"], ["y"], name="d"),
    ]
    constants = [
        onnx.numpy_helper.from_array(np.array(0.01, np.float32), "scale"),
        onnx.numpy_helper.from_array(np.array(55, np.uint8), "zero"),
    ]
    ends = [onnx.helper.make_tensor_value_info(name, 1, [3]) for name in "xy"]
    graph = onnx.helper.make_graph(nodes, "planted", ends[:1], ends[1:], constants)
    given = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 18)], ir_version=9)
    session = onnxruntime.InferenceSession(make_symmetric(given).SerializeToString())
    ends_of_range = np.array([-0.55, 0.0, 2.0], np.float32)
    (rounded,) = session.run(None, {"x": ends_of_range})
    assert np.abs(rounded - ends_of_range).max() <= 2.0 / 127 / 2 + 1e-6  # half a step


@pytest.mark.parametrize("precision", ["f32", "fp16", "int8"])
def test_inner_values_of_every_precision_are_compared_with_the_trained_network(
    precision: str, network: SegmentationNetwork, model: bytes, int8: bytes
) -> None:
    """Without a GPU, and after a flip: the explanation must not fail."""
    models = {"f32": model, "fp16": halve_precision(model), "int8": int8}
    engine = engine_named(f"tensorrt:{precision}")
    found = where_it_begins(network, engine, models, TILES[:1])
    assert found is None or precision == "int8"
    models[precision] = halve_precision(to_onnx(_brighter(network), Canvas(64, 64, 1, 1, 32)))
    planted = where_it_begins(network, engine, models, TILES[:1])
    assert planted is not None
    assert planted.difference > 0.1


def _brighter(network: SegmentationNetwork) -> SegmentationNetwork:
    """With its first layer's weights changed."""
    changed = copy.deepcopy(network)
    first = next(module for module in changed.modules() if isinstance(module, torch.nn.Conv2d))
    with torch.no_grad():
        first.weight *= 3
    return changed


@pytest.mark.parametrize("precision", ["fp16", "int8"])
def test_real_builder_takes_it_as_the_precision_that_it_is(
    precision: str, model: bytes, request: pytest.FixtureRequest
) -> None:
    pytest.importorskip("tensorrt_rtx")
    vendor = open_vendor("tensorrt_rtx")
    content = halve_precision(model) if precision == "fp16" else request.getfixturevalue("int8")
    parse(vendor, content, listen(vendor), precision=precision)
    with pytest.raises(BackendError, match=f"f32 was asked for and the model computes in {precision}"):
        parse(vendor, content, listen(vendor), precision="f32")


@pytest.mark.parametrize(
    ("zero", "why"),
    [
        (0, "in int8 where the model says uint8; export int8"),
        (3, "int8 must be symmetric here"),
    ],
)
def test_int8_for_processors_is_refused_by_the_real_parser(model: bytes, zero: int, why: str) -> None:
    pytest.importorskip("tensorrt_rtx")
    pytest.importorskip("nncf")
    vendor = open_vendor("tensorrt_rtx")
    shifted = with_zero_points(quantise(model, TILES, LIMITS).model, zero)
    with pytest.raises(BackendError, match=why):
        parse(vendor, shifted, listen(vendor), precision="int8")


def with_zero_points(model: bytes, zero: int) -> bytes:
    """The model with this zero point wherever activations are unsigned."""
    shifted = onnx.load_from_string(model)
    points = {node.input[2] for node in shifted.graph.node if node.op_type == "QuantizeLinear"}
    for tensor in shifted.graph.initializer:
        if tensor.name in points and tensor.data_type == onnx.TensorProto.UINT8:
            value = np.full(tuple(tensor.dims), zero, np.uint8)
            tensor.CopyFrom(onnx.numpy_helper.from_array(value, tensor.name))
    return bytes(shifted.SerializeToString())


def test_verb_builds_the_precision_that_a_bundle_holds(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("tensorrt_rtx")
    whole = read_bundle(spot_bundle(tmp_path / "spots.takt"))
    both = tmp_path / "both.takt"
    write_bundle(
        both, whole.card, whole.model, whole.golden, precisions={"fp16": halve_precision(whole.model)}
    )
    line = ["engine", str(both), "--kind", "tensorrt_rtx", "--compute-capability", "8.9"]
    cache = ["--cache", str(tmp_path / "engines")]
    assert main([*line, "--precision", "fp16", *cache]) == 0
    assert "tensorrt_rtx:fp16 built in" in capsys.readouterr().out
    assert [stored.key.precision for stored in list_engines(tmp_path / "engines") if stored.key] == ["fp16"]
