"""The foreign network as its owner runs it: the file itself, fed by a preparation in plain numpy.

Written from the stated flags alone, it shares no line with the graph that is wrapped around the network:
what is wrong in one of the two shows in the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray
from onnxruntime.capi import onnxruntime_pybind11_state as ort_errors
from PIL import Image as Pictures

from taktsight.datasets.samples import Sample
from taktsight.datasets.view_files import read_view
from taktsight.errors import ConfigError, ExportError
from taktsight.export.foreign.graph import Chosen, ForeignGraph
from taktsight.foreign import Preparation
from taktsight.imaging import Canvas, Layout, map_stride, prepare, read_outputs
from taktsight.records import Image
from taktsight.training.networks import TOP_PIXELS
from taktsight.training.predict import Look

Floats = NDArray[np.float32]
_ERRORS = (
    ort_errors.Fail,
    ort_errors.InvalidArgument,
    ort_errors.InvalidGraph,
    ort_errors.NotImplemented,
    ort_errors.RuntimeException,
)
_ORDER = {"mono": slice(None), "rgb": slice(None), "bgr": slice(None, None, -1)}


@dataclass(frozen=True, slots=True)
class MapSize:
    """Rows and columns of the maps; 1×1 of a classifier."""

    height: int
    width: int


class Reference:
    """The foreign file in ONNX Runtime, one tile at a time.

    Raises:
        ConfigError: If the canvas and the network's input do not fit.
        ExportError: If the file does not run, or gives something else than was stated.
    """

    def __init__(
        self, graph: ForeignGraph, chosen: Chosen, preparation: Preparation, canvas: Canvas
    ) -> None:
        self._graph, self._chosen, self._canvas = graph, chosen, canvas
        self.preparation = preparation
        _check_size(graph, preparation, canvas)
        options = ort.SessionOptions()
        options.log_severity_level = 3
        try:
            self._session = ort.InferenceSession(graph.content, options, providers=["CPUExecutionProvider"])
        except _ERRORS as error:
            raise ExportError(f"{graph.name}: ONNX Runtime refuses it: {error}") from error
        self.map_size = self._measure()

    def look(self, sample: Sample, views: Sequence[str], mm_per_px: float | None) -> tuple[Look, ...]:
        """Every view of a part, judged by the foreign network with 0.5 as the edge of regions.

        Raises:
            ExportError: If an output leaves 0–1.
        """
        named = zip(views, sample.each_view(), strict=True)
        return tuple(self._look(view, name, mm_per_px) for name, view in named)

    def _look(self, sample: Sample, view: str, mm_per_px: float | None) -> Look:
        image, _ = read_view(sample, self._canvas)
        tiles, layout = cut(image, self._canvas)
        answers = [self._answer(tile, str(sample.images[0])) for tile in tiles]
        maps, scores = (np.stack(each) for each in zip(*answers, strict=True))
        labels, edges = self.preparation.labels, [0.5] * len(self.preparation.labels)
        prediction = read_outputs(
            maps, scores, labels, edges, layout, mm_per_px=mm_per_px or 1.0, view=view
        )
        size = self.map_size
        stride = 1 if size == MapSize(1, 1) else map_stride(self._canvas, size.height, size.width)
        return Look(sample, image, None, prediction, layout, stride)

    def _measure(self) -> MapSize:
        """Runs a black canvas: what comes out counts, not what the graph says of it."""
        black = np.zeros((self._canvas.height, self._canvas.width, self._canvas.channels), np.uint8)
        maps, _ = self._answer(black, "a black image")
        size = MapSize(*maps.shape[1:])
        try:
            if size != MapSize(1, 1):
                map_stride(self._canvas, size.height, size.width)
        except ValueError as error:
            raise ConfigError(
                f"{self._graph.name}: its {error}; choose a --canvas that is a multiple of them"
            ) from error
        return size

    def _answer(self, tile: Image, name: str) -> tuple[Floats, Floats]:
        """Maps (K, h, w) and scores (K,) of one tile."""
        wanted = [output for output in (self._chosen.maps, self._chosen.scores) if output]
        fed = feed(tile, self.preparation)
        try:
            got = dict(zip(wanted, self._session.run(wanted, {self._graph.input: fed}), strict=True))
        except _ERRORS as error:
            shape = "×".join(map(str, fed.shape))
            raise ExportError(f"{self._graph.name}: does not run on {shape}: {error}") from error
        maps = self._classes(self._chosen.maps, got, 2)
        scores = self._classes(self._chosen.scores, got, 0)
        for kind, values in (("maps", maps), ("scores", scores)):
            if values is not None:
                self._check_range(kind, values, name)
        if scores is None:
            assert maps is not None
            highest = np.sort(maps.reshape(len(maps), -1), axis=1)[:, -TOP_PIXELS:]
            scores = highest.mean(axis=1)
        return scores[:, np.newaxis, np.newaxis] if maps is None else maps, scores

    def _classes(self, output: str | None, got: dict[str, Floats], places: int) -> Floats | None:
        """The defect labels' values of an output after the activation, without the axis of the batch."""
        if output is None:
            return None
        values, classes = got[output], self.preparation.classes
        if len(classes) == 1 and values.ndim == places + 1:  # one class needs no axis
            values = values[:, np.newaxis]
        if values.ndim != places + 2 or values.shape[:2] != (1, len(classes)):
            raise ExportError(
                f"{self._graph.name}: {output} is {'×'.join(map(str, got[output].shape))}; of one image "
                f"and the classes {', '.join(classes)} it would be "
                f"{'×'.join(('1', str(len(classes)), 'h', 'w')[: places + 2])}"
            )
        kept = [place for place, name in enumerate(classes) if name != self.preparation.good]
        return np.asarray(activated(values[0], self.preparation.activation)[kept], np.float32)

    def _check_range(self, kind: str, values: Floats, name: str) -> None:
        low, high = float(values.min()), float(values.max())
        if not (low >= 0 and high <= 1):  # NaN fails both
            raise ExportError(
                f"{self._graph.name}: {kind} of {name} lie within {low:g} to {high:g} after the stated "
                f"activation {self.preparation.activation!r}, 0–1 is wanted: state the activation that it "
                "lacks, or export it with its own normalisation"
            )


def cut(image: Image, canvas: Canvas) -> tuple[list[Image], Layout]:
    """The tiles of a frame; only where they start is read from the line's own preparation."""
    height, width = image.shape[:2]
    factor = canvas.factor
    scaled = np.pad(image, ((0, -height % factor), (0, -width % factor), (0, 0)), "edge").astype(np.uint16)
    while factor > 1:
        sums = scaled[::2, ::2] + scaled[1::2, ::2] + scaled[::2, 1::2] + scaled[1::2, 1::2]
        scaled, factor = (sums + 2) // 4, factor // 2
    _, layout = prepare(image, None, canvas)
    down = max(0, layout.starts[-1][0] + canvas.height - scaled.shape[0])
    right = max(0, layout.starts[-1][1] + canvas.width - scaled.shape[1])
    whole = np.pad(scaled, ((0, down), (0, right), (0, 0)), "edge").astype(np.uint8)
    return [whole[y : y + canvas.height, x : x + canvas.width] for y, x in layout.starts], layout


def feed(tile: Image, preparation: Preparation) -> Floats:
    """(1, …) float32 as the foreign network takes it, from one tile (H, W, C) uint8."""
    values = (tile[:, :, _ORDER[preparation.colour]] / 255.0 - preparation.mean) / preparation.deviation
    values = values.astype(np.float32)
    if preparation.resize is not None:
        rows, columns = preparation.resize
        planes = [Pictures.fromarray(np.ascontiguousarray(values[:, :, c])) for c in range(tile.shape[2])]
        resized = [plane.resize((columns, rows), Pictures.Resampling.BILINEAR) for plane in planes]
        values = np.stack([np.asarray(plane) for plane in resized], axis=2)
    batch = values[np.newaxis]
    return np.ascontiguousarray(batch.transpose(0, 3, 1, 2) if preparation.axes == "nchw" else batch)


def activated(values: Floats, activation: str) -> NDArray[np.float64]:
    """0–1 from what the network gives, classes on the first axis."""
    wide = values.astype(np.float64)
    if activation == "sigmoid":
        return np.asarray(1 / (1 + np.exp(-wide.clip(-700, 700))))
    if activation == "softmax":
        raised = np.exp(wide - wide.max(axis=0))
        return np.asarray(raised / raised.sum(axis=0))
    return wide


def input_size(graph: ForeignGraph, axes: str) -> tuple[int | None, int | None, int | None]:
    """Channels, rows and columns of the network's input; None where free."""
    _, *sizes = graph.shape
    channels, height, width = sizes if axes == "nchw" else (sizes[2], sizes[0], sizes[1])
    return channels, height, width


def check_channels(graph: ForeignGraph, preparation: Preparation) -> None:
    """The stated colour has as many channels as the network takes.

    Raises:
        ConfigError: If not.
    """
    channels, given = input_size(graph, preparation.axes)[0], len(preparation.mean)
    if channels not in (None, given):
        raise ConfigError(
            f"{graph.name}: takes {channels} channels and --colour {preparation.colour} has {given}; look "
            f"at --colour and --axes (its input is {list(graph.shape)})"
        )


def _check_size(graph: ForeignGraph, preparation: Preparation, canvas: Canvas) -> None:
    _, height, width = input_size(graph, preparation.axes)
    given = preparation.resize or (canvas.height, canvas.width)
    if any(wanted not in (None, side) for wanted, side in zip((height, width), given, strict=True)):
        what = "--resize" if preparation.resize else "the canvas"
        raise ConfigError(
            f"{graph.name}: takes {height}×{width} and {what} is {given[0]}×{given[1]}; give it its size, "
            "or state --resize, which is lossy"
        )
