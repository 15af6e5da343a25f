"""The page on cameras shows stations that are right."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from taktsight.inspect.config import load_station

from .place import Place

PAGE = (Path(__file__).parents[2] / "docs" / "cameras.md").read_text(encoding="utf-8")
EXAMPLES = [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", PAGE, flags=re.DOTALL)]
KINDS = {"folder", "video", "v4l2", "rtsp", "gstreamer", "gentl", "pylon"}


@pytest.mark.parametrize("example", EXAMPLES, ids=[next(iter(example)) for example in EXAMPLES])
def test_examples_are_stations_without_a_mistake(place: Place, example: dict[str, object]) -> None:
    cameras = example.get("cameras", [{"kind": "folder", "name": "top", "folder": "images"}])
    values = example | {"cameras": cameras, "trigger": {"kind": "timer", "takt_ms": 1000}}
    load_station(place.write(**values))


def test_every_kind_of_the_page_is_in_its_table() -> None:
    for kind in KINDS:
        assert f"`{kind}`" in PAGE
