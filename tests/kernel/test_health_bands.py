"""Bands of a recipe: what they say of values, what they refuse, and whose digest they change."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from taktsight.errors import ConfigError
from taktsight.health_bands import MEASURES, Band, Health
from taktsight.recipe import Recipe, load_recipe

RECIPE = """
product: lid
views: [{{camera: top, mm_per_px: 0.1{health}}}]
limits: [{{label: pit, reject_score: 0.6, review_score: 0.3}}]
"""


def recipe_with(folder: Path, health: str = "") -> Recipe:
    file = folder / "recipe.yaml"
    file.write_text(RECIPE.format(health=f", health: {health}" if health else ""), encoding="utf-8")
    return load_recipe(file)


@pytest.mark.parametrize(
    ("band", "value", "fault"),
    [
        ({"min": 2}, 2.0, ""),
        ({"min": 2}, 1.999, "1.999 < 2"),
        ({"max": 2}, 2.0, ""),
        ({"max": 2}, 2.5, "2.5 > 2"),
        ({"min": 1, "max": 2}, 1.5, ""),
        ({"min": 1}, float("nan"), "nan < 1"),
        ({"max": 1}, float("nan"), "nan > 1"),
    ],
)
def test_value_is_held_against_both_ends(band: dict[str, float], value: float, fault: str) -> None:
    assert Band.model_validate(band).fault(value) == fault


def test_measure_out_of_band_is_named_with_value_and_band() -> None:
    health = Health(focus=Band(min=0.02), mean_level=Band(min=90, max=140))
    assert health.faults({"focus": 0.012, "mean_level": 100.0, "seam": 9.0}) == {
        "focus": "focus 0.012 < 0.02"
    }


def test_band_whose_measure_is_missing_counts_as_left() -> None:
    assert list(Health(focus=Band(min=0.02)).faults({})) == ["focus"]


def test_every_measure_may_have_a_band() -> None:
    said: dict[str, Any] = {name: {"min": 0, "max": 1} for name in MEASURES}
    assert list(Health.model_validate(said).bands) == list(MEASURES)


@pytest.mark.parametrize(
    "health", [{"focus": {}}, {"focus": {"min": 2, "max": 1}}, {"frame_px": [0, 5]}, {"blur": {"min": 1}}]
)
def test_contradictions_are_refused(health: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Health.model_validate(health)


def test_shift_without_a_reference_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="need a reference"):
        recipe_with(tmp_path, "{shift_mm: {max: 0.5}}")
    assert recipe_with(tmp_path, "{shift_mm: {max: 0.5}, reference: good.png}")


def test_recipe_without_health_keeps_the_digest_it_had_before_there_was_any(tmp_path: Path) -> None:
    before = "dd497b976f4c87ae9316fefd52e678789a9ae9798320fa1a2cbb031c6044f740"
    assert recipe_with(tmp_path).digest == before


def test_bands_are_part_of_the_digest(tmp_path: Path) -> None:
    digests = {
        recipe_with(tmp_path, health).digest
        for health in (
            "",
            "{}",
            "{focus: {min: 0.1}}",
            "{focus: {min: 0.2}}",
            "{focus: {min: 0.2}, when_out: alarm}",
            "{frame_px: [640, 480]}",
        )
    }
    assert len(digests) == 6
