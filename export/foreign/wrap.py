"""A foreign graph within the model contract: uint8 (N, H, W, C) in → maps and scores float32 0–1 out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import (
    AttributeProto,
    GraphProto,
    NodeProto,
    TensorProto,
    ValueInfoProto,
    compose,
    helper,
    numpy_helper,
)

from taktsight.errors import ExportError
from taktsight.export.foreign.graph import Chosen, ForeignGraph, graphs_in
from taktsight.export.foreign.reference import MapSize
from taktsight.export.to_onnx import forget_sources
from taktsight.foreign import Preparation
from taktsight.imaging import Canvas
from taktsight.training.networks import TOP_PIXELS

FOREIGN = "foreign/"
"""Stands before every name of the foreign graph."""
IR_VERSION = 10
"""Which every ONNX Runtime that we support reads."""


def wrap(
    graph: ForeignGraph, chosen: Chosen, preparation: Preparation, canvas: Canvas, size: MapSize
) -> bytes:
    """The foreign network as the model of a bundle.

    Args:
        graph: opened.
        chosen: which of its outputs are maps and scores.
        preparation: as it was stated.
        canvas: what the line gives it.
        size: of the maps, as they came out of a run.

    Raises:
        ExportError: If ONNX's checker refuses what came out.
    """
    inner = compose.add_prefix(graph.proto, FOREIGN).graph
    del inner.value_info[:]  # sizes of before: some were free
    around = _Builder()
    _prepare(around, preparation, canvas)
    before = len(around.nodes)
    around.nodes[-1].output[0] = FOREIGN + graph.input
    _read(around, chosen, preparation, size)
    nodes = [*around.nodes[:before], *inner.node, *around.nodes[before:]]
    given, answered = _ends(graph.shape[0] or "N", len(preparation.labels), canvas, size)
    constants = [*inner.initializer, *around.constants]
    whole = helper.make_graph(nodes, "taktsight", given, answered, constants)
    _prune(whole)
    _name_nodes(whole)
    return _whole_model(whole, graph)


def _ends(
    batch: int | str, labels: int, canvas: Canvas, size: MapSize
) -> tuple[list[ValueInfoProto], list[ValueInfoProto]]:
    """Inputs and outputs of the model contract."""
    value, number = helper.make_tensor_value_info, TensorProto.FLOAT
    images = value("images", TensorProto.UINT8, [batch, canvas.height, canvas.width, canvas.channels])
    maps = value("maps", number, [batch, labels, size.height, size.width])
    return [images], [maps, value("scores", number, [batch, labels])]


def _whole_model(whole: GraphProto, graph: ForeignGraph) -> bytes:
    """The wrapped graph in the operator set of the foreign one, as ONNX's checker likes it."""
    model = helper.make_model(whole, opset_imports=list(graph.proto.opset_import))
    model.ir_version = min(max(graph.proto.ir_version, 8), IR_VERSION)
    forget_sources(model)
    try:
        onnx.checker.check_model(model, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise ExportError(
            f"{graph.name}: what was wrapped is refused by ONNX's checker: {error}"
        ) from error
    return bytes(model.SerializeToString(deterministic=True))


class _Builder:
    """Nodes and constants, one after the other."""

    def __init__(self) -> None:
        self.nodes: list[NodeProto] = []
        self.constants: list[TensorProto] = []

    def constant(self, name: str, values: NDArray[np.float32] | NDArray[np.int64]) -> str:
        self.constants.append(numpy_helper.from_array(values, name))
        return name

    def add(self, kind: str, *inputs: str, into: str, **attributes: Any) -> str:
        outputs = [into] if kind != "TopK" else [into, f"{into}_places"]
        self.nodes.append(helper.make_node(kind, list(inputs), outputs, name=into, **attributes))
        return into


def _prepare(around: _Builder, preparation: Preparation, canvas: Canvas) -> None:
    """The images as the foreign network takes them. The cast comes first: TensorRT wants it there."""
    last = around.add("Cast", "images", into="float", to=TensorProto.FLOAT)
    last = around.add("Transpose", last, into="planes", perm=[0, 3, 1, 2])
    if preparation.colour == "bgr":
        order = around.constant("bgr_order", np.array([2, 1, 0], np.int64))
        last = around.add("Gather", last, order, into="bgr", axis=1)
    mean = np.array(preparation.mean).reshape(1, -1, 1, 1) * 255
    scale = 1 / (np.array(preparation.deviation).reshape(1, -1, 1, 1) * 255)
    last = around.add("Sub", last, around.constant("mean", mean.astype(np.float32)), into="centred")
    last = around.add("Mul", last, around.constant("scale", scale.astype(np.float32)), into="normalised")
    if preparation.resize is not None:
        rows, columns = preparation.resize
        down = around.constant("resize_rows", shrunk(canvas.height, rows))
        across = around.constant("resize_columns", np.ascontiguousarray(shrunk(canvas.width, columns).T))
        last = around.add("MatMul", down, last, into="resized_rows")
        last = around.add("MatMul", last, across, into="resized")
    if preparation.axes == "nhwc":
        around.add("Transpose", last, into="channels_last", perm=[0, 2, 3, 1])


def _read(around: _Builder, chosen: Chosen, preparation: Preparation, size: MapSize) -> None:
    labels = len(preparation.labels)
    if chosen.maps is not None:
        _classes(around, FOREIGN + chosen.maps, preparation, (size.height, size.width), into="maps")
    if chosen.scores is not None:
        _classes(around, FOREIGN + chosen.scores, preparation, (), into="scores")
    if chosen.maps is None:
        shape = around.constant("maps_shape", np.array([-1, labels, 1, 1], np.int64))
        around.add("Reshape", "scores", shape, into="maps")
    if chosen.scores is None:
        pixels = size.height * size.width
        flat = around.constant("flat_shape", np.array([-1, labels, pixels], np.int64))
        count = around.constant("top_pixels", np.array([min(TOP_PIXELS, pixels)], np.int64))
        last = around.add("Reshape", "maps", flat, into="flat")
        last = around.add("TopK", last, count, into="highest", axis=2)
        axis = around.constant("pixels_axis", np.array([2], np.int64))
        around.add("ReduceMean", last, axis, into="scores", keepdims=0)


def _classes(
    around: _Builder, raw: str, preparation: Preparation, places: Sequence[int], *, into: str
) -> None:
    """An output of all classes as one of the defect labels, 0–1."""
    classes = preparation.classes
    shape = around.constant(f"{into}_classes", np.array([-1, len(classes), *places], np.int64))
    last = around.add("Reshape", raw, shape, into=f"{into}_raw")
    if preparation.activation == "sigmoid":
        last = around.add("Sigmoid", last, into=f"{into}_sure")
    elif preparation.activation == "softmax":
        last = around.add("Softmax", last, into=f"{into}_sure", axis=1)
    kept = [place for place, name in enumerate(classes) if name != preparation.good]
    chosen = around.constant(f"{into}_labels", np.array(kept, np.int64))
    around.add("Gather", last, chosen, into=into, axis=1)


def shrunk(length: int, wanted: int) -> NDArray[np.float32]:
    """(wanted, length): bilinear resizing of one axis with antialias, as a matrix that every engine has.

    Each new pixel is a mean of the old ones, weighted by a triangle as wide as the new pixels are.
    """
    scale = length / wanted
    reach = max(scale, 1.0)
    centres = (np.arange(wanted) + 0.5) * scale
    distance = np.abs(np.arange(length) + 0.5 - centres[:, np.newaxis]) / reach
    weights = (1 - distance).clip(min=0)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True), np.float32)


def _prune(graph: GraphProto) -> None:
    """Removes what neither maps nor scores need, in place: masks and labels of the foreign network."""
    wanted = {output.name for output in graph.output}
    kept: list[NodeProto] = []
    for node in reversed(graph.node):
        if wanted & set(node.output):
            kept.append(node)
            wanted |= set(node.input) | captured(node)
    constants = [tensor for tensor in graph.initializer if tensor.name in wanted]
    del graph.node[:], graph.initializer[:]
    graph.node.extend(reversed(kept))
    graph.initializer.extend(constants)


def _name_nodes(graph: GraphProto) -> None:
    """A name of its own for each node, in place: int8 leaves nodes out by their names."""
    taken: set[str] = set()
    for number, node in enumerate(graph.node):
        if not node.name or node.name in taken:
            node.name = f"{FOREIGN}{node.op_type}#{number}"
        taken.add(node.name)


def captured(node: NodeProto) -> set[str]:
    """Names that graphs within a node take from outside; their own names do no harm."""
    inner = [
        graph
        for held in node.attribute
        if held.type in (AttributeProto.GRAPH, AttributeProto.GRAPHS)
        for top in (held.g, *held.graphs)
        for graph in graphs_in(top)
    ]
    names = {name for graph in inner for each in graph.node for name in each.input}
    return names | {output.name for graph in inner for output in graph.output}
