"""A float32 model as int8: static, on real training parts, without the layers that cannot bear it."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import onnx
import onnxruntime as ort
from numpy.typing import NDArray

from taktsight.errors import BackendError
from taktsight.export.layer_noise import LAYERS, layer_noise
from taktsight.export.symmetric import make_symmetric

Tiles = NDArray[np.uint8]
KEPT = (0, 4, 16)
"""So many of the noisiest layers stay float32, tried in turn."""
SCORE_DIFFERENCE = 0.1
"""On the calibration tiles; less is good enough to try no further."""


@dataclass(frozen=True, slots=True)
class Quantised:
    """An int8 model, and what was left out of it."""

    model: bytes
    kept: tuple[str, ...]
    """Layers that stayed float32 because rounding them moved scores, noisiest first."""
    crossings: int
    """Calibration tiles whose score changed sides of a limit."""
    score_difference: float
    """Largest, on the calibration tiles."""


def quantise(model: bytes, tiles: Tiles, edges: Sequence[float], *, symmetric: bool = False) -> Quantised:
    """Rounds weights per channel and activations per tensor; biases make up for each layer's mean error.

    The last layer stays float32: its answer is what limits are compared with. So do the noisiest others,
    where calibration tiles change sides of a limit without; the least crossings win.

    Args:
        model: float32 ONNX.
        tiles: (T, H, W, C) uint8 as the line prepares them; the ranges of all activations come from them.
        edges: the K labels' limits, 0–1.
        symmetric: activations with zero points of 0, as TensorRT wants them; costs some a bit of eight.

    Raises:
        BackendError: If the quantiser is not installed.
    """
    proto = onnx.load_from_string(model)
    head = [node.name for node in proto.graph.node if node.op_type in LAYERS][-1]
    wanted = _scores(model, tiles)
    noisiest: list[str] = []
    tried: list[Quantised] = []
    for count in KEPT:
        left_alone = noisiest[:count]
        rounded = _rounded(proto, tiles, [head, *left_alone], symmetric=symmetric)
        if not noisiest:
            noisiest = layer_noise(proto, onnx.load_from_string(rounded), tiles)
        scores = _scores(rounded, tiles)
        crossings = int(((scores >= np.asarray(edges)) != (wanted >= np.asarray(edges))).any(axis=1).sum())
        worst = float(np.abs(scores - wanted).max())
        tried.append(Quantised(rounded, tuple(left_alone), crossings, worst))
        if not crossings and worst <= SCORE_DIFFERENCE:
            break
    return min(tried, key=lambda each: (each.crossings, each.score_difference))


def calibration_tiles(tiles: Tiles, targets: Sequence[int], count: int) -> Tiles:
    """At most ``count`` tiles: every label and good parts alike, each from its darkest to its brightest.

    Args:
        tiles: (T, H, W, C) uint8.
        targets: (T,) what each shows.
        count: how many are wanted.
    """
    brightness = tiles.mean(axis=(1, 2, 3), dtype=np.float64)
    groups = [np.flatnonzero(np.asarray(targets) == target) for target in sorted(set(targets))]
    chosen: list[int] = []
    for place, group in enumerate(groups):
        share = (count - len(chosen)) // (len(groups) - place)
        dark_to_bright = group[np.argsort(brightness[group], kind="stable")]
        steps = np.linspace(0, len(group) - 1, min(share, len(group))).round().astype(int)
        chosen += dark_to_bright[steps].tolist()
    return np.ascontiguousarray(tiles[sorted(chosen)])


def _rounded(proto: onnx.ModelProto, tiles: Tiles, left_alone: Sequence[str], *, symmetric: bool) -> bytes:
    # Without this NNCF reports its use over the network, unasked.
    os.environ["NNCF_CI"] = "1"
    try:
        import nncf
        from nncf.quantization.advanced_parameters import QuantizationParameters
    except ModuleNotFoundError as error:
        raise BackendError(
            f"int8 needs NNCF, which is not installed ({error}); pip install 'taktsight[int8]'"
        ) from error
    logging.getLogger("nncf").setLevel(logging.ERROR)
    name = proto.graph.input[0].name
    whole = onnx.ModelProto()
    whole.CopyFrom(proto)
    model: onnx.ModelProto = nncf.quantize(
        whole,
        nncf.Dataset([{name: tile} for tile in tiles[:, None]]),
        preset=nncf.QuantizationPreset.MIXED,
        subset_size=len(tiles),
        ignored_scope=nncf.IgnoredScope(names=list(left_alone)),
        # ONNX Runtime refuses an activation with a scale per channel.
        advanced_parameters=nncf.AdvancedQuantizationParameters(
            activations_quantization_params=QuantizationParameters(per_channel=False)
        ),
    )
    model = make_symmetric(model) if symmetric else model
    model.producer_name, model.producer_version = "taktsight", ""
    del model.metadata_props[:]
    return bytes(model.SerializeToString(deterministic=True))


def _scores(model: bytes, tiles: Tiles) -> NDArray[np.float32]:
    """(T, K)."""
    session = ort.InferenceSession(model, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return np.concatenate([session.run(["scores"], {name: tile})[0] for tile in tiles[:, None]])
