"""Golden templates of a recipe: read once, known by their content."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

from taktsight.errors import ConfigError
from taktsight.image_files import encode_png
from taktsight.inspect.references import read_recipe

GOLDEN = encode_png(np.arange(64, dtype=np.uint8).reshape(8, 8, 1))


def lay(folder: Path, view: str, content: bytes = GOLDEN) -> Path:
    (folder / "golden.png").write_bytes(content)
    recipe = folder / "recipe.yaml"
    recipe.write_text(
        f"product: board\nviews: [{{mm_per_px: 0.1, {view}}}]\n"
        "limits: [{label: pit, reject_score: 0.6, review_score: 0.3}]\n"
    )
    return recipe


def test_template_is_found_beside_the_recipe_and_its_digest_filled_in(tmp_path: Path) -> None:
    recipe, references = read_recipe(lay(tmp_path, "reference: golden.png"), channels=1)
    assert references["camera"].shape == (8, 8, 1)
    assert references["camera"].max() == 63
    assert recipe.views[0].reference_sha256 == hashlib.sha256(GOLDEN).hexdigest()


def test_template_with_another_content_is_another_recipe(tmp_path: Path) -> None:
    path = lay(tmp_path, "reference: golden.png")
    before, _ = read_recipe(path, channels=1)
    lay(tmp_path, "reference: golden.png", encode_png(np.zeros((8, 8, 1), np.uint8)))
    after, _ = read_recipe(path, channels=1)
    assert before.digest != after.digest


def test_template_gets_the_channels_that_the_bundle_wants(tmp_path: Path) -> None:
    _, references = read_recipe(lay(tmp_path, "reference: golden.png"), channels=3)
    assert references["camera"].shape == (8, 8, 3)


@pytest.mark.parametrize(
    ("view", "content", "says"),
    [
        ("reference: gold.png", GOLDEN, "reference of view camera: .*gold.png cannot be read"),
        ("reference: golden.png", b"", "golden.png: is empty"),
        ("reference: golden.png", b"no image", "is not an image that can be decoded"),
        (f"reference: golden.png, reference_sha256: {'ab' * 32}", GOLDEN, "is not the file that"),
    ],
)
def test_template_that_is_not_what_was_named_is_refused(
    tmp_path: Path, view: str, content: bytes, says: str
) -> None:
    with pytest.raises(ConfigError, match=says):
        read_recipe(lay(tmp_path, view, content), channels=1)
