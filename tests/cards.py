"""The card of a small bundle, for tests that change one thing about it."""

from __future__ import annotations

from typing import Any

from taktsight.card import Card, OperatingPoint, Origin, Parity
from taktsight.imaging import Canvas
from taktsight.manifest import Environment, Manifest
from taktsight.recipe import Limit


def make_manifest(**changes: Any) -> Manifest:
    """Of a segmenter that one process trained on one thread; ``changes`` replace its fields."""
    fields: dict[str, Any] = {
        "data": {"train": 64 * "1", "val": 64 * "2", "test": 64 * "3"},
        "parts": {"train": 60, "val": 20, "test": 30},
        "split": 64 * "4",
        "config": {"model": 64 * "5", "data": 64 * "6", "trainer": 64 * "7"},
        "code": 64 * "8",
        "seed": 0,
        "environment": Environment(
            python="3.11.2",
            platform="Linux x86_64",
            device="cpu AVX512",
            precision="32-true",
            processes=1,
            threads=2,
            packages={"torch": "2.9.0", "numpy": "2.3.0"},
        ),
        "weights": 64 * "9",
    }
    return Manifest(**fields | changes)


def make_parity(**changes: Any) -> Parity:
    """Of the reference engine, without a flip; ``changes`` replace its fields."""
    fields: dict[str, Any] = {
        "engine": "onnxruntime:f32",
        "reference": "torch",
        "parts": 30,
        "flips": 0,
        "flips_upper": 0.1,
        "max_map_difference": 1e-6,
        "p999_map_difference": 1e-6,
        "relative_map_difference": 1e-6,
        "max_score_difference": 1e-6,
    }
    return Parity(**fields | changes)


def make_card(**changes: Any) -> Card:
    """A segmenter's card for 64×64 grey pixels; ``changes`` replace its fields and must give ``golden``."""
    fields: dict[str, Any] = {
        "name": "flange",
        "task": "segmentation",
        "labels": ("pit",),
        "canvas": Canvas(64, 64, 1, 1, 32),
        "mm_per_px": 0.05,
        "limits": (Limit(label="pit", reject_score=0.8, review_score=0.4),),
        "operating_point": OperatingPoint(
            chosen_on="val",
            measured_on="test",
            defective=10,
            escapes=0,
            escape_upper=0.31,
            good=20,
            overkills=1,
            overkill_upper=0.25,
        ),
        "parity": (make_parity(),),
        "origin": Origin(training=make_manifest(), code=64 * "e", taktsight="0.1.0"),
    }
    return Card(**fields | changes)
