"""An ONNX file of somebody else, opened; what a bundle cannot hold is refused by name."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import onnx
from google.protobuf.message import DecodeError
from onnx import AttributeProto, GraphProto, ModelProto, TensorProto, inliner, version_converter

from taktsight.card import Task
from taktsight.errors import ConfigError, ExportError
from taktsight.export.to_onnx import OPSET

STANDARD = ("", "ai.onnx")
"""Operator domains that every engine has."""
ANOMALIB = ("anomaly_map", "pred_score")
"""What anomalib calls its outputs."""


@dataclass(frozen=True, slots=True)
class ForeignGraph:
    """The file, and what its graph says of itself."""

    name: str
    content: bytes
    """As it lies on the disk: the reference runs this."""
    proto: ModelProto
    """The same without functions, in opset 18 or newer: this is wrapped."""
    input: str
    shape: tuple[int | None, ...]
    """Of the input, four axes; None where a size is free."""
    outputs: tuple[str, ...]
    """Names of the float32 ones."""

    @property
    def sha256(self) -> str:
        """Digest of the file."""
        return hashlib.sha256(self.content).hexdigest()

    @property
    def producer(self) -> str:
        """What the file says wrote it."""
        said = f"{self.proto.producer_name} {self.proto.producer_version}".strip()
        return said or "an unnamed program"


@dataclass(frozen=True, slots=True)
class Chosen:
    """The outputs that become maps and scores, by name; one of them may be missing."""

    maps: str | None
    scores: str | None


def open_graph(path: Path) -> ForeignGraph:
    """Opens the file of a foreign network.

    Raises:
        ConfigError: If there is no such file.
        ExportError: If it is no ONNX, keeps weights in another file, needs operators of its own, or takes
            something else than one batch of float32 images.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    try:
        proto = onnx.load_model_from_string(content)
    except DecodeError as error:
        raise ExportError(f"{path}: is not an ONNX file: {error}") from error
    if not proto.graph.node:
        raise ExportError(f"{path}: is not an ONNX file, or holds no network")
    _refuse_external_data(path, proto)
    proto = inliner.inline_local_functions(proto)
    _refuse_own_operators(path, proto)
    name, shape = _input_of(path, proto.graph)
    try:
        onnx.checker.check_model(proto, full_check=True)
        proto = _newer(proto)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise ExportError(f"{path}: is refused by ONNX's checker: {error}") from error
    except (version_converter.ConvertError, RuntimeError) as error:
        raise ExportError(
            f"{path}: cannot be read as opset {OPSET}: {error}; export it with opset_version={OPSET}"
        ) from error
    floats = tuple(each.name for each in proto.graph.output if _kind(each) == TensorProto.FLOAT)
    return ForeignGraph(path.name, content, proto, name, shape, floats)


def choose_outputs(graph: ForeignGraph, task: Task, maps: str | None, scores: str | None) -> Chosen:
    """Which outputs are maps and scores: those that were named, anomalib's own, or the only one there is.

    Raises:
        ConfigError: If an output that was named is not there, or the task has no use for it.
        ExportError: If the outputs are fewer or more than the task needs, and nobody said which.
    """
    for flag, name in (("--maps", maps), ("--scores", scores)):
        if name is not None and name not in graph.outputs:
            raise ConfigError(
                f"{flag} {name!r}: {graph.name} has no such float32 output, but {', '.join(graph.outputs)}"
            )
    if task == "classification" and maps is not None:
        raise ConfigError("--maps: a classifier has none; name its output with --scores")
    if task == "anomaly" and maps is None and ANOMALIB[0] in graph.outputs:
        known = scores or (ANOMALIB[1] if ANOMALIB[1] in graph.outputs else None)
        return Chosen(ANOMALIB[0], known)
    if task == "classification":
        return Chosen(None, scores or _only(graph, "--scores"))
    return Chosen(maps or _only(graph, "--maps"), scores)


def _only(graph: ForeignGraph, flag: str) -> str:
    if len(graph.outputs) != 1:
        raise ExportError(
            f"{graph.name}: has {len(graph.outputs)} float32 outputs ({', '.join(graph.outputs)}), one is "
            f"wanted; say which with {flag}"
        )
    return graph.outputs[0]


def graphs_in(graph: GraphProto) -> Iterator[GraphProto]:
    """The graph and all that lie within its nodes."""
    yield graph
    for node in graph.node:
        for attribute in node.attribute:
            for inner in (attribute.g, *attribute.graphs):
                if inner.node:
                    yield from graphs_in(inner)


def _refuse_external_data(path: Path, proto: ModelProto) -> None:
    tensors = [tensor for graph in graphs_in(proto.graph) for tensor in graph.initializer]
    nodes = [node for graph in graphs_in(proto.graph) for node in graph.node]
    nodes += [node for function in proto.functions for node in function.node]
    tensors += [held.t for node in nodes for held in node.attribute if held.type == AttributeProto.TENSOR]
    outside = [tensor.name for tensor in tensors if tensor.data_location == TensorProto.EXTERNAL]
    if outside:
        raise ExportError(
            f"{path}: keeps {len(outside)} weights in another file, the first is {outside[0]!r}; a bundle "
            'is one file: export it with external_data=False, or join them: python -c "import onnx; '
            f"onnx.save(onnx.load('{path}'), 'whole.onnx')\""
        )


def _refuse_own_operators(path: Path, proto: ModelProto) -> None:
    nodes = [node for graph in graphs_in(proto.graph) for node in graph.node]
    own = sorted({f"{node.domain}.{node.op_type}" for node in nodes if node.domain not in STANDARD})
    if own:
        raise ExportError(
            f"{path}: needs {', '.join(own)}, which no other engine has; export it with standard operators"
        )


def _newer(proto: ModelProto) -> ModelProto:
    opset = next(each.version for each in proto.opset_import if each.domain in STANDARD)
    newer = proto if opset >= OPSET else version_converter.convert_version(proto, OPSET)
    version = next(each.version for each in newer.opset_import if each.domain in STANDARD)
    del newer.opset_import[:]
    newer.opset_import.append(onnx.helper.make_opsetid("", version))
    return newer


def _input_of(path: Path, graph: GraphProto) -> tuple[str, tuple[int | None, ...]]:
    kept = {tensor.name for tensor in graph.initializer}  # old files list their weights as inputs
    inputs = [each for each in graph.input if each.name not in kept]
    if len(inputs) != 1:
        names = ", ".join(each.name for each in inputs)
        raise ExportError(f"{path}: takes {len(inputs)} inputs ({names}), one batch of images is wanted")
    kind, axes = _kind(inputs[0]), inputs[0].type.tensor_type.shape.dim
    if kind != TensorProto.FLOAT or len(axes) != 4:
        raise ExportError(
            f"{path}: {inputs[0].name} is {TensorProto.DataType.Name(kind).lower()} of {len(axes)} axes; "
            "float32 images of four are wanted: export it in float32, without its own preparation"
        )
    sizes = tuple(axis.dim_value if axis.HasField("dim_value") else None for axis in axes)
    if sizes[0] not in (None, 1):
        raise ExportError(
            f"{path}: takes {sizes[0]} images at a time; export it with a free batch dimension, or one of 1"
        )
    return inputs[0].name, sizes


def _kind(value: onnx.ValueInfoProto) -> int:
    return int(value.type.tensor_type.elem_type)
