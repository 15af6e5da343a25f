"""A model that finds bright spots, as a bundle, and drawn parts for it."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper

from taktsight.bundle import write_bundle
from taktsight.card import GoldenSample
from taktsight.recipe import Limit
from taktsight.records import Image, Outcome

from ..cards import make_card

SIZE_PX = 64
GOOD, SPOT = 0, 255


def draw_part(brightness: int, *, size_px: int = SIZE_PX) -> Image:
    """A grey part with one spot of 10×10 pixels; 0 draws none."""
    image = np.full((size_px, size_px, 1), 90, np.uint8)
    if brightness:
        image[20:30, 24:34] = brightness
    return image


def spot_model(*, slowness: int = 0) -> bytes:
    """map = clip((x - 128) / 127), score = its maximum; ``slowness`` adds large matrix products."""
    nodes = [
        helper.make_node("Cast", ["image"], ["pixels"], to=TensorProto.FLOAT),
        helper.make_node("Transpose", ["pixels"], ["planes"], perm=[0, 3, 1, 2]),
        helper.make_node("Sub", ["planes", "dark"], ["above"]),
        helper.make_node("Div", ["above", "range"], ["scaled"]),
        helper.make_node("Clip", ["scaled", "zero", "one"], ["clipped"]),
        helper.make_node("ReduceMax", ["clipped"], ["peak"], axes=[2, 3], keepdims=0),
    ]
    constants: list[Any] = [
        helper.make_tensor(name, TensorProto.FLOAT, [], [value])
        for name, value in (("dark", 128.0), ("range", 127.0), ("zero", 0.0), ("one", 1.0))
    ]
    if slowness:
        constants.append(helper.make_tensor("side", TensorProto.INT64, [2], [slowness, slowness]))
        nodes += [
            helper.make_node("ReduceMin", ["pixels"], ["low"], keepdims=0),
            helper.make_node("Expand", ["low", "side"], ["matrix"]),
            helper.make_node("MatMul", ["matrix", "matrix"], ["product"]),
            helper.make_node("ReduceMin", ["product"], ["least"], keepdims=0),
            helper.make_node("Mul", ["least", "zero"], ["nothing"]),
            helper.make_node("Add", ["clipped", "nothing"], ["maps"]),
            helper.make_node("Add", ["peak", "nothing"], ["scores"]),
        ]
    else:
        nodes += [
            helper.make_node("Identity", ["clipped"], ["maps"]),
            helper.make_node("Identity", ["peak"], ["scores"]),
        ]
    shape: list[str | int | None] = ["n", SIZE_PX, SIZE_PX, 1]
    graph = helper.make_graph(
        nodes,
        "spots",
        [helper.make_tensor_value_info("image", TensorProto.UINT8, shape)],
        [
            helper.make_tensor_value_info("maps", TensorProto.FLOAT, ["n", 1, SIZE_PX, SIZE_PX]),
            helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["n", 1]),
        ],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def spot_bundle(
    path: Path,
    *,
    model: bytes | None = None,
    spot_scores: float = 1.0,
    mm_per_px: float | None = 0.1,
    version: int = 1,
    expires: date | None = None,
) -> Path:
    """A bundle of the spot model with a good and a bad golden sample."""
    golden = {"golden/good.png": draw_part(GOOD), "golden/spot.png": draw_part(SPOT)}
    card = make_card(
        name="spots",
        version=version,
        expires=expires,
        labels=("spot",),
        mm_per_px=mm_per_px,
        limits=(Limit(label="spot", reject_score=0.6, review_score=0.3, map_score=0.2),),
        golden=(
            GoldenSample(file="golden/good.png", outcome=Outcome.PASS, scores=(0.0,)),
            GoldenSample(file="golden/spot.png", outcome=Outcome.REJECT, scores=(spot_scores,)),
        ),
    )
    write_bundle(path, card, model or spot_model(), golden)
    return path
