"""What NVIDIA's parser says of a model, by the real TensorRT-RTX: it parses and builds without a GPU."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from taktsight.errors import BackendError
from taktsight.inspect.backends.trt.parse import parse, precision_of
from taktsight.inspect.backends.trt.vendor import open_vendor
from taktsight.inspect.backends.trt.vendor_log import listen

from .spots import spot_model

pytest.importorskip("tensorrt_rtx")

CAST = helper.make_node("Cast", ["images"], ["pixels"], to=TensorProto.FLOAT)
PEAK = helper.make_node("ReduceMax", ["maps"], ["scores"], name="peak")


def model(nodes: Sequence[Any], constants: Sequence[Any] = (), *, takes: Any = TensorProto.UINT8) -> bytes:
    """A graph of the contract's names, however wrong."""
    values = [
        helper.make_tensor_value_info("images", takes, ["n", 8, 8, 1]),
        *(helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in ("maps", "scores")),
    ]
    graph = helper.make_graph(nodes, "planted", values[:1], values[1:], constants)
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid("plant.custom", 1)]
    return bytes(helper.make_model(graph, opset_imports=opsets, ir_version=9).SerializeToString())


def quantised(kind: Any, zero: int) -> bytes:
    """A graph that is rounded to eight bits and back, with this zero point."""
    constants = [
        helper.make_tensor("scale", TensorProto.FLOAT, [], [0.5]),
        helper.make_tensor("zero", kind, [], [zero]),
    ]
    nodes = [
        CAST,
        helper.make_node("QuantizeLinear", ["pixels", "scale", "zero"], ["short"], name="quantise"),
        helper.make_node("DequantizeLinear", ["short", "scale", "zero"], ["maps"], name="dequantise"),
        helper.make_node("ReduceMax", ["maps"], ["peak"], name="peak", keepdims=1),
        helper.make_node("Flatten", ["peak"], ["scores"]),
    ]
    return model(nodes, constants)


def refusal(content: bytes, precision: str = "f32") -> str:
    vendor = open_vendor("tensorrt_rtx")
    with pytest.raises(BackendError) as refused:
        parse(vendor, content, listen(vendor), precision=precision)
    return str(refused.value)


def test_every_unsupported_operator_is_listed_with_what_to_do() -> None:
    nodes = [
        CAST,
        helper.make_node("Det", ["pixels"], ["maps"], name="determinant"),
        helper.make_node("Glow", ["pixels"], ["scores"], name="glow", domain="plant.custom"),
    ]
    said = refusal(model(nodes)).splitlines()
    assert said[0].endswith("refuses the model:")
    assert said[1] == "  node 1 'determinant' (Det): UNSUPPORTED_NODE"
    assert said[2].startswith("  node 2 'glow' (Glow): INVALID_NODE: ")
    assert said[3].startswith("What to do: ")
    assert "the operator is not one of ONNX's own" in said[3]
    assert "the engine does not know the operator" in said[3]


def test_uint8_that_goes_elsewhere_than_into_a_cast_is_explained() -> None:
    transposed = helper.make_node("Transpose", ["images"], ["late"], perm=[0, 3, 1, 2], name="too_early")
    cast = helper.make_node("Cast", ["late"], ["maps"], to=TensorProto.FLOAT)
    said = refusal(model([transposed, cast, PEAK]))
    assert "node 0 'too_early' (Transpose)" in said
    assert "a uint8 image may enter a Cast only" in said
    assert "cudaError" not in said  # that this machine has no GPU is nobody's fault


@pytest.mark.parametrize("content", [b"no model", spot_model()[:200]], ids=["foreign", "truncated"])
def test_bytes_that_are_no_model_are_refused(content: bytes) -> None:
    said = refusal(content)
    assert "the file: MODEL_DESERIALIZE_FAILED" in said
    assert "check the bundle with 'taktsight verify'" in said


def test_asymmetric_int8_is_refused() -> None:
    said = refusal(quantised(TensorProto.INT8, 3), "int8")
    assert "'quantise' (QuantizeLinear)" in said
    assert "int8 must be symmetric here" in said


def test_uint8_activations_that_would_silently_become_int8_are_refused() -> None:
    """The parser only warns, and all above half of the range would be cut."""
    assert "would compute 2 quantised tensors in int8 where the model says uint8" in refusal(
        quantised(TensorProto.UINT8, 0), "int8"
    )


@pytest.mark.parametrize(
    ("content", "computes", "asked"),
    [
        (spot_model(), "f32", "fp16"),
        (spot_model(), "f32", "int8"),
        (quantised(TensorProto.INT8, 0), "int8", "f32"),
    ],
    ids=["f32 for fp16", "f32 for int8", "int8 for f32"],
)
def test_precision_is_that_of_the_model_or_nothing_runs(content: bytes, computes: str, asked: str) -> None:
    said = refusal(content, asked)
    assert f"{asked} was asked for and the model computes in {computes}" in said
    assert f"set backend.precision to {computes}" in said


def test_half_precision_is_seen_in_the_network() -> None:
    half = helper.make_node("Cast", ["images"], ["pixels"], to=TensorProto.FLOAT16)
    nodes = [
        half,
        helper.make_node("Mul", ["pixels", "pixels"], ["squares"]),
        helper.make_node("Cast", ["squares"], ["maps"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMax", ["maps"], ["peak"], keepdims=1),
        helper.make_node("Flatten", ["peak"], ["scores"]),
    ]
    vendor = open_vendor("tensorrt_rtx")
    parsed = parse(vendor, model(nodes), listen(vendor), precision="fp16")
    assert precision_of(vendor, parsed.network) == "fp16"


def test_model_that_breaks_the_contract_is_refused() -> None:
    nodes = [helper.make_node("Identity", ["images"], ["maps"]), PEAK]
    assert "the model takes [('FLOAT', 4)]; one uint8" in refusal(model(nodes, takes=TensorProto.FLOAT))
    flat = [CAST, helper.make_node("Flatten", ["pixels"], ["maps"]), PEAK]
    assert "float32 maps (N, K, h, w) and scores (N, K) are wanted" in refusal(model(flat))


def test_weights_are_those_of_the_model() -> None:
    """The parser refers to memory that it owns: it must live as long as the network."""
    weights = np.arange(4, dtype=np.float32).reshape(1, 1, 2, 2)
    nodes = [
        CAST,
        helper.make_node("Transpose", ["pixels"], ["planes"], perm=[0, 3, 1, 2]),
        helper.make_node("Conv", ["planes", "kernel"], ["maps"], name="conv"),
        helper.make_node("ReduceMax", ["maps", "axes"], ["scores"], keepdims=0),
    ]
    constants = [
        onnx.numpy_helper.from_array(weights, "kernel"),
        onnx.numpy_helper.from_array(np.array([2, 3]), "axes"),
    ]
    vendor = open_vendor("tensorrt_rtx")
    parsed = parse(vendor, model(nodes, constants), listen(vendor), precision="f32")
    kinds = [parsed.network.get_layer(number).type.name for number in range(parsed.network.num_layers)]
    assert "CONVOLUTION" in kinds
    assert parsed.parser is not None
