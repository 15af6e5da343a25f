"""The README does what it says: its Python runs, its verbs and its files exist."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from taktsight.bundle import read_bundle
from taktsight.cli import VERBS
from taktsight.inspect.backends.ort import OnnxRuntimeBackend
from taktsight.inspect.inspector import Inspector
from taktsight.records import Frame, Part

from .conftest import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(\w*)\n(.*?)```", README, flags=re.DOTALL)
PYTHON = [block for language, block in BLOCKS if language == "python"]


def run_block(block: str, workshop: Path) -> dict[str, object]:
    """Runs Python of the README on the small product instead of the demo's."""
    (image, *_) = sorted((workshop / "learn" / "images").rglob("*.png"))
    block = block.replace("demo/flange.taktsight", str(workshop / "part.taktsight"))
    block = re.sub(r"demo/shift/images/[\w/.-]+\.png", str(image), block)
    names: dict[str, object] = {}
    exec(compile(block, "README.md", "exec"), names)
    return names


def test_inspector_example_gives_a_verdict(workshop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_block(PYTHON[0], workshop)
    assert capsys.readouterr().out.split()[0] in ("PASS", "REJECT", "REVIEW")


def test_plain_onnxruntime_gives_the_same_bits_as_the_line(workshop: Path) -> None:
    names = run_block(PYTHON[1], workshop)
    bundle = read_bundle(workshop / "part.taktsight")
    inspector = Inspector(OnnxRuntimeBackend(bundle.model), bundle.card, bundle.card.own_recipe())
    frame = Frame(bundle.golden[bundle.card.golden[0].file], 1, 0, "camera")
    (prediction,) = inspector.inspect(Part(1, (frame,))).predictions
    maps, scores = names["maps"], names["scores"]
    assert isinstance(maps, np.ndarray)
    assert isinstance(scores, np.ndarray)
    height, width = prediction.maps.shape[1:]
    assert np.array_equal(maps[0, :, :height, :width], prediction.maps)
    assert np.array_equal(scores[0], prediction.scores)


def test_every_verb_of_the_readme_exists() -> None:
    named = set(re.findall(r"^taktsight (\w+)", README, flags=re.MULTILINE))
    assert named == set(VERBS)


def test_every_make_target_of_the_readme_exists() -> None:
    targets = re.findall(
        r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE
    )
    assert set(re.findall(r"^make ([a-z-]+)", README, flags=re.MULTILINE)) <= set(targets)


def test_every_file_of_the_tree_exists() -> None:
    """Lines of the drawn tree: a folder at the margin, what is in it indented below."""
    (tree,) = (block for _, block in BLOCKS if block.startswith("src/taktsight/ "))
    missing, folder = [], ROOT
    within = folder
    for line in tree.splitlines():
        names = re.findall(r"(?<!\S)[\w/]+(?:\.py|/)(?!\S)", line)
        if line[:1].strip():
            folder = ROOT / names[0]
            names = names[:1]
            missing += [name for name in names if not (ROOT / name).exists()]
        elif line.startswith("    "):  # of the folder that the line above names
            missing += [name for name in names if not (within / name).exists()]
        else:
            missing += [name for name in names if not (folder / name).exists()]
            within = folder / names[0] if names and names[0].endswith("/") else within
    assert missing == []


def test_every_picture_and_link_of_the_readme_exists() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", README)
    assert [link for link in links if "://" not in link and not (ROOT / link).exists()] == []
