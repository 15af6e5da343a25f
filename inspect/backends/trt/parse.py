"""An ONNX model as a network of the vendor's, or everything that speaks against it in one error."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from taktsight.errors import BackendError
from taktsight.inspect.backends.trt.vendor import Vendor
from taktsight.inspect.backends.trt.vendor_log import NO_GPU, last_words

ADVICE = (
    ("MODEL_DESERIALIZE_FAILED", "the bytes are no ONNX: check the bundle with 'taktsight verify'"),
    (
        "must have type Float, Half",
        "a uint8 image may enter a Cast only: export the bundle again with this Taktsight",
    ),
    (
        "zero point",
        "int8 must be symmetric here: run another precision, or export int8 with zero points of 0",
    ),
    ("must have type FP8", "int8 weights and activations only, no quantised bias: run another precision"),
    ("Plugin not found", "the operator is not one of ONNX's own: a bundle holds standard operators only"),
    ("UNSUPPORTED_NODE", "the engine does not know the operator: change the network, or run onnxruntime"),
)
"""Words of the parser, and what to do."""
SILENT_CHANGE = "Defaulting to INT8 instead"
"""The parser only warns where it reads uint8 as int8: all above half of the range would be cut."""


@dataclass(frozen=True, slots=True)
class Parsed:
    """A network. Builder and parser own what it refers to, and live as long."""

    builder: Any
    network: Any
    parser: Any


def parse(vendor: Vendor, model: bytes, listener: Any, *, precision: str) -> Parsed:
    """The model as a strongly typed network: every number keeps the type that the ONNX gives it.

    Raises:
        BackendError: Naming every node that the parser refuses, or what else is not as asked for.
    """
    module, flags = vendor.module, 0
    if vendor.traits.typed_flag:
        flags |= 1 << int(module.NetworkDefinitionCreationFlag.STRONGLY_TYPED)
    try:
        builder = module.Builder(listener)
    except (TypeError, RuntimeError) as error:
        raise BackendError(f"{vendor} cannot build here: {last_words(listener)} ({error})") from error
    network = builder.create_network(flags)
    parser = module.OnnxParser(network, listener)
    if not parser.parse(model):
        raise BackendError(refusal(vendor, [parser.get_error(i) for i in range(parser.num_errors)]))
    changed = [said for said in listener.warnings if SILENT_CHANGE in said]
    if changed:
        raise BackendError(
            f"{vendor} would compute {len(changed)} quantised tensors in int8 where the model says uint8; "
            "export int8 with signed activations, or run another precision"
        )
    _check_contract(vendor, network)
    _check_precision(vendor, network, precision)
    return Parsed(builder, network, parser)


def refusal(vendor: Vendor, errors: Sequence[Any]) -> str:
    """All of the parser's errors, a line each, and what to do about them."""
    lines = [_one(error) for error in errors] or ["it does not say why"]
    advice = [todo for words, todo in ADVICE if any(words in line for line in lines)]
    todo = "; ".join(advice) or "run another engine, such as onnxruntime"
    return f"{vendor} refuses the model:\n  " + "\n  ".join(lines) + f"\nWhat to do: {todo}"


def _one(error: Any) -> str:
    said = [" ".join(line.split()) for line in error.desc().splitlines() if not NO_GPU.search(line)]
    reason = " ".join(line for line in said if line not in ("", "false"))
    where = f"node {error.node()} {error.node_name()!r} ({error.node_operator()})"
    return f"{where if error.node() >= 0 else 'the file'}: {error.code().name}" + (reason and f": {reason}")


def _check_contract(vendor: Vendor, network: Any) -> None:
    """That the model is what a bundle holds."""
    inputs = [network.get_input(number) for number in range(network.num_inputs)]
    outputs = [network.get_output(number) for number in range(network.num_outputs)]
    takes = [(value.dtype.name, len(value.shape)) for value in inputs]
    gives = {value.name: (value.dtype.name, len(value.shape)) for value in outputs}
    if takes != [("UINT8", 4)]:
        raise BackendError(f"{vendor}: the model takes {takes}; one uint8 (N, H, W, C) is wanted")
    if gives != {"maps": ("FLOAT", 4), "scores": ("FLOAT", 2)}:
        raise BackendError(
            f"{vendor}: the model gives {gives}; float32 maps (N, K, h, w) and scores (N, K) are wanted"
        )


def _check_precision(vendor: Vendor, network: Any, asked: str) -> None:
    found = precision_of(vendor, network)
    if found != asked:
        raise BackendError(
            f"{vendor}: {asked} was asked for and the model computes in {found}; precision is in the ONNX, "
            f"no engine changes it: set backend.precision to {found}, or export for {asked}"
        )


def precision_of(vendor: Vendor, network: Any) -> str:
    """What the network's layers compute in: int8 where tensors are quantised, fp16 where any are half."""
    module = vendor.module
    layers = [network.get_layer(number) for number in range(network.num_layers)]
    if any(layer.type == module.LayerType.QUANTIZE for layer in layers):
        return "int8"
    types = {layer.get_output(number).dtype for layer in layers for number in range(layer.num_outputs)}
    if module.DataType.HALF in types:
        return "fp16"
    return "bf16" if module.DataType.BF16 in types else "f32"
