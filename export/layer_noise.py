"""How much noise rounding adds in each layer alone, on real tiles."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime as ort
from numpy.typing import NDArray
from onnx import helper, numpy_helper

LOOKED_AT = 8
"""Tiles; the noise of a layer differs little between them."""


def layer_noise(model: onnx.ModelProto, quantised: onnx.ModelProto, tiles: NDArray[np.uint8]) -> list[str]:
    """Names of the convolutions that ``quantised`` rounds, noisiest first.

    Each is computed twice on what it gets in float32: as it is, and with its input and its weights rounded
    as in ``quantised``. Its noise is the energy of the difference ÷ that of its answer.

    Args:
        model: float32.
        quantised: the same graph with QuantizeLinear and DequantizeLinear nodes.
        tiles: (T, H, W, C) uint8.
    """
    held = {each.name: numpy_helper.to_array(each) for each in quantised.graph.initializer}
    twin = onnx.ModelProto()
    twin.CopyFrom(model)
    graph = twin.graph
    noises: dict[str, str] = {}
    for node in model.graph.node:
        scale = held.get(f"{node.input[0]}_scale") if node.op_type == "Conv" else None
        weights = _rounded_weights(held, node) if scale is not None else None
        if scale is not None and weights is not None:
            noises[node.name] = _add_twin(graph, node, scale, weights)
    session = ort.InferenceSession(twin.SerializeToString(), providers=["CPUExecutionProvider"])
    name, outputs = session.get_inputs()[0].name, list(noises.values())
    looks = [session.run(outputs, {name: tile}) for tile in tiles[:LOOKED_AT, None]]
    mean = np.mean([[float(each) for each in look] for look in looks], axis=0)
    layers = list(noises)
    return [layers[place] for place in np.argsort(-mean)]


def _rounded_weights(
    held: dict[str, NDArray[np.generic]], node: onnx.NodeProto
) -> NDArray[np.float32] | None:
    """The layer's weights as the quantised model has them; None where it leaves them alone."""
    name = node.input[1]
    whole, scale = held.get(f"{name}_quantized"), held.get(f"{name}_scale")
    if whole is None or scale is None:
        return None
    per_channel = np.asarray(scale, np.float32).reshape(-1, *[1] * (whole.ndim - 1))
    return np.asarray(whole, np.float32) * per_channel


def _add_twin(
    graph: onnx.GraphProto, node: onnx.NodeProto, scale: NDArray[np.generic], weights: NDArray[np.float32]
) -> str:
    """Adds the layer once more with rounded input and weights; the name of the output that is its noise."""
    own = f"noise_{len(graph.output)}"
    constants = {"scale": np.asarray(scale, np.float32), "zero": np.int8(0), "weights": weights}
    for name, value in constants.items():
        graph.initializer.append(numpy_helper.from_array(np.asarray(value), f"{own}_{name}"))
    again = onnx.NodeProto()
    again.CopyFrom(node)
    again.name = f"{own}_conv"
    again.input[0], again.input[1] = f"{own}_input", f"{own}_weights"
    again.output[:] = [f"{own}_answer"]
    rounding = [f"{own}_scale", f"{own}_zero"]
    graph.node.extend(
        [
            helper.make_node("QuantizeLinear", [node.input[0], *rounding], [f"{own}_whole"]),
            helper.make_node("DequantizeLinear", [f"{own}_whole", *rounding], [f"{own}_input"]),
            again,
            helper.make_node("Sub", [f"{own}_answer", node.output[0]], [f"{own}_apart"]),
            helper.make_node("ReduceSumSquare", [f"{own}_apart"], [f"{own}_energy"], keepdims=0),
            helper.make_node("ReduceSumSquare", [node.output[0]], [f"{own}_whole_energy"], keepdims=0),
            helper.make_node("Div", [f"{own}_energy", f"{own}_whole_energy"], [own]),
        ]
    )
    graph.output.append(helper.make_tensor_value_info(own, onnx.TensorProto.FLOAT, []))
    return own
