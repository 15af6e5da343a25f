"""Bundles in a second: a random convolution that keeps the contract, and golden samples that it judged."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from taktsight.bundle import write_bundle
from taktsight.card import GoldenSample
from taktsight.imaging import Canvas
from taktsight.inspect.backends.ort import OnnxRuntimeBackend
from taktsight.inspect.inspector import Inspector
from taktsight.recipe import Limit
from taktsight.records import Frame, Image, Part

from ..cards import make_card

LABELS = ("pit", "crack")
VALUE = helper.make_tensor_value_info


def small_model(canvas: Canvas, *, batch: int | str = "N", seed: int = 0) -> bytes:
    """uint8 (N, H, W, C) → maps of stride 2 and their highest pixels."""
    rng = np.random.default_rng(seed)
    kernel = rng.normal(0, 0.02, (len(LABELS), canvas.planes, 3, 3)).astype(np.float32)
    size = (canvas.height, canvas.width)
    graph = helper.make_graph(
        [
            helper.make_node("Cast", ["images"], ["float"], to=TensorProto.FLOAT),
            helper.make_node("Transpose", ["float"], ["planes"], perm=[0, 3, 1, 2]),
            helper.make_node("Conv", ["planes", "kernel"], ["logits"], strides=[2, 2], pads=[1, 1, 1, 1]),
            helper.make_node("Sigmoid", ["logits"], ["maps"]),
            helper.make_node("ReduceMax", ["maps", "axes"], ["scores"], keepdims=0),
        ],
        "small",
        [VALUE("images", TensorProto.UINT8, [batch, *size, canvas.planes])],
        [
            VALUE("maps", TensorProto.FLOAT, [batch, len(LABELS), size[0] // 2, size[1] // 2]),
            VALUE("scores", TensorProto.FLOAT, [batch, len(LABELS)]),
        ],
        [
            numpy_helper.from_array(kernel, "kernel"),
            numpy_helper.from_array(np.array([2, 3], np.int64), "axes"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString())


def frames(canvas: Canvas, size: tuple[int, int], count: int, *, seed: int = 1) -> list[Image]:
    rng = np.random.default_rng(seed)
    return [rng.integers(0, 256, (*size, canvas.channels), dtype=np.uint8) for _ in range(count)]


def write_small_bundle(
    path: Path,
    canvas: Canvas,
    size: tuple[int, int],
    *,
    views: tuple[str, ...] = ("camera",),
    batch: int | str = "N",
    name: str = "flange",
) -> str:
    """Two golden samples of frames of ``size``, with the scores that the line's inspector gave them."""
    model = small_model(canvas, batch=batch)
    limits = tuple(Limit(label=label, reject_score=0.9, review_score=0.6) for label in LABELS)
    task = "comparison" if canvas.paired else "segmentation"
    common = {
        "labels": LABELS,
        "canvas": canvas,
        "limits": limits,
        "task": task,
        "views": views,
        "name": name,
    }
    card = make_card(golden=(), **common)
    inspector = Inspector(OnnxRuntimeBackend(model, threads=1), card, card.own_recipe())
    golden: dict[str, Image] = {}
    samples = []
    for number in range(2):
        taken = frames(canvas, size, 2 * len(views), seed=number)
        shown, templates = taken[: len(views)], taken[len(views) :] if canvas.paired else []
        files = [f"golden/{number}-{view}.png" for view in views]
        beside = [f"golden/{number}-{view}-template.png" for view in views[: len(templates)]]
        golden |= dict(zip([*files, *beside], [*shown, *templates], strict=True))
        part = Part(
            number, tuple(Frame(image, number, 0, view) for image, view in zip(shown, views, strict=True))
        )
        seen = inspector.against(dict(zip(views, templates, strict=False))).inspect(part)
        scores = np.max([prediction.scores for prediction in seen.predictions], axis=0)
        samples.append(
            GoldenSample(
                file=files[0],
                other_views=tuple(files[1:]),
                references=tuple(beside),
                outcome=seen.verdict.outcome,
                scores=tuple(scores.tolist()),
            )
        )
    return write_bundle(path, make_card(golden=tuple(samples), **common), model, golden)
