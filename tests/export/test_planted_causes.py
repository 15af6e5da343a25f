"""Known causes of a model that answers otherwise, planted: the gate refuses each and says where."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest
import torch
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from taktsight.card import Card
from taktsight.datasets.samples import Sample
from taktsight.errors import ExportError
from taktsight.export.divergence import where_it_begins
from taktsight.export.parity import Compared, Seen, hold_against, prove
from taktsight.export.to_onnx import to_onnx
from taktsight.imaging import Canvas, prepare, read_outputs
from taktsight.inspect import inspector as line
from taktsight.inspect.backends.backend import Backend, Outputs
from taktsight.inspect.backends.ort import OnnxRuntimeBackend
from taktsight.inspect.engines import engine_named
from taktsight.inspect.inspector import Inspector
from taktsight.recipe import Limit
from taktsight.records import Frame, Image, Part
from taktsight.training.networks import Normalise, SegmentationNetwork

from ..cards import make_card

LABELS = ("pit", "scratch")
CANVAS = Canvas(96, 96, 3, 2, 32)
ENGINE = "onnxruntime:f32"


def draw_part(number: int) -> Image:
    """A coloured part, larger than one tile, with spots and lines as wide as a pixel of the canvas."""
    rng = np.random.default_rng(number)
    image = np.full((240, 260, 3), rng.integers(60, 180, 3), np.uint8)
    for _ in range(6):
        x, y = (int(place) for place in rng.integers(10, 230, 2))
        colour = tuple(int(value) for value in rng.integers(0, 255, 3))
        cv2.circle(image, (x, y), int(rng.integers(1, 12)), colour, -1)
        cv2.line(image, (x, y), (y, x), colour, 1)
    return np.clip(image + rng.normal(0, 4, image.shape), 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def network() -> SegmentationNetwork:
    """Random weights that answer differently on different parts; mean and deviation are not alike."""
    torch.manual_seed(3)
    made = SegmentationNetwork(2, 3, "unet", "test_efficientnet", None, (32, 16, 16, 8, 8)).eval()
    made.normalise = Normalise(110.0, 60.0)
    head = made.body.segmentation_head[0]
    torch.nn.init.normal_(head.weight, std=0.5)
    torch.nn.init.zeros_(head.bias)
    return made


@pytest.fixture(scope="module")
def model(network: SegmentationNetwork) -> bytes:
    return to_onnx(network, CANVAS)


@pytest.fixture(scope="module")
def seen(network: SegmentationNetwork) -> list[Seen]:
    """What the trained network says of a dozen parts."""
    every = []
    for number in range(12):
        image = draw_part(number)
        tiles, layout = prepare(image, None, CANVAS)
        with torch.inference_mode():
            maps, scores = (each.numpy() for each in network(torch.from_numpy(tiles)))
        prediction = read_outputs(maps, scores, LABELS, [0.5, 0.5], layout, mm_per_px=0.1, view="camera")
        part = Part(number, (Frame(image, number, 0, "camera"),))
        every.append(Seen(Sample((Path(f"{number}.png"),), "pit"), part, {}, (prediction,), (2,)))
    return every


@pytest.fixture(scope="module")
def card(seen: list[Seen]) -> Card:
    """Limits in the middle of the scores: half of the parts are rejected."""
    middle = np.median([each.predictions[0].scores for each in seen], axis=0)
    limits = tuple(
        Limit(label=label, reject_score=float(edge), review_score=float(edge))
        for label, edge in zip(LABELS, middle, strict=True)
    )
    return make_card(labels=LABELS, limits=limits, canvas=CANVAS, golden=())


def judged(seen: list[Seen], card: Card, backend: Backend) -> list[Compared]:
    inspector = Inspector(backend, card, card.own_recipe())
    return [hold_against(each, inspector) for each in seen]


class Spoilt:
    """The right engine, fed or read wrongly."""

    def __init__(
        self,
        model: bytes,
        *,
        feed: Callable[[NDArray[np.uint8]], NDArray[np.uint8]] = lambda batch: batch,
        read: Callable[[NDArray[np.float32]], NDArray[np.float32]] = lambda maps: maps,
    ) -> None:
        self._engine, self._feed, self._read = OnnxRuntimeBackend(model, threads=1), feed, read

    def infer(self, batch: NDArray[np.uint8]) -> Outputs:
        maps, scores = self._engine.infer(np.ascontiguousarray(self._feed(batch)))
        return self._read(maps), scores


def half_a_pixel_off(batch: NDArray[np.uint8]) -> NDArray[np.uint8]:
    shift = np.array([[1, 0, 0.5], [0, 1, 0.5]], np.float32)
    size = batch.shape[2], batch.shape[1]
    return np.stack([cv2.warpAffine(tile, shift, size, borderMode=cv2.BORDER_REPLICATE) for tile in batch])


def with_constant(model: bytes, node_type: str, value: float) -> bytes:
    """The model with another number in the first node of a type: a mean, or a deviation."""
    proto = onnx.load_from_string(model)
    node = next(node for node in proto.graph.node if node.op_type == node_type)
    held = next(each for each in proto.graph.initializer if each.name == node.input[1])
    held.CopyFrom(numpy_helper.from_array(np.array(value, np.float32), held.name))
    return bytes(proto.SerializeToString())


def with_weights_in_bf16(model: bytes) -> bytes:
    """What an engine computes that silently took the shorter arithmetic."""
    proto = onnx.load_from_string(model)
    for held in proto.graph.initializer:
        if held.data_type == onnx.TensorProto.FLOAT:
            short = torch.from_numpy(numpy_helper.to_array(held).copy()).bfloat16().float().numpy()
            held.CopyFrom(numpy_helper.from_array(short, held.name))
    return bytes(proto.SerializeToString())


def with_overflow_in_fp16(model: bytes) -> bytes:
    """The first layer answers in thousands, which float32 bears, and passes through float16."""
    proto = onnx.load_from_string(model)
    first = next(node for node in proto.graph.node if node.op_type == "Conv")
    own, graph = first.output[0], proto.graph
    for node in graph.node:
        node.input[:] = ["as float32" if name == own else name for name in node.input]
    place = list(graph.node).index(first) + 1
    graph.initializer.append(numpy_helper.from_array(np.array(1e5, np.float32), "large"))
    for step in (
        helper.make_node("Div", ["wide", "large"], ["as float32"]),
        helper.make_node("Cast", ["short"], ["wide"], to=onnx.TensorProto.FLOAT),
        helper.make_node("Cast", ["grown"], ["short"], to=onnx.TensorProto.FLOAT16),
        helper.make_node("Mul", [own, "large"], ["grown"]),
    ):
        graph.node.insert(place, step)
    return bytes(proto.SerializeToString())


PLANTED: dict[str, Callable[[bytes], Backend]] = {
    "channels swapped": lambda model: Spoilt(model, feed=lambda batch: batch[..., ::-1]),
    "not divided": lambda model: OnnxRuntimeBackend(with_constant(model, "Div", 1.0)),
    "half a pixel off": lambda model: Spoilt(model, feed=half_a_pixel_off),
    "mean and deviation swapped": lambda model: OnnxRuntimeBackend(
        with_constant(with_constant(model, "Sub", 60.0), "Div", 110.0)
    ),
    "float16 overflow": lambda model: OnnxRuntimeBackend(with_overflow_in_fp16(model)),
    "another precision": lambda model: OnnxRuntimeBackend(with_weights_in_bf16(model)),
    "tiles off by four": lambda model: Spoilt(model, read=lambda maps: np.roll(maps, 4, axis=3)),
}


def test_the_clean_model_is_proved(seen: list[Seen], card: Card, model: bytes) -> None:
    compared = judged(seen, card, OnnxRuntimeBackend(model))
    assert {each.trained.outcome.value for each in compared} == {"PASS", "REJECT"}
    parity = prove(compared, "test", engine=ENGINE)
    assert (parity.parts, parity.flips) == (12, 0)
    assert parity.max_map_difference < 1e-4


@pytest.mark.parametrize("cause", PLANTED)
def test_a_planted_cause_is_refused(cause: str, seen: list[Seen], card: Card, model: bytes) -> None:
    with pytest.raises(ExportError):
        prove(judged(seen, card, PLANTED[cause](model)), "test", engine=ENGINE)


def test_another_interpolation_is_refused(
    seen: list[Seen], card: Card, model: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def bilinear(image: Image, *rest: object) -> object:
        small = cv2.resize(image, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_LINEAR)
        again = cv2.resize(small, image.shape[1::-1], interpolation=cv2.INTER_CUBIC)
        return prepare(again, *rest)  # type: ignore[arg-type]  # as the inspector calls it

    monkeypatch.setattr(line, "prepare", bilinear)
    with pytest.raises(ExportError):
        prove(judged(seen, card, OnnxRuntimeBackend(model)), "test", engine=ENGINE)


def test_ranges_that_were_measured_on_noise_are_refused(seen: list[Seen], card: Card, model: bytes) -> None:
    pytest.importorskip("nncf")
    from taktsight.export.quantize import quantise

    limits = np.array([[limit.reject_score for limit in card.limits]])
    tiles = np.concatenate([prepare(draw_part(number), None, CANVAS)[0] for number in range(12)])
    noise = np.random.default_rng(0).integers(120, 136, tiles.shape, dtype=np.uint8)
    right, wrong = (
        judged(seen, card, OnnxRuntimeBackend(quantise(model, of, limits).model)) for of in (tiles, noise)
    )
    apart = [sum(each.squares[0] for each in compared) for compared in (right, wrong)]
    assert apart[1] > 4 * apart[0]
    with pytest.raises(ExportError, match="onnxruntime:int8"):
        prove(wrong, "test", engine="onnxruntime:int8", flip_limit=0.0)


@pytest.mark.parametrize(
    ("spoil", "begins"),
    [
        (lambda model: with_constant(model, "Div", 1.0), "before the first layer"),
        (with_overflow_in_fp16, "between body.encoder"),
    ],
)
def test_where_it_begins_is_said(
    spoil: Callable[[bytes], bytes], begins: str, network: SegmentationNetwork, model: bytes
) -> None:
    tiles, _ = prepare(draw_part(0), None, CANVAS)
    found = where_it_begins(network, engine_named(ENGINE), {"f32": spoil(model)}, tiles)
    assert begins in str(found)


def test_nothing_begins_in_a_clean_model(network: SegmentationNetwork, model: bytes) -> None:
    tiles, _ = prepare(draw_part(0), None, CANVAS)
    assert where_it_begins(network, engine_named(ENGINE), {"f32": model}, tiles) is None
