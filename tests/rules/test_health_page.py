"""The pages about image health and golden parts: their figures are measured, their examples are true."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from taktsight.benchmarks.health_table import PAGE, page, results
from taktsight.inspect.golden_settings import GoldenCheck
from taktsight.recipe import View
from taktsight.strict_yaml import parse_yaml

from .conftest import ROOT


def example(page_name: str) -> str:
    """The first YAML block of a page."""
    text = (ROOT / "docs" / page_name).read_text(encoding="utf-8")
    found = re.search(r"```yaml\n(.*?)```", text, re.DOTALL)
    assert found is not None
    return found.group(1)


def test_tables_are_those_of_the_results() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert text == page(text, *results())
    assert "| blur 2 px |" in text


def test_bands_of_the_page_are_those_of_a_recipe() -> None:
    (view,) = yaml.safe_load(example("health.md"))["views"]
    read = parse_yaml(yaml.safe_dump(view), View, Path("health.md"))
    assert read.health is not None
    assert len(read.health.bands) == 6


def test_golden_parts_of_the_page_are_those_of_a_station() -> None:
    golden = yaml.safe_load(example("golden.md"))["golden"]
    assert len(parse_yaml(yaml.safe_dump(golden), GoldenCheck, Path("golden.md")).parts) == 2
