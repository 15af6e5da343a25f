"""Which nodes of a wrapped network int8 leaves alone: what was put around it, and what answers."""

from __future__ import annotations

import onnx

from taktsight.errors import ExportError
from taktsight.export.foreign.wrap import FOREIGN, captured

PRODUCTS = ("Conv", "ConvTranspose", "Gemm", "MatMul")
"""Convolutions and matrix products: what int8 makes faster."""


def left_alone(model: bytes, name: str) -> tuple[str, ...]:
    """Names of the nodes that stay float32.

    Those are the preparation and the reading of the outputs, the last layer before each output, for its
    answer is what limits are compared with, and whatever stands behind them.

    Args:
        model: wrapped.
        name: of the file, for the error.

    Raises:
        ExportError: If no layer is left to round.
    """
    feeds_a_layer: set[str] = set()
    alone: list[str] = []
    rounded = 0
    for node in reversed(onnx.load_from_string(model).graph.node):
        is_layer, is_foreign = node.op_type in PRODUCTS, node.name.startswith(FOREIGN)
        comes_before_one = not feeds_a_layer.isdisjoint(node.output)
        if is_layer or comes_before_one:
            feeds_a_layer |= set(node.input) | captured(node)
        if not (is_foreign and comes_before_one):
            alone.append(node.name)
        elif is_layer:
            rounded += 1
    if not rounded:
        raise ExportError(
            f"{name}: has no convolution or matrix product before its last one, so nothing of it would be "
            "computed in int8; leave the int8 engines out"
        )
    return tuple(alone)
