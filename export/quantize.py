"""A float32 model as int8: static, on real training parts, without the layers that cannot bear it."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from taktsight.card import Card
from taktsight.errors import BackendError
from taktsight.export.layer_noise import LAYERS, layer_noise
from taktsight.export.symmetric import make_symmetric
from taktsight.inspect.backends.backend import Backend, open_backend
from taktsight.inspect.backends.ort import ERRORS
from taktsight.inspect.config import built_engine
from taktsight.inspect.engines import ON_THIS_CPU, REFERENCE, engine_named
from taktsight.records import Scores

Tiles = NDArray[np.uint8]
CALIBRATION_TILES, CHECKED_TILES = 64, 128
"""That ranges are measured on, and those that the result is held against float32 on."""
KEPT = (0, 4, 16)
"""So many of the noisiest layers stay float32, tried in turn."""
SCORE_DIFFERENCE = 0.1
"""On the checked tiles; less is good enough to try no further."""
_NNCF_FAILS = (*ERRORS, AttributeError, LookupError, TypeError, ValueError)
"""In which NNCF ends on a graph that it does not know, such as one with computed weights."""
JUDGE = "onnxruntime:int8"
"""Where no engine is named that runs on this machine."""


@dataclass(frozen=True, slots=True)
class Quantised:
    """An int8 model, and what was left out of it."""

    model: bytes
    kept: tuple[str, ...]
    """Layers that stayed float32 because rounding them moved scores."""
    crossings: int
    """Checked tiles whose score changed sides of a limit, on the engine that changed most."""
    score_difference: float
    """Largest, on the checked tiles and engines."""


def int8_engines(engines: Sequence[str]) -> list[str]:
    """Those that run the int8 model."""
    return [each for each in engines if engine_named(each).precision == "int8"]


def quantise_for(
    engines: Sequence[str],
    model: bytes,
    card: Card,
    tiles: Tiles,
    checked: Tiles,
    *,
    left_alone: Sequence[str] | None = None,
) -> Quantised:
    """As :func:`quantise`, for the engines that will run it, at the card's limits of review and reject."""
    asked = int8_engines(engines)
    by_label = {limit.label: (limit.review_score, limit.reject_score) for limit in card.limits}
    return quantise(
        model,
        tiles,
        np.array([by_label[label] for label in card.labels]).T,
        checked=checked,
        judges=[each for each in asked if each in ON_THIS_CPU] or [JUDGE],
        symmetric=any(built_engine(engine_named(each)) is not None for each in asked),
        left_alone=left_alone,
    )


def quantise(
    model: bytes,
    tiles: Tiles,
    limits: NDArray[np.float64],
    *,
    checked: Tiles | None = None,
    judges: Sequence[str] = (JUDGE,),
    symmetric: bool = False,
    left_alone: Sequence[str] | None = None,
) -> Quantised:
    """Rounds weights per channel and activations per tensor; biases make up for each layer's mean error.

    The last layer stays float32: its answer is what limits are compared with. Where tiles change sides of a
    limit without them, so do the noisiest others; the least crossings win.

    Args:
        model: float32 ONNX.
        tiles: (T, H, W, C) uint8 as the line prepares them; the ranges of all activations come from them.
        limits: (L, K), 0–1: a verdict may change where a label's score changes sides of one.
        checked: (T, H, W, C) uint8 that the result is held against float32 on; None: the same.
        judges: engines that will run it, by name: they round between the layers, each in its way.
        symmetric: activations with zero points of 0, as TensorRT wants them; costs some a bit of eight.
        left_alone: names of the nodes that stay float32 in every try; None: the last layer.

    Raises:
        BackendError: If the quantiser or a judge is not installed, or the quantiser fails on the model.
    """
    proto = onnx.load_from_string(model)
    layers = [node for node in proto.graph.node if node.op_type in LAYERS]
    always = [layers[-1].name] if left_alone is None else list(left_alone)
    seen = tiles if checked is None else checked
    wanted = _scores(open_backend(engine_named(REFERENCE), {"f32": model}), seen)
    noisiest: list[str] = []
    tried: list[Quantised] = []
    for count in KEPT:
        kept = noisiest[:count]
        rounded = _rounded(proto, tiles, [*always, *kept], symmetric=symmetric)
        noisiest = noisiest or layer_noise(proto, onnx.load_from_string(rounded), tiles)
        apart = [
            _apart(_scores(open_backend(engine_named(judge), {"int8": rounded}), seen), wanted, limits)
            for judge in judges
        ]
        crossings, difference = (max(column) for column in zip(*apart, strict=True))
        tried.append(Quantised(rounded, tuple(kept), int(crossings), difference))
        if not crossings and difference <= SCORE_DIFFERENCE:
            break
    return min(tried, key=lambda each: (each.crossings, each.score_difference))


def _apart(scores: Scores, wanted: Scores, limits: NDArray[np.float64]) -> tuple[int, float]:
    """Tiles on another side of a limit, and the largest difference."""
    crossed = ((scores[:, None] >= limits) != (wanted[:, None] >= limits)).any(axis=(1, 2))
    return int(crossed.sum()), float(np.abs(scores - wanted).max())


def calibration_tiles(tiles: Tiles, targets: Sequence[int], count: int) -> Tiles:
    """At most ``count`` tiles: every label and good parts alike, each from its darkest to its brightest.

    Args:
        tiles: (T, H, W, C) uint8.
        targets: (T,) what each shows.
        count: how many are wanted.
    """
    brightness = tiles.mean(axis=(1, 2, 3), dtype=np.float64)
    return np.ascontiguousarray(tiles[spread_over(brightness, targets, count)])


def spread_over(brightness: NDArray[np.float64], targets: Sequence[int], count: int) -> list[int]:
    """Which tiles :func:`calibration_tiles` takes, in order, from their mean grey levels."""
    groups = [np.flatnonzero(np.asarray(targets) == target) for target in sorted(set(targets))]
    chosen: list[int] = []
    for place, group in enumerate(groups):
        share = (count - len(chosen)) // (len(groups) - place)
        dark_to_bright = group[np.argsort(brightness[group], kind="stable")]
        steps = np.linspace(0, len(group) - 1, min(share, len(group))).round().astype(int)
        chosen += dark_to_bright[steps].tolist()
    return sorted(chosen)


def _rounded(proto: onnx.ModelProto, tiles: Tiles, left_alone: Sequence[str], *, symmetric: bool) -> bytes:
    # Without this NNCF reports its use over the network, unasked.
    os.environ["NNCF_CI"] = "1"
    try:
        import nncf
        from nncf.quantization.advanced_parameters import QuantizationParameters
        from nncf.quantization.range_estimator import RangeEstimatorParametersSet
    except ModuleNotFoundError as error:
        raise BackendError(
            f"int8 needs NNCF, which is not installed ({error}); pip install 'taktsight[int8]'"
        ) from error
    logging.getLogger("nncf").setLevel(logging.ERROR)
    name = proto.graph.input[0].name
    whole = onnx.ModelProto()
    whole.CopyFrom(proto)
    try:
        model: onnx.ModelProto = nncf.quantize(
            whole,
            nncf.Dataset([{name: tile} for tile in tiles[:, None]]),
            # MIXED has zero points that OpenVINO computes in float32, or wrongly in depthwise layers.
            preset=nncf.QuantizationPreset.PERFORMANCE,
            subset_size=len(tiles),
            ignored_scope=nncf.IgnoredScope(names=list(left_alone)),
            # ONNX Runtime refuses an activation with a scale per channel.
            advanced_parameters=nncf.AdvancedQuantizationParameters(
                activations_quantization_params=QuantizationParameters(per_channel=False),
                # NNCF's default, the mean of the tiles' highest values, cuts off what a defect excites.
                activations_range_estimator_params=RangeEstimatorParametersSet.MINMAX,
            ),
        )
    except (*_NNCF_FAILS, *_errors_of(nncf)) as error:
        raise BackendError(
            f"int8: NNCF fails on the model ({type(error).__name__}: {error}); leave the int8 engines out"
        ) from error
    model = make_symmetric(model) if symmetric else model
    model.producer_name, model.producer_version = "taktsight", ""
    del model.metadata_props[:]
    return bytes(model.SerializeToString(deterministic=True))


def _errors_of(nncf: Any) -> tuple[type[Exception], ...]:
    """What NNCF says on purpose: its errors have no base of their own."""
    own = nncf.errors
    return (own.ValidationError, own.InternalError, own.UnsupportedModelError, own.InvalidGroupSizeError)


def _scores(engine: Backend, tiles: Tiles) -> Scores:
    """(T, K)."""
    return np.concatenate([engine.infer(tile)[1] for tile in tiles[:, None]])
