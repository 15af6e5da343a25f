"""Between which layers an engine's answer begins to differ from that of the trained network."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from taktsight.export.layer_noise import LAYERS
from taktsight.inspect.backends.backend import model_for
from taktsight.inspect.config import Engine, OpenVino

BEGINS = {"f32": 1e-3}
"""Relative difference of what enters a layer that is more than rounding; of shorter arithmetic 0.1."""
Values = dict[str, NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class Divergence:
    """Where it begins."""

    after: str
    """The last layer whose input agrees; "" where what enters the first one differs already."""
    layer: str
    """The first layer whose input differs."""
    difference: float
    """Norm of the difference ÷ norm of what the trained network has there."""

    def __str__(self) -> str:
        if not self.after:
            return (
                f"it begins before the first layer ({self.difference:.1%}): look at normalisation, channel "
                "order, scale and crop"
            )
        return f"it begins between {self.after} and {self.layer} ({self.difference:.1%})"


def where_it_begins(
    network: nn.Module, engine: Engine, models: Mapping[str, bytes], tiles: NDArray[np.uint8]
) -> Divergence | None:
    """The first layer that is fed something else by more than rounding; None where none is.

    Inputs of layers are compared, not outputs: the exporter folds batch norms into the layers before them.

    Args:
        network: the trained one.
        engine: that was compared.
        models: of the bundle, by precision.
        tiles: (N, H, W, C) uint8, of a part that it judged otherwise.
    """
    wanted = _inputs_in_torch(network, tiles)
    layers = _layers(onnx.load_from_string(models["f32"]), wanted)
    candidate = onnx.load_from_string(model_for(engine, models))
    feeds = {node.name: node.input[0] for node in candidate.graph.node if node.op_type in LAYERS}
    shown = {layer: feeds[name] for name, layer in layers.items() if name in feeds}
    run = _run_openvino if isinstance(engine, OpenVino) else _run_onnxruntime
    got = run(_showing(candidate, list(shown.values())), engine.precision, tiles, list(shown.values()))
    edge, after = BEGINS.get(engine.precision, 0.1), ""
    for layer, value in shown.items():
        apart = float(np.linalg.norm(got[value] - wanted[layer]))
        apart /= float(np.linalg.norm(wanted[layer])) or 1.0
        if not apart <= edge:
            return Divergence(after, layer, apart)
        after = layer
    return None


@torch.inference_mode()
def _inputs_in_torch(network: nn.Module, tiles: NDArray[np.uint8]) -> Values:
    """What enters each layer, by the layer's name; layers that are used more than once are left out."""
    seen: dict[str, list[NDArray[np.float32]]] = {}

    def keep(name: str) -> Any:
        def hook(_: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            seen.setdefault(name, []).append(inputs[0].float().numpy(force=True))

        return hook

    hooks = [
        module.register_forward_pre_hook(keep(name))
        for name, module in network.named_modules()
        if isinstance(module, nn.Conv2d | nn.Linear)
    ]
    network.eval()(torch.from_numpy(tiles))
    for hook in hooks:
        hook.remove()
    return {name: values[0] for name, values in seen.items() if len(values) == 1}


def _layers(proto: onnx.ModelProto, known: Values) -> dict[str, str]:
    """Name of each ONNX layer → name of the trained layer whose weights it has, in order."""
    named = (
        (node.name, node.input[1].removesuffix(".weight"))
        for node in proto.graph.node
        if node.op_type in LAYERS
    )
    return {node: layer for node, layer in named if layer in known}


def _showing(proto: onnx.ModelProto, names: list[str]) -> bytes:
    """The model with these inner values among its outputs."""
    shown = onnx.ModelProto()
    shown.CopyFrom(proto)
    for name in _missing(names, {output.name for output in shown.graph.output}):
        shown.graph.output.append(onnx.ValueInfoProto(name=name))
    return bytes(shown.SerializeToString())


def _missing(names: list[str], present: set[str]) -> Iterator[str]:
    yield from (name for name in dict.fromkeys(names) if name not in present)


def _run_onnxruntime(model: bytes, precision: str, tiles: NDArray[np.uint8], names: list[str]) -> Values:
    session = ort.InferenceSession(model, providers=["CPUExecutionProvider"])
    answers = session.run(names, {session.get_inputs()[0].name: tiles})
    return dict(zip(names, answers, strict=True))


def _run_openvino(model: bytes, precision: str, tiles: NDArray[np.uint8], names: list[str]) -> Values:
    import openvino

    from taktsight.inspect.backends.ov import HINTS

    core = openvino.Core()
    properties: dict[str, Any] = {"INFERENCE_PRECISION_HINT": HINTS[precision]}
    request = core.compile_model(core.read_model(model), "CPU", properties).create_infer_request()
    request.infer([tiles])
    return {name: np.array(request.get_tensor(name).data) for name in names}
