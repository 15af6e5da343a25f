"""A bundle whose network takes its time, and frames for it: work of a known amount, nothing trained."""

from __future__ import annotations

import itertools
from pathlib import Path

import cv2
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from taktsight.bundle import write_bundle
from taktsight.card import GoldenSample
from taktsight.imaging import Canvas
from taktsight.recipe import Limit
from taktsight.records import Image, Outcome

SIZES = {"1.3": (1280, 1024, 4), "5": (2448, 2048, 8), "12": (4000, 3000, 8)}
"""Megapixels → width, height, factor: the first two come to the same canvas, so the engine has the same to
do; the last one to four of its size."""
CANVAS_PX = (256, 320)
FRAMES = 8
GREY, SPOT = 90, 255
CHANNELS = 32


def write_product(
    folder: Path, megapixels: str, layers: int, views: tuple[str, ...], *, channels: int = 1
) -> None:
    """``part.takt`` and ``images/``: every fourth part has a spot, each frame noise of its own."""
    width, height, factor = SIZES[megapixels]
    good, bad = (_frame(width, height, channels, spot=spot) for spot in (False, True))
    golden = {"golden/good.png": good, "golden/bad.png": bad}
    golden |= {f"golden/other-{number}.png": good for number in range(2 * len(views) - 2)}
    others = tuple(list(golden)[2:])
    halves = (others[: len(views) - 1], others[len(views) - 1 :])
    from tests.cards import make_card

    card = make_card(
        name="speed",
        views=views,
        labels=("spot",),
        canvas=Canvas(*CANVAS_PX, channels, factor),
        limits=(Limit(label="spot", reject_score=0.6, review_score=0.3, map_score=0.2),),
        golden=(
            GoldenSample(
                file="golden/good.png", other_views=halves[0], outcome=Outcome.PASS, scores=(0.0,)
            ),
            GoldenSample(
                file="golden/bad.png", other_views=halves[1], outcome=Outcome.REJECT, scores=(1.0,)
            ),
        ),
    )
    write_bundle(folder / "part.takt", card, network(layers, channels), golden)
    (folder / "images").mkdir()
    rng = np.random.default_rng(0)
    for number in range(FRAMES):
        frame = _frame(width, height, channels, spot=number % 4 == 3)
        noisy = np.where(frame == SPOT, frame, frame + rng.integers(0, 8, frame.shape, np.uint8))
        cv2.imwrite(str(folder / "images" / f"part_{number}.bmp"), noisy)  # decoded in no time


def _frame(width: int, height: int, channels: int, *, spot: bool) -> Image:
    frame = np.full((height, width, channels), GREY, np.uint8)
    if spot:
        frame[320:400, 320:400] = SPOT  # whole blocks of every factor
    return frame


def network(layers: int, channels: int = 1) -> bytes:
    """map = clip((x - 128) / 127) of the brightest channel, score = its maximum; convolutions whose outcome
    is added zero times.
    """
    rng = np.random.default_rng(0)
    widths = [1, CHANNELS // 2, CHANNELS, *[CHANNELS] * layers]
    nodes = [
        helper.make_node("Cast", ["image"], ["pixels"], to=TensorProto.FLOAT),
        helper.make_node("Transpose", ["pixels"], ["colours"], perm=[0, 3, 1, 2]),
        helper.make_node("ReduceMax", ["colours"], ["planes"], axes=[1], keepdims=1),
    ]
    constants, name = [], "planes"
    for number, (before, behind) in enumerate(itertools.pairwise(widths)):
        weights = rng.normal(0, 1 / (3 * before**0.5), (behind, before, 3, 3)).astype(np.float32)
        constants.append(numpy_helper.from_array(weights, f"weights_{number}"))
        stride = 2 if number < 2 else 1
        nodes += [
            helper.make_node(
                "Conv", [name, f"weights_{number}"], [f"conv_{number}"], strides=[stride] * 2, pads=[1] * 4
            ),
            helper.make_node("Relu", [f"conv_{number}"], [f"relu_{number}"]),
        ]
        name = f"relu_{number}"
    nodes += [
        helper.make_node("ReduceMean", [name], ["mean"], axes=[1, 2, 3], keepdims=1),
        helper.make_node("Mul", ["mean", "zero"], ["nothing"]),
        helper.make_node("Sub", ["planes", "dark"], ["above"]),
        helper.make_node("Div", ["above", "range"], ["scaled"]),
        helper.make_node("Clip", ["scaled", "zero", "one"], ["clipped"]),
        helper.make_node("Add", ["clipped", "nothing"], ["maps"]),
        helper.make_node("ReduceMax", ["maps"], ["scores"], axes=[2, 3], keepdims=0),
    ]
    scalars = {"dark": 128.0, "range": 127.0, "zero": 0.0, "one": 1.0}
    constants += [helper.make_tensor(key, TensorProto.FLOAT, [], [value]) for key, value in scalars.items()]
    graph = helper.make_graph(
        nodes,
        "speed",
        [helper.make_tensor_value_info("image", TensorProto.UINT8, ["n", *CANVAS_PX, channels])],
        [
            helper.make_tensor_value_info("maps", TensorProto.FLOAT, ["n", 1, *CANVAS_PX]),
            helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["n", 1]),
        ],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())
