"""How much noise rounding adds in each layer alone, on real tiles."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
from numpy.typing import NDArray
from onnx import helper, numpy_helper

LAYERS = ("Conv", "Gemm")
Steps = tuple[NDArray[Any], NDArray[Any]]
"""Scale and zero point."""
LOOKED_AT = 8
"""Tiles; the noise of a layer differs little between them."""


def layer_noise(model: onnx.ModelProto, quantised: onnx.ModelProto, tiles: NDArray[np.uint8]) -> list[str]:
    """Names of the layers that ``quantised`` rounds, noisiest first.

    Each is computed twice on what it gets in float32: as it is, and with its input and its weights rounded
    as in ``quantised``. Its noise is the energy of the difference ÷ that of its answer.

    Args:
        model: float32.
        quantised: the same graph with QuantizeLinear and DequantizeLinear nodes.
        tiles: (T, H, W, C) uint8.
    """
    rounding = _Rounding(quantised)
    rounded = {node.name: node for node in quantised.graph.node if node.op_type in LAYERS}
    twin = onnx.ModelProto()
    twin.CopyFrom(model)
    noises: dict[str, str] = {}
    for node in model.graph.node:
        if node.name not in rounded:
            continue
        steps = rounding.of_input(rounded[node.name])
        weights = rounding.weights(rounded[node.name])
        if steps is not None and weights is not None:
            noises[node.name] = _add_twin(twin.graph, node, steps, weights)
    if not noises:
        return []
    session = ort.InferenceSession(twin.SerializeToString(), providers=["CPUExecutionProvider"])
    name, outputs = session.get_inputs()[0].name, list(noises.values())
    looks = [session.run(outputs, {name: tile}) for tile in tiles[:LOOKED_AT, None]]
    mean = np.mean([[float(each) for each in look] for look in looks], axis=0)
    layers = list(noises)
    return [layers[place] for place in np.argsort(-mean)]


class _Rounding:
    """What a quantised graph does to the input and the weights of a layer."""

    def __init__(self, quantised: onnx.ModelProto) -> None:
        self._held = {each.name: numpy_helper.to_array(each) for each in quantised.graph.initializer}
        self._made_by = {name: node for node in quantised.graph.node for name in node.output}

    def of_input(self, node: onnx.NodeProto) -> Steps | None:
        """Scale and zero point of its input; None where that stays float32."""
        back = self._made_by.get(node.input[0])
        if back is None or back.op_type != "DequantizeLinear":
            return None
        return self._held[back.input[1]], self._held[back.input[2]]

    def weights(self, node: onnx.NodeProto) -> NDArray[np.float32] | None:
        """Its weights as they are after rounding, one scale per channel; None where they stay float32."""
        back = self._made_by.get(node.input[1])
        whole = self._held.get(back.input[0]) if back is not None else None
        if back is None or whole is None:
            return None
        scale = np.asarray(self._held[back.input[1]], np.float32)
        axis = next((held.i for held in back.attribute if held.name == "axis"), 1)  # ONNX's own default
        along = [1] * whole.ndim
        along[axis] = -1
        return np.asarray(whole, np.float32) * (scale.reshape(along) if scale.ndim else scale)


def _add_twin(
    graph: onnx.GraphProto, node: onnx.NodeProto, steps: Steps, weights: NDArray[np.float32]
) -> str:
    """Adds the layer once more with rounded input and weights; the name of the output that is its noise."""
    own = f"noise_{len(graph.output)}"
    for name, value in (("scale", steps[0]), ("zero", steps[1]), ("weights", weights)):
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
