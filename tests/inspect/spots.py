"""A model that finds bright spots, as a bundle, and drawn parts for it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Literal

import numpy as np
import onnx
from onnx import TensorProto, helper

from taktsight.bundle import write_bundle
from taktsight.card import GoldenSample
from taktsight.imaging import Canvas
from taktsight.recipe import Limit
from taktsight.records import Image, Outcome

from ..cards import make_card

SIZE_PX = 64
GOOD, SPOT = 0, 255
GREY, DARK = 90, 0
"""What a part is painted in; a fragile model fails on a dark one, an uneven one takes longer."""


def draw_part(brightness: int, *, size_px: int = SIZE_PX, paint: int = GREY) -> Image:
    """A part with one spot of 10×10 pixels; 0 draws none."""
    image = np.full((size_px, size_px, 1), paint, np.uint8)
    if brightness:
        image[20:30, 24:34] = brightness
    return image


def spot_model(*, slowness: int = 0) -> bytes:
    """map = clip((x - 128) / 127), score = its maximum; ``slowness`` adds large matrix products."""
    if not slowness:
        return _model([], seen="planes", dark=128)
    return _model(
        [
            helper.make_node("ReduceMin", ["pixels"], ["low"], keepdims=0),
            helper.make_node("Expand", ["low", "side"], ["matrix"]),
            helper.make_node("MatMul", ["matrix", "matrix"], ["product"]),
            helper.make_node("ReduceMin", ["product"], ["least"], keepdims=0),
            helper.make_node("Mul", ["least", "zero"], ["nothing"]),
        ],
        [helper.make_tensor("side", TensorProto.INT64, [2], [slowness, slowness])],
        seen="planes",
        dark=128,
        added_to_maps="nothing",
        added_to_scores="nothing",
    )


def uneven_model(side: int, dark_side: int) -> bytes:
    """The spot model with a product of two matrices, larger ones where a part is painted DARK.

    Args:
        side: of both matrices; the work grows with its third power.
        dark_side: of those of a dark part.
    """
    return _model(
        [
            helper.make_node("ReduceMin", ["pixels"], ["low"], keepdims=0),
            helper.make_node("Div", ["low", "grey"], ["share"]),
            helper.make_node("Clip", ["share", "zero", "one"], ["at_most_one"]),
            helper.make_node("Cast", ["at_most_one"], ["place"], to=TensorProto.INT64),  # 0 of a dark part
            helper.make_node("Gather", ["sizes", "place"], ["size"]),
            helper.make_node("Mul", ["low", "zero"], ["none"]),
            helper.make_node("Expand", ["none", "size"], ["matrix"]),
            helper.make_node("MatMul", ["matrix", "matrix"], ["product"]),
            helper.make_node("ReduceMin", ["product"], ["nothing"], keepdims=0),
        ],
        [
            helper.make_tensor("grey", TensorProto.FLOAT, [], [float(GREY)]),
            helper.make_tensor("sizes", TensorProto.INT64, [2, 2], [dark_side, dark_side, side, side]),
        ],
        seen="planes",
        dark=128,
        added_to_maps="nothing",
        added_to_scores="nothing",
    )


def fragile_model() -> bytes:
    """The spot model, on which the engine fails where a part is painted darker than GREY."""
    return _model(
        [
            helper.make_node("ReduceMin", ["pixels"], ["low"], keepdims=0),
            helper.make_node("Div", ["low", "grey"], ["share"]),
            helper.make_node("Cast", ["share"], ["painted"], to=TensorProto.INT64),
            helper.make_node(
                "Sub", ["last", "painted"], ["place"]
            ),  # 0; of a dark part 1, where nothing is
            helper.make_node("Gather", ["entries", "place"], ["nothing"]),
        ],
        [
            helper.make_tensor("grey", TensorProto.FLOAT, [], [float(GREY)]),
            helper.make_tensor("last", TensorProto.INT64, [], [1]),
            helper.make_tensor("entries", TensorProto.FLOAT, [1], [0.0]),
        ],
        seen="planes",
        dark=128,
        added_to_maps="nothing",
        added_to_scores="nothing",
    )


def broken_model(number: Literal["NaN", "Inf"], output: Literal["maps", "scores"]) -> bytes:
    """The spot model, one of whose outputs is no number where a part is painted darker than GREY."""
    above = "zero" if number == "NaN" else "one"
    return _model(
        [
            helper.make_node("ReduceMin", ["pixels"], ["low"], keepdims=0),
            helper.make_node("Div", ["low", "grey"], ["share"]),
            helper.make_node("Floor", ["share"], ["painted"]),  # 1; of a dark part 0
            helper.make_node("Div", [above, "painted"], ["ratio"]),
            helper.make_node("Sub", ["ratio", above], ["nothing"]),
        ],
        [helper.make_tensor("grey", TensorProto.FLOAT, [], [float(GREY)])],
        seen="planes",
        dark=128,
        added_to_maps="nothing" if output == "maps" else "zero",
        added_to_scores="nothing" if output == "scores" else "zero",
    )


def pair_model() -> bytes:
    """map = clip(|part - golden template| / 127), score = its maximum."""
    return _model(
        [
            helper.make_node("Split", ["planes"], ["part", "template"], axis=1),
            helper.make_node("Sub", ["part", "template"], ["signed"]),
            helper.make_node("Abs", ["signed"], ["difference"]),
        ],
        seen="difference",
        dark=0,
        channels=2,
    )


def _model(
    nodes: Sequence[onnx.NodeProto],
    constants: Sequence[onnx.TensorProto] = (),
    *,
    seen: str,
    dark: float,
    added_to_maps: str = "zero",
    added_to_scores: str = "zero",
    channels: int = 1,
) -> bytes:
    """map = clip((seen - dark) / 127), score = its maximum; the nodes make what is seen and added."""
    before = [
        helper.make_node("Cast", ["image"], ["pixels"], to=TensorProto.FLOAT),
        helper.make_node("Transpose", ["pixels"], ["planes"], perm=[0, 3, 1, 2]),
    ]
    behind = [
        helper.make_node("Sub", [seen, "dark"], ["above"]),
        helper.make_node("Div", ["above", "range"], ["scaled"]),
        helper.make_node("Clip", ["scaled", "zero", "one"], ["clipped"]),
        helper.make_node("ReduceMax", ["clipped"], ["peak"], axes=[2, 3], keepdims=0),
        helper.make_node("Add", ["clipped", added_to_maps], ["maps"]),
        helper.make_node("Add", ["peak", added_to_scores], ["scores"]),
    ]
    scalars = {"dark": dark, "range": 127.0, "zero": 0.0, "one": 1.0}
    shape: list[str | int | None] = ["n", SIZE_PX, SIZE_PX, channels]
    graph = helper.make_graph(
        [*before, *nodes, *behind],
        "spots",
        [helper.make_tensor_value_info("image", TensorProto.UINT8, shape)],
        [
            helper.make_tensor_value_info("maps", TensorProto.FLOAT, ["n", 1, SIZE_PX, SIZE_PX]),
            helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["n", 1]),
        ],
        [helper.make_tensor(name, TensorProto.FLOAT, [], [value]) for name, value in scalars.items()]
        + list(constants),
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def spot_bundle(
    path: Path,
    *,
    model: bytes | None = None,
    spot_scores: float = 1.0,
    reject_score: float = 0.6,
    mm_per_px: float | None = 0.1,
    version: int = 1,
    expires: date | None = None,
    name: str = "spots",
    views: tuple[str, ...] = ("camera",),
) -> Path:
    """A bundle of the spot model with a good and a bad golden sample."""
    golden = {"golden/good.png": draw_part(GOOD), "golden/spot.png": draw_part(SPOT)}
    others = tuple(f"golden/other-{number}.png" for number in range(2 * len(views) - 2))
    golden |= {file: draw_part(GOOD) for file in others}
    good, bad = others[: len(views) - 1], others[len(views) - 1 :]
    card = make_card(
        name=name,
        views=views,
        version=version,
        expires=expires,
        labels=("spot",),
        mm_per_px=mm_per_px,
        limits=(Limit(label="spot", reject_score=reject_score, review_score=0.3, map_score=0.2),),
        golden=(
            GoldenSample(file="golden/good.png", other_views=good, outcome=Outcome.PASS, scores=(0.0,)),
            GoldenSample(
                file="golden/spot.png", other_views=bad, outcome=Outcome.REJECT, scores=(spot_scores,)
            ),
        ),
    )
    write_bundle(path, card, model or spot_model(), golden)
    return path


def pair_bundle(path: Path) -> Path:
    """A bundle that compares a part with its golden template, with a good and a bad golden sample."""
    golden = {"golden/good.png": draw_part(GOOD), "golden/spot.png": draw_part(SPOT)}
    golden |= {f"golden/template-{number}.png": draw_part(GOOD) for number in (1, 2)}
    card = make_card(
        name="spots",
        task="comparison",
        canvas=Canvas(SIZE_PX, SIZE_PX, 1, overlap=32, paired=True),
        labels=("spot",),
        mm_per_px=0.1,
        limits=(Limit(label="spot", reject_score=0.6, review_score=0.3, map_score=0.2),),
        golden=(
            GoldenSample(
                file="golden/good.png",
                references=("golden/template-1.png",),
                outcome=Outcome.PASS,
                scores=(0.0,),
            ),
            GoldenSample(
                file="golden/spot.png",
                references=("golden/template-2.png",),
                outcome=Outcome.REJECT,
                scores=(1.0,),
            ),
        ),
    )
    write_bundle(path, card, pair_model(), golden)
    return path
