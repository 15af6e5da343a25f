"""What a network of a bundle may be, judged from its bytes before an engine sees them.

It computes the same for every part: operators of the ONNX standard on numbers, no loops, no branches, no
chance, no functions of its own, no other files. It takes and gives what the card says, each of its
weights is finite and there in full.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from taktsight.card import Card
from taktsight.errors import BundleError
from taktsight.model_operators import OPERATORS, SIZED
from taktsight.model_tensors import FLOAT, SMALL, TENSOR, UINT8, check_tensor, small_numbers
from taktsight.wire_format import Message, Schema, WireReader

MAX_ELEMENTS = 1 << 28
"""Of a shape that stands in the network as numbers: 1 GiB of float32."""
_FREE = frozenset({"Constant", "Shape", "Slice", "Split"})
"""Their attributes make nothing larger: a constant's numbers are looked at where they are used, and the end
of a slice may be the largest number there is."""

_MODEL: Schema = {
    1: "int", 2: "bytes", 3: "bytes", 4: "bytes", 5: "int", 6: "bytes", 7: "bytes", 8: "many", 14: "many",
}  # fmt: skip
_OPSET: Schema = {1: "bytes", 2: "int"}
_GRAPH: Schema = {1: "many", 2: "bytes", 5: "many", 10: "bytes", 11: "many", 12: "many", 13: "many",
                  14: "many", 16: "many"}  # fmt: skip
_NODE: Schema = {1: "many", 2: "many", 3: "bytes", 4: "bytes", 5: "many", 6: "bytes", 7: "bytes",
                 8: "bytes", 9: "many"}  # fmt: skip
_ATTRIBUTE: Schema = {1: "bytes", 2: "float", 3: "int", 4: "bytes", 5: "bytes", 7: "floats", 8: "ints",
                      13: "bytes", 20: "int"}  # fmt: skip
_VALUES = (2, 3, 4, 5, 7, 8)
"""A float, an integer, a string, a tensor, floats, integers; strings (9) and tensors (10) none needs."""
_VALUE: Schema = {1: "bytes", 2: "bytes", 3: "bytes", 4: "many"}
_TYPE: Schema = {1: "bytes", 6: "bytes"}
_TENSOR_TYPE: Schema = {1: "int", 2: "bytes"}
_SHAPE: Schema = {1: "many"}
_DIMENSION: Schema = {1: "int", 2: "bytes", 3: "bytes"}

Dimensions = list[int | None]
"""None where the size is free."""
OUTPUTS = [("maps", FLOAT, 4), ("scores", FLOAT, 2)]
"""Name, type and rank."""


class End(NamedTuple):
    """An input or an output of the network."""

    name: str
    kind: int
    shape: Dimensions


def check_model(model: bytes, card: Card, where: str) -> None:
    """Refuses a network that a line must not load.

    Args:
        model: the ONNX file.
        card: what the bundle says of it.
        where: what an error calls it.

    Raises:
        BundleError: Naming the first thing that is wrong. Nothing of the network was run.
    """
    reader = WireReader(where)
    content = reader.read(memoryview(model), _MODEL, "the model")
    for entry in content.contents(8):
        domain = reader.read(entry, _OPSET, "opset_import").text(1)
        if domain not in ("", "ai.onnx"):
            raise BundleError(
                f"{where}: wants the operators of {domain!r}; the ONNX standard's are allowed"
            )
    if len(content.contents(8)) != 1:
        raise BundleError(f"{where}: names {len(content.contents(8))} sets of operators; one is wanted")
    if not content.content(7):
        raise BundleError(f"{where}: holds no network")
    _Graph(reader, reader.read(content.content(7), _GRAPH, "the graph"), where).check(card)


class _Graph:
    """The network, and the small numbers in it that say how large something becomes."""

    def __init__(self, reader: WireReader, graph: Message, where: str) -> None:
        self._reader = reader
        self._graph = graph
        self._where = where
        self._numbers: dict[str, list[float]] = {}
        self._counts: dict[str, int] = {}

    def check(self, card: Card) -> None:
        names = [self._tensor(content, "initializer") for content in self._graph.contents(5)]
        self._check_ends(card, set(names))
        nodes = [self._reader.read(content, _NODE, "a node") for content in self._graph.contents(1)]
        for node in nodes:
            self._check_node(node)
        for node in nodes:
            if node.text(4) in SIZED:
                self._check_size(node)

    def _check_ends(self, card: Card, initialized: set[str]) -> None:
        canvas, labels = card.canvas, len(card.labels)
        inputs = [end for end in self._ends(11) if end.name not in initialized]
        if [(end.kind, len(end.shape)) for end in inputs] != [(UINT8, 4)]:
            raise BundleError(f"{self._where}: takes {_said(inputs)}; one uint8 (N, H, W, C) is wanted")
        outputs = sorted(self._ends(12), key=lambda end: end.name)
        if [(end.name, end.kind, len(end.shape)) for end in outputs] != OUTPUTS:
            raise BundleError(
                f"{self._where}: gives {_said(outputs)}; float32 maps (N, K, h, w) and scores (N, K) are "
                "wanted"
            )
        (frames,), (maps, scores) = inputs, outputs
        self._check_shape("frames", frames.shape[1:], (canvas.height, canvas.width, canvas.planes))
        self._check_shape("maps", maps.shape[1:2], (labels,))
        self._check_shape("scores", scores.shape[1:], (labels,))
        for end in (frames, maps, scores):
            sizes = [1 if size is None else size for size in end.shape]
            if min(sizes) < 1 or math.prod(sizes) > MAX_ELEMENTS:
                raise BundleError(f"{self._where}: {_said([end])} is empty, or more than a memory holds")

    def _check_shape(self, name: str, shape: Dimensions, wanted: tuple[int, ...]) -> None:
        if any(size not in (None, right) for size, right in zip(shape, wanted, strict=True)):
            raise BundleError(f"{self._where}: its {name} are {shape}, the card says {list(wanted)}")

    def _ends(self, number: int) -> Iterator[End]:
        """The network's inputs (field 11) or outputs (12)."""
        read = self._reader.read
        for content in self._graph.contents(number):
            value = read(content, _VALUE, "an input or output")
            tensor = read(
                read(value.content(2), _TYPE, "a type").content(1), _TENSOR_TYPE, "a tensor's type"
            )
            dimensions = [
                read(size, _DIMENSION, "a dimension")
                for size in read(tensor.content(2), _SHAPE, "a shape").contents(1)
            ]
            shape = [size.integer(1) if 1 in size else None for size in dimensions]
            yield End(value.text(1), tensor.integer(1), shape)

    def _check_node(self, node: Message) -> None:
        kind, domain = node.text(4), node.text(7)
        if domain not in ("", "ai.onnx"):
            raise BundleError(
                f"{self._where}: has the operator {domain}.{kind}; the ONNX standard's are allowed"
            )
        if kind not in OPERATORS:
            raise BundleError(
                f"{self._where}: has the operator {kind}; loops, branches, chance, text and operators that "
                "nobody knows are not allowed"
            )
        if kind == "Constant" and len(node.contents(5)) != 1:
            raise BundleError(
                f"{self._where}: a Constant has {len(node.contents(5))} values, one is wanted"
            )
        sizes = [self._check_attribute(node, kind, content) for content in node.contents(5)]
        if kind not in _FREE and _product(sizes) > MAX_ELEMENTS:
            raise BundleError(f"{self._where}: {kind} wants {sizes[:SMALL]}, which no memory holds")

    def _check_attribute(self, node: Message, kind: str, content: memoryview) -> int:
        """The integer that it is; 1 where it is none, or is less."""
        attribute = self._reader.read(content, _ATTRIBUTE, f"an attribute of {kind}")
        name = attribute.text(1)
        if sum(field in attribute for field in _VALUES) > 1:
            raise BundleError(f"{self._where}: {name} of {kind} has values of several types, one is wanted")
        single, several = (_floats(attribute.contents(field)) for field in (2, 7))
        if not all(map(math.isfinite, (*single, *several))):
            raise BundleError(f"{self._where}: {name} of {kind} is not finite")
        for numbers in (attribute.integers(8), several):
            if kind not in _FREE and _product(numbers) > MAX_ELEMENTS:
                said = list(numbers[:SMALL])
                raise BundleError(f"{self._where}: {name} of {kind} is {said}, which no memory holds")
        for tensor in attribute.contents(5):
            self._tensor(tensor, f"{name} of {kind}", *map(_text, node.contents(2)[:1]))
        if kind == "Constant" and 5 not in attribute and node.contents(2):
            numbers = [*attribute.integers(3), *attribute.integers(8), *single, *several]
            self._numbers[_text(node.contents(2)[0])] = numbers[:SMALL]
            self._counts[_text(node.contents(2)[0])] = len(numbers)
        return max(1, abs(attribute.integer(3)))

    def _check_size(self, node: Message) -> None:
        kind, inputs = node.text(4), [_text(name) for name in node.contents(1)]
        names = [inputs[place] if place < len(inputs) else "" for place in SIZED[kind]]
        said = [self._numbers.get(name, []) for name in names]
        made = [_steps(said)] if kind == "Range" else map(_product, said)
        if any(number > MAX_ELEMENTS for number in made):
            raise BundleError(f"{self._where}: {kind} makes {said} of its input, which no memory holds")
        for name in names:
            if self._counts.get(name, 0) > SMALL:
                raise BundleError(
                    f"{self._where}: {kind} takes {self._counts[name]} numbers of {name!r} for a size, and "
                    "none has so many"
                )

    def _tensor(self, content: memoryview, role: str, made: str | None = None) -> str:
        """The name of a tensor that may be there."""
        tensor = self._reader.read(content, TENSOR, role)
        name = made or tensor.text(8)
        check_tensor(self._reader, tensor, f"{self._where}: {role} {name!r}")
        self._numbers[name] = small_numbers(self._reader, tensor)
        self._counts[name] = math.prod(tensor.integers(1))
        return name


def _text(content: memoryview) -> str:
    return bytes(content).decode("utf-8", "backslashreplace")


def _floats(contents: Sequence[memoryview]) -> list[float]:
    """What stands in a field of floats, packed or not."""
    content = b"".join(contents)
    return [float(number) for number in np.frombuffer(content[: len(content) // 4 * 4], "<f4")]


def _product(numbers: Sequence[float]) -> float:
    """As a float: whole numbers that are multiplied a hundred thousand times take minutes."""
    return math.prod((max(1, abs(number)) for number in numbers), start=1.0)


def _steps(said: Sequence[Sequence[float]]) -> float:
    """How many numbers a Range makes, as far as its start, limit and step stand in the network."""
    start, limit, step = (each[0] if len(each) == 1 else None for each in said)
    length = max(abs(start or 0), abs(limit or 0))
    if start is not None and limit is not None:
        length = abs(limit - start)
    return length / abs(step) if step else length


def _said(ends: Sequence[End]) -> str:
    return ", ".join(f"{end.name} of type {end.kind} {end.shape}" for end in ends) or "nothing"
