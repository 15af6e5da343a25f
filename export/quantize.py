"""A float32 model as int8: static, on real training parts, without the layers that cannot bear it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
from numpy.typing import NDArray
from onnx import helper
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quantize_static,
)

from taktsight.errors import ExportError
from taktsight.export.layer_noise import layer_noise

Tiles = NDArray[np.uint8]
QUANTISED = ("Conv", "Add", "Concat", "Resize", "MaxPool", "GlobalAveragePool", "Gemm", "MatMul")
KEPT_AT_MOST = 16
"""Layers left in float32; where that is not enough, the network does not bear int8."""
MAX_SCORE_DIFFERENCE = 0.1
"""On the calibration tiles; verdicts on test parts decide in the end."""


@dataclass(frozen=True, slots=True)
class Quantised:
    """An int8 model, and what was left out of it."""

    model: bytes
    kept: tuple[str, ...]
    """Layers that stayed float32 because rounding them moved scores, noisiest first."""
    score_difference: float
    """Largest, on the calibration tiles."""


def quantise(model: bytes, tiles: Tiles, edges: Sequence[float]) -> Quantised:
    """Rounds weights per channel and activations per tensor, both symmetric: every engine takes that.

    The last layer stays float32: its output is what limits are compared with. Then as many of the noisiest
    layers as it takes for no calibration tile to change sides of a limit.

    Args:
        model: float32 ONNX.
        tiles: (T, H, W, C) uint8 as the line prepares them; the ranges of all activations come from them.
        edges: the K labels' limits, 0–1.

    Raises:
        ExportError: If scores move too far whatever is kept.
    """
    proto = onnx.load_from_string(model)
    head = [node.name for node in proto.graph.node if node.op_type in ("Conv", "Gemm", "MatMul")][-1]
    wanted = _scores(model, tiles)
    whole = _rounded(proto, tiles, [head])
    noisiest = layer_noise(proto, onnx.load_from_string(whole), tiles)
    kept = 0
    while True:
        left_alone = noisiest[:kept]
        rounded = whole if not kept else _rounded(proto, tiles, [head, *left_alone])
        apart = _scores(rounded, tiles) - wanted
        worst = float(np.abs(apart).max())
        if worst <= MAX_SCORE_DIFFERENCE and not _crosses(wanted, wanted + apart, edges):
            return Quantised(rounded, tuple(left_alone), worst)
        if kept >= min(KEPT_AT_MOST, len(noisiest)):
            raise ExportError(
                f"int8 moves a score by {worst:.2f} on the calibration tiles even with {kept} layers in "
                f"float32 ({', '.join(left_alone[:4])}, …): this network does not bear it. Export "
                "bf16, or train longer: scores near a limit move first"
            )
        kept = max(2, 2 * kept)


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


class _Reader(CalibrationDataReader):  # type: ignore[misc]  # the library has no types
    """One tile after the other."""

    def __init__(self, tiles: Tiles, name: str) -> None:
        self._batches: Iterator[Tiles] = iter(tiles[:, None])
        self._name = name

    def get_next(self) -> dict[str, Tiles] | None:
        """The next input, or None after the last."""
        batch = next(self._batches, None)
        return None if batch is None else {self._name: batch}


def _rounded(proto: onnx.ModelProto, tiles: Tiles, left_alone: Sequence[str]) -> bytes:
    options: dict[str, Any] = {"ActivationSymmetric": True, "WeightSymmetric": True}
    with tempfile.TemporaryDirectory() as folder:
        whole, file = Path(folder) / "f32.onnx", Path(folder) / "int8.onnx"
        ready = onnx.ModelProto()
        ready.CopyFrom(proto)  # the quantiser moves the weights of what it is given to files
        helper.set_model_props(ready, {"onnx.quant.pre_process": "onnxruntime.quant"})  # is folded already
        onnx.save(ready, whole)
        quantize_static(
            whole,
            file,
            _Reader(tiles, proto.graph.input[0].name),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=list(QUANTISED),
            per_channel=True,
            activation_type=QuantType.QInt8,
            weight_type=QuantType.QInt8,
            nodes_to_exclude=list(left_alone),
            calibrate_method=CalibrationMethod.MinMax,
            extra_options=options,
        )
        model = onnx.load(file)
    model.producer_name, model.producer_version = "taktsight", ""
    del model.metadata_props[:]
    return bytes(model.SerializeToString(deterministic=True))


def _scores(model: bytes, tiles: Tiles) -> NDArray[np.float32]:
    """(T, K)."""
    session = ort.InferenceSession(model, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return np.concatenate([session.run(["scores"], {name: tile})[0] for tile in tiles[:, None]])


def _crosses(one: NDArray[np.float32], other: NDArray[np.float32], edges: Sequence[float]) -> bool:
    return bool(((one >= np.asarray(edges)) != (other >= np.asarray(edges))).any())
