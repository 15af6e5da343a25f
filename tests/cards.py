"""The card of a small bundle, for tests that change one thing about it."""

from __future__ import annotations

from typing import Any

from taktsight.card import Card, OperatingPoint, Origin, Parity
from taktsight.imaging import Canvas
from taktsight.recipe import Limit


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
        "parity": Parity(
            reference="torch",
            parts=30,
            flips=0,
            flips_upper=0.1,
            max_map_difference=1e-6,
            max_score_difference=1e-6,
        ),
        "origin": Origin(data="d", config="c", code="e", weights="w", taktsight="0.1.0"),
    }
    return Card(**fields | changes)
