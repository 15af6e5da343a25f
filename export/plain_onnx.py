"""A bundle as plain ONNX, for those who run neither Taktsight nor a model server.

model.onnx     uint8 (N, H, W, C) in → maps and scores float32 out; the bundle's own, unchanged
model.json     labels, canvas, limits, golden samples with their scores
labels.txt     K labels, in the order of scores
golden/*.png   parts whose scores are known
README.md      how to feed it
example.py     the same as a program that needs ONNX Runtime and OpenCV alone
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import onnxruntime as ort

from taktsight.bundle import Bundle
from taktsight.image_files import encode_png
from taktsight.inspect.backends.ort import OnnxRuntimeBackend

_HOME = Path(__file__).parent
PNG_COMPRESSION = 6
"""Written once, read often."""


@dataclass(frozen=True, slots=True)
class ModelShapes:
    """Of the model's tensors, without the batch."""

    batch: int | None
    """Images it takes at a time; None where that is free."""
    images: tuple[int, int, int]
    """H, W, C."""
    maps: tuple[int, int, int]
    """K, h, w."""
    scores: tuple[int]
    """K."""


def model_shapes(bundle: Bundle) -> ModelShapes:
    """What the model takes and gives, seen on a black image: graphs do not always name every size.

    Raises:
        BackendError: If ONNX Runtime refuses the model.
    """
    canvas = bundle.card.canvas
    images = (canvas.height, canvas.width, canvas.planes)
    maps, scores = OnnxRuntimeBackend(bundle.model).infer(np.zeros((1, *images), np.uint8))
    labels, height, width = maps.shape[1:]
    named = ort.InferenceSession(bundle.model, providers=["CPUExecutionProvider"]).get_inputs()[0].shape[0]
    return ModelShapes(
        named if isinstance(named, int) else None, images, (labels, height, width), scores.shape[1:]
    )


def plain_onnx(bundle: Bundle) -> dict[str, bytes]:
    """The files, by their names.

    Args:
        bundle: verified.

    Raises:
        BackendError: If ONNX Runtime refuses the model.
    """
    card, shapes = bundle.card, model_shapes(bundle)
    content = {
        "name": card.name,
        "bundle_digest": bundle.digest,
        "task": card.task,
        "labels": card.labels,
        "canvas": asdict(card.canvas),
        "views": card.views,
        "mm_per_px": card.mm_per_px,
        "input": {"name": "images", "type": "uint8", "shape": ["N", *shapes.images]},
        "outputs": {
            "maps": {"type": "float32", "shape": ["N", *shapes.maps]},
            "scores": {"type": "float32", "shape": ["N", *shapes.scores]},
        },
        "limits": [limit.model_dump(mode="json") for limit in card.limits],
        "golden": [sample.model_dump(mode="json") for sample in card.golden],
    }
    golden = {name: encode_png(image, PNG_COMPRESSION) for name, image in bundle.golden.items()}
    return {
        "model.onnx": bundle.model,
        "model.json": (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode(),
        "labels.txt": labels_file(card.labels),
        "README.md": _readme(bundle, shapes).encode(),
        "example.py": (_HOME / "plain_example.txt").read_bytes(),
        **golden,
    }


def labels_file(labels: Sequence[str]) -> bytes:
    """One label a line."""
    return "".join(f"{label}\n" for label in labels).encode()


def _readme(bundle: Bundle, shapes: ModelShapes) -> str:
    card = bundle.card
    height, width, planes = shapes.images
    colour = "RGB, not BGR" if card.canvas.channels == 3 else "mono"
    text = (_HOME / "plain_readme.txt").read_text(encoding="utf-8")
    return text.format(
        name=card.name,
        digest=bundle.digest,
        input=f"{height}, {width}, {planes}",
        colour=f"{colour}, the golden template's channels behind the frame's"
        if card.canvas.paired
        else colour,
        maps=", ".join(map(str, shapes.maps)),
        labels=", ".join(card.labels),
        factor=card.canvas.factor,
        height=height,
        width=width,
        overlap=card.canvas.overlap,
        batch="any number of images" if shapes.batch is None else f"{shapes.batch} image at a time",
    )
