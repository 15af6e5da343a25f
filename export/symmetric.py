"""A quantised model with zero points of 0 and signed numbers only: what NVIDIA's engines read."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, numpy_helper

LARGEST = 127
"""Of a signed byte, as engines use it."""


def make_symmetric(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model with each asymmetric range widened to one around 0; signed symmetric ones stay.

    A range from 0 to 1 becomes one from -1 to 1 and loses one bit of eight. Without this the parser of
    TensorRT refuses the model, or reads its unsigned bytes as signed and cuts off half of the range.
    """
    changed = onnx.ModelProto()
    changed.CopyFrom(model)
    noted = {value.name: value for value in changed.graph.value_info}
    tensors = {tensor.name: tensor for tensor in changed.graph.initializer}
    for node in changed.graph.node:
        if node.op_type in ("QuantizeLinear", "DequantizeLinear") and len(node.input) == 3:
            scale, zero = (tensors[name] for name in node.input[1:])
            if zero.data_type == TensorProto.UINT8 or numpy_helper.to_array(zero).any():
                _widen(changed, node, scale, zero)
                for name in {*node.input[:1], *node.output} & set(noted):
                    if noted[name].type.tensor_type.elem_type == TensorProto.UINT8:
                        noted[name].type.tensor_type.elem_type = TensorProto.INT8
    used = {name for node in changed.graph.node for name in node.input}
    for tensor in [each for each in changed.graph.initializer if each.name not in used]:
        changed.graph.initializer.remove(tensor)
    return changed


def _widen(model: onnx.ModelProto, node: onnx.NodeProto, scale: TensorProto, zero: TensorProto) -> None:
    """Gives a node a scale and a zero point of its own: others may share the old ones."""
    steps, middle = numpy_helper.to_array(scale), numpy_helper.to_array(zero).astype(np.float64)
    lowest, highest = (0, 255) if zero.data_type == TensorProto.UINT8 else (-128, 127)
    reach = np.maximum(middle - lowest, highest - middle) * steps
    named = [f"{node.name}_{what}_symmetric" for what in ("scale", "zero")]
    values = ((reach / LARGEST).astype(np.float32), np.zeros(middle.shape, np.int8))
    for name, value in zip(named, values, strict=True):
        model.graph.initializer.append(numpy_helper.from_array(np.asarray(value), name))
    node.input[1:] = named
