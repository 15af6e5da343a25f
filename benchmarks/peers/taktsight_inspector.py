"""Taktsight's own cycle: prepare → infer → locate → decide. VARIANT is an engine's name."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

from taktsight.card import Card
from taktsight.inspect.backends.backend import open_backend
from taktsight.inspect.engines import engine_named
from taktsight.inspect.inspector import Inspector
from taktsight.records import Frame, Image, Part

PACKAGES = ("taktsight", "onnxruntime", "openvino", "opencv-python-headless", "numpy")


def open_cycle(folder: Path, variant: str, threads: int) -> Callable[[Image], tuple[bool, float]]:
    """Judges one frame; the model is ``taktsight.onnx``, how to judge stands in ``card.json``."""
    card = Card.model_validate_json((folder / "card.json").read_text(encoding="utf-8"))
    models = {"f32": (folder / "taktsight.onnx").read_bytes()}
    recipe = card.own_recipe()
    inspector = Inspector(open_backend(engine_named(variant, threads=threads), models), card, recipe)
    camera, numbers = recipe.views[0].camera, itertools.count()

    def cycle(image: Image) -> tuple[bool, float]:
        number = next(numbers)
        inspection = inspector.inspect(Part(number, (Frame(image, number, 0, camera),)))
        return inspection.verdict.outcome.value == "PASS", float(inspection.predictions[0].scores.max())

    return cycle
